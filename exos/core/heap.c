/* SPDX-License-Identifier: ISC */
/*
 * Small private allocations: powers of two, a free list for each, cut from
 * pages that are claimed as the heap grows and never given back before the
 * process ends (fork copies them, so big things do not belong here).  The first
 * of them have no page table of their own.  A word before each block says its size.
 */
#include "exos.h"
#include "heap.h"

#define SMALLEST 5u /* 32 bytes */
#define LARGEST 22u /* 4 MiB: the list of as many regions as may be */

struct block {
	u64 order;
	union {
		struct block *next; /* while free */
		u64 align;
	};
	char bytes[];
};

static struct block *free_list[LARGEST + 1];

static struct range {
	u64 start, most, used, mapped;	/* bytes */
} ranges[HEAP_RANGES] = {
	{ EXOS_HEAP_NEAR, EXOS_OFDS - EXOS_HEAP_NEAR, 0, 0 },
	{ EXOS_HEAP, EXOS_THREADS - EXOS_HEAP, 0, 0 },
};

u64
heap_range(unsigned which, u64 *bytes)
{
	*bytes = ranges[which].mapped;
	return (u64)AT(char, ranges[which].start);
}

static struct block *
carve_of(struct range *r, unsigned order)
{
	u64 bytes = 1ull << order;
	struct block *block = AT(struct block, r->start + r->used);

	if (r->used + bytes > r->most)
		return NULL;
	while (r->mapped < r->used + bytes) {
		if (page_map_new((u64)AT(char, r->start + r->mapped), EXO_MAP_READ | EXO_MAP_WRITE))
			return NULL;
		r->mapped += EXO_PAGE_BYTES;
	}
	r->used += bytes;
	block->order = order;
	return block;
}

static struct block *
carve(unsigned order)
{
	struct block *block = carve_of(&ranges[0], order);

	return block ? block : carve_of(&ranges[1], order);
}

void *
xalloc_dirty(size_t bytes)
{
	unsigned order = SMALLEST;
	struct block *block;

	while (order <= LARGEST && (1ull << order) - sizeof(struct block) < bytes)
		order++;
	if (order > LARGEST)
		return NULL;
	block = free_list[order];
	if (block)
		free_list[order] = block->next;
	else
		block = carve(order);
	return block ? block->bytes : NULL;
}

void *
xalloc(size_t bytes)
{
	void *p = xalloc_dirty(bytes);

	return p ? memset(p, 0, bytes) : NULL;
}

void
xfree(void *p)
{
	struct block *block;

	if (p == NULL)
		return;
	block = (struct block *)((char *)p - sizeof(struct block));
	block->next = free_list[block->order];
	free_list[block->order] = block;
}
