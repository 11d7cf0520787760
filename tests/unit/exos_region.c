/* SPDX-License-Identifier: ISC */
// sources: exos/vm/region.c
/*
 * The list of regions against a plain array of pages: random cuts, inserts and
 * changes of protection and flags, compared page by page, invariants after
 * each; and that thousands of them take no time.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../exos/vm/region.h"

#define PAGES 64u
#define ROOM 256u

struct page {
	bool there, filled;
	uint32_t prot, ino, flags;
	uint64_t offset;
};

static struct regions list;
static struct page model[PAGES];

static void
invariants(void)
{
	for (unsigned n = 0; n < list.count; n++) {
		const struct region *r = regions_nth(&list, n);

		assert(r->start < r->end && r->start % PAGE == 0 && r->end % PAGE == 0);
		assert(n == 0 || regions_nth(&list, n - 1)->end <= r->start);
		assert(r->file_bytes <= r->end - r->start);
		assert(!r->ino == !r->file_bytes);
	}
}

static void
compare(void)
{
	for (uint64_t n = 0; n < PAGES; n++) {
		const struct region *r = regions_find(&list, n * PAGE);
		const struct page *p = &model[n];

		assert(p->there == (r != NULL));
		if (!r)
			continue;
		uint64_t at = n * PAGE - r->start;
		bool filled = at < r->file_bytes;
		assert(r->prot == p->prot && r->flags == p->flags && filled == p->filled);
		assert(!filled || (r->ino == p->ino && r->offset + at == p->offset));
	}
}

static void
cut(unsigned first, unsigned last)
{
	regions_cut(&list, first * PAGE, last * PAGE);
	for (unsigned n = first; n < last; n++)
		model[n] = (struct page){ 0 };
}

static void
insert(unsigned first, unsigned last)
{
	struct region r = { .start = first * PAGE,
		.end = last * PAGE,
		.prot = (unsigned)rand() & 7 };

	cut(first, last);
	if (rand() & 1) {
		r.ino = 1 + (rand() & 3);
		r.offset = (unsigned)(rand() & 15) * PAGE;
		r.file_bytes = rand() & 1 ? r.end - r.start
					  : 1 + (uint64_t)rand() % ((last - first) * PAGE);
	}
	regions_insert(&list, &r);
	for (unsigned n = first; n < last; n++)
		model[n] = (struct page){ .there = true,
			.filled = (n - first) * PAGE < r.file_bytes,
			.prot = r.prot,
			.ino = r.ino,
			.offset = r.offset + (n - first) * PAGE };
}

static void
protect(unsigned first, unsigned last)
{
	uint32_t prot = (unsigned)rand() & 7;

	regions_protect(&list, first * PAGE, last * PAGE, prot);
	for (unsigned n = first; n < last; n++)
		model[n].prot = prot;
}

static void
flag(unsigned first, unsigned last)
{
	uint32_t set = (unsigned)rand() & 24, clear = (unsigned)rand() & 24;

	regions_flag(&list, first * PAGE, last * PAGE, set, clear);
	for (unsigned n = first; n < last; n++)
		model[n].flags = (model[n].flags & ~clear) | set;
}

static void
gaps(uint64_t pages, uint64_t low, uint64_t high)
{
	uint64_t best = 0;

	for (uint64_t at = low; at + pages <= high; at++) {
		bool free = true;

		for (uint64_t n = at; n < at + pages; n++)
			free &= !model[n].there;
		best = free ? at : best;
	}
	assert(regions_gap(&list, pages * PAGE, low * PAGE, high * PAGE) == best * PAGE);
}

/* Alike neighbours are one, and there is never more than one hole. */
static void
neighbours(void)
{
	regions_cut(&list, 0, PAGES * PAGE);
	for (uint64_t n = 0; n < 8; n++) {
		uint64_t at = (n & 1 ? 8 - n : n) * PAGE;	/* 0, 7, 2, 5, 4, 3, 6, 1 */
		struct region r = { .start = at,
			.end = at + PAGE,
			.ino = 5,
			.offset = 0x10000 + at,
			.file_bytes = PAGE };

		regions_insert(&list, &r);
	}
	assert(list.count == 1 && regions_nth(&list, 0)->file_bytes == 8 * PAGE);
	assert(regions_use(&list, 5) && !regions_use(&list, 4));
	assert(regions_splits(&list, PAGE, 2 * PAGE) == 2 && regions_splits(&list, 0, PAGE) == 1);
	regions_protect(&list, 2 * PAGE, 3 * PAGE, PROT_READ);
	assert(list.count == 3);
	regions_protect(&list, 2 * PAGE, 3 * PAGE, 0);
	assert(list.count == 1);
	memset(model, 0, sizeof(model));
	regions_cut(&list, 0, PAGES * PAGE);
}

/* What grows downwards keeps its distance. */
static void
guard(void)
{
	struct region stack = { .start = 2000 * PAGE, .end = 2001 * PAGE,
		.flags = REGION_GROWSDOWN };

	regions_insert(&list, &stack);
	assert(regions_gap(&list, PAGE, PAGE, 2001 * PAGE) == (2000 - 257) * PAGE);
	assert(regions_gap(&list, PAGE, PAGE, 1900 * PAGE) == (2000 - 257) * PAGE);
	assert(regions_gap(&list, PAGE, PAGE, 2100 * PAGE) == 2099 * PAGE);
	assert(regions_gap(&list, 1743 * PAGE, PAGE, 2001 * PAGE) == PAGE);
	assert(regions_gap(&list, 1744 * PAGE, PAGE, 2001 * PAGE) == 0);
	regions_cut(&list, 0, 3000 * PAGE);
}

/* Tens of thousands, each at the top of what is free, as mmap makes them. */
static void
many(void)
{
	uint64_t at = 0;

	for (unsigned n = 0; n < 60000; n++) {
		struct region r = { .prot = n & 1 };

		at = regions_gap(&list, PAGE, PAGE, 1ull << 40);
		r.start = at;
		r.end = at + PAGE;
		regions_insert(&list, &r);
		if (n % 16 == 7)
			regions_cut(&list, at + 2 * PAGE, at + 3 * PAGE);
	}
	assert(list.count > 40000);
	regions_cut(&list, 0, 1ull << 40);
	assert(list.count == 0);
}

/* As the library does it. */
static void
room(void)
{
	struct region *old = list.at;
	unsigned more = list.room ? list.room * 2 : 4;

	if (regions_room(&list))
		return;
	regions_move(&list, calloc(more, sizeof(*old)), more);
	free(old);
}

int
main(void)
{
	srand(7);
	for (unsigned round = 0; round < 200000; round++) {
		unsigned a = (unsigned)rand() % PAGES, b = (unsigned)rand() % PAGES;
		unsigned first = a < b ? a : b, last = (a < b ? b : a) + 1;

		room();
		switch (rand() % 4) {
		case 0:
			cut(first, last);
			break;
		case 1:
			insert(first, last);
			break;
		case 2:
			flag(first, last);
			break;
		default:
			protect(first, last);
			break;
		}
		invariants();
		compare();
		gaps(1 + (unsigned)rand() % 8, 4, PAGES - 4 - (rand() % 16 == 0));
		assert(regions_cover(&list, 0, PAGES * PAGE) == (model[0].there && list.count && ({
			bool all = true;
			for (unsigned n = 0; n < PAGES; n++)
				all &= model[n].there;
			all;
		})));
	}
	regions_cut(&list, 0, PAGES * PAGE);
	neighbours();
	guard();
	free(list.at);
	list = (struct regions){ 0 };
	regions_move(&list, calloc(65536, sizeof(*list.at)), 65536);
	many();
	free(list.at);
	puts("ok regions against pages\n1 passed, 0 failed");
	return 0;
}
