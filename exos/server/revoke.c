/* SPDX-License-Identifier: ISC */
/*
 * Memory asked back from processes that use it.  The policy:
 *
 *	who asks for memory when there is none has it from those who have most,
 *	of those who have more than he, a few of them at once, each in proportion
 *	to what he has; and where there is nobody, from himself;
 *	they are asked, and choose what to give: ASK_NS, and more where they get
 *	on with it (STEPS).  One that is stopped has
 *	the processor for that, and stays stopped (roused);
 *	who says that there is no more to give is left alone for a while (DRY_NS);
 *	but where all who have more say so, and gave next to nothing, whoever has
 *	most of them is held to it (insisted), if that is more than a fair share and
 *	who asks has less than half of one;
 *	who says nothing is warned: WARN_NS; and has less and less time from then on;
 *	then frames of his are taken by name: a few at first, which a library can
 *	have named spare frames for, and has a while to answer after all; then some
 *	in each request, until it is enough.  One that lost what was in use ends its program;
 *	and who has so much and nothing that can be taken is ended, and so is an heir:
 *	what is taken of those pays no debt before they are down to their limit.
 *
 * What is asked back goes to the session's limit as it is let go of; the kernel
 * keeps the account of that (account_ask).  Nothing here waits: whoever needs
 * the memory asks again, and each time the next step is made.
 */
#include "srv.h"

#define LEAST 256u			/* frames asked for at a time, of all */
#define LEAST_EACH 32u
#define ASKED 4u			/* at once */
#define ASK_NS 3000000000u		/* it may have to wait for the processor, and has a MiB to make small */
#define WARN_NS 1000000000u
#define SLICES 24u			/* and has had so many in that time, */
#define LATER_NS 6000000000u		/* or this long besides */
#define ROBBED_NS 3000000000u		/* ... who lost the first few frames */
#define STEPS 4u			/* of paying what is owed, each of which has its time */
#define DRY_NS 1000000000u
#define BARREN 8u			/* of what was asked for, who gives less than one in so many gives nothing */
#define FIRST_TAKEN 32u			/* at most; of what it was given one in so many: */
#define FIRST_SHARE 128u
#define TAKEN 64u			/* frames taken, and */
#define LOOKS 8192u			/* looked at, in a request, */
#define TAKE_NS 10000000u		/* or until then: it may run elsewhere, and each is waited for there */
#define OOM_NEVER (-1000)
/* So long who has another's memory, above his limit, may be of the same gang */
#define HEIRS_NS 10000000000u
#define IDLE_NS 100000000u		/* nobody asks any more: a debt is forgiven */
#define SRV_ACCOUNT 0x000000a000000000ull

static uint64_t wanted_ns;		/* when somebody last asked for what is owed */
static unsigned roused;			/* processes that run though they are stopped */
static bool rouse_news;
static uint64_t ended_ns;		/* when one was ended last that hid what it had */

/* NULL: no memory to see it by. */
static const volatile struct exo_account *
account_of(const struct proc *p)
{
	if (server_bind(SRV_ACCOUNT, p->sh->account, EXO_MAP_READ))
		return NULL;
	return (const volatile struct exo_account *)SRV_ACCOUNT;
}

static uint64_t
debt_of(const struct proc *p)
{
	const volatile struct exo_account *a = account_of(p);

	return a ? a->debt : 0;
}

/* Frames that its account has, above its limit too. */
uint64_t
revoke_used(const struct proc *p)
{
	const volatile struct exo_account *a = account_of(p);

	return a ? a->used : 0;
}

/*
 * What it has been given, as the kernel counts it: less is taken off than was asked
 * for where an heir has less limit than that.
 */
static void
given_measure(struct proc *p)
{
	const volatile struct exo_account *a = account_of(p);

	if (a)
		p->given = a->limit + a->carved;
}

/* ---- who is stopped, and still to answer -------------------------------------------------------- */

static void
rouse(struct proc *p)
{
	if (p->sh->state != PROC_STOPPED || p->roused || p->native || p->silent || share_give(p))
		return;
	p->roused = rouse_news = true;
	roused++;
}

/* True: it has its time, as one that goes on has. */
bool
revoke_goes_on(struct proc *p)
{
	if (!p->roused)
		return false;
	p->roused = false;
	roused--;
	return true;
}

static void
rest(struct proc *p)
{
	if (revoke_goes_on(p) && p->sh->state == PROC_STOPPED)
		share_take(p);
}

/* ---- debts ---------------------------------------------------------------------------------------- */

/* What was paid is not its any more. */
static void
settle(struct proc *p)
{
	uint64_t left = p->owes ? debt_of(p) : 0;

	if (p->owes)
		given_measure(p);
	p->owes = left;
	if (left)
		return;
	p->insisted = false;
	rest(p);
}

static void
forgive(struct proc *p)
{
	settle(p);
	if (p->owes)
		exo_account_ask(p->sh->account, 0, 0, ROOT_KEY);
	p->owes = 0;
	p->insisted = false;
	rest(p);
}

static bool
can_answer(const struct proc *p)
{
	return memory_held(p) && p->sh->pid != SERVER_PID && p->cred &&
		p->cred->oom_adj > OOM_NEVER;
}

/* An heir: what is taken pays nothing before all is gone that it has above its limit. */
static bool
is_heir(const struct proc *p)
{
	return revoke_used(p) > p->given + LEAST;
}

/* Who was silent is given less time, and no warning; and so are heirs of one who was. */
static uint64_t
notice(struct proc *p, uint64_t ns)
{
	if (is_heir(p) && ended_ns && exo_now_ns() < ended_ns + HEIRS_NS)
		p->silent = 3;
	return exo_now_ns() + (ns >> (p->silent < 3 ? 2 * p->silent : 6));
}

static uint64_t
slices_of(const struct proc *p)
{
	const volatile struct exo_env *e = exo_env(p->sh->env);

	return e ? e->slices : 0;
}

static bool
ask(struct proc *p, uint64_t frames, uint64_t ns)
{
	const uint64_t until = notice(p, ns);
	int64_t owed;

	frames = frames < p->given / 2 || p->held > p->given ? frames : p->given / 2;
	owed = frames ? exo_account_ask(p->sh->account, frames, until, ROOT_KEY) : -1;
	if (owed < 0)
		return false;
	given_measure(p);
	p->owes = p->owes_then = (uint64_t)owed;
	p->owes_step = p->owes / STEPS + 1;
	p->asked = frames;
	p->owes_until = until;
	p->slices_then = slices_of(p);
	p->warned = p->silent != 0;
	p->robbed = false;
	p->searched = 0;
	if (owed) {
		rouse(p);
		exo_post(p->sh->env, POST_MEMORY, ROOT_KEY);
	}
	return true;
}

static void
warn(struct proc *p)
{
	p->warned = true;
	p->owes_until = notice(p, WARN_NS);
	exo_account_ask(p->sh->account, 0, p->owes_until, ROOT_KEY);
	exo_post(p->sh->env, POST_MEMORY, ROOT_KEY);
}

/* ---- taking -------------------------------------------------------------------------------------- */

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
		(f->tag == EXO_TAG_ANONYMOUS || p->searched > exo_info()->frames);
}

/* At first as few as its library may be prepared for (exos/vm/spare.c names more of them). */
static unsigned
most_taken(const struct proc *p)
{
	const uint64_t first = p->given / FIRST_SHARE;

	if (p->robbed)
		return TAKEN;
	return first == 0 ? 1 : first < FIRST_TAKEN ? (unsigned)first : FIRST_TAKEN;
}

static void
take(struct proc *p)
{
	static exo_pfn cursor;
	const unsigned most = most_taken(p);
	const uint64_t until = exo_now_ns() + TAKE_NS;
	unsigned taken = 0;

	if (p->searched == 0)
		p->silent += p->silent < 3;
	for (unsigned n = 0; n < LOOKS && taken < most && taken < p->owes; n++) {
		cursor = cursor + 1 < exo_info()->frames ? cursor + 1 : 0;
		p->searched++;
		if (!may_take(p, exo_frame(cursor)))
			continue;
		taken += exo_repossess_take(cursor, ROOT_KEY) == 1;
		if (exo_now_ns() > until)
			break;
	}
	if (taken) {
		p->owes_then -= taken < p->owes_then ? taken : p->owes_then;
		if (!p->robbed) {
			p->owes_until = notice(p, WARN_NS);
			p->slices_then = slices_of(p);
		}
		p->robbed = true;
		klog_server("%u frames of process %u repossessed", taken, p->sh->pid);
	} else if (p->searched > 2 * exo_info()->frames && !p->lost) {
		klog_server("process %u is ended: it owes %lu frames, and none can be taken",
			p->sh->pid, (unsigned long)p->owes);
		ended_ns = exo_now_ns();
		proc_doom(p);
	}
}

/* Past the deadline, and warned. */
static void
collect(struct proc *p)
{
	if (!p->robbed || !is_heir(p))
		return take(p);
	if (p->lost)
		return;
	klog_server("process %u is ended: it owes %lu frames, and has far more above its limit",
		p->sh->pid, (unsigned long)p->owes);
	ended_ns = exo_now_ns();
	proc_doom(p);
}

static void
dry(struct proc *p)
{
	p->barren = p->owes > p->asked - p->asked / BARREN;
	forgive(p);
	p->dry_until = exo_now_ns() + DRY_NS;
}

/*
 * On a busy machine the time may be over before it had the processor; but who
 * does not want the processor cannot wait for ever.
 */
static bool
is_over(struct proc *p)
{
	const volatile struct exo_env *e = exo_env(p->sh->env);
	const uint64_t now = exo_now_ns();

	return now > p->owes_until &&
		(!e || (p->silent && !p->robbed) || e->slices >= p->slices_then + SLICES ||
			now > p->owes_until + (p->robbed ? ROBBED_NS : LATER_NS));
}

/* It gives, if slowly: some time more for every quarter of what was asked for. */
static bool
gets_on(struct proc *p)
{
	if (p->owes_then < p->owes + p->owes_step)
		return false;
	p->owes_then = p->owes;
	p->owes_until = notice(p, WARN_NS);
	return true;
}

/* Who was stopped in the middle of something cannot answer. */
static void
next_step(struct proc *p)
{
	settle(p);
	if (!can_answer(p)) {
		forgive(p);
	} else if (p->owes && is_over(p) && p->sh->state == PROC_STOPPED && !p->insisted) {
		dry(p);
	} else if (p->owes && is_over(p) && !gets_on(p)) {
		if (p->warned)
			collect(p);
		else
			warn(p);
		settle(p);
	} else if (p->owes) {
		rouse(p);		/* it may have been stopped since */
	}
}

/* ---- who is asked ---------------------------------------------------------------------------------- */

/* Whoever has most of those who have more; oom_score_adj is not asked here, but for who is not to be chosen. */
static struct proc *
richest(uint64_t than, bool dry, struct proc *const *but, unsigned count)
{
	struct proc *best = NULL;

	for (unsigned n = 0; n < proc_rows; n++) {
		struct proc *p = &procs[n];
		bool chosen = false;

		for (unsigned i = 0; i < count; i++)
			chosen |= but[i] == p;
		if (!chosen && p->held > (best ? best->held : than) && can_answer(p) &&
			(dry ? p->barren : exo_now_ns() >= p->dry_until))
			best = p;
	}
	return best;
}

/* A few at once, each in proportion to what it has: those who are silent cost the time of one. */
static bool
ask_some(const struct proc *self, uint64_t frames)
{
	struct proc *chosen[ASKED];
	uint64_t all = 0;
	unsigned count = 0;
	bool asked = false;

	for (struct proc *p; count < ASKED; chosen[count++] = p) {
		p = richest(self->held, false, chosen, count);
		if (!p)
			break;
		all += p->held;
	}
	frames = frames < LEAST ? LEAST : frames;
	for (unsigned n = 0; n < count; n++) {
		uint64_t part = frames * chosen[n]->held / all;

		asked |= ask(chosen[n], part < LEAST_EACH ? LEAST_EACH : part, ASK_NS);
	}
	return asked;
}

/* What each of those would have who have much at all. */
static uint64_t
fair_share(void)
{
	uint64_t all = 0, count = 0;

	for (unsigned n = 0; n < proc_rows; n++) {
		if (!can_answer(&procs[n]) || procs[n].held < LEAST)
			continue;
		all += procs[n].held;
		count++;
	}
	return count ? all / count : 0;
}

/* Somebody who has more gave some the last time, and will be asked again. */
bool
revoke_soon(const struct proc *self)
{
	for (unsigned n = 0; n < proc_rows; n++)
		if (procs[n].held > self->held && can_answer(&procs[n]) && !procs[n].barren)
			return true;
	return false;
}

/* All who have more say that it gets no smaller: nobody who has but half of his share starves by their word. */
static bool
insist(const struct proc *self, uint64_t frames)
{
	const uint64_t share = fair_share();
	struct proc *p = self->held + frames < share / 2 ? richest(share, true, NULL, 0) : NULL;

	if (!p || revoke_soon(self) || !ask(p, frames < LEAST ? LEAST : frames, WARN_NS))
		return false;
	p->insisted = p->warned = true;
	return true;
}

bool
revoke_for(const struct proc *self, uint64_t frames, bool needed)
{
	bool owed = false;

	wanted_ns = exo_now_ns();
	for (unsigned n = 0; n < proc_rows; n++) {
		if (procs[n].owes == 0)
			continue;
		next_step(&procs[n]);
		owed |= procs[n].owes != 0;
	}
	return owed || ask_some(self, frames) || (needed && insist(self, frames));
}

/* It has given what it could.  Said again, or of its own accord, it means nothing. */
void
revoke_answer(struct proc *p)
{
	settle(p);
	if (p->owes == 0 || p->insisted)
		return;
	p->silent = 0;
	dry(p);
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

/* ---- for the loop: who is stopped runs no longer than it was given, whether or not anybody asks again --- */

uint64_t
revoke_deadline(void)
{
	return roused ? wanted_ns + IDLE_NS + 1 : 0;
}

bool
revoke_due(void)
{
	return rouse_news;
}

void
revoke_poll(void)
{
	const uint64_t now = exo_now_ns();

	rouse_news = false;
	for (unsigned n = 0; n < proc_rows && roused; n++) {
		struct proc *p = &procs[n];

		if (!p->roused)
			continue;
		settle(p);
		if (p->owes && now > wanted_ns + IDLE_NS)
			forgive(p);
		else if (p->owes && now > p->owes_until)
			rest(p);
	}
}
