/* SPDX-License-Identifier: ISC */
/*
 * Blocking: the process parks under a predicate of the caller's terms, and of
 * one more on its own `posted` word, so that a signal wakes it.  The kernel
 * does not tell which term held; whoever waits looks again.
 */
#include "exos.h"
#include "self.h"
#include "../arch/x86_64/arch.h"
#include "../proc/signal.h"
#include "../proc/timer.h"
#include "../linux/errno.h"

u64
clock_ns(void)
{
	return exo_now_ns();
}

struct exo_term
term_word(const volatile void *word, u64 mask, u8 cmp, u64 value)
{
	u64 va = (u64)word;
	u64 phys = page_pfn(word) * EXO_PAGE_BYTES + va % EXO_PAGE_BYTES;

	return (struct exo_term){ .where = va >= EXO_TABLES ? va : phys,
		.mask = mask,
		.cmp = cmp,
		.value = value,
		.key = KEY_SELF };
}

long
park_wait(const struct exo_term *terms, unsigned count, u64 deadline_ns)
{
	PUB->waits++;
	return exos_park_until(terms, count, deadline_ns, 0);
}

void
park_yield(exo_envid to)
{
	PUB->waits++;
	exos_park_to(to);
}

/* Any of these, or what always ends a wait; how many there are. */
static unsigned
terms_all(struct exo_term all[EXO_TERMS_MAX], const struct exo_term *terms, unsigned count)
{
	if (count)
		memcpy(all, terms, count * sizeof(*terms));
	all[count] = term_word(&UAREA->posted, ~0ull, EXO_NE, 0);
	all[count++].flags = EXO_TERM_OR;
	/* Where there is no room the time of day is found to be another when something else ends the wait. */
	if (timer_by_wall() && count < EXO_TERMS_MAX) {
		all[count] = term_word(&SHARED->wall_offset_ns, ~0ull, EXO_NE,
			SHARED->wall_offset_ns);
		all[count++].flags = EXO_TERM_OR;
	}
	return count;
}

int
block_on(struct exo_term *terms, unsigned count, u64 deadline_ns)
{
	struct exo_term all[EXO_TERMS_MAX];
	u64 alarm_ns, until;
	long woke;

	if (count >= EXO_TERMS_MAX)
		return -EINVAL;
	signal_post_check();
	if (signal_pending())
		return -EINTR;
	signals.stopped = false;
	alarm_ns = timer_next();
	until = alarm_ns && (!deadline_ns || alarm_ns < deadline_ns) ? alarm_ns : deadline_ns;
	count = terms_all(all, terms, count);
	woke = park_wait(all, count, until);
	if (woke < 0) {
		exos_log("wait refused: %s", exo_error_name(woke));
		return (int)linux_errno(woke);
	}
	signal_post_check();
	if (signal_pending() || (signals.stopped && restart_ends_by_stop()))
		return -EINTR;
	return deadline_ns && clock_ns() >= deadline_ns ? -ETIMEDOUT : 0;
}
