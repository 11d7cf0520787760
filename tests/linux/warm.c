/* SPDX-License-Identifier: ISC */
/*
 * What a Linux call that needs nobody costs: on ExOS the kernel is entered to
 * reflect it and for nothing else.  The counts are in the exposed environment
 * table, which any program may read.
 */
#define _GNU_SOURCE
#define CHECK_NAME "warm"
#include <exo/lib.h>
#include <exo/read.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/time.h>
#include <termios.h>
#include <time.h>
#include "check.h"

struct entries {
	uint64_t calls, upcalls, faults, transfers, reflected;
};

static struct entries
counted(void)
{
	const volatile struct exo_env *e = exo_env(exo_self());

	return (struct entries){ e->calls, e->upcalls, e->faults, e->transfers, e->reflected };
}

/* Once to warm up, then counted; a slice that ends in between is no call's fault, so the best of some. */
#define WARM(body, reflections)                                                                    \
	do {                                                                                       \
		int good_ = 0;                                                                     \
		body; \
		for (int try_ = 0; try_ < 5 && !good_; try_++) {                                   \
			struct entries from_ = counted(), to_;                                     \
			body;                                                                      \
			to_ = counted();                                                           \
			good_ = to_.calls == from_.calls && to_.upcalls == from_.upcalls &&        \
				to_.faults == from_.faults && to_.transfers == from_.transfers &&  \
				to_.reflected - from_.reflected <= (reflections);                  \
		}                                                                                  \
		check(good_, #body, __LINE__);                                                     \
	} while (0)

/* A key typed at a pty and shown: a request for each, and to know that there is something none. */
static void
echo(void)
{
	const volatile struct exo_env *server = exo_env_slot(2);	/* slot 1 is its keeper */
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave, good = 0;
	struct pollfd p = { master, POLLIN, 0 };
	struct termios t;
	char byte;

	CHECK(master >= 0 && unlockpt(master) == 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	WARM(tcgetattr(slave, &t), 1);
	WARM(poll(&p, 1, 0), 1);
	for (int try = 0; try < 5 && !good; try++) {
		uint64_t before = server->transfers;

		good = write(master, "k", 1) == 1 && poll(&p, 1, -1) == 1
			&& read(master, &byte, 1) == 1 && byte == 'k'
			&& server->transfers - before == 2;
	}
	CHECK(good);
	close(slave);
	close(master);
}

int
main(void)
{
	static char bytes[5000];
	struct timespec ts;
	struct timeval tv;
	struct utsname name;
	struct stat st;
	sigset_t set, old;
	int fd;

	uname(&name);
	if (!strstr(name.release, "exos"))
		return summary();
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	fd = open("/tmp/warm", O_CREAT | O_RDWR | O_TRUNC, 0600);
	CHECK(write(fd, bytes, sizeof(bytes)) == sizeof(bytes));
	WARM(syscall(SYS_getpid), 1);
	WARM(syscall(SYS_getppid), 1);
	WARM(getuid(), 1);
	WARM(clock_gettime(CLOCK_MONOTONIC, &ts), 0);
	WARM(clock_gettime(CLOCK_REALTIME, &ts), 0);
	WARM(gettimeofday(&tv, NULL), 0);
	WARM(time(NULL), 0);
	WARM(lseek(fd, 0, SEEK_SET), 1);
	WARM(sigprocmask(SIG_BLOCK, &set, &old), 1);
	WARM(sigprocmask(SIG_SETMASK, &old, NULL), 1);
	WARM(pread(fd, bytes, 1, 0), 1);
	WARM(pread(fd, bytes, sizeof(bytes), 0), 1);
	WARM((lseek(fd, 0, SEEK_SET), read(fd, bytes, sizeof(bytes))), 2);
	WARM(pwrite(fd, bytes, sizeof(bytes), 0), 1);
	WARM(stat("/tmp/warm", &st), 1);
	WARM(stat("/etc/passwd", &st), 1);
	WARM(fstat(fd, &st), 1);
	WARM(access("/etc/passwd", R_OK), 1);
	WARM(fcntl(fd, F_GETFL), 1);
	close(fd);
	unlink("/tmp/warm");
	echo();
	return summary();
}
