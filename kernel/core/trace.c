/* SPDX-License-Identifier: ISC */
/*
 * The trace ring of each CPU, always on; include/exo/trace.h says what is
 * recorded when, and how it is read.  The frames are nobody's: they are of
 * kind TRACE from boot on.
 */
#include <exo/callnr.h>
#include "../arch/x86_64/arch.h"
#include "../cpu/cpu.h"
#include "boot.h"

#define FRAMES_ALWAYS 16u		/* 64 KiB: what a panic shows, with room to spare */
#define FRAMES_TRACED 1024u		/* 4 MiB: what happens until a reader gets its slice */

static struct {
	struct exo_trace_head *head;	/* [I]; the records follow */
	struct exo_trace *next, *end;	/* where the next one goes; behind the last slot */
} ring[CPUS_MAX];

/* The calls by number: how many arguments they have, and what they are called. */
static const struct { u8 args; const char *name; } calls[] = {
#define X(nr, name, nargs) [nr] = { nargs, #name },
/* Of these the environment is recorded, and a word of the message. */
#define X_SPECIAL(nr, name, nargs) [nr] = { 2, #name },
#include <kernel/calls.inc>
};
_Static_assert(EXO_NR_CALLS < EXO_TRACE_NOCALL, "a call's number is a record's code");

static struct exo_trace *
first_slot(struct exo_trace_head *head)
{
	return (struct exo_trace *)(head + 1);
}

void
trace_boot(u32 cpu, bool traced)
{
	u64 bytes = (traced ? FRAMES_TRACED : FRAMES_ALWAYS) * EXO_PAGE_BYTES;
	struct exo_trace_head *head = boot_alloc(bytes);

	mem_reserve(arch_phys(head), bytes, EXO_FRAME_TRACE);
	head->magic = EXO_TRACE_MAGIC;
	head->slots = bytes / sizeof(struct exo_trace) - 1;
	head->cpu = cpu;
	ring[cpu].head = head;
	ring[cpu].next = first_slot(head);
	ring[cpu].end = first_slot(head) + head->slots;
}

void
trace_at(u64 ns, u32 what, u64 a, u64 b)
{
	struct cpu *cpu = this_cpu();
	struct exo_trace_head *head = ring[cpu->id].head;
	struct exo_trace *record = ring[cpu->id].next;

	if (head == NULL)
		return;
	record->ns = ns;
	record->event = (u8)what;
	record->code = (u8)(what >> 8);
	record->extra = (u16)(what >> 16);
	record->env = cpu->act != NULL ? EXO_ENV_SLOT(cpu->act->id) : 0;
	record->a = a;
	record->b = b;
	__atomic_store_n(&head->count, head->count + 1, __ATOMIC_RELEASE);
	if (++record == ring[cpu->id].end)
		record = first_slot(head);
	ring[cpu->id].next = record;
}

void
trace(u32 what, u64 a, u64 b)
{
	trace_at(now_ns(), what, a, b);
}

void
trace_call(u64 nr, const u64 arg[6])
{
	if (nr >= EXO_NR_CALLS) {
		trace(TRACE_WHAT(EXO_TRACE_CALL, EXO_TRACE_NOCALL, 0), nr, arg[0]);
		return;
	}
	trace(TRACE_WHAT(EXO_TRACE_CALL, nr, 0), arg[0], arg[1]);
	for (u32 n = 2; n < calls[nr].args; n += 2)	/* bound: six arguments */
		trace(EXO_TRACE_ARGS, arg[n], arg[n + 1]);
}

void
trace_result(u64 nr, u64 result)
{
	u64 code = nr < EXO_NR_CALLS ? nr : EXO_TRACE_NOCALL;

	trace(TRACE_WHAT(EXO_TRACE_RESULT, code, 0), result, 0);
}

/* ---- for a panic ---- */

static const char *const event_names[EXO_TRACE_EVENTS] = {
	"-",
	"call",
	"  args",
	"  result",
	"exception",
	"upcall",
	"switch",
	"transfer",
	"irq",
	"death",
};

static const char *
code_name(const struct exo_trace *record)
{
	static const char *const entries[EXO_ENTRIES] = {
		"EXCEPTION", "SYSCALL", "PROLOGUE", "EPILOGUE", "EVENT", "CALL", "ACALL",
		"REVOKE",
	};

	switch (record->event) {
	case EXO_TRACE_CALL:
	case EXO_TRACE_RESULT:
	case EXO_TRACE_TRANSFER:
		return record->code < EXO_NR_CALLS ? calls[record->code].name : "unknown";
	case EXO_TRACE_UPCALL:
		return record->code < EXO_ENTRIES ? entries[record->code] : "unknown";
	default:
		return "";
	}
}

static void
show(const struct exo_trace *r)
{
	const char *event = r->event < EXO_TRACE_EVENTS ? event_names[r->event] : "?";
	const char *code = code_name(r);
	const char *gap = *code != 0 ? " " : "";

	if (r->event == EXO_TRACE_EXCEPTION)
		klog("  %12lu env %u exception %u error %#x rip %#lx address %#lx\n", r->ns, r->env,
			r->code, r->extra, r->a, r->b);
	else if (r->event == EXO_TRACE_RESULT && (i64)r->a < 0)
		klog("  %12lu env %u %s %s -%lu\n", r->ns, r->env, event, code, -r->a);
	else
		klog("  %12lu env %u %s%s%s %#lx %#lx\n", r->ns, r->env, event, gap, code, r->a,
			r->b);
}

void
trace_dump(u32 records)
{
	struct exo_trace_head *head = ring[this_cpu()->id].head;
	u64 count;

	if (head == NULL)
		return;
	count = head->count;
	klog("  the last of %lu events:\n", count);
	for (u64 n = count > records ? count - records : 0; n < count; n++)
		show(first_slot(head) + n % head->slots);
}

u64
now_ns(void)
{
	return arch_now_ns();
}
