/* SPDX-License-Identifier: ISC */
/*
 * A second environment for a demo, made from named frames: it runs a function of
 * the same program.  The image is mapped into it at the same addresses, data
 * included; stacks and u-area are its own, in a top-level slot of their own.
 *
 * CHILD_INSIDE: instead of the image it has all of the maker's lowest top-level
 * slot, by sharing the table: whatever the maker maps there, the child has, too.
 */
#ifndef CHILD_H
#define CHILD_H

#include <exo/lib.h>
#include <exo/read.h>

#define CHILD_AT 0x8000000000ull	/* its own slot: u-area, then stacks */
#define CHILD_UAREA CHILD_AT
#define CHILD_INSIDE 1u

struct child {
	exo_envid id;
	exo_pfn base;			/* its frames, in a row */
};

/* What the maker has: its account, and the key that opens it. */
exo_pfn child_account(void);
exo_slot child_key(void);

/* It starts parked, without a slice: who yields to it, or calls it, gives it time.  False: no frames. */
bool child_make(struct child *child, void (*fn)(uint64_t), uint64_t arg, uint32_t flags);
int64_t child_map(exo_envid env, uint64_t va, exo_pfn pfn, uint32_t op);

/* A page of ours for the child, too, at va, with the page table that it takes. */
bool child_see(const struct child *child, uint64_t va, exo_pfn pfn);

/* The program's own page tables at va, down to level 1, from claimed frames. */
bool own_tables(uint64_t va);

#endif
