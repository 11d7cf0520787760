/* SPDX-License-Identifier: ISC */
/*
 * The interval timer of the process (ITIMER_REAL, alarm).  The kernel has no
 * timers for programs that run: while one is set the library asks to be told
 * of the end of each slice, and looks at the clock.
 */
#ifndef EXOS_TIMER_H
#define EXOS_TIMER_H

#include "../core/exos.h"

void timer_set(u64 first_ns, u64 interval_ns);	/* from now; first 0: off */
u64 timer_left(u64 *interval_ns);		/* 0: off */
u64 timer_next(void);				/* deadline, 0: none */
void timer_check(void);				/* raise SIGALRM when it is due */

#endif
