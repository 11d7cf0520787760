/* SPDX-License-Identifier: ISC */
/* The program's memory as the calls change it: regions and the pages behind them; vm.h has the layout. */
#include "vm.h"
#include "pack.h"
#include "rewrite.h"
#include "../arch/x86_64/arch.h"
#include "../core/frames.h"
#include "../core/self.h"
#include "../linux/errno.h"

#define BATCH 32u
#define TABLE_SPAN 0x200000ull

struct vm vm;

u32
prot_perms(u32 prot)
{
	if (prot == 0)
		return EXO_MAP_HIDDEN;
	return EXO_MAP_READ | (prot & PROT_WRITE ? EXO_MAP_WRITE : 0) |
		(prot & PROT_EXEC ? EXO_MAP_EXEC : 0);
}

u64
vm_random(u64 bytes)
{
	if (CRED->personality & PERSONA_NO_RANDOM)
		return 0;
	return PAGE_DOWN(random_word() & (bytes - 1));
}

void
vm_init(void)
{
	vm.stack_top = VM_HIGH - PAGE - vm_random(1ull << 34);
	vm.maps_top = VM_MAPS - vm_random(1ull << 36);
	vm.brk_start = vm.brk = 0;
	vm.lock_all = 0;
}

bool
vm_present(u64 va)
{
	return exo_pte_at(va, 2) & EXO_PTE_PRESENT && page_entry(va) & EXO_PTE_PRESENT;
}

/* ---- the list ---------------------------------------------------------------------------- */

/* Entries for the next change, which adds `more` in the end. */
static bool
room(unsigned more)
{
	struct regions *list = &vm.regions;
	unsigned entries = list->room ? list->room * 2 : 32;
	struct region *old = list->at, *at;

	if (more && list->count + more > VM_REGIONS_MAX)
		return false;
	if (regions_room(list))
		return true;
	at = xalloc(entries * sizeof(*at));
	if (at == NULL)
		return false;
	regions_move(list, at, entries);
	xfree(old);
	return true;
}

int
vm_unmap(u64 start, u64 end)
{
	const struct region *first = regions_find(&vm.regions, start);
	bool middle = first && first->start < start && first->end > end;
	const u64 from = start;

	if (!room(middle) && regions_splits(&vm.regions, start, end))
		return -ENOMEM;
	while (start < end) {
		struct region *r = regions_after(&vm.regions, start);
		u64 stop;
		u32 ino;
		int error;

		if (r == NULL || r->start >= end)
			break;
		start = r->start > start ? r->start : start;
		stop = r->end < end ? r->end : end;
		ino = r->ino;
		error = rewrite_change(r, start, stop, true);
		if (error)
			return error;
		regions_cut(&vm.regions, start, stop);
		page_unmap(start, (stop - start) / PAGE);
		pack_drop(start, stop);
		if (ino && !regions_use(&vm.regions, ino))
			fs_unhold(ino);
		start = stop;
	}
	tables_drop(from, end);
	return 0;
}

bool
vm_writes(u32 ino)
{
	for (unsigned n = 0; n < vm.regions.count; n++) {
		const struct region *r = regions_nth(&vm.regions, n);

		if (r->ino == ino &&
			(r->flags & (REGION_SHARED | REGION_READONLY)) == REGION_SHARED)
			return true;
	}
	return false;
}

int
vm_enter(const struct region *r)
{
	bool held = r->ino == 0 || regions_use(&vm.regions, r->ino);

	/* Linux, too, lets the last one pass. */
	if (vm.regions.count > VM_REGIONS_MAX || !room(0) || (!held && fs_hold(r->ino)))
		return -ENOMEM;
	regions_insert(&vm.regions, r);
	return 0;
}

void
vm_exec_reset(void)
{
	rewrite_reset();
	vm_unmap(0, VM_HIGH);
	vm_init();
}

void
vm_fork_child(void)
{
	for (unsigned n = 0; n < vm.regions.count;) {
		struct region *r = regions_nth(&vm.regions, n);

		r->flags &= ~REGION_LOCKED;
		if (r->flags & REGION_WIPEONFORK)
			pack_drop(r->start, r->end);
		if (!(r->flags & REGION_DONTFORK))
			n++;
		else
			vm_unmap(r->start, r->end);
	}
	vm.lock_all = 0;
}

/* ---- places -------------------------------------------------------------------------------- */

#define LOW_2G_FIRST 0x40000000ull
#define LOW_2G_END   0x80000000ull

static bool
fits(u64 va, u64 bytes, u64 end)
{
	const struct region *r;

	if (va < VM_LOW || bytes > end || va > end - bytes)
		return false;
	r = regions_after(&vm.regions, va);
	return r == NULL ||
		va + bytes + (r->flags & REGION_GROWSDOWN ? REGION_GUARD : 0) <= r->start;
}

int
vm_place(u64 hint, u64 bytes, u32 how, u64 *where)
{
	u64 end = how & VM_LOW_2G ? LOW_2G_END : VM_HIGH;

	*where = hint;
	if (bytes > VM_HIGH)
		return -ENOMEM;
	if (how & VM_FIXED) {
		if (hint > VM_HIGH - bytes || hint % PAGE)
			return hint % PAGE ? -EINVAL : -ENOMEM;
		if (hint < VM_LOW)
			return -EPERM;
		return vm_unmap(hint, hint + bytes);
	}
	*where = PAGE_DOWN(hint);
	if (*where && *where < VM_LOW)
		*where = VM_LOW;
	if (hint && fits(*where, bytes, end))
		return 0;
	if (how & VM_LOW_2G)
		*where = regions_gap(&vm.regions, bytes, LOW_2G_FIRST, LOW_2G_END);
	else
		*where = regions_gap(&vm.regions, bytes, VM_LOW, vm.maps_top);
	return *where ? 0 : -ENOMEM;
}

int
vm_map(u64 hint, u64 bytes, u32 how, struct region *r)
{
	int error = vm_place(hint, bytes, how, &r->start);

	r->end = r->start + bytes;
	return error ? error : vm_enter(r);
}

void
vm_set_brk(u64 start, u64 data_bytes)
{
	u64 shift = vm_random(1ull << 25);

	start = PAGE_UP(start);
	if (!regions_overlap(&vm.regions, start, start + shift + PAGE))
		start += shift;
	vm.brk_start = vm.brk = start;
	vm.data_bytes = data_bytes;
}

/* ---- changes of what is there --------------------------------------------------------------- */

/*
 * Pages that are there lose what they may no longer do, and those that are ours
 * alone gain what they may; others get that at the next fault.  One that cannot
 * be executed by its binding's right becomes readable, and is copied at the fault.
 */
static u32
present_perms(const struct region *r, u64 entry)
{
	const u32 perms = prot_perms(r->prot);

	if (r->flags & REGION_SHARED)
		return perms | EXO_MAP_SHARED;
	if (perms & EXO_MAP_WRITE && vm_owns(EXO_PTE_PFN(entry)))
		return perms;
	return (perms & ~EXO_MAP_WRITE) | EXO_MAP_COW;
}

/* A frame that was ours alone when we looked may be a child's, too, by now: each page of the run for itself. */
static void
protect_refused(const struct region *r, const struct exo_map *run)
{
	const u32 mark = r->flags & REGION_SHARED ? EXO_MAP_SHARED : EXO_MAP_COW;
	const u32 op = run->op & (EXO_MAP_RUN(1) - 1);

	for (u64 left = run->op >> EXO_MAP_RUN_SHIFT, va = run->va;; left--, va += PAGE) {
		if (page_protect(va, op & ~EXO_OP_MASK) &&
			page_protect(va, (prot_perms(r->prot) & ~EXO_MAP_WRITE) | mark) && r->prot)
			page_protect(va, EXO_MAP_READ | mark);
		if (left == 0)
			return;
	}
}

static void
protect_batch(const struct region *r, const struct exo_map *vec, unsigned count)
{
	for (unsigned done = 0; done < count;) {
		long n = exo_map(UAREA->env, vec + done, count - done, KEY_SELF);

		done += n > 0 ? (unsigned)n : 0;
		if (n < 0)
			protect_refused(r, &vec[done++]);
	}
}

static void
protect_present(const struct region *r, u64 start, u64 end)
{
	struct exo_map vec[BATCH], *last = vec;
	unsigned count = 0;
	u64 expected = 0;		/* the page that would go on with the last run */

	for (u64 va = exo_pte_next(start, end, 1); va < end; va = exo_page_behind(va, end)) {
		u32 op = EXO_OP_PROTECT | present_perms(r, *exo_pte_place(va, 1));

		if (va == expected && (last->op & (EXO_MAP_RUN(1) - 1)) == op) {
			last->op += EXO_MAP_RUN(1);
		} else {
			if (count == BATCH) {
				protect_batch(r, vec, count);
				count = 0;
			}
			last = &vec[count++];
			*last = (struct exo_map){ .va = va, .op = op, .key = KEY_SELF };
		}
		expected = (va + PAGE) % TABLE_SPAN ? va + PAGE : 0;
	}
	protect_batch(r, vec, count);
}

int
vm_protect(u64 start, u64 end, u32 prot)
{
	if (!room(regions_splits(&vm.regions, start, end)))
		return -ENOMEM;
	regions_protect(&vm.regions, start, end, prot);
	protect_present(regions_find(&vm.regions, start), start, end);
	return 0;
}

int
vm_flag(u64 start, u64 end, u32 set, u32 clear)
{
	if (!room(regions_splits(&vm.regions, start, end)))
		return -ENOMEM;
	regions_flag(&vm.regions, start, end, set, clear);
	return 0;
}
