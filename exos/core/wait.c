/* SPDX-License-Identifier: ISC */
/*
 * Blocking: other threads run meanwhile.  Where there are none the process
 * parks under a predicate of the caller's terms, and of one more on its own
 * `posted` word, so that a signal wakes it.  The kernel does not tell which
 * term held; whoever waits looks again.
 */
#include "exos.h"
#include "self.h"
#include "../arch/x86_64/arch.h"
#include "../proc/posts.h"
#include "../proc/signal.h"
#include "../proc/timer.h"
#include "../thread/act.h"
#include "../linux/errno.h"

u64
clock_ns(void)
{
	return exo_now_ns();
}

/* The library names words by their addresses; the kernel is told places when one parks. */
struct exo_term
term_word(const volatile void *word, u64 mask, u8 cmp, u64 value)
{
	return (struct exo_term){ .where = (u64)word,
		.mask = mask,
		.cmp = cmp,
		.value = value,
		.key = KEY_SELF };
}

u64
word_place(const volatile void *word)
{
	const u64 va = (u64)word;

	return va >= EXO_TABLES ? va : page_pfn(word) * EXO_PAGE_BYTES + va % EXO_PAGE_BYTES;
}

long
park_wait(const struct exo_term *terms, unsigned count, u64 deadline_ns)
{
	struct exo_term placed[EXO_TERMS_MAX];

	for (unsigned i = 0; i < count; i++) {
		placed[i] = terms[i];
		placed[i].where = word_place((const void *)terms[i].where);
	}
	PUB->waits++;
	return exos_park_until(placed, count, deadline_ns, 0);
}

void
park_yield(exo_envid to)
{
	PUB->waits++;
	exos_park_to(to);
}

unsigned
terms_ending(struct exo_term *all, unsigned count, bool by_wall)
{
	all[count] = term_word(&UAREA->posted, ~0ull, EXO_NE, 0);
	all[count++].flags = EXO_TERM_OR;
	/* Where there is no room the time of day is found to be another when something else ends the wait. */
	if (by_wall && count < EXO_TERMS_MAX) {
		all[count] = term_word(&SHARED->wall_offset_ns, ~0ull, EXO_NE,
			SHARED->wall_offset_ns);
		all[count++].flags = EXO_TERM_OR;
	}
	return count;
}

static u64
earlier(u64 a, u64 b)
{
	return a == 0 || (b && b < a) ? b : a;
}

/* The only thread: the process waits. */
static int
wait_alone(const struct exo_term *terms, unsigned count, u64 until, bool by_wall)
{
	struct exo_term all[EXO_TERMS_MAX];
	long woke;

	if (count)
		memcpy(all, terms, count * sizeof(*terms));
	count = terms_ending(all, count, by_wall | timer_by_wall());
	woke = park_wait(all, count, earlier(until, timer_next()));
	if (woke < 0)
		exos_log("wait refused: %s", exo_error_name(woke));
	return woke < 0 ? (int)linux_errno(woke) : 0;
}

bool block_never;

bool
block_give(exo_envid to)
{
	if (block_never || threads_many())
		return false;
	signal_post_check();
	if (signal_pending() || current->dying)
		return false;
	park_yield(to);
	return true;
}

int
block_on(struct exo_term *terms, unsigned count, u64 deadline_ns)
{
	const u64 until = earlier(deadline_ns, timer_wake_taken());
	const bool by_wall = timer_wake_by_wall_taken();
	u64 stops;
	int error = 0;

	if (count >= EXO_TERMS_MAX)
		return -EINVAL;
	if (block_never)
		return -EAGAIN;
	posts_check();
	if (posts_interrupt())
		return -EINTR;
	stops = signals.stops;
	if (threads_many() || acts_many)
		thread_wait(terms, count, until, by_wall);
	else
		error = wait_alone(terms, count, until, by_wall);
	if (error)
		return error;
	posts_check();
	if (posts_interrupt() || (signals.stops != stops && restart_ends_by_stop()))
		return -EINTR;
	return deadline_ns && clock_ns() >= deadline_ns ? -ETIMEDOUT : 0;
}
