/* SPDX-License-Identifier: ISC */
/*
 * Paths that were walked before, and where they led.  All hold until a name
 * changes anywhere or a directory's mode does, which the server counts
 * (fs_super.seq), or until this process becomes somebody else.
 */
#ifndef EXOS_FS_KNOWN_H
#define EXOS_FS_KNOWN_H

#include "fs.h"

#define KNOWN_WORDS 16u			/* of a path: longer ones are walked each time */

struct known_path {			/* what a walk depends on */
	u64 seq;			/* before it began */
	u64 word[KNOWN_WORDS];		/* the text, zeroes behind */
	u32 words, hash;
	u32 start, root, flags;
};

/* False: not to be kept. */
bool known_path(struct known_path *k, u64 seq, u32 start, u32 root, u32 flags, const char *path);
bool known_find(const struct known_path *k, struct place *at);
void known_add(const struct known_path *k, const struct place *at);
void known_forget(void);

/* fs.c: as this process sees it now. */
bool fs_path_begin(struct known_path *k, u32 start, u32 flags, const char *path);

#endif
