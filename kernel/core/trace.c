/* SPDX-License-Identifier: ISC */
/*
 * The trace ring of each CPU, always on: the last TRACE_RECORDS events, as
 * frames of kind TRACE that the holder of a trace key may map.  The word
 * `next` in the first record counts all records ever written.
 */
#include "../arch/x86_64/arch.h"
#include "../cpu/cpu.h"
#include "boot.h"

#define TRACE_FRAMES 16u

struct record {				/* 32 bytes */
	u64 ns;
	u32 event;			/* enum trace_event; 0 in record 0, which is the header */
	u32 env;			/* slot of the environment that ran, 0: none */
	u64 a, b;
};
#define TRACE_RECORDS (TRACE_FRAMES * EXO_PAGE_BYTES / sizeof(struct record))

_Static_assert(sizeof(struct record) == 32, "trace record");

static struct record *ring[CPUS_MAX];	/* [I]; ring[cpu][0].a is the count */

void
trace_boot(u32 cpu)
{
	struct record *r = boot_alloc(TRACE_FRAMES * EXO_PAGE_BYTES);

	mem_reserve(arch_phys(r), TRACE_FRAMES * EXO_PAGE_BYTES, EXO_FRAME_TRACE);
	r[0].b = TRACE_RECORDS;
	ring[cpu] = r;
}

void
trace(enum trace_event event, u64 a, u64 b)
{
	struct cpu *cpu = this_cpu();
	struct record *r = ring[cpu->id];
	u64 n;

	if (r == NULL)
		return;
	n = ++r[0].a;
	r[1 + n % (TRACE_RECORDS - 1)] = (struct record){
		.ns = now_ns(), .event = event, .a = a, .b = b,
		.env = cpu->act != NULL ? EXO_ENV_SLOT(cpu->act->id) : 0,
	};
}

static const char *const event_names[] = {
	"-", "call", "result", "exception", "upcall", "switch", "transfer", "irq", "death",
};

void
trace_dump(u32 records)
{
	const struct record *r = ring[this_cpu()->id];

	if (r == NULL)
		return;
	for (u64 n = r[0].a > records ? r[0].a - records + 1 : 1; n <= r[0].a; n++) {
		const struct record *e = &r[1 + n % (TRACE_RECORDS - 1)];

		klog("  %12lu env %u %s %#lx %#lx\n", e->ns, e->env,
			e->event <= TRACE_DEATH ? event_names[e->event] : "?", e->a, e->b);
	}
}

u64
now_ns(void)
{
	return arch_now_ns();
}
