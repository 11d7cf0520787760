/* SPDX-License-Identifier: ISC */
/*
 * How much more gets done with more processors: loops in the manner of
 * will-it-scale, by processes that share nothing, each on a CPU of its own, and
 * a ping-pong through pipes on one CPU and between two.  Runs on Linux, too.
 *
 *	scale [MS]	prints `scale NAME PROCESSES OPERATIONS-A-SECOND`
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORKERS 8
#define PAGE 4096
#define BATCH 64			/* pages touched before they are given back */

static struct shared {
	volatile int ready, stop;
	struct {
		volatile uint64_t done;
		char line[56];
	} worker[WORKERS];
} *shared;

static int ends[2];
static char name[32];

static void
spin_once(uint64_t n)
{
	static volatile uint64_t sink;

	for (unsigned i = 0; i < 1000; i++)
		sink += n;
}

static void
fault_once(uint64_t n)
{
	static char *area;

	if (!area)
		area = mmap(NULL, BATCH * PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	area[n % BATCH * PAGE] = 1;
	if (n % BATCH == BATCH - 1)
		madvise(area, BATCH * PAGE, MADV_DONTNEED);
}

static void
map_once(uint64_t n)
{
	char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*p = (char)n;
	munmap(p, PAGE);
}

static void
pipe_once(uint64_t n)
{
	char c = (char)n;

	if (!ends[1] && pipe(ends))
		exit(1);
	if (write(ends[1], &c, 1) != 1 || read(ends[0], &c, 1) != 1)
		exit(1);
}

/* One request of the server, the shortest. */
static void
server_once(uint64_t n)
{
	(void)n;
	kill(getpid(), 0);
}

static void
create_once(uint64_t n)
{
	(void)n;
	close(open(name, O_CREAT | O_WRONLY, 0600));
	unlink(name);
}

static void
fork_once(uint64_t n)
{
	pid_t pid = fork();

	(void)n;
	if (pid == 0)
		_exit(0);
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		exit(1);
}

static const struct {
	const char *name;
	void (*once)(uint64_t);
} loops[] = {
	{ "spin", spin_once }, { "fault", fault_once }, { "map", map_once }, { "pipe", pipe_once },
	{ "server", server_once }, { "create", create_once }, { "fork", fork_once },
};

static void
pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		exit(1);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
work(int which, void (*once)(uint64_t))
{
	pin(which);
	snprintf(name, sizeof(name), "/tmp/scale%d", which);
	for (uint64_t n = 0; n < BATCH; n++)
		once(n);		/* what is done once is done */
	__atomic_fetch_add(&shared->ready, 1, __ATOMIC_SEQ_CST);
	while (shared->ready >= 0)
		sched_yield();
	for (uint64_t n = 0; !shared->stop; n++) {
		once(n);
		shared->worker[which].done++;
	}
	exit(0);
}

static double
measure(void (*once)(uint64_t), int workers, int ms)
{
	double begin, seconds;
	uint64_t done = 0;

	*shared = (struct shared){ 0 };
	for (int n = 0; n < workers; n++) {
		if (fork() == 0)
			work(n, once);
	}
	while (shared->ready < workers)
		usleep(1000);
	begin = now();
	shared->ready = -1;
	usleep((useconds_t)ms * 1000);
	shared->stop = 1;
	seconds = now() - begin;
	for (int n = 0; n < workers; n++)
		done += shared->worker[n].done;
	while (wait(NULL) > 0)
		;
	return (double)done / seconds;
}

/* Round trips of a byte between two processes. */
static double
ping_pong(int cpu, int ms)
{
	int there[2], back[2];
	double begin = now();
	uint64_t done = 0;
	char c = 0;
	pid_t pid;

	if (pipe(there) || pipe(back))
		exit(1);
	pid = fork();
	if (pid == 0) {
		pin(cpu);
		close(there[1]);
		while (read(there[0], &c, 1) == 1 && write(back[1], &c, 1) == 1)
			;
		_exit(0);
	}
	for (; now() - begin < ms / 1e3; done++)
		if (write(there[1], &c, 1) != 1 || read(back[0], &c, 1) != 1)
			exit(1);
	close(there[1]);
	waitpid(pid, NULL, 0);
	return (double)done / (now() - begin);
}

int
main(int argc, char **argv)
{
	int ms = argc > 1 ? atoi(argv[1]) : 500;
	int cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		0);
	setlinebuf(stdout);
	pin(0);
	for (size_t i = 0; i < sizeof(loops) / sizeof(loops[0]); i++)
		for (int workers = 1; workers <= cpus && workers <= WORKERS; workers++)
			printf("scale %s %d %.0f\n", loops[i].name, workers,
				measure(loops[i].once, workers, ms));
	printf("scale ping-pong 1 %.0f\n", ping_pong(0, ms));
	if (cpus > 1)
		printf("scale ping-pong 2 %.0f\n", ping_pong(1, ms));
	return 0;
}
