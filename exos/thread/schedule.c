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
#include "act.h"
#include "../arch/x86_64/arch.h"
#include "../core/self.h"
#include "../fd/object.h"
#include "../proc/timer.h"
#include "../proc/times.h"

#define LOOK_OUTSIDE 16u		/* switches */
#define IDLE_NS 100000000u		/* an activation that did nothing for so long is not needed */

static struct thread *line_first, *line_last;
static struct thread *outside;		/* in no order */

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
	act_here->began_ns = act_run_here();
}

bool
schedule_waits(void)
{
	return line_first != NULL;
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

/* Places are left for the word that signals come by, and for the bell. */
static void
need_add(struct need *n, const struct thread *t)
{
	n->by_wall |= t->by_wall;
	if (t->until && (!n->until || t->until < n->until))
		n->until = t->until;
	if (n->many || n->count + t->count >= EXO_TERMS_MAX - 1) {
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

/* They may have begun to wait on another CPU. */
static void
mark_all(void)
{
	for (struct thread *t = outside; t; t = t->out_next)
		for (unsigned i = 0; i < t->count; i++)
			object_mark_word(t->terms[i].where);
}

/* Where there are several activations another one may have something to do for this; or it is not needed. */
static void
need_company(struct need *n)
{
	const u64 idle_until = act_here->idle_since + IDLE_NS;

	n->terms[n->count] = term_word(&act_here->bell, ~0ull, EXO_NE, act_here->bell);
	n->terms[n->count++].flags = EXO_TERM_OR;
	if (UAREA->cpu != PROC->cpu && (!n->until || idle_until < n->until))
		n->until = idle_until;
}

static void
idle(void)
{
	const u64 changes = SHARED->changes, timer = timer_next();
	struct need n = { .by_wall = timer_by_wall(), .until = timer };
	long woke;

	for (const struct thread *t = outside; t; t = t->out_next)
		need_add(&n, t);
	if (exo_info()->cpus > 1)
		mark_all();
	if (n.many) {
		watch_all();
		look_outside();
		if (line_first)
			return;
		n.terms[0] = term_word(&SHARED->changes, ~0ull, EXO_NE, changes);
		n.count = 1;
	}
	if (acts_many)
		need_company(&n);
	n.count = terms_ending(n.terms, n.count, n.by_wall);
	n.terms[0].flags = 0;
	act_here->idle = true;
	woke = act_wait(n.terms, n.count, n.until);
	act_here->idle = false;
	/* Refused: a word is gone, because another thread closed the file. */
	if (woke < 0 || n.by_wall)
		everybody_looks();
}

/* ---- switching ------------------------------------------------------------------------------------ */

u64
thread_run_ns(const struct thread *t)
{
	for (u32 cpu = 0; cpu < SH_CPUS; cpu++)
		if (acts[cpu].on && acts[cpu].thread == t)
			return t->run_ns + act_run_ns(&acts[cpu]) - acts[cpu].began_ns;
	return t->run_ns;
}

static void
save(struct thread *t)
{
	const u64 now = act_run_here();

	t->run_ns += now - act_here->began_ns;
	act_here->began_ns = now;
	times_switched();
	if (t->state == THREAD_ENDED)
		return;
	t->regs = UAREA->save[0];
	t->fs = fs_base();
	fpu_keep(t->vectors);
}

static void
load(struct thread *t)
{
	current = act_here->thread = t;
	act_here->began_slice = UAREA->slice_end_ns;
	stack_set(t->stack_top);
	UAREA->save[0] = t->regs;
	fs_base_set(t->fs);
	fpu_load(t->vectors);
}

/* Maybe as the last one, maybe on another CPU. */
static void
back_again(void)
{
	if (!threads_many())
		threads_trim();
}

static void
switch_to(struct thread *to)
{
	struct thread *from = current;

	save(from);
	load(to);
	exos_thread_switch(&from->parked, to->parked);
	back_again();
}

/* ---- an activation's own context: where there are several ---------------------------------------------- */

static void
switch_to_idle(void)
{
	struct thread *from = current;

	save(from);
	current = act_here->thread = &idler;
	exos_thread_switch(&from->parked, act_here->parked);
	back_again();
}

static void
run(struct thread *to)
{
	act_here->idle_since = 0;
	act_here->began_ns = act_run_here();
	load(to);
	exos_thread_switch(&act_here->parked, to->parked);
}

/* Nobody has needed it for a while. */
static bool
superfluous(void)
{
	const u64 now = clock_ns();

	if (act_here->idle_since == 0)
		act_here->idle_since = now;
	return acts_on > 1 && UAREA->cpu != PROC->cpu && now >= act_here->idle_since + IDLE_NS;
}

noreturn_ void
schedule_idle(void)
{
	for (;;) {
		struct thread *next;

		if (act_here->leaves)
			act_less();
		if (act_here->yields) {
			act_here->yields = false;
			act_yield();
		}
		signal_post_check();
		look_outside();
		next = act_here->leaves ? NULL : line_take();
		if (next)
			run(next);
		else if (superfluous())
			act_here->leaves = true;
		else if (!act_here->leaves)
			idle();
	}
}

/* The thread may go on somewhere else while this activation does what is asked of it. */
void
thread_give_cpu(void)
{
	line_join(current);
	switch_to_idle();
}

/* The slice is over: other processes, then other threads; and who waits for a turn may have a CPU to himself. */
void
thread_slice_over(void)
{
	if (acts_many) {
		act_here->yields = true;
		thread_give_cpu();
	} else {
		act_yield();
		thread_yield(true);
	}
	if (line_first)
		act_more();
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
	next = line_take();
	if (!next && acts_many) {
		switch_to_idle();
		return;
	}
	for (; !next; next = line_take()) {
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
thread_slice_over_inside(void)
{
	act_here->began_slice = UAREA->slice_end_ns;
	thread_yield(true);
	if (line_first)
		act_more();
}

noreturn_ void
thread_leave(void)
{
	current->state = THREAD_ENDED;
	give_way();
	__builtin_trap();
}
