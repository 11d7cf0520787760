/* SPDX-License-Identifier: ISC */
/* One user's processes that together take what all are given of, or hide behind each other: others find some left. */
#define _GNU_SOURCE
#define CHECK_NAME "swarms"
#include "client.h"

#define OTHER 1000
#define SWARM 8u

static void
alive(void)
{
	char byte = 0;
	int p[2];

	CHECK(pipe(p) == 0 && write(p[1], "x", 1) == 1 && read(p[0], &byte, 1) == 1 && byte == 'x');
	close(p[0]);
	close(p[1]);
}

static void
verdict(void)
{
	note[0] = failed == 0;
}

/* ---- numbers of threads ---- */

static long
number(void)
{
	return request(OP_TIDS, 0, 0, 0, 0, 0);
}

/* Each takes all that it gets, and keeps it; note[5] counts, note[6] those that are through. */
static void
hoard(uid_t uid)
{
	if (fork())
		return;
	become(uid);
	while (number() > 0)
		__atomic_add_fetch(&note[5], 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&note[6], 1, __ATOMIC_RELAXED);
	for (;;)
		pause();
}

static void
swarm(uid_t uid)
{
	for (unsigned n = 0; n < SWARM; n++)
		hoard(uid);
	PATIENTLY (note[6] < SWARM)
		nap(2);
	CHECK(note[6] == SWARM);
	note[6] = 0;
}

static void
other_asks(void)
{
	become(OTHER);
	_exit(number() > 0 ? 0 : 1);
}

static void
numbers(void)
{
	note[5] = note[6] = 0;
	setpgid(0, 0);
	swarm(NOBODY);
	CHECK(note[5] > 100 && in_child(other_asks) == 0);
	for (uid_t uid = 2000; uid < 2003; uid++)
		swarm(uid);
	CHECK(number() > 0);		/* all users together leave root some */
	verdict();
	kill(0, SIGKILL);
}

/* ---- memory ---- */

/* It would be chosen first, and asks for nothing. */
static void
decoy(void)
{
	become(NOBODY);
	CHECK(request(OP_TUNE, (uint64_t)getpid(), TUNE_OOM, 1000, 0, 0) == 0);
	note[6] = 1;
	for (;;)
		pause();
}

static void
hog(void)
{
	become(NOBODY);
	for (;;) {
		noise(mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			      0),
			1 << 20);
		note[5]++;
	}
}

/* Whoever hides behind one that is to go first goes next, and both before a neighbour. */
static void
decoys(void)
{
	pid_t behind, in_front = fork();
	int status;
	uint64_t begun;

	note[5] = note[6] = 0;
	if (in_front == 0)
		decoy();
	while (!note[6])
		nap(1);
	begun = exo_now_ns();
	behind = fork();
	if (behind == 0)
		hog();
	CHECK(waitpid(in_front, &status, 0) == in_front && WIFSIGNALED(status) &&
		WTERMSIG(status) == SIGKILL);
	CHECK(waitpid(behind, &status, 0) == behind && WIFSIGNALED(status) &&
		WTERMSIG(status) == SIGKILL);
	CHECK(note[5] > 10 && exo_now_ns() > begun);
	verdict();
}

/* What only root may make of itself is not made by others. */
static void
shields(void)
{
	become(NOBODY);
	for (int n = -1000; n < 0; n += 111)
		CHECK(request(OP_TUNE, (uint64_t)getpid(), TUNE_OOM, (uint64_t)n, 0, 0) == -EACCES);
	CHECK(request(OP_TUNE, (uint64_t)getppid(), TUNE_OOM, 1000, 0, 0) == -EACCES);
	CHECK(request(OP_TUNE, 1, TUNE_OOM, 1000, 0, 0) == -EACCES);
	CHECK(request(OP_TUNE, (uint64_t)getpid(), TUNE_OOM, 1001, 0, 0) == -EINVAL);
	CHECK(request(OP_TUNE, (uint64_t)getpid(), TUNE_OOM, 1ull << 32, 0, 0) == -EINVAL);
	verdict();
	_exit(0);
}

static const struct attack attacks[] = {
	ATTACK(numbers),
	ATTACK(shields),
	ATTACK(decoys),
};

int
main(int argc, char **argv)
{
	return attack_each(argc, argv, attacks, sizeof(attacks) / sizeof(attacks[0]), alive, 0);
}
