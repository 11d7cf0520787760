/* SPDX-License-Identifier: ISC */
/*
 * Activations: the CPUs that this process runs on at once.  On each it has a
 * u-area, and stacks for upcalls at depth 2 and more; the stack of depth 1 is
 * that of the thread that runs there, and one more is the activation's own, on
 * which it idles.
 *
 * The program runs on all of them at the same time, the library on one: while
 * there are several, a word says whose turn it is (acts_many, act_enter).  So
 * what the library knows it knows under one lock, and no part of it but this
 * one and the scheduler is aware of others; whoever comes in finds `current`
 * and UAREA to be those of its own CPU.  What may have changed hands behind a
 * call that waits is where the thread runs: the program's registers are to be
 * looked up again (program_regs).
 *
 * Nobody waits for long: a call that waits leaves the library to others, and one
 * that was interrupted in the library goes on at its next slice.
 *
 *	off -> on (a slice there: act_more) -> its threads run, or it idles -> off
 */
#ifndef EXOS_ACT_H
#define EXOS_ACT_H

#include "thread.h"

struct act {
	struct exo_uarea *uarea;	/* NULL: none was made on this CPU */
	const volatile struct exo_cpu *cpu;
	struct thread *thread;		/* that runs here; &idler: none */
	u64 parked;			/* where its own context stands; 0: it has none yet */
	u64 began_ns;			/* its time when the thread began to run */
	u64 began_slice;		/* the end of the slice in which that was */
	u64 idle_since;			/* 0: it is not */
	u64 bell;			/* another value: look for something to run */
	bool on;			/* it has slices and runs threads */
	bool leaves;			/* it is to give them back */
	bool yields;			/* its slice is over */
	bool idle;			/* it waits for the bell */
	bool waits;			/* in the library's door */
};

extern struct act acts[SH_CPUS];	/* by CPU */
extern struct act *act_here;		/* of who is in the library */
extern bool acts_many;			/* more than one are on */
extern struct thread idler;		/* `current` of an activation that runs none */

void acts_begin(void);			/* the only one is that of this CPU */
void acts_fork_child(void);

/* ---- the door */
void act_enter(void);
void act_leave(void);

static inline void
library_enter(void)
{
	if (acts_many)
		act_enter();
}

static inline void
library_leave(void)
{
	if (acts_many)
		act_leave();
}

/* Wait with the library left to others. */
long act_wait(const struct exo_term *terms, unsigned count, u64 deadline_ns);
void act_yield(void);			/* the slice */

/* ---- how many */
bool act_more(void);			/* one more CPU, if the server has one for us */
void act_less(void);			/* this one, from its own context: returns when it is on again */
extern unsigned acts_on;
extern bool acts_asked;			/* to be reviewed when the library leaves */
void acts_check(void);			/* what was posted may be that */
void acts_review(void);			/* go where we are wanted; those that may not be used are to leave */

/* ---- each other */
void acts_ring(void);			/* somebody who idles gets up, when the library is left */
void acts_interrupt(const struct thread *t);	/* NULL: any; who runs elsewhere comes in */
/* All others have stopped in the door, or are off their CPU: until the library is left. */
void acts_stop(void);
u64 act_run_ns(const struct act *a);	/* its part of the process's time */

/* Of the one that runs this. */
static inline u64
act_run_here(void)
{
	const volatile struct exo_uarea *u = UAREA;
	const volatile struct exo_cpu *cpu = act_here->cpu;
	u64 charged, run, now;

	do {
		charged = cpu->charged_ns;
		run = u->run_ns;
		now = exo_now_ns();
	} while (charged != cpu->charged_ns);
	return now > charged ? run + now - charged : run;
}

#endif
