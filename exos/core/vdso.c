/* SPDX-License-Identifier: ISC */
/*
 * What programs call in the library's image without entering the library: the
 * clock, read from the exposed tables (arch/vdso.S makes it a shared object of
 * this).  It runs as the program: on its stack, interruptible, as likely to
 * fault as any of its functions; so it touches nothing that is private to the
 * library, and calls no function.
 */
#include "exos.h"
#include "../arch/x86_64/arch.h"
#include "../linux/abi.h"
#include "../linux/clocks.h"

#define VDSO __attribute__((section(".vdso.text"), flatten))
#define NR_CLOCK_GETTIME 228
#define NR_CLOCK_GETRES 229

/* false: a clock that needs to be asked for. */
static inline __attribute__((always_inline)) bool
read_shown(int clock, u64 *ns)
{
	const u32 bit = (u32)clock < 32 ? 1u << clock : 0;

	*ns = exo_now_ns();
	if (bit & CLOCKS_REAL)
		*ns += SHARED->wall_offset_ns;
	return bit & (CLOCKS_REAL | CLOCKS_MONOTONIC);
}

long vdso_clock_gettime(int clock, struct linux_timespec *t);
long vdso_clock_getres(int clock, struct linux_timespec *t);
long vdso_gettimeofday(struct linux_timeval *t, u64 *zone);
long vdso_time(long *where);
long vdso_getcpu(u32 *cpu, u32 *node);

VDSO long
vdso_clock_gettime(int clock, struct linux_timespec *t)
{
	u64 ns;

	if (!read_shown(clock, &ns))
		return program_call(NR_CLOCK_GETTIME, clock, (long)t);
	t->sec = (int64_t)(ns / NSEC);
	t->nsec = (int64_t)(ns % NSEC);
	return 0;
}

VDSO long
vdso_clock_getres(int clock, struct linux_timespec *t)
{
	u64 ns;

	if (!read_shown(clock, &ns))
		return program_call(NR_CLOCK_GETRES, clock, (long)t);
	if (t) {
		t->sec = 0;
		t->nsec = 1;
	}
	return 0;
}

VDSO long
vdso_gettimeofday(struct linux_timeval *t, u64 *zone)
{
	u64 ns = exo_now_ns() + SHARED->wall_offset_ns;

	if (t) {
		t->sec = (int64_t)(ns / NSEC);
		t->usec = (int64_t)(ns % NSEC / 1000);
	}
	if (zone)
		*zone = 0;
	return 0;
}

VDSO long
vdso_time(long *where)
{
	long seconds = (long)((exo_now_ns() + SHARED->wall_offset_ns) / NSEC);

	if (where)
		*where = seconds;
	return seconds;
}

VDSO long
vdso_getcpu(u32 *cpu, u32 *node)
{
	if (cpu)
		*cpu = exo_uarea()->cpu;
	if (node)
		*node = 0;
	return 0;
}
