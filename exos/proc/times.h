/* SPDX-License-Identifier: ISC */
/*
 * The process's processor time, and how much of it the library used (what
 * Linux calls system time).  The kernel counts both as one; the library
 * measures every so often one of its entries and lets it stand for those
 * between.  Blocking and others' slices do not count: the clock is the
 * process's own.
 */
#ifndef EXOS_TIMES_H
#define EXOS_TIMES_H

#include "../core/exos.h"

extern u32 times_until_measured;	/* entries */

u64 times_run(void);			/* ns used so far, up to now */
u64 times_of(const volatile struct sh_proc *p);	/* of any process, as the kernel last counted */
void times_split(u64 *user_ns, u64 *system_ns);	/* of this process; neither ever goes back */
/* Words of a struct rusage, all of them, of this process (but for time), its reaped children, or one and its own. */
enum {
	USE_TIME,
	USE_SYSTEM = 2,
	USE_MAXRSS = 4,
	USE_MINFLT = 8,
	USE_NVCSW = 16,
	USE_NIVCSW,
	USE_WORDS
};
void times_put(u64 use[USE_WORDS], u64 user_ns, u64 sys_ns);
struct used {				/* but for time */
	u64 faults, waits, slices, most_frames;
};
struct used used_by(const volatile struct sh_proc *p);		/* now, or at its end */
struct used used_by_children(const volatile struct sh_proc *p);
void used_add(struct used *to, struct used more);
void used_put(u64 use[USE_WORDS], struct used u);
void times_fork_child(void);
u64 times_begin(void);
void times_end(u64 begun);
extern u64 times_measured;		/* when the entry began that is being measured; 0: none */

/* Another thread runs: what is being measured is not one entry any more. */
static inline void
times_switched(void)
{
	times_measured = 0;
}

/* Around the library's work for the program: enter gives what leave takes. */
static inline u64
times_enter(void)
{
	return --times_until_measured ? 0 : times_begin();
}

static inline void
times_leave(u64 begun)
{
	if (begun)
		times_end(begun);
}

#endif
