/* SPDX-License-Identifier: ISC */
/*
 * Robust locks: a list in the program's memory of what a thread holds.  At its
 * end each says that its owner died, and one of those that wait looks at it.  Of
 * a process that is killed the server does the same (server/robust.c).
 */
#include "futex.h"
#include "../arch/x86_64/arch.h"
#include "../core/self.h"
#include "../linux/calls.h"
#include "../linux/errno.h"
#include "futexop.h"

_Static_assert(offsetof(struct thread, next) == offsetof(struct robust_thread, next) &&
		offsetof(struct thread, robust) == offsetof(struct robust_thread, robust) &&
		offsetof(struct thread, tid) == offsetof(struct robust_thread, tid),
	"the server looks for them there");

#define ENTRIES_MAX 2048u		/* the list may be a ring without end */

/* pending: taken off or not yet on the list; who was about to wait or wake did not come to it. */
static void
died(const struct thread *t, u64 word, bool pi, bool pending)
{
	u32 seen;

	if (word % sizeof(u32) || copy_in(&seen, word, sizeof(seen)))
		return;
	if (pending && !pi && seen == 0) {
		futex_wake_word(word, 1);
		return;
	}
	while ((seen & FUTEX_TID) == t->tid) {
		long done = exos_exchange((u32 *)word, &seen,
			(seen & FUTEX_WAITERS) | FUTEX_OWNER_DIED);

		if (done < 0)
			return;
		if (done && seen & FUTEX_WAITERS)
			futex_wake_word(word, 1);
		if (done)
			return;
	}
}

void
robust_end(struct thread *t)
{
	const u64 head = t->robust;
	struct robust_head h;
	u64 at, next;

	t->robust = 0;
	if (!head || copy_in(&h, head, sizeof(h)))
		return;
	at = h.first;
	for (unsigned n = 0; n < ENTRIES_MAX && (at & ~ROBUST_PI) != head; n++) {
		if (copy_in(&next, at & ~ROBUST_PI, sizeof(next)))
			break;
		if ((at & ~ROBUST_PI) != (h.pending & ~ROBUST_PI))
			died(t, (at & ~ROBUST_PI) + (u64)h.offset, at & ROBUST_PI, false);
		at = next;
	}
	if (h.pending)
		died(t, (h.pending & ~ROBUST_PI) + (u64)h.offset, h.pending & ROBUST_PI, true);
}

long
sys_set_robust_list(long head, long bytes)
{
	if (bytes != sizeof(struct robust_head))
		return -EINVAL;
	current->robust = (u64)head;
	return 0;
}

long
sys_get_robust_list(long tid, long head, long bytes)
{
	const struct thread *t = (int)tid == 0 ? current : thread_find((u32)tid);
	const u64 size = sizeof(struct robust_head);

	if (!t)
		return proc_find((u32)tid) ? -EPERM : -ESRCH;
	return copy_out((u64)bytes, &size, sizeof(size)) || copy_out((u64)head, &t->robust, 8)
		? -EFAULT : 0;
}
