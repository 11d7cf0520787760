/* SPDX-License-Identifier: ISC */
/* The list of regions: region.h says what it is.  Neighbours that are alike are one. */
#include "region.h"

struct region *
regions_after(struct regions *list, uint64_t addr)
{
	unsigned low = 0, high = list->count;

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (list->at[middle].end <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low < list->count ? &list->at[low] : NULL;
}

struct region *
regions_find(struct regions *list, uint64_t addr)
{
	struct region *r = regions_after(list, addr);

	return r && r->start <= addr ? r : NULL;
}

bool
regions_overlap(struct regions *list, uint64_t start, uint64_t end)
{
	struct region *r = regions_after(list, start);

	return r && r->start < end;
}

bool
regions_cover(struct regions *list, uint64_t start, uint64_t end)
{
	while (start < end) {
		struct region *r = regions_find(list, start);

		if (r == NULL)
			return false;
		start = r->end;
	}
	return true;
}

bool
regions_room(const struct regions *list)
{
	return list->count + 2 <= list->room;
}

static void
open_slot(struct regions *list, unsigned slot)
{
	for (unsigned n = list->count++; n > slot; n--)
		list->at[n] = list->at[n - 1];
}

static void
close_slots(struct regions *list, unsigned slot, unsigned count)
{
	list->count -= count;
	for (unsigned n = slot; n < list->count; n++)
		list->at[n] = list->at[n + count];
}

/* Move the start of a region up. */
static void
trim_front(struct region *r, uint64_t start)
{
	uint64_t gone = start - r->start;

	r->offset += r->ino ? gone : 0;
	r->file_bytes -= gone < r->file_bytes ? gone : r->file_bytes;
	r->start = start;
	if (r->file_bytes == 0)
		r->ino = 0;
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
	struct region *r = regions_find(list, addr);
	unsigned slot;

	if (r == NULL || r->start == addr)
		return;
	slot = (unsigned)(r - list->at);
	open_slot(list, slot);
	trim_back(&list->at[slot], addr);
	trim_front(&list->at[slot + 1], addr);
}

static bool
mergeable(const struct region *a, const struct region *b)
{
	return a->end == b->start && a->prot == b->prot && a->flags == b->flags && a->ino == 0 &&
		b->ino == 0 && !(a->flags & REGION_STACK);
}

/* Join neighbours around the regions from slot to last, where they are alike. */
static void
merge(struct regions *list, unsigned slot, unsigned last)
{
	unsigned n = slot ? slot - 1 : 0;

	while (n <= last && n + 1 < list->count) {
		if (!mergeable(&list->at[n], &list->at[n + 1])) {
			n++;
			continue;
		}
		list->at[n].end = list->at[n + 1].end;
		close_slots(list, n + 1, 1);
		if (last)
			last--;
	}
}

void
regions_cut(struct regions *list, uint64_t start, uint64_t end)
{
	struct region *first;
	unsigned slot, count = 0;

	split(list, start);
	split(list, end);
	first = regions_after(list, start);
	if (first == NULL)
		return;
	slot = (unsigned)(first - list->at);
	while (slot + count < list->count && list->at[slot + count].start < end)
		count++;
	close_slots(list, slot, count);
}

void
regions_insert(struct regions *list, const struct region *r)
{
	struct region copy = *r;
	struct region *next = regions_after(list, r->start);
	unsigned slot = next ? (unsigned)(next - list->at) : list->count;

	open_slot(list, slot);
	list->at[slot] = copy;
	merge(list, slot, slot);
}

void
regions_protect(struct regions *list, uint64_t start, uint64_t end, uint32_t prot)
{
	struct region *first;
	unsigned slot, last;

	split(list, start);
	split(list, end);
	first = regions_after(list, start);
	if (first == NULL)
		return;
	slot = last = (unsigned)(first - list->at);
	for (; last < list->count && list->at[last].start < end; last++)
		list->at[last].prot = prot;
	merge(list, slot, last);
}

uint64_t
regions_gap(struct regions *list, uint64_t bytes, uint64_t low, uint64_t high)
{
	unsigned n = list->count;

	while (n > 0 && list->at[n - 1].start >= high)
		n--;
	for (; n > 0; n--) {
		const struct region *r = &list->at[n - 1];

		if (r->end <= high && high - r->end >= bytes)
			break;
		high = r->start < high ? r->start : high;
		if (high < low + bytes)
			return 0;
	}
	return high >= bytes && high - bytes >= low ? high - bytes : 0;
}
