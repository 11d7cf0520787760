/* SPDX-License-Identifier: ISC */
/*
 * Invariants of memory.  One pass over the frames checks each entry, its
 * account's ring and its list of bindings; a count of all bindings, from both
 * ends, then shows that no page-table entry was forgotten: the lists hold
 * distinct entries that exist, and there are as many as there are entries.
 */
#include "mem_priv.h"
#include "../cap/cap.h"

static bool
is_table(exo_pfn pfn) REQUIRES(mem_lock)
{
	return frames[pfn].kind >= EXO_FRAME_PT1 && frames[pfn].kind <= EXO_FRAME_ROOT;
}

/* A free frame is bound nowhere, owned by nobody, guarded by nothing, and in the free map. */
static void
check_free(exo_pfn pfn) REQUIRES(mem_lock)
{
	const struct exo_frame *frame = &frames[pfn];
	bool is_free = frame->kind == EXO_FRAME_FREE;

	must(is_free == (freemap[pfn / 64] >> pfn % 64 & 1));
	if (!is_free)
		return;
	must(frame->account == 0 && frame->nmaps == 0 && frame->pins == 0 && frame->guard == 0);
	must((frame->flags & ~EXO_FRAME_DIRTY) == 0 && frame->tag == 0 &&
		frames_priv[pfn].first == 0);
}

/* What belongs to the machine has no owner; everything else in use belongs to an account, whose ring it is in. */
static void
check_owner(exo_pfn pfn) REQUIRES(mem_lock)
{
	const struct exo_frame *frame = &frames[pfn];
	const struct frame_priv *priv = &frames_priv[pfn];
	bool owned = frame->kind != EXO_FRAME_FREE && frame->kind != EXO_FRAME_KERNEL &&
		frame->kind != EXO_FRAME_ABSENT && frame->kind != EXO_FRAME_TRACE;

	if (frame->kind == EXO_FRAME_LOST && frame->account == 0)
		owned = false;		/* let go of, and not yet taken */
	must(owned == (frame->account != 0));
	if (!owned)
		return;
	must(account_at(frame->account) != NULL);
	must(frames[priv->next].account == frame->account && frames_priv[priv->next].prev == pfn);
	must(frames[priv->prev].account == frame->account && frames_priv[priv->prev].next == pfn);
}

/* Only what may be mapped or shared is bound; DATA and tables by the level above, the rest as a page. */
static void
check_kind(exo_pfn pfn) REQUIRES(mem_lock)
{
	const struct exo_frame *frame = &frames[pfn];

	if (frame->nmaps > 0)
		must(frame->kind == EXO_FRAME_DATA || frame->kind == EXO_FRAME_UAREA ||
			frame->kind == EXO_FRAME_GUARD || frame->kind == EXO_FRAME_ACCOUNT ||
			frame->kind == EXO_FRAME_TRACE ||
			(frame->kind == EXO_FRAME_LOST && frame->account != 0) ||
			(is_table(pfn) && frame->kind != EXO_FRAME_ROOT));
	must(!(frame->flags & EXO_FRAME_HEIR) || frame->kind == EXO_FRAME_DATA);
	must(!(frame->flags & EXO_FRAME_COW) || frame->kind == EXO_FRAME_DATA);
	must(!(frame->flags & EXO_FRAME_ASKED) || frame->kind == EXO_FRAME_DATA ||
		frame->kind == EXO_FRAME_LOST ||
		(is_table(pfn) && frame->kind != EXO_FRAME_ROOT));
	must((frame->nmaps == 0) == (frames_priv[pfn].first == 0));
}

/* A frame's list holds exactly nmaps entries, each present, at the level that fits, and naming the frame. */
static void
check_bindings(exo_pfn pfn) REQUIRES(mem_lock)
{
	unsigned level = is_table(pfn) ? frames[pfn].kind - EXO_FRAME_PT1 + 2u : 1;
	binding_t previous = 0, next, at = frames_priv[pfn].first;
	const u64 *entries;

	for (u32 n = 0; n < frames[pfn].nmaps; n++) {
		exo_pfn table = BINDING_TABLE(at);

		must(table < frames_count && frames[table].kind == EXO_FRAME_PT1 + level - 1);
		entries = frame_ptr(table);
		must(entries[BINDING_INDEX(at)] & PTE_PRESENT);
		must(!(entries[BINDING_INDEX(at)] & PTE_IO));
		must(PTE_PFN(entries[BINDING_INDEX(at)]) == pfn);
		next = binding_next(pfn, at, previous);
		previous = at;
		at = next;
	}
	must(at == 0);
}

/* A table's `used` is the number of its present entries; its companions are LINKS of its own account and name it. */
static u64
check_table(exo_pfn pfn) REQUIRES(mem_lock)
{
	const u64 *entries = frame_ptr(pfn);
	unsigned end = frames[pfn].kind == EXO_FRAME_ROOT ? PT_ENTRIES / 2 : PT_ENTRIES;
	u64 used = 0, mapped = 0;

	for (unsigned n = 0; n < end; n++) {
		used += (entries[n] & PTE_PRESENT) != 0;
		mapped += (entries[n] & PTE_PRESENT) && !(entries[n] & PTE_IO);
	}
	must(used == frames_priv[pfn].used);
	for (exo_pfn links = frames_priv[pfn].aux; links <= frames_priv[pfn].aux + 1; links++)
		must(frames[links].kind == EXO_FRAME_LINKS && frames_priv[links].aux == pfn &&
			frames[links].account == frames[pfn].account);
	return mapped;
}

/* A u-area is never executable. */
static void
check_uarea(exo_pfn pfn) REQUIRES(mem_lock)
{
	binding_t at = frames_priv[pfn].first;

	if (frames[pfn].nmaps == 1)
		must(((const u64 *)frame_ptr(BINDING_TABLE(at)))[BINDING_INDEX(at)] & PTE_NX);
}

/*
 * `used` is the number of frames owned, `fixed` of those that cannot be taken,
 * `children` and `carved` what its accounts have.  Who owes has no limit left
 * that it does not use.
 */
static void
check_account(exo_pfn pfn) REQUIRES(mem_lock)
{
	const struct account *account = account_of(pfn), *child;
	u64 used = 0, carved = 0, fixed = 0;
	u32 children = 0;
	exo_pfn at = account->head;

	for (; used < account->used; used++, at = frames_priv[at].next) {
		must(at != 0 && frames[at].account == pfn && (used == 0 || at != account->head));
		fixed += frame_fixed(at);
		child = account_at(at);
		if (child == NULL || at == pfn)
			continue;
		must(child->parent == pfn && child->depth == account->depth + 1);
		carved += child->limit + child->carved;
		children++;
	}
	must(at == account->head && fixed == account->fixed);
	must(account->debt == 0 ? account->debt_deadline == 0 : account->limit <= account->used);
	must(carved == account->carved && children == account->children);
}

/* Frames that go with an environment name an ENV frame. */
static bool
check_follower(exo_pfn pfn) REQUIRES(mem_lock)
{
	const struct frame_priv *priv = &frames_priv[pfn];
	u32 env;

	switch (frames[pfn].kind) {
	case EXO_FRAME_ROOT:
		env = priv->env;
		break;
	case EXO_FRAME_RING:
	case EXO_FRAME_UAREA:
	case EXO_FRAME_ACT:
		env = priv->aux;
		break;
	default:
		return false;
	}
	must(env < frames_count && frames[env].kind == EXO_FRAME_ENV);
	return true;
}

static u64
check_frame(exo_pfn pfn) REQUIRES(mem_lock)
{
	check_free(pfn);
	check_owner(pfn);
	check_kind(pfn);
	check_bindings(pfn);
	if (is_table(pfn))
		return check_table(pfn);
	if (frames[pfn].kind == EXO_FRAME_UAREA)
		check_uarea(pfn);
	if (frames[pfn].kind == EXO_FRAME_ACCOUNT)
		check_account(pfn);
	return 0;
}

void
mem_check(void)
{
	u64 entries = 0, bindings = 0, unused = 0, followers = 0, followed = 0;

	mem_enter();
	for (exo_pfn pfn = 0; pfn < frames_count; pfn++) {
		entries += check_frame(pfn);
		bindings += frames[pfn].nmaps;
		unused += frames[pfn].kind == EXO_FRAME_FREE;
		followers += check_follower(pfn);
		followed += frames[pfn].kind == EXO_FRAME_ENV ? frames_priv[pfn].used : 0;
	}
	must(entries == bindings);
	must(unused == info->free_frames);
	must(followers == followed);
	mem_leave(NULL, 0);
}
