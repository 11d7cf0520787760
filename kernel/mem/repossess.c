/* SPDX-License-Identifier: ISC */
/*
 * Repossession: frames are taken from accounts that use them, visibly.  Which,
 * and when, is decided by whoever holds a key for the name EXO_NAME_ARBITER;
 * the kernel checks the key, the deadline and the guarantee.
 *
 *	DATA --repossess--> DATA, asked --take, past the deadline--> LOST --take--> FREE
 *	   |                    `-------------- the owner lets go --> LOST, nobody's
 *	   `--take, of an account whose debt is due (debt.c)-------> LOST --take--> FREE
 *
 * A request by name is on the frame, not on who happens to own it.  An asked
 * frame is used as before, but cannot become one of the kernel's; when it
 * passes to an heir the request passes with it; and released it is not free
 * again but LOST, out of everybody's reach until the arbiter takes it.  So
 * there is no step of the owner's by which it would still have the frame after
 * the deadline.
 *
 * LOST frames are bound nowhere new: taking one that is bound many times may be
 * done in many calls, and ends.  Its contents are kept once it is unbound and
 * no device has it any more (loss.c).
 *
 * Page tables are taken like data: an asked one is entered nowhere new; it is
 * unbound from above, its entries are kept as its contents and removed, and it
 * is freed with its LINKS.  The frames that it bound stay their owners'.
 */
#include "mem_priv.h"
#include "../event/event.h"

#define WEIGHT_TELL 1200		/* a loss recorded, and who watches looked for */
#define WEIGHT_KEEP 1300

/* Callers hold env_lock too (mem_enter); every function that lets go of a frame would have to say so. */
void
repossess_tell(exo_pfn at, exo_pfn pfn, u64 deadline) NO_TSA
{
	for (unsigned depth = 0; at != 0 && depth <= ACCOUNT_DEPTH; depth++) {
		const struct account *account = account_of(at);
		int error;
		struct env *env = env_find(account->watcher, &error);

		if (env != NULL && event_revoke(env, pfn, deadline))
			return;
		at = account->parent;
	}
}

static bool
is_table(exo_pfn pfn) REQUIRES(mem_lock)
{
	return frames[pfn].kind >= EXO_FRAME_PT1 && frames[pfn].kind <= EXO_FRAME_PT3;
}

u64 *
repossess_deadline(exo_pfn pfn)
{
	return &frames_priv[is_table(pfn) ? frames_priv[pfn].aux : pfn].deadline;
}

void
repossess_ask(exo_pfn pfn, u64 deadline)
{
	frames[pfn].flags |= EXO_FRAME_ASKED;
	*repossess_deadline(pfn) = deadline;
	repossess_tell(frames[pfn].account, pfn, deadline);
}

/* Is it being taken?  Of a table its second LINKS knows. */
static u32 *
table_begun(exo_pfn pfn) REQUIRES(mem_lock)
{
	return &frames_priv[frames_priv[pfn].aux + 1].cursor;
}

bool
repossess_begun(exo_pfn pfn)
{
	return frames[pfn].kind == EXO_FRAME_LOST || (is_table(pfn) && *table_begun(pfn) != 0);
}

void
repossess_withdraw(exo_pfn pfn)
{
	frames[pfn].flags &= (u8)~EXO_FRAME_ASKED;
	*repossess_deadline(pfn) = 0;
}

/* Whoever watches it or offered it loses it now; heirs get nothing. */
static void
take_begin(exo_pfn pfn) REQUIRES(mem_lock)
{
	struct exo_frame *frame = &frames[pfn];
	binding_t first = frames_priv[pfn].first;
	bool own = frame->nmaps > 0 && frames[BINDING_TABLE(first)].account == frame->account;

	*repossess_deadline(pfn) = own ? binding_va(first) : 0;
	frame->flags &= (u8)~(EXO_FRAME_HEIR | EXO_FRAME_COW | EXO_FRAME_PUBLIC);
	frame->flags |= EXO_FRAME_ASKED;
	frame->generation++;
	cpus_wake();
	if (is_table(pfn)) {
		*table_begun(pfn) = 1;
		frames_priv[pfn].cursor = 0;
	} else {
		frame->kind = EXO_FRAME_LOST;
	}
}

/* Whose table it is, where the frame is another's, loses a page too. */
static void
unbind_first(exo_pfn pfn, struct work *work) REQUIRES(mem_lock)
{
	binding_t at = frames_priv[pfn].first;
	exo_pfn account = frames[BINDING_TABLE(at)].account;

	if (account != frames[pfn].account) {
		const struct exo_loss loss = { .pfn = pfn, .va = binding_va(at),
			.kind = is_table(pfn) ? frames[pfn].kind : EXO_FRAME_DATA,
			.how = EXO_LOSS_SHARED };

		loss_record(account, &loss);
		repossess_tell(account, pfn, 0);
		work->left -= WEIGHT_TELL;
	}
	work_unbind(work, at);
	binding_remove(at);
	work->left -= WEIGHT_UNBIND;
}

/* What was written through the translation cache until now is kept with the rest. */
static void
keep(exo_pfn pfn, struct work *work) REQUIRES(mem_lock)
{
	work_flush(work);
	loss_keep(pfn, *repossess_deadline(pfn));
	work->left -= WEIGHT_KEEP;
}

/* False: it still has entries. */
static bool
table_empty(exo_pfn pfn, struct work *work) REQUIRES(mem_lock)
{
	if (*table_begun(pfn) == 1) {
		keep(pfn, work);
		*table_begun(pfn) = 2;
	}
	while (frames_priv[pfn].used > 0 && work->left > 0)
		entries_remove(pfn, work);
	return frames_priv[pfn].used == 0;
}

bool
repossess_step(exo_pfn pfn, struct work *work)
{
	const struct exo_frame *frame = &frames[pfn];
	exo_pfn account = frame->account;

	if (frame->kind == EXO_FRAME_DATA || (is_table(pfn) && *table_begun(pfn) == 0))
		take_begin(pfn);
	while (frame->nmaps > 0 && work->left > 0)
		unbind_first(pfn, work);
	if (frame->nmaps > 0 || frame->pins > 0)
		return false;
	if (is_table(pfn)) {
		if (!table_empty(pfn, work))
			return false;
		pt_free(pfn);
	} else if (account != 0) {
		keep(pfn, work);
		frame_free(pfn);
	}
	if (account != 0)
		debt_paid(account);
	frame_reopen(pfn);
	return true;
}
