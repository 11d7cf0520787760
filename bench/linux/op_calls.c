/* SPDX-License-Identifier: ISC */
/* Calls that do next to nothing. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "ops.h"

static volatile long sink;

OPERATION(getpid_call, sink = syscall(SYS_getpid))

static uint64_t
gettime(unsigned n)
{
	struct timespec ts;
	uint64_t from = now();

	for (unsigned i = 0; i < n; i++)
		clock_gettime(CLOCK_MONOTONIC, &ts);
	return now() - from;
}

static uint64_t
read_zero(unsigned n)
{
	int fd = open("/dev/zero", O_RDONLY);
	uint64_t from = now();
	char byte;

	for (unsigned i = 0; i < n; i++)
		sink = read(fd, &byte, 1);
	from = now() - from;
	close(fd);
	return fd < 0 ? CANNOT : from;
}

static uint64_t
write_null(unsigned n)
{
	int fd = open("/dev/null", O_WRONLY);
	uint64_t from = now();

	for (unsigned i = 0; i < n; i++)
		sink = write(fd, "", 1);
	from = now() - from;
	close(fd);
	return fd < 0 ? CANNOT : from;
}

const struct op call_ops[] = {
	{ "getpid", getpid_call, 64 },
	{ "clock_gettime", gettime, 64 },
	{ "read-zero", read_zero, 64 },
	{ "write-null", write_null, 64 },
	{ 0 },
};
