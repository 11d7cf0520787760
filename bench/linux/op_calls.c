/* SPDX-License-Identifier: ISC */
/* Calls that do next to nothing. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "ops.h"

static volatile long sink;

OPERATION(getpid_call, sink = getpid())

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

/* What no system has a part in: S95 multiplies matrices of that size. */
static uint64_t
matrix(unsigned n)
{
	enum { SIDE = 150 };
	static double a[SIDE][SIDE], b[SIDE][SIDE], c[SIDE][SIDE];
	uint64_t from;

	for (unsigned i = 0; i < SIDE * SIDE; i++) {
		a[i / SIDE][i % SIDE] = i % 7;
		b[i / SIDE][i % SIDE] = i % 5;
	}
	from = now();
	for (unsigned run = 0; run < n; run++)
		for (unsigned i = 0; i < SIDE; i++)
			for (unsigned j = 0; j < SIDE; j++) {
				double sum = 0;

				for (unsigned k = 0; k < SIDE; k++)
					sum += a[i][k] * b[k][j];
				c[i][j] = sum;
			}
	from = now() - from;
	sink = (long)c[SIDE / 2][SIDE / 2];
	return from;
}

const struct op call_ops[] = {
	{ "getpid", getpid_call, 64 },
	{ "clock_gettime", gettime, 64 },
	{ "read-zero", read_zero, 64 },
	{ "write-null", write_null, 64 },
	{ "matrix", matrix, 1 },
	{ 0 },
};
