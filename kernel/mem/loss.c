/* SPDX-License-Identifier: ISC */
/*
 * What is kept of a frame that is taken: its contents, in a spare frame that
 * the library named beforehand, and a record of where it was bound and where
 * they went (struct exo_vector).
 *
 * The vector and the spare frames are believed in nothing: each word is read
 * once, and a spare frame must be the same account's, bound nowhere, and under
 * no guard, so that whoever can read it could read what is saved there.
 */
#include "mem_priv.h"

u64
binding_va(binding_t at)
{
	u64 va = 0;

	for (unsigned level = frames[BINDING_TABLE(at)].kind - EXO_FRAME_PT1 + 1u;; level++) {
		exo_pfn table = BINDING_TABLE(at);

		va |= (u64)BINDING_INDEX(at) << pt_shift(level);
		if (frames[table].kind == EXO_FRAME_ROOT)
			return va;
		if (frames[table].nmaps == 0)
			return 0;
		at = frames_priv[table].first;
	}
}

/* The account's vector, as long as its frame is what was named; NULL: it has none. */
static struct exo_vector *
vector_of(exo_pfn pfn) REQUIRES(mem_lock)
{
	const struct account *account = account_of(pfn);
	const struct exo_frame *frame = &frames[account->vector];

	if (account->vector == 0 || frame->kind != EXO_FRAME_DATA || frame->account != pfn ||
		frame->generation != account->vector_generation || frame_cloned(account->vector))
		return NULL;
	return frame_ptr(account->vector);
}

void
loss_record(exo_pfn pfn, const struct exo_loss *loss)
{
	struct exo_vector *vector = vector_of(pfn);
	struct account *account = account_of(pfn);

	if (vector == NULL)
		return;
	vector->loss[account->losses++ % EXO_LOSSES] = *loss;
	__atomic_store_n(&vector->lost, account->losses, __ATOMIC_RELEASE);
}

static bool
spare_good(u64 pfn, exo_pfn account) REQUIRES(mem_lock)
{
	const struct exo_frame *frame = frame_at(pfn);

	return frame != NULL && frame->kind == EXO_FRAME_DATA && frame->account == account &&
		frame->nmaps == 0 && frame->pins == 0 && pfn != account_of(account)->vector &&
		!(frame->flags & (EXO_FRAME_ASKED | EXO_FRAME_PUBLIC)) &&
		!guard_live(frame->guard, frame->guard_serial);
}

/* The next one that the library named, if it is good: 0, there is none. */
static exo_pfn
spare_next(exo_pfn pfn) REQUIRES(mem_lock)
{
	struct exo_vector *vector = vector_of(pfn);
	struct account *account = account_of(pfn);
	u64 spare;

	if (vector == NULL ||
		account->spares >= __atomic_load_n(&vector->named, __ATOMIC_ACQUIRE))
		return 0;
	spare = __atomic_load_n(&vector->spare[account->spares % EXO_SPARES], __ATOMIC_RELAXED);
	__atomic_store_n(&vector->used, ++account->spares, __ATOMIC_RELEASE);
	return spare_good(spare, pfn) ? spare : 0;
}

/* The frame is bound nowhere any more, and a table still has its entries: they are what it held. */
void
loss_keep(exo_pfn pfn, u64 va)
{
	exo_pfn account = frames[pfn].account;
	struct exo_loss loss = { .pfn = pfn, .va = va, .how = EXO_LOSS_EMPTY };

	loss.kind = frames[pfn].kind == EXO_FRAME_LOST ? EXO_FRAME_DATA : frames[pfn].kind;
	if (!(frames[pfn].flags & EXO_FRAME_DIRTY)) {
		loss.saved = spare_next(account);
		loss.how = loss.saved ? EXO_LOSS_SAVED : EXO_LOSS_GONE;
	}
	if (loss.saved) {
		memcpy(frame_ptr(loss.saved), frame_ptr(pfn), EXO_PAGE_BYTES);
		frames[loss.saved].flags &= (u8)~EXO_FRAME_DIRTY;
	}
	loss_record(account, &loss);
	repossess_tell(account, pfn, 0);
}
