/* SPDX-License-Identifier: ISC */
/* Processes and threads that begin and end. */
#define _GNU_SOURCE
#include <pthread.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "ops.h"

#define HEAP (64ul << 20)

static void
fork_wait(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
}

OPERATION(forks, fork_wait())

static uint64_t
forks_big(unsigned n)
{
	char *heap = mmap(NULL, HEAP, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t took;

	if (heap == MAP_FAILED)
		return CANNOT;
	memset(heap, 1, HEAP);
	took = forks(n);
	munmap(heap, HEAP);
	return took;
}

static void
exec_new(char *const *argv)
{
	pid_t pid = fork();

	if (pid == 0) {
		execv(argv[0], argv);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
}

static void
spawn(char *const *argv)
{
	pid_t pid;

	if (posix_spawn(&pid, argv[0], NULL, NULL, argv, NULL) == 0)
		waitpid(pid, NULL, 0);
}

static char *const *
nothing(void)
{
	static char *argv[] = { NULL, "exit", NULL };

	argv[0] = (char *)self;
	return argv;
}

static char *const shell[] = { "/bin/sh", "-c", "true", NULL };

static void
vfork_wait(char *const *argv)
{
	pid_t pid = vfork();

	if (pid == 0) {
		execv(argv[0], argv);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
}

OPERATION(vfork_exec, vfork_wait(nothing()))
OPERATION(fork_exec, exec_new(nothing()))
OPERATION(posix_spawn_exec, spawn(nothing()))
OPERATION(shell_true, exec_new(shell))

static void *
thread(void *arg)
{
	return arg;
}

static void
create_join(void)
{
	pthread_t t;

	if (pthread_create(&t, NULL, thread, NULL) == 0)
		pthread_join(t, NULL);
}

OPERATION(threads, create_join())

const struct op process_ops[] = {
	{ "fork", forks, 1 },
	{ "fork-64M", forks_big, 1 },
	{ "fork-exec", fork_exec, 1 },
	{ "vfork-exec", vfork_exec, 1 },
	{ "spawn", posix_spawn_exec, 1 },
	{ "sh-true", shell_true, 1 },
	{ "thread", threads, 8 },
	{ 0 },
};
