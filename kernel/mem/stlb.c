/* SPDX-License-Identifier: ISC */
/*
 * The software TLB (include/exo/stlb.h says what it is for).
 *
 * The array is the library's memory, so an entry is a request like an element
 * of a map vector, made at the time of the fault: by the environment itself,
 * with the key slot that the entry names.  Nothing is authorised earlier, and
 * what was offered is held by nothing: a frame that has changed hands since,
 * or was never written, has no entries.
 *
 * An entry that would not let the access through must not be done: the program
 * would fault on it for ever, and its library would never hear of it.
 */
#include "mem_priv.h"

#define TAG_FLAGS (EXO_PAGE_BYTES - 1)
#define TAG_KNOWN (EXO_MAP_READ | EXO_MAP_WRITE | EXO_MAP_EXEC | EXO_MAP_SOFT)

static bool
holds_entries(const struct env *env, exo_pfn pfn, unsigned which) REQUIRES(mem_lock)
{
	const struct exo_frame *frame = &frames[pfn];

	return frame->account == env->account && !(frame->flags & EXO_FRAME_DIRTY) &&
		frame->generation == env->stlb.generation[which];
}

/* The entry for a page as a map element; false: there is none. */
static bool
entry_read(const struct env *env, u64 va, struct exo_map *e) REQUIRES(mem_lock)
{
	u64 index = exo_stlb_index(va, env->stlb.frames), tag, target;
	unsigned which = (unsigned)(index / EXO_STLB_ENTRIES);
	const volatile struct exo_stlb *entry;

	if (!holds_entries(env, env->stlb.pfn + which, which))
		return false;
	entry = frame_ptr(env->stlb.pfn + which);
	entry += index % EXO_STLB_ENTRIES;
	tag = entry->tag;
	target = entry->target;
	if (((tag ^ va) & ~TAG_FLAGS) != 0 || (tag & TAG_FLAGS & ~(u64)TAG_KNOWN) != 0)
		return false;
	/* Changed in between, the target may be another page's. */
	if (!(tag & EXO_MAP_READ) || entry->tag != tag)
		return false;
	*e = (struct exo_map){ .va = va & ~TAG_FLAGS, .pfn = target & EXO_STLB_PFN,
		.op = EXO_OP_MAP | (u32)(tag & TAG_FLAGS),
		.key = (exo_slot)(target >> EXO_STLB_KEY_SHIFT) };
	return true;
}

static bool
lets_through(const struct exo_map *e, u64 fault)
{
	return (!(fault & FAULT_WRITE) || (e->op & EXO_MAP_WRITE)) &&
		(!(fault & FAULT_FETCH) || (e->op & EXO_MAP_EXEC));
}

/* True: bound, or nearly: the same fault comes again. */
static bool
bind(struct env *self, const struct exo_map *e, bool write, struct work *work)
	REQUIRES(env_lock, mem_lock)
{
	int result = map_one(self, e, write, work);

	if (result != -EXO_ENOTABLE)
		return result == 1;
	switch (pool_refill(self, e->va, work)) {
	case REFILL_DONE:
		return map_one(self, e, write, work) == 1;
	case REFILL_AGAIN:
		return true;
	default:
		return false;
	}
}

bool
stlb_fault(struct env *self, u64 addr, u64 fault)
{
	const u64 known = FAULT_PRESENT | FAULT_WRITE | FAULT_USER | FAULT_FETCH;
	struct work work = WORK_INIT;
	struct exo_map e;
	bool done = false;

	if (addr >= EXO_USER_TOP || (fault & ~known) != 0 || !(fault & FAULT_USER))
		return false;
	work.space = self->root;
	mem_enter();
	if (self->stlb.frames != 0 && entry_read(self, addr, &e) && lets_through(&e, fault))
		done = bind(self, &e, fault & FAULT_WRITE, &work);
	return mem_leave(&work, done);
}
