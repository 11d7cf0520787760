/* SPDX-License-Identifier: ISC */
/* Calls on descriptors.  What would block for ever is not done: no sequence depends on time. */
#include <poll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include "differ.h"

#define PIECE 70000

int top = -1;
static char data[PIECE];

static bool
pipe_like(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)) &&
		!(fcntl(fd, F_GETFL) & O_NONBLOCK);
}

static bool
would_block(int fd, short events, long bytes)
{
	struct pollfd p = { fd, events, 0 };

	if (!pipe_like(fd) || (poll(&p, 1, 0) == 1 && (events == POLLIN || bytes <= 4096)))
		return false;
	say(" would block");
	return true;
}

static long
size_of(const char *word)
{
	long bytes = num(word);

	return bytes > PIECE ? PIECE : bytes;
}

/* Bytes that tell where they came from. */
static void
fill(char *at, long bytes, long seed)
{
	for (long i = 0; i < bytes; i++)
		at[i] = 'a' + (seed * 7 + i + i / 26) % 26;
}

static void
do_open(char **w)
{
	const char *name = path(w[0]);
	long flags = num(w[1]);
	struct stat st;

	if (name && !stat(name, &st) && S_ISFIFO(st.st_mode))
		flags |= O_NONBLOCK;
	say_result(syscall(SYS_open, name, flags, num(w[2])));
}

static void
do_openat(char **w)
{
	int dir = num(w[0]);
	const char *name = path(w[1]);
	long flags = num(w[2]);
	struct stat st;

	if (name && !fstatat(dir, name, &st, 0) && S_ISFIFO(st.st_mode))
		flags |= O_NONBLOCK;
	say_result(syscall(SYS_openat, dir, name, flags, num(w[3])));
}

static void
do_close(char **w)
{
	say_result(syscall(SYS_close, num(w[0])));
}

static void
do_read(char **w)
{
	long bytes = size_of(w[1]), got;

	if (would_block(num(w[0]), POLLIN, 0))
		return;
	got = syscall(SYS_read, num(w[0]), data, bytes);
	say_result(got);
	if (got > 0)
		say_data(data, got);
}

static void
do_write(char **w)
{
	long bytes = size_of(w[1]);

	if (would_block(num(w[0]), POLLOUT, bytes))
		return;
	fill(data, bytes, num(w[2]));
	say_result(syscall(SYS_write, num(w[0]), data, bytes));
}

static void
do_pread(char **w)
{
	long got = syscall(SYS_pread64, num(w[0]), data, size_of(w[1]), num(w[2]));

	say_result(got);
	if (got > 0)
		say_data(data, got);
}

static void
do_pwrite(char **w)
{
	fill(data, size_of(w[1]), num(w[3]));
	say_result(syscall(SYS_pwrite64, num(w[0]), data, size_of(w[1]), num(w[2])));
}

/* Three pieces, the second empty. */
static int
pieces(struct iovec *v, long bytes)
{
	v[0] = (struct iovec){ data, bytes / 3 };
	v[1] = (struct iovec){ data, 0 };
	v[2] = (struct iovec){ data + bytes / 3, bytes - bytes / 3 };
	return 3;
}

static void
do_readv(char **w)
{
	struct iovec v[3];
	long got;

	if (would_block(num(w[0]), POLLIN, 0))
		return;
	got = syscall(SYS_readv, num(w[0]), v, pieces(v, size_of(w[1])));
	say_result(got);
	if (got > 0)
		say_data(data, got);
}

static void
do_writev(char **w)
{
	struct iovec v[3];
	long bytes = size_of(w[1]);

	if (would_block(num(w[0]), POLLOUT, bytes))
		return;
	fill(data, bytes, num(w[2]));
	say_result(syscall(SYS_writev, num(w[0]), v, pieces(v, bytes)));
}

static void
do_lseek(char **w)
{
	struct stat st;
	long r = syscall(SYS_lseek, num(w[0]), num(w[1]), num(w[2]));

	if (r > 0 && !fstat(num(w[0]), &st) && S_ISDIR(st.st_mode))
		say(" ok");		/* a cookie */
	else
		say_result(r);
}

static void
do_ftruncate(char **w)
{
	say_result(syscall(SYS_ftruncate, num(w[0]), num(w[1])));
}

static void
do_fstat(char **w)
{
	struct stat st;
	long r = fstat(num(w[0]), &st);

	say_result(r);
	if (r == 0)
		stat_say(&st);
}

/* ExOS keeps no attributes of pipes without a name. */
static bool
unnamed(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISFIFO(st.st_mode) && st.st_nlink == 1 &&
		(st.st_mode & 07777) == 0600;
}

static void
do_fchmod(char **w)
{
	if (unnamed(num(w[0])))
		return;
	say_result(syscall(SYS_fchmod, num(w[0]), num(w[1])));
}

static void
do_fchown(char **w)
{
	if (unnamed(num(w[0])))
		return;
	say_result(syscall(SYS_fchown, num(w[0]), num(w[1]), num(w[2])));
}

static void
do_dup(char **w)
{
	say_result(syscall(SYS_dup, num(w[0])));
}

static bool
ours(long fd)				/* not the interpreter's */
{
	return fd >= 0 && (fd < FIRST_FD || (fd >= 100 && fd < 1024));
}

static void
do_dup2(char **w)
{
	if (!ours(num(w[1])))
		say_result(syscall(SYS_dup2, num(w[0]), num(w[1])));
}

static void
do_dup3(char **w)
{
	if (!ours(num(w[1])))
		say_result(syscall(SYS_dup3, num(w[0]), num(w[1]), num(w[2])));
}

static void
do_fcntl(char **w)
{
	say_result(syscall(SYS_fcntl, num(w[0]), num(w[1]), num(w[2])));
}

static void
do_pipe2(char **w)
{
	int fd[2] = { -1, -1 };

	say_result(syscall(SYS_pipe2, fd, num(w[0])));
	say(" %d %d", fd[0], fd[1]);
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All entries from where the offset is; their order is the file system's own affair. */
static void
do_getdents(char **w)
{
	struct { uint64_t ino; int64_t off; uint16_t length; uint8_t type; char name[]; } *entry;
	static char text[32768];
	char *names[400];
	long got, count = 0;

	got = syscall(SYS_getdents64, num(w[0]), text, sizeof(text));
	if (got < 0) {
		say_result(got);
		return;
	}
	for (long at = 0; at < got && count < 400; at += entry->length) {
		entry = (void *)(text + at);
		names[count] = malloc(strlen(entry->name) + 16);
		sprintf(names[count++], "%s/%d", entry->name, entry->type);
	}
	qsort(names, count, sizeof(*names), compare);
	for (long i = 0; i < count; i++)
		say(" %.60s", names[i]);
	if (got > 0)
		say(" then %ld", syscall(SYS_getdents64, num(w[0]), text, sizeof(text)));
}

static void
do_fchdir(char **w)
{
	say_result(syscall(SYS_fchdir, num(w[0])));
}

static void
do_poll(char **w)
{
	struct pollfd p = { num(w[0]), num(w[1]), 0 };
	long r = poll(&p, 1, 0);

	say_result(r);
	say(" %x", p.revents);
}

static void
do_fionread(char **w)
{
	int bytes = -1;
	struct stat st;

	if (!fstat(num(w[0]), &st) && S_ISDIR(st.st_mode))
		return;			/* file systems differ */
	say_result(ioctl(num(w[0]), FIONREAD, &bytes));
	say(" %d", bytes);
}

static void
do_fallocate(char **w)
{
	say_result(syscall(SYS_fallocate, num(w[0]), num(w[1]), num(w[2]), num(w[3])));
}

static void
do_sendfile(char **w)
{
	off_t at = num(w[2]);

	if (would_block(num(w[0]), POLLOUT, num(w[3])))
		return;
	say_result(syscall(SYS_sendfile, num(w[0]), num(w[1]), at < 0 ? NULL : &at, num(w[3])));
	say(" %ld", (long)at);
}

static void
do_copy_file_range(char **w)
{
	off_t from = num(w[1]), to = num(w[3]);

	say_result(syscall(SYS_copy_file_range, num(w[0]), from < 0 ? NULL : &from, num(w[2]),
		to < 0 ? NULL : &to, num(w[4]), 0));
	say(" %ld %ld", (long)from, (long)to);
}

static void
do_fsync(char **w)
{
	say_result(syscall(SYS_fsync, num(w[0])));
}

static void
do_flock(char **w)
{
	say_result(syscall(SYS_flock, num(w[0]), num(w[1]) | LOCK_NB));
}

/* Bad memory: nothing is done, or less. */
static void
do_badread(char **w)
{
	if (!would_block(num(w[0]), POLLIN, 0))
		say_result(syscall(SYS_read, num(w[0]), 8l, num(w[1])));
}

static void
do_badwrite(char **w)
{
	if (!would_block(num(w[0]), POLLOUT, 0))
		say_result(syscall(SYS_write, num(w[0]), 8l, num(w[1])));
}

static void
do_close_range(char **w)
{
	if (num(w[0]) >= FIRST_FD && num(w[1]) < 100)
		say_result(syscall(SYS_close_range, num(w[0]), num(w[1]), num(w[2])));
}

const struct op file_ops[] = {
	{ "open", 3, do_open },
	{ "openat", 4, do_openat },
	{ "close", 1, do_close },
	{ "read", 2, do_read },
	{ "write", 3, do_write },
	{ "pread", 3, do_pread },
	{ "pwrite", 4, do_pwrite },
	{ "readv", 2, do_readv },
	{ "writev", 3, do_writev },
	{ "lseek", 3, do_lseek },
	{ "ftruncate", 2, do_ftruncate },
	{ "fstat", 1, do_fstat },
	{ "fchmod", 2, do_fchmod },
	{ "fchown", 3, do_fchown },
	{ "dup", 1, do_dup },
	{ "dup2", 2, do_dup2 },
	{ "dup3", 3, do_dup3 },
	{ "fcntl", 3, do_fcntl },
	{ "pipe2", 1, do_pipe2 },
	{ "getdents", 1, do_getdents },
	{ "fchdir", 1, do_fchdir },
	{ "poll", 2, do_poll },
	{ "fionread", 1, do_fionread },
	{ "fallocate", 4, do_fallocate },
	{ "sendfile", 4, do_sendfile },
	{ "copy_file_range", 5, do_copy_file_range },
	{ "fsync", 1, do_fsync },
	{ "flock", 2, do_flock },
	{ "badread", 2, do_badread },
	{ "badwrite", 2, do_badwrite },
	{ "close_range", 3, do_close_range },
	{ NULL, 0, NULL },
};
