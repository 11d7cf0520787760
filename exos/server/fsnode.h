/* SPDX-License-Identifier: ISC */
/*
 * The server's file system: inodes, maps, directories, as its own parts see
 * them.  Checks are done before any of the functions that change something is
 * called; those that need memory say so by returning an error, with nothing
 * changed.
 */
#ifndef EXOS_FSNODE_H
#define EXOS_FSNODE_H

#include "server.h"
#include "../fs/dirblock.h"
#include "../fs/meta.h"
#include "../linux/abi.h"

/* Places in the shared region.  Space is reserved here and backed as it is needed. */
#define FS_SUPER_OFF 0x00000800ull	/* behind sh_info: requests and walks look at both */
_Static_assert(sizeof(struct sh_info) <= FS_SUPER_OFF &&
		FS_SUPER_OFF + sizeof(struct fs_super) <= EXO_PAGE_BYTES,
	"both in one page");
#define FS_INODE_OFF 0x00200000ull
#define FS_BLOCK_OFF 0x08000000ull
#define FS_INODES_MAX ((FS_BLOCK_OFF - FS_INODE_OFF) / sizeof(struct fs_inode))
#define FS_BLOCKS_MAX ((0x40000000ull - FS_BLOCK_OFF) / DIRBLOCK_BYTES)

#define FILE_GUARDS 2048u

extern struct meta fs_meta;		/* reader's view of what follows */
extern struct fs_super *fs_super;

/* ---- fsnode.c: inodes, metadata blocks, guards ------------------------------------------ */
int node_boot(void);
struct fs_inode *node_at(uint32_t ino);			/* NULL: no such */
/* fstable.c: numbers, with frames behind them; 0: no memory. */
int tables_boot(void);
uint32_t slot_new(void);
void slot_free(uint32_t ino);
/* A new inode, nlink 0, with its guard; NULL: no memory. */
struct fs_inode *node_new(uint32_t mode, uint32_t uid, uint32_t gid, uint32_t *ino);
void node_free(uint32_t ino);				/* contents and all */
/* Between these readers retry. */
void node_begin(struct fs_inode *node);
void node_end(struct fs_inode *node);
void node_touch(struct fs_inode *node);			/* mtime and ctime, between begin and end */
int node_setid(struct fs_inode *node, uint32_t mode, uint32_t uid, uint32_t gid);	/* 0 or -ENOSPC */
/* Its seals were changed, and say what keys open its contents; unbind: nobody keeps what is bound.  0 or -ENOSPC. */
int node_seal(struct fs_inode *node, bool unbind);
exo_guardref
node_own(uint32_t ino, bool root); /* a guard that serves this inode alone; 0: none to be had */
uint32_t block_new(void);				/* zeroed; 0: no memory */
void block_free(uint32_t block);
void *block_at(uint32_t block);

/* ---- fsmap.c: what lies where ------------------------------------------------------------- */
uint64_t map_get(const struct fs_inode *node, uint64_t index);
int map_set(struct fs_inode *node, uint64_t index, uint64_t leaf);	/* 0 or -ENOSPC, -EFBIG */
/* The first present leaf at or after index; false: none. */
bool map_next(const struct fs_inode *node, uint64_t *index, uint64_t *leaf);
/* Free the leaves from index `from` on, of which those before *at are gone; at most so many.  True: that was all. */
bool map_cut(struct fs_inode *node, uint64_t from, uint64_t *at, unsigned most);
/* Free the leaves in [*first, last), at most so many: true when some are left, from *first on. */
bool map_punch(struct fs_inode *node, uint64_t *first, uint64_t last, unsigned most);
/* Frames for all pages in [first, last]; 0 or -ENOSPC, -EFBIG. */
int map_fill(struct fs_inode *node, uint64_t first, uint64_t last);

/* ---- fsfree.c: what is too much for one request ------------------------------------------- */
void free_tail(struct fs_inode *node, uint32_t ino);	/* what lies behind its end, now or later */
bool free_node(struct fs_inode *node,
	uint32_t ino); /* all that it has; false: later, and its number with it */
bool free_step(void);			/* some of what is left; false: nothing was */

/* ---- fsdir.c: entries ------------------------------------------------------------------------- */
int dir_add(struct fs_inode *dir, uint32_t ino, uint32_t mode, const char *name, size_t bytes);
struct dir_place {
	struct fs_dirent *entry;	/* NULL: no such name */
	char *block;
	uint64_t index;			/* of the block */
};
struct dir_place dir_find(const struct fs_inode *dir, const char *name, size_t bytes);
void dir_take(struct fs_inode *dir, struct dir_place p);
void dir_remove(struct fs_inode *dir, const char *name, size_t bytes);
void dir_point(struct fs_inode *dir, const char *name, size_t bytes, uint32_t ino, uint32_t mode);
bool dir_empty(const struct fs_inode *dir);

/* ---- fsdev.c -------------------------------------------------------------------------------- */
const char *fs_devices_boot(void);	/* NULL, or what is wrong */

/* ---- fs.c -------------------------------------------------------------------------------------- */
/* Make a file of any type in a directory that has no such name.  ino or -errno. */
long fs_make(uint32_t dir, const char *name, size_t bytes, uint32_t mode, uint32_t uid,
	uint32_t gid, uint64_t rdev);
/* One name less; the last one frees it, now or when it is closed */
void fs_name_lost(uint32_t ino);
int fs_set_target(struct fs_inode *node, const char *target, size_t bytes);

/* ---- fskey.c ----------------------------------------------------------------------------------- */
/* What the caller's keys open, by the kernel's word. */
bool client_may(const struct request *r, const struct fs_inode *node, uint32_t rights);
bool client_owns(const struct request *r, const struct fs_inode *node);
/* A key to a regular file for the caller, who was found to have these rights. */
long fs_key_give(const struct request *r, uint32_t ino, uint64_t rights, uint64_t slot);
bool client_is_root(const struct request *r);
/* The same, or by a key that was bound for it (OP_FS_KEY); slot 0: none. */
bool
client_may_by(const struct request *r, const struct fs_inode *node, uint32_t rights, uint64_t slot);
long fs_key_bind(const struct request *r, uint32_t ino, uint64_t rights, uint64_t slot);
long fs_key_request(const struct request *r);

/* ---- xattr.c ------------------------------------------------------------------------------------ */
long fs_xattr(struct request *r);
void xattrs_gone(struct fs_inode *node);

/* ---- fsattr.c ---------------------------------------------------------------------------------- */
long fs_setattr(struct request *r);
long fs_extend(struct request *r);
long fs_truncate(struct request *r);
long fs_seal(struct request *r);		/* fsseal.c */
long fs_punch(struct request *r);

#endif
