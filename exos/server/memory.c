/* SPDX-License-Identifier: ISC */
/*
 * Who gets how much of the session's memory: OP_MEMORY.
 *
 * Nothing is promised before it is touched (docs/exos.md, "Memory"), so it can
 * run out.  Then limit that others do not use is taken back from them, a few of
 * them at a time; and when there is none, whoever has been given most is
 * refused at once, for it can make do with less itself, and all others are to ask
 * again, for soon there may be some: for as long as it takes, while what the dead
 * had is being given back, or whoever has most was asked for some of it (revoke.c).
 */
#include <errno.h>
#include "srv.h"
#include "undo.h"

#define STEP 256u			/* frames moved at a time, at least */
#define MOST (1u << 24)
#define OOM_NEVER (-1000)
#define SQUEEZED 16u			/* rows looked at each time, */
#define ROUNDS 4u			/* which are so many in one request */
#define WORTH_ASKING 256u		/* frames: who has less has none for a child of others */
#define WEIGHED 64u			/* rows looked at for what they hold, in one */
#define SRV_ROOT 0x000000a000001000ull	/* the root account, once it is bound, */
#define SRV_SESSION 0x000000a000002000ull	/* and the session's */

static bool
move(struct proc *p, exo_pfn account, int64_t frames)
{
	if (!limit_move(account, frames))
		return false;
	p->given += (uint64_t)frames;
	if (p->given > p->sh->most_frames)
		p->sh->most_frames = p->given;
	return true;
}

bool
memory_held(const struct proc *p)
{
	return p->sh->account && !p->reaping &&
		(p->sh->state == PROC_RUNNING || p->sh->state == PROC_STOPPED);
}

/* The kernel says how much of it is not used: half, and half of the rest, is tried. */
static bool
squeeze(struct proc *p)
{
	bool some = false;

	for (uint64_t size = p->given; size >= STEP / 8; size /= 2)
		if (size <= p->given && move(p, p->sh->account, -(int64_t)size))
			some = true;
	return some;
}

bool
memory_squeeze(const struct proc *but)
{
	static uint32_t hand;
	bool some = false;

	for (unsigned n = 0; n < SQUEEZED && n < proc_rows; n++) {
		struct proc *p = &procs[hand++ % proc_rows];

		if (p != but && memory_held(p))
			some |= squeeze(p);
	}
	return some;
}

bool
memory_squeeze_all(struct proc *last)
{
	return memory_squeeze(last) || (memory_held(last) && squeeze(last));
}

/* NULL: no memory to see it by. */
static const volatile struct exo_account *
account_at(uint64_t va, exo_pfn pfn, bool *bound)
{
	if (!*bound && server_bind(va, pfn, EXO_MAP_READ))
		return NULL;
	*bound = true;
	return (const volatile struct exo_account *)va;
}

/*
 * Limit is given against frames that are there: but heirs may hold more than
 * their limit, and then there are fewer.  The server's own share is not for others.
 */
static bool
is_backed(uint64_t frames)
{
	static bool bound;
	const volatile struct exo_account *root =
		account_at(SRV_ROOT, exo_info()->root_account, &bound);

	return !root || root->limit < root->used ||
		exo_info()->free_frames >= root->limit - root->used + frames;
}

/* What they hold, which is what they were given but for heirs. */
static void
weigh(void)
{
	static uint32_t hand;

	for (unsigned n = 0; n < WEIGHED && n < proc_rows; n++) {
		struct proc *p = &procs[hand++ % proc_rows];

		p->held = memory_held(p) ? revoke_used(p) : 0;
		p->held = p->held > p->given ? p->held : p->given;
	}
}

/* What it has been given, and a share of all memory for each thousandth that its owner adds (oom_score_adj). */
static int64_t
score(const struct proc *p)
{
	const int64_t all = (int64_t)server_shared_info()->memory_frames;

	return (int64_t)p->held + p->cred->oom_adj * (all / 1000);
}

/*
 * Who is to go first.  Who is not to be chosen is not, as long as there is
 * anybody else; of two alike it is who asks.
 */
static struct proc *
first_to_go(struct proc *self)
{
	struct proc *first = NULL;

	for (unsigned n = 0; n < proc_rows; n++) {
		struct proc *p = &procs[n];

		if (!memory_held(p) || !p->cred || p->cred->oom_adj <= OOM_NEVER)
			continue;
		if (!first || score(p) > score(first) || (p == self && score(p) == score(first)))
			first = p;
	}
	return first ? first : self;
}

/*
 * Who has most is refused, or asked for some of it where it is another; for a
 * child that it builds (self otherwise), others are asked first.  But not who has
 * most by his own wish, and may never ask: behind him somebody else could hide.
 */
static long
no_memory(struct proc *self, const struct proc *child, uint64_t frames, bool needed)
{
	struct proc *first;

	weigh();
	first = first_to_go(self);
	if (first == self && child == self)
		return -ENOMEM;
	if (first == self)
		return revoke_for(child, frames, false) || revoke_soon(child) ? -EBUSY : -ENOMEM;
	if (first->cred->oom_adj <= 0)
		return revoke_for(child, frames, needed && child == self) || revoke_soon(child)
			? -EBUSY : -EAGAIN;
	proc_doom(first);
	return -EBUSY;
}

/* The process whose account it is, if the caller may ask for it: itself, or a child that it is building. */
static struct proc *
process_of(struct proc *self, exo_pfn account)
{
	if (account == self->sh->account)
		return self;
	for (unsigned n = 0; n < proc_rows; n++) {
		struct proc *p = &procs[n];

		if (p->sh->state == PROC_BUILDING && p->creator == self->sh->pid &&
			p->sh->account == account && account)
			return p;
	}
	return NULL;
}

long
memory_request(struct proc *self, uint64_t frames, exo_pfn account, bool needed)
{
	struct proc *p = process_of(self, account);

	if (frames > MOST || !p || (frames == 0 && p != self))
		return -EINVAL;
	if (frames == 0) {
		revoke_answer(p);
		return 0;
	}
	if (revoke_owes(p))
		return -EBUSY;
	for (unsigned round = 0; round < ROUNDS && is_backed(frames); round++) {
		if (frames < STEP && move(p, account, STEP))
			return STEP;
		if (move(p, account, (int64_t)frames))
			return (long)frames;
		if (!memory_squeeze(p) && round)
			break;
	}
	if (is_backed(frames) && limits_reserve(self) && move(p, account, (int64_t)frames))
		return (long)frames;
	if (proc_work() || sfs_free_work()) {
		proc_reap_some();	/* on the time of who needs it */
		return -EBUSY;
	}
	return no_memory(self, p, frames, needed);
}

static bool
session_has(uint64_t frames)
{
	static bool bound;
	const volatile struct exo_account *session =
		account_at(SRV_SESSION, session_account, &bound);

	return !session || (session->limit >= session->used + frames && is_backed(frames));
}

/*
 * What is paid for out of the session's limit, a process to begin with or an
 * object, could not be made: is that for want of memory, and will there be some?
 */
bool
memory_waited(uint64_t frames)
{
	static const struct proc nobody = { .held = WORTH_ASKING };
	const bool wanted = !session_has(frames);

	for (unsigned n = 0; n < ROUNDS && proc_work(); n++)
		proc_reap_some();	/* what was half made, too */
	if (session_has(frames))
		return wanted;		/* there is some by now */
	weigh();
	return revoke_for(&nobody, frames, false) || revoke_soon(&nobody) || proc_work();
}
