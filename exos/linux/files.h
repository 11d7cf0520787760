/* SPDX-License-Identifier: ISC */
/* What the Linux calls about files have in common. */
#ifndef EXOS_LINUX_FILES_H
#define EXOS_LINUX_FILES_H

#include "../fd/file.h"
#include "../fs/fs.h"
#include "calls.h"

/* The program's path, in one of two buffers of the library (0 or 1). */
int path_get(unsigned which, u64 user, const char **path);
/* Path to place.  0 or -errno; ino 0 is an error only with `must`. */
int path_place(unsigned which, int dirfd, u64 user, u32 flags, bool must, struct place *at);
/* With AT_EMPTY_PATH semantics: the inode that (dirfd, path, flags) means; or its file, when it has no inode. */
long path_ino(int dirfd, u64 user, u32 flags, struct file **f);
/* Names for the server: into the comm page, one after the other.  0 or -ENAMETOOLONG. */
int comm_names(const char *first, const char *second);
/* A structure that may be longer than we know it, if the rest is zero: 0, -EINVAL, -E2BIG, -EFAULT. */
long copy_in_grown(void *to, size_t known, u64 user, u64 bytes);
struct file *file_get(int fd, int *error);	/* -EBADF, also for O_PATH */
extern u32 path_dir;			/* the directory where the last path was found to end, 0: none; for fs_tell */
#define SCRATCH_PAGES AT(char, EXOS_WINDOW + (WINDOW_FS + 136) * EXO_PAGE_BYTES)
char *scratch_pages(void);		/* THREAD_SCRATCH bytes, of whom thread_scratch says; NULL: no memory */
#define BYTES_MAX 0x7ffff000ull		/* Linux moves no more at a time */
/* By descriptor, with what it can: NULL and *error, -EBADF or -EINVAL. */
struct file *file_readable(int fd, int *error);
struct file *file_writable(int fd, int *error);
long file_punch(u32 ino, u64 from, u64 bytes);	/* size.c: a hole */
long seals_add(const struct file *f, u64 seals);	/* memfd.c */
long seals_of(const struct file *f);

#endif
