/* SPDX-License-Identifier: ISC */
/*
 * Open file descriptions: the part that relatives share, in pages at
 * EXOS_OFDS that fork leaves writable on both sides (EXO_MAP_SHARED) and that
 * outlive whoever claimed them (HEIR).
 *
 * A page is handed out from by one process only: at a fork every page there
 * is becomes "inherited" in parent and child alike; what they open afterwards
 * lies in new pages, which are different frames at perhaps the same address.
 * An inherited page goes when the last description in it that this process uses is closed.
 */
#include "file.h"

#define PAGES 512u
#define SLOTS (EXO_PAGE_BYTES / sizeof(struct ofd))

enum page_state { ABSENT, OWN, INHERITED };

static struct page {
	u8 state;			/* enum page_state */
	u16 live;			/* descriptions that this process uses */
	u64 used[SLOTS / 64];
} *pages;
static unsigned room;			/* entries of pages */

static struct ofd *
page_at(unsigned index)
{
	return (struct ofd *)AT(char, EXOS_OFDS + index * EXO_PAGE_BYTES);
}

static bool
grow(void)
{
	unsigned more = room ? room * 2 : 8;
	struct page *bigger = more <= PAGES ? xalloc(more * sizeof(*bigger)) : NULL;

	if (!bigger)
		return false;
	if (pages)
		memcpy(bigger, pages, room * sizeof(*pages));
	xfree(pages);
	pages = bigger;
	room = more;
	return true;
}

static bool
page_make(unsigned index)
{
	u64 va = (u64)page_at(index);

	if (page_map_new(va, EXO_MAP_READ | EXO_MAP_WRITE | EXO_MAP_SHARED))
		return false;
	exo_frame_mark(page_pfn((void *)va), 1, EXO_FRAME_HEIR, 0, KEY_SELF);
	pages[index] = (struct page){ .state = OWN };
	return true;
}

static int
slot_take(struct page *p)
{
	for (unsigned word = 0; word < SLOTS / 64; word++) {
		unsigned bit;

		if (p->used[word] == ~0ull)
			continue;
		bit = (unsigned)__builtin_ctzll(~p->used[word]);
		p->used[word] |= 1ull << bit;
		p->live++;
		return (int)(word * 64 + bit);
	}
	return -1;
}

/* A page to hand out from: an own one with room, or a new one. */
static int
page_choose(void)
{
	int absent = -1;

	for (unsigned i = 0; i < room; i++) {
		if (pages[i].state == OWN && pages[i].live < SLOTS)
			return (int)i;
		if (pages[i].state == ABSENT && absent < 0)
			absent = (int)i;
	}
	if (absent < 0) {
		absent = (int)room;
		if (!grow())
			return -1;
	}
	return page_make((unsigned)absent) ? absent : -1;
}

struct ofd *
ofd_new(u32 flags)
{
	int index = page_choose();
	struct ofd *o;

	if (index < 0)
		return NULL;
	o = page_at((unsigned)index) + slot_take(&pages[index]);
	*o = (struct ofd){ .flags = flags };
	return o;
}

void
ofd_free(struct ofd *o)
{
	u64 offset = (u64)((char *)o - AT(char, EXOS_OFDS));
	struct page *p = &pages[offset / EXO_PAGE_BYTES];
	unsigned slot = offset % EXO_PAGE_BYTES / sizeof(*o);

	p->used[slot / 64] &= ~(1ull << (slot % 64));
	if (--p->live || p->state == OWN)
		return;
	page_unmap((u64)page_at((unsigned)(p - pages)), 1);
	p->state = ABSENT;
}

void
ofd_fork(void)
{
	for (unsigned i = 0; i < room; i++) {
		if (pages[i].state == OWN &&
			pages[i].live == 0) { /* nobody would ever close the last in it */
			page_unmap((u64)page_at(i), 1);
			pages[i].state = ABSENT;
		} else if (pages[i].state == OWN) {
			pages[i].state = INHERITED;
		}
	}
}
