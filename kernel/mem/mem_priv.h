/* SPDX-License-Identifier: ISC */
/* What the files of mem/ share. */
#ifndef KERNEL_MEM_PRIV_H
#define KERNEL_MEM_PRIV_H

#include "mem.h"
#include "../arch/x86_64/arch.h"
#include "../cap/cap.h"
#include "../core/remote.h"

/*
 * No entry runs longer than 20,000 instructions: a call that works through
 * elements subtracts what each weighs (instructions, generously rounded) and
 * stops at the next element once nothing is left.
 */
#define WORK_ENTRY     15000
#define WEIGHT_ELEMENT 150
#define WEIGHT_SCRUB   550
#define WEIGHT_UNBIND  120
#define WEIGHT_GUARD   240		/* a guard tested: rights may have to be asked for up a tree of accounts */
#define WEIGHT_SKIP    2		/* an absent entry passed by pt_next, */
/* ... and the look itself; rights that are not where one looks first, too */
#define WEIGHT_LOOK 100
#define WEIGHT_CLONE   180
#define WEIGHT_RUN     50		/* a further page of a run changed, what letting go of it weighs besides, */
#define WEIGHT_PASS    10		/* ... or passed */
#define WEIGHT_DISMANTLE 2500		/* a step of env_dismantle */

#define FLUSH_VA_MAX 32u		/* beyond, the whole translation cache is cheaper */

struct work {
	int left;			/* instructions */
	unsigned flushed;		/* changes: pages of it, flushed one by one where it is loaded, or more */
	bool flush_all;			/* here, at the end */
	bool anywhere;			/* not only in `space` */
	u32 space;			/* root of the address space that changed, 0: none yet */
};
#define WORK_INIT { .left = WORK_ENTRY }

/* A page of the address space that is loaded changed. */
static inline void
work_flush_va(struct work *work, u64 va)
{
	if (work->flushed++ < FLUSH_VA_MAX)
		arch_flush_va(va);
	else
		work->flush_all = true;
}

/* Rights were taken away in who knows which address spaces. */
static inline void
work_flush_anywhere(struct work *work)
{
	work->flushed++;
	work->flush_all = work->anywhere = true;
}

/* The root of the only tree that the binding is in; 0: in none; ROOT_ANY: there may be several. */
#define ROOT_ANY (~0u)
u32 binding_root(binding_t at) REQUIRES(mem_lock);

/*
 * This binding is about to be broken.  Other CPUs are told only if they run the
 * address space that it is in: else everybody could interrupt everybody else as
 * often as it likes.
 */
static inline void
work_unbind(struct work *work, binding_t at) REQUIRES(mem_lock)
{
	u32 root;

	work->flushed++;
	work->flush_all = true;
	if (cpus_count == 1)
		return;
	root = binding_root(at);
	if (root == ROOT_ANY || (root != 0 && work->space != 0 && work->space != root))
		work->anywhere = true;
	else if (root != 0)
		work->space = root;
}

/*
 * No CPU has translations any more that the tables do not give.  Before mem_lock
 * is released, or a table that was unbound is bound as another one's.
 */
static inline void
work_flush(struct work *work) REQUIRES(mem_lock)
{
	if (likely(work->flushed == 0))
		return;
	if (work->flush_all)
		arch_flush_all();
	if (cpus_count > 1 && (work->anywhere || work->space != 0))
		cpus_flush(work->anywhere ? 0 : work->space);
	work->flush_all = work->anywhere = false;
	work->flushed = 0;
}

/* What asking for rights has cost since the last look. */
static inline void
work_asked(struct work *work) REQUIRES(mem_lock)
{
	if (guards_tested == 0)
		return;
	work->left -= (int)guards_tested * WEIGHT_GUARD;
	guards_tested = 0;
}

/* Calls on memory read key rings, hence both locks. */
void mem_enter_all(void) ACQUIRE(env_lock, mem_lock);
void mem_leave_all(void) RELEASE(env_lock, mem_lock);

static inline void NO_TSA
mem_enter(void) ACQUIRE(env_lock, mem_lock)
{
	if (LOCKS_NEEDED)
		mem_enter_all();
	guards_tested = 0;
}

static inline i64 NO_TSA
mem_leave(struct work *work, i64 result) RELEASE(env_lock, mem_lock)
{
	if (work)
		work_flush(work);
	if (LOCKS_NEEDED)
		mem_leave_all();
	return result;
}

static inline struct account *
account_of(exo_pfn pfn) REQUIRES(mem_lock)	/* pfn is known to be an account */
{
	return frame_ptr(pfn);
}

/*
 * One plain OP_MAP by self in its own address space; with `write` only where
 * the tables let a write through.  1 or an error.
 */
int map_one(struct env *self, const struct exo_map *e, bool write, struct work *work)
	REQUIRES(env_lock, mem_lock);

/* May self bind the frame so in a table of env's?  0 or an error. */
int may_map_ask(const struct env *self, const struct env *env, exo_pfn pfn, u32 op, exo_slot key)
	REQUIRES(mem_lock);

/* The contents of what self has bound at va, if it can read it; NULL. */
const void *page_seen(struct env *self, u64 va) REQUIRES(mem_lock);

/* Device memory: never what is, or could become, a frame, and nothing the kernel drives.  0 or an error. */
int may_io(const struct env *self, exo_pfn pfn, exo_slot key) REQUIRES(mem_lock);

/*
 * One element of map by self for itself: does it touch nothing but what self's
 * account has, or is free?  Then these two instead of mem_enter and mem_leave.
 */
bool map_is_local(struct env *self, const struct exo_map *e) REQUIRES(mem_lock);
void local_enter(const struct env *self) ACQUIRE(mem_lock);
void local_leave(const struct env *self) RELEASE(mem_lock);
/*
 * Such a one that releases a page.  The frame joins those that are gone (the last
 * of them; 0: none), which others can claim only when no CPU reaches them any more.
 */
u32 local_let_go(const struct walk *walk, u64 va, u32 gone, struct work *work) REQUIRES(mem_lock);
void local_free(u32 gone, struct work *work) REQUIRES(mem_lock);

/* A table for va out of the refill pool.  AGAIN: the work is used up, the fault must come once more. */
enum refill { REFILL_NONE, REFILL_AGAIN, REFILL_DONE };
enum refill pool_refill(struct env *env, u64 va, struct work *work) REQUIRES(mem_lock);

/* DATA frames of one account, usable, become a table of this level that is bound nowhere. */
void pt_make(unsigned level, exo_pfn table, exo_pfn links) REQUIRES(mem_lock);
/* Three different frames of the account that can become a table and its companions? */
int pt_makeable(const struct env *self, exo_slot key, exo_pfn account, exo_pfn table,
	exo_pfn links) REQUIRES(mem_lock);

/* Repossession: a request made and withdrawn, and who is told (deadline 0: the frame was taken). */
void repossess_ask(exo_pfn pfn, u64 deadline) REQUIRES(mem_lock);
void repossess_withdraw(exo_pfn pfn) REQUIRES(mem_lock);
void repossess_tell(exo_pfn account, exo_pfn pfn, u64 deadline) REQUIRES(mem_lock);
/* Takes it as far as the work goes: true, it is free. */
bool repossess_step(exo_pfn pfn, struct work *work) REQUIRES(mem_lock);
bool repossess_begun(exo_pfn pfn) REQUIRES(mem_lock);	/* is it being taken: no way back */
u64 *repossess_deadline(exo_pfn pfn) REQUIRES(mem_lock);	/* where that of the frame is kept */

/* Debts: asked for (0: all was there), told again, forgiven; what is not used any more pays them. */
u64 debt_ask(exo_pfn account, u64 frames, u64 deadline) REQUIRES(mem_lock);
void debt_warn(exo_pfn account, u64 deadline) REQUIRES(mem_lock);
void debt_forgive(exo_pfn account) REQUIRES(mem_lock);
void debt_settle(exo_pfn account) REQUIRES(mem_lock);
/* Is the account, or one above it, so late that the arbiter may choose among its frames? */
bool debt_due(exo_pfn account) REQUIRES(mem_lock);
/* A frame of the account was taken: it counts for whoever above it owes. */
void debt_paid(exo_pfn account) REQUIRES(mem_lock);

/* Losses: where a binding is, a record of one, and the contents of an unbound frame kept, with a record. */
u64 binding_va(binding_t at) REQUIRES(mem_lock);
void loss_record(exo_pfn account, const struct exo_loss *loss) REQUIRES(mem_lock);
void loss_keep(exo_pfn pfn, u64 va) REQUIRES(mem_lock);
/* A bounded number of a table's entries goes.  Of nobody's table, or one that is bound nowhere. */
void entries_remove(exo_pfn table, struct work *work) REQUIRES(mem_lock);
/* Does the key open the arbiter's name for this frame? */
int arbiter_allows(const struct env *self, exo_slot key, exo_pfn pfn);

/* The owning account's ring of frames. */
static inline void
account_link(exo_pfn pfn, exo_pfn owner) REQUIRES(mem_lock)
{
	struct account *account = account_of(owner);
	struct frame_priv *priv = &frames_priv[pfn];
	u32 head = account->head;

	if (head == 0) {
		priv->next = priv->prev = (u32)pfn;
	} else {
		priv->next = head;
		priv->prev = frames_priv[head].prev;
		frames_priv[priv->prev].next = (u32)pfn;
		frames_priv[head].prev = (u32)pfn;
	}
	account->head = (u32)pfn;
	account->used++;
	frames[pfn].account = (u32)owner;
}

static inline struct account *
account_unlink(exo_pfn pfn) REQUIRES(mem_lock)
{
	struct account *account = account_of(frames[pfn].account);
	struct frame_priv *priv = &frames_priv[pfn];

	must(account->used > 0);
	if (account->head == pfn)
		account->head = priv->next == pfn ? 0 : priv->next;
	frames_priv[priv->prev].next = priv->next;
	frames_priv[priv->next].prev = priv->prev;
	account->used--;
	return account;
}

/* A frame of the account went: what it counted for goes, and a debt is paid. */
void account_unlinked(exo_pfn account, bool fixed) REQUIRES(mem_lock);

/* It ends, and its limit of slices goes back to where it came from. */
void account_slices_close(struct account *account) REQUIRES(mem_lock);

/* An empty account ends: its limit goes back to the parent. */
void account_close(exo_pfn pfn) REQUIRES(mem_lock);

/* Do they open what the account was carved from?  0 or -EXO_E{RANGE,KIND,KEY,RIGHTS,STALE}. */
int account_carved(struct env *self, exo_pfn pfn, exo_slot k_parent, u32 rights)
	REQUIRES(mem_lock);

static inline int
account_room(const struct account *account, u64 count) REQUIRES(mem_lock)	/* 0 or -EXO_EQUOTA */
{
	if (account->used > account->limit || count > account->limit - account->used)
		return -EXO_EQUOTA;
	return 0;
}

/*
 * The free map is shared by those who have a part of mem_lock each: what is free
 * is whose step finds the bit set.  Everything else about a frame that becomes
 * free is written before.
 */
static inline void
freemap_give(exo_pfn pfn) REQUIRES(mem_lock)
{
	__atomic_fetch_add(&info->free_frames, 1, __ATOMIC_RELAXED);
	__atomic_fetch_or(&freemap[pfn / 64], 1ull << pfn % 64, __ATOMIC_RELEASE);
}

static inline bool
freemap_take(exo_pfn pfn) REQUIRES(mem_lock)
{
	u64 bit = 1ull << pfn % 64;

	if ((__atomic_fetch_and(&freemap[pfn / 64], ~bit, __ATOMIC_ACQUIRE) & bit) == 0)
		return false;
	__atomic_fetch_sub(&info->free_frames, 1, __ATOMIC_RELAXED);
	return true;
}

/* One that freemap_take has taken is the account's; the guard's serial is known. */
static inline void
frame_taken(exo_pfn pfn, exo_pfn account, exo_guardref guard, u64 guard_serial)
	REQUIRES(mem_lock)
{
	struct exo_frame *frame = &frames[pfn];

	debug_must(frame->kind == EXO_FRAME_FREE);
	frame->kind = EXO_FRAME_DATA;
	frame->generation++;
	frame->guard = guard;
	frame->guard_serial = guard_serial;
	account_link(pfn, account);
}

/* A frame that is DATA, or was, is nobody's any more; in the free map it is not yet. */
static inline void
frame_empty(exo_pfn pfn) REQUIRES(mem_lock)
{
	struct exo_frame *frame = &frames[pfn];
	const struct account *account = account_unlink(pfn);

	if (unlikely(frame->kind != EXO_FRAME_DATA || (frame->flags & EXO_FRAME_FIXED) ||
		    account->debt != 0))
		account_unlinked(frame->account, frame_fixed(pfn));
	frame->kind = frame->flags & EXO_FRAME_ASKED ? EXO_FRAME_LOST : EXO_FRAME_FREE;
	frame->account = 0;
	frame->flags = EXO_FRAME_DIRTY;
	frame->tag = 0;
	frame->generation++;
	frame->guard = 0;
	frame->guard_serial = 0;
	frames_priv[pfn] = (struct frame_priv){ .first = 0 };
}

/* frame_free of such a one. */
static inline void
frame_drop(exo_pfn pfn) REQUIRES(mem_lock)
{
	frame_empty(pfn);
	if (frames[pfn].kind == EXO_FRAME_FREE)
		freemap_give(pfn);
}

/* Is it owned, and does the key open it or its account for control?  0 or an error. */
static inline int
frame_control(const struct env *self, exo_pfn pfn, exo_slot key) REQUIRES(mem_lock)
{
	return frames[pfn].account == 0 ? -EXO_EKIND : frame_allows(self, key, pfn, EXO_C);
}

/*
 * One step of letting go of a frame: breaks a binding, or (true, the end) frees
 * it or hands it to an heir.  `last` is a binding to be broken at the very end,
 * so that a caller who comes back finds the frame by it; 0: none.
 */
bool release_step(exo_pfn pfn, binding_t last, struct work *work) REQUIRES(mem_lock);

/* The binding after `at` in the target's list, for invariants: panics if `previous` is not before it. */
binding_t binding_next(exo_pfn target, binding_t at, binding_t previous) REQUIRES(mem_lock);

/* An empty, unbound page table or root goes, with its companions. */
void pt_free(exo_pfn table) REQUIRES(mem_lock);

/*
 * What is bound in a table that is bound nowhere goes, as far as the work lasts.
 * Its pages were seen from va on; PT_SOMEWHERE: nobody knows.  False: there are more.
 */
#define PT_SOMEWHERE (~0ull)
bool pt_empty(exo_pfn table, u64 va, struct work *work) REQUIRES(mem_lock);

/* The same, and then the table goes. */
bool pt_release(exo_pfn table, struct work *work) REQUIRES(mem_lock);

bool pt_walk(struct walk *walk, exo_pfn root, u64 va, unsigned level) REQUIRES(mem_lock);

extern u64 walks_epoch;			/* [mem_lock] drawn anew when an entry above level 1 changes */

static inline unsigned
pt_shift(unsigned level)		/* an entry of a table of this level covers 1 << this bytes */
{
	return EXO_PAGE_SHIFT + 9 * (level - 1);
}

static inline unsigned
pt_index(u64 va, unsigned level)
{
	return (unsigned)(va >> pt_shift(level)) % PT_ENTRIES;
}

/* The first present entry in [from, end) of a table, or end. */
unsigned pt_next(const u64 *entries, unsigned from, unsigned end);

bool pt_walk_anew(struct env *env, u64 va) REQUIRES(mem_lock);

/* Is there a table whose entries map pages around va?  Then env->recent.walk is to it. */
static inline bool
pt_walk_page(struct env *env, u64 va) REQUIRES(mem_lock)
{
	return (env->recent.region == va >> pt_shift(2) && env->recent.epoch == walks_epoch) ||
		pt_walk_anew(env, va);
}

/*
 * May bindings in the table reached be changed on behalf of env?  In tables of
 * its own account, yes; in another's only where it was let in for writing.
 */
static inline bool
walk_mutable(const struct walk *walk, const struct env *env) REQUIRES(mem_lock)
{
	return walk->write || frames[walk->table].account == env->account;
}

/* The reverse map of a frame that is, or remains, bound elsewhere too. */
void reverse_insert(exo_pfn target, binding_t at) REQUIRES(mem_lock);
void reverse_remove(exo_pfn target, binding_t at) REQUIRES(mem_lock);

/*
 * binding_insert and binding_remove where the table is one of pages and the
 * target a frame, as in most calls; entry is the place that `at` names.
 */
static inline void
page_insert(u64 *entry, binding_t at, exo_pfn target, u64 pte) REQUIRES(mem_lock)
{
	debug_must(!(*entry & PTE_PRESENT) && !(pte & PTE_IO) && PTE_PFN(pte) == target);
	*entry = pte;
	frames_priv[BINDING_TABLE(at)].used++;
	if (frames[target].nmaps != 0) {
		reverse_insert(target, at);
		return;
	}
	frames[target].nmaps = 1;
	frames_priv[target].first = at;
}

static inline void
page_remove(u64 *entry, binding_t at, exo_pfn target) REQUIRES(mem_lock)
{
	*entry = 0;
	frames_priv[BINDING_TABLE(at)].used--;
	if (frames[target].nmaps != 1) {
		reverse_remove(target, at);
		return;
	}
	debug_must(frames_priv[target].first == at);
	frames[target].nmaps = 0;
	frames_priv[target].first = 0;
}

/* What a present entry binds goes. */
static inline void
entry_remove(u64 *entry, binding_t at) REQUIRES(mem_lock)
{
	if (*entry & PTE_IO)
		binding_remove(at);
	else
		page_remove(entry, at, PTE_PFN(*entry));
}

/* A present entry changes while the processors that use it may note in it that the page was touched. */
static inline void
entry_change(u64 *entry, u64 kept, u64 set)
{
	u64 old = *entry;

	while (!__atomic_compare_exchange_n(entry, &old, (old & kept) | set, false,
		__ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;			/* bound: they set two bits */
}

#define PTE_SOFT(op) ((u64)((op) & EXO_MAP_SOFT) << (PTE_SOFT_SHIFT - EXO_MAP_SOFT_SHIFT))
#define PTE_SOFT_MASK PTE_SOFT(EXO_MAP_SOFT)
#define PTE_ADDRESS (0xfffffffffull << EXO_PAGE_SHIFT)

/* One bounded step of account_reap at the head of the account's ring. */
enum reaped { REAP_DONE, REAP_PASSED };
/* One frame of a dead environment: 1 it is free, 0 there is more to be done, -EXO_EBUSY. */
int reap_one(exo_pfn pfn, struct work *work) REQUIRES(env_lock, mem_lock);
enum reaped reap_step(struct account *account, struct work *work) REQUIRES(env_lock, mem_lock);

#endif
