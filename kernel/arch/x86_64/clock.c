/* SPDX-License-Identifier: ISC */
/*
 * Time: the TSC tells it, the local APIC's one-shot timer calls.
 *
 * Both rates are found at boot.  Under QEMU (emulated or KVM) the local APIC
 * counts nanoseconds, which calibrates the TSC; elsewhere both are measured
 * against the PIT.  A measurement takes 2 ms and keeps, at each end, the
 * tightest of several readings, so that a host that takes the processor away
 * in between spoils one reading and not the rate.
 */
#include "machine.h"

#define SPAN_NS     2000000ull
#define NS_SECOND   1000000000ull
#define READINGS    8u
#define PIT_HZ      1193182ull
#define PIT_COUNTER 0x40u
#define PIT_COMMAND 0x43u
#define PIT_LATCH   0x00u
#define PIT_MODE2   0x34u		/* channel 0, both bytes, rate generator */
#define LAPIC_FULL  0xffffffffu
#define LAPIC_DIVIDE_1 0xbu
#define HYPERVISOR_BIT 31

struct instant { u64 tsc; u64 reference; };	/* reference counts up */

static u64 lapic_hz;			/* [I] */
static u64 lapic_mult;			/* [I] ticks = ns * lapic_mult >> 32 */

/* a * b / c; the result must fit. */
static u64
scale(u64 a, u64 b, u64 c)
{
	u64 low, high;

	__asm__("mulq %3" : "=a"(low), "=d"(high) : "0"(a), "r"(b));
	__asm__("divq %2" : "+a"(low), "+d"(high) : "r"(c));
	return low;
}

static u64
lapic_ticks(void)
{
	return LAPIC_FULL - lapic_read(LAPIC_CURRENT);
}

static u64
pit_ticks(void)
{
	u32 low, high;

	outb(PIT_COMMAND, PIT_LATCH);
	low = inb(PIT_COUNTER);
	high = inb(PIT_COUNTER);
	return 0x10000u - (high << 8 | low);
}

static struct instant
read_both(u64 (*reference)(void))
{
	struct instant best = { 0, 0 };
	u64 shortest = ~0ull;

	for (u32 n = 0; n < READINGS; n++) {
		u64 before = rdtsc();
		u64 value = reference();
		u64 after = rdtsc();

		if (after - before < shortest) {
			shortest = after - before;
			best = (struct instant){ before + (after - before) / 2, value };
		}
	}
	return best;
}

/* TSC rate by a counter of rate hz that does not wrap within the span; 0 if it stands still. */
static u64
measure(u64 (*reference)(void), u64 hz)
{
	struct instant from = read_both(reference), to;
	u64 span = SPAN_NS * hz / NS_SECOND;
	u64 limit = rdtsc() + (1ull << 32);

	while (reference() - from.reference <= span)
		if (rdtsc() > limit)
			return 0;
	to = read_both(reference);
	return scale(to.tsc - from.tsc, hz, to.reference - from.reference);
}

static bool
lapic_counts_ns(void)
{
	struct cpuid r = cpuid(0x40000000, 0);

	if ((cpuid(1, 0).c >> HYPERVISOR_BIT & 1) == 0)
		return false;
	return (r.b == 0x54474354 && r.c == 0x43544743) ||	/* "TCGTCGTCGTCG" */
		(r.b == 0x4b4d564b && r.c == 0x564b4d56); /* "KVMKVMKVM" */
}

static u64
calibrate(void)
{
	u64 from, to, hz;

	lapic_hz = NS_SECOND;
	if (lapic_counts_ns())
		return measure(lapic_ticks, NS_SECOND);

	outb(PIT_COMMAND, PIT_MODE2);
	outb(PIT_COUNTER, 0);
	outb(PIT_COUNTER, 0);
	from = lapic_ticks();
	hz = measure(pit_ticks, PIT_HZ);
	to = lapic_ticks();
	lapic_hz = (to - from) * NS_SECOND / SPAN_NS;
	return hz;
}

/* All read the same time stamp counter. */
void
clock_cpu(void)
{
	lapic_write(LAPIC_DIVIDE, LAPIC_DIVIDE_1);
	lapic_write(LAPIC_INITIAL, 0);
	lapic_write(LAPIC_LVT_TIMER, VEC_TIMER);
}

void
clock_boot(void)
{
	u64 hz;

	lapic_write(LAPIC_DIVIDE, LAPIC_DIVIDE_1);
	lapic_write(LAPIC_INITIAL, LAPIC_FULL);
	hz = calibrate();
	if (hz == 0 || lapic_hz == 0)
		panic("no clock: neither a known hypervisor nor a PIT");
	clock_cpu();
	lapic_mult = (lapic_hz << 32) / NS_SECOND;
	info->tsc_hz = hz;
	info->tsc_mult = (NS_SECOND << 32) / hz;
}

u64
arch_now_ns(void)
{
	return (u64)((unsigned __int128)(rdtsc() - info->tsc_base) * info->tsc_mult >> 32);
}

/* Too far away for the counter: it fires early, and whoever asked asks again. */
void
arch_timer(u64 at_ns)
{
	u64 now = arch_now_ns();
	unsigned __int128 ticks;

	if (at_ns == 0) {
		lapic_write(LAPIC_INITIAL, 0);
		return;
	}
	ticks = at_ns <= now ? 1 : ((unsigned __int128)(at_ns - now) * lapic_mult >> 32) + 1;
	lapic_write(LAPIC_INITIAL, ticks > LAPIC_FULL ? LAPIC_FULL : (u32)ticks);
}
