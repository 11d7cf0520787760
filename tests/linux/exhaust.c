/* SPDX-License-Identifier: ISC */
/*
 * Memory runs out: who takes too much dies, who does not goes on, and in the
 * end everything is free again.  What can be made small is (pressure.c), so who
 * is to die writes noise.  For a machine of 256 MiB without swap.
 */
#define _GNU_SOURCE
#define CHECK_NAME "exhaust"
#include <signal.h>
#include "check.h"
#include "hog.h"

#define SETTLED 12000			/* looks, 5 ms apart: a minute, long past what the slowest host needs */
#define SLACK 64			/* KiB: the server's tables, which only grow */

static size_t part;			/* 60 of 100 of what is free */

/* In a child: its status tells. */
#define MUST(e) must((e) ? 1 : 0, #e, __LINE__)

static void
must(int good, const char *what, int line)
{
	if (good)
		return;
	printf("FAIL %s:%d: %s (errno %d)\n", CHECK_NAME, line, what, errno);
	fflush(stdout);
	_exit(1);
}

static void
touch(volatile char *p, size_t bytes)
{
	for (size_t at = 0; at < bytes; at += PAGE)
		p[at] = (char)(at / PAGE);
}

static bool
intact(const volatile char *p, size_t bytes)
{
	for (size_t at = 0; at < bytes; at += PAGE)
		if (p[at] != (char)(at / PAGE))
			return false;
	return true;
}

/* Pages that nothing makes smaller. */
static void
noise(char *p, size_t bytes)
{
	unsigned long word = 88172645463325252ul, *at = (unsigned long *)p;

	for (size_t n = 0; n < bytes / sizeof(word); n++) {
		word ^= word << 13;
		word ^= word >> 7;
		word ^= word << 17;
		at[n] = word;
	}
}

static void
hog(void)
{
	noise(anon(4096 * MB, MAP_PRIVATE), 4096 * MB);
}

static void
shared_hog(void)
{
	touch(anon(4096 * MB, MAP_SHARED), 4096 * MB);
}

static bool
killed(int status, int sig)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == sig;
}

static volatile sig_atomic_t enough;

static void
stop(int sig)
{
	enough = sig;
}

/* It has some memory and wants a little more, again and again, while another takes all there is. */
static void
modest(void)
{
	char *p = anon(8 * MB, MAP_PRIVATE);

	signal(SIGTERM, stop);
	touch(p, 8 * MB);
	while (!enough) {
		char *more = anon(MB, MAP_PRIVATE);

		touch(more, MB);
		if (!intact(p, 8 * MB) || !intact(more, MB))
			_exit(1);
		munmap(more, MB);
	}
	_exit(0);
}

static void
neighbour(void)
{
	int status;
	pid_t quiet = fork();

	if (quiet == 0)
		modest();
	CHECK(killed(in_child(hog), SIGKILL));
	CHECK(killed(in_child(hog), SIGKILL));
	CHECK(waitpid(quiet, &status, WNOHANG) == 0);
	kill(quiet, SIGTERM);
	CHECK(waitpid(quiet, &status, 0) == quiet && status == 0);
}

/* What nobody touches costs nothing; what cannot be had is an error where there is a call to give it. */
static void
promises(void)
{
	char *p = anon(64 * 1024 * MB, MAP_PRIVATE);

	MUST(p != NULL);
	p[5 * 1024 * MB] = 1;
	MUST(mlock(p, 4096 * MB) == -1 && errno == ENOMEM);
	MUST(munmap(p, 64 * 1024 * MB) == 0);
	p = anon(part, MAP_PRIVATE);
	MUST(p && mlock(p, part / 2) == 0);
	touch(p, part);
	MUST(intact(p, part));
}

/* Page tables go with what they were for, while their process lives. */
static void
tables(void)
{
	long before = free_kib();
	char *p = anon(4096 * MB, MAP_PRIVATE);

	for (size_t at = 0; at < 4096 * MB; at += 2 * MB)
		p[at] = 1;
	MUST(free_kib() < before - 16384);
	munmap(p, 4096 * MB);
	MUST(free_kib() >= before - 512);
}

/* Two who cannot both write what they share after the fork: the child, which wants more, ends. */
static void
writer_below(void)
{
	char *p = anon(part, MAP_PRIVATE);
	unsigned long first;
	pid_t pid;
	int status;

	noise(p, part);
	first = *(unsigned long *)p;
	pid = fork();
	if (pid == 0) {
		for (size_t at = 0; at < part; at += PAGE)
			p[at] ^= 1;
		_exit(2);
	}
	MUST(waitpid(pid, &status, 0) == pid && killed(status, SIGKILL));
	MUST(*(unsigned long *)p == first);
	noise(p, part);
	MUST(*(unsigned long *)p == first);
}

/* What was let go of is another's to take, though who had it lives. */
static void
given_back(void)
{
	int ready[2];
	char *p, c;
	pid_t other;

	pipe(ready);
	other = fork();
	if (other == 0) {
		p = anon(part, MAP_PRIVATE);
		touch(p, part);
		munmap(p, part);
		write(ready[1], "x", 1);
		pause();
	}
	MUST(read(ready[0], &c, 1) == 1);
	p = anon(part, MAP_PRIVATE);
	touch(p, part);
	MUST(intact(p, part));
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
}

/* A child inherits what its parent leaves, and has room for more. */
static void
inherited(void)
{
	int done[2];
	char *p = anon(part / 2, MAP_PRIVATE), *q, c = 'n';

	pipe(done);
	if (fork() == 0) {
		touch(p, part / 2);
		if (fork())
			_exit(0);
		while (getppid() != 1)
			usleep(1000);
		q = anon(part / 4, MAP_PRIVATE);
		touch(q, part / 4);
		if (intact(p, part / 2) && intact(q, part / 4))
			write(done[1], "y", 1);
		_exit(0);
	}
	close(done[1]);
	wait(NULL);
	MUST(read(done[0], &c, 1) == 1 && c == 'y');
}

static void
crowd(void)
{
	int status, ended = 0;

	for (int i = 0; i < 8; i++)
		if (fork() == 0) {
			touch(anon(part / 2, MAP_PRIVATE), part / 2);
			_exit(0);
		}
	while (wait(&status) > 0)
		ended += status == 0 || killed(status, SIGKILL);
	MUST(ended == 8);
}

/* Run in a child, whose own checks decide its status. */
static void
nothing_is_lost(const char *what, void (*f)(void), int sig)
{
	long before = free_kib(), after;
	int status = in_child(f);

	if (!CHECK(sig ? killed(status, sig) : status == 0))
		printf("%s: status %x\n", what, status);
	after = free_kib();
	for (int tries = 0; after < before - SLACK && tries < SETTLED; tries++) {
		usleep(5000);
		after = free_kib();
	}
	if (!CHECK(after >= before - SLACK))
		printf("%s: %ld KiB free before, %ld after\n", what, before, after);
}

int
main(void)
{
	signal(SIGPIPE, SIG_IGN);
	part = (size_t)free_kib() * 1024 / 100 * 60;
	in_child(crowd);		/* the server's tables grow, once */
	in_child(shared_hog);
	nothing_is_lost("hog", hog, SIGKILL);
	nothing_is_lost("shared hog", shared_hog, SIGBUS);
	nothing_is_lost("promises", promises, 0);
	nothing_is_lost("tables", tables, 0);
	nothing_is_lost("writer", writer_below, 0);
	nothing_is_lost("given back", given_back, 0);
	nothing_is_lost("inherited", inherited, 0);
	nothing_is_lost("crowd", crowd, 0);
	neighbour();
	return summary();
}
