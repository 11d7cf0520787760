/* SPDX-License-Identifier: ISC */
/*
 * Reading the file system's metadata (server/fsmeta.h), wherever it is mapped.
 * Pure: the libraries read the shared region with it, the server its own
 * writable view, the unit tests a piece of memory.
 *
 * Every number found is checked against the table it indexes; what a reader
 * makes of a torn read is decided by the sequence words, see meta_stat.
 */
#ifndef EXOS_META_H
#define EXOS_META_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../server/fsmeta.h"

typedef uint64_t u64;
typedef uint32_t u32;
typedef uint16_t u16;
typedef uint8_t u8;

struct meta {
	const char *region;		/* start of the shared region */
	const struct fs_super *super;
};

bool meta_init(struct meta *m, const char *region, u64 fs_off);
/* NULL: no such number, or the inode is free. */
const struct fs_inode *meta_inode(const struct meta *m, u32 ino);
/* NULL: no such metadata block. */
const void *meta_block(const struct meta *m, u64 block);
/* Leaf number `index` of an inode's map; 0: hole or past the end. */
u64 meta_leaf(const struct meta *m, u32 map, unsigned depth, u64 index);

/* The first index from `index` on, below `end`, that has a leaf (or has none); `end`: there is no such. */
u64 meta_seek(const struct meta *m, u32 map, unsigned depth, u64 index, u64 end, bool present);

/*
 * Optimistic reading: *seq is taken before, meta_same says afterwards whether
 * what was read in between belongs together.
 */
bool meta_begin(const struct fs_inode *node, u64 *seq);	/* false: being changed just now */
bool meta_same(const struct fs_inode *node, u64 seq);

/* A consistent copy.  0, -ENOENT, or -EAGAIN: lost the race three times. */
int meta_stat(const struct meta *m, u32 ino, struct fs_inode *copy);
/* The entry's inode number, 0: no such name, -EAGAIN, -ENOTDIR, -ENOENT: no such directory. */
long meta_find(const struct meta *m, u32 dir, const char *name, size_t bytes);

/* Where a name was found: as long as the directory is what it was then, it stands there. */
struct meta_seen {
	const struct fs_dirent *entry;
	u64 seq, btime_ns;		/* the directory's */
	u32 dir, bytes;			/* 0: nothing */
};
/* The same, for who looks for the same names again and again; *seen was 0, or filled in by this. */
long meta_find_seen(const struct meta *m, u32 dir, const char *name, size_t bytes,
	struct meta_seen *seen);
/* Target of a symbolic link: its length; -EINVAL, -EAGAIN, -ENAMETOOLONG. */
long meta_target(const struct meta *m, u32 ino, char *to, size_t room);

#endif
