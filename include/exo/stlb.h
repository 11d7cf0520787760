/* SPDX-License-Identifier: ISC */
/*
 * The software TLB: a cache of bindings in frames that an environment offers
 * (stlb_offer).  On a page fault the kernel looks here before it makes an
 * upcall: an entry for the page is done as OP_MAP would do it, with every
 * check, and the program goes on.  So a library may have far more bindings
 * than its page tables hold, and replacing one costs no upcall.
 *
 * A direct-mapped array over all the frames offered; the library keeps them
 * mapped and writes them at will.  The kernel reads an entry once and believes
 * nothing.  What cannot be done, or would not let the access through, is the
 * ordinary upcall.  An entry binds a page that faults, never takes a binding
 * away: to change what is bound, write the entry and unmap (or map) the page.
 *
 * Where a page has an entry here and no page table to be bound in, a table of
 * the refill pool (stlb_pool) becomes one, in the order of the pool's places:
 * what was bound in it before goes, and comes back from here when it is touched.
 * So an environment lives on as many page tables as it offers, at any number of
 * addresses.  What such a table said of its pages (accessed, dirty) goes with it,
 * and bindings that have no entry here are met again as ordinary page faults.
 *
 * To change an entry while another CPU may fault: tag 0, target, tag.
 */
#ifndef EXO_STLB_H
#define EXO_STLB_H

#include "types.h"

#define EXO_STLB_FRAMES 64u		/* at most; their number is a power of two */
#define EXO_STLB_ENTRIES 256u		/* in a frame */
#define EXO_POOL_TABLES 64u		/* places of the refill pool; three tables lead anywhere */

struct exo_stlb {			/* 16 bytes */
	uint64_t tag;			/* page address | EXO_MAP_READ | _WRITE | _EXEC | soft bits; without READ: empty */
	uint64_t target;		/* frame number | key slot << EXO_STLB_KEY_SHIFT */
};
#define EXO_STLB_KEY_SHIFT 40
#define EXO_STLB_PFN ((1ull << EXO_STLB_KEY_SHIFT) - 1)

/* Which entry of an array of so many frames a page has. */
static inline uint64_t
exo_stlb_index(uint64_t va, uint64_t stlb_frames)
{
	return (va >> EXO_PAGE_SHIFT) & (stlb_frames * EXO_STLB_ENTRIES - 1);
}

_Static_assert(sizeof(struct exo_stlb) * EXO_STLB_ENTRIES == EXO_PAGE_BYTES, "entries of a frame");

#endif
