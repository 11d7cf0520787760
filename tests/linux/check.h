/* SPDX-License-Identifier: ISC */
/* For Linux programs that test: they pass on Linux, and must pass on ExOS. */
#ifndef TESTS_LINUX_CHECK_H
#define TESTS_LINUX_CHECK_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int passed, failed;

/* Silent when good: the sum says how many there were. */
#define CHECK(e) check((e) ? 1 : 0, #e, __LINE__)

static inline int
check(int good, const char *what, int line)
{
	if (good)
		passed++;
	else
		failed++, printf("FAIL %s:%d: %s (errno %d)\n", CHECK_NAME, line, what, errno);
	fflush(stdout);
	return good;
}

/* Run f in a child; its wait status. */
static inline int
in_child(void (*f)(void))
{
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		f();
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return status;
}

static inline int
summary(void)
{
	printf("%d passed, %d failed\n", passed, failed);
	return failed != 0;
}

#endif
