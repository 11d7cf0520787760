/* SPDX-License-Identifier: ISC */
/*
 * Programs that want more memory than there is, and whose pages get smaller:
 * all of them finish, and find what they wrote.  For a machine of 256 MiB
 * without swap, most of which is taken away first by memory that is locked.
 */
#define _GNU_SOURCE
#define CHECK_NAME "pressure"
#include <signal.h>
#include "check.h"
#include "hog.h"

#define LEFT (16 * MB)			/* what is left for the others, */
#define FILES (32 * MB)			/* besides what is kept for files */

static size_t part;			/* 70 of 100 of that */

/* Its own part, from beginning to end, and again backwards. */
static int
worker(unsigned long who)
{
	unsigned long *p = anon(part, MAP_PRIVATE);

	fill(p, part, who);
	if (!right(p, part, who))
		return 1;
	for (size_t at = part / 8; at >= 512; at -= 512)
		p[at - 1]++;
	for (size_t at = part / 8; at >= 512; at -= 512)
		p[at - 1]--;
	return right(p, part, who) ? 0 : 2;
}

static int
ended(int count)
{
	int status, good = 0;

	for (int i = 0; i < count; i++)
		good += wait(&status) > 0 && status == 0;
	return good;
}

static void
together(int count)
{
	for (int i = 0; i < count; i++)
		if (fork() == 0)
			_exit(worker((unsigned long)i));
	CHECK(ended(count) == count);
}

/* Who sleeps gives, too, and finds everything when it wakes. */
static void
sleeper(void)
{
	unsigned long *p;
	int to[2];
	char c;

	pipe(to);
	if (fork() == 0) {
		close(to[1]);
		p = anon(part, MAP_PRIVATE);
		fill(p, part, 7);
		read(to[0], &c, 1);
		_exit(right(p, part, 7) ? 0 : 1);
	}
	close(to[0]);
	usleep(300000);
	if (fork() == 0)
		_exit(worker(8));
	CHECK(ended(1) == 1);
	close(to[1]);
	CHECK(ended(1) == 1);
}

/* What was put away is the child's, too, and each one's own. */
static void
inherited(void)
{
	if (fork() == 0) {
		unsigned long *p = anon(part, MAP_PRIVATE);

		fill(p, part, 1);
		madvise(p, part, 21 /* MADV_PAGEOUT */);
		if (fork() == 0) {
			if (!right(p, part, 1))
				_exit(1);
			fill(p, part / 2, 2);
			_exit(right(p, part / 2, 2) ? 0 : 2);
		}
		if (ended(1) != 1 || !right(p, part, 1))
			_exit(3);
		_exit(0);
	}
	CHECK(ended(1) == 1);
}

/* One that stands still gives, too, and stands still all the while. */
static void
stopped(bool by_itself)
{
	volatile unsigned long *turns = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0),
			       was;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		unsigned long *p = anon(part, MAP_PRIVATE);

		fill(p, part, 5);
		for (*turns = 1; !by_itself && *turns; (*turns)++)
			;
		if (by_itself)
			raise(SIGSTOP);
		_exit(right(p, part, 5) ? 0 : 1);
	}
	while (!by_itself && *turns == 0)
		usleep(1000);
	if (!by_itself)
		kill(pid, SIGSTOP);
	CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	was = *turns;
	together(1);
	CHECK(*turns == was && waitpid(pid, &status, WNOHANG | WUNTRACED | WCONTINUED) == 0);
	*turns = ~0ul;			/* it goes on to 0 */
	kill(pid, SIGCONT);
	CHECK(ended(1) == 1);
}

int
main(void)
{
	size_t locked = (size_t)free_kib() * 1024 - LEFT - FILES;
	unsigned long *p = anon(locked, MAP_PRIVATE);
	long before;

	part = LEFT / 100 * 70 / PAGE * PAGE;
	CHECK(p && mlock(p, locked) == 0);
	together(2);
	before = free_kib();
	together(2);
	together(3);
	sleeper();
	inherited();
	stopped(true);
	stopped(false);
	for (int tries = 0; free_kib() < before - 512 && tries < 6000; tries++)
		usleep(5000);
	CHECK(free_kib() >= before - 512);
	return summary();
}
