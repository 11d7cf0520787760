/* SPDX-License-Identifier: ISC */
/*
 * Frames.  Physical memory is a table of frames, each owned by one account or
 * free; whoever holds the account's key names the frame it wants.
 *
 *	ABSENT, KERNEL, TRACE: never change hands
 *	FREE --take--> DATA --type--> PTn, ROOT, LINKS, ENV, RING, UAREA, ACT, ACCOUNT, GUARD,
 *	  ^--------------free------------'		REGION; LOST: repossess.c
 *
 * The public half of an entry is exposed: a library finds its free frames
 * there (or in freemap), and races honestly.  The private half holds the first
 * binding and the links of the account's ring.  `generation` moves whenever
 * the contents stop being what a watcher of the frame was allowed to see.
 *
 * Contents: nobody sees what an earlier owner left.  Claiming costs nothing;
 * the scrub comes with the first mapping or typing.  LINKS alone are never
 * scrubbed: pt.c writes a slot before it reads it, and nobody else looks.
 */
#include "mem_priv.h"
#include "../cap/cap.h"

struct exo_frame *frames;
struct frame_priv *frames_priv;
u64 frames_count;
u64 *freemap;

void
frame_take(exo_pfn pfn, exo_pfn account, exo_guardref guard)
{
	must(freemap_take(pfn));
	frame_taken(pfn, account, guard, guard ? guard_at(guard)->serial : 0);
}

/* What a typed frame was to others ends with it. */
static void
frame_untype(exo_pfn pfn) REQUIRES(mem_lock)
{
	const struct frame_priv *priv = &frames_priv[pfn];

	switch (frames[pfn].kind) {
	case EXO_FRAME_RING:
	case EXO_FRAME_UAREA:
	case EXO_FRAME_ACT:
		frames_priv[priv->aux].used--;
		break;
	case EXO_FRAME_ROOT:
		frames_priv[priv->env].used--;
		break;
	case EXO_FRAME_ACCOUNT:
		account_close(pfn);
		break;
	case EXO_FRAME_GUARD:
		guards_end(pfn);
		break;
	}
}

void
frame_free(exo_pfn pfn)
{
	const struct exo_frame *frame = &frames[pfn];

	must(frame->account != 0 && frame->nmaps == 0 && frame->pins == 0);
	if (frame->kind != EXO_FRAME_DATA)
		frame_untype(pfn);
	frame_drop(pfn);
}

void
frame_reopen(exo_pfn pfn)
{
	must(frames[pfn].kind == EXO_FRAME_LOST && frames[pfn].account == 0);
	frames[pfn].kind = EXO_FRAME_FREE;
	freemap_give(pfn);
}

void
frame_scrub(exo_pfn pfn)
{
	if (!(frames[pfn].flags & EXO_FRAME_DIRTY))
		return;
	memset(frame_ptr(pfn), 0, EXO_PAGE_BYTES);
	frames[pfn].flags &= (u8)~EXO_FRAME_DIRTY;
}

void
frame_keep(exo_pfn pfn)
{
	frames[pfn].flags &= (u8)~EXO_FRAME_DIRTY;
}

/* PUBLIC and HEIR were said of the data: they do not carry over.  Watchers lose the frame. */
void
frame_type(exo_pfn pfn, enum exo_frame_kind kind, u32 aux)
{
	struct exo_frame *frame = &frames[pfn];

	must(frame->kind == EXO_FRAME_DATA && frame->pins == 0);
	must(frame->nmaps == 0 || kind == EXO_FRAME_UAREA);
	if (kind == EXO_FRAME_UAREA)
		frame_scrub(pfn);
	else if (kind != EXO_FRAME_LINKS)
		memset(frame_ptr(pfn), 0, EXO_PAGE_BYTES);
	account_of(frame->account)->fixed -= frame_fixed(pfn);
	frame->kind = (u8)kind;
	frame->flags &= EXO_FRAME_FIXED;
	frame->generation++;
	account_of(frame->account)->fixed += frame_fixed(pfn);
	frames_priv[pfn].aux = aux;
	if (kind == EXO_FRAME_RING || kind == EXO_FRAME_UAREA || kind == EXO_FRAME_ACT)
		frames_priv[aux].used++;
}

/*
 * Contents stay, and bindings, and a request; the old owner's guard does not,
 * nor its guarantee, nor do those who watch under it: what the heir writes
 * there is its own.
 */
void
frame_pass(exo_pfn pfn, exo_pfn heir)
{
	struct exo_frame *frame = &frames[pfn];

	must(frame->kind == EXO_FRAME_DATA);
	account_unlink(pfn);
	account_unlinked(frame->account, frame_fixed(pfn));
	frame->flags &= (u8)~(EXO_FRAME_PUBLIC | EXO_FRAME_FIXED);
	frame->generation++;
	frame->guard = 0;
	frame->guard_serial = 0;
	account_link(pfn, heir);
	if (frame->flags & EXO_FRAME_ASKED)
		repossess_tell(heir, pfn, frames_priv[pfn].deadline);
}

int
frame_usable(exo_pfn pfn, exo_pfn account)
{
	const struct exo_frame *frame = frame_at(pfn);

	if (frame == NULL)
		return -EXO_ERANGE;
	if (frame->kind != EXO_FRAME_DATA)
		return -EXO_EKIND;
	if (frame->account != account)
		return -EXO_EOWNER;
	return frame->nmaps || frame->pins || (frame->flags & EXO_FRAME_ASKED) ? -EXO_EBUSY : 0;
}

int
frame_typeable(const struct env *self, exo_slot key, exo_pfn pfn)
{
	const struct exo_frame *frame = &frames[pfn];

	return guard_live(frame->guard, frame->guard_serial) ?
		frame_allows(self, key, pfn, EXO_C) : 0;
}

int
frame_usable_by(const struct env *self, exo_slot key, exo_pfn pfn, exo_pfn account)
{
	int error = frame_usable(pfn, account);

	return error ? error : frame_typeable(self, key, pfn);
}

int
frame_usable_uarea(exo_pfn pfn, exo_pfn account)
{
	int error = frame_usable(pfn, account);
	binding_t at;

	if (error != -EXO_EBUSY || frames[pfn].nmaps != 1 || frames[pfn].pins)
		return error;
	if (frames[pfn].flags & EXO_FRAME_ASKED)
		return error;
	at = frames_priv[pfn].first;
	if (frames[BINDING_TABLE(at)].account != account)
		return error;
	return ((u64 *)frame_ptr(BINDING_TABLE(at)))[BINDING_INDEX(at)] & PTE_NX ? 0 : error;
}

bool
frame_guard_opens(const struct env *self, exo_slot key, exo_pfn pfn, u32 rights)
{
	const struct exo_frame *frame = &frames[pfn];

	if (grant_is(&self->guard_grant, key, frame->guard_serial, rights)) {
		debug_must(guard_test(self, key, frame->guard, frame->guard_serial, rights) == 0);
		return true;
	}
	if (guard_test(self, key, frame->guard, frame->guard_serial, rights))
		return false;
	grant_note(&self->guard_grant, key, frame->guard_serial, rights);
	return true;
}
