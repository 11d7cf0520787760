/* SPDX-License-Identifier: ISC */
/*
 * What becomes of a call that waits when a signal comes: begun anew, ended, or
 * gone on with; by a handler with SA_RESTART, by one without, and by a stop.
 */
#include "t.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>

#define SOON 20000	/* us: between the steps of whoever interrupts */
#define FUTEX_WAIT 0
#define FUTEX_WAKE 1

static int pipe_[2], event, set;
static unsigned *word;
/* Signals handled; the call comes now: shared with the interrupter. */
static volatile unsigned *count, *begun;

static void
note(int sig)
{
	(void)sig;
	++*count;
}

static void
await(const volatile unsigned *what)
{
	while (*what == 0)
		usleep(1000);
}

enum mode { PLAIN, RESTART, STOP, MODES };
static const char *const names[] = { "handler", "SA_RESTART", "stop" };

/*
 * Interrupts its parent, then does what the call waits for: not before the
 * handler has run, or a call that found both on a busy machine would succeed.
 */
static pid_t
interrupter(enum mode mode, void (*complete)(void))
{
	pid_t parent = getpid(), child;

	*count = *begun = 0;
	child = fork();
	if (child)
		return child;
	await(begun);
	usleep(SOON);
	if (mode == STOP) {
		kill(parent, SIGSTOP);
		usleep(SOON);
		kill(parent, SIGCONT);
	} else {
		kill(parent, SIGUSR1);
		await(count);
	}
	usleep(SOON);
	if (complete)
		complete();
	_exit(0);
}

static void
put(void)
{
	write(pipe_[1], "x", 1);
}

static void
count_up(void)
{
	uint64_t one = 1;

	write(event, &one, 8);
}

static void
wake(void)
{
	*word = 1;
	syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* What a call that was ended did not take would be there for the next at once. */
static void
leftovers(void)
{
	struct pollfd p[] = { { .fd = pipe_[0], .events = POLLIN },
		{ .fd = event, .events = POLLIN } };
	char bytes[8];

	while (poll(p, 2, 0) > 0)
		read(p[0].revents ? p[0].fd : p[1].fd, bytes, sizeof(bytes));
}

/* The test proper is a child of the driver, so that it can be stopped by a child of its own. */
#define WAIT(name, complete, call)                                                                 \
	for (enum mode mode = PLAIN; mode < MODES; mode++) {                                       \
		struct sigaction a = { .sa_handler = note,                                         \
			.sa_flags = mode == RESTART ? SA_RESTART : 0 };                            \
		pid_t child;                                                                       \
		long result;                                                                       \
                                                                                                   \
		sigaction(SIGUSR1, &a, NULL);                                                      \
		child = interrupter(mode, complete);                                               \
		errno = 0;                                                                         \
		*begun = 1;                                                                        \
		result = (long)(call);                                                             \
		printf("%s, %s: %ld %s, %d\n", name, names[mode], result,                          \
			result < 0 ? error_name(errno) : "", (int)*count);                         \
		waitpid(child, NULL, 0);                                                           \
		leftovers();                                                                       \
	}

static long
child_waited(int mode, pid_t child)
{
	siginfo_t info;
	long r = mode == 0 ? waitpid(child, NULL, 0) : waitid(P_PID, (id_t)child, &info, WEXITED);

	return r > 0 ? 0 : r;
}

static long
taken_time(long (*f)(void), long least_ms, long most_ms)
{
	struct timespec a, b;
	long r, ms;

	clock_gettime(CLOCK_MONOTONIC, &a);
	r = f();
	int error = errno;
	clock_gettime(CLOCK_MONOTONIC, &b);
	ms = (b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000;
	if (r == 0 && (ms < least_ms || ms > most_ms))
		printf("took %ld ms\n", ms);
	errno = error;
	return r;
}

static long
sleeps(void)
{
	struct timespec t = { 0, 150000000 };

	return nanosleep(&t, NULL);
}

static long
sleeps_until(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += 150000000;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	errno = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
	return errno ? -1 : 0;
}

static long
polls(void)
{
	return poll(NULL, 0, 150);
}

static long
ppolls(void)
{
	struct timespec t = { 0, 150000000 };

	return syscall(SYS_ppoll, NULL, 0, &t, NULL, 8);
}

static long
selects(void)
{
	struct timeval t = { 0, 150000 };

	return select(0, NULL, NULL, NULL, &t);
}

static long
pselects(void)
{
	struct timespec t = { 0, 150000000 };

	return syscall(SYS_pselect6, 0, NULL, NULL, NULL, &t, NULL);
}

static long
futex_time(void)
{
	struct timespec t = { 0, 150000000 };

	*word = 0;
	return syscall(SYS_futex, word, FUTEX_WAIT, 0, &t, NULL, 0) == -1 && errno == ETIMEDOUT
		? 0
		: -1;
}

static long
waits_signal(void)
{
	struct timespec t = { 0, 150000000 };
	sigset_t usr2;

	sigemptyset(&usr2);
	sigaddset(&usr2, SIGUSR2);
	return sigtimedwait(&usr2, NULL, &t);
}

static void
run(void)
{
	char byte;
	uint64_t eight;
	struct pollfd p;
	struct epoll_event got;
	sigset_t none;

	WAIT("read", put, read(pipe_[0], &byte, 1));
	p = (struct pollfd){ .fd = pipe_[0], .events = POLLIN };
	WAIT("poll", put, (p.revents = 0, poll(&p, 1, -1)));
	p = (struct pollfd){ .fd = pipe_[0], .events = POLLIN };
	WAIT("wait", NULL, child_waited(0, child));
	WAIT("waitid", NULL, child_waited(1, child));
	WAIT("eventfd", count_up, read(event, &eight, 8));
	WAIT("futex", wake, (*word = 0, syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL, NULL, 0)));
	WAIT("nanosleep", NULL, taken_time(sleeps, 149, 10000));
	WAIT("clock_nanosleep", NULL, taken_time(sleeps_until, 149, 10000));
	WAIT("poll, a while", NULL, taken_time(polls, 149, 10000));
	WAIT("ppoll", NULL, taken_time(ppolls, 149, 10000));
	WAIT("select", NULL, taken_time(selects, 149, 10000));
	WAIT("pselect", NULL, taken_time(pselects, 149, 10000));
	WAIT("futex, a while", NULL, taken_time(futex_time, 149, 10000));
	WAIT("sigtimedwait", NULL, waits_signal());
	WAIT("epoll", NULL, epoll_wait(set, &got, 1, 300) < 0 ? -1 : 0);
	sigemptyset(&none);
	for (enum mode mode = PLAIN; mode < STOP; mode++) {
		struct sigaction a = { .sa_handler = note,
			.sa_flags = mode == RESTART ? SA_RESTART : 0 };

		sigaction(SIGUSR1, &a, NULL);
		interrupter(mode, NULL);
		*begun = 1;
		SAY(pause());
		wait(NULL);
		interrupter(mode, NULL);
		*begun = 1;
		SAY(sigsuspend(&none));
		wait(NULL);
	}
}

int
main(void)
{
	sigset_t usr2;
	pid_t child;
	struct epoll_event e = { .events = EPOLLIN };

	setvbuf(stdout, NULL, _IOLBF, 0);
	pipe(pipe_);
	event = eventfd(0, 0);
	set = epoll_create1(0);
	epoll_ctl(set, EPOLL_CTL_ADD, pipe_[0], &e);
	word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	count = word + 1;
	begun = word + 2;
	sigemptyset(&usr2);
	sigaddset(&usr2, SIGUSR2);
	sigprocmask(SIG_BLOCK, &usr2, NULL);
	child = fork();
	if (child == 0) {
		run();
		exit(0);
	}
	waitpid(child, NULL, 0);
	return 0;
}
