/* SPDX-License-Identifier: ISC */
/*
 * What the dead had: their accounts are emptied in bounded steps, by the main
 * loop, or on the time of the parent that collects one.
 *
 * A process may have carved accounts out of its own, those others out of
 * theirs, and made environments in all of them; they are nobody's children
 * here, and the kernel frees no account that has one.  So where it says BUSY
 * the tree is walked down, what lives is destroyed, and the leaves go first.
 */
#include "srv.h"

#define REAP_STEP 256u
#define REAP_STEPS 16u			/* of one request */
#define DEPTH_MAX 20u			/* the kernel lets no tree be deeper */

static unsigned reaping;		/* entries whose account is not empty yet */

void
reap_later(struct proc *p)
{
	if (p->reaping)
		return;
	p->reaping = true;
	p->bare = false;
	reaping++;
	/* Whoever else was given the key could go on building in the account. */
	guard_put(p->guard);
	p->guard = 0;
}

static bool
envs_destroy(exo_pfn account)
{
	uint64_t count = exo_info()->table[EXO_T_ENVS].count;
	bool some = false;

	for (uint32_t slot = 1; slot < count; slot++) {
		const volatile struct exo_env *e = exo_env_slot(slot);

		if (e->state == EXO_ENV_ALIVE && e->account == account)
			some |= exo_env_destroy(e->id, 0, ROOT_KEY) == 0;
	}
	return some;
}

/* An account carved out of this one; 0: none. */
static exo_pfn
inner_account(exo_pfn account)
{
	uint64_t count = exo_info()->frames;

	for (exo_pfn pfn = 1; pfn < count; pfn++) {
		const volatile struct exo_frame *f = exo_frame(pfn);

		if (f->kind == EXO_FRAME_ACCOUNT && f->account == account && pfn != account)
			return pfn;
	}
	return 0;
}

/*
 * Why nothing could be reaped: a step at one leaf of the tree, which goes with
 * the account above it once it is empty.  False: there is no tree, so a device
 * has one of the frames; it lets go, and then we are back.
 */
static bool
tree_step(exo_pfn account)
{
	bool some = false;

	for (unsigned depth = 0; depth < DEPTH_MAX && account; depth++) {
		some |= envs_destroy(account);
		if (depth)
			some |= exo_account_reap(account, REAP_STEP, ROOT_KEY) >= 0;
		account = inner_account(account);
	}
	return some;
}

void
account_dissolve(exo_pfn account)
{
	while (exo_account_reap(account, REAP_STEP, ROOT_KEY) ||
		exo_account_reap(account, REAP_STEP, ROOT_KEY))
		if (!tree_step(account))
			exo_yield(0);	/* another CPU has not left one of its environments yet */
}

/*
 * One account's next step; its frame goes when it is empty.  False: nothing to
 * do now.  Looking for a tree takes long: once a round of the loop.
 */
static bool
reap_step(struct proc *p, bool *look)
{
	int64_t done;

	if (p->robust && robust_step(p))
		return true;
	done = p->sh->account ? exo_account_reap(p->sh->account, REAP_STEP, ROOT_KEY) : 0;

	if (done > 0)
		return true;
	if (done == -EXO_EBUSY && *look && !p->bare) {
		*look = false;
		p->bare = !tree_step(p->sh->account);
	}
	if (done == -EXO_EBUSY)
		return false;
	if (p->sh->account)
		frames_release(p->sh->account, 1);
	p->sh->account = 0;
	p->reaping = false;
	reaping--;
	proc_rows_fit();
	objects_due();
	server_changed();		/* holder counts went with its keys */
	return false;
}

/*
 * What the dead had comes back on the time of whoever collects it, so that
 * memory is free again when wait returns.  False: there is more, ask again.
 */
bool
proc_reap_now(struct proc *p)
{
	bool look = false;

	for (unsigned n = 0; p->reaping && reap_step(p, &look); n++)
		if (n == REAP_STEPS)
			return false;
	return true;
}

bool
proc_reap_some(void)
{
	bool more = false, look = true;

	for (unsigned i = 0; i < proc_rows && reaping; i++) {
		struct proc *p = &procs[i];

		if (p->reaping)
			more |= reap_step(p, &look) || (p->reaping && !p->bare);
	}
	return more;
}

bool
proc_work(void)
{
	return reaping != 0;
}
