/* SPDX-License-Identifier: ISC */
/*
 * Timers that raise signals: the three of setitimer and those of
 * timer_create.  The kernel has no timers for programs that run: while one is
 * set the library asks to be told of the end of each slice, and looks at the
 * clock then, whenever a Linux call ends, and when it waits.
 *
 * A timer whose signal is pending rests until it is taken: how often it would
 * have fired meanwhile is its overrun.
 */
#ifndef EXOS_TIMER_H
#define EXOS_TIMER_H

#include "../core/exos.h"

enum timer_clock { TIMER_MONOTONIC, TIMER_REAL, TIMER_RUN, TIMER_USER };
enum { ITIMER_REAL_, ITIMER_VIRTUAL_, ITIMER_PROF_, ITIMERS };

struct timer {
	u64 deadline;			/* on its clock; 0: off */
	u64 interval;			/* ns; 0: once */
	u64 value;			/* sigval */
	u32 overrun;			/* of the signal taken last */
	int id;				/* of timer_create; -1: an interval timer */
	u8 sig;				/* 0: nobody is told */
	u8 clock, base;			/* enum timer_clock: now, and as it was made */
	u32 thread;			/* whose processor time is its clock; 0: the process's */
	u32 directed;			/* at this thread; 0: the process */
	bool resting;			/* its signal is pending */
};

u64 timer_clock_now(enum timer_clock clock);
u64 timer_now(const struct timer *t);	/* on its clock */
struct timer *timer_interval(unsigned which);	/* ITIMER_*_ */
struct timer *timer_by_id(long id);	/* NULL: no such */
struct timer *timer_new(void);		/* NULL: no memory, or too many */
void timer_free(struct timer *t);
void timer_set(struct timer *t, u64 deadline, u64 interval);	/* deadline on t->clock; 0: off */
u64 timer_left(const struct timer *t);	/* ns; 0: off */

u64 timer_next(void);			/* when one is due (clock_ns), 0: none */
bool timer_by_wall(void);		/* setting the time of day changes that */
/* For files that wait for time: the next wait of this thread ends then, or when the time of day is set. */
void timer_wake(u64 deadline_ns);
void timer_wake_by_wall(void);
extern u64 timer_wake_ns;
extern bool timer_wake_wall;

static inline u64
timer_wake_taken(void)			/* 0: nobody asked; and it is forgotten */
{
	const u64 wake = timer_wake_ns;

	timer_wake_ns = 0;
	return wake;
}

static inline bool
timer_wake_by_wall_taken(void)
{
	const bool wake = timer_wake_wall;

	timer_wake_wall = false;
	return wake;
}

void timer_threads(void);		/* there are several now, or one again */
void timer_taken(struct sig_detail *d);	/* a signal is: the overrun comes in, timers go on */
void timer_exec(void);
void timer_fork_child(void);

extern bool timer_some;			/* are set, or rest */
void timer_look(void);

/* Raise what is due. */
static inline void
timer_check(void)
{
	if (timer_some)
		timer_look();
}

/*
 * The end of a slice is an event like a post (core/start.c): then the clock
 * is looked at.  But only the program is told: who is told has to park soon,
 * and some calls take longer.  The library is interrupted without a word, and
 * looks at the clock when it leaves.
 */
extern bool timer_slice_ends;		/* to be told to the program */

static inline void
timer_library_enters(void)
{
	if (timer_slice_ends)
		UAREA->entry[EXO_ENTRY_EPILOGUE] = 0;
}

static inline void
timer_library_leaves(void)
{
	if (timer_slice_ends)			/* else it stays as it is inside: 0 */
		UAREA->entry[EXO_ENTRY_EPILOGUE] = UAREA->entry[EXO_ENTRY_EVENT];
}

#endif
