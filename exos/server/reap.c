/* SPDX-License-Identifier: ISC */
/*
 * What the dead had: their accounts are emptied in bounded steps, by the main
 * loop, or on the time of the parent that collects one.
 */
#include "srv.h"

#define REAP_STEP 256u
#define REAP_STEPS 16u			/* of one request */

static unsigned reaping;		/* entries whose account is not empty yet */

void
reap_later(struct proc *p)
{
	if (p->reaping)
		return;
	p->reaping = true;
	reaping++;
}

/* One account's next step; its frame and guard go when it is empty.  False: nothing to do now. */
static bool
reap_step(struct proc *p)
{
	int64_t done = p->sh->account ? exo_account_reap(p->sh->account, REAP_STEP, ROOT_KEY) : 0;

	if (done > 0)
		return true;
	if (done == -EXO_EBUSY)
		return false;		/* a frame still pinned by a device: it drains, then we are back */
	if (p->sh->account)
		frames_release(p->sh->account, 1);
	p->sh->account = 0;
	guard_put(p->guard);
	p->guard = 0;
	p->reaping = false;
	reaping--;
	return false;
}

/*
 * What the dead had comes back on the time of whoever collects it, so that
 * memory is free again when wait returns.  False: there is more, ask again.
 */
bool
proc_reap_now(struct proc *p)
{
	for (unsigned n = 0; p->reaping && reap_step(p); n++)
		if (n == REAP_STEPS)
			return false;
	return true;
}

bool
proc_reap_some(void)
{
	bool more = false;

	for (unsigned i = 0; i < SH_PROCS && reaping; i++)
		if (procs[i].reaping)
			more |= reap_step(&procs[i]);
	return more;
}

bool
proc_work(void)
{
	return reaping != 0;
}
