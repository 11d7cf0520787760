/* SPDX-License-Identifier: ISC */
/* How much memory the program has, in Linux's terms, and how much it may have. */
#include "vm.h"
#include "../core/frames.h"
#include "../core/self.h"
#include "../linux/errno.h"
#include "../proc/rlimit.h"

static void
count_pages(const struct region *r, struct vm_count *c)
{
	u64 table = 0;

	for (u64 va = r->start; (va = exo_pte_next(va, r->end, 1)) < r->end; va += PAGE) {
		u64 entry = page_entry(va);

		c->tables += table != (va | 0x1fffff);
		table = va | 0x1fffff;
		c->resident++;
		c->shared += exo_frame(EXO_PTE_PFN(entry))->account != own_account() ||
			r->flags & REGION_SHARED;
	}
}

static void
count_region(const struct region *r, struct vm_count *c)
{
	u64 pages = (r->end - r->start) / PAGE;

	if (r->flags & REGION_STUBS)	/* the program did not ask for them */
		return;
	c->total += pages;
	if (r->flags & REGION_LOCKED)
		c->locked += pages;
	if (r->flags & REGION_GROWSDOWN)
		c->stack += pages;
	else if (r->prot & PROT_WRITE && !(r->flags & REGION_SHARED))
		c->data += pages;
	else if (r->prot & PROT_EXEC && !(r->prot & PROT_WRITE))
		c->exec += pages;
}

void
vm_count(struct vm_count *c, bool pages)
{
	*c = (struct vm_count){ 0 };
	for (unsigned n = 0; n < vm.regions.count; n++) {
		const struct region *r = regions_nth(&vm.regions, n);

		count_region(r, c);
		if (pages)
			count_pages(r, c);
	}
}

u64
vm_resident(void)
{
	struct vm_count c;

	vm_count(&c, true);
	return c.resident;
}

u64
vm_covered(u64 start, u64 end)
{
	u64 bytes = 0;

	for (unsigned n = regions_index(&vm.regions, start); n < vm.regions.count; n++) {
		const struct region *r = regions_nth(&vm.regions, n);

		if (r->start >= end)
			break;
		bytes += (r->end < end ? r->end : end) - (r->start > start ? r->start : start);
	}
	return bytes;
}

static bool
over(u64 pages, u64 bytes, enum limit which)
{
	u64 limit = limit_soft(which);

	return limit != LIMIT_NONE && pages + bytes / PAGE > limit / PAGE;
}

int
vm_limits(u64 bytes, u32 prot, u32 flags)
{
	bool data = prot & PROT_WRITE && !(flags & (REGION_SHARED | REGION_GROWSDOWN));
	struct vm_count c;

	/* Nothing is reserved; but what can never be had is refused, unless it is not to be looked at. */
	if (prot & PROT_WRITE && !(flags & (REGION_SHARED | REGION_NORESERVE)) &&
		bytes / PAGE > SHARED->memory_frames)
		return -ENOMEM;
	if (limit_soft(LIMIT_AS) == LIMIT_NONE && limit_soft(LIMIT_DATA) == LIMIT_NONE)
		return 0;
	vm_count(&c, false);
	if (over(c.total, bytes, LIMIT_AS) || (data && over(c.data, bytes, LIMIT_DATA)))
		return -ENOMEM;
	return 0;
}

/* Who has the capability may lock what he likes. */
int
vm_lock_limit(u64 bytes)
{
	struct vm_count c;

	if (CRED->effective >> CAP_IPC_LOCK & 1 || limit_soft(LIMIT_MEMLOCK) == LIMIT_NONE)
		return 0;
	if (limit_soft(LIMIT_MEMLOCK) == 0)
		return -EPERM;
	vm_count(&c, false);
	return over(c.locked, bytes, LIMIT_MEMLOCK) ? -ENOMEM : 0;
}
