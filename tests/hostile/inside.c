/* SPDX-License-Identifier: ISC */
/*
 * Threads on several processors against their own library: one that does not
 * come in when it is told to, one that writes over what says whose turn it is,
 * slices that the library does not know of.  They hurt their process alone: it
 * ends when it says so or when it is killed, and everything goes on for others.
 */
#define _GNU_SOURCE
#define CHECK_NAME "inside"
#include <pthread.h>
#include <sched.h>
#include "ask.h"

static volatile int *word;		/* shared with children: how far they are */

static void *
is_deaf(void *arg)
{
	(void)arg;
	exo_critical_enter();
	word[0] = 1;
	for (;;)
		;
	return NULL;
}

/* Another thread is on a processor of its own, and hears nothing. */
static void
with_deaf(void)
{
	pthread_t t;

	pthread_create(&t, NULL, is_deaf, NULL);
	while (!word[0])
		;
}

static void
exits(void)
{
	with_deaf();
	_exit(3);
}

static void
execs(void)
{
	with_deaf();
	word[1] = 1;
	execl("/bin/busybox", "true", NULL);
}

static void
forks(void)
{
	pid_t pid;
	int status = -1;

	with_deaf();
	pid = fork();
	if (pid == 0)
		_exit(5);
	waitpid(pid, &status, 0);
	_exit(status == 5 << 8 ? 3 : 1);
}

static void *
scribbles(void *arg)
{
	(void)arg;
	word[1] = 1;
	for (;;)
		noise((void *)(base + EXOS_DATA), 3 * PAGE);
	return NULL;
}

static void *
calls(void *arg)
{
	for (;;) {
		sched_yield();
		close(dup(0));
	}
	return arg;
}

static void
over_the_library(void)
{
	pthread_t t;

	pthread_create(&t, NULL, calls, NULL);
	pthread_create(&t, NULL, scribbles, NULL);
	calls(NULL);
}

static void *
counts(void *arg)
{
	for (int n = 0; n < 2000; n++) {
		sched_yield();
		__atomic_fetch_add(&word[2], 1, __ATOMIC_SEQ_CST);
	}
	return arg;
}

/* Slices come and go where the library's activations are, and are not. */
static void
behind_its_back(void)
{
	pthread_t t[3];

	for (int n = 0; n < 3; n++)
		pthread_create(&t[n], NULL, counts, NULL);
	for (int n = 0; n < 50; n++) {
		request(OP_CPU_MORE, 0, 0, 0, 0, 0);
		for (unsigned cpu = 1; cpu < shared->cpus && n % 2; cpu++)
			sched_yield();
	}
	for (int n = 0; n < 3; n++)
		pthread_join(t[n], NULL);
	_exit(word[2] == 6000 ? 3 : 1);
}

static void
suffers(const char *name, void (*f)(void), int wanted)
{
	int status = -1;
	pid_t pid;

	word[0] = word[1] = word[2] = 0;
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		f();
		_exit(1);
	}
	if (wanted == SIGKILL) {
		while (!word[1] && waitpid(pid, &status, WNOHANG) == 0)
			nap(5);
		nap(200);
		kill(pid, SIGKILL);
	}
	if (status == -1)
		waitpid(pid, &status, 0);
	/* The deaf one may be on the first one's processor, and is ended for its excess. */
	check(WIFSIGNALED(status) || (wanted != SIGKILL && status == wanted << 8), name, __LINE__);
	CHECK(in_child((void (*)(void))getpid) == 0);
}

int
main(void)
{
	CHECK(client_begin());
	word = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared->cpus > 1) {
		suffers("exits", exits, 3);
		suffers("execs", execs, SIGKILL);
		suffers("forks", forks, 3);
		suffers("over the library", over_the_library, SIGKILL);
		suffers("behind its back", behind_its_back, 3);
		CHECK(word[2] == 6000);
	}
	return summary();
}
