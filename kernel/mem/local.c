/* SPDX-License-Identifier: ISC */
/*
 * Several processors at memory at once.
 *
 * Most changes of a running program are its account's own: a free frame becomes
 * the account's and is bound in a page table of the account's, which lies in one
 * address space only; a frame that is bound nowhere else loses its binding, and
 * is free.  Who changes nothing but that takes its CPU's part of mem_lock and the
 * lock of the account, so that two who have different accounts wait for each
 * other nowhere; all others take mem_lock with all parts (core.h).
 *
 * What two such share is the free map, where a bit is taken by one atomic step,
 * and the count beside it.  What they read of others (a frame's owner, an upper
 * table, a grant) changes under the whole of mem_lock only, or is compared with
 * their own account, which no frame enters or leaves behind that one's lock.
 * Locks are taken in the order: part, account, flush (remote.c); env_lock is not.
 *
 * The free map is not under the account's lock: a frame in it is another's at once.
 * So what is let go of comes there last, behind the flush.
 */
#include "mem_priv.h"

void NO_TSA
mem_enter_all(void)
{
	lock_acquire(&env_lock);
	mem_acquire_all();
}

void NO_TSA
mem_leave_all(void)
{
	mem_release_all();
	lock_release(&env_lock);
}

void NO_TSA
local_enter(const struct env *self)
{
	u32 *busy;

	mem_part_acquire();
	busy = &account_of(self->account)->busy;
	if (__atomic_exchange_n(busy, 1, __ATOMIC_ACQUIRE) != 0)
		lock_spin(busy, EXO_LOCK_MEM);
}

void NO_TSA
local_leave(const struct env *self)
{
	__atomic_store_n(&account_of(self->account)->busy, 0, __ATOMIC_RELEASE);
	mem_part_release();
}

/* Data of self's account alone, bound so many times, of which nobody expects anything. */
static bool
own_page(const struct env *self, exo_pfn pfn, u32 nmaps) REQUIRES(mem_lock)
{
	const struct exo_frame *frame = frame_at(pfn);

	return frame != NULL && frame->account == self->account && frame->nmaps == nmaps &&
		frame->kind == EXO_FRAME_DATA && frame->guard == 0 && frame->pins == 0 &&
		!(frame->flags & (EXO_FRAME_ASKED | EXO_FRAME_FIXED));
}

/* Rights that are not remembered are asked for under all of the lock: that reads keys and guards. */
static bool
granted(const struct env *self, const struct exo_map *e, u32 rights) REQUIRES(mem_lock)
{
	return grant_holds(self, e->key, self->account, rights);
}

bool
map_is_local(struct env *self, const struct exo_map *e)
{
	const struct walk *walk = &self->recent.walk;
	u64 pte;

	if (e->va % EXO_PAGE_BYTES != 0 || e->va >= EXO_USER_TOP || !pt_walk_page(self, e->va))
		return false;
	if (walk->shared || frames[walk->table].account != self->account)
		return false;
	pte = walk->entries[pt_index(e->va, 1)];
	if ((e->op & EXO_OP_MASK) == EXO_OP_MAP) {
		if ((pte & PTE_PRESENT) || (e->op & EXO_MAP_IO))
			return false;
		if (e->op & EXO_MAP_CLAIM)
			return granted(self, e, EXO_A);
		return own_page(self, e->pfn, 0) && granted(self, e, EXO_R | (e->op & EXO_W));
	}
	if (e->op >> EXO_MAP_RUN_SHIFT != 0 || !(pte & PTE_PRESENT) || (pte & PTE_IO) ||
		!own_page(self, PTE_PFN(pte), 1))
		return false;
	if ((e->op & EXO_OP_MASK) == EXO_OP_PROTECT)
		return granted(self, e, EXO_R | (e->op & EXO_W));
	return !(e->op & EXO_MAP_RELEASE) ||
		(account_of(self->account)->debt == 0 && granted(self, e, EXO_C));
}

u32
local_let_go(const struct walk *walk, u64 va, u32 gone, struct work *work)
{
	const unsigned index = pt_index(va, 1);
	u64 *entry = &walk->entries[index];
	const exo_pfn pfn = PTE_PFN(*entry);

	page_remove(entry, BINDING(walk->table, index), pfn);
	frame_empty(pfn);
	frames_priv[pfn].next = gone;
	work_flush_va(work, va);
	work->left -= WEIGHT_ELEMENT + WEIGHT_UNBIND;
	return (u32)pfn;
}

void
local_free(u32 gone, struct work *work)
{
	work_flush(work);
	while (gone != 0) {		/* bound: a batch of map's elements */
		const exo_pfn pfn = gone;

		gone = frames_priv[pfn].next;
		frames_priv[pfn].next = 0;
		freemap_give(pfn);
	}
}
