/* SPDX-License-Identifier: ISC */
/*
 * Reaping: what an account owns is let go in bounded steps, without recursion
 * and in whatever order the account's ring has.
 *
 *	DATA, LOST		bindings broken or heir found, then freed (LOST, if asked for)
 *	PTn			bindings broken from above, entries removed, freed with its LINKS
 *	ENV			of the dead: env_dismantle, then last of its frames
 *	ROOT RING UAREA ACT	once their environment is dismantled
 *	LINKS			with their table
 *	REGION			freed
 *	GUARD			its guards guard nothing from then on
 *	ACCOUNT			when it is empty: trees are the library's to walk
 *
 * A frame that must wait (a live environment's, a pinned one, an account in
 * use) is passed: the ring's head moves on.  When a whole round was passed,
 * nothing can be done: BUSY.
 */
#include "mem_priv.h"
#include "../cap/cap.h"

#define SCAN_STEP 64u			/* key slots looked at in a step */
#define REMOVE_STEP 8u			/* page-table entries removed in a step, at most */

static bool
env_is_dead(exo_pfn env_frame) REQUIRES(env_lock)
{
	const struct env *env = frame_ptr(env_frame);
	const struct exo_env *public = &envs[env->slot];

	return public->state != EXO_ENV_ALIVE || public->env_frame != env_frame;
}

static enum reaped
reap_env(exo_pfn pfn, struct work *work) REQUIRES(env_lock, mem_lock)
{
	struct frame_priv *priv = &frames_priv[pfn];

	if (priv->env) {
		if (priv->used > 0)
			return REAP_PASSED;
		frame_free(pfn);
		return REAP_DONE;
	}
	if (!env_is_dead(pfn))
		return REAP_PASSED;
	work->left -= WEIGHT_DISMANTLE;
	if (env_dismantle(pfn))
		priv->env = 1;
	return REAP_DONE;
}

/* One binding of the frame is broken.  False: it has none. */
static bool
unbind_one(exo_pfn pfn, struct work *work) REQUIRES(mem_lock)
{
	if (frames[pfn].nmaps == 0)
		return false;
	work_unbind(work, frames_priv[pfn].first);
	binding_remove(frames_priv[pfn].first);
	work->left -= WEIGHT_UNBIND;
	return true;
}

/* Some entries of a table nobody reaches any more.  A root's upper half holds no bindings. */
void
entries_remove(exo_pfn table, struct work *work)
{
	struct frame_priv *priv = &frames_priv[table];
	const u64 *entries = frame_ptr(table);
	u32 end = frames[table].kind == EXO_FRAME_ROOT ? PT_ENTRIES / 2 : PT_ENTRIES;
	u32 begin = priv->cursor;

	for (unsigned removed = 0; removed < REMOVE_STEP && priv->used > 0; removed++) {
		u32 at = pt_next(entries, priv->cursor, end);

		priv->cursor = at < end ? at + 1 : end;
		work->left -= WEIGHT_LOOK;
		if (at == end)
			break;
		binding_remove(BINDING(table, at));
		work->left -= WEIGHT_UNBIND;
	}
	work->left -= (int)(priv->cursor - begin) * WEIGHT_SKIP;
}

static enum reaped
reap_table(exo_pfn pfn, struct work *work) REQUIRES(mem_lock)
{
	struct frame_priv *priv = &frames_priv[pfn];

	if (unbind_one(pfn, work))
		return REAP_DONE;
	if (priv->used > 0) {
		/* Entries may have come behind the cursor since, by another path to the table. */
		if (priv->cursor >= PT_ENTRIES / (frames[pfn].kind == EXO_FRAME_ROOT ? 2 : 1))
			priv->cursor = 0;
		entries_remove(pfn, work);
		return REAP_DONE;
	}
	pt_free(pfn);
	return REAP_DONE;
}

/* env_dismantle has dropped them already, or else they leave their guards' counts here. */
static enum reaped
reap_ring(exo_pfn pfn, struct work *work) REQUIRES(env_lock, mem_lock)
{
	struct frame_priv *priv = &frames_priv[pfn];
	struct key *key = frame_ptr(pfn);

	if (priv->cursor >= EXO_KEYS_FRAME) {
		frame_free(pfn);
		return REAP_DONE;
	}
	for (unsigned n = 0; n < SCAN_STEP; n++, priv->cursor++)
		if (key[priv->cursor].type != KEY_NONE)
			key_clear(&key[priv->cursor]);
	work->left -= (int)(SCAN_STEP * 50);
	return REAP_DONE;
}

static enum reaped
reap_account(exo_pfn pfn, struct work *work) REQUIRES(mem_lock)
{
	const struct account *account = account_of(pfn);

	if (account->used > 0 || account->children > 0)
		return REAP_PASSED;
	if (!unbind_one(pfn, work))
		frame_free(pfn);
	return REAP_DONE;
}

static enum reaped
reap_plain(exo_pfn pfn, struct work *work) REQUIRES(mem_lock)
{
	release_step(pfn, 0, work);
	return REAP_DONE;
}

static enum reaped
reap_frame(exo_pfn pfn, struct work *work) REQUIRES(env_lock, mem_lock)
{
	const struct frame_priv *priv = &frames_priv[pfn];

	if (frames[pfn].pins)
		return REAP_PASSED;
	switch (frames[pfn].kind) {
	case EXO_FRAME_DATA:
	case EXO_FRAME_LOST:
	case EXO_FRAME_GUARD:
	case EXO_FRAME_REGION:
		return reap_plain(pfn, work);
	case EXO_FRAME_PT1:
	case EXO_FRAME_PT2:
	case EXO_FRAME_PT3:
		return reap_table(pfn, work);
	case EXO_FRAME_ENV:
		return reap_env(pfn, work);
	case EXO_FRAME_ROOT:
		return frames_priv[priv->env].env ? reap_table(pfn, work) : REAP_PASSED;
	case EXO_FRAME_RING:
		return frames_priv[priv->aux].env ? reap_ring(pfn, work) : REAP_PASSED;
	case EXO_FRAME_UAREA:
	case EXO_FRAME_ACT:
		return frames_priv[priv->aux].env ? reap_plain(pfn, work) : REAP_PASSED;
	case EXO_FRAME_ACCOUNT:
		return reap_account(pfn, work);
	default:
		return REAP_PASSED;
	}
}

/* 1 it is free, 0 there is more to be done, or an error: it lives, or others of its frames are left. */
int
reap_one(exo_pfn pfn, struct work *work)
{
	while (work->left > 0) {	/* bound: the work */
		if (reap_frame(pfn, work) != REAP_DONE)
			return -EXO_EBUSY;
		if (frames[pfn].kind == EXO_FRAME_FREE)
			return 1;
	}
	return 0;
}

enum reaped
reap_step(struct account *account, struct work *work)
{
	enum reaped reaped = reap_frame(account->head, work);

	work->left -= WEIGHT_ELEMENT;
	if (reaped == REAP_DONE) {
		account->passed = 0;
	} else {
		account->head = frames_priv[account->head].next;
		account->passed++;
	}
	return reaped;
}
