/* SPDX-License-Identifier: ISC */
/* Requests about names: what their parts share. */
#ifndef EXOS_FSNAME_H
#define EXOS_FSNAME_H

#include "fsnode.h"

#define MODE_BITS 07777u

/* A name out of the comm page. */
struct name {
	char text[FS_NAME_MAX + 1];
	size_t bytes;
};

/* Each byte is read once; *at moves behind the NUL. */
int fs_name_read(const struct request *r, size_t *at, struct name *n);
bool fs_is_dots(const struct name *n);
/* A directory in which the caller may change names: 0 or -errno. */
int fs_dir_for_change(const struct request *r, uint64_t ino, struct fs_inode **dir);
bool fs_sticky_forbids(const struct request *r, const struct fs_inode *dir,
	const struct fs_inode *victim);

/* The mode of a file that the caller makes in this directory. */
uint32_t fs_mode_of_new(const struct request *r, const struct fs_inode *dir, uint32_t mode);

extern uint32_t fs_orphans;		/* inodes with nlink 0 that somebody may hold */
bool fs_orphan_try(uint32_t ino);	/* freed, if it is one and nobody does */

long fs_create(struct request *r);
long fs_make_nameless(struct request *r);
long fs_make_symlink(struct request *r);
long fs_make_link(struct request *r);
long fs_unlink(struct request *r);
long fs_rename(struct request *r);

#endif
