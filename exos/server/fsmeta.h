/* SPDX-License-Identifier: ISC */
/*
 * RAM file system: the shared, read-only side.  The server alone writes it;
 * libraries walk paths, stat and read without asking anyone.
 *
 * Inode table, directory blocks and block maps lie in the shared region and
 * are named by offsets in it.  File contents lie in frames of the file
 * server's account, under a guard that says the file's owner, group and mode:
 * a library maps them with its user's keys, checked by the kernel.
 *
 * Readers: an inode's `seq` is odd while the server changes it or what it
 * points at; read it before and after, retry, and bound every index: a reader
 * that loses the race three times asks again later.  Nothing here is trusted
 * by the kernel.
 */
#ifndef EXOS_FSMETA_H
#define EXOS_FSMETA_H

#include <stdint.h>

#define FS_MAGIC 0x53464d4152ull
#define FS_ROOT_INO 1u
#define FS_NAME_MAX 255u
#define FS_RESERVE 4u			/* one part in so many of all frames is not for files */

struct fs_super {
	uint64_t magic;
	uint64_t seq;			/* bumped by every change of a name, and of a directory's mode or owner */
	uint32_t inodes;		/* in the table */
	uint32_t free_inodes;
	uint64_t inode_off;		/* of the inode table, from the shared region's start */
	uint64_t block_off;		/* of metadata block 0 */
	uint32_t blocks;		/* metadata blocks in use so far (high-water mark) */
	uint32_t spare;
	uint64_t data_frames;		/* frames of file contents */
	/* Changes when a lock on an inode with this number modulo FS_UNLOCK_WORDS goes: words to wait on. */
	uint64_t unlocked[16];
	uint64_t watches;		/* there are in all: 0, nobody needs to be told anything */
	uint64_t waiting[128];		/* inotify instances: bytes to be read; words to wait on */
};
#define FS_UNLOCK_WORDS 16u
#define FS_NOTIFY_MAX 128u

/* 160 bytes.  ino n is inode[n]; 0 is never used. */
struct fs_inode {
	uint64_t seq;			/* odd: being changed */
	uint32_t mode;			/* type and permissions as st_mode; 0: free */
	uint32_t nlink;
	uint32_t uid, gid;
	uint64_t size;			/* directories: bytes of entries; symlinks: of the target */
	uint64_t atime_ns, mtime_ns, ctime_ns;
	uint64_t rdev;
	uint64_t guard;			/* exo_guardref of the content frames */
	uint32_t generation;
	uint32_t parent;		/* directories: inode of .. */
	/* Depth 0: the only leaf itself; else the metadata block of the map's top; 0: none */
	uint32_t map;
	uint8_t depth;			/* levels of map blocks, each FS_MAP_ENTRIES numbers (uint64_t), 0..FS_DEPTH_MAX.
					 * A leaf is a frame number (regular) or a metadata block (directory, symlink) */
	uint8_t flags;			/* FS_NODE_* */
	uint8_t seals;			/* FS_SEAL_*: what nobody may do any more */
	uint8_t spare0;
	uint64_t blocks;		/* leaves held */
	union {
		char target[32];	/* symlink of at most 32 bytes: the target itself, no leaf */
		uint64_t live;		/* directory: bytes of entries in use */
	};
	uint64_t btime_ns;		/* when it was made */
	uint32_t xattrs;		/* the server's frame with its extended attributes, 0: none */
	uint32_t watched;		/* IN_* that somebody wants to be told of, see server/notify.c */
	/* Directories: in front of this block nothing was removed that was not filled again */
	uint64_t roomy;
	uint64_t next;			/* the server's: of those QUEUED, an inode number */
};
#define FS_NODE_QUEUED 4u		/* something behind its end is not freed yet */
#define FS_NODE_FRAMES 8u		/* it is none any more, and was a regular file */
#define FS_NODE_MEMORY 2u		/* made for memory: can be sealed */
#define FS_SEAL_SEAL 1u			/* as Linux numbers them */
#define FS_SEAL_SHRINK 2u
#define FS_SEAL_GROW 4u
#define FS_SEAL_WRITE 8u
#define FS_SEAL_FUTURE_WRITE 16u
#define FS_SEAL_EXEC 32u
#define FS_SEALS_WRITE (FS_SEAL_WRITE | FS_SEAL_FUTURE_WRITE)
#define FS_SEALS_ALL 63u
#define FS_NODE_LINKABLE 1u		/* has no name yet, and may be given one */
#define FS_MAP_ENTRIES 512u
#define FS_DEPTH_MAX 6u			/* any offset that fits in 63 bits */
_Static_assert(sizeof(struct fs_inode) == 160, "inode");

/*
 * Directory block: 4096 bytes, a filter (fs/dirblock.h) and entries, each 8-byte
 * aligned; an entry never crosses a block.  "." and ".." are not stored.
 */
struct fs_dirent {
	uint32_t ino;			/* 0: free space */
	uint16_t bytes;			/* of this entry including the name and padding */
	uint8_t name_bytes;
	uint8_t type;			/* DT_* */
	uint32_t hash;			/* FNV-1a of the name */
	char name[];
};

#endif
