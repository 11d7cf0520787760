/* SPDX-License-Identifier: ISC */
/* Is there anything that signal_post_check has to do?  Where each Linux call comes by. */
#ifndef EXOS_POSTS_H
#define EXOS_POSTS_H

#include "signal.h"
#include "timer.h"
#include "../thread/thread.h"
#include "../vm/pack.h"

void posts_look(void);

static inline bool
posts_any(void)
{
	const volatile struct exo_uarea *u = UAREA;

	return u->posted | (u->revocation.lost ^ revoke_known.lost) |
		(u->revocation.debt.asked ^ revoke_known.asked) | timer_some;
}

/* A call is over, or is about to wait: no buffer that others use, too, has anything in it. */
static inline void
posts_check(void)
{
	if (posts_any()) {
		revoke_idle();
		posts_look();
	}
}

/* A wait of the thread in progress is over. */
static inline bool
posts_interrupt(void)
{
	const struct thread *t = current;
	const u64 signalled = (t->sig.directed.set | signals.queue.set) & ~t->sig.blocked;

	return t->dying || (signalled && signal_pending());
}

#endif
