/* SPDX-License-Identifier: ISC */
/*
 * Repossession: frames are taken from accounts that use them, visibly.  Which,
 * and when, is decided by whoever holds a key for the name EXO_NAME_ARBITER;
 * the kernel checks the key, the deadline and the guarantee.
 *
 *	DATA --repossess--> DATA, asked --take, past the deadline--> LOST --take--> FREE
 *	                        `-------------- the owner lets go --> LOST, nobody's
 *
 * A request is on the frame, not on who happens to own it.  An asked frame is
 * used as before, but cannot become one of the kernel's; when it passes to an
 * heir the request passes with it; and released it is not free again but LOST,
 * out of everybody's reach until the arbiter takes it.  So there is no step of
 * the owner's by which it would still have the frame after the deadline.
 *
 * LOST frames are bound nowhere new: taking one that is bound many times may be
 * done in many calls, and ends.
 */
#include "mem_priv.h"
#include "../event/event.h"

/* Callers hold env_lock too (mem_enter); every function that lets go of a frame would have to say so. */
void
repossess_tell(exo_pfn pfn, u64 deadline) NO_TSA
{
	exo_pfn at = frames[pfn].account;

	for (unsigned depth = 0; at != 0 && depth <= ACCOUNT_DEPTH; depth++) {
		const struct account *account = account_of(at);
		int error;
		struct env *env = env_find(account->watcher, &error);

		if (env != NULL && event_revoke(env, pfn, deadline))
			return;
		at = account->parent;
	}
}

void
repossess_ask(exo_pfn pfn, u64 deadline)
{
	frames[pfn].flags |= EXO_FRAME_ASKED;
	frames_priv[pfn].deadline = deadline;
	repossess_tell(pfn, deadline);
}

void
repossess_withdraw(exo_pfn pfn)
{
	frames[pfn].flags &= (u8)~EXO_FRAME_ASKED;
	frames_priv[pfn].deadline = 0;
}

/* Whoever watches it or offered it loses it now; heirs get nothing. */
static void
take_begin(exo_pfn pfn) REQUIRES(mem_lock)
{
	struct exo_frame *frame = &frames[pfn];

	frame->kind = EXO_FRAME_LOST;
	frame->flags &= (u8)~(EXO_FRAME_HEIR | EXO_FRAME_COW | EXO_FRAME_PUBLIC);
	frame->generation++;
}

bool
repossess_step(exo_pfn pfn, struct work *work)
{
	struct exo_frame *frame = &frames[pfn];

	if (frame->kind == EXO_FRAME_DATA)
		take_begin(pfn);
	while (frame->nmaps > 0 && work->left > 0) {
		binding_remove(frames_priv[pfn].first);
		work->left -= WEIGHT_UNBIND;
		work->flush_all = true;
	}
	if (frame->nmaps > 0 || frame->pins > 0)
		return false;
	if (frame->account != 0) {
		repossess_tell(pfn, 0);
		frame_free(pfn);
	}
	frame_reopen(pfn);
	return true;
}
