/* SPDX-License-Identifier: ISC */
/*
 * The dispatcher: who has the processor next.  It decides nothing that is not
 * written in the slice vector: first, if the one who gave up named somebody
 * and the slice is not over, that one; else the next slice whose chain of
 * control transfers ends at somebody who can run; else the CPU sleeps until
 * the earliest deadline met on the way, or an interrupt.
 *
 * It runs with no act, and whoever had the processor is PARKED, FORCED,
 * CALLING or dead by then.  It scans at most SCAN_BATCH slices between two
 * windows for interrupts, so that a vector full of predicates costs nobody
 * their latency; an interrupt may have made an earlier slice runnable, so after
 * one nothing is concluded from what was seen before it.
 */
#include "cpu_priv.h"
#include "../arch/x86_64/arch.h"
#include "../ipc/ipc.h"

#define SCAN_BATCH 32u

/* What a scan of the vector found besides somebody to run. */
struct scan {
	u64 now;
	u64 interrupts;			/* those seen when it began */
	u64 wakes_at;			/* earliest deadline, 0: none */
	bool again;			/* somebody would run but for a forfeit */
};

static u64
interrupts_seen(const struct cpu *cpu)
{
	return *(volatile u64 *)&cpu->pub->interrupts + *(volatile u64 *)&cpu->pub->timer_ticks;
}

void
cpu_timer_by(struct cpu *cpu, u64 at_ns)
{
	if (cpu->timer_at != 0 && cpu->timer_at <= at_ns)
		return;			/* fires earlier: cpu_timer sets it again */
	cpu->timer_at = at_ns;
	arch_timer(at_ns);
}

/*
 * Can somebody on first's chain run?  Then *prologue is where to enter it, if
 * it is parked.  One without a prologue is destroyed, which leaves its chain
 * without an end until the next look; but not by whoever names it: then it
 * just does not run.
 */
static bool
find_end(struct act *first, struct chain *chain, u64 *prologue, u64 now, bool named)
	REQUIRES(env_lock)
{
	struct act *act;

	chain_follow(chain, first, now);
	act = chain->act;
	if (act == NULL || act->state != ACT_PARKED)
		return act != NULL;
	*prologue = *(volatile u64 *)&act->ua->entry[EXO_ENTRY_PROLOGUE];
	if (entry_valid(*prologue))
		return true;
	if (!named)
		env_kill(act->env, *prologue == 0 ? EXO_DEAD_NOENTRY : EXO_DEAD_STATE);
	chain->act = NULL;
	return false;
}

/* Entering PARKED is an upcall; everything else continues with registers. */
static noreturn_ void
enter(struct cpu *cpu, const struct act *first, const struct chain *chain, u64 prologue, u64 now)
	RELEASE(env_lock)
{
	struct act *act = chain->act;
	bool parked = act->state == ACT_PARKED;

	cpu->head = first->id;
	cpu->chain = chain->length;
	cpu->pub->idle = 0;
	cpu->pub->running = act->id;
	cpu_timer_by(cpu, cpu->slice_end);
	trace_at(now, TRACE_WHAT(EXO_TRACE_SWITCH, parked, 0), act->id,
		cpu->slice | chain->woke << 32);
	if (chain->ends != 0)
		ipc_wait_end(act, chain->ends);
	act->state = ACT_RUNNING;
	act->ua->slice_end_ns = cpu->slice_end;
	if (parked) {
		act->waiting = 0;
		act->event_due =
			0; /* told by another CPU just as it parked: it looks at `posted` */
		act->ua->critical = 1;
		count_up(&act->pub->upcalls);
		lock_release(&env_lock);
		arch_enter_upcall(act, prologue, chain->woke);
	}
	if (act->event_due)
		upcalls_due(act, &act->forced);
	lock_release(&env_lock);
	arch_enter_regs(act, &act->forced);
}

/* The rest of the present slice, for the one named.  Returns if it cannot run. */
static void
try_yield(struct cpu *cpu, exo_envid to, u64 now) REQUIRES(env_lock)
{
	struct act *first = act_find(cpu, to);
	struct chain chain;
	u64 prologue = 0;

	if (cpu->in_grace || now >= cpu->slice_end || first == NULL)
		return;
	/* Forfeits are paid in slices: whoever owes some gets no presents. */
	if (find_end(first, &chain, &prologue, now, true) && chain.act->overrun == 0)
		enter(cpu, first, &chain, prologue, now);
}

static inline void
wakes_by(struct scan *scan, u64 deadline)
{
	if (deadline != 0 && (scan->wakes_at == 0 || deadline < scan->wakes_at))
		scan->wakes_at = deadline;
}

/* Asleep, and still so?  Most of a vector with many waiters, so this is the short way. */
static inline bool
sleeps_on(const struct act *act, struct scan *scan)
{
	if (act->state != ACT_PARKED || !act->waiting)
		return false;
	if (act->deadline != 0 && scan->now >= act->deadline)
		return false;
	if (act->nterms == 1 ? term_true(&act->term[0]) :
					act->nterms != 0 && predicate_holds(act) >= 0)
		return false;
	wakes_by(scan, act->deadline);
	return true;
}

/* One slice of the vector.  Returns only when nobody on it runs now. */
static void
try_slice(struct cpu *cpu, u32 index, struct scan *scan) REQUIRES(env_lock)
{
	struct exo_slice *slice = &slices[cpu->id * EXO_SLICES_CPU + index];
	struct act *first = act_find(cpu, slice->owner);
	struct chain chain;
	u64 prologue = 0;

	if (first == NULL || sleeps_on(first, scan))
		return;			/* dead, or not activated here; or waits */
	if (!find_end(first, &chain, &prologue, scan->now, false))
		return wakes_by(scan, chain.wakes_at);
	if (chain.act->overrun != 0) {
		chain.act->ua->overrun = --chain.act->overrun;
		scan->again = true;
		return;
	}

	cpu->slice = index;
	cpu->slice_end = cpu->pub->slice_end_ns = scan->now + SLICE_NS;
	cpu->in_grace = 0;
	cpu->pub->position = index;
	slice->used++;
	count_up(&first->pub->slices);
	enter(cpu, first, &chain, prologue, scan->now);
}

/* Interrupts come in, and others that want the lock. */
static void
window(void) REQUIRES(env_lock)
{
	if (cpus_count > 1)
		arch_unload();		/* whoever ran last may be taken apart meanwhile */
	lock_release(&env_lock);
	arch_irq_window();
	lock_acquire(&env_lock);
}

/* Once round the vector, from behind the present slice. */
static void
scan_slices(struct cpu *cpu, struct scan *scan) REQUIRES(env_lock)
{
	const u32 start = (cpu->slice + 1) % EXO_SLICES_CPU;
	u32 seen = 0, index;

	for (u32 n = 0; n < SCAN_WORDS; n++) {
		u64 left = scan_word(start, n, &index), word;

		/* bound: bits; looked at anew, for a window may have changed the word */
		while ((word = cpu->occupied[index] & left) != 0) {
			const u32 bit = (u32)__builtin_ctzll(word);

			left &= ~1ull << bit;
			try_slice(cpu, index * 64 + bit, scan);
			if (++seen % SCAN_BATCH == 0)
				window();
		}
	}
}

/* Nobody can run. */
static noreturn_ void
sleep(struct cpu *cpu, const struct scan *scan) RELEASE(env_lock)
{
	lock_release(&env_lock);
	cpu->slice_end = 0;		/* no slice: nobody can yield the rest of it */
	cpu->head = 0;
	if (scan->wakes_at != 0)
		cpu_timer_by(cpu, scan->wakes_at);
	arch_idle();
}

/*
 * Others are told before the last look: who changes a word afterwards wakes this
 * CPU.  False: it was idle during the look that found nobody.
 */
static bool
goes_idle(struct cpu *cpu)
{
	if (cpus_count == 1 || cpu->pub->idle)
		return false;
	arch_unload();
	__atomic_store_n(&cpu->pub->idle, 1, __ATOMIC_SEQ_CST);
	return true;
}

noreturn_ void
cpu_dispatch(exo_envid to)
{
	struct cpu *cpu = this_cpu();
	struct scan scan = { .now = now_ns() };

	cpu_charge(cpu, scan.now);
	if (cpu->act != NULL)
		cpu->fs = cpu->act;
	cpu->act = NULL;
	cpu->pub->running = 0;
	lock_acquire(&env_lock);
	if (to != 0)
		try_yield(cpu, to, scan.now);
	do {				/* again: after an interrupt, and at most FORFEITS_MAX + 1 times an act */
		scan = (struct scan){ .now = now_ns(), .interrupts = interrupts_seen(cpu) };
		scan_slices(cpu, &scan);
	} while (scan.again || scan.interrupts != interrupts_seen(cpu) || goes_idle(cpu));
	sleep(cpu, &scan);
}
