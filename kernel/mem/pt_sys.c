/* SPDX-License-Identifier: ISC */
/* Calls on page tables: entering and removing them, and cloning ranges of them for fork. */
#include "mem_priv.h"
#include "../cap/cap.h"
#include <kernel/syscalls.h>

#define WHERE_VA(where) ((where) & ~(EXO_PAGE_BYTES - 1))
#define WHERE_LEVEL(where) ((unsigned)((where) & EXO_PT_LEVEL))

/* The place that `where` names: an entry of a table one level up.  0 or an error. */
static int
place_find(const struct env *env, u64 where, u64 flags, struct walk *walk) REQUIRES(mem_lock)
{
	if (((where & (EXO_PAGE_BYTES - 1)) & ~(EXO_PT_LEVEL | EXO_PT_WRITE)) != 0)
		return -EXO_EALIGN;
	if (WHERE_LEVEL(where) == 0 || ((where & EXO_PT_WRITE) & ~flags) != 0)
		return -EXO_EARG;
	if (where >= EXO_USER_TOP)
		return -EXO_ERANGE;
	if (!pt_walk(walk, env->root, WHERE_VA(where), WHERE_LEVEL(where) + 1))
		return -EXO_ENOTABLE;
	return walk_mutable(walk, env) ? 0 : -EXO_ERIGHTS;
}

static binding_t
place_binding(const struct walk *walk, u64 where)
{
	return BINDING(walk->table, pt_index(where, WHERE_LEVEL(where) + 1));
}

static bool
place_filled(const struct walk *walk, u64 where)
{
	return walk->entries[pt_index(where, WHERE_LEVEL(where) + 1)] & PTE_PRESENT;
}

/* An existing table of the right level, with the same rights as for mapping a frame. */
static int
may_share(struct env *self, u64 where, exo_pfn table, exo_slot key) REQUIRES(mem_lock)
{
	const struct exo_frame *frame = frame_at(table);

	if (frame == NULL)
		return -EXO_ERANGE;
	if (frame->kind != EXO_FRAME_PT1 + WHERE_LEVEL(where) - 1)
		return -EXO_EKIND;
	if (frame->flags & EXO_FRAME_ASKED)
		return -EXO_EBUSY;
	if (where & EXO_PT_WRITE)
		return frame_allows(self, key, table, EXO_R | EXO_W);
	return frame->flags & EXO_FRAME_PUBLIC ? 0 : frame_allows(self, key, table, EXO_R);
}

static int
install(struct env *self, struct env *env, u64 where, exo_pfn table, exo_pfn links, exo_slot key)
	REQUIRES(mem_lock)
{
	struct walk walk;
	int error = place_find(env, where, EXO_PT_WRITE, &walk);

	if (error)
		return error;
	if (place_filled(&walk, where))
		return -EXO_ETAKEN;
	error = links ? pt_makeable(self, key, env->account, table, links)
		      : may_share(self, where, table, key);
	if (error)
		return error;

	if (links)
		pt_attach(place_binding(&walk, where), WHERE_LEVEL(where), table, links,
			where & EXO_PT_WRITE);
	else
		binding_insert(place_binding(&walk, where), table,
			PTE_PRESENT | PTE_USER | (where & EXO_PT_WRITE ? PTE_WRITE : 0));
	return 0;
}

i64
sys_pt_install(struct env *self, u64 env, u64 where, u64 pfn, u64 links, u64 k_env, u64 k_frame)
{
	struct env *target;
	int error;

	mem_enter();
	error = env_reach(self, env, (exo_slot)k_env, EXO_W, &target);
	if (error)
		return mem_leave(NULL, error);

	return mem_leave(NULL, install(self, target, where, pfn, links, (exo_slot)k_frame));
}

i64
sys_pt_remove(struct env *self, u64 env, u64 where, u64 k_env)
{
	struct work work = WORK_INIT;
	struct env *target;
	struct walk walk;
	int error;

	mem_enter();
	error = env_reach(self, env, (exo_slot)k_env, EXO_W, &target);
	if (error == 0)
		error = place_find(target, where, 0, &walk);
	if (error == 0 && !place_filled(&walk, where))
		error = -EXO_EABSENT;
	if (error)
		return mem_leave(&work, error);

	binding_remove(place_binding(&walk, where));
	work.flush_all = target == self || walk.shared;
	work.anywhere = walk.shared;
	work.space = target->root;
	work.flushed++;
	return mem_leave(&work, 0);
}

/* ---- fork ------------------------------------------------------------------------- */

struct clone {
	struct env *self, *child;
	struct walk from, to;		/* tables of the 2 MiB at `region` */
	u64 region;			/* va >> 21, ~0: none yet */
	bool from_there, to_there;
};

static void
clone_region(struct clone *clone, u64 va) REQUIRES(mem_lock)
{
	if (clone->region == va >> pt_shift(2))
		return;
	clone->region = va >> pt_shift(2);
	clone->from_there = pt_walk(&clone->from, clone->self->root, va, 1);
	clone->to_there = clone->from_there && pt_walk(&clone->to, clone->child->root, va, 1);
}

/* Device memory is not inherited, nor what is being taken; and a u-area is one environment's alone. */
static bool
inherited(u64 pte) REQUIRES(mem_lock)
{
	return !(pte & PTE_IO) && frames[PTE_PFN(pte)].kind != EXO_FRAME_UAREA &&
		frames[PTE_PFN(pte)].kind != EXO_FRAME_LOST;
}

/*
 * The caller's entry is the proof of the right, as far as it goes: it is
 * writable only if every entry on the way to it is.
 */
static int
clone_page(struct clone *clone, u64 va, struct work *work) REQUIRES(mem_lock)
{
	unsigned index = pt_index(va, 1);
	u64 pte = clone->from.entries[index];
	struct exo_frame *frame = &frames[PTE_PFN(pte)];
	bool writable = (pte & PTE_WRITE) && clone->from.write;
	bool cow = writable && !(pte & PTE_SOFT(EXO_MAP_SHARED));
	u64 child = pte & (PTE_PRESENT | PTE_USER | PTE_NX | PTE_SOFT_MASK);

	if (!inherited(pte))
		return 0;
	if (!clone->to_there)
		return -EXO_ENOTABLE;
	if (!walk_mutable(&clone->to, clone->child))
		return -EXO_ERIGHTS;
	if (clone->to.entries[index] & PTE_PRESENT)
		return -EXO_ETAKEN;

	child |= cow ? PTE_SOFT(EXO_MAP_COW) : writable ? PTE_WRITE : 0;
	page_insert(&clone->to.entries[index], BINDING(clone->to.table, index), PTE_PFN(pte),
		child | (pte & PTE_ADDRESS));
	if (cow) {
		entry_change(&clone->from.entries[index], ~PTE_WRITE, PTE_SOFT(EXO_MAP_COW));
		if (clone->from.shared)
			work_flush_anywhere(work);
		else
			work_flush_va(work, va);
	}
	/* Whatever the parent owns here must outlive it in the child, and change for neither by the other. */
	if (frame->account == clone->self->account && frame->kind == EXO_FRAME_DATA)
		frame->flags |= EXO_FRAME_HEIR | (cow ? EXO_FRAME_COW : 0);
	return 0;
}

/* Pages from va to the end of what the absent entry would have covered. */
static u64
gap_pages(const struct walk *walk, u64 va)
{
	u64 bytes = 1ull << pt_shift(walk->gap);

	return (bytes - (va & (bytes - 1))) >> EXO_PAGE_SHIFT;
}

/* How many pages were dealt with, or an error about the first. */
static i64
clone_range(struct clone *clone, u64 va, u64 count, struct work *work) REQUIRES(mem_lock)
{
	u64 done = 0, step;
	int error;

	while (done < count && work->left > 0) {
		u64 at = va + done * EXO_PAGE_BYTES;
		unsigned index = pt_index(at, 1);

		clone_region(clone, at);
		if (!clone->from_there) {
			step = gap_pages(&clone->from, at);
			work->left -= WEIGHT_ELEMENT;
		} else if (!(clone->from.entries[index] & PTE_PRESENT)) {
			step = pt_next(clone->from.entries, index, PT_ENTRIES) - index;
			work->left -= WEIGHT_LOOK + (int)step * WEIGHT_SKIP;
		} else {
			error = clone_page(clone, at, work);
			if (error)
				return done ? (i64)done : error;
			step = 1;
			work->left -= WEIGHT_CLONE;
		}
		done += step < count - done ? step : count - done;
	}
	return (i64)done;
}

i64
sys_pt_clone(struct env *self, u64 env, u64 va, u64 count, u64 k_env)
{
	struct work work = WORK_INIT;
	struct clone clone = { .self = self, .region = ~0ull };
	int error;

	if (va % EXO_PAGE_BYTES != 0)
		return -EXO_EALIGN;
	if (va >= EXO_USER_TOP || count > (EXO_USER_TOP - va) >> EXO_PAGE_SHIFT)
		return -EXO_ERANGE;
	if (count == 0)
		return -EXO_EARG;
	work.space = self->root;
	mem_enter();
	error = env_reach(self, env, (exo_slot)k_env, EXO_W, &clone.child);
	if (error)
		return mem_leave(&work, error);

	return mem_leave(&work, clone_range(&clone, va, count, &work));
}
