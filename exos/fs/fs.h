/* SPDX-License-Identifier: ISC */
/*
 * The file system's library side, for the other parts of fs/, fd/ and linux/.
 *
 * An inode number below PROCFS is the server's; metadata is read where it lies
 * in the shared region.  Numbers from PROCFS on are made up here, see procfs.c.
 */
#ifndef EXOS_FS_H
#define EXOS_FS_H

#include "../core/exos.h"
#include "../linux/abi.h"
#include "dirblock.h"
#include "meta.h"

#define PROCFS 0x80000000u

/* ---- fs.c: metadata, races waited out ------------------------------------------------- */
int fs_stat(u32 ino, struct fs_inode *copy);		/* 0 or -ENOENT */
long fs_find(u32 dir, const char *name, size_t bytes);	/* ino, 0: absent, -errno */
long fs_target(u32 ino, char *to, size_t room);
/* Where data (or a hole) begins at or behind `at` of a file with contents, at most its end; -ENXIO. */
long fs_seek(u32 ino, u64 at, bool data);
u32 fs_mode(u32 ino);			/* type and permissions; 0: there is none */
/* May this process, by the mode?  want: R_OK | W_OK | X_OK. */
bool fs_may(const struct fs_inode *node, u32 want);
int fs_may_search(u32 dir);		/* is it a directory, and may this process go on from there? */
/* As its real ids say, from here on (access) or no longer. */
void fs_act_real(bool real);
/* -ETXTBSY: it is a program that runs, and not to be written. */
int fs_busy(u32 ino, const struct fs_inode *node);
exo_slot fs_key(const struct fs_inode *node);		/* which of our keys is to open its contents */
/* Entry at *at of a directory (0 first; it moves behind it); 0: no more, or -errno. */
struct entry {
	u32 ino;
	u8 type;
	u8 name_bytes;
	char name[FS_NAME_MAX + 1];
};
int fs_next(u32 dir, u64 *at, struct entry *e);		/* 1: one found */
long fs_path(u32 dir, char *to, size_t room);		/* absolute path of a directory: its length */
long fs_path_in(u32 dir, u32 ino, char *to, size_t room);	/* of what lies in it */
u32 fs_cwd(void);
u32 fs_root(void);			/* of this process, see chroot */
void fs_set_root(u32 ino);
void fs_set_cwd(u32 ino);

/* ---- tell.c: what inotify is to hear of (IN_*) that was done to a file found in a directory (or 0) ---- */
bool fs_watched(u32 ino, u32 dir, u32 mask);	/* does anybody want to? */
void fs_tell(u32 ino, u32 dir, u32 mask);
void fs_was_read(u32 ino);		/* its time of access, if that says something new */
void fs_was_written(u32 ino);		/* in place: its times, if that says something new */

/* ---- keep.c: keys to single files; bits: rwx ------------------------------------------------------ */
/* This process is about to become somebody else: what it has open it keeps, all else it lets go of. */
void fs_part(const struct sh_cred *next);
exo_slot keep_key(u32 ino);		/* 0: none */
int keep(u32 ino, u32 bits);		/* 0 or -errno */
u32 keep_bits(u32 ino);			/* rwx that it is good for */
void keep_open(u32 ino, const struct fs_inode *next);	/* before its owner and mode become those */
int keep_add(u32 ino, u32 bits, exo_slot slot);
u32 keep_rights(u32 bits);
void keep_drop(u32 ino);

/* ---- walk.c: paths ------------------------------------------------------------------------ */
#define WALK_NOFOLLOW    1u		/* do not follow a symbolic link at the end */
#define WALK_CREATE      2u		/* the last name is to be a file: a slash behind it is -EISDIR */
#define WALK_NO_SYMLINKS 4u		/* the rest as RESOLVE_* of openat2 */
#define WALK_NO_MAGIC    8u
#define WALK_NO_XDEV     16u
#define WALK_BENEATH     32u
#define WALK_IN_ROOT     64u
#define WALK_PARENT      128u		/* the last name is to change: it is looked up and left at that */

enum walk_last { LAST_NAME, LAST_ROOT, LAST_DOT, LAST_DOTDOT };

struct place {
	u32 dir, ino;			/* ino 0: the last name does not exist there */
	u32 name_bytes;			/* 0: the path ends in /, . or .. */
	bool slash;			/* a slash behind the last name */
	u8 last;			/* enum walk_last; with WALK_PARENT */
	char name[FS_NAME_MAX + 1];
};
int fs_walk(u32 start, const char *path, u32 flags, struct place *at);	/* 0 or -errno */
int fs_walk_at(int dirfd, const char *path, u32 flags, struct place *at);

/* ---- io.c: contents -------------------------------------------------------------------------- */
/* `to`, `from`: the program's memory or the library's.  Bytes done, or -errno. */
long fs_pread(u32 ino, u64 pos, u64 to, u64 bytes);
/* *pos FS_APPEND: at the end, which is stored there. */
long fs_pwrite(u32 ino, u64 *pos, u64 from, u64 bytes);
void windows_drop(void);		/* no page of a file stays mapped in the library */

/* ---- nameless.c --------------------------------------------------------------------------------- */
/* A new file without a name, held as by fs_hold: ino or -errno. */
long fs_nameless(u64 size, u32 mode, u32 seals);

/* ---- procfs.c ------------------------------------------------------------------------------------ */
#define PROCFS_ROOT PROCFS
int procfs_stat(u32 ino, struct fs_inode *copy);
long procfs_find(u32 dir, const char *name, size_t bytes);
int procfs_next(u32 dir, u64 *at, struct entry *e);
long procfs_target(u32 ino, char *to, size_t room);
u32 procfs_jump(u32 ino);		/* where following a link of ours leads without a name; 0: by name */
long procfs_write(u32 ino, u64 from, size_t bytes);	/* of the program's */
long procfs_text(u32 ino, char *to, size_t room);	/* contents of a file */
long procfs_process(u32 ino);		/* whose directory it is; -EBADF: none, -ESRCH: it is gone */
int procfs_fd(u32 ino);			/* descriptor that /proc/self/fd/N stands for, or -1 */

#endif
