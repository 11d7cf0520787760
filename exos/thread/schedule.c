/* SPDX-License-Identifier: ISC */
/*
 * Who runs.  Ready threads stand in a line.  Who waits for what other threads
 * bring about (a private futex) stands nowhere; who waits for words of shared
 * memory, or for a time, is `outside`, and looked after when nobody can run,
 * when a slice ends, and every so often in between.
 *
 * When nobody can run the process parks until one of all outside has what it
 * waits for.  If that is more than a predicate has room for, it is done as in
 * fd/waiting.h: every object is watched, all words are looked at once more,
 * and one word stands for all.
 */
#include "schedule.h"
#include "../arch/x86_64/arch.h"
#include "../core/self.h"
#include "../fd/object.h"
#include "../proc/timer.h"
#include "../proc/times.h"

#define LOOK_OUTSIDE 16u		/* switches */

static struct thread *line_first, *line_last;
static struct thread *outside;		/* in no order */
static u64 began_ns;			/* the process's time when current began to run */
static u64 began_slice;			/* the end of the slice in which it did */

/* ---- lists ------------------------------------------------------------------------------- */

static void
line_join(struct thread *t)
{
	t->run_next = NULL;
	if (line_last)
		line_last->run_next = t;
	else
		line_first = t;
	line_last = t;
}

static struct thread *
line_take(void)
{
	struct thread *t = line_first;

	if (t)
		line_first = t->run_next;
	if (!line_first)
		line_last = NULL;
	return t;
}

static void
outside_join(struct thread *t)
{
	t->outside = true;
	t->out_before = NULL;
	t->out_next = outside;
	if (outside)
		outside->out_before = t;
	outside = t;
}

static void
outside_quit(struct thread *t)
{
	t->outside = false;
	if (t->out_before)
		t->out_before->out_next = t->out_next;
	else
		outside = t->out_next;
	if (t->out_next)
		t->out_next->out_before = t->out_before;
}

void
schedule_reset(void)
{
	line_first = line_last = outside = NULL;
	began_ns = times_run();
}

void
thread_add(struct thread *t)
{
	line_join(t);
}

void
thread_ready(struct thread *t)
{
	if (t->state != THREAD_WAITS)
		return;
	t->state = THREAD_READY;
	if (t->outside)
		outside_quit(t);
	line_join(t);
}

/* ---- what those outside wait for ------------------------------------------------------------ */

/* A file that another thread closed may have taken the word along: then it is time to look. */
static bool
term_holds(const struct exo_term *t)
{
	u64 word, masked, value = t->value;

	if (exos_copy(&word, (const void *)t->where, sizeof(word)))
		return true;
	masked = word & t->mask;
	switch (t->cmp) {
	case EXO_EQ: return masked == value;
	case EXO_NE: return masked != value;
	case EXO_LT: return masked < value;
	case EXO_GE: return masked >= value;
	case EXO_LE: return masked <= value;
	default: return masked > value;
	}
}

/* Products, of which one is enough. */
static bool
terms_hold(const struct exo_term *terms, unsigned count)
{
	bool product = count > 0;

	for (unsigned n = 0; n < count; n++) {
		if (n && terms[n].flags & EXO_TERM_OR) {
			if (product)
				return true;
			product = true;
		}
		product = product && term_holds(&terms[n]);
	}
	return product;
}

/* Those that have what they wait for get into the line. */
static void
look_outside(void)
{
	const u64 now = outside ? clock_ns() : 0;
	struct thread *next;

	for (struct thread *t = outside; t; t = next) {
		next = t->out_next;
		if ((t->until && now >= t->until) || terms_hold(t->terms, t->count))
			thread_ready(t);
	}
}

static void
everybody_looks(void)
{
	struct thread *next;

	for (struct thread *t = outside; t; t = next) {
		next = t->out_next;
		thread_ready(t);
	}
}

/* ---- nobody can run ---------------------------------------------------------------------------- */

struct need {
	struct exo_term terms[EXO_TERMS_MAX];
	unsigned count;
	u64 until;
	bool many, by_wall;
};

/* One place is left for the word that signals come by. */
static void
need_add(struct need *n, const struct thread *t)
{
	n->by_wall |= t->by_wall;
	if (t->until && (!n->until || t->until < n->until))
		n->until = t->until;
	if (n->many || n->count + t->count >= EXO_TERMS_MAX) {
		n->many = true;
		return;
	}
	for (unsigned i = 0; i < t->count; i++) {
		n->terms[n->count] = t->terms[i];
		n->terms[n->count].flags |= i ? 0 : EXO_TERM_OR;
		n->count++;
	}
}

static void
watch_all(void)
{
	for (struct thread *t = outside; t; t = t->out_next) {
		for (unsigned i = 0; i < t->count; i++)
			object_watch_word(t->terms[i].where);
	}
}

static void
idle(void)
{
	const u64 changes = SHARED->changes, timer = timer_next();
	struct need n = { .by_wall = timer_by_wall(), .until = timer };

	for (const struct thread *t = outside; t; t = t->out_next)
		need_add(&n, t);
	if (n.many) {
		watch_all();
		look_outside();
		if (line_first)
			return;
		n.terms[0] = term_word(&SHARED->changes, ~0ull, EXO_NE, changes);
		n.count = 1;
	}
	n.count = terms_ending(n.terms, n.count, n.by_wall);
	n.terms[0].flags = 0;
	/* Refused: a word is gone, because another thread closed the file. */
	if (park_wait(n.terms, n.count, n.until) < 0 || n.by_wall)
		everybody_looks();
}

/* ---- switching ------------------------------------------------------------------------------------ */

u64
thread_run_ns(const struct thread *t)
{
	return t->run_ns + (t == current ? times_run() - began_ns : 0);
}

static void
switch_to(struct thread *to)
{
	struct thread *from = current;
	const u64 now = times_run();

	from->run_ns += now - began_ns;
	began_ns = now;
	times_switched();
	if (from->state != THREAD_ENDED) {
		from->regs = UAREA->save[0];
		from->fs = fs_base();
		fpu_save(from->vectors);
	}
	current = to;
	began_slice = UAREA->slice_end_ns;
	stack_set(to->stack_top);
	UAREA->save[0] = to->regs;
	fs_base_set(to->fs);
	fpu_load(to->vectors);
	exos_thread_switch(&from->parked, to->parked);
	threads_trim();			/* back again, maybe the last one */
}

/* Every so often, when there is somebody to run anyway. */
static void
look_sometimes(void)
{
	static unsigned switches;

	if (outside && ++switches % LOOK_OUTSIDE == 0)
		look_outside();
}

/* The next in line runs; current may be it. */
static void
give_way(void)
{
	struct thread *next;

	look_sometimes();
	while ((next = line_take()) == NULL) {
		idle();
		signal_post_check();
		look_outside();
	}
	if (next != current)
		switch_to(next);
}

void
thread_wait(const struct exo_term *terms, unsigned count, u64 until_ns, bool by_wall)
{
	current->terms = terms;
	current->count = count;
	current->until = until_ns;
	current->by_wall = by_wall;
	current->state = THREAD_WAITS;
	if (count || until_ns || by_wall)
		outside_join(current);
	give_way();
}

bool
thread_yield(bool slice_over)
{
	if (!threads_many())
		return false;
	if (slice_over || !line_first)
		look_outside();
	if (!line_first)
		return false;
	line_join(current);
	give_way();
	return true;
}

void
thread_slice_check(void)
{
	if (UAREA->slice_end_ns == began_slice)
		return;
	began_slice = UAREA->slice_end_ns;
	thread_yield(true);
}

noreturn_ void
thread_leave(void)
{
	current->state = THREAD_ENDED;
	give_way();
	__builtin_trap();
}
