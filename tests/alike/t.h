/* SPDX-License-Identifier: ISC */
/* Programs that say what they find: the same on Linux and on ExOS, or one of them is wrong. */
#ifndef ALIKE_T_H
#define ALIKE_T_H

#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* An address where nothing is; the compiler cannot know. */
static void *volatile nowhere = (void *)8;

/* Go to a new directory in memory, as ExOS's are: the host's disk does some things differently. */
static char memory_place[] = "/dev/shm/alikeXXXXXX";

static inline void
memory_leave(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", memory_place);
	if (chdir("/") || system(command))
		perror(memory_place);
}

static inline void
in_memory(void)
{
	if (access("/dev/shm", W_OK) == 0 && mkdtemp(memory_place) && chdir(memory_place) == 0)
		atexit(memory_leave);
}

/* A call's result: the value, or the name of the error. */
#define SAY(call) say(#call, (long)(call))
/* Only whether it succeeded, or how it failed: the value differs from run to run. */
#define TRY(call) say(#call, (long)(call) < 0 ? -1 : 0)

/* The C libraries word errors differently. */
static inline const char *
error_name(int error)
{
	static const struct { int error; const char *name; } names[] = {
#define E(e) { e, #e }
		E(EPERM),
		E(ENOENT),
		E(ESRCH),
		E(EINTR),
		E(EIO),
		E(ENXIO),
		E(E2BIG),
		E(ENOEXEC),
		E(EBADF),
		E(ECHILD),
		E(EAGAIN),
		E(ENOMEM),
		E(EACCES),
		E(EFAULT),
		E(EBUSY),
		E(EEXIST),
		E(EXDEV),
		E(ENODEV),
		E(ENOTDIR),
		E(EISDIR),
		E(EINVAL),
		E(ENFILE),
		E(EMFILE),
		E(ENOTTY),
		E(ETXTBSY),
		E(EFBIG),
		E(ENOSPC),
		E(ESPIPE),
		E(EROFS),
		E(EMLINK),
		E(EPIPE),
		E(EDOM),
		E(ERANGE),
		E(ENAMETOOLONG),
		E(ENOSYS),
		E(ENOTEMPTY),
		E(ELOOP),
		E(EOVERFLOW),
		E(EOPNOTSUPP),
		E(ETIMEDOUT),
#undef E
	};
	static char number[16];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].error == error)
			return names[i].name;
	snprintf(number, sizeof(number), "error %d", error);
	return number;
}

static inline void
say(const char *what, long result)
{
	if (result == -1)
		printf("%s: %s\n", what, error_name(errno));
	else
		printf("%s = %ld\n", what, result);
	fflush(stdout);
}

#endif
