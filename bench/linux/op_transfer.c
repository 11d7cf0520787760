/* SPDX-License-Identifier: ISC */
/* One tells another something, and is answered. */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "ops.h"

#define CHUNK 65536u

struct words {
	_Atomic uint32_t ping, pong, over;
};

static char chunk[CHUNK];

/* ---- through descriptors ------------------------------------------------------------ */

static void
echo(int in, int out)
{
	char byte;

	while (read(in, &byte, 1) == 1 && write(out, &byte, 1) == 1)
		;
	_exit(0);
}

/* `there` and `back`: what to write to, and read from, and the child's ends of both. */
static uint64_t
round_trips(unsigned n, const int there[2], const int back[2])
{
	pid_t pid = fork();
	uint64_t from;
	char byte = 0;

	if (pid == 0) {
		close(there[1]);
		close(back[0]);
		echo(there[0], back[1]);
	}
	if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
		return CANNOT;
	from = now();
	for (unsigned i = 0; i < n; i++)
		if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
			return CANNOT;
	from = now() - from;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return from;
}

static uint64_t
pipes(unsigned n)
{
	int there[2], back[2];
	uint64_t took;

	if (pipe(there) || pipe(back))
		return CANNOT;
	took = round_trips(n, there, back);
	close(there[0]), close(there[1]), close(back[0]), close(back[1]);
	return took;
}

static uint64_t
sockets(unsigned n)
{
	int pair[2];
	uint64_t took;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		return CANNOT;
	/* Each end is for both directions. */
	took = round_trips(n, (int[]){ pair[1], pair[0] }, (int[]){ pair[0], pair[1] });
	close(pair[0]), close(pair[1]);
	return took;
}

/* 64 KiB through a pipe, from a process to another. */
static uint64_t
bandwidth(unsigned n)
{
	int ends[2];
	uint64_t from, left = (uint64_t)n * CHUNK;
	pid_t pid;

	if (pipe(ends))
		return CANNOT;
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		while (write(ends[1], chunk, CHUNK) > 0)
			;
		_exit(0);
	}
	close(ends[1]);
	if (read(ends[0], chunk, 1) != 1)
		return CANNOT;
	from = now();
	while (left) {
		ssize_t got = read(ends[0], chunk, left < CHUNK ? left : CHUNK);

		if (got <= 0)
			return CANNOT;
		left -= (uint64_t)got;
	}
	from = now() - from;
	kill(pid, SIGKILL);
	close(ends[0]);
	waitpid(pid, NULL, 0);
	return from;
}

/* ---- through shared words --------------------------------------------------------------- */

static void
give(_Atomic uint32_t *word, int private)
{
	atomic_store(word, 1);
	syscall(SYS_futex, word, FUTEX_WAKE | private, 1, NULL, NULL, 0);
}

static void
take(_Atomic uint32_t *word, int private)
{
	while (!atomic_load(word))
		syscall(SYS_futex, word, FUTEX_WAIT | private, 0, NULL, NULL, 0);
	atomic_store(word, 0);
}

static void
take_spinning(_Atomic uint32_t *word)
{
	while (!atomic_load(word))
		sched_yield();
	atomic_store(word, 0);
}

struct partner {
	struct words *words;
	int private;			/* FUTEX_PRIVATE_FLAG, or 0 */
	bool spins;			/* by sched_yield */
	int cpu;			/* where the partner runs; -1: anywhere */
};

static void
tell_or_hear(const struct partner *p, _Atomic uint32_t *word, bool tell)
{
	if (tell && p->spins)
		atomic_store(word, 1);
	else if (tell)
		give(word, p->private);
	else if (p->spins)
		take_spinning(word);
	else
		take(word, p->private);
}

static void *
partner(void *arg)
{
	const struct partner *p = arg;

	if (p->cpu >= 0)
		pin((unsigned)p->cpu);
	for (;;) {
		tell_or_hear(p, &p->words->ping, false);
		if (atomic_load(&p->words->over))
			return NULL;
		tell_or_hear(p, &p->words->pong, true);
	}
}

static void
there_and_back(const struct partner *p)
{
	tell_or_hear(p, &p->words->ping, true);
	tell_or_hear(p, &p->words->pong, false);
}

static uint64_t
exchange(const struct partner *p, unsigned n)
{
	uint64_t from;

	there_and_back(p);
	from = now();
	for (unsigned i = 0; i < n; i++)
		there_and_back(p);
	from = now() - from;
	atomic_store(&p->words->over, 1);
	tell_or_hear(p, &p->words->ping, true);
	return from;
}

static uint64_t
with_process(struct partner p, unsigned n)
{
	uint64_t took;
	pid_t pid;

	p.words = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p.words == MAP_FAILED)
		return CANNOT;
	pid = fork();
	if (pid == 0) {
		partner(&p);
		_exit(0);
	}
	took = exchange(&p, n);
	waitpid(pid, NULL, 0);
	munmap(p.words, PAGE);
	return took;
}

static uint64_t
with_thread(struct partner p, unsigned n)
{
	struct words words = { 0 };
	pthread_t t;
	uint64_t took;

	p.words = &words;
	if (pthread_create(&t, NULL, partner, &p))
		return CANNOT;
	took = exchange(&p, n);
	pthread_join(t, NULL);
	return took;
}

static uint64_t
futex_processes(unsigned n)
{
	return with_process((struct partner){ .cpu = -1 }, n);
}

static uint64_t
futex_threads(unsigned n)
{
	return with_thread((struct partner){ .private = FUTEX_PRIVATE_FLAG, .cpu = -1 }, n);
}

static uint64_t
yield_processes(unsigned n)
{
	return with_process((struct partner){ .spins = true, .cpu = -1 }, n);
}

static uint64_t
yield_threads(unsigned n)
{
	return with_thread((struct partner){ .spins = true, .cpu = -1 }, n);
}

/* One here and one there. */
static uint64_t
futex_processes_two(unsigned n)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		return CANNOT;
	pin(0);
	return with_process((struct partner){ .cpu = 1 }, n);
}

static uint64_t
futex_threads_two(unsigned n)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		return CANNOT;
	pin(0);
	return with_thread((struct partner){ .private = FUTEX_PRIVATE_FLAG, .cpu = 1 }, n);
}

const struct op transfer_ops[] = {
	{ "pipe-ping-pong", pipes, 8 },
	{ "unix-ping-pong", sockets, 8 },
	{ "pipe-64K", bandwidth, 8 },
	{ "futex-processes", futex_processes, 8 },
	{ "futex-threads", futex_threads, 8 },
	{ "yield-processes", yield_processes, 8 },
	{ "yield-threads", yield_threads, 8 },
	{ "futex-processes-2", futex_processes_two, 8 },
	{ "futex-threads-2", futex_threads_two, 8 },
	{ 0 },
};
