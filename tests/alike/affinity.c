/* SPDX-License-Identifier: ISC */
/*
 * Affinities, whatever number of processors there is: what may be asked for, where one is then,
 * who inherits it.  A process goes over all processors, with everything that is its own.
 */
#include "t.h"

#define MASK_ULONGS 16

static int cpus;

static int
is_alone(const cpu_set_t *set, int cpu)
{
	return CPU_COUNT(set) == 1 && CPU_ISSET(cpu, set);
}

static void
only(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		perror("sched_setaffinity");
}

static void
all(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (int cpu = 0; cpu < cpus; cpu++)
		CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		perror("sched_setaffinity");
}

static int
where(void)
{
	unsigned cpu = 99, node = 99;

	if (syscall(SYS_getcpu, &cpu, &node, NULL) || node != 0)
		return -1;
	return sched_getcpu() == (int)cpu ? (int)cpu : -2;
}

static void
masks(void)
{
	unsigned long mask[MASK_ULONGS] = { 0 };

	SAY(syscall(SYS_sched_setaffinity, 0, sizeof(mask), mask));
	SAY(syscall(SYS_sched_setaffinity, 0, 0, mask));
	SAY(syscall(SYS_sched_setaffinity, 0, sizeof(mask), nowhere));
	mask[MASK_ULONGS - 1] = 1;		/* a processor that nobody has */
	SAY(syscall(SYS_sched_setaffinity, 0, sizeof(mask), mask));
	mask[0] = 1;
	SAY(syscall(SYS_sched_setaffinity, 0, sizeof(mask), mask));
	SAY(syscall(SYS_sched_setaffinity, 0, 1, mask));
	SAY(syscall(SYS_sched_setaffinity, 999999, sizeof(mask), mask));
	SAY(syscall(SYS_sched_getaffinity, 999999, sizeof(mask), mask));
	SAY(syscall(SYS_sched_getaffinity, 0, 0, mask));
	SAY(syscall(SYS_sched_getaffinity, 0, 9, mask));
	TRY(syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask));
	SAY(mask[0]);
	SAY(syscall(SYS_sched_getaffinity, 0, sizeof(mask), nowhere));
}

/* Registers of all kinds, thread-local data, handlers and timers go along. */
static volatile int signals;
static __thread long local = 77;

static void
count(int sig)
{
	(void)sig;
	signals++;
}

static void
round_and_round(void)
{
	volatile double x = 1.5, sum = 0;
	int good = 0;

	signal(SIGUSR1, count);
	for (int n = 0; n < 200; n++) {
		only(n % cpus);
		good += where() == n % cpus;
		sum += x * n;
		raise(SIGUSR1);
		local++;
	}
	printf("there %d, signals %d, local %ld, sum %.1f\n", good, signals, local, sum);
	all();
}

static void
heirs(void)
{
	cpu_set_t set;
	int status = 0, good = 0;

	for (int cpu = 0; cpu < cpus; cpu++) {
		pid_t pid;

		only(cpu);
		pid = fork();
		if (pid == 0) {
			good = where() == cpu && sched_getaffinity(0, sizeof(set), &set) == 0
				&& is_alone(&set, cpu);
			only((cpu + 1) % cpus);
			_exit(good && where() == (cpu + 1) % cpus ? 0 : 1);
		}
		good += waitpid(pid, &status, 0) == pid && status == 0;
	}
	printf("all children: %d\n", good == cpus);
	all();
}

/* Another process is sent away while it computes, sleeps, and is stopped. */
static void
others(void)
{
	const struct timespec nap = { 0, 2000000 };
	volatile int *word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		-1, 0);
	cpu_set_t set;
	int good = 0, status;
	pid_t pid = fork();

	if (pid == 0) {
		for (;;) {
			word[0] = where();
			if (word[1] == 1)
				nanosleep(&nap, NULL);
		}
	}
	for (int n = 0; n < 40; n++) {
		CPU_ZERO(&set);
		CPU_SET(n % cpus, &set);
		word[1] = n / 20;
		if (n % 10 == 5)
			kill(pid, SIGSTOP);
		if (sched_setaffinity(pid, sizeof(set), &set))
			perror("sched_setaffinity");
		if (n % 10 == 5)
			kill(pid, SIGCONT);
		word[0] = -1;
		for (int tries = 0; word[0] != n % cpus && tries < 2000; tries++)
			nanosleep(&nap, NULL);
		good += word[0] == n % cpus;
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	printf("sent about: %d, ended by %d\n", good, WTERMSIG(status));
}

static void
strangers(void)
{
	cpu_set_t set;
	pid_t pid = fork();

	if (pid == 0) {
		CPU_ZERO(&set);
		CPU_SET(0, &set);
		if (getuid() == 0 && setuid(65534))
			_exit(1);
		SAY(sched_setaffinity(getppid(), sizeof(set), &set));
		CPU_ZERO(&set);
		SAY(sched_setaffinity(getppid(), sizeof(set), &set));
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

int
main(void)
{
	cpu_set_t set;

	setlinebuf(stdout);
	if (sched_getaffinity(0, sizeof(set), &set))
		return 1;
	for (cpus = 0; CPU_ISSET(cpus, &set); cpus++)
		;
	printf("from 0 on: %d, as many as said: %d\n", CPU_COUNT(&set) == cpus,
		sysconf(_SC_NPROCESSORS_ONLN) == cpus);
	masks();
	all();
	round_and_round();
	heirs();
	others();
	strangers();
	return 0;
}
