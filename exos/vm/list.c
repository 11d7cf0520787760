/* SPDX-License-Identifier: ISC */
/* The regions as programs are told of them (/proc/PID/maps), of this process or of one that is looked at. */
#include "vm.h"
#include "../arch/x86_64/arch.h"
#include "../core/frames.h"
#include "../core/self.h"
#include "../proc/look.h"

static const char *
name_of(const struct vm *of, const struct region *r)
{
	if (r->flags & REGION_NAMELESS)
		return "/dev/zero (deleted)";
	if (r->flags & REGION_STUBS)
		return "[stubs]";
	if (r->ino)
		return NULL;
	if (r->start <= of->stack_top - PAGE && r->end >= of->stack_top - PAGE)
		return "[stack]";
	return r->start <= of->brk && r->end > of->brk_start ? "[heap]" : NULL;
}

static void
count_page(struct vm_list *l, u64 entry, struct vm_entry *e)
{
	exo_pfn pfn = EXO_PTE_PFN(entry);

	if (pfn >= exo_info()->frames)
		return;
	e->resident++;
	e->dirty += (entry & EXO_PTE_DIRTY) != 0;
	e->shared += exo_frame(pfn)->nmaps > 1;
	e->anonymous += exo_frame(pfn)->account == l->account;
}

static void
count(struct vm_list *l, const struct region *r, struct vm_entry *e)
{
	for (u64 va = r->start; (va = exo_pte_next(va, r->end, 1)) < r->end; va += PAGE)
		count_page(l, page_entry(va), e);
}

/*
 * Of another: a table at a time, where there is one.  Whoever shares one table
 * many times can say that it has more than there is: no more is looked at.
 */
#define PART 64u

static void
count_other(struct vm_list *l, const struct region *r, struct vm_entry *e)
{
	u64 entry[PART];

	for (u64 va = r->start; va < r->end && l->budget;) {
		unsigned level = 3, n;

		while (level >= 1 && look_entries(va, level, entry, 1) &&
			entry[0] & EXO_PTE_PRESENT)
			level--;
		l->budget--;
		if (level) {
			va = (va | ((PAGE << (9 * (level - 1))) - 1)) + 1;
			continue;
		}
		n = look_entries(va, 1, entry, PART);
		for (unsigned i = 0; i < n && va < r->end; i++, va += PAGE)
			if (entry[i] & EXO_PTE_PRESENT)
				count_page(l, entry[i], e);
		va += n ? 0 : PAGE;
	}
}

/* What programs call in the library's image: behind all else. */
static void
vdso_entry(struct vm_entry *e)
{
	*e = (struct vm_entry){ .start = (u64)exos_vdso,
		.end = (u64)exos_vdso_end,
		.prot = PROT_READ | PROT_EXEC,
		.name = "[vdso]" };
}

int
vm_list_begin(struct vm_list *l, const volatile struct sh_proc *p)
{
	*l = (struct vm_list){ .vm = vm,
		.account = (u32)p->account,
		.budget = (u32)exo_info()->frames,
		.other = p != PROC };
	return l->other ? look_read((u64)&vm, &l->vm, sizeof(l->vm)) : 0;
}

/* A list that is not one ends there. */
static bool
region_at(struct vm_list *l, unsigned n, struct region *r)
{
	const struct region *at = regions_nth(&l->vm.regions, n);

	if (!l->other) {
		*r = *at;
		return true;
	}
	if (n >= VM_REGIONS_MAX || look_read((u64)at, r, sizeof(*r)) || r->start < l->last ||
		r->end <= r->start || r->end > VM_HIGH || (r->start | r->end) % PAGE)
		return false;
	l->last = r->end;
	return true;
}

bool
vm_entry(struct vm_list *l, bool pages, struct vm_entry *e)
{
	unsigned n = l->at++;
	struct region r;

	if (n == l->vm.regions.count)
		vdso_entry(e);
	if (n >= l->vm.regions.count)
		return n == l->vm.regions.count;
	if (!region_at(l, n, &r))
		return false;
	*e = (struct vm_entry){ .start = r.start,
		.end = r.end,
		.offset = r.offset,
		.prot = r.prot,
		.flags = r.flags,
		.ino = r.ino,
		.dir = r.dir,
		.name = name_of(&l->vm, &r) };
	if (pages && l->other)
		count_other(l, &r, e);
	else if (pages)
		count(l, &r, e);
	return true;
}
