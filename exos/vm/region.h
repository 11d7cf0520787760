/* SPDX-License-Identifier: ISC */
/*
 * The program's address space as a sorted list of regions.  Pure: no pages
 * are touched here, so the unit tests run it on the host.
 *
 * The array has its spare entries in one hole, where the list was changed
 * last: programs change their memory at one place many times, and thousands
 * of regions are not moved for each.  Where the last search for room ended is
 * remembered for the same reason.
 */
#ifndef EXOS_REGION_H
#define EXOS_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE 4096ull
#define PAGE_DOWN(x) ((x) & ~(PAGE - 1))
#define PAGE_UP(x)   PAGE_DOWN((x) + PAGE - 1)

#define PROT_READ  1u
#define PROT_WRITE 2u
#define PROT_EXEC  4u

#define REGION_SHARED     1u		/* writes are seen by all who map it; fork does not copy */
#define REGION_GROWSDOWN  2u		/* a touch below makes it longer */
#define REGION_READONLY   4u		/* of a file open for reading: can never be written */
#define REGION_LOCKED     8u
#define REGION_DONTFORK   16u
#define REGION_WIPEONFORK 32u
#define REGION_NORESERVE  128u
#define REGION_SITES      256u		/* code that is not what the file has: rewrite.h */
#define REGION_STUBS      512u		/* and where it jumps to */
#define REGION_NAMELESS   64u		/* the file behind it is ours alone: anonymous shared memory */

#define REGION_GUARD (256 * PAGE)	/* kept free below what grows */

struct region {				/* [start, end), page aligned */
	uint64_t start, end;
	uint32_t prot;			/* PROT_* */
	uint32_t flags;			/* REGION_* */
	uint32_t ino;			/* 0: anonymous */
	uint32_t dir;			/* where the file was found, for its name */
	uint64_t offset;		/* in the file, of start; page aligned */
	uint64_t file_bytes;		/* from start on; behind them the region is anonymous */
};

struct regions {
	struct region *at;		/* regions_nth: sorted, not overlapping */
	unsigned count, room;
	unsigned hole;			/* the spare entries lie before this one */
	uint64_t searched;		/* no gap above is wider than `widest`, below `high` */
	uint64_t widest, high;
};

struct region *regions_nth(const struct regions *list, unsigned n);
/* The region that covers addr, or NULL. */
struct region *regions_find(const struct regions *list, uint64_t addr);
/* The first region that ends behind addr, or NULL; and its number (count: there is none). */
struct region *regions_after(const struct regions *list, uint64_t addr);
unsigned regions_index(const struct regions *list, uint64_t addr);
bool regions_overlap(const struct regions *list, uint64_t start, uint64_t end);
/* Is every page of [start, end) covered? */
bool regions_cover(const struct regions *list, uint64_t start, uint64_t end);
bool regions_use(const struct regions *list, uint32_t ino);	/* does one of them map it? */

/*
 * Each of these needs room for two more entries (regions_room), so that
 * nothing fails half way.
 */
bool regions_room(const struct regions *list);
void regions_cut(struct regions *list, uint64_t start, uint64_t end);
void regions_insert(struct regions *list, const struct region *r);	/* the range is free */
void regions_protect(struct regions *list, uint64_t start, uint64_t end, uint32_t prot);
void regions_flag(struct regions *list, uint64_t start, uint64_t end, uint32_t set, uint32_t clear);
/* Entries that one of them would add, at most. */
unsigned regions_splits(const struct regions *list, uint64_t start, uint64_t end);
/* A larger array: the old one is the caller's again. */
void regions_move(struct regions *list, struct region *at, unsigned room);

/* The highest gap of that size in [low, high); 0: none.  Below what grows the guard stays free. */
uint64_t regions_gap(struct regions *list, uint64_t bytes, uint64_t low, uint64_t high);

#endif
