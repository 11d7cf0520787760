/* SPDX-License-Identifier: ISC */
/*
 * One program for Linux and for ExOS: what an operation costs there.  Each
 * operation is a function that does it `n` times and says how long that took,
 * without what it had to prepare.
 */
#ifndef BENCH_OPS_H
#define BENCH_OPS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define PAGE 4096ul
#define CANNOT UINT64_MAX		/* this system does not have what the operation needs */

struct op {
	const char *name;
	uint64_t (*run)(unsigned n);
	unsigned few;			/* so many at least: where instructions are counted, exactly */
};

extern const struct op call_ops[], fault_ops[], memory_ops[], transfer_ops[], process_ops[],
	file_ops[], scale_ops[];
extern bool counting;			/* the time stamp counter counts instructions */
extern const char *self;		/* this program's path */

/* Nanoseconds, or instructions. */
static inline uint64_t
now(void)
{
	struct timespec ts;
	uint32_t lo, hi;

	if (counting) {
		__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
		return lo | (uint64_t)hi << 32;
	}
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* The whole of an operation that needs nothing prepared. */
#define OPERATION(name, body) \
	static uint64_t name(unsigned n) \
	{ \
		uint64_t from = now(); \
		for (unsigned i = 0; i < n; i++) { \
			body; \
		} \
		return now() - from; \
	}

/* On the CPU of that number, if there are so many. */
void pin(unsigned cpu);

#endif
