/* SPDX-License-Identifier: ISC */
/* Timers and signals that are descriptors: read, polled, shared. */
#include "t.h"
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

static long long
now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static struct itimerspec
spec(long long first, long long interval)
{
	return (struct itimerspec){ { interval / 1000000000, interval % 1000000000 },
		{ first / 1000000000, first % 1000000000 } };
}

static long
set(int fd, int flags, long long first, long long interval)
{
	struct itimerspec t = spec(first, interval);

	return timerfd_settime(fd, flags, &t, NULL);
}

static void
show(const char *what, int fd, size_t bytes)
{
	uint64_t n = 0;
	ssize_t got = read(fd, &n, bytes);

	if (got < 0)
		printf("%s: %s\n", what, error_name(errno));
	else
		printf("%s: %zd, %llu\n", what, got, (unsigned long long)n);
}

static int
ready(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };
	int n = poll(&p, 1, ms);

	return n <= 0 ? n : p.revents;
}

static void
timers(void)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), other;
	struct itimerspec t;
	uint64_t n;
	long long a;

	printf("%d\n", fcntl(fd, F_GETFD) == FD_CLOEXEC && fcntl(fd, F_GETFL) & O_NONBLOCK);
	show("off", fd, 8);
	printf("%x\n", ready(fd, 0));
	SAY(set(fd, 0, 400000000, 0));
	show("not yet", fd, 8);
	show("too small", fd, 7);
	printf("%x\n", ready(fd, 5000));
	SAY(timerfd_gettime(fd, &t));
	printf("%ld %ld\n", (long)t.it_value.tv_sec, t.it_value.tv_nsec);
	show("once", fd, 8);
	show("no more", fd, 8);
	printf("%x\n", ready(fd, 0));
	SAY(set(fd, 0, 1000000, 1000000));
	usleep(30000);
	printf("%d %d\n", read(fd, &n, 8) == 8, n >= 10);
	SAY(timerfd_gettime(fd, &t));
	printf("%d %ld\n", t.it_value.tv_nsec <= 1000000, t.it_interval.tv_nsec);
	fcntl(fd, F_SETFL, 0);
	SAY(set(fd, 0, 30000000, 0));
	show("waited", fd, 8);
	a = now(CLOCK_MONOTONIC);
	SAY(set(fd, TFD_TIMER_ABSTIME, a - 5000000, 1000000000));
	show("past", fd, 8);
	SAY(set(fd, TFD_TIMER_ABSTIME, a + 30000000, 0));
	show("absolute", fd, 8);
	printf("%d\n", now(CLOCK_MONOTONIC) >= a + 30000000);
	SAY(set(fd, 0, 0, 0));
	SAY(set(fd, 0, 0, 5));
	SAY(set(fd, 0, -1, 5));
	SAY(set(fd, 8, 1, 5));
	SAY(set(1, 0, 1, 5));
	SAY(set(99, 0, 1, 5));
	SAY(syscall(SYS_timerfd_settime, fd, 0, nowhere, NULL));
	SAY(timerfd_gettime(1, &t));
	SAY(write(fd, &n, 8));
	SAY(lseek(fd, 0, SEEK_SET));
	SAY(pread(fd, &n, 8, 0));
	SAY(timerfd_create(CLOCK_MONOTONIC_RAW, 0));
	SAY(timerfd_create(CLOCK_MONOTONIC, 4));
	SAY(timerfd_create(77, 0));
	close(fd);
	other = timerfd_create(CLOCK_REALTIME, 0);
	a = now(CLOCK_REALTIME);
	SAY(set(other, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, a + 20000000, 0));
	show("time of day", other, 8);
	close(other);
}

/* One timer for parent and child. */
static void
inherited(void)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, 0), status;

	if (fork() == 0) {
		set(fd, 0, 10000000, 0);
		_exit(0);
	}
	wait(&status);
	show("set by the child", fd, 8);
	set(fd, 0, 10000000, 0);
	if (fork() == 0) {
		show("read by the child", fd, 8);
		exit(0);
	}
	wait(&status);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	show("gone", fd, 8);
	if (fork() == 0) {
		usleep(30000);
		set(fd, 0, 1000000, 0);
		_exit(0);
	}
	printf("%x\n", ready(fd, 5000));	/* set while somebody waits */
	wait(&status);
	close(fd);
}

static void
sets(void)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLET }, got[4];
	int set_ = epoll_create1(0), fd = timerfd_create(CLOCK_MONOTONIC, 0), n = 0;
	fd_set bits;
	struct timeval limit = { 5, 0 };

	epoll_ctl(set_, EPOLL_CTL_ADD, fd, &e);
	set(fd, 0, 10000000, 10000000);
	for (int i = 0; i < 3; i++)
		n += epoll_wait(set_, got, 4, 5000);
	printf("epoll %d\n", n);
	FD_ZERO(&bits);
	FD_SET(fd, &bits);
	printf("select %d\n", select(fd + 1, &bits, NULL, NULL, &limit));
	close(fd);
	close(set_);
}

/* ---- signals ------------------------------------------------------------------------------ */

static void
show_signal(int fd)
{
	struct signalfd_siginfo s;
	ssize_t got = read(fd, &s, sizeof(s));

	if (got < 0) {
		printf("  %s\n", error_name(errno));
		return;
	}
	printf("  %zd: signal %d code %d %s uid %d status %d int %d ptr %d\n", got, s.ssi_signo,
		s.ssi_code,
		(pid_t)s.ssi_pid == getpid() ? "self"
			: s.ssi_pid          ? "other"
					     : "nobody",
		s.ssi_uid, s.ssi_status, s.ssi_int, (int)s.ssi_ptr);
}

static void
signals(void)
{
	sigset_t mask, old;
	int fd, status, gate[2];
	struct signalfd_siginfo s[4];
	pid_t child;

	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	sigaddset(&mask, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &mask, &old);
	pipe(gate);
	fd = signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC);
	show_signal(fd);
	printf("%x\n", ready(fd, 0));
	raise(SIGUSR1);
	printf("%x\n", ready(fd, 0));
	SAY(read(fd, s, 127));
	show_signal(fd);
	kill(getpid(), SIGUSR1);
	for (int n = 0; n < 5; n++)
		sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = n });
	SAY(read(fd, s, sizeof(s)) / (long)sizeof(s[0]));
	printf("%d %d\n", s[1].ssi_int, s[3].ssi_int);
	show_signal(fd);
	show_signal(fd);
	show_signal(fd);
	sigaddset(&mask, SIGCHLD);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	SAY(signalfd(fd, &mask, 0) == fd);
	if (fork() == 0)
		_exit(6);
	fcntl(fd, F_SETFL, 0);
	show_signal(fd);
	wait(&status);
	child = fork();
	if (child == 0) {
		usleep(20000);
		sigqueue(getppid(), SIGRTMIN, (union sigval){ .sival_int = 77 });
		read(gate[0], s, 1);
		_exit(0);
	}
	printf("%x\n", ready(fd, 5000));
	show_signal(fd);
	write(gate[1], "x", 1);
	printf("%x\n", ready(fd, 5000));
	show_signal(fd);
	wait(&status);
	kill(getpid(), SIGUSR1);
	if (fork() == 0) {
		fcntl(fd, F_SETFL, O_NONBLOCK);
		show_signal(fd);	/* the parent's are not the child's */
		kill(getpid(), SIGUSR1);
		show_signal(fd);
		exit(0);
	}
	wait(&status);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	show_signal(fd);
	show_signal(fd);
	show_signal(fd);
	SAY(signalfd(1, &mask, 0));
	SAY(signalfd(99, &mask, 0));
	SAY(signalfd(-1, &mask, 4));
	SAY(syscall(SYS_signalfd4, -1, &mask, 4, 0));
	SAY(syscall(SYS_signalfd4, -1, nowhere, 8, 0));
	SAY(write(fd, s, 128));
	close(fd);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

int
main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	timers();
	inherited();
	sets();
	signals();
	return 0;
}
