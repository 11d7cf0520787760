/* SPDX-License-Identifier: ISC */
/*
 * Memory: regions of addresses, whose pages come when they are touched, each a
 * frame that is chosen here out of the exposed table of free ones.
 */
#include "tiny.h"

#define FIRST 0x50000000ull		/* behind what the starter mapped and the program's file */
#define LAST  0x4000000000ull
#define TRIES 64u			/* somebody else may have been quicker */

struct region {
	uint64_t start, end;		/* end 0: unused */
	uint32_t perms;
};

static struct region regions[REGIONS];
static uint64_t next_free = FIRST, used;
static exo_pfn hint;

uint64_t
pages_used(void)
{
	return used;
}

/* A table and its links, three frames in a row, wherever one is missing on the way to va. */
static bool
tables_make(uint64_t va)
{
	for (unsigned level = 3; level >= 1; level--) {
		uint64_t where = (va & ~((EXO_PAGE_BYTES << 9 * level) - 1)) | level | EXO_PT_WRITE;
		exo_pfn pfn;

		if (exo_pte_at(va, level + 1) & EXO_PTE_PRESENT)
			continue;
		pfn = exo_frame_find(hint, 3);
		if (!pfn || exo_frame_claim_all(pfn, 3, given->account, 0, k_account, 0) != 3)
			return false;
		if (exo_pt_install(exo_self(), where, pfn, pfn + 1, 0, 0) != 0)
			return false;
	}
	return true;
}

bool
page_bind(uint64_t va, exo_pfn pfn, uint32_t op)
{
	struct exo_map e = { .va = va & -EXO_PAGE_BYTES, .op = EXO_OP_MAP | op, .key = k_account };
	int64_t result;

	for (unsigned n = 0; n < TRIES; n++) {
		e.pfn = op & EXO_MAP_CLAIM ? exo_frame_find(hint, 1) : pfn;
		hint = e.pfn;
		result = e.pfn ? exo_map(exo_self(), &e, 1, 0) : -EXO_EQUOTA;
		if (result == 1)
			return true;
		if (result != -EXO_ETAKEN && (result != -EXO_ENOTABLE || !tables_make(va)))
			return false;
	}
	return false;
}

static bool
overlaps(uint64_t at, uint64_t end)
{
	for (unsigned n = 0; n < REGIONS; n++)
		if (at < regions[n].end && regions[n].start < end)
			return true;
	return false;
}

int64_t
region_make(uint64_t at, uint64_t bytes, uint32_t perms)
{
	struct region *r = regions;
	uint64_t end;

	bytes = (bytes + EXO_PAGE_BYTES - 1) & -EXO_PAGE_BYTES;
	while (r < regions + REGIONS && r->end != 0)
		r++;
	if (r == regions + REGIONS)
		return TINY_EFULL;
	if (at == 0) {
		at = next_free;
		end = at + bytes;
		if (bytes == 0 || bytes > LAST || end > LAST)
			return TINY_EARG;
		next_free = end + EXO_PAGE_BYTES;	/* what runs over falls into a gap */
	}
	end = at + bytes;
	if (bytes == 0 || end <= at || end > LAST || overlaps(at, end))
		return TINY_EARG;
	*r = (struct region){ at, end, perms };
	return (int64_t)at;
}

int64_t
region_free(uint64_t at)
{
	struct region *r = regions;

	while (r < regions + REGIONS && (r->end == 0 || r->start != at))
		r++;
	if (r == regions + REGIONS)
		return TINY_ENONE;
	for (uint64_t va = r->start; (va = exo_pte_next(va, r->end, 1)) < r->end;
		va += EXO_PAGE_BYTES) {
		struct exo_map e = { .va = va, .op = EXO_OP_UNMAP | EXO_MAP_RELEASE,
			.key = k_account };

		used -= exo_map(exo_self(), &e, 1, 0) == 1;
	}
	r->end = 0;
	return 0;
}

bool
region_fault(uint64_t va, uint32_t error)
{
	const struct region *r = regions;

	while (r < regions + REGIONS && (va < r->start || va >= r->end))
		r++;
	if (r == regions + REGIONS || (error & 1))	/* there, and not for that */
		return false;
	if (!page_bind(va, 0, r->perms | EXO_MAP_CLAIM))
		return false;
	used++;
	return true;
}
