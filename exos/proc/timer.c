/* SPDX-License-Identifier: ISC */
/* What timer.h says. */
#include "timer.h"
#include "signal.h"
#include "times.h"
#include "../thread/thread.h"
#include "../arch/x86_64/arch.h"

#define TIMERS_MAX 1024u
#define NEVER (~0ull)
#define OVERRUN_MAX 0x7fffffffull

static struct timer intervals[ITIMERS] = {
	{ .id = -1, .sig = SIGALRM, .clock = TIMER_MONOTONIC },
	{ .id = -1, .sig = SIGVTALRM, .clock = TIMER_USER },
	{ .id = -1, .sig = SIGPROF, .clock = TIMER_RUN },
};
static struct timer **made;		/* by id */
static u32 room;

bool timer_slice_ends, timer_some;
static u64 soonest = NEVER;		/* clock_ns: before it none of those that real time drives is due */
static bool by_use;			/* one that processor time drives is set */
static bool some_rest;
static u64 wall_offset;			/* as it was when soonest was found */
u64 timer_wake_ns;
bool timer_wake_wall;
static bool some_by_wall;

u64
timer_clock_now(enum timer_clock clock)
{
	u64 user, system;

	switch (clock) {
	case TIMER_REAL: return clock_ns() + SHARED->wall_offset_ns;
	case TIMER_RUN: return times_run();
	case TIMER_USER: times_split(&user, &system); return user;
	default: return clock_ns();
	}
}

/* The clock of a thread that has ended stands still. */
u64
timer_now(const struct timer *t)
{
	const struct thread *of = t->thread ? thread_find(t->thread) : NULL;

	return !t->thread ? timer_clock_now(t->clock) : of ? thread_run_ns(of) : 0;
}

static struct timer *
timer_at(u32 n)
{
	return n < ITIMERS ? &intervals[n] : made[n - ITIMERS];
}

static u32
timers(void)
{
	return ITIMERS + room;
}

void
timer_threads(void)
{
	timer_slice_ends = by_use || soonest != NEVER || threads_many();
}

/* After any change: which clocks have to be looked at, and when. */
static void
plan(void)
{
	soonest = NEVER;
	by_use = some_rest = some_by_wall = false;
	wall_offset = SHARED->wall_offset_ns;
	for (u32 n = 0; n < timers(); n++) {
		const struct timer *t = timer_at(n);
		u64 at;

		some_rest |= t && t->resting;
		if (!t || !t->deadline || t->resting || !t->sig)
			continue;
		if (t->clock >= TIMER_RUN) {
			by_use = true;
			continue;
		}
		some_by_wall |= t->clock == TIMER_REAL;
		at = t->clock == TIMER_MONOTONIC      ? t->deadline
			: t->deadline > wall_offset ? t->deadline - wall_offset
						    : 1;
		soonest = at < soonest ? at : soonest;
	}
	timer_threads();
	timer_some = by_use || soonest != NEVER || some_rest;
}

/* ---- one timer ------------------------------------------------------------------------------ */

/* Its signal waits to be taken. */
static bool
pending_of(const struct timer *t)
{
	const struct thread *at = t->directed ? thread_find(t->directed) : NULL;
	u64 set = t->directed ? at ? at->sig.directed.set : 0 : signals.queue.set;

	return set & SIG_BIT(t->sig);
}

/* The next time behind now; how many were passed over. */
static u64
advance(struct timer *t, u64 now)
{
	u64 passed;

	if (t->interval == 0) {
		t->deadline = 0;
		return 0;
	}
	if (now < t->deadline)
		return 0;
	passed = (now - t->deadline) / t->interval + 1;
	t->deadline += passed * t->interval;
	return passed;
}

/* Due: its signal, and it rests until that is taken; it goes on at once where nobody takes it. */
static void
fire(struct timer *t, u64 now)
{
	struct sig_detail d = { .signo = t->sig,
		.code = t->id < 0 ? SI_KERNEL_ : SI_TIMER_,
		.directed = t->directed,
		.word = { (u32)t->id, t->value } };

	if (t->id < 0)
		d.word[0] = 0;
	if (t->interval)
		t->deadline += t->interval;
	signal_arrived(&d);
	t->resting = pending_of(t);
	if (!t->interval)
		t->deadline = 0;
	else if (!t->resting)
		advance(t, now);
	some_rest |= t->resting;
}

void
timer_taken(struct sig_detail *d)
{
	if (!some_rest)
		return;
	for (u32 n = 0; n < timers(); n++) {
		struct timer *t = timer_at(n);
		u64 passed;

		if (!t || !t->resting || t->sig != d->signo)
			continue;
		if (t->id >= 0 && (d->code != SI_TIMER_ || (u32)d->word[0] != (u32)t->id) &&
			pending_of(t))
			continue;
		passed = t->deadline ? advance(t, timer_now(t)) : 0;
		t->overrun = (u32)(passed < OVERRUN_MAX ? passed : OVERRUN_MAX);
		t->resting = false;
		if (t->id >= 0 && d->code == SI_TIMER_)
			d->word[0] |= (u64)t->overrun << 32;
	}
	plan();
}

/* Signals that were pending and are no more, taken by nobody. */
static void
wake_the_forgotten(void)
{
	for (u32 n = 0; n < timers(); n++) {
		struct timer *t = timer_at(n);

		if (t && t->resting && !pending_of(t)) {
			t->resting = false;
			advance(t, timer_now(t));
		}
	}
}

void
timer_look(void)
{
	if (wall_offset != SHARED->wall_offset_ns)
		plan();
	if (!by_use && !some_rest && clock_ns() < soonest)
		return;
	wake_the_forgotten();
	for (u32 n = 0; n < timers(); n++) {
		struct timer *t = timer_at(n);
		u64 now;

		if (!t || !t->deadline || t->resting || !t->sig)
			continue;
		now = timer_now(t);
		if (now >= t->deadline)
			fire(t, now);
	}
	plan();
}

void
timer_set(struct timer *t, u64 deadline, u64 interval)
{
	t->deadline = deadline;
	t->interval = interval;
	t->resting = false;
	t->overrun = 0;
	plan();
}

u64
timer_left(const struct timer *t)
{
	struct timer copy = *t;
	u64 now;

	if (t->deadline == 0)
		return 0;
	now = timer_now(t);
	if (now >= t->deadline)
		advance(&copy, now);
	if (copy.deadline == 0)
		return t->sig && !t->resting ? 1
					     : 0; /* about to fire; who tells nobody is through */
	return copy.deadline - now;
}

/* ---- all of them ------------------------------------------------------------------------------ */

u64
timer_next(void)
{
	return soonest == NEVER ? 0 : soonest;
}

void
timer_wake(u64 deadline_ns)
{
	if (timer_wake_ns == 0 || deadline_ns < timer_wake_ns)
		timer_wake_ns = deadline_ns;
}

bool
timer_by_wall(void)
{
	return some_by_wall;
}

void
timer_wake_by_wall(void)
{
	timer_wake_wall = true;
}

struct timer *
timer_interval(unsigned which)
{
	return &intervals[which];
}

struct timer *
timer_by_id(long id)
{
	return (u64)id < room ? made[id] : NULL;
}

static bool
grow(void)
{
	u32 more = room ? room * 2 : 8;
	struct timer **bigger = more <= TIMERS_MAX ? xalloc(more * sizeof(*bigger)) : NULL;

	if (!bigger)
		return false;
	if (made)
		memcpy(bigger, made, room * sizeof(*made));
	xfree(made);
	made = bigger;
	room = more;
	return true;
}

struct timer *
timer_new(void)
{
	struct timer *t = xalloc(sizeof(*t));
	u32 id = 0;

	while (id < room && made[id])
		id++;
	if (!t || (id == room && !grow())) {
		xfree(t);
		return NULL;
	}
	t->id = (int)id;
	made[id] = t;
	return t;
}

void
timer_free(struct timer *t)
{
	made[t->id] = NULL;
	xfree(t);
	plan();
}

/* Interval timers outlive exec, those that were made do not. */
void
timer_exec(void)
{
	for (u32 id = 0; id < room; id++) {
		if (made[id])
			timer_free(made[id]);
	}
}

void
timer_fork_child(void)
{
	timer_wake_ns = 0;
	timer_wake_wall = false;
	for (unsigned n = 0; n < ITIMERS; n++)
		timer_set(&intervals[n], 0, 0);
	timer_exec();
}
