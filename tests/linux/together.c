/* SPDX-License-Identifier: ISC */
/*
 * Threads of one process on several processors at the same time: they are seen
 * there, the clocks count both, and an affinity brings them together again.
 * With one processor it says what it says on Linux.
 */
#define _GNU_SOURCE
#define CHECK_NAME "together"
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include "check.h"

#define PATIENCE 40
#define ROUNDS 100

static int cpus;
static volatile pid_t answerer;
static volatile int turn, stop, cpu_of[2];
static volatile uint64_t work[2];

static double
now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void
pin(pid_t tid, int first, int count)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (int n = first; n < first + count; n++)
		CPU_SET(n, &set);
	CHECK(sched_setaffinity(tid, sizeof(set), &set) == 0);
}

/* A word goes to and fro, and nobody ever gives way. */
static void *
answers(void *arg)
{
	(void)arg;
	answerer = (pid_t)syscall(SYS_gettid);
	while (!stop) {
		if (turn != 1)
			continue;
		cpu_of[1] = sched_getcpu();
		__atomic_store_n(&turn, 0, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

static void
ask(void)
{
	__atomic_store_n(&turn, 1, __ATOMIC_SEQ_CST);
	while (turn)
		;
	cpu_of[0] = sched_getcpu();
}

static void
at_once(void)
{
	const double until = now(CLOCK_MONOTONIC) + PATIENCE;
	int rounds = 0;
	pthread_t t;

	turn = stop = 0;
	CHECK(pthread_create(&t, NULL, answers, NULL) == 0);
	while (rounds < ROUNDS && now(CLOCK_MONOTONIC) < until) {
		ask();
		rounds += cpu_of[0] != cpu_of[1];
	}
	CHECK(rounds == ROUNDS);
	stop = 1;
	pthread_join(t, NULL);
}

static void *
computes(void *arg)
{
	double *used = arg;

	while (!stop)
		work[1]++;
	*used = now(CLOCK_THREAD_CPUTIME_ID);
	return NULL;
}

/* Two compute until they have done so on two processors for a while. */
static void
clocks(void)
{
	const double begun = now(CLOCK_PROCESS_CPUTIME_ID), own = now(CLOCK_THREAD_CPUTIME_ID);
	const double until = now(CLOCK_MONOTONIC) + PATIENCE;
	double real, used, mine, other = 0;
	pthread_t t;

	stop = 0;
	CHECK(pthread_create(&t, NULL, computes, &other) == 0);
	do {
		real = now(CLOCK_MONOTONIC);
		used = now(CLOCK_PROCESS_CPUTIME_ID);
		while (now(CLOCK_MONOTONIC) < real + 0.1)
			work[0]++;
		real = now(CLOCK_MONOTONIC) - real;
		used = now(CLOCK_PROCESS_CPUTIME_ID) - used;
	} while (used < 1.5 * real && now(CLOCK_MONOTONIC) < until);
	CHECK(used >= 1.5 * real && used <= 2.2 * real);
	stop = 1;
	pthread_join(t, NULL);
	mine = now(CLOCK_THREAD_CPUTIME_ID) - own;
	used = now(CLOCK_PROCESS_CPUTIME_ID) - begun;
	CHECK(mine > 0 && other > 0 && mine + other <= used + 0.05 && mine + other > used * 0.6);
}

/* From here on both are where they may be, and then everywhere again. */
static void
affinity(void)
{
	const double until = now(CLOCK_MONOTONIC) + PATIENCE;
	pthread_t t;

	turn = stop = 0;
	CHECK(pthread_create(&t, NULL, answers, NULL) == 0);
	do {
		ask();
	} while (cpu_of[0] == cpu_of[1] && now(CLOCK_MONOTONIC) < until);
	pin(answerer, 1, 1);
	pin(0, 1, 1);
	CHECK(sched_getcpu() == 1);
	do {
		ask();
	} while (cpu_of[1] != 1 && now(CLOCK_MONOTONIC) < until);
	for (int n = 0; n < 10; n++) {
		ask();
		CHECK(cpu_of[0] == 1 && cpu_of[1] == 1);
	}
	pin(answerer, 0, cpus);
	pin(0, 0, cpus);
	stop = 1;
	pthread_join(t, NULL);
}

int
main(void)
{
	cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
	if (cpus > 1) {
		at_once();
		clocks();
		affinity();
		at_once();
	}
	return summary();
}
