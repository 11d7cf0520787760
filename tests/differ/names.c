/* SPDX-License-Identifier: ISC */
/* Calls on names. */
#include <limits.h>
#include <sys/sysmacros.h>
#include "differ.h"

static void
do_stat(char **w)
{
	struct stat st;
	long r = stat(path(w[0]), &st);

	say_result(r);
	if (r == 0)
		stat_say(&st);
}

static void
do_fstatat(char **w)
{
	struct stat st;
	long r = fstatat(num(w[0]), path(w[1]), &st, num(w[2]));

	say_result(r);
	if (r == 0)
		stat_say(&st);
}

static void
do_truncate(char **w)
{
	say_result(syscall(SYS_truncate, path(w[0]), num(w[1])));
}

static void
do_access(char **w)
{
	say_result(syscall(SYS_access, path(w[0]), num(w[1])));
}

static void
do_faccessat2(char **w)
{
	say_result(syscall(SYS_faccessat2, num(w[0]), path(w[1]), num(w[2]), num(w[3])));
}

static void
do_chmod(char **w)
{
	say_result(syscall(SYS_chmod, path(w[0]), num(w[1])));
}

static void
do_chown(char **w)
{
	say_result(syscall(SYS_chown, path(w[0]), num(w[1]), num(w[2])));
}

static void
do_fchownat(char **w)
{
	say_result(syscall(SYS_fchownat, num(w[0]), path(w[1]), num(w[2]), num(w[3]), num(w[4])));
}

static void
do_rename(char **w)
{
	say_result(syscall(SYS_rename, path(w[0]), path(w[1])));
}

static void
do_renameat2(char **w)
{
	say_result(syscall(SYS_renameat2, num(w[0]), path(w[1]), num(w[2]), path(w[3]), num(w[4])));
}

static void
do_link(char **w)
{
	say_result(syscall(SYS_link, path(w[0]), path(w[1])));
}

static void
do_linkat(char **w)
{
	say_result(syscall(SYS_linkat, num(w[0]), path(w[1]), num(w[2]), path(w[3]), num(w[4])));
}

static void
do_symlink(char **w)
{
	say_result(syscall(SYS_symlink, path(w[0]), path(w[1])));
}

static void
do_unlink(char **w)
{
	say_result(syscall(SYS_unlink, path(w[0])));
}

static void
do_unlinkat(char **w)
{
	say_result(syscall(SYS_unlinkat, num(w[0]), path(w[1]), num(w[2])));
}

static void
do_mkdir(char **w)
{
	say_result(syscall(SYS_mkdir, path(w[0]), num(w[1])));
}

static void
do_mkdirat(char **w)
{
	say_result(syscall(SYS_mkdirat, num(w[0]), path(w[1]), num(w[2])));
}

static void
do_rmdir(char **w)
{
	say_result(syscall(SYS_rmdir, path(w[0])));
}

static void
do_mknod(char **w)
{
	say_result(syscall(SYS_mknod, path(w[0]), num(w[1]), 0));
}

static void
do_readlink(char **w)
{
	char text[4100];
	long bytes = num(w[1]),
	     r = syscall(SYS_readlink, path(w[0]), text, bytes > 4096 ? 4096 : bytes);

	say_result(r);
	if (r > 0)
		say_data(text, r);
}

static void
do_chdir(char **w)
{
	say_result(syscall(SYS_chdir, path(w[0])));
}

/* Behind the directory in which the interpreter was started, which is called otherwise on the other system. */
static void
do_getcwd(char **w)
{
	char text[PATH_MAX];
	long r = syscall(SYS_getcwd, text, num(w[0]) > PATH_MAX ? PATH_MAX : num(w[0]));
	size_t before = strlen(start);

	if (r > 0 && r < PATH_MAX)
		say(" %s", strncmp(text, start, before) ? text : text + before);
	else if (r <= 0 && errno != ERANGE)	/* how long it is differs, too */
		say_result(r);
}

static void
do_umask(char **w)
{
	say_result(syscall(SYS_umask, num(w[0])));
}

static void
do_utimens(char **w)
{
	struct timespec times[2] = { { num(w[2]), num(w[3]) }, { num(w[2]), num(w[3]) } };

	say_result(syscall(SYS_utimensat, num(w[0]), path(w[1]), times, num(w[4])));
}

static void
do_statx(char **w)
{
	struct statx x;
	long r;

	memset(&x, 0, sizeof(x));
	r = syscall(SYS_statx, num(w[0]), path(w[1]), num(w[2]), num(w[3]), &x);
	say_result(r);
	if (r == 0)
		say(" %o n%u %lld", x.stx_mode, x.stx_nlink,
			S_ISDIR(x.stx_mode) ? -1ll : (long long)x.stx_size);
}

static void
do_creat(char **w)
{
	struct stat st;
	const char *name = path(w[0]);

	if (!name || stat(name, &st) || !S_ISFIFO(st.st_mode))	/* it would wait for a reader */
		say_result(syscall(SYS_creat, name, num(w[1])));
}

const struct op name_ops[] = {
	{ "stat", 1, do_stat },
	{ "fstatat", 3, do_fstatat },
	{ "truncate", 2, do_truncate },
	{ "access", 2, do_access },
	{ "faccessat2", 4, do_faccessat2 },
	{ "chmod", 2, do_chmod },
	{ "chown", 3, do_chown },
	{ "fchownat", 5, do_fchownat },
	{ "rename", 2, do_rename },
	{ "renameat2", 5, do_renameat2 },
	{ "link", 2, do_link },
	{ "linkat", 5, do_linkat },
	{ "symlink", 2, do_symlink },
	{ "unlink", 1, do_unlink },
	{ "unlinkat", 3, do_unlinkat },
	{ "mkdir", 2, do_mkdir },
	{ "mkdirat", 3, do_mkdirat },
	{ "rmdir", 1, do_rmdir },
	{ "mknod", 2, do_mknod },
	{ "readlink", 2, do_readlink },
	{ "chdir", 1, do_chdir },
	{ "getcwd", 1, do_getcwd },
	{ "umask", 1, do_umask },
	{ "utimens", 5, do_utimens },
	{ "statx", 4, do_statx },
	{ "creat", 2, do_creat },
	{ NULL, 0, NULL },
};
