/* SPDX-License-Identifier: ISC */
/*
 * Robust locks of who was killed.  At the end of a thread its library gives them
 * on (thread/robust.c); one that was destroyed did not come to it.  So it is
 * done here, before what the process had is given back: from its library's list
 * of threads to the program's lists of locks, a few entries at a time.
 *
 * All of that is the dead one's word, and relatives that share tables or pages
 * may change it meanwhile.  So it is read, and locks are written, by its own page
 * tables, shown where the server has nothing, by the kernel's word that they are
 * its account's: what could be reached by them could be reached by it.  What is not
 * there is a fault, and the end of that list.
 */
#include "srv.h"
#include <errno.h>
#include "../arch/x86_64/copy.h"
#include "../thread/futexop.h"

#define TOP_SHIFT 39
#define TOP_BYTES (1ull << TOP_SHIFT)
#define TOP_LEVEL 3u			/* of the tables shown */
#define PLACE (64ull << TOP_SHIFT)
#define STEP 32u			/* entries and threads looked at */
#define OF_WAKE 8u			/* what looking for one that waits counts as */
#define THREADS_MAX 4096u
#define LOCKS_MAX 4096u			/* of all threads of a process */
#define NOWHERE (~0ull)

static struct {				/* one process after the other */
	struct proc *of;
	struct pub_table table[PUB_TABLES];
	uint64_t shown;			/* which of them is; NOWHERE */
	uint64_t thread;		/* the next one */
	unsigned threads, locks;	/* so many more */
	uint32_t tid;			/* whose list it is */
	uint64_t head, at;		/* head 0: no list */
	struct robust_head list;
} walk;

/* ---- its memory ---------------------------------------------------------------------------- */

static void
hide(void)
{
	if (walk.shown != NOWHERE)
		exo_pt_remove(exo_self(), PLACE | TOP_LEVEL, ROOT_KEY);
	walk.shown = NOWHERE;
}

static bool
is_its_table(exo_pfn pfn)
{
	const volatile struct exo_frame *f = exo_frame(pfn);

	return f && f->kind == EXO_FRAME_PT3 && f->account == walk.of->sh->account;
}

static bool
show(uint64_t slot)
{
	if (slot == walk.shown)
		return true;
	hide();
	for (unsigned n = 0; n < PUB_TABLES; n++) {
		const struct pub_table *t = &walk.table[n];

		if (t->slot != slot || !t->pfn || !is_its_table(t->pfn))
			continue;
		if (exo_pt_install(exo_self(), PLACE | TOP_LEVEL | EXO_PT_WRITE, t->pfn, 0,
			    ROOT_KEY, ROOT_KEY) < 0)
			return false;
		walk.shown = slot;
		if (is_its_table(t->pfn))
			return true;
		hide();			/* it changed hands just before: now it cannot */
		return false;
	}
	return false;
}

/* Where words of that size are now; 0: nowhere. */
static uint64_t
place(uint64_t va, uint64_t bytes, uint64_t size)
{
	const uint64_t here = va % TOP_BYTES;

	if (va % size || va >= EXO_USER_TOP || bytes > TOP_BYTES - here || !show(va >> TOP_SHIFT))
		return 0;
	return PLACE + here;
}

static bool
its_memory(uint64_t va, void *to, uint64_t bytes)
{
	const uint64_t at = place(va, bytes, sizeof(uint64_t));

	return at && exos_copy(to, (const void *)at, bytes) == 0;
}

/* ---- a lock ---------------------------------------------------------------------------------- */

/* Somebody who waits for it looks at it: where that lies is the kernel's word, too. */
static void
wake(uint64_t at)
{
	uint64_t entry = 0;

	if (exos_copy(&entry, (const void *)exo_pte_place(at, 1), sizeof(entry)) == 0 &&
		entry & EXO_PTE_PRESENT)
		futexes_wake_frame(EXO_PTE_PFN(entry), at % EXO_PAGE_BYTES);
}

/* As thread/robust.c has it: true if it was looked for somebody. */
static bool
died(uint64_t entry, bool pending)
{
	const uint64_t at = place((entry & ~ROBUST_PI) + (uint64_t)walk.list.offset,
		sizeof(uint32_t), sizeof(uint32_t));
	uint32_t seen;

	if (!at || exos_copy(&seen, (const void *)at, sizeof(seen)))
		return false;
	if (pending && !(entry & ROBUST_PI) && seen == 0) {
		wake(at);
		return true;
	}
	for (unsigned tries = 0; tries < STEP && (seen & FUTEX_TID) == walk.tid; tries++) {
		const bool waited = seen & FUTEX_WAITERS;
		const long done = exos_exchange((uint32_t *)at, &seen,
			(seen & FUTEX_WAITERS) | FUTEX_OWNER_DIED);

		if (done > 0 && waited)
			wake(at);
		if (done)
			return waited;
	}
	return false;
}

/* ---- lists ------------------------------------------------------------------------------------ */

/* The next thread's list; false: there is none. */
static bool
thread_next(void)
{
	struct robust_thread t;

	if (!walk.thread || walk.threads == 0 || !its_memory(walk.thread, &t, sizeof(t)))
		return false;
	walk.threads--;
	walk.thread = t.next;
	walk.tid = t.tid & FUTEX_TID;
	walk.head = t.robust;
	if (!walk.tid || !its_memory(walk.head, &walk.list, sizeof(walk.list)))
		walk.head = 0;
	walk.at = walk.list.first;
	return true;
}

/* One entry, or the end of the list: what it counts as. */
static unsigned
entry_next(void)
{
	const uint64_t at = walk.at, pending = walk.list.pending;
	uint64_t next;

	if (walk.locks == 0 || (at & ~ROBUST_PI) == walk.head ||
		!its_memory(at & ~ROBUST_PI, &next, sizeof(next))) {
		walk.head = 0;
		return pending && died(pending, true) ? OF_WAKE : 1;
	}
	walk.locks--;
	walk.at = next;
	return (at & ~ROBUST_PI) != (pending & ~ROBUST_PI) && died(at, false) ? OF_WAKE : 1;
}

static bool
begin(struct proc *p)
{
	const volatile struct pub *pub = proc_public(p);

	if (!pub)
		return false;
	walk.of = p;
	walk.shown = NOWHERE;
	for (unsigned n = 0; n < PUB_TABLES; n++) {
		walk.table[n].slot = pub->table[n].slot;
		walk.table[n].pfn = pub->table[n].pfn;
	}
	walk.threads = THREADS_MAX;
	walk.locks = LOCKS_MAX;
	walk.head = 0;
	return its_memory(pub->thread_list, &walk.thread, sizeof(walk.thread));
}

static void
end(struct proc *p)
{
	walk.of = NULL;
	p->robust = false;
	proc_lend_end(p);
	sfs_sweep_due();		/* until now it published what it had open */
}

bool
robust_step(struct proc *p)
{
	struct proc *of = walk.of;
	bool more = true;

	if (!of) {
		of = p;
		more = begin(of);
	}
	for (unsigned done = 0; more && done < STEP;) {
		if (walk.head)
			done += entry_next();
		else
			more = thread_next(), done++;
	}
	hide();
	if (!more)
		end(of);
	return p->robust;
}

void
robust_recover(void)
{
	walk.shown = NOWHERE;
}

bool
robust_fault(struct exo_save *context)
{
	if (context->rip < (uint64_t)exos_copy_begin || context->rip >= (uint64_t)exos_copy_end)
		return false;
	context->rip = (uint64_t)exos_copy_fault;
	return true;
}
