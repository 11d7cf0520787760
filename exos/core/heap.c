/* SPDX-License-Identifier: ISC */
/*
 * Small private allocations: powers of two, a free list for each, cut from
 * pages at EXOS_HEAP that are claimed as the heap grows and never given back
 * before the process ends (fork copies them, so big things do not belong
 * here).  A word before each block says its size.
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
static u64 used_bytes, mapped_bytes; /* of the heap's range */

u64
heap_bytes(void)
{
	return mapped_bytes;
}

static struct block *
carve(unsigned order)
{
	u64 bytes = 1ull << order;
	struct block *block = AT(struct block, EXOS_HEAP + used_bytes);

	if (used_bytes + bytes > EXOS_THREADS - EXOS_HEAP)
		return NULL;
	while (mapped_bytes < used_bytes + bytes) {
		if (page_map_new((u64)AT(char, EXOS_HEAP + mapped_bytes),
			    EXO_MAP_READ | EXO_MAP_WRITE))
			return NULL;
		mapped_bytes += EXO_PAGE_BYTES;
	}
	used_bytes += bytes;
	block->order = order;
	return block;
}

void *
xalloc(size_t bytes)
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
	if (block == NULL)
		return NULL;
	return memset(block->bytes, 0, bytes);
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
