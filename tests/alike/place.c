/* SPDX-License-Identifier: ISC */
/* Where things are: memory on the only node there is, descriptors in file systems without names. */
#include "t.h"
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#define PAGE 4096u
#ifndef LOCK_MAND
#define LOCK_MAND 32
#define LOCK_READ 64
#endif
enum { MPOL_DEFAULT };
enum { MPOL_F_NODE = 1, MPOL_F_ADDR = 2, MPOL_F_MEMS_ALLOWED = 4 };
enum { MPOL_MF_STRICT = 1, MPOL_MF_MOVE = 2, MPOL_MF_MOVE_ALL = 4 };

static const unsigned long none[2], first[2] = { 1 };

/* ---- memory ------------------------------------------------------------------------------------ */

static void
asked(unsigned long bits, void *at, unsigned long flags)
{
	unsigned long nodes[4];
	int mode = -5;

	memset(nodes, 0xff, sizeof(nodes));
	printf("bits %lu at %d flags %lu ", bits, at != NULL, flags);
	SAY(syscall(SYS_get_mempolicy, &mode, nodes, bits, at, flags));
	printf("mode %d nodes %lx %lx\n", mode, nodes[0], nodes[1]);
}

static void
asking(char *p)
{
	int mode;

	asked(0, NULL, 0);
	asked(1, NULL, 0);
	asked(64, NULL, 0);
	asked(65, NULL, 0);
	asked(66, NULL, 0);
	asked(128, NULL, MPOL_F_MEMS_ALLOWED);
	asked(64, NULL, MPOL_F_MEMS_ALLOWED | MPOL_F_NODE);
	asked(64, NULL, MPOL_F_NODE);
	asked(64, NULL, MPOL_F_ADDR);
	asked(64, NULL, 8);
	asked(64, p, 0);
	asked(64, p, MPOL_F_ADDR);
	asked(64, p, MPOL_F_ADDR | MPOL_F_NODE);
	asked(64, p, MPOL_F_MEMS_ALLOWED);
	SAY(syscall(SYS_get_mempolicy, NULL, NULL, 0l, NULL, 0l));
	SAY(syscall(SYS_get_mempolicy, nowhere, NULL, 0l, NULL, 0l));
	SAY(syscall(SYS_get_mempolicy, &mode, nowhere, 64l, NULL, 0l));
	SAY(syscall(SYS_get_mempolicy, &mode, first, 1l << 40, NULL, 0l));
}

static void
setting(char *p)
{
	SAY(syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0l));
	SAY(syscall(SYS_set_mempolicy, MPOL_DEFAULT, none, 64l));
	SAY(syscall(SYS_set_mempolicy, MPOL_DEFAULT, none, 128l));
	SAY(syscall(SYS_set_mempolicy, MPOL_DEFAULT, first, 64l));
	SAY(syscall(SYS_set_mempolicy, MPOL_DEFAULT, first, 1l));
	SAY(syscall(SYS_set_mempolicy, MPOL_DEFAULT, first, 2l));
	SAY(syscall(SYS_set_mempolicy, MPOL_DEFAULT, nowhere, 64l));
	SAY(syscall(SYS_set_mempolicy, MPOL_DEFAULT, none, 40000l));
	SAY(syscall(SYS_set_mempolicy, -1, NULL, 0l));
	SAY(syscall(SYS_mbind, p, PAGE, MPOL_DEFAULT, NULL, 0l, 0l));
	SAY(syscall(SYS_mbind, p, PAGE, MPOL_DEFAULT, none, 64l, 0l));
	SAY(syscall(SYS_mbind, p, PAGE, MPOL_DEFAULT, first, 64l, 0l));
	SAY(syscall(SYS_mbind, p, PAGE, MPOL_DEFAULT, NULL, 0l,
		(long)(MPOL_MF_STRICT | MPOL_MF_MOVE | MPOL_MF_MOVE_ALL)));
	SAY(syscall(SYS_mbind, p, PAGE, MPOL_DEFAULT, NULL, 0l, 8l));
	SAY(syscall(SYS_mbind, p + 1, PAGE, MPOL_DEFAULT, NULL, 0l, 0l));
	SAY(syscall(SYS_mbind, p, 0l, MPOL_DEFAULT, NULL, 0l, 0l));
	SAY(syscall(SYS_mbind, p, 100l, MPOL_DEFAULT, NULL, 0l, 0l));
	SAY(syscall(SYS_mbind, p, -(long)PAGE, MPOL_DEFAULT, NULL, 0l, 0l));
	SAY(syscall(SYS_mbind, 8l << 12, PAGE, MPOL_DEFAULT, NULL, 0l, 0l));
	SAY(syscall(SYS_mbind, p, 1l << 30, MPOL_DEFAULT, NULL, 0l, 0l));
	SAY(syscall(SYS_mbind, p, PAGE, 99l, NULL, 0l, 0l));
	SAY(syscall(SYS_pkey_alloc, 1l, 0l));
	SAY(syscall(SYS_pkey_alloc, 0l, 4l));
	SAY(syscall(SYS_pkey_alloc, 0l, -1l));
	if (setresuid(1000, 1000, 1000) == 0)
		SAY(syscall(SYS_mbind, p, PAGE, MPOL_DEFAULT, NULL, 0l, (long)MPOL_MF_MOVE_ALL));
}

/* ---- descriptors ------------------------------------------------------------------------------- */

static void
lies(const char *what, int fd)
{
	struct statfs s;

	memset(&s, 0xff, sizeof(s));
	printf("%s: %d", what, fstatfs(fd, &s));
	printf(" %lx %ld %ld %ld %ld %ld\n", (long)s.f_type, (long)s.f_bsize, (long)s.f_blocks,
		(long)s.f_files, (long)s.f_namelen, (long)s.f_frsize);
	close(fd);
}

static void
nameless(void)
{
	sigset_t set;
	int p[2];

	sigemptyset(&set);
	pipe(p);
	lies("a pipe", p[0]);
	SAY(syscall(SYS_fstatfs, p[1], nowhere));
	lies("a pipe", p[1]);
	lies("a socket", socket(AF_UNIX, SOCK_STREAM, 0));
	socketpair(AF_UNIX, SOCK_DGRAM, 0, p);
	lies("a pair", p[0]);
	lies("an eventfd", eventfd(0, 0));
	lies("an epoll", epoll_create1(0));
	lies("a timerfd", timerfd_create(CLOCK_MONOTONIC, 0));
	lies("a signalfd", signalfd(-1, &set, 0));
	lies("an inotify", inotify_init());
}

static void
odd(void)
{
	int fd = open(".", O_RDONLY), p[2];

	pipe(p);
	SAY(fcntl(fd, F_NOTIFY, 0));
	SAY(fcntl(fd, F_NOTIFY, 1u << 31));	/* DN_MULTISHOT */
	SAY(fcntl(p[0], F_NOTIFY, 0));
	SAY(fcntl(p[0], F_NOTIFY, 1));
	SAY(fcntl(-1, F_NOTIFY, 0));
	SAY(flock(fd, LOCK_MAND));
	SAY(flock(fd, LOCK_MAND | LOCK_READ));
	SAY(flock(fd, LOCK_MAND | LOCK_EX));
	SAY(flock(-1, LOCK_EX));
	SAY(flock(fd, 64));
}

int
main(void)
{
	char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	setvbuf(stdout, NULL, _IOLBF, 0);
	*p = 1;
	nameless();
	odd();
	asking(p);
	setting(p);
	return 0;
}
