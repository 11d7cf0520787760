/* SPDX-License-Identifier: ISC */
/* Posting: bits and revocations into u-areas, interrupts to whoever bound their line. */
#include "event_priv.h"
#include "../arch/x86_64/arch.h"
#include "../cpu/cpu.h"

struct irq_binding irqs[IRQ_LINES];

/*
 * An upcall is due.  Whether the library may be disturbed is for its own CPU to
 * say, which is interrupted, whoever runs there: it may be just about to enter this one.
 */
static void
due(struct act *act, u16 what) REQUIRES(env_lock)
{
	__atomic_fetch_or(&act->event_due, what, __ATOMIC_SEQ_CST);
	if (act->cpu != this_cpu()->id)
		cpu_poke(act->cpu);
}

void
event_post(struct act *act, u64 bits)
{
	__atomic_fetch_or(&act->ua->posted, bits, __ATOMIC_SEQ_CST);
	cpus_wake();
	/* A parked one is next entered by an upcall, and looks at `posted` there. */
	if (*(volatile u32 *)&act->state == ACT_PARKED)
		return;
	if (act == this_cpu()->act && upcall_waits(act->ua, EXO_ENTRY_EVENT))
		__atomic_fetch_or(&act->ua->pending, 1u << EXO_ENTRY_EVENT, __ATOMIC_RELAXED);
	else
		due(act, DUE_EVENT);
}

struct act *
event_target(const struct env *env)
{
	struct act *here = env->act[this_cpu()->id];

	for (u32 n = 0; n < CPUS_MAX && here == NULL; n++)
		here = env->act[n];
	return here;
}

/*
 * The bit in `pending` stands from now on, so that one that parks before the
 * upcall comes looks when it next leaves a critical section.  A library without
 * an entry is not bothered: the record is there to be read.
 */
static void
revoke_due(struct act *act) REQUIRES(env_lock)
{
	if (*(volatile u64 *)&act->ua->entry[EXO_ENTRY_REVOKE] == 0)
		return;
	__atomic_fetch_or(&act->ua->pending, 1u << EXO_ENTRY_REVOKE, __ATOMIC_RELAXED);
	if (*(volatile u32 *)&act->state != ACT_PARKED)
		due(act, DUE_REVOKE);
	if (act == this_cpu()->act)
		cpu_kick();
	cpus_wake();
}

static void
revoke_record(struct act *act, exo_pfn pfn, u64 deadline) REQUIRES(env_lock)
{
	struct exo_revocation *r = &act->ua->revocation;

	if (deadline != 0) {
		r->ask[act->asked % EXO_REVOKES].pfn = pfn;
		r->ask[act->asked % EXO_REVOKES].deadline_ns = deadline;
		__atomic_store_n(&r->asked, ++act->asked, __ATOMIC_RELEASE);
	} else {
		r->loss[act->lost % EXO_REVOKES] = pfn;
		__atomic_store_n(&r->lost, ++act->lost, __ATOMIC_RELEASE);
	}
	revoke_due(act);
}

bool
event_revoke(struct env *env, exo_pfn pfn, u64 deadline)
{
	bool some = false;

	for (u32 n = 0; n < cpus_count; n++) {	/* bound: CPUS_MAX */
		if (env->act[n] == NULL)
			continue;
		revoke_record(env->act[n], pfn, deadline);
		some = true;
	}
	return some;
}

static void
debt_record(struct act *act, exo_pfn account, u64 frames_owed, u64 deadline) REQUIRES(env_lock)
{
	struct exo_revocation *r = &act->ua->revocation;

	r->debt.account = account;
	r->debt.frames = frames_owed;
	r->debt.deadline_ns = deadline;
	__atomic_fetch_add(&r->debt.asked, 1, __ATOMIC_RELEASE);
	revoke_due(act);
}

bool
event_debt(struct env *env, exo_pfn account, u64 frames_owed, u64 deadline)
{
	bool some = false;

	for (u32 n = 0; n < cpus_count; n++) {	/* bound: CPUS_MAX */
		if (env->act[n] == NULL)
			continue;
		debt_record(env->act[n], account, frames_owed, deadline);
		some = true;
	}
	return some;
}

void
event_slice(struct env *env, u32 cpu, u32 index, u64 deadline)
{
	struct act *act = env->act[cpu] != NULL ? env->act[cpu] : event_target(env);
	struct exo_revocation *r;

	if (act == NULL)
		return;
	r = &act->ua->revocation;
	r->slice.cpu = cpu;
	r->slice.index = index;
	r->slice.deadline_ns = deadline;
	__atomic_fetch_add(deadline != 0 ? &r->slice.asked : &r->slice.lost, 1, __ATOMIC_RELEASE);
	revoke_due(act);
}

/* Masked before anybody is told: who asks for the next one does so afterwards. */
static struct irq_binding
line_take(u32 line)
{
	struct irq_binding binding;

	lock_acquire(&dev_lock);
	binding = irqs[line];
	arch_irq_mask(line, true);
	lock_release(&dev_lock);
	return binding;
}

void
event_irq(u32 line)
{
	struct irq_binding binding = line_take(line);
	struct env *env;
	struct act *act;
	int error;

	if (binding.env == 0)
		return;
	trace(EXO_TRACE_IRQ, line, binding.env);
	lock_acquire(&env_lock);
	env = env_find(binding.env, &error);
	act = env != NULL ? event_target(env) : NULL;
	if (act != NULL)
		event_post(act, binding.bits);
	lock_release(&env_lock);
}

void
event_forget(exo_envid id)
{
	lock_acquire(&dev_lock);
	for (u32 line = 0; line < IRQ_LINES; line++) {
		if (irqs[line].env != id)
			continue;
		irqs[line] = (struct irq_binding){ 0 };
		arch_irq_mask(line, true);
	}
	lock_release(&dev_lock);
}
