/* SPDX-License-Identifier: ISC */
/* Paths and descriptors as Linux calls name them. */
#include <exo/read.h>
#include "../thread/thread.h"
#include "files.h"

u32 path_dir;

int
path_get(unsigned which, u64 user, const char **path)
{
	static char text[2][LINUX_PATH_MAX] TRANSIENT;
	long bytes = copy_in_string(text[which], user, LINUX_PATH_MAX);

	*path = text[which];
	return bytes < 0 ? (int)bytes : 0;
}

int
path_place(unsigned which, int dirfd, u64 user, u32 flags, bool must, struct place *at)
{
	const char *path;
	int error = path_get(which, user, &path);

	if (!error)
		error = fs_walk_at(dirfd, path, flags, at);
	path_dir = error ? 0 : at->dir;
	return error ? error : must && at->ino == 0 ? -ENOENT : 0;
}

long
path_ino(int dirfd, u64 user, u32 flags, struct file **f)
{
	struct place at;
	const char *path = "";
	int error = user || !(flags & AT_EMPTY_PATH) ? path_get(0, user, &path) : 0;

	*f = NULL;
	path_dir = 0;
	if (error)
		return error;
	if (path[0] == '\0' && flags & AT_EMPTY_PATH) {
		if (dirfd == AT_FDCWD)
			return fs_cwd();
		*f = fd_get(dirfd);
		path_dir = *f ? (*f)->dir : 0;
		return *f ? (long)(*f)->ino : -EBADF;
	}
	error = fs_walk_at(dirfd, path, flags & AT_SYMLINK_NOFOLLOW ? WALK_NOFOLLOW : 0, &at);
	if (error || at.ino == 0)
		return error ? error : -ENOENT;
	path_dir = at.dir;
	if (at.ino >= PROCFS && procfs_fd(at.ino) >= 0 && !(flags & AT_SYMLINK_NOFOLLOW)) {
		*f = fd_get(procfs_fd(at.ino));
		return *f ? (long)(*f)->ino : -ENOENT;
	}
	return at.ino;
}

int
comm_names(const char *first, const char *second)
{
	size_t a = strlen(first) + 1, b = second ? strlen(second) + 1 : 0;

	if (a + b > EXO_PAGE_BYTES)
		return -ENAMETOOLONG;
	memcpy(COMM, first, a);
	if (second)
		memcpy(COMM + a, second, b);
	return 0;
}

long
copy_in_grown(void *to, size_t known, u64 user, u64 bytes)
{
	char rest[64];

	if (bytes < known)
		return -EINVAL;
	if (bytes > EXO_PAGE_BYTES)
		return -E2BIG;
	for (u64 at = known; at < bytes; at += sizeof(rest)) {
		u64 part = bytes - at < sizeof(rest) ? bytes - at : sizeof(rest);

		if (copy_in(rest, user + at, part))
			return -EFAULT;
		for (u64 i = 0; i < part; i++)
			if (rest[i])
				return -E2BIG;
	}
	return copy_in(to, user, known);
}

struct file *
file_get(int fd, int *error)
{
	struct file *f = fd_get(fd);

	*error = -EBADF;
	return f && !(f->access & O_PATH) ? f : NULL;
}

char *
scratch_pages(void)
{
	char *at = SCRATCH_PAGES;

	for (u64 n = 0; n < THREAD_SCRATCH; n += EXO_PAGE_BYTES) {
		if (!(page_entry((u64)at + n) & EXO_PTE_PRESENT) &&
			page_map_new((u64)at + n, EXO_MAP_READ | EXO_MAP_WRITE))
			return NULL;
	}
	return at;
}
