/* SPDX-License-Identifier: ISC */
/*
 * Who gets how much of the processor: places in the CPU's vector of slices.
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

static uint16_t holder[EXO_SLICES_CPU];	/* row of the process table + 1 */
static uint16_t held[SH_PROCS];
static uint32_t behind;			/* the last slice that has a holder */
static bool differ;			/* somebody may not be as nice as another */

static int
claim(const struct proc *p)
{
	uint32_t index = exo_slice_find(0);

	if (index >= EXO_SLICES_CPU ||
		exo_slice_claim(0, index, p->sh->env, 0, ROOT_KEY, ROOT_KEY) < 0)
		return -EAGAIN;
	if (holder[index])
		held[holder[index] - 1]--;
	holder[index] = (uint16_t)(proc_index(p) + 1);
	held[proc_index(p)]++;
	behind = index < behind ? behind : index + 1;
	return 0;
}

/* Until no more than these are left. */
static void
release(const struct proc *p, unsigned keep)
{
	const unsigned index = proc_index(p);

	for (uint32_t n = behind; n-- > 0 && held[index] > keep;) {
		if (holder[n] != index + 1)
			continue;
		exo_slice_release(0, n, ROOT_KEY);
		holder[n] = 0;
		held[index]--;
	}
	while (behind > 0 && holder[behind - 1] == 0)
		behind--;
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

/* Those that give come first, so that there is something to take. */
void
share_balance(void)
{
	int nicest = -20;
	unsigned total = 0;
	bool some = false;

	if (!differ)
		return;
	for (unsigned i = 0; i < proc_rows; i++) {
		if (!takes_part(&procs[i]))
			continue;
		nicest = niceness(&procs[i]) > nicest ? niceness(&procs[i]) : nicest;
		some |= niceness(&procs[i]) != 0;
	}
	for (unsigned i = 0; i < proc_rows; i++)
		total += takes_part(&procs[i]) ? share(&procs[i], nicest, false) : 0;
	for (unsigned i = 0; i < proc_rows; i++)
		if (takes_part(&procs[i]))
			release(&procs[i], share(&procs[i], nicest, total > FULL));
	for (unsigned i = 0; i < proc_rows; i++)
		while (takes_part(&procs[i]) &&
			held[i] < share(&procs[i], nicest, total > FULL) && claim(&procs[i]) == 0)
			;
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
