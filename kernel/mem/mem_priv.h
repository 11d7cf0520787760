/* SPDX-License-Identifier: ISC */
/* What the files of mem/ share. */
#ifndef KERNEL_MEM_PRIV_H
#define KERNEL_MEM_PRIV_H

#include "mem.h"
#include "../arch/x86_64/arch.h"

/*
 * No entry runs longer than 20,000 instructions: a call that works through
 * elements subtracts what each weighs (instructions, generously rounded) and
 * stops at the next element once nothing is left.
 */
#define WORK_ENTRY     15000
#define WEIGHT_ELEMENT 200
#define WEIGHT_SCRUB   550
#define WEIGHT_UNBIND  120
#define WEIGHT_SKIP    10

#define FLUSH_VA_MAX 32u		/* beyond, the whole translation cache is cheaper */

struct work {
	int left;			/* instructions */
	unsigned flushed;		/* pages flushed one by one */
	bool flush_all;			/* at the end */
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

/* Calls on memory read key rings, hence both locks. */
static inline void
mem_enter(void) ACQUIRE(env_lock, mem_lock)
{
	lock_acquire(&env_lock);
	lock_acquire(&mem_lock);
}

static inline i64
mem_leave(struct work *work, i64 result) RELEASE(env_lock, mem_lock)
{
	if (work && work->flush_all)
		arch_flush_all();
	lock_release(&mem_lock);
	lock_release(&env_lock);
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

/* Repossession: a request made and withdrawn, and who is told (deadline 0: the frame was taken). */
void repossess_ask(exo_pfn pfn, u64 deadline) REQUIRES(mem_lock);
void repossess_withdraw(exo_pfn pfn) REQUIRES(mem_lock);
void repossess_tell(exo_pfn pfn, u64 deadline) REQUIRES(mem_lock);
/* Takes it as far as the work goes: true, it is free. */
bool repossess_step(exo_pfn pfn, struct work *work) REQUIRES(mem_lock);
/* Does the key open the arbiter's name for this frame? */
int arbiter_allows(const struct env *self, exo_slot key, exo_pfn pfn);

/* The owning account's ring of frames. */
void account_link(exo_pfn pfn, exo_pfn account) REQUIRES(mem_lock);
void account_unlink(exo_pfn pfn) REQUIRES(mem_lock);
/* An empty account ends: its limit goes back to the parent. */
void account_close(exo_pfn pfn) REQUIRES(mem_lock);
int account_room(const struct account *account, u64 count) REQUIRES(mem_lock);	/* 0 or -EXO_EQUOTA */

/* Is it owned, and does the key open it or its account for control?  0 or an error. */
int frame_control(const struct env *self, exo_pfn pfn, exo_slot key) REQUIRES(mem_lock);

/*
 * One step of letting go of a frame: breaks a binding, or (true, the end) frees
 * it or hands it to an heir.  `last` is a binding to be broken at the very end,
 * so that a caller who comes back finds the frame by it; 0: none.
 */
bool release_step(exo_pfn pfn, binding_t last) REQUIRES(mem_lock);

/* The binding after `at` in the target's list, for invariants: panics if `previous` is not before it. */
binding_t binding_next(exo_pfn target, binding_t at, binding_t previous) REQUIRES(mem_lock);

/* An empty, unbound page table or root goes, with its companions. */
void pt_free(exo_pfn table) REQUIRES(mem_lock);

/* A walk down a tree of page tables. */
struct walk {
	exo_pfn table;			/* the table reached */
	u64 *entries;			/* its entries */
	unsigned gap;			/* the walk ended early: level of the absent entry, else 0 */
	bool write;			/* every entry on the way allows writing */
	bool shared;			/* some table on the way is bound more than once */
};
bool pt_walk(struct walk *walk, exo_pfn root, u64 va, unsigned level) REQUIRES(mem_lock);
/* To the table whose entries map pages around va; NULL: there is none.  Good until a table is entered or removed. */
const struct walk *pt_walk_page(exo_pfn root, u64 va) REQUIRES(mem_lock);

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

/*
 * May bindings in the table reached be changed on behalf of env?  In tables of
 * its own account, yes; in another's only where it was let in for writing.
 */
static inline bool
walk_mutable(const struct walk *walk, const struct env *env) REQUIRES(mem_lock)
{
	return walk->write || frames[walk->table].account == env->account;
}

#define PTE_SOFT(op) ((u64)((op) & EXO_MAP_SOFT) << (PTE_SOFT_SHIFT - EXO_MAP_SOFT_SHIFT))
#define PTE_SOFT_MASK PTE_SOFT(EXO_MAP_SOFT)
#define PTE_ADDRESS (0xfffffffffull << EXO_PAGE_SHIFT)

/* One bounded step of account_reap at the head of the account's ring. */
enum reaped { REAP_DONE, REAP_PASSED };
enum reaped reap_step(struct account *account, struct work *work) REQUIRES(env_lock, mem_lock);

#endif
