/* SPDX-License-Identifier: ISC */
/* A thread each that waits for something else, all at once: more than the kernel is asked about at a time. */
#include "t.h"
#include <pthread.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>

static sem_t here;
static int pipes[2], full[2], stream[2], letters[2], event, timers[3], set, fifo_done, signals,
	listener;
static int locked, flocked;
static pid_t child;
static sem_t *shared;
static char big[65536];

static void
said(const char *what, long result)
{
	printf("%s %ld\n", what, result);
}

#define WAITER(name, call)                                                                         \
	static void *name(void *arg)                                                               \
	{                                                                                          \
		sem_post(&here);                                                                   \
		said(#name, (long)(call));                                                         \
		return arg;                                                                        \
	}

static char byte;
static unsigned long count;
static struct epoll_event happened;
static struct signalfd_siginfo info;
static struct pollfd both[2];

static long
lock_wait(void)
{
	struct flock l = { .l_type = F_WRLCK };

	return fcntl(locked, F_SETLKW, &l);
}

static long
nap(void)
{
	struct timespec t = { 0, 30000000 };

	return nanosleep(&t, NULL);
}

static long
child_wait(void)
{
	int status;

	return waitpid(child, &status, 0) == child ? WEXITSTATUS(status) : -1;
}

static long
signal_read(void)
{
	return read(signals, &info, sizeof(info)) == sizeof(info) ? (long)info.ssi_signo : -1;
}

static long
fifo_open(void)
{
	return (fifo_done = open("fifo", O_RDONLY)) >= 0;
}

WAITER(reads_pipe, read(pipes[0], &byte, 1))
WAITER(writes_pipe, write(full[1], "x", 1))
WAITER(reads_stream, recv(stream[0], &byte, 1, 0))
WAITER(reads_letter, recv(letters[0], &byte, 1, 0))
WAITER(reads_event, read(event, &count, 8))
WAITER(reads_timer, read(timers[0], &count, 8))
WAITER(waits_epoll, epoll_wait(set, &happened, 1, -1))
WAITER(waits_poll, poll(both, 2, 5000))
WAITER(waits_lock, lock_wait())
WAITER(waits_flock, flock(flocked, LOCK_EX))
WAITER(waits_child, child_wait())
WAITER(waits_shared, sem_wait(shared))
WAITER(sleeps, nap())
WAITER(reads_signal, signal_read())
WAITER(opens_fifo, fifo_open())
WAITER(accepts, accept(listener, NULL, NULL) >= 0)

static void *(*const waiters[])(void *) = {
	reads_pipe,
	writes_pipe,
	reads_stream,
	reads_letter,
	reads_event,
	reads_timer,
	waits_epoll,
	waits_poll,
	waits_lock,
	waits_flock,
	waits_child,
	waits_shared,
	reads_signal,
	opens_fifo,
	accepts,
	sleeps,
};
#define WAITERS (int)(sizeof(waiters) / sizeof(waiters[0]))

/* Each is given what it waits for, one after the other, by another process. */
static void
helper(int go, const struct sockaddr_un *name)
{
	struct flock l = { .l_type = F_UNLCK };
	unsigned long one = 1;

	for (int n = 0; n < WAITERS; n++) {
		char step;

		if (read(go, &step, 1) != 1)
			_exit(1);
		switch (step) {
		case 0: write(pipes[1], "x", 1); break;
		case 1: read(full[0], big, sizeof(big)); break;
		case 2: send(stream[1], "x", 1, 0); break;
		case 3: send(letters[1], "x", 1, 0); break;
		case 4: write(event, &one, 8); break;
		case 8: fcntl(locked, F_SETLK, &l); break;
		case 9: flock(flocked, LOCK_UN); close(flocked); break;
		case 11: sem_post(shared); break;
		case 12: kill(getppid(), SIGUSR1); break;
		case 13: close(open("fifo", O_WRONLY)); break;
		case 14: { int s = socket(AF_UNIX, SOCK_STREAM, 0);
			connect(s, (const struct sockaddr *)name, sizeof(*name)); break; }
		}
	}
	_exit(0);
}

static void
prepare(struct sockaddr_un *name)
{
	struct epoll_event e = { .events = EPOLLIN };

	pipe(pipes);
	pipe(full);
	fcntl(full[1], F_SETFL, O_NONBLOCK);
	while (write(full[1], big, sizeof(big)) > 0)
		;
	fcntl(full[1], F_SETFL, 0);
	socketpair(AF_UNIX, SOCK_STREAM, 0, stream);
	socketpair(AF_UNIX, SOCK_DGRAM, 0, letters);
	event = eventfd(0, 0);
	for (int n = 0; n < 3; n++)
		timers[n] = timerfd_create(CLOCK_MONOTONIC, 0);
	set = epoll_create1(0);
	epoll_ctl(set, EPOLL_CTL_ADD, timers[1], &e);
	both[0] = (struct pollfd){ .fd = timers[2], .events = POLLIN };
	both[1] = (struct pollfd){ .fd = pipes[1], .events = 0 };
	mkfifo("fifo", 0600);
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	bind(listener, (struct sockaddr *)name, sizeof(*name));
	listen(listener, 3);
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	sem_init(shared, 1, 0);
	close(open("locked", O_CREAT | O_RDWR, 0600));
	close(open("flocked", O_CREAT | O_RDWR, 0600));
}

int
main(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "socket" };
	struct itimerspec soon = { .it_value = { 0, 1000000 } };
	struct sockaddr_un *n = &name;
	pthread_t t[WAITERS];
	int go[2], ready[2];
	sigset_t s;

	setvbuf(stdout, NULL, _IONBF, 0);
	in_memory();
	prepare(n);
	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	sigprocmask(SIG_BLOCK, &s, NULL);
	signals = signalfd(-1, &s, 0);
	pipe(go);
	pipe(ready);
	pid_t help = fork();
	if (help == 0) {
		struct flock l = { .l_type = F_WRLCK };

		locked = open("locked", O_RDWR);
		fcntl(locked, F_SETLK, &l);
		flocked = open("flocked", O_RDWR);
		flock(flocked, LOCK_EX);
		write(ready[1], "r", 1);
		close(go[1]);
		helper(go[0], n);
	}
	read(ready[0], &byte, 1);
	locked = open("locked", O_RDWR);
	flocked = open("flocked", O_RDWR);
	child = fork();
	if (child == 0) {
		close(go[1]);
		read(ready[0], &byte, 1);
		_exit(7);
	}
	sem_init(&here, 0, 0);
	for (int k = 0; k < WAITERS; k++) {
		pthread_create(&t[k], NULL, waiters[k], NULL);
		sem_wait(&here);
		if (k == WAITERS - 1)
			pthread_join(t[k], NULL);
	}
	for (int k = 0; k < WAITERS - 1; k++) {
		char step = (char)k;

		usleep(2000);
		if (k == 10)
			write(ready[1], "e", 1);
		if (k >= 5 && k <= 7)
			timerfd_settime(timers[k - 5], 0, &soon, NULL);
		else
			write(go[1], &step, 1);
		pthread_join(t[k], NULL);
	}
	close(go[1]);
	kill(help, SIGKILL);
	waitpid(help, NULL, 0);
	return 0;
}
