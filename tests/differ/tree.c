/* SPDX-License-Identifier: ISC */
/* What a sequence leaves behind: open descriptors, and everything below the current directory's start. */
#include <dirent.h>
#include "differ.h"

#define DEPTH 12
#define ENTRIES 200

static const char *
kind_of(mode_t mode)
{
	return S_ISREG(mode)     ? "file"
		: S_ISDIR(mode)  ? "dir"
		: S_ISLNK(mode)  ? "link"
		: S_ISFIFO(mode) ? "fifo"
		: S_ISSOCK(mode) ? "sock"
				 : "other";
}

/*
 * Sizes of directories, blocks, inode numbers and devices are the file
 * system's own affair.  Ids: 0 is root everywhere, and one's own are "me".
 */
void
stat_say(const struct stat *st)
{
	say(" %s %04o n%ld", kind_of(st->st_mode), st->st_mode & 07777, (long)st->st_nlink);
	if (!S_ISDIR(st->st_mode))
		say(" %ldb", (long)st->st_size);
	if (st->st_uid != getuid() || st->st_gid != getgid())
		say(" %d:%d", st->st_uid == getuid() ? -1 : (int)st->st_uid,
			st->st_gid == getgid() ? -1 : (int)st->st_gid);
	if (st->st_mtime < 1000000000)		/* set by the sequence, not by the clock */
		say(" t%ld.%09ld", (long)st->st_mtime, st->st_mtim.tv_nsec);
}

static void
contents_say(int dir, const char *name)
{
	static char data[65536];
	unsigned sum = 0;
	long bytes;
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0) {
		say(" unreadable %d", errno);
		return;
	}
	while ((bytes = read(fd, data, sizeof(data))) > 0)
		sum = hash(sum, data, bytes);
	say(" %08x%s", sum, bytes < 0 ? " broken" : "");
	close(fd);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Their order in a directory is the file system's own affair, so: sorted. */
static int
names_of(int fd, char **names)
{
	struct dirent *entry;
	DIR *dir = fdopendir(fd);
	int count = 0;

	while (dir && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") && count < ENTRIES)
			names[count++] = strdup(entry->d_name);
	if (dir)
		closedir(dir);
	qsort(names, count, sizeof(*names), by_name);
	return count;
}

static void
below(int dir, const char *prefix, int depth)
{
	char *names[ENTRIES], full[4096], target[4096];
	struct stat st;
	int count = names_of(dup(dir), names);

	for (int i = 0; i < count; i++) {
		snprintf(full, sizeof(full), "%s%s", prefix, names[i]);
		say("%s:", strlen(full) > 100 ? full + strlen(full) - 100 : full);
		if (fstatat(dir, names[i], &st, AT_SYMLINK_NOFOLLOW))
			say(" gone");
		else
			stat_say(&st);
		if (S_ISREG(st.st_mode))
			contents_say(dir, names[i]);
		if (S_ISLNK(st.st_mode)) {
			long bytes = readlinkat(dir, names[i], target, sizeof(target));
			say_data(target, bytes);
		}
		say("\n");
		if (S_ISDIR(st.st_mode) && depth < DEPTH) {
			int fd = openat(dir, names[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

			strncat(full, "/", sizeof(full) - strlen(full) - 1);
			if (fd >= 0) {
				below(fd, full, depth + 1);
				close(fd);
			}
		}
		free(names[i]);
	}
}

void
tree_say(void)
{
	below(top, "", 0);
}

void
descriptors_say(void)
{
	for (int fd = FIRST_FD; fd < 24; fd++) {
		int flags = fcntl(fd, F_GETFD), status = fcntl(fd, F_GETFL);
		struct stat st;

		if (flags < 0)
			continue;
		say("fd %d: %s %o", fd, flags ? "cloexec" : "kept", status);
		if (!fstat(fd, &st)) {
			stat_say(&st);
			if (S_ISREG(st.st_mode))	/* a directory's offset is a cookie of the file system */
				say(" at %ld", (long)lseek(fd, 0, SEEK_CUR));
		}
		say("\n");
	}
}
