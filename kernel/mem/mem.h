/* SPDX-License-Identifier: ISC */
/*
 * Frames, accounts, page tables and the reverse map: what other parts of the
 * kernel may call.  All of it is under mem_lock.
 */
#ifndef KERNEL_MEM_H
#define KERNEL_MEM_H

#include "../core/core.h"

struct env;

/*
 * A binding is a slot of a page-table frame: table pfn << 9 | index; 0 is none.
 * (env, va) would not do, because page tables can be shared.
 */
typedef u64 binding_t;

/* Private half of a frame's entry, beside struct exo_frame.  32 bytes. */
struct frame_priv {			/* all [mem_lock] */
	binding_t first;		/* first binding; further ones are linked in the tables' companions */
	u32 next, prev;			/* pfn: the owning account's list of frames */
	u32 aux;			/* page table, root: first companion; LINKS: their table;
					 * ENV/RING/UAREA/ACT: the env frame */
	u32 used;			/* page table: present entries; GUARD: guards; ENV..: see env.h */
	u64 spare;
};

/* An account lies in the frame that names it. */
struct account {			/* all [mem_lock] */
	u32 parent;			/* pfn, 0 for the root account */
	u32 head;			/* pfn of the first frame owned */
	u64 limit;			/* frames it may own, those carved for children excluded */
	u64 used;			/* frames owned */
	u64 carved;			/* limit handed to children */
	u32 children;
	u32 spare;
	exo_guardref guard;		/* who may charge (W) and control (C) it */
	u64 guard_serial;
};

extern struct exo_frame *frames;	/* [I] the tables, indexed by pfn */
extern struct frame_priv *frames_priv;	/* [I] */
extern u64 frames_count;		/* [I] */
extern u64 *freemap;			/* [mem_lock] */

static inline struct exo_frame *
frame_at(exo_pfn pfn)			/* NULL: outside the table */
{
	return pfn < frames_count ? &frames[pfn] : NULL;
}

/* Claim, give up, type: the mechanism under the calls.  Preconditions are must()s. */
void frame_take(exo_pfn pfn, exo_pfn account, exo_guardref guard) REQUIRES(mem_lock);
void frame_free(exo_pfn pfn) REQUIRES(mem_lock);		/* unbound, unpinned */
void frame_scrub(exo_pfn pfn) REQUIRES(mem_lock);		/* zero it if DIRTY */
void frame_type(exo_pfn pfn, enum exo_frame_kind kind, u32 aux) REQUIRES(mem_lock);	/* scrubs, except LINKS */

struct account *account_at(exo_pfn pfn) REQUIRES(mem_lock);	/* NULL: not an account */

/* May this key slot of env act on the frame / account?  0 or -EXO_E{KEY,RIGHTS,STALE}. */
int frame_allows(const struct env *self, exo_slot key, exo_pfn pfn, u32 rights) REQUIRES(mem_lock);
int account_allows(const struct env *self, exo_slot key, exo_pfn account, u32 rights) REQUIRES(mem_lock);

/* Is pfn an unbound, unpinned DATA frame of this account?  0 or an error. */
int frame_usable(exo_pfn pfn, exo_pfn account) REQUIRES(mem_lock);

/* A root page table: kernel half, exposed tables and recursive slot filled in. */
void root_init(exo_pfn root, exo_pfn links) REQUIRES(mem_lock);

/* One binding made or broken; the PTE is written, the reverse map kept.  Flushing is the caller's. */
void binding_insert(binding_t at, exo_pfn target, u64 pte) REQUIRES(mem_lock);
void binding_remove(binding_t at) REQUIRES(mem_lock);

/* Page-table entry that maps va in this root at level 1, or NULL.  Level as in pt_install. */
u64 *pt_entry(exo_pfn root, u64 va, unsigned level, binding_t *at) REQUIRES(mem_lock);

/* Boot: build the tables from the memory map; everything free or KERNEL. */
struct memory_range { u64 base, bytes; };
void mem_boot(const struct memory_range *usable, unsigned count);

/* Invariants; panic names the one broken. */
void mem_check(void);

#endif
