/* SPDX-License-Identifier: ISC */
// sources: exos/vm/region.c
/*
 * The list of regions against a plain array of pages: random cuts, inserts
 * and changes of protection, compared page by page, invariants after each.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../exos/vm/region.h"

#define PAGES 64u
#define ROOM 256u

struct page { bool there; uint32_t prot, ino; uint64_t offset; bool filled; };

static struct region storage[ROOM];
static struct regions list = { storage, 0, ROOM };
static struct page model[PAGES];

static void
invariants(void)
{
	for (unsigned n = 0; n < list.count; n++) {
		const struct region *r = &list.at[n];

		assert(r->start < r->end && r->start % PAGE == 0 && r->end % PAGE == 0);
		assert(n == 0 || list.at[n - 1].end <= r->start);
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
		assert(r->prot == p->prot && filled == p->filled);
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
		r.file_bytes = 1 + (uint64_t)rand() % ((last - first) * PAGE);
	}
	regions_insert(&list, &r);
	for (unsigned n = first; n < last; n++)
		model[n] = (struct page){ true, r.prot, r.ino, r.offset + (n - first) * PAGE,
			(n - first) * PAGE < r.file_bytes };
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
gaps(void)
{
	uint64_t pages = 1 + (unsigned)rand() % 8, low = 4, high = PAGES - 4, best = 0;

	for (uint64_t at = low; at + pages <= high; at++) {
		bool free = true;

		for (uint64_t n = at; n < at + pages; n++)
			free &= !model[n].there;
		best = free ? at : best;
	}
	assert(regions_gap(&list, pages * PAGE, low * PAGE, high * PAGE) == best * PAGE);
}

int
main(void)
{
	srand(7);
	for (unsigned round = 0; round < 200000; round++) {
		unsigned a = (unsigned)rand() % PAGES, b = (unsigned)rand() % PAGES;
		unsigned first = a < b ? a : b, last = (a < b ? b : a) + 1;

		assert(regions_room(&list));
		switch (rand() % 3) {
		case 0:
			cut(first, last);
			break;
		case 1:
			insert(first, last);
			break;
		default:
			protect(first, last);
			break;
		}
		invariants();
		compare();
		gaps();
		assert(regions_cover(&list, 0, PAGES * PAGE) == (model[0].there && list.count && ({
			bool all = true;
			for (unsigned n = 0; n < PAGES; n++)
				all &= model[n].there;
			all;
		})));
	}
	puts("ok regions against pages\n1 passed, 0 failed");
	return 0;
}
