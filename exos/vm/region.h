/* SPDX-License-Identifier: ISC */
/*
 * The program's address space as a sorted list of regions.  Pure: no pages
 * are touched here, so the unit tests run it on the host.
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

#define REGION_SHARED 1u		/* writes are seen by all who map it; fork does not copy */
#define REGION_STACK  2u		/* the main stack: not moved, not merged */

struct region {				/* [start, end), page aligned */
	uint64_t start, end;
	uint32_t prot;			/* PROT_* */
	uint32_t flags;			/* REGION_* */
	uint32_t ino;			/* 0: anonymous */
	uint32_t spare;
	uint64_t offset;		/* in the file, of start; page aligned */
	uint64_t file_bytes;		/* from start on; behind them the region is anonymous */
};

struct regions {
	struct region *at;		/* sorted, not overlapping */
	unsigned count, room;
};

/* The region that covers addr, or NULL. */
struct region *regions_find(struct regions *list, uint64_t addr);
/* The first region that ends behind addr, or NULL. */
struct region *regions_after(struct regions *list, uint64_t addr);
bool regions_overlap(struct regions *list, uint64_t start, uint64_t end);

/*
 * Each of these needs room for two more entries (regions_room), so that
 * nothing fails half way.
 */
bool regions_room(const struct regions *list);
void regions_cut(struct regions *list, uint64_t start, uint64_t end);
void regions_insert(struct regions *list, const struct region *r);	/* the range is free */
void regions_protect(struct regions *list, uint64_t start, uint64_t end, uint32_t prot);

/* The highest gap of that size in [low, high); 0: none. */
uint64_t regions_gap(struct regions *list, uint64_t bytes, uint64_t low, uint64_t high);

/* Is every page of [start, end) covered? */
bool regions_cover(struct regions *list, uint64_t start, uint64_t end);

#endif
