/* SPDX-License-Identifier: ISC */
/* Setting the time of day, which on any other Linux would be the host's: here only. */
#define _GNU_SOURCE
#define CHECK_NAME "clock"
#include <signal.h>
#include <stdint.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/utsname.h>
#include <time.h>
#include "check.h"

#define NSEC 1000000000ll
#define AHEAD 1000			/* s */

static long long
now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * NSEC + t.tv_nsec;
}

static struct timespec
spec(long long ns)
{
	return (struct timespec){ ns / NSEC, ns % NSEC };
}

static int
set_ahead(long seconds)
{
	struct timespec t = spec(now(CLOCK_REALTIME) + seconds * NSEC);

	return clock_settime(CLOCK_REALTIME, &t);
}

static void
nobody(void)
{
	struct timespec t = spec(now(CLOCK_REALTIME));
	struct timeval v = { t.tv_sec, 0 };

	if (setuid(1000))
		_exit(1);
	_exit(clock_settime(CLOCK_REALTIME, &t) == -1 && errno == EPERM &&
				settimeofday(&v, NULL) == -1 && errno == EPERM
			? 0
			: 2);
}

/* Sets the clock when its parent waits for a time that is far off. */
static pid_t
setter(void)
{
	pid_t child = fork();

	if (child)
		return child;
	usleep(30000);
	if (set_ahead(AHEAD))
		_exit(1);
	for (;;)		/* its end would wake the parent, too */
		pause();
}

static void
reaped(pid_t child)
{
	int status = -1;

	CHECK(kill(child, SIGTERM) == 0 && waitpid(child, &status, 0) == child &&
		WTERMSIG(status) == SIGTERM);
	CHECK(set_ahead(-AHEAD) == 0);
}

static volatile sig_atomic_t rang;

static void
rings(int sig)
{
	(void)sig;
	rang++;
}

static void
waits(void)
{
	struct timespec until = spec(now(CLOCK_REALTIME) + AHEAD / 2 * NSEC);
	struct itimerspec when = { { 0, 0 }, until };
	struct sigevent e = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	sigset_t set, old;
	timer_t timer;
	uint64_t ticks;
	int fd = timerfd_create(CLOCK_REALTIME, 0);
	pid_t child = setter();

	CHECK(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL) == 0);
	reaped(child);

	CHECK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &when, NULL) == 0);
	child = setter();
	CHECK(read(fd, &ticks, 8) == 8 && ticks == 1);
	reaped(child);

	CHECK(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, NULL) == 0);
	child = setter();
	CHECK(read(fd, &ticks, 8) == -1 && errno == ECANCELED);
	reaped(child);

	signal(SIGUSR1, rings);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, &old);
	CHECK(timer_create(CLOCK_REALTIME, &e, &timer) == 0);
	CHECK(timer_settime(timer, TIMER_ABSTIME, &when, NULL) == 0);
	child = setter();
	CHECK(sigsuspend(&old) == -1 && rang == 1);
	reaped(child);
	/* A while is a while, whatever the time of day. */
	when.it_value = (struct timespec){ 100, 0 };
	CHECK(timer_settime(timer, 0, &when, NULL) == 0);
	CHECK(set_ahead(AHEAD) == 0 && timer_gettime(timer, &when) == 0 &&
		when.it_value.tv_sec >= 99);
	CHECK(set_ahead(-AHEAD) == 0);
	close(fd);
}

int
main(void)
{
	long long wall = now(CLOCK_REALTIME), since = now(CLOCK_MONOTONIC);
	struct timespec early = { 0, 0 };
	struct utsname name;

	uname(&name);
	if (!strstr(name.release, "exos"))
		return summary();
	CHECK(set_ahead(AHEAD) == 0);
	CHECK(now(CLOCK_REALTIME) >= wall + AHEAD * NSEC && time(NULL) >= wall / NSEC + AHEAD);
	CHECK(now(CLOCK_MONOTONIC) < since + AHEAD * NSEC);
	CHECK(set_ahead(-AHEAD) == 0);
	CHECK(now(CLOCK_REALTIME) < wall + AHEAD / 2 * NSEC);
	CHECK(clock_settime(CLOCK_REALTIME, &early) == -1 && errno == EINVAL);
	CHECK(in_child(nobody) == 0);
	waits();
	return summary();
}
