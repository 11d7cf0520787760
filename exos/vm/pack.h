/* SPDX-License-Identifier: ISC */
/*
 * Memory given back while it is in use: the program's cold pages are squeezed
 * into a store of the library's (store.h) and come back when they are touched.
 * The program never notices.
 *
 * A page that is kept is absent; what the store has for an address comes before
 * all else that the region would put there.  The store's pages are frames of the
 * pages that it took in, so that giving needs no memory; its page tables, a page
 * to squeeze into and the repossession vector are made while there is some.
 */
#ifndef EXOS_PACK_H
#define EXOS_PACK_H

#include "vm.h"

void pack_grew(u64 frames);		/* that many more were given to this process */
/* Let go of so many frames, as far as there are any: how many.  fast: whatever is at hand, not what is cold. */
u64 pack_give(u64 frames, bool fast);
void pack_out(const struct region *r, u64 start, u64 end);	/* these, as far as they get smaller */
bool pack_has(u64 va);
int pack_bring(const struct region *r, u64 va);	/* back: 0 or -ENOMEM */
int pack_bring_all(u64 start, u64 end);
void pack_drop(u64 start, u64 end);	/* forget what is kept for these pages */

/* While frames of the program are in hand (fork, mremap) none are let go. */
void pack_hold(void);
void pack_release(void);
/* One page moves to another frame, so that two free ones are neighbours: a page table needs such. */
bool pack_pair(void);
void pack_stay(bool stay);		/* no page moves */

u64 pack_bytes(void);			/* of the store, for fork to copy */
const volatile struct exo_vector *pack_vector(void);	/* NULL: none */
void pack_fork_child(void);

/*
 * ---- spare.c: pages that the kernel took by name, saved in spare frames that were named beforehand ----
 *
 * What was saved counts as kept until it is touched, as if it had been squeezed:
 * pack_has, pack_bring and pack_drop know of it.
 */
#define SPARES_MOST 32u
void spare_begin(void);			/* a vector was named, and counts from 0 */
void spare_grow(u64 granted);		/* name some, for who was given so much */
u64 spare_give(u64 frames);		/* ... and let go of them again: how many */
/* What was taken is known; false: something else than such pages was, too */
bool spare_collect(void);
bool spare_has(u64 va);
int spare_bring(const struct region *r, u64 va);	/* 0 or -ENOMEM */
int spare_bring_all(u64 start, u64 end);
void spare_drop(u64 start, u64 end);
void spare_move(u64 from, u64 bytes, u64 to);	/* they are kept for there */
bool spare_any(void);			/* something is absent that fork should copy */

/* ---- revoke.c: what is asked of this process, and what was taken from it ---- */
extern struct revoke_known { u64 asked, lost; } revoke_known;	/* served so far */
void revoke_answer(void);
/* Before that: the library may let go of what it has for calls in progress */
void revoke_idle(void);
void revoke_check_lost(void);		/* in a page fault: only that */
struct exo_term revoke_term(void);	/* something is asked for */
void revoke_fork_child(void);

/* Wherever a signal would be looked for. */
static inline void
revoke_check(void)
{
	const volatile struct exo_revocation *r = &UAREA->revocation;

	if (r->lost != revoke_known.lost || r->debt.asked != revoke_known.asked)
		revoke_answer();
}

#endif
