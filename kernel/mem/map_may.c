/* SPDX-License-Identifier: ISC */
/* Who may bind which frame, and how. */
#include "mem_priv.h"
#include "../cap/cap.h"

/* A key that allows execution alone is enough to map for that, reading included: the page-table format knows no less. */
static int
frame_opens(const struct env *self, exo_slot key, exo_pfn pfn, u32 op) REQUIRES(mem_lock)
{
	u32 write = op & EXO_MAP_WRITE ? EXO_W : 0;
	int error = frame_allows(self, key, pfn, EXO_R | write);

	if (error && error != -EXO_EKEY && (op & EXO_MAP_EXEC))
		return frame_allows(self, key, pfn, EXO_X | write);
	return error;
}

/* The trace rings belong to nobody: a reserved name opens them. */
static int
may_trace(const struct env *self, exo_slot key) REQUIRES(mem_lock)
{
	const struct exo_key name = { .len = 1, .rights = EXO_R, .name = { EXO_NAME_TRACE } };

	return name_allows(self, key, &name);
}

/* What the kernel keeps in frames is seen read-only or not at all; a u-area by its own account. */
static int
may_map_kind(const struct env *env, exo_pfn pfn, u32 op) REQUIRES(mem_lock)
{
	const struct exo_frame *frame = &frames[pfn];

	switch (frame->kind) {
	case EXO_FRAME_DATA:
		return 0;
	case EXO_FRAME_UAREA:
		return (op & EXO_MAP_EXEC) || frame->account != env->account ? -EXO_EKIND : 0;
	case EXO_FRAME_GUARD:
	case EXO_FRAME_ACCOUNT:
	case EXO_FRAME_TRACE:
		return op & (EXO_MAP_WRITE | EXO_MAP_EXEC) ? -EXO_EKIND : 0;
	default:
		return -EXO_EKIND;
	}
}

int
may_map_ask(const struct env *self, const struct env *env, exo_pfn pfn, u32 op, exo_slot key)
{
	int error;

	if (pfn >= frames_count)
		return -EXO_ERANGE;
	error = may_map_kind(env, pfn, op);
	if (error)
		return error;
	if (frames[pfn].kind == EXO_FRAME_TRACE)
		return may_trace(self, key);
	if ((frames[pfn].flags & EXO_FRAME_PUBLIC) && !(op & EXO_MAP_WRITE))
		return 0;
	return frame_opens(self, key, pfn, op);
}

const void *
page_seen(struct env *self, u64 va)
{
	u64 pte = 0;

	if (pt_walk_page(self, va))
		pte = self->recent.walk.entries[pt_index(va, 1)];
	if ((pte & (PTE_PRESENT | PTE_USER | PTE_IO)) != (PTE_PRESENT | PTE_USER))
		return NULL;
	return frame_ptr(PTE_PFN(pte));
}
