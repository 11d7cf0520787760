/* SPDX-License-Identifier: ISC */
/*
 * The call `map`: pages that are copied, what is bound let go of, and elements
 * that are a run of pages in one page table.
 *
 * A run stops where the work is used up or a page is refused; what was done
 * stays done, and who asks again passes it quickly: pages that are absent, or
 * are what they shall be.  So it ends, though an entry is shorter than a table
 * full of pages to be released.
 */
#include "map.h"
#include "../cap/cap.h"

#define RUN(op) ((op) >> EXO_MAP_RUN_SHIFT)
#define RUN_BITS EXO_MAP_RUN(~0u)

int
map_copy(struct mapper *map, const struct exo_map *e, u64 *entry, binding_t at)
{
	const void *from = page_seen(map->self, e->va);
	int error = may_claim(map, e->pfn, e->key);

	if (error == 0 && from == NULL)
		error = -EXO_EABSENT;
	if (error == 0)
		error = claim(map, e);
	if (error)
		return error;

	memcpy(frame_ptr(e->pfn), from, EXO_PAGE_BYTES);
	frame_keep(e->pfn);
	map->work.left -= WEIGHT_SCRUB;
	rebind(map, e->va, entry, at, pte_flags(e->op) | e->pfn << EXO_PAGE_SHIFT);
	return 1;
}

/* 0, or why the frame bound there is not to be released. */
static int
may_release(const struct mapper *map, exo_pfn pfn, exo_slot key) REQUIRES(mem_lock)
{
	if (frames[pfn].kind != EXO_FRAME_DATA)
		return -EXO_EKIND;
	if (frames[pfn].pins)
		return -EXO_EBUSY;
	return frame_allows(map->self, key, pfn, EXO_C);
}

int
map_release(struct mapper *map, const struct exo_map *e, u64 *entry, u64 va)
{
	const binding_t at = BINDING(map->walk->table, pt_index(va, 1));
	const exo_pfn pfn = PTE_PFN(*entry);
	int error = may_release(map, pfn, e->key);

	if (error)
		return error;
	while (map->work.left > 0) {		/* bound: bindings, as far as the work goes */
		map->work.left -= WEIGHT_UNBIND;
		if (release_step(pfn, at, &map->work)) {
			changed(map, va);
			return 1;
		}
	}
	return 0;
}

int
map_unbind_run(struct mapper *map, const struct exo_map *e)
{
	const unsigned first = pt_index(e->va, 1), end = first + 1 + RUN(e->op);
	const int weight = WEIGHT_RUN + (e->op & EXO_MAP_RELEASE ? WEIGHT_LOOK : 0);
	int result = 1;

	if ((e->op & ~(EXO_OP_MASK | EXO_MAP_RELEASE | RUN_BITS)) != 0 || end > PT_ENTRIES)
		return -EXO_EARG;
	if (!covered(map, e->va))
		return 1;
	for (unsigned at = first, next; at < end && result == 1; at++) {
		u64 *entries = map->walk->entries, va;

		if (map->work.left <= 0)
			return 0;
		next = entries[at] & PTE_PRESENT ? at : pt_next(entries, at, end);
		map->work.left -= weight + (int)(next - at) * WEIGHT_SKIP;
		at = next;
		if (at == end)
			return 1;
		if (!walk_mutable(map->walk, map->env))
			return -EXO_ERIGHTS;
		va = e->va + (at - first) * EXO_PAGE_BYTES;
		result = unbind_page(map, e, &entries[at], va);
		work_asked(&map->work);
	}
	return result;
}

/* The rights that one page of this account's got are another's, too: no entry of the kernel ends in between. */
static inline bool
like_before(u64 pte, exo_pfn account) REQUIRES(mem_lock)
{
	const struct exo_frame *frame = &frames[PTE_PFN(pte)];

	return !(pte & PTE_IO) && frame->account == account && frame->kind == EXO_FRAME_DATA &&
		!(frame->flags & EXO_FRAME_COW);
}

/* Asked for anew.  *account: whose frames need no more asking; 0: nobody's. */
static __attribute__((noinline)) int
protect_ask(struct mapper *map, const struct exo_map *e, u64 *entry, u64 va, exo_pfn *account)
	REQUIRES(mem_lock)
{
	const exo_pfn pfn = PTE_PFN(*entry);
	const bool io = *entry & PTE_IO;
	int error;

	map->work.left -= WEIGHT_LOOK;
	error = protect_page(map, e, entry, va, pte_flags(e->op), PTE_KEPT);
	work_asked(&map->work);
	if (error > 0 && !io &&
		grant_holds(map->self, e->key, frames[pfn].account, EXO_R | (e->op & EXO_W)))
		*account = frames[pfn].account;
	return error;
}

/* Those that are as they shall be are passed. */
static int
protect_pages(struct mapper *map, const struct exo_map *e, u64 *entry, const u64 *end)
	REQUIRES(mem_lock)
{
	const u64 flags = pte_flags(e->op);
	exo_pfn account = 0;
	u64 va = e->va;
	int error;

	for (; entry < end; entry++, va += EXO_PAGE_BYTES) {
		const u64 pte = *entry;

		if (map->work.left <= 0)
			return 0;
		map->work.left -= WEIGHT_PASS;
		if (((pte ^ flags) & ~PTE_KEPT) == 0)
			continue;
		if (!(pte & PTE_PRESENT))
			return -EXO_EABSENT;
		map->work.left -= WEIGHT_RUN;
		if ((flags & PTE_WRITE || pte & ~flags & PTE_NX) && !like_before(pte, account)) {
			error = protect_ask(map, e, entry, va, &account);
			if (error < 0)
				return error;
		} else {
			entry_change(entry, PTE_KEPT, flags);
			changed(map, va);
		}
	}
	return 1;
}

int
map_protect_run(struct mapper *map, const struct exo_map *e)
{
	const unsigned first = pt_index(e->va, 1), end = first + 1 + RUN(e->op);
	u64 *entries;

	if (!flags_make_sense(e->op & ~RUN_BITS, BITS_MAP) || end > PT_ENTRIES)
		return -EXO_EARG;
	if (!covered(map, e->va))
		return -EXO_ENOTABLE;
	if (!walk_mutable(map->walk, map->env))
		return -EXO_ERIGHTS;
	entries = map->walk->entries;
	return protect_pages(map, e, entries + first, entries + end);
}
