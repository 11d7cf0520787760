/* SPDX-License-Identifier: ISC */
/* Calls that libraries seldom make, by number. */
#include "t.h"

enum { fchmodat2 = 452 };

static void
say_file(const char *name)
{
	struct stat st;

	if (lstat(name, &st))
		printf("%s: %s\n", name, error_name(errno));
	else
		printf("%s: %o %ld %ld\n", name, st.st_mode, (long)st.st_size,
			(long)(st.st_mtime < 10000 ? st.st_mtime : -1)); /* not the clock's */
}

static void
names(void)
{
	struct {
		long access, changed;
	} times = { 1000, 2000 };
	struct timeval precise[2] = { { 3000, 0 }, { 4000, 500000 } },
		       wrong[2] = { { 1, 1000000 }, { 1, 0 } };

	SAY(syscall(SYS_mknodat, AT_FDCWD, "file", S_IFREG | 0644, 0));
	SAY(syscall(SYS_symlinkat, "file", AT_FDCWD, "link"));
	SAY(syscall(SYS_fchmodat, AT_FDCWD, "link", 0600));
	SAY(syscall(SYS_lchown, "link", -1, -1));
	SAY(syscall(SYS_lremovexattr, "nothing", "user.a"));
	/* Not in every Linux that tests run on; there the older call says the same. */
	SAY(syscall(fchmodat2, AT_FDCWD, "link", 0640, 0) && errno == ENOSYS
			? syscall(SYS_fchmodat, AT_FDCWD, "link", 0640)
			: 0);
	SAY(syscall(SYS_utime, "file", &times));
	say_file("file");
	SAY(syscall(SYS_utimes, "file", precise));
	say_file("file");
	SAY(syscall(SYS_utimes, "file", wrong));
	SAY(syscall(SYS_futimesat, AT_FDCWD, "file", precise));
	SAY(syscall(SYS_futimesat, AT_FDCWD, "nothing", precise));
	say_file("link");
}

static void
bytes(void)
{
	struct iovec v[2] = { { "one", 3 }, { "three", 5 } };
	int fd = open("file", O_RDWR);

	SAY(syscall(SYS_pwritev, fd, v, 2, 4l, 0l));
	SAY(syscall(SYS_pwritev, fd, v, 2, -1l, 0l));
	SAY(syscall(SYS_fadvise64, fd, 0l, 100l, 2));
	SAY(syscall(SYS_fadvise64, fd, 0l, 100l, 99));
	SAY(syscall(SYS_fadvise64, -1, 0l, 100l, 0));
	SAY(syscall(SYS_sync));
	close(fd);
	say_file("file");
	unlink("file"), unlink("link");
}

static void
processor(void)
{
	void *list = NULL;
	size_t list_bytes = 0;
	struct timespec slice;
	unsigned cpu = 99, attr[12] = { 48 };

	SAY(syscall(SYS_getcpu, &cpu, NULL, NULL));
	SAY(syscall(SYS_getcpu, nowhere, NULL, NULL));
	TRY(syscall(SYS_membarrier, 0, 0, 0));
	SAY(syscall(SYS_membarrier, 1 << 30, 0, 0));
	SAY(syscall(SYS_sched_rr_get_interval, -1, &slice));
	SAY(syscall(SYS_sched_rr_get_interval, 0, &slice));
	SAY(syscall(SYS_sched_getattr, -1, attr, 48, 0));
	SAY(syscall(SYS_sched_getattr, 0, attr, 8, 0));
	SAY(syscall(SYS_sched_setattr, -1, attr, 0));
	SAY(syscall(SYS_getpeername, -1, NULL, NULL));
	SAY(syscall(SYS_syslog, 99, NULL, 0));
	SAY(syscall(SYS_set_robust_list, NULL, 1l));
	SAY(syscall(SYS_get_robust_list, 0l, &list, &list_bytes));
	SAY((long)list_bytes);
	SAY(syscall(SYS_get_robust_list, -1l, &list, &list_bytes));
	TRY(syscall(SYS_set_tid_address, NULL));
}

int
main(void)
{
	names();
	bytes();
	processor();
	return 0;
}
