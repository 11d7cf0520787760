/* SPDX-License-Identifier: ISC */
/* eventfd, epoll, pidfd, many descriptors. */
#include "t.h"
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

static void
say_link(int fd)
{
	char path[64], target[64];
	struct stat st;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, target, sizeof(target) - 1);
	target[n < 0 ? 0 : n] = '\0';
	if (strchr(target, '[') && strncmp(target, "anon", 4))
		*strchr(target, '[') = '\0';
	fstat(fd, &st);
	printf("%s %o\n", target, strstr(target, "pidfd") ? 0 : st.st_mode);
}

static char room[64];

/* ---- eventfd ---- */

static int
put(int fd, uint64_t value)
{
	return (int)write(fd, &value, sizeof(value));
}

static long
get(int fd)
{
	uint64_t value;

	return read(fd, &value, sizeof(value)) < 0 ? -1 : (long)value;
}

static short
ready(int fd)
{
	struct pollfd p = { fd, POLLIN | POLLOUT, 0 };

	poll(&p, 1, 0);
	return p.revents;
}

static void
counters(void)
{
	int fd = eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC), sem, slow;

	say_link(fd);
	printf("%x\n", ready(fd));
	SAY(get(fd));
	printf("%x\n", ready(fd));
	SAY(get(fd));
	SAY(put(fd, 5));
	SAY(put(fd, 6));
	SAY(get(fd));
	SAY(put(fd, UINT64_MAX - 1));
	printf("%x\n", ready(fd));
	SAY(put(fd, 1));
	SAY(put(fd, 0));
	SAY(put(fd, UINT64_MAX));
	SAY(write(fd, "x", 1));
	SAY(read(fd, nowhere, 4));
	SAY(read(fd, nowhere, 8));
	SAY(lseek(fd, 0, SEEK_CUR));
	SAY(pread(fd, room, 8, 0));
	SAY(fcntl(fd, F_GETFL));
	SAY(fcntl(fd, F_GETFD));
	SAY(eventfd(0, 0x10));
	sem = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
	SAY(get(sem));
	SAY(get(sem));
	SAY(get(sem));
	slow = eventfd(0, 0);
	if (fork() == 0) {
		usleep(10000);
		put(slow, 7);
		put(sem, 1);
		_exit(0);
	}
	SAY(get(slow));
	wait(NULL);
	SAY(get(sem));
	put(slow, UINT64_MAX - 1);
	if (fork() == 0) {
		usleep(10000);
		_exit(get(slow) != -2);
	}
	SAY(put(slow, 9));
	SAY(get(slow));
	wait(NULL);
	close(fd);
	close(sem);
	close(slow);
}

/* ---- epoll ---- */

static int set;

static void
waits(int timeout)
{
	struct epoll_event e[8];
	int n = epoll_wait(set, e, 8, timeout);

	printf("%d:", n);
	for (int i = 0; i < n; i++)
		printf(" %x/%d", e[i].events, e[i].data.fd);
	printf("%s\n", n < 0 ? error_name(errno) : "");
}

static int
control(int op, int fd, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.fd = fd };

	return epoll_ctl(set, op, fd, &e);
}

static void
levels(void)
{
	int p[2], q[2];
	char byte;

	set = epoll_create1(EPOLL_CLOEXEC);
	say_link(set);
	pipe(p);
	pipe(q);
	waits(0);
	SAY(control(EPOLL_CTL_ADD, p[0], EPOLLIN));
	SAY(control(EPOLL_CTL_ADD, p[0], EPOLLIN));
	SAY(control(EPOLL_CTL_MOD, q[0], EPOLLIN));
	SAY(control(EPOLL_CTL_DEL, q[0], 0));
	SAY(control(9, p[0], 0));
	SAY(control(EPOLL_CTL_ADD, 99, 0));
	SAY(epoll_ctl(99, EPOLL_CTL_ADD, p[0], NULL));
	SAY(epoll_ctl(set, EPOLL_CTL_ADD, p[1], NULL));
	SAY(control(EPOLL_CTL_ADD, set, EPOLLIN));
	SAY(epoll_ctl(p[0], EPOLL_CTL_DEL, p[1], NULL));
	SAY(epoll_create1(1));
	SAY(epoll_create(0));
	SAY(epoll_wait(set, (void *)room, 0, 0));
	SAY(epoll_wait(p[0], (void *)room, 1, 0));
	SAY(epoll_wait(99, (void *)room, 1, 0));
	SAY(read(set, &byte, 1));
	SAY(write(set, &byte, 1));
	waits(0);
	waits(10);
	write(p[1], "xy", 2);
	waits(-1);
	waits(0);
	read(p[0], &byte, 1);
	waits(0);
	read(p[0], &byte, 1);
	waits(0);
	SAY(control(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT));
	write(p[1], "xy", 2);
	waits(0);
	waits(0);
	SAY(control(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT));
	waits(0);
	SAY(control(EPOLL_CTL_ADD, p[1], EPOLLOUT));
	waits(0);
	SAY(control(EPOLL_CTL_MOD, p[1], 0));
	waits(0);
	close(p[0]);
	waits(0);
	SAY(control(EPOLL_CTL_DEL, p[1], 0));
	SAY(control(EPOLL_CTL_ADD, q[0], EPOLLIN));
	close(q[1]);
	waits(0);
	dup2(q[0], 50);
	close(q[0]);
	waits(0);
	close(50);
	waits(0);
	close(p[1]);
	close(set);
}

static void
edges(void)
{
	int p[2], fd = eventfd(0, EFD_NONBLOCK);
	char byte;

	set = epoll_create1(0);
	pipe(p);
	SAY(control(EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLET));
	waits(0);
	write(p[1], "x", 1);
	waits(0);
	waits(0);
	write(p[1], "y", 1);
	waits(0);
	waits(0);
	read(p[0], &byte, 1);
	waits(0);
	read(p[0], &byte, 1);
	write(p[1], "z", 1);
	waits(0);
	waits(0);
	SAY(control(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLET));
	waits(0);
	waits(0);
	close(p[1]);
	waits(0);
	waits(0);
	SAY(control(EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLET));
	put(fd, 1);
	waits(0);
	waits(0);
	get(fd);
	put(fd, 1);
	waits(0);
	put(fd, 1);
	waits(0);
	close(p[0]);
	close(fd);
	close(set);
}

static void
nested(void)
{
	int sets[8], p[2], file = open("/tmp/nested", O_RDWR | O_CREAT, 0600);
	struct epoll_event e = { .events = EPOLLIN };
	int null = open("/dev/null", O_RDWR), dir = open("/tmp", O_RDONLY);

	set = epoll_create1(0);
	SAY(control(EPOLL_CTL_ADD, file, EPOLLIN));
	SAY(control(EPOLL_CTL_ADD, null, EPOLLIN));
	SAY(control(EPOLL_CTL_ADD, dir, EPOLLIN));
	close(file);
	close(null);
	close(dir);
	unlink("/tmp/nested");
	for (int i = 0; i < 8; i++)
		sets[i] = epoll_create1(0);
	for (int i = 0; i < 7; i++)
		SAY(epoll_ctl(sets[i], EPOLL_CTL_ADD, sets[i + 1], &e));
	SAY(epoll_ctl(sets[3], EPOLL_CTL_ADD, sets[0], &e));
	for (int i = 1; i < 8; i++)
		close(sets[i]);
	pipe(p);
	SAY(control(EPOLL_CTL_ADD, p[0], EPOLLIN));
	e.data.fd = 1000;
	SAY(epoll_ctl(sets[0], EPOLL_CTL_ADD, set, &e));
	SAY(epoll_ctl(set, EPOLL_CTL_ADD, sets[0], &e));
	e.events = EPOLLIN | EPOLLEXCLUSIVE;
	SAY(epoll_ctl(sets[0], EPOLL_CTL_MOD, set, &e));
	SAY(epoll_ctl(set, EPOLL_CTL_ADD, p[1], &e));
	SAY(epoll_ctl(set, EPOLL_CTL_DEL, p[1], NULL));
	printf("%x\n", ready(sets[0]));
	if (fork() == 0) {
		usleep(10000);
		write(p[1], "x", 1);
		_exit(0);
	}
	SAY(epoll_wait(sets[0], &e, 1, -1));
	printf("%x %d %x\n", e.events, e.data.fd, ready(sets[0]));
	wait(NULL);
	close(p[0]);
	close(p[1]);
	close(set);
	close(sets[0]);
}

static volatile sig_atomic_t caught;

static void
on_signal(int sig)
{
	caught = sig;
}

static void
masks(void)
{
	struct epoll_event e;
	sigset_t none, usr;

	signal(SIGUSR1, on_signal);
	sigemptyset(&none);
	sigemptyset(&usr);
	sigaddset(&usr, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr, NULL);
	set = epoll_create1(0);
	raise(SIGUSR1);
	SAY(epoll_wait(set, &e, 1, 0));
	printf("%d\n", caught);
	SAY(epoll_pwait(set, &e, 1, 1000, &none));
	printf("%d\n", caught);
	sigprocmask(SIG_UNBLOCK, &usr, NULL);
	SAY(syscall(SYS_epoll_pwait2, set, &e, 1, &(struct timespec){ 0, 1000000 }, NULL, 8));
	SAY(syscall(SYS_epoll_pwait2, set, &e, 1, &(struct timespec){ 0, -1 }, NULL, 8));
	close(set);
}

#define MANY 600

static void
many(void)
{
	static int p[MANY][2];
	struct epoll_event e[16];
	struct rlimit most = { 2048, 2048 };
	int seen = 0, n, last = -1, sorted = 1;
	pid_t child;

	setrlimit(RLIMIT_NOFILE, &most);
	set = epoll_create1(0);
	for (int i = 0; i < MANY; i++) {
		if (i < 60 || (p[i][0] = p[i][1] = eventfd(0, 0)) < 0)
			pipe(p[i]);
		control(EPOLL_CTL_ADD, p[i][0], EPOLLIN);
	}
	waits(0);
	child = fork();
	if (child == 0) {
		usleep(10000);
		for (int i = 7; i < MANY; i += 100)
			put(p[i][1], 1);
		_exit(0);
	}
	while (seen < 6) {
		n = epoll_wait(set, e, 2, 5000);
		if (n <= 0)
			break;
		for (int i = 0; i < n; i++) {
			sorted &= e[i].data.fd != last;
			last = e[i].data.fd;
			get(last);
			seen++;
		}
	}
	printf("%d seen, %d\n", seen, sorted);
	wait(NULL);
	waits(0);
	/* Two ready all the time: one at a time, each gets its turn. */
	put(p[3][1], 1);
	put(p[500][1], 1);
	seen = 0;
	for (int i = 0; i < 4; i++) {
		epoll_wait(set, e, 1, 0);
		seen |= e[0].data.fd == p[3][0] ? 1 : e[0].data.fd == p[500][0] ? 2 : 4;
	}
	printf("%d\n", seen);
	for (int i = 0; i < MANY; i++) {
		close(p[i][0]);
		if (p[i][1] != p[i][0])
			close(p[i][1]);
	}
	waits(0);
	close(set);
}

int
main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	counters();
	levels();
	edges();
	nested();
	masks();
	many();
	return 0;
}
