/* SPDX-License-Identifier: ISC */
/* The regions as a program is told of them (/proc/self/maps). */
#include "vm.h"
#include "../arch/x86_64/arch.h"
#include "../core/frames.h"

static const char *
name_of(const struct region *r)
{
	if (r->flags & REGION_NAMELESS)
		return "/dev/zero (deleted)";
	if (r->ino)
		return NULL;
	if (r->start <= vm.stack_top - PAGE && r->end >= vm.stack_top - PAGE)
		return "[stack]";
	return r->start <= vm.brk && r->end > vm.brk_start ? "[heap]" : NULL;
}

static void
count(const struct region *r, struct vm_entry *e)
{
	for (u64 va = r->start; (va = exo_pte_next(va, r->end, 1)) < r->end; va += PAGE) {
		u64 entry = page_entry(va);

		e->resident++;
		e->dirty += (entry & EXO_PTE_DIRTY) != 0;
		e->shared += exo_frame(EXO_PTE_PFN(entry))->nmaps > 1;
		e->anonymous += exo_frame(EXO_PTE_PFN(entry))->account == own_account();
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

bool
vm_entry(unsigned n, bool pages, struct vm_entry *e)
{
	const struct region *r;

	if (n == vm.regions.count)
		vdso_entry(e);
	if (n >= vm.regions.count)
		return n == vm.regions.count;
	r = regions_nth(&vm.regions, n);
	*e = (struct vm_entry){ .start = r->start,
		.end = r->end,
		.offset = r->offset,
		.prot = r->prot,
		.flags = r->flags,
		.ino = r->ino,
		.dir = r->dir,
		.name = name_of(r) };
	if (pages)
		count(r, e);
	return true;
}
