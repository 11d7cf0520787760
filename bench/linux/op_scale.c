/* SPDX-License-Identifier: ISC */
/* Many processes that talk in pairs, all at once. */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include "ops.h"

static void
close_both(const int ends[2])
{
	close(ends[0]);
	close(ends[1]);
}

/* The one that is asked: to the end of its input. */
static void
answer(int in, int out)
{
	char byte;

	while (read(in, &byte, 1) == 1 && write(out, &byte, 1) == 1)
		;
	_exit(0);
}

/* Makes its partner and hears from it; false: there is no room for so many. */
static bool
partner(int there[2], int back[2], int ready, int go)
{
	char byte = 0;
	pid_t pid;

	if (pipe(there) || pipe(back))
		return false;
	pid = fork();
	if (pid == 0) {
		close(there[1]);
		close(back[0]);
		close(ready);
		close(go);
		answer(there[0], back[1]);
	}
	close(there[0]);
	close(back[1]);
	return pid > 0 && write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1;
}

/* Says on `ready` whether it and its partner are there, waits for `go` to end, and asks so many times. */
static void
ask(unsigned times, int ready, int go)
{
	int there[2], back[2];
	char byte = partner(there, back, ready, go);

	if (write(ready, &byte, 1) != 1 || !byte || read(go, &byte, 1) != 0)
		_exit(1);
	for (unsigned i = 0; i < times; i++)
		if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
			_exit(1);
	close(there[1]);
	wait(NULL);
	_exit(0);
}

/* One that asks, and its partner; false when there is no room for them. */
static bool
pair(unsigned times, const int ready[2], const int go[2])
{
	pid_t pid = fork();
	char good = 0;

	if (pid == 0) {
		close(ready[0]);
		close(go[1]);
		ask(times, ready[1], go[0]);
	}
	return pid > 0 && read(ready[0], &good, 1) == 1 && good;
}

/* All `processes` ask and answer until n round trips are done; for one of them. */
static uint64_t
pairs(unsigned n, unsigned processes)
{
	unsigned count = processes / 2, each = (n + count - 1) / count, made = 0;
	int ready[2], go[2], status, bad = 0;
	uint64_t from;

	if (pipe(ready) || pipe(go))
		return CANNOT;
	while (made < count && pair(each, ready, go))
		made++;
	close_both(ready);
	from = now();
	close_both(go);
	while (wait(&status) > 0)
		bad |= status;
	from = now() - from;
	return made == count && !bad ? from * n / ((uint64_t)each * count) : CANNOT;
}

static uint64_t
pairs_2(unsigned n)
{
	return pairs(n, 2);
}

static uint64_t
pairs_8(unsigned n)
{
	return pairs(n, 8);
}

static uint64_t
pairs_64(unsigned n)
{
	return pairs(n, 64);
}

static uint64_t
pairs_256(unsigned n)
{
	return pairs(n, 256);
}

static uint64_t
pairs_512(unsigned n)
{
	return pairs(n, 512);
}

/* So many processes at once that do nothing: what making one of them costs. */
static uint64_t
alive(unsigned n)
{
	unsigned made = 0;
	uint64_t from;
	pid_t pid = 1;
	int hold[2];
	char byte;

	if (pipe(hold))
		return CANNOT;
	from = now();
	while (made < n && pid > 0) {
		pid = fork();
		if (pid == 0) {
			close(hold[1]);
			_exit(read(hold[0], &byte, 1) != 0);
		}
		made += pid > 0;
	}
	from = now() - from;
	close_both(hold);
	while (wait(NULL) > 0)
		;
	return made == n ? from : CANNOT;
}

const struct op scale_ops[] = {
	{ "alive-10000", alive, 10000 },
	{ "pairs-2", pairs_2, 256 },
	{ "pairs-8", pairs_8, 256 },
	{ "pairs-64", pairs_64, 512 },
	{ "pairs-256", pairs_256, 2048 },
	{ "pairs-512", pairs_512, 2048 },
	{ 0 },
};
