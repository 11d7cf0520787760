/* SPDX-License-Identifier: ISC */
/*
 * Memory asked back from processes that use it.  The policy:
 *
 *	who asks for memory when there is none has it from whoever has most, of
 *	those who have more than he and are not stopped, for then they could not
 *	answer; and where there is nobody, from himself;
 *	he is asked for as much, and chooses what to give: ASK_NS;
 *	who says that there is no more to give is left alone for a while (DRY_NS)
 *	and the next one asked: he is refused when he asks himself;
 *	who says nothing is warned: WARN_NS;
 *	then frames of his are taken by name, some in each request, until it is
 *	enough.  A library that lost what was in use ends its program.
 *
 * What is asked back goes to the session's limit as it is let go of; the kernel
 * keeps the account of that (account_ask).  Nothing here waits: whoever needs
 * the memory asks again, and each time the next step is made.
 */
#include "srv.h"

#define LEAST 256u			/* frames asked for at a time */
#define ASK_NS 3000000000u		/* it may have to wait for the processor, and has a MiB to make small */
#define WARN_NS 1000000000u
#define DRY_NS 1000000000u
#define TAKEN 64u			/* frames taken, and */
#define LOOKS 8192u			/* looked at, in a request */
#define ROUNDS 8u			/* of that, through the tables */
#define OOM_NEVER (-1000)
#define IDLE_NS 100000000u		/* nobody asks any more: a debt is forgiven */
#define SRV_ACCOUNT 0x000000a000000000ull

static uint64_t wanted_ns;		/* when somebody last asked for what is owed */

static uint64_t
debt_of(const struct proc *p)
{
	if (server_bind(SRV_ACCOUNT, p->sh->account, EXO_MAP_READ))
		return 0;
	return ((const volatile struct exo_account *)SRV_ACCOUNT)->debt;
}

/* What was paid is not its any more. */
static void
settle(struct proc *p)
{
	uint64_t left = p->owes ? debt_of(p) : 0;

	p->given -= p->owes - left < p->given ? p->owes - left : p->given;
	p->owes = left;
}

static void
forgive(struct proc *p)
{
	settle(p);
	if (p->owes)
		exo_account_ask(p->sh->account, 0, 0, ROOT_KEY);
	p->owes = 0;
}

static bool
can_answer(const struct proc *p)
{
	return memory_held(p) && p->sh->state == PROC_RUNNING && p->sh->pid != SERVER_PID &&
		p->cred && p->cred->oom_adj > OOM_NEVER && exo_now_ns() >= p->dry_until;
}

static bool
ask(struct proc *p, uint64_t frames)
{
	const uint64_t until = exo_now_ns() + ASK_NS;
	int64_t owed;

	frames = frames < LEAST ? LEAST : frames;
	frames = frames < p->given / 2 ? frames : p->given / 2;
	owed = frames ? exo_account_ask(p->sh->account, frames, until, ROOT_KEY) : -1;
	if (owed < 0)
		return false;
	p->given -= frames - (uint64_t)owed;
	p->owes = (uint64_t)owed;
	p->owes_until = until;
	p->warned = false;
	if (owed)
		exo_post(p->sh->env, POST_MEMORY, ROOT_KEY);
	return true;
}

static void
warn(struct proc *p)
{
	p->warned = true;
	p->owes_until = exo_now_ns() + WARN_NS;
	exo_account_ask(p->sh->account, 0, p->owes_until, ROOT_KEY);
	exo_post(p->sh->env, POST_MEMORY, ROOT_KEY);
}

/*
 * Frames that are its alone: those that it shares with others would be theirs to
 * lose.  The program's, as its library has it: without its own it could not say
 * what happened.  A library that calls all frames its own loses any.
 */
static bool
may_take(const struct proc *p, const volatile struct exo_frame *f)
{
	return f->account == p->sh->account && f->kind == EXO_FRAME_DATA && f->nmaps <= 1 &&
		!(f->flags & EXO_FRAME_FIXED) &&
		(f->tag == EXO_TAG_ANONYMOUS || p->robbed > ROUNDS);
}

static void
take(struct proc *p)
{
	static exo_pfn cursor;
	unsigned taken = 0;

	for (unsigned n = 0; n < LOOKS && taken < TAKEN && taken < p->owes; n++) {
		cursor = cursor + 1 < exo_info()->frames ? cursor + 1 : 0;
		if (may_take(p, exo_frame(cursor)))
			taken += exo_repossess_take(cursor, ROOT_KEY) == 1;
	}
	p->robbed++;
	if (taken)
		klog_server("%u frames of process %u repossessed", taken, p->sh->pid);
}

static void
next_step(struct proc *p)
{
	settle(p);
	if (!can_answer(p)) {
		forgive(p);
	} else if (p->owes && exo_now_ns() > p->owes_until) {
		if (p->warned)
			take(p);
		else
			warn(p);
		settle(p);
	}
}

/* Whoever has most of those who have more; oom_score_adj is not asked here, but for who is not to be chosen. */
static struct proc *
richest(const struct proc *self)
{
	struct proc *best = NULL;

	for (unsigned n = 0; n < proc_rows; n++) {
		struct proc *p = &procs[n];

		if (p != self && p->given > (best ? best : self)->given && can_answer(p))
			best = p;
	}
	return best;
}

bool
revoke_for(const struct proc *self, uint64_t frames)
{
	bool owed = false;
	struct proc *p;

	wanted_ns = exo_now_ns();
	for (unsigned n = 0; n < proc_rows; n++) {
		if (procs[n].owes == 0)
			continue;
		next_step(&procs[n]);
		owed |= procs[n].owes != 0;
	}
	if (owed)
		return true;
	p = richest(self);
	return p && ask(p, frames);
}

/* It has given what it could. */
void
revoke_answer(struct proc *p)
{
	forgive(p);
	p->dry_until = exo_now_ns() + DRY_NS;
}

/* Nobody is kept from memory for the sake of one who no longer wants it. */
bool
revoke_owes(struct proc *p)
{
	if (p->owes == 0)
		return false;
	settle(p);
	if (p->owes && exo_now_ns() > wanted_ns + IDLE_NS)
		forgive(p);
	return p->owes != 0;
}
