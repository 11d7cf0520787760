/* SPDX-License-Identifier: ISC */
/*
 * Measuring one operation many times.
 *
 * Under QEMU's -icount the time stamp counter counts instructions: the
 * smallest of a few runs is the cost, the same every time.  By the host's
 * clock it is the median of more runs.  Both less what two readings with
 * nothing in between take.  Which of the two is the machine's affair, and
 * `series_timed` says it.
 */
#ifndef BENCH_COST_H
#define BENCH_COST_H

#include <stdbool.h>
#include <stdint.h>

#define RUNS_COUNTED 9u
#define RUNS_TIMED 101u

struct series {
	uint64_t took[RUNS_TIMED];
	unsigned count;
};

static bool series_timed;
static uint64_t base;			/* of two readings with nothing in between */
static struct series series;		/* of COST and baseline */
static uint32_t row_only;		/* the number of the one row to be measured */

/* Defined by who includes this: say it; and the unit of elapsed times. */
static void row(const char *name, uint64_t took);
static void null_call(void);

static inline uint64_t
now(void)
{
	uint64_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return lo | hi << 32;
}

/* For the profiler (bench/profile), which is told by nothing else where a run begins and ends. */
static inline void
mark_begin(void)
{
	__asm__ volatile(".byte 0x0f, 0x1f, 0x80; .ascii \"OXEB\"" : : : "memory");	/* nop */
}

static inline void
mark_end(void)
{
	__asm__ volatile(".byte 0x0f, 0x1f, 0x80; .ascii \"OXEE\"" : : : "memory");
}

/* A row's name as a number, for arguments that can be no more than that (bench/run.py, too). */
static inline uint32_t
row_number(const char *name)
{
	uint32_t number = 0;

	while (*name)
		number = number * 31 + (unsigned char)*name++;
	return number;
}

static inline bool
row_wanted(const char *name)
{
	return row_only == 0 || row_only == row_number(name);
}

static inline unsigned
runs(void)
{
	return series_timed ? RUNS_TIMED : RUNS_COUNTED;
}

/* Kept in order, so that smallest and median are there to be read. */
static inline void
series_add(struct series *s, uint64_t took)
{
	unsigned at = s->count++;

	for (; at > 0 && s->took[at - 1] > took; at--)
		s->took[at] = s->took[at - 1];
	s->took[at] = took;
}

static inline uint64_t
series_value(const struct series *s)
{
	return s->took[series_timed ? s->count / 2 : 0];
}

static inline void
series_row(const char *name, const struct series *s)
{
	uint64_t value = series_value(s);

	row(name, value > base ? value - base : 0);
}

/* body may use `run` as its number; setup and cleanup are not measured */
#define COST_RUNS(name, times, setup, body, cleanup) do { \
	series.count = 0; \
	for (uint64_t run = 0; row_wanted(name) && run < (times); run++) { \
		uint64_t from_, to_; \
		setup; \
		mark_begin(); \
		from_ = now(); \
		body; \
		to_ = now(); \
		mark_end(); \
		cleanup; \
		series_add(&series, to_ - from_); \
		(void)run; \
	} \
	if (series.count > 0) \
		series_row(name, &series); \
} while (0)

#define COST(name, setup, body, cleanup) COST_RUNS(name, runs(), setup, body, cleanup)

static inline void
null_calls(void)
{
	for (unsigned i = 0; i < 100; i++)
		null_call();
}

static inline void
baseline(void)
{
	base = 0;
	series.count = 0;
	for (unsigned i = 0; i < runs(); i++) {
		uint64_t from = now();

		series_add(&series, now() - from);
	}
	base = series_value(&series);
}

/* The unit.  Said at the beginning and at the end: the smaller one counts, in case the host was busy. */
static inline void
unit(void)
{
	COST("null-calls-100", , null_calls(), );
}

#endif
