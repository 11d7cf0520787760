/* SPDX-License-Identifier: ISC */
/*
 * Memory and translation: frames, accounts, page tables and the reverse map.
 * What other parts of the kernel may call; all of it is under mem_lock, which
 * is taken after env_lock.
 *
 * The stories, with the life of each: frame.c (frames), account.c (who owns
 * and pays), pt.c (bindings), reap.c (what the dead leave), repossess.c (taken
 * by the arbiter), debt.c (asked back from an account), loss.c (what is kept of
 * what was taken), stlb.c and pool.c (bindings and tables made at the fault).  The calls are in *_sys.c,
 * what must always be true in mem_check.c.
 *
 * Who writes the tables: frame.c (claim, free, type, scrub), account.c (lists,
 * limits), pt.c (bindings).  A free frame is DIRTY: nobody knows what lies in
 * it.  A claimed one stays DIRTY until it is first mapped or typed, and is
 * zeroed then; from there on the contents are its owner's.
 */
#ifndef KERNEL_MEM_H
#define KERNEL_MEM_H

#include "../env/env.h"

/*
 * A binding is a slot of a page-table frame: table pfn << 9 | index; 0 is none.
 * (env, va) would not do, because page tables can be shared.
 */
typedef u64 binding_t;

#define BINDING(table, index) ((binding_t)(table) << 9 | (index))
#define BINDING_TABLE(b) ((exo_pfn)((b) >> 9))
#define BINDING_INDEX(b) ((unsigned)((b) & 511))

/* Private half of a frame's entry, beside struct exo_frame.  32 bytes. */
struct frame_priv {			/* all [mem_lock] */
	binding_t first;		/* first binding; further ones are linked in the tables' companions */
	u32 next, prev;			/* pfn: the owning account's ring of frames */
	u32 cursor;			/* how far a bounded walk over this frame got */
	u32 aux;			/* page table, root: first companion; LINKS: their table;
					 * RING, UAREA, ACT: the env frame */
	union {
		struct {
			u32 used;	/* page table, root: present user entries; GUARD: guards;
					 * ENV: ROOT, RING, UAREA and ACT frames that go with it */
			u32 env;	/* ROOT: the env frame; ENV: 1 once env_dismantle is done */
		};
		u64 deadline;		/* DATA: ASKED for, and may be taken from then on, ns; of a page table
					 * its first LINKS has it.  While it is being taken: the address
					 * where it was bound */
	};
};

/* An account lies in the frame that names it. */
struct account {			/* all [mem_lock] */
	u32 parent;			/* pfn, 0 for the root account */
	u32 head;			/* pfn of a frame owned: its place in the ring of all */
	u64 limit;			/* frames it may own, those carved for children excluded */
	u64 used;			/* frames owned; above the limit only by inheritance */
	u64 carved;			/* limit handed to children */
	u32 children;
	u32 depth;			/* below the root account; at most ACCOUNT_DEPTH */
	u32 passed;			/* frames in a row that account_reap could do nothing with */
	u32 busy;			/* a lock: local.c */
	exo_guardref guard;		/* who may charge (A) and control (C) it */
	u64 guard_serial;
	exo_envid watcher;		/* is told of revocations, 0: nobody; may be dead by now */
	/* repossession: debt.c, loss.c */
	u64 debt;			/* frames asked back, and not given yet: limit that goes as it is not used */
	u64 debt_deadline;		/* ns: from then on the arbiter chooses; 0: no debt */
	u64 fixed;			/* frames that cannot be taken: FIXED, or of a kind that is not */
	u64 fixed_limit;		/* above which it marks no more; carved from the parent's */
	u32 vector, vector_generation;	/* the frame where losses are recorded, 0: none */
	u64 losses;			/* records written there so far */
	u64 spares;			/* spare frames named there that were looked at so far */
	/* quota.c, [env_lock]: */
	u32 slices, slices_limit;	/* of time, charged here; never more than the limit */
	u32 slices_from;		/* account that the limit was carved from; 0: none of its own */
};
_Static_assert(__builtin_offsetof(struct account, used) ==
			__builtin_offsetof(struct exo_account, used) &&
		__builtin_offsetof(struct account, debt) ==
			__builtin_offsetof(struct exo_account, debt) &&
		__builtin_offsetof(struct account, fixed_limit) ==
			__builtin_offsetof(struct exo_account, fixed_limit), "as it is exposed");
#define ACCOUNT_DEPTH 16u		/* bounds the walk to a parent's guard */

extern struct exo_frame *frames;	/* [I] the tables, indexed by pfn */
extern struct frame_priv *frames_priv;	/* [I] */
extern u64 frames_count;		/* [I] */
extern u64 *freemap;			/* [mem_lock] */

static inline struct exo_frame *
frame_at(exo_pfn pfn)			/* NULL: outside the table */
{
	return pfn < frames_count ? &frames[pfn] : NULL;
}

/*
 * Is it a clone that somebody else has, too, who must not find it changed or gone?
 * One who lets go of its own binding is still the owner of what its heir sees.
 */
static inline bool
frame_cloned(exo_pfn pfn) REQUIRES(mem_lock)
{
	const struct exo_frame *frame = &frames[pfn];

	if (!(frame->flags & EXO_FRAME_COW) || frame->nmaps == 0)
		return false;
	return frame->nmaps > 1 ||
		frames[BINDING_TABLE(frames_priv[pfn].first)].account != frame->account;
}

/* Claim, give up, type: the mechanism under the calls.  Preconditions are must()s. */
void frame_take(exo_pfn pfn, exo_pfn account, exo_guardref guard) REQUIRES(mem_lock);
void frame_free(exo_pfn pfn) REQUIRES(mem_lock);		/* unbound, unpinned; LOST if it was asked for */
void frame_scrub(exo_pfn pfn) REQUIRES(mem_lock);		/* zero it if DIRTY */
void frame_keep(exo_pfn pfn)
	REQUIRES(mem_lock); /* what lies in it is meant to be seen; not DIRTY */

/*
 * A DATA frame becomes the kernel's (or, ROOT: use root_init; PTn: pt_attach).
 * Zeroes it, except LINKS, and UAREA, which keeps what its owner put there.
 * RING, UAREA, ACT: aux is the env frame, already typed.
 */
void frame_type(exo_pfn pfn, enum exo_frame_kind kind, u32 aux) REQUIRES(mem_lock);

/* Can it never be taken, but by destroying what it is part of?  These are counted. */
static inline bool
frame_fixed(exo_pfn pfn) REQUIRES(mem_lock)
{
	enum exo_frame_kind kind = frames[pfn].kind;

	if (frames[pfn].flags & EXO_FRAME_FIXED)
		return true;
	return kind > EXO_FRAME_PT3 && kind != EXO_FRAME_LINKS && kind != EXO_FRAME_LOST;
}

/* LOST and nobody's: free again. */
void frame_reopen(exo_pfn pfn) REQUIRES(mem_lock);

/* The owner lets go of an HEIR frame that `heir` still binds. */
void frame_pass(exo_pfn pfn, exo_pfn heir) REQUIRES(mem_lock);

static inline struct account *
account_at(exo_pfn pfn) REQUIRES(mem_lock)	/* NULL: not an account */
{
	return pfn < frames_count && frames[pfn].kind == EXO_FRAME_ACCOUNT ? frame_ptr(pfn) : NULL;
}

/* env.h has what a grant is. */
extern u64 grants_epoch;		/* [mem_lock] */

static inline void
grant_forget(void) REQUIRES(mem_lock)
{
	grants_epoch++;
}

static inline bool
grant_is(const struct grant *g, exo_slot key, u64 about, u32 rights) REQUIRES(mem_lock)
{
	return g->about == about && g->key == key && g->epoch == grants_epoch &&
		(rights & g->others) == 0;
}

/* What is remembered of who asked is no part of what it is. */
void grant_note(const struct grant *g, exo_slot key, u64 about, u32 rights) REQUIRES(mem_lock);

/*
 * Slices: who pays for those of an account's environments, whether for one
 * more, and the charge (1, -1).  The account is known to be one.
 */
exo_pfn account_pays(exo_pfn account) REQUIRES(env_lock);
int account_slice_room(exo_pfn payer) REQUIRES(env_lock);
void account_slice_charge(exo_pfn payer, int slices) REQUIRES(env_lock);
/* Invariant of one that pays for some */
bool account_slice_holds(exo_pfn payer) REQUIRES(env_lock);

/* account_allows without the memory of it, and with: account.c. */
int account_test(const struct env *self, exo_slot key, exo_pfn account, u32 rights)
	REQUIRES(mem_lock);
int account_ask(const struct env *self, exo_slot key, exo_pfn account, u32 rights)
	REQUIRES(mem_lock);

/* True: it may, as it did before; false says nothing. */
static inline bool
grant_holds(const struct env *self, exo_slot key, exo_pfn account, u32 rights) REQUIRES(mem_lock)
{
	if (!grant_is(&self->grant, key, account, rights))
		return false;
	debug_must(account_test(self, key, account, rights) == 0);
	return true;
}

/* May this key slot of env act on the account?  0 or -EXO_E{KEY,RIGHTS,STALE}. */
static inline int
account_allows(const struct env *self, exo_slot key, exo_pfn account, u32 rights)
	REQUIRES(mem_lock)
{
	return grant_holds(self, key, account, rights) ? 0 :
		account_ask(self, key, account, rights);
}

bool frame_guard_opens(const struct env *self, exo_slot key, exo_pfn pfn, u32 rights)
	REQUIRES(mem_lock);

/* May it act on the frame?  By the frame's own guard, or the account's. */
static inline int
frame_allows(const struct env *self, exo_slot key, exo_pfn pfn, u32 rights) REQUIRES(mem_lock)
{
	if (frames[pfn].account == 0)
		return -EXO_ERIGHTS;
	if (frames[pfn].guard && frame_guard_opens(self, key, pfn, rights))
		return 0;
	return account_allows(self, key, frames[pfn].account, rights);
}

/* Is pfn an unbound, unpinned DATA frame of this account?  0 or an error. */
int frame_usable(exo_pfn pfn, exo_pfn account) REQUIRES(mem_lock);
/*
 * The same for one who may charge the account, which many may: what lies under
 * a guard of its own is somebody's, and takes control of it.
 */
int frame_usable_by(const struct env *self, exo_slot key, exo_pfn pfn, exo_pfn account)
	REQUIRES(mem_lock);
/* What lies under a guard of its own, and may have been another's to guard, is typed by who controls it. */
int frame_typeable(const struct env *self, exo_slot key, exo_pfn pfn) REQUIRES(mem_lock);
/* frame_usable for a u-area to be: it may be bound already, once, by a table of the account, not executable. */
int frame_usable_uarea(exo_pfn pfn, exo_pfn account) REQUIRES(mem_lock);

/* A root page table of env_frame (already typed): kernel half, exposed tables and recursive slot filled in. */
void root_init(exo_pfn root, exo_pfn links, exo_pfn env_frame) REQUIRES(mem_lock);

/*
 * A new page table of this level (1..3) with its companions links, links + 1,
 * all frame_usable, entered at `at`, an absent entry of a table one level up.
 */
void pt_attach(binding_t at, unsigned level, exo_pfn table, exo_pfn links, bool write)
	REQUIRES(mem_lock);

/*
 * One binding made (in an absent entry) or broken; the PTE is written, the
 * reverse map kept.  pte: the flags; the frame number is put in here.  With
 * PTE_IO there is no reverse map.  Flushing is the caller's, scrubbing too.
 */
void binding_insert(binding_t at, exo_pfn target, u64 pte) REQUIRES(mem_lock);
void binding_remove(binding_t at) REQUIRES(mem_lock);

/*
 * The entry for va in the table of this level: 1 is the entry that maps the
 * page, 4 lies in the root.  NULL where a table on the way is missing.
 * pt_install of level n fills the entry of level n + 1.
 */
u64 *pt_entry(exo_pfn root, u64 va, unsigned level, binding_t *at) REQUIRES(mem_lock);

/*
 * A page fault of self (address and hardware error code): bound from its
 * software TLB, so that the program may go on?
 */
bool stlb_fault(struct env *self, u64 addr, u64 fault) EXCLUDES(env_lock, mem_lock);

/*
 * Boot, in this order: the tables from the memory map (everything in them is
 * free, the rest ABSENT); then what is the kernel's (KERNEL or TRACE; may
 * overlap, TRACE stays; may cover more than memory); then the root account, in a free
 * frame, with all that is left as its limit.
 */
struct memory_range { u64 base, bytes; };
void mem_boot(const struct memory_range *usable, unsigned count);
void mem_reserve(u64 base, u64 bytes, enum exo_frame_kind kind);
void account_boot(exo_pfn pfn);

/* Invariants; panic names the one broken.  Takes the locks itself. */
void mem_check(void);

#endif
