/* SPDX-License-Identifier: ISC */
/* The list of regions: region.h says what it is.  Neighbours that are alike are one. */
#include "region.h"

/* ---- the array ------------------------------------------------------------------------ */

struct region *
regions_nth(const struct regions *list, unsigned n)
{
	return &list->at[n < list->hole ? n : n + (list->room - list->count)];
}

/* Bring the spare entries before entry n. */
static void
hole_to(struct regions *list, unsigned n)
{
	unsigned spare = list->room - list->count;

	for (; list->hole > n; list->hole--)
		list->at[list->hole - 1 + spare] = list->at[list->hole - 1];
	for (; list->hole < n; list->hole++)
		list->at[list->hole] = list->at[list->hole + spare];
}

void
regions_move(struct regions *list, struct region *at, unsigned room)
{
	unsigned behind = list->count - list->hole;

	for (unsigned n = 0; n < list->hole; n++)
		at[n] = list->at[n];
	for (unsigned n = 0; n < behind; n++)
		at[room - behind + n] = list->at[list->room - behind + n];
	list->at = at;
	list->room = room;
}

bool
regions_room(const struct regions *list)
{
	return list->count + 2 <= list->room;
}

static struct region *
open_slot(struct regions *list, unsigned slot)
{
	hole_to(list, slot);
	list->count++;
	list->hole++;
	return &list->at[slot];
}

static void
close_slots(struct regions *list, unsigned slot, unsigned count)
{
	hole_to(list, slot + count);
	list->hole -= count;
	list->count -= count;
}

/* ---- looking ---------------------------------------------------------------------------- */

unsigned
regions_index(const struct regions *list, uint64_t addr)
{
	unsigned low = 0, high = list->count;

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (regions_nth(list, middle)->end <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct region *
regions_after(const struct regions *list, uint64_t addr)
{
	unsigned n = regions_index(list, addr);

	return n < list->count ? regions_nth(list, n) : NULL;
}

struct region *
regions_find(const struct regions *list, uint64_t addr)
{
	struct region *r = regions_after(list, addr);

	return r && r->start <= addr ? r : NULL;
}

bool
regions_overlap(const struct regions *list, uint64_t start, uint64_t end)
{
	struct region *r = regions_after(list, start);

	return r && r->start < end;
}

bool
regions_cover(const struct regions *list, uint64_t start, uint64_t end)
{
	for (unsigned n = regions_index(list, start); start < end; n++) {
		if (n >= list->count || regions_nth(list, n)->start > start)
			return false;
		start = regions_nth(list, n)->end;
	}
	return true;
}

bool
regions_use(const struct regions *list, uint32_t ino)
{
	for (unsigned n = 0; n < list->count; n++)
		if (regions_nth(list, n)->ino == ino)
			return true;
	return false;
}

/* ---- changing ------------------------------------------------------------------------------ */

/* Move the start of a region up. */
static void
trim_front(struct region *r, uint64_t start)
{
	uint64_t gone = start - r->start;

	r->offset += r->ino ? gone : 0;
	r->file_bytes -= gone < r->file_bytes ? gone : r->file_bytes;
	r->start = start;
	if (r->file_bytes == 0) {
		r->ino = 0;
		r->offset = 0;
	}
}

static void
trim_back(struct region *r, uint64_t end)
{
	r->end = end;
	if (r->file_bytes > r->end - r->start)
		r->file_bytes = r->end - r->start;
}

/* Let a region begin at addr, if one covers it. */
static void
split(struct regions *list, uint64_t addr)
{
	unsigned n = regions_index(list, addr);
	struct region *r = n < list->count ? regions_nth(list, n) : NULL, copy;

	if (r == NULL || r->start >= addr)
		return;
	copy = *r;
	trim_front(r, addr);
	r = open_slot(list, n);
	*r = copy;
	trim_back(r, addr);
}

unsigned
regions_splits(const struct regions *list, uint64_t start, uint64_t end)
{
	const struct region *first = regions_find(list, start), *last = regions_find(list, end);

	return (first && first->start < start) + (last && last->start < end);
}

static bool
mergeable(const struct region *a, const struct region *b)
{
	if (a->end != b->start || a->prot != b->prot || a->flags != b->flags || a->ino != b->ino)
		return false;
	return a->ino == 0 ||
		(a->file_bytes == a->end - a->start && b->offset == a->offset + a->file_bytes);
}

/* Join neighbours around the regions from slot to last, where they are alike. */
static void
merge(struct regions *list, unsigned slot, unsigned last)
{
	unsigned n = slot ? slot - 1 : 0;

	while (n <= last && n + 1 < list->count) {
		struct region *a = regions_nth(list, n), *b = regions_nth(list, n + 1);

		if (!mergeable(a, b)) {
			n++;
			continue;
		}
		a->end = b->end;
		a->file_bytes += b->file_bytes;
		close_slots(list, n + 1, 1);
		if (last)
			last--;
	}
}

/* All regions of [start, end), which begin and end there now: slot .. last - 1. */
static unsigned
isolate(struct regions *list, uint64_t start, uint64_t end, unsigned *last)
{
	unsigned slot;

	split(list, start);
	split(list, end);
	slot = *last = regions_index(list, start);
	while (*last < list->count && regions_nth(list, *last)->start < end)
		++*last;
	return slot;
}

void
regions_cut(struct regions *list, uint64_t start, uint64_t end)
{
	unsigned last, slot = isolate(list, start, end, &last);
	uint64_t above;

	close_slots(list, slot, last - slot);
	above = slot < list->count ? regions_nth(list, slot)->start : UINT64_MAX;
	if (list->searched < above)
		list->searched = above;
}

void
regions_insert(struct regions *list, const struct region *r)
{
	struct region copy = *r;
	unsigned slot = regions_index(list, r->start);

	*open_slot(list, slot) = copy;
	merge(list, slot, slot);
}

void
regions_protect(struct regions *list, uint64_t start, uint64_t end, uint32_t prot)
{
	unsigned last, slot = isolate(list, start, end, &last);

	for (unsigned n = slot; n < last; n++)
		regions_nth(list, n)->prot = prot;
	merge(list, slot, last);
}

void
regions_flag(struct regions *list, uint64_t start, uint64_t end, uint32_t set, uint32_t clear)
{
	unsigned last, slot = isolate(list, start, end, &last);

	for (unsigned n = slot; n < last; n++) {
		struct region *r = regions_nth(list, n);

		r->flags = (r->flags & ~clear) | set;
	}
	merge(list, slot, last);
}

/* ---- room ------------------------------------------------------------------------------------- */

/* Where the gap below a region ends. */
static uint64_t
floor_of(const struct region *r)
{
	if (!(r->flags & REGION_GROWSDOWN))
		return r->start;
	return r->start > REGION_GUARD ? r->start - REGION_GUARD : 0;
}

uint64_t
regions_gap(struct regions *list, uint64_t bytes, uint64_t low, uint64_t high)
{
	uint64_t top = high;
	unsigned n;

	if (list->high != high || bytes <= list->widest) {
		list->high = high;
		list->searched = UINT64_MAX;
		list->widest = 0;
	}
	if (list->searched < top)
		top = list->searched;
	n = regions_index(list, top - 1);
	if (n < list->count && floor_of(regions_nth(list, n)) < top)
		top = floor_of(regions_nth(list, n));
	for (;; n--) {
		uint64_t below = n ? regions_nth(list, n - 1)->end : 0, wide;

		below = below > low ? below : low;
		wide = top > below ? top - below : 0;
		if (wide >= bytes) {
			list->searched = top;
			return top - bytes;
		}
		if (wide > list->widest)
			list->widest = wide;
		if (below == low)
			return 0;
		top = floor_of(regions_nth(list, n - 1));
	}
}
