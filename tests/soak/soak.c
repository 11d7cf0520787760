/* SPDX-License-Identifier: ISC */
/*
 * Mixed programs that together want more memory than is left, so that it is
 * asked back all the time; some are killed at random, or stopped for a while.
 * After each round: who was not killed succeeded, and all memory is free again.
 *
 *	soak [ROUNDS [SEED]]
 *
 * For a machine of 256 MiB, most of which is taken away first.
 */
#define _GNU_SOURCE
#define CHECK_NAME "soak"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include "../linux/check.h"
#include "../linux/hog.h"

#define LEFT (14 * MB)			/* what is left for all of them, */
#define FILES (26 * MB)			/* besides what is kept for files */
#define PART (5 * MB / 2)		/* what each wants, about */
#define WORKERS 10u
#define SLACK 512			/* KiB: the server's tables, which grow with what was the most so far */

static unsigned long seed;

static unsigned
draw(unsigned below)
{
	seed = seed * 6364136223846793005ul + 1442695040888963407ul;
	return (unsigned)(seed >> 33) % below;
}

static bool
good(pid_t pid)
{
	int status;

	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* ---- workers: 0, or where it went wrong ---- */

static int
memory(unsigned long who)
{
	unsigned long *p = anon(PART, MAP_PRIVATE);

	fill(p, PART, who);
	for (unsigned turn = 0; turn < 3; turn++)
		if (!right(p, PART, who))
			return 1;
	return 0;
}

static int
forks(unsigned long who)
{
	unsigned long *p = anon(PART / 2, MAP_PRIVATE);

	fill(p, PART / 2, who);
	for (unsigned n = 0; n < 3; n++) {
		pid_t pid = fork();

		if (pid == 0) {
			fill(p, PART / 4, who + 1);
			_exit(right(p, PART / 4, who + 1) ? 0 : 1);
		}
		if (!good(pid))
			return 1;
	}
	return right(p, PART / 2, who) ? 0 : 2;
}

static int
files(unsigned long who)
{
	char name[32];
	unsigned long *p = anon(PART / 2, MAP_PRIVATE), *shared, *private;
	int fd;

	snprintf(name, sizeof(name), "/tmp/soak.%lu", who);
	fill(p, PART / 2, who);
	fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	unlink(name);
	if (fd < 0 || write(fd, p, PART / 2) != (long)(PART / 2))
		return 1;
	shared = mmap(NULL, PART / 2, RW, MAP_SHARED, fd, 0);
	private = mmap(NULL, PART / 2, RW, MAP_PRIVATE, fd, 0);
	fill(private, PART / 4, who + 1);
	shared[PART / 16 - 1] = 1;
	if (!right(private, PART / 4, who + 1) || !right(shared, PART / 4, who))
		return 2;
	return right(p, PART / 2, who) && pread(fd, p, 8, PART / 2 - 8) == 8 && p[0] == 1 ? 0 : 3;
}

static int
pipes(unsigned long who)
{
	unsigned long *p = anon(PART / 2, MAP_PRIVATE), sum = 0, wanted = 0, some[512];
	int to[2];
	pid_t pid;
	long n;

	fill(p, PART / 2, who);
	for (size_t i = 0; i < PART / 16; i++)
		wanted += p[i];
	if (pipe(to)) {
		printf("pipe: error %d\n", errno);
		return 2;
	}
	pid = fork();
	if (pid == 0) {
		_exit(write(to[1], p, PART / 2) == (long)(PART / 2) ? 0 : 1);
	}
	close(to[1]);
	while ((n = read(to[0], some, sizeof(some))) > 0)
		for (long i = 0; i < n / 8; i++)
			sum += some[i];
	return good(pid) && sum == wanted ? 0 : 1;
}

static int
shell(unsigned long who)
{
	static const char script[] =
		"a=$(seq 1 4000 | sort -r | awk '{ s += $1 } END { print s }');"
		"b=$(seq 1 4000 | gzip | gunzip | md5sum);"
		"c=$(seq 1 4000 | md5sum);"
		"test $a = 8002000 && test \"$b\" = \"$c\"";

	(void)who;
	execl("/bin/sh", "sh", "-c", script, NULL);
	return 1;
}

static void *
thread(void *arg)
{
	unsigned long who = (unsigned long)arg, *p = anon(PART / 4, MAP_PRIVATE);

	fill(p, PART / 4, who);
	for (unsigned turn = 0; turn < 3; turn++, sched_yield())
		if (!right(p, PART / 4, who))
			return (void *)1;
	return NULL;
}

static int
threads(unsigned long who)
{
	pthread_t t[3];
	void *wrong;
	int bad = 0;

	for (unsigned n = 0; n < 3; n++)
		if (pthread_create(&t[n], NULL, thread, (void *)(who + n)))
			return 1;
	for (unsigned n = 0; n < 3; n++)
		bad |= pthread_join(t[n], &wrong) != 0 || wrong != NULL;
	return bad;
}

/* ---- rounds ---- */

static int (*const kinds[])(unsigned long who) = { memory, forks, files, pipes, shell, threads };
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

enum fate { LIVES, KILLED, STOPPED };

static pid_t
begin(unsigned long who)
{
	pid_t pid = fork();

	if (pid == 0) {
		setpgid(0, 0);
		_exit(kinds[who % KINDS](who));
	}
	setpgid(pid, pid);
	return pid;
}

static void
ended(pid_t pid, unsigned long who, enum fate fate)
{
	int status = -1;

	CHECK(waitpid(pid, &status, 0) == pid);
	if (fate == KILLED && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return;
	if (!CHECK(status == 0))
		printf("worker %lu of kind %lu: status %x\n", who, who % KINDS, status);
}

static void
turn(unsigned long number)
{
	enum fate fate[WORKERS] = { LIVES };
	pid_t pid[WORKERS];

	for (unsigned n = 0; n < WORKERS; n++) {
		pid[n] = begin(number * WORKERS + n);
		fate[n] = draw(4) == 0 ? KILLED : draw(4) == 0 ? STOPPED : LIVES;
	}
	for (unsigned n = 0; n < WORKERS; n++) {
		usleep(1000 * draw(60));
		if (fate[n] != LIVES)
			kill(-pid[n], fate[n] == KILLED ? SIGKILL : SIGSTOP);
	}
	for (unsigned n = 0; n < WORKERS; n++)
		if (fate[n] == STOPPED)
			kill(-pid[n], SIGCONT);
	for (unsigned n = 0; n < WORKERS; n++)
		ended(pid[n], number * WORKERS + n, fate[n]);
}

/* By one that is never asked and waits for its end. */
static pid_t
take_away(void)
{
	int ready[2], fd;
	char c = 0;
	pid_t pid;

	pipe(ready);
	pid = fork();
	if (pid == 0) {
		const size_t bytes = (size_t)free_kib() * 1024 - LEFT - FILES;
		void *p = anon(bytes, MAP_PRIVATE);

		fd = open("/proc/self/oom_score_adj", O_WRONLY);
		if (write(fd, "-1000", 5) == 5 && mlock(p, bytes) == 0)
			write(ready[1], "y", 1);
		close(ready[1]);
		for (;;)
			pause();
	}
	close(ready[1]);
	CHECK(read(ready[0], &c, 1) == 1);
	close(ready[0]);
	return pid;
}

int
main(int argc, char **argv)
{
	const unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 0) : 3;
	long before = 0, after;
	pid_t locker;

	seed = argc > 2 ? strtoul(argv[2], NULL, 0) : 1;
	locker = take_away();
	for (unsigned long n = 0; n <= rounds; n++) {
		turn(n);
		after = free_kib();
		for (unsigned tries = 0; after < before - SLACK && tries < 200; tries++) {
			usleep(5000);
			after = free_kib();
		}
		if (!CHECK(after >= before - SLACK))
			printf("round %lu: %ld KiB free, %ld before\n", n, after, before);
		before = n ? before : after;	/* the server's tables grow, in the first one */
		if (failed)
			break;
	}
	kill(locker, SIGKILL);
	return summary();
}
