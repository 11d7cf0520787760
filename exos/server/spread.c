/* SPDX-License-Identifier: ISC */
/*
 * Who runs on which CPU.  The rule: a process begins where its parent is (but
 * for `exo run --scatter`) and stays there as long as it does not compute: two
 * that wait for each other do that best on one CPU, for waking another that
 * sleeps takes long.  Of those that use their slices up, one at a time is sent to
 * where there are fewer, by two at least; an affinity counts before all of this.
 * Nobody is sent away for being nice, and who does not go when told to
 * (exos/thread/actmore.c) stays.
 *
 * Nothing polls: each CPU looks at its own processes after so many ticks of its
 * timer, which an idle one does not have, by the server's activation there.
 */
#include "srv.h"

#define LOOK_TICKS 4u			/* slices, about */
#define FRESH_NS 100000000u		/* what a CPU found about itself longer ago says nothing */

static struct seen {			/* a process, when it was last looked at */
	exo_envid env;
	uint64_t run_ns, slices;
	bool computes;
} seen[SH_PROCS];

static struct load {
	uint64_t looked_ns;
	uint64_t due_ticks;		/* when to look again */
	unsigned computing;
} loads[SH_CPUS];

/* Since the last look: it had the processor for a slice, and used its slices up. */
static bool
computes(const struct proc *p)
{
	const volatile struct exo_env *e = exo_env(p->sh->env);
	struct seen *s = &seen[proc_index(p)];
	const struct seen was = *s;
	uint64_t ran, slices;

	if (!e)
		return false;
	*s = (struct seen){ p->sh->env, e->run_ns, e->slices, false };
	if (was.env != s->env)
		return false;
	ran = s->run_ns - was.run_ns;
	slices = s->slices - was.slices;
	s->computes = ran >= exo_info()->slice_ns && ran >= slices * exo_info()->slice_ns / 2;
	return s->computes;
}

/* Of one that has several CPUs the first one says it for all. */
static bool
computes_on(const struct proc *p, uint32_t cpu)
{
	const struct seen *s = &seen[proc_index(p)];

	return p->sh->cpu == cpu ? computes(p) : s->env == p->sh->env && s->computes;
}

static unsigned
load_of(uint32_t cpu, uint64_t now)
{
	return exo_cpu(cpu)->idle || now - loads[cpu].looked_ns > FRESH_NS ? 0
									   : loads[cpu].computing;
}

/* Where fewest compute, among those it may run on; `here` if there is no better. */
static uint32_t
better(const struct proc *p, uint32_t here, uint64_t now)
{
	const uint32_t may = share_cpus(p->cred->cpus);
	uint32_t best = here;

	for (uint32_t cpu = 0; cpu < server_cpus; cpu++)
		if (may >> cpu & 1 && load_of(cpu, now) + 2 <= loads[here].computing &&
			(best == here || load_of(cpu, now) < load_of(best, now)))
			best = cpu;
	return best;
}

/* Its threads are many: where fewest compute, be it as many as here. */
uint32_t
spread_more(const struct proc *p)
{
	const uint64_t now = exo_now_ns();
	const uint32_t may = share_cpus(p->cred->cpus);
	uint32_t best = SH_CPUS;

	for (uint32_t cpu = 0; cpu < server_cpus; cpu++)
		if (may >> cpu & 1 && !(p->sh->cpus >> cpu & 1) && !p->native &&
			(best == SH_CPUS || load_of(cpu, now) < load_of(best, now)))
			best = cpu;
	return best;
}

static bool
has_several(const struct proc *p)
{
	return p->sh->cpus & (p->sh->cpus - 1);
}

static void
send_one(struct proc *const computing[], uint32_t here, uint64_t now)
{
	for (unsigned n = loads[here].computing; n-- > 0;) {
		struct proc *p = computing[n];
		const uint32_t cpu = p->native || has_several(p) ? here : better(p, here, now);

		if (cpu == here)
			continue;
		share_want(p, cpu);
		loads[here].computing--;
		loads[cpu] = (struct load){ now, loads[cpu].due_ticks, load_of(cpu, now) + 1 };
		return;
	}
}

static void
look(uint32_t here)
{
	static struct proc *computing[SH_PROCS];
	const uint64_t now = exo_now_ns();
	unsigned count = 0;

	for (unsigned i = 1; i < proc_rows; i++) {
		struct proc *p = &procs[i];

		if (p->sh->state != PROC_RUNNING || !(p->sh->cpus >> here & 1) ||
			!computes_on(p, here))
			continue;
		if (p->sh->cpu_wanted == p->sh->cpu)
			computing[count++] = p;
		else
			share_want(p, p->sh->cpu_wanted);	/* it did not hear, or could not */
	}
	loads[here].looked_ns = now;
	loads[here].computing = count;
	if (count > 1)
		send_one(computing, here, now);
}

uint32_t
spread_first(const struct proc *parent)
{
	static uint32_t last;

	if (!run.scatter || !parent || parent->cred->cpus)
		return parent ? parent->sh->cpu_wanted : 0;
	return last = (last + 1) % server_cpus;
}

void
spread_look(uint32_t here)
{
	const uint64_t ticks = exo_cpu(here)->timer_ticks;

	if (exo_info()->cpus == 1 || ticks < loads[here].due_ticks)
		return;
	loads[here].due_ticks = ticks + LOOK_TICKS;
	look(here);
}

unsigned
spread_terms(uint32_t here, struct exo_term *t)
{
	if (exo_info()->cpus == 1)
		return 0;
	*t = (struct exo_term){
		.where = (uint64_t)exo_cpu(here) + offsetof(struct exo_cpu, timer_ticks),
		.mask = ~0ull, .value = loads[here].due_ticks, .cmp = EXO_GE,
		.flags = EXO_TERM_OR, .tag = 1,
	};
	return 1;
}
