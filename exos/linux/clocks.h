/* SPDX-License-Identifier: ISC */
/* Linux's clocks, by number, and its two ways to write a time. */
#ifndef EXOS_LINUX_CLOCKS_H
#define EXOS_LINUX_CLOCKS_H

#include "../core/exos.h"
#include "../proc/timer.h"
#include "abi.h"

enum {
	CLOCK_REALTIME_,
	CLOCK_MONOTONIC_,
	CLOCK_PROCESS_,
	CLOCK_THREAD_,
	CLOCK_MONOTONIC_RAW_,
	CLOCK_REALTIME_COARSE_,
	CLOCK_MONOTONIC_COARSE_,
	CLOCK_BOOTTIME_,
	CLOCK_TAI_ = 11,		/* 8 and 9 would need a clock that wakes the machine */
};

/* Bit n is clock n: those that tell the time of day, and those since the start. */
#define CLOCKS_REAL (1u << CLOCK_REALTIME_ | 1u << CLOCK_REALTIME_COARSE_ | 1u << CLOCK_TAI_)
#define CLOCKS_MONOTONIC                                                                           \
	(1u << CLOCK_MONOTONIC_ | 1u << CLOCK_MONOTONIC_RAW_ | 1u << CLOCK_MONOTONIC_COARSE_ |     \
		1u << CLOCK_BOOTTIME_)

/* What a clock number means. */
struct clock {
	enum timer_clock kind;
	const volatile struct sh_proc *other;	/* whose processor time; NULL: ours */
	bool thread;				/* of a thread, not the process: */
	u32 tid;
};

bool clock_find(int number, struct clock *c);
u64 clock_read(const struct clock *c);

#define NSEC 1000000000ull
#define SECONDS_MAX (1ll << 33)		/* an age, and no overflow */
#define TIMER_ABSTIME 1

/* Those that nothing can wait for. */
static inline bool
clock_only_read(int number)
{
	return number == CLOCK_MONOTONIC_RAW_ || number == CLOCK_REALTIME_COARSE_ ||
		number == CLOCK_MONOTONIC_COARSE_;
}

static inline bool
timespec_ok(const struct linux_timespec *t)
{
	return t->sec >= 0 && (u64)t->nsec < NSEC;
}

static inline u64
timespec_ns(const struct linux_timespec *t)
{
	return (u64)(t->sec < SECONDS_MAX ? t->sec : SECONDS_MAX) * NSEC + (u64)t->nsec;
}

static inline struct linux_timespec
timespec_of(u64 ns)
{
	return (struct linux_timespec){ (int64_t)(ns / NSEC), (int64_t)(ns % NSEC) };
}

static inline int
timespec_out(u64 address, u64 ns)
{
	const struct linux_timespec t = timespec_of(ns);

	return copy_out(address, &t, sizeof(t));
}

#endif
