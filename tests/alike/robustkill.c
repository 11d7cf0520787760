/* SPDX-License-Identifier: ISC */
/* Robust locks (the C library calls set_robust_list) in memory that processes share, when who has them is killed. */
#include "t.h"
#include <pthread.h>
#include <stdbool.h>

#define LOCKS 100

static struct {
	pthread_mutex_t lock[LOCKS], plain, inherits;
	volatile int held, waits;
} *shared;

static void
make(pthread_mutex_t *m, bool robust, int protocol)
{
	pthread_mutexattr_t a;

	pthread_mutexattr_init(&a);
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	if (robust)
		pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_setprotocol(&a, protocol);
	pthread_mutex_init(m, &a);
	pthread_mutexattr_destroy(&a);
}

static void
until(volatile int *word, int value)
{
	while (*word < value)
		usleep(1000);
}

static const char *
outcome(int error)
{
	return error == 0 ? "0" : error == EOWNERDEAD ? "EOWNERDEAD"
		: error == EBUSY ? "EBUSY" : error == ENOTRECOVERABLE ? "ENOTRECOVERABLE" : "?";
}

/* A child that has the first so many locks, and then stands still. */
static pid_t
holder(int locks)
{
	pid_t pid;

	shared->held = 0;
	pid = fork();
	if (pid == 0) {
		for (int n = 0; n < locks; n++)
			pthread_mutex_lock(&shared->lock[n]);
		shared->held = 1;
		for (;;)
			pause();
	}
	until(&shared->held, 1);
	return pid;
}

static void
killed(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
}

/* Each of many is found so by the next one. */
static void
many(void)
{
	int dead = 0, again = 0;

	killed(holder(LOCKS));
	for (int n = 0; n < LOCKS; n++) {
		dead += pthread_mutex_lock(&shared->lock[n]) == EOWNERDEAD;
		if (n % 2)
			pthread_mutex_consistent(&shared->lock[n]);
		pthread_mutex_unlock(&shared->lock[n]);
	}
	for (int n = 0; n < LOCKS; n++) {
		const int error = pthread_mutex_trylock(&shared->lock[n]);

		again += error == (n % 2 ? 0 : ENOTRECOVERABLE);
		if (error == 0)
			pthread_mutex_unlock(&shared->lock[n]);
	}
	printf("many: %d %d\n", dead, again);
}

/* Those who wait already: one after the other, and each once. */
static void
waiting(void)
{
	pid_t pid, child[3];
	int dead = 0;

	make(&shared->lock[0], true, PTHREAD_PRIO_NONE);
	pid = holder(1);
	shared->waits = 0;
	for (int n = 0; n < 3; n++) {
		child[n] = fork();
		if (child[n] == 0) {
			int error;

			__atomic_fetch_add(&shared->waits, 1, __ATOMIC_SEQ_CST);
			error = pthread_mutex_lock(&shared->lock[0]);
			if (error == EOWNERDEAD)
				pthread_mutex_consistent(&shared->lock[0]);
			pthread_mutex_unlock(&shared->lock[0]);
			_exit(error == EOWNERDEAD);
		}
	}
	until(&shared->waits, 3);
	usleep(20000);
	killed(pid);
	for (int n = 0; n < 3; n++) {
		int status;

		waitpid(child[n], &status, 0);
		dead += WEXITSTATUS(status);
	}
	printf("waiting: %d found it\n", dead);
}

/* And in turn: each who gets it is killed with it. */
static void
in_turn(void)
{
	make(&shared->lock[0], true, PTHREAD_PRIO_NONE);
	for (int round = 0; round < 5; round++) {
		pid_t pid;

		shared->held = 0;
		pid = fork();
		if (pid == 0) {
			const int error = pthread_mutex_lock(&shared->lock[0]);

			if (error == EOWNERDEAD)
				pthread_mutex_consistent(&shared->lock[0]);
			shared->waits = error;
			shared->held = 1;
			for (;;)
				pause();
		}
		until(&shared->held, 1);
		printf("in turn: %s\n", outcome(shared->waits));
		killed(pid);
	}
}

static void *
locks_one(void *at)
{
	pthread_mutex_lock(at);
	__atomic_fetch_add(&shared->held, 1, __ATOMIC_SEQ_CST);
	for (;;)
		pause();
	return NULL;
}

/* Each thread has a list of its own. */
static void
of_threads(void)
{
	int dead = 0;
	pid_t pid;

	for (int n = 0; n < 6; n++)
		make(&shared->lock[n], true, PTHREAD_PRIO_NONE);
	shared->held = 0;
	pid = fork();
	if (pid == 0) {
		pthread_t thread;

		for (int n = 0; n < 5; n++)
			pthread_create(&thread, NULL, locks_one, &shared->lock[n]);
		locks_one(&shared->lock[5]);
	}
	until(&shared->held, 6);
	killed(pid);
	for (int n = 0; n < 6; n++)
		dead += pthread_mutex_lock(&shared->lock[n]) == EOWNERDEAD;
	printf("of threads: %d\n", dead);
}

/* What is not robust stays taken; one that inherits priority is given on. */
static void
others(void)
{
	pid_t pid;

	make(&shared->plain, false, PTHREAD_PRIO_NONE);
	make(&shared->inherits, true, PTHREAD_PRIO_INHERIT);
	shared->held = 0;
	pid = fork();
	if (pid == 0) {
		pthread_mutex_lock(&shared->plain);
		pthread_mutex_lock(&shared->inherits);
		shared->held = 1;
		for (;;)
			pause();
	}
	until(&shared->held, 1);
	killed(pid);
	printf("plain: %s\n", outcome(pthread_mutex_trylock(&shared->plain)));
	printf("inherits: %s\n", outcome(pthread_mutex_lock(&shared->inherits)));
}

int
main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		0);
	for (int n = 0; n < LOCKS; n++)
		make(&shared->lock[n], true, PTHREAD_PRIO_NONE);
	many();
	waiting();
	in_turn();
	of_threads();
	others();
	return 0;
}
