/* SPDX-License-Identifier: ISC */
/* The call `map`, between map_sys.c (vectors, bindings made) and map_change.c (changed, and broken). */
#ifndef KERNEL_MAP_H
#define KERNEL_MAP_H

#include "mem_priv.h"

#define BITS_MAP (EXO_OP_MASK | EXO_MAP_READ | EXO_MAP_WRITE | EXO_MAP_EXEC | EXO_MAP_SOFT)

struct mapper {
	struct env *self, *env;
	struct walk *walk;		/* env's last one: after covered(), to the table that it found */
	bool loaded;			/* env's address space is, which needs flushing then */
	struct work work;
};

/* Is there a table for va? */
static inline bool
covered(const struct mapper *map, u64 va) REQUIRES(mem_lock)
{
	return pt_walk_page(map->env, va);
}

/* What was bound at va has changed.  An address space that is not loaded needs nothing here. */
static inline void
changed(struct mapper *map, u64 va)
{
	if (map->walk->shared)
		return work_flush_anywhere(&map->work);
	if (map->loaded)
		return work_flush_va(&map->work, va);
	map->work.flushed++;
}

_Static_assert(PTE_WRITE == EXO_MAP_WRITE, "the same bit");

/*
 * A hidden page is the kernel's in the hardware's eyes: all else about the
 * binding stays.  Nothing of the kernel goes there: copy_from_user asks.
 */
static inline u64
pte_flags(u32 op)
{
	return PTE_PRESENT | PTE_SOFT(op) | (op & EXO_MAP_WRITE) |
		(PTE_USER ^ (op & EXO_MAP_HIDDEN) / 2) | (op & EXO_MAP_EXEC ? 0 : PTE_NX);
}
_Static_assert(EXO_MAP_HIDDEN == PTE_USER * 2, "the bit above");

/* Bits that this operation knows, or HIDDEN and what goes with it? */
static inline bool
flags_make_sense(u32 op, u32 known)
{
	return likely((op & ~known) == 0) ||
		((op & ~known) == EXO_MAP_HIDDEN && !(op & (EXO_MAP_WRITE | EXO_MAP_EXEC)));
}

/* Most frames are their account's, which has been asked about before. */
static inline int
may_map(struct mapper *map, exo_pfn pfn, u32 op, exo_slot key) REQUIRES(mem_lock)
{
	const struct exo_frame *frame = &frames[pfn];

	if (likely(pfn < frames_count && frame->kind == EXO_FRAME_DATA &&
		    grant_holds(map->self, key, frame->account, EXO_R | (op & EXO_MAP_WRITE))))
		return 0;
	map->work.left -= WEIGHT_LOOK;
	return may_map_ask(map->self, map->env, pfn, op, key);
}
_Static_assert(EXO_W == EXO_MAP_WRITE, "the same bit");

/*
 * A page that was cloned is each one's own to those who have it, so that who
 * happens to own the frame, by claiming or as an heir, must not write to it
 * before the others are gone.  pte: what is bound at the place in hand.
 */
static inline int
may_write(exo_pfn pfn, u32 op, u64 pte) REQUIRES(mem_lock)
{
	bool here = (pte & PTE_PRESENT) && !(pte & PTE_IO) && PTE_PFN(pte) == pfn;

	if (!(op & EXO_MAP_WRITE) || !(frames[pfn].flags & EXO_FRAME_COW))
		return 0;
	return frames[pfn].nmaps > here ? -EXO_EBUSY : 0;
}

/* Its only binding can write to it, or will. */
static inline void
write_begun(exo_pfn pfn, u32 op) REQUIRES(mem_lock)
{
	if (op & EXO_MAP_WRITE)
		frames[pfn].flags &= (u8)~EXO_FRAME_COW;
}

static inline int
may_claim(const struct mapper *map, exo_pfn pfn, exo_slot key) REQUIRES(mem_lock)
{
	const struct exo_frame *frame = frame_at(pfn);
	exo_pfn account = map->env->account;
	int error;

	if (frame == NULL)
		return -EXO_ERANGE;
	if (frame->kind != EXO_FRAME_FREE)
		return frame->kind == EXO_FRAME_ABSENT || frame->kind == EXO_FRAME_KERNEL ?
			-EXO_EKIND : -EXO_ETAKEN;
	error = account_allows(map->self, key, account, EXO_A);
	return error ? error : account_room(account_of(account), 1);
}

/* The frame has been checked.  What is bound there already, unless it is the same, goes. */
static inline __attribute__((always_inline)) void
rebind(struct mapper *map, u64 va, u64 *entry, binding_t at, u64 pte) REQUIRES(mem_lock)
{
	u64 old = *entry;

	if (old & PTE_PRESENT) {
		if (((old ^ pte) & (PTE_ADDRESS | PTE_IO)) == 0) {
			*entry = pte;
			changed(map, va);
			return;
		}
		entry_remove(entry, at);
		changed(map, va);
	}
	page_insert(entry, at, PTE_PFN(pte), pte);
}

/* A free frame becomes the account's: 0 or an error. */
static inline int
claim(struct mapper *map, const struct exo_map *e) REQUIRES(mem_lock)
{
	int error = may_claim(map, e->pfn, e->key);

	if (error == 0 && !freemap_take(e->pfn))
		error = -EXO_ETAKEN;	/* another CPU was quicker (local.c) */
	if (error)
		return error;

	frame_taken(e->pfn, map->env->account, 0, 0);
	frames[e->pfn].tag = (u8)(e->op >> EXO_MAP_TAG_SHIFT);
	return 0;
}

/* CLAIM with COPY: 1, or an error. */
int map_copy(struct mapper *map, const struct exo_map *e, u64 *entry, binding_t at)
	REQUIRES(mem_lock);

#define PTE_KEPT (PTE_ADDRESS | PTE_ACCESSED | PTE_DIRTY | PTE_IO | PTE_NOCACHE)

/*
 * Giving permissions up needs no key; adding one is authorised like a new
 * mapping.  Reading came with the binding and stays while it is hidden.
 */
static inline __attribute__((always_inline)) int
protect_page(struct mapper *map, const struct exo_map *e, u64 *entry, u64 va, u64 flags, u64 kept)
	REQUIRES(mem_lock)
{
	const u64 pte = *entry;
	const bool writes = (flags & PTE_WRITE) && !(pte & PTE_IO);
	const bool adds = (flags & ~pte & PTE_WRITE) || (pte & ~flags & PTE_NX);
	int error = 0;

	if (adds)
		error = pte & PTE_IO ? may_io(map->self, PTE_PFN(pte), e->key) :
			may_map(map, PTE_PFN(pte), e->op, e->key);
	if (error == 0 && writes)
		error = may_write(PTE_PFN(pte), e->op, pte);
	if (error)
		return error;

	if (writes)
		write_begun(PTE_PFN(pte), e->op);
	entry_change(entry, kept, flags);
	changed(map, va);
	return 1;
}

/* Of a frame that is the account's, bound there: 1, 0 when the work is used up (it is bound still), or an error. */
int map_release(struct mapper *map, const struct exo_map *e, u64 *entry, u64 va)
	REQUIRES(mem_lock);

/* The entry is a present one. */
static inline int
unbind_page(struct mapper *map, const struct exo_map *e, u64 *entry, u64 va) REQUIRES(mem_lock)
{
	if ((e->op & EXO_MAP_RELEASE) && !(*entry & PTE_IO) &&
		frames[PTE_PFN(*entry)].account == map->env->account)
		return map_release(map, e, entry, va);

	entry_remove(entry, BINDING(map->walk->table, pt_index(va, 1)));
	changed(map, va);
	return 1;
}

/*
 * Runs of pages (EXO_MAP_RUN): 1, or 0 when the work is used up, or an error,
 * and then some may be done.
 */
int map_protect_run(struct mapper *map, const struct exo_map *e) REQUIRES(mem_lock);
int map_unbind_run(struct mapper *map, const struct exo_map *e) REQUIRES(mem_lock);

#endif
