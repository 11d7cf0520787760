/* SPDX-License-Identifier: ISC */
/*
 * Where squeezed pages are kept: pages cut into chunks of 64 bytes, and among
 * them, in the same pages, the index of what lies where, by address.  Pure but
 * for two functions that say whether a page is there and take one back, so
 * that the unit tests run it on the host.
 *
 * A page's first chunk has the map of those in use; things lie in chunks in a
 * row, of one page, and are named by page << 6 | chunk.
 */
#ifndef EXOS_STORE_H
#define EXOS_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_PAGE 4096u
#define STORE_CHUNK 64u
/* Bytes of one thing: an empty page has room for it and a node */
#define STORE_MOST (46u * STORE_CHUNK - 4)
#define STORE_BUCKETS 64u
#define STORE_UNIT 256u			/* pages of addresses that a node of the index covers */

struct store {
	char *base;
	uint32_t pages;			/* those from here on were never there */
	uint32_t hint;			/* the page that had room last */
	uint32_t kept;			/* addresses that something is kept for */
	uint32_t bucket[STORE_BUCKETS];	/* first node */
};

/* For whoever has the pages. */
bool store_page_there(const struct store *s, uint32_t page);
void store_page_empty(const struct store *s, uint32_t page);	/* nothing is in it any more */

/* A page more, there and with anything in it: from now on there is room in it. */
void store_page_begin(struct store *s, uint32_t page);
/* The number of a page that could be there and is not. */
uint32_t store_page_next(const struct store *s);

/* Keep bytes for an address that has nothing.  False: no room, for which an empty page is enough. */
bool store_keep(struct store *s, uint64_t va, const void *from, unsigned bytes);
/* What is kept for it, and how much; NULL: nothing. */
const void *store_find(const struct store *s, uint64_t va, unsigned *bytes);
void store_drop(struct store *s, uint64_t va);
/* The first address from va on, below end, that something is kept for; end: none. */
uint64_t store_next(const struct store *s, uint64_t va, uint64_t end);

#endif
