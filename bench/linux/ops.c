/* SPDX-License-Identifier: ISC */
/*
 *   ops timed NAME...		nanoseconds
 *   ops counted NAME...	guest instructions: under -icount the time stamp counter counts them
 *   ops timed|counted : NAME COMMAND	the same of a shell command
 *   ops list			the names
 *   ops exit			nothing: what fork and exec start
 *
 * Says `op NAME COST...`, a thousandth of the unit for one operation, one
 * number for each batch; `op NAME cannot` where the system does not have what
 * it takes.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "ops.h"

#define BATCH_NS 1000000u		/* short beside what a busy host gives to others in between */
#define BATCHES_TIMED 21u
#define BATCHES_COUNTED 3u
#define ONCE 10000u			/* so many at once take seconds: one batch */
#define COMMAND_RUNS 3u

bool counting;
const char *self;

static const struct op *const groups[] = {
	call_ops, fault_ops, memory_ops, transfer_ops, process_ops, file_ops, scale_ops,
};

void
pin(unsigned cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void
say(const char *name, const uint64_t *cost, unsigned count)
{
	printf("op %s", name);
	for (unsigned i = 0; i < count; i++)
		printf(" %llu", (unsigned long long)cost[i]);
	printf("\n");
	fflush(stdout);
}

/* So many that a batch is long beside the clock's step. */
static unsigned
enough(const struct op *op)
{
	unsigned n = op->few;

	for (uint64_t took = op->run(n); took < BATCH_NS; took = op->run(n)) {
		uint64_t more = took ? BATCH_NS * (uint64_t)n / took + 1 : n * 2ull;

		n = more < n * 8ull ? (unsigned)more : n * 8;
		if (took > BATCH_NS * 3ull / 4)
			break;
	}
	return n;
}

static void
measure(const struct op *op)
{
	unsigned batches = counting ? BATCHES_COUNTED : BATCHES_TIMED, n = op->few;
	uint64_t cost[BATCHES_TIMED];

	cost[0] = op->run(n);		/* it is warm now */
	if (cost[0] == CANNOT) {
		printf("op %s cannot\n", op->name);
		return;
	}
	if (op->few >= ONCE) {
		batches = 1;
		cost[0] = cost[0] * 1000 / n;
	} else if (!counting) {
		n = enough(op);
	}
	for (unsigned i = 0; i < batches && op->few < ONCE; i++)
		cost[i] = op->run(n) * 1000 / n;
	say(op->name, cost, batches);
}

static const struct op *
find(const char *name)
{
	for (unsigned g = 0; g < sizeof(groups) / sizeof(groups[0]); g++)
		for (const struct op *op = groups[g]; op->name; op++)
			if (strcmp(op->name, name) == 0)
				return op;
	return NULL;
}

static int
list(void)
{
	for (unsigned g = 0; g < sizeof(groups) / sizeof(groups[0]); g++)
		for (const struct op *op = groups[g]; op->name; op++)
			printf("%s\n", op->name);
	return 0;
}

static pid_t
start(const char *command)
{
	pid_t pid = vfork();

	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	return pid;
}

static uint64_t
command_run(const char *command)
{
	uint64_t from = now();
	int status = 0;

	waitpid(start(command), &status, 0);
	return status ? CANNOT : now() - from;
}

/* The first run warms up, and its failure says that there is no such thing here. */
static int
command(const char *name, const char *text)
{
	uint64_t cost[COMMAND_RUNS];
	unsigned runs = counting ? 1 : COMMAND_RUNS;

	if (command_run(text) == CANNOT) {
		printf("op %s cannot\n", name);
		return 1;
	}
	for (unsigned i = 0; i < runs; i++)
		cost[i] = command_run(text) * 1000;
	say(name, cost, runs);
	return 0;
}

int
main(int argc, char **argv)
{
	self = argv[0];
	if (argc > 1 && strcmp(argv[1], "exit") == 0)
		return 0;
	if (argc > 1 && strcmp(argv[1], "list") == 0)
		return list();
	if (argc < 3)
		return 2;
	counting = strcmp(argv[1], "counted") == 0;
	if (argc == 5 && strcmp(argv[2], ":") == 0)
		return command(argv[3], argv[4]);
	for (int i = 2; i < argc; i++) {
		const struct op *op = find(argv[i]);

		if (!op) {
			fprintf(stderr, "ops: no such operation: %s\n", argv[i]);
			return 1;
		}
		measure(op);
	}
	return 0;
}
