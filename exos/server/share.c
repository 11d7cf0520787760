/* SPDX-License-Identifier: ISC */
/*
 * Who gets how much of which processor: places in the CPUs' vectors of slices.
 * A process has slices on one CPU, or on several if its threads ask for that
 * (sh->cpus), and competes on each with those that are there; where that is,
 * spread.c says.
 *
 * All have one as long as all are equally nice.  Where they are not, three
 * steps of niceness are half of the processor: the nicest keeps its one slice,
 * the others have up to SLICES_MAX.  Nobody is held back by more than that.
 *
 * A process may have released a slice of its own, and then we may have claimed
 * it again for another: only we claim any, so whose it is stands here.
 */
#include "srv.h"
#include <errno.h>

#define SLICES_MAX 8u
#define STEP 3				/* of niceness: twice as much */
#define FULL (EXO_SLICES_CPU / 2)	/* of the vector: beyond that one each */
#define SCHED_IDLE 5
#define NICEST 19

static uint16_t holder[SH_CPUS][EXO_SLICES_CPU];	/* row of the process table + 1 */
static uint16_t held[SH_CPUS][SH_PROCS];
static uint32_t behind[SH_CPUS];	/* the last slice that has a holder */
static bool differ;			/* somebody may not be as nice as another */

static int
claim(const struct proc *p, uint32_t cpu)
{
	const uint32_t index = exo_slice_find(cpu);
	uint16_t *h = &holder[cpu][index < EXO_SLICES_CPU ? index : 0];

	if (index >= EXO_SLICES_CPU ||
		exo_slice_claim(cpu, index, p->sh->env, 0, ROOT_KEY, ROOT_KEY) < 0)
		return -EAGAIN;
	if (*h && held[cpu][*h - 1])
		held[cpu][*h - 1]--;
	*h = (uint16_t)(proc_index(p) + 1);
	held[cpu][proc_index(p)]++;
	behind[cpu] = index < behind[cpu] ? behind[cpu] : index + 1;
	return 0;
}

/* Of the last ones on this CPU, until no more than these are left. */
static void
release(const struct proc *p, uint32_t cpu, unsigned keep)
{
	const unsigned index = proc_index(p);
	uint16_t *left = &held[cpu][index];

	for (uint32_t n = behind[cpu]; n-- > 0 && *left > keep;) {
		if (holder[cpu][n] != index + 1)
			continue;
		exo_slice_release(cpu, n, ROOT_KEY);
		holder[cpu][n] = 0;
		--*left;
	}
	while (behind[cpu] > 0 && holder[cpu][behind[cpu] - 1] == 0)
		behind[cpu]--;
}

static bool
takes_part(const struct proc *p)
{
	return p->sh->state == PROC_RUNNING && p->sh->pid != SERVER_PID;
}

static int
niceness(const struct proc *p)
{
	return p->cred->policy == SCHED_IDLE ? NICEST : p->cred->nice;
}

static unsigned
share(const struct proc *p, int nicest, bool all_one)
{
	unsigned steps = (unsigned)(nicest - niceness(p)) / STEP;

	if (all_one)
		return 1;
	return steps < 4 && 1u << steps < SLICES_MAX ? 1u << steps : SLICES_MAX;
}

static bool
here(const struct proc *p, uint32_t cpu)
{
	return takes_part(p) && p->sh->cpus >> cpu & 1;
}

/* Those that give come first, so that there is something to take. */
static void
balance(uint32_t cpu)
{
	int nicest = -20;
	unsigned total = 0;

	for (unsigned i = 0; i < proc_rows; i++)
		if (here(&procs[i], cpu) && niceness(&procs[i]) > nicest)
			nicest = niceness(&procs[i]);
	for (unsigned i = 0; i < proc_rows; i++)
		total += here(&procs[i], cpu) ? share(&procs[i], nicest, false) : 0;
	for (unsigned i = 0; i < proc_rows; i++)
		if (here(&procs[i], cpu))
			release(&procs[i], cpu, share(&procs[i], nicest, total > FULL));
	for (unsigned i = 0; i < proc_rows; i++)
		while (here(&procs[i], cpu) &&
			held[cpu][i] < share(&procs[i], nicest, total > FULL) &&
			claim(&procs[i], cpu) == 0)
			;
}

void
share_balance(void)
{
	bool some = false;

	if (!differ)
		return;
	for (uint32_t cpu = 0; cpu < server_cpus; cpu++)
		balance(cpu);
	for (unsigned i = 0; i < proc_rows; i++)
		some |= takes_part(&procs[i]) && niceness(&procs[i]) != 0;
	differ = some;
}

void
share_changed(void)
{
	differ = true;
	share_balance();
}

int
share_give(struct proc *p)
{
	for (uint32_t cpu = 0; cpu < server_cpus; cpu++) {
		if (!(p->sh->cpus >> cpu & 1) || claim(p, cpu) == 0)
			continue;
		share_take(p);
		return -EAGAIN;
	}
	return 0;
}

void
share_take(struct proc *p)
{
	for (uint32_t cpu = 0; cpu < server_cpus; cpu++)
		release(p, cpu, 0);
}

/* ---- where ------------------------------------------------------------------------------------ */

uint32_t
share_cpus(uint32_t mask)
{
	const uint32_t all = (1u << server_cpus) - 1;

	return mask ? mask & all : all;
}

void
share_want(struct proc *p, uint32_t cpu)
{
	p->sh->cpu_wanted = cpu;
	if (cpu != p->sh->cpu)
		exo_post(p->sh->env, POST_ROW, ROOT_KEY);
}

void
share_where(struct proc *p)
{
	const uint32_t may = share_cpus(p->cred->cpus);

	if (p->native)
		return;
	if (!(may >> p->sh->cpu_wanted & 1))
		share_want(p, (uint32_t)__builtin_ctz(may));
	else if (p->sh->cpus & ~(uint64_t)may)
		exo_post(p->sh->env, POST_ROW, ROOT_KEY);
}

/* Control transfer stays on its CPU. */
uint32_t
share_here(const struct proc *p)
{
	const uint32_t cpu = exo_uarea()->cpu;

	return p->sh->cpus >> cpu & 1 ? cpu : p->sh->cpu;
}

/* Where half of the places are taken, they are for those that have none. */
long
share_more(struct proc *p)
{
	const bool moves = !(p->sh->cpus >> p->sh->cpu_wanted & 1);
	const uint32_t cpu = moves ? p->sh->cpu_wanted : spread_more(p);

	if (!takes_part(p) || cpu >= server_cpus || p->sh->cpus >> cpu & 1 ||
		(!moves && behind[cpu] > FULL) || claim(p, cpu))
		return -EAGAIN;
	p->sh->cpus |= 1ull << cpu;
	if (differ)
		share_balance();
	return cpu;
}

/* What is left of the slice that runs there is the way out. */
long
share_less(struct proc *p, uint64_t cpu)
{
	if (cpu >= server_cpus || !(p->sh->cpus >> cpu & 1) || p->sh->cpus == 1ull << cpu)
		return -EINVAL;
	release(p, (uint32_t)cpu, 0);
	p->sh->cpus &= ~(1ull << cpu);
	if (p->sh->cpu == cpu)
		p->sh->cpu = p->sh->cpus >> p->sh->cpu_wanted & 1
			? p->sh->cpu_wanted
			: (uint32_t)__builtin_ctzll(p->sh->cpus);
	server_told();
	if (differ)
		share_balance();
	return 0;
}

/* ---- in another environment ----------------------------------------------------------------- */

static void
look_at(uint32_t cpu, uint32_t index)
{
	const exo_envid owner = exo_slice(cpu, index)->owner;
	const struct proc *p = owner ? proc_by_env(owner) : NULL;

	holder[cpu][index] = 0;
	if (!p || p->sh->pid == SERVER_PID)
		return;
	if (!here(p, cpu)) {
		exo_slice_release(cpu, index, ROOT_KEY);
		return;
	}
	holder[cpu][index] = (uint16_t)(proc_index(p) + 1);
	held[cpu][proc_index(p)]++;
	behind[cpu] = index + 1;
}

/* What was claimed and released for what is taken back was not taken back itself. */
void
share_recover(void)
{
	__builtin_memset(held, 0, sizeof(held));
	for (uint32_t cpu = 0; cpu < server_cpus; cpu++) {
		behind[cpu] = 0;
		for (uint32_t index = 0; index < EXO_SLICES_CPU; index++)
			look_at(cpu, index);
	}
	for (unsigned i = 0; i < proc_rows; i++)
		for (uint32_t cpu = 0; cpu < server_cpus; cpu++)
			if (here(&procs[i], cpu) && held[cpu][i] == 0)
				claim(&procs[i], cpu);
}
