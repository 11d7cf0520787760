/* SPDX-License-Identifier: ISC */
/* Squeezed pages and the index of them; store.h tells the story. */
#include "store.h"

#define LOOKED 32u			/* pages looked at for room */
#define PAGE_SHIFT 12u
#define UNIT_SHIFT (PAGE_SHIFT + 8)

struct thing {				/* what is kept of a page */
	uint32_t bytes;
	uint8_t data[];
};

_Static_assert(sizeof(struct thing) == 4, "STORE_MOST");

struct node {
	uint32_t next;
	uint32_t unit;			/* address >> UNIT_SHIFT */
	uint32_t used;
	uint32_t thing[STORE_UNIT];	/* 0: nothing */
};

_Static_assert(sizeof(struct node) + sizeof(struct thing) + STORE_MOST <=
		STORE_PAGE - STORE_CHUNK, "both in one page");

static void *
at(const struct store *s, uint32_t name)
{
	return s->base + (uint64_t)(name >> 6) * STORE_PAGE + (name & 63) * STORE_CHUNK;
}

static uint64_t *
map_of(const struct store *s, uint32_t page)
{
	return at(s, page << 6);
}

/* ---- chunks ----------------------------------------------------------------------------- */

static unsigned
chunks_for(uint64_t bytes)
{
	return (unsigned)((bytes + STORE_CHUNK - 1) / STORE_CHUNK);
}

static uint64_t
run_of(unsigned count)
{
	return (1ull << count) - 1;
}

/* The first of so many free ones in a row; 0: there are not. */
static unsigned
free_run(uint64_t used, unsigned count)
{
	uint64_t starts = ~used;

	for (unsigned have = 1; have < count;) {
		unsigned step = count - have < have ? count - have : have;

		starts &= starts >> step;
		have += step;
	}
	return starts ? (unsigned)__builtin_ctzll(starts) : 0;
}

static uint32_t
take(struct store *s, unsigned count)
{
	uint32_t page = s->hint;

	for (unsigned n = 0; n < LOOKED && n < s->pages; n++, page++) {
		unsigned first;

		if (page >= s->pages)
			page = 0;
		if (!store_page_there(s, page))
			continue;
		first = free_run(*map_of(s, page), count);
		if (first == 0)
			continue;
		*map_of(s, page) |= run_of(count) << first;
		s->hint = page;
		return page << 6 | first;
	}
	return 0;
}

static void
give(struct store *s, uint32_t name, unsigned count)
{
	uint64_t *used = map_of(s, name >> 6);

	*used &= ~(run_of(count) << (name & 63));
	if (*used == 1)
		store_page_empty(s, name >> 6);
}

void
store_page_begin(struct store *s, uint32_t page)
{
	*map_of(s, page) = 1;
	if (page >= s->pages)
		s->pages = page + 1;
	s->hint = page;
}

/* One that was given back, if there is one near. */
uint32_t
store_page_next(const struct store *s)
{
	for (uint32_t n = 0; n < LOOKED && n < s->pages; n++)
		if (!store_page_there(s, (s->hint + n) % s->pages))
			return (s->hint + n) % s->pages;
	return s->pages;
}

/* ---- the index ----------------------------------------------------------------------------- */

static uint32_t *
bucket_of(const struct store *s, uint32_t unit)
{
	return (uint32_t *)&s->bucket[unit % STORE_BUCKETS];
}

static struct node *
node_find(const struct store *s, uint64_t va)
{
	const uint32_t unit = (uint32_t)(va >> UNIT_SHIFT);

	for (uint32_t name = *bucket_of(s, unit); name;) {
		struct node *node = at(s, name);

		if (node->unit == unit)
			return node;
		name = node->next;
	}
	return NULL;
}

static struct node *
node_make(struct store *s, uint64_t va)
{
	const uint32_t unit = (uint32_t)(va >> UNIT_SHIFT);
	uint32_t name = take(s, chunks_for(sizeof(struct node)));
	struct node *node = at(s, name);

	if (name == 0)
		return NULL;
	*node = (struct node){ .next = *bucket_of(s, unit), .unit = unit };
	*bucket_of(s, unit) = name;
	return node;
}

static void
node_unused(struct store *s, uint32_t unit)
{
	uint32_t *link = bucket_of(s, unit), name;

	for (name = *link; ((struct node *)at(s, name))->unit != unit; name = *link)
		link = &((struct node *)at(s, name))->next;
	*link = ((struct node *)at(s, name))->next;
	give(s, name, chunks_for(sizeof(struct node)));
}

static unsigned
place_in(uint64_t va)
{
	return (unsigned)(va >> PAGE_SHIFT) % STORE_UNIT;
}

/* ---- what is kept ---------------------------------------------------------------------------- */

bool
store_keep(struct store *s, uint64_t va, const void *from, unsigned bytes)
{
	struct node *node = node_find(s, va);
	struct thing *thing;
	uint32_t name;

	if (!node)
		node = node_make(s, va);
	name = node ? take(s, chunks_for(sizeof(struct thing) + bytes)) : 0;
	if (name == 0) {
		if (node && node->used == 0)
			node_unused(s, node->unit);
		return false;
	}
	thing = at(s, name);
	thing->bytes = bytes;
	for (unsigned n = 0; n < bytes; n++)
		thing->data[n] = ((const uint8_t *)from)[n];
	node->thing[place_in(va)] = name;
	node->used++;
	s->kept++;
	return true;
}

const void *
store_find(const struct store *s, uint64_t va, unsigned *bytes)
{
	const struct node *node = s->kept ? node_find(s, va) : NULL;
	const struct thing *thing;

	if (!node || !node->thing[place_in(va)])
		return NULL;
	thing = at(s, node->thing[place_in(va)]);
	*bytes = thing->bytes;
	return thing->data;
}

void
store_drop(struct store *s, uint64_t va)
{
	struct node *node = s->kept ? node_find(s, va) : NULL;
	uint32_t name = node ? node->thing[place_in(va)] : 0;

	if (!name)
		return;
	node->thing[place_in(va)] = 0;
	s->kept--;
	give(s, name, chunks_for(sizeof(struct thing) + ((struct thing *)at(s, name))->bytes));
	if (--node->used == 0)
		node_unused(s, (uint32_t)(va >> UNIT_SHIFT));
}

/* In one node, from va on. */
static uint64_t
next_in(const struct node *node, uint64_t va, uint64_t end)
{
	const uint64_t begin = (uint64_t)node->unit << UNIT_SHIFT;

	for (unsigned n = va > begin ? place_in(va) : 0; n < STORE_UNIT; n++)
		if (node->thing[n])
			return begin + ((uint64_t)n << PAGE_SHIFT);
	return end;
}

/* Short ranges by address, long ones by going through all nodes. */
uint64_t
store_next(const struct store *s, uint64_t va, uint64_t end)
{
	const uint64_t first = va >> UNIT_SHIFT;
	uint64_t found = end;

	if (s->kept == 0 || va >= end)
		return end;
	if ((end - 1) >> UNIT_SHIFT < first + STORE_BUCKETS) {
		for (uint64_t unit = first; unit <= (end - 1) >> UNIT_SHIFT && found == end;
			unit++) {
			const struct node *node = node_find(s, unit << UNIT_SHIFT);

			if (node)
				found = next_in(node, va, end);
		}
		return found < end ? found : end;
	}
	for (unsigned b = 0; b < STORE_BUCKETS; b++) {
		for (uint32_t name = s->bucket[b]; name;
			name = ((struct node *)at(s, name))->next) {
			const struct node *node = at(s, name);
			uint64_t next = node->unit >= first ? next_in(node, va, end) : end;

			found = next < found ? next : found;
		}
	}
	return found;
}
