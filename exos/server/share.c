/* SPDX-License-Identifier: ISC */
/*
 * Who gets how much of which processor: places in the CPUs' vectors of slices.
 * A process has all of its slices on one CPU, sh->cpu, and competes with those
 * that are there; which one, spread.c says.
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
static uint16_t held[SH_PROCS];		/* on the CPU where the process is */
static uint32_t behind[SH_CPUS];	/* the last slice that has a holder */
static bool differ;			/* somebody may not be as nice as another */

static int
claim(const struct proc *p)
{
	const uint32_t cpu = p->sh->cpu, index = exo_slice_find(cpu);
	uint16_t *h = &holder[cpu][index < EXO_SLICES_CPU ? index : 0];

	if (index >= EXO_SLICES_CPU ||
		exo_slice_claim(cpu, index, p->sh->env, 0, ROOT_KEY, ROOT_KEY) < 0)
		return -EAGAIN;
	if (*h && procs[*h - 1].sh->cpu == cpu)
		held[*h - 1]--;
	*h = (uint16_t)(proc_index(p) + 1);
	held[proc_index(p)]++;
	behind[cpu] = index < behind[cpu] ? behind[cpu] : index + 1;
	return 0;
}

/* Of the last ones on this CPU; how many that are. */
static unsigned
release_on(uint32_t cpu, const struct proc *p, unsigned count)
{
	const unsigned index = proc_index(p);
	unsigned done = 0;

	for (uint32_t n = behind[cpu]; n-- > 0 && done < count;) {
		if (holder[cpu][n] != index + 1)
			continue;
		exo_slice_release(cpu, n, ROOT_KEY);
		holder[cpu][n] = 0;
		done++;
	}
	while (behind[cpu] > 0 && holder[cpu][behind[cpu] - 1] == 0)
		behind[cpu]--;
	return done;
}

/* Until no more than these are left. */
static void
release(const struct proc *p, unsigned keep)
{
	uint16_t *h = &held[proc_index(p)];

	if (*h > keep)
		*h = (uint16_t)(*h - release_on(p->sh->cpu, p, *h - keep));
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
	return takes_part(p) && p->sh->cpu == cpu;
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
			release(&procs[i], share(&procs[i], nicest, total > FULL));
	for (unsigned i = 0; i < proc_rows; i++)
		while (here(&procs[i], cpu) &&
			held[i] < share(&procs[i], nicest, total > FULL) && claim(&procs[i]) == 0)
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
	return claim(p);
}

void
share_take(struct proc *p)
{
	release(p, 0);
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

	if (!(may >> p->sh->cpu_wanted & 1) && !p->native)
		share_want(p, (uint32_t)__builtin_ctz(may));
}

/*
 * It takes its slices with it.  From the first claim on it may run there, and
 * what is left of its slice here is the way out (exos/proc/move.c).
 */
long
share_move(struct proc *p)
{
	const uint32_t from = p->sh->cpu;
	const uint16_t had = held[proc_index(p)];

	if (p->sh->cpu_wanted == from)
		return -EINVAL;
	p->sh->cpu = p->sh->cpu_wanted;
	held[proc_index(p)] = 0;
	if (claim(p)) {
		p->sh->cpu = p->sh->cpu_wanted = from;
		held[proc_index(p)] = had;
		return -EAGAIN;
	}
	release_on(from, p, had);
	if (differ)
		share_balance();
	return 0;
}
