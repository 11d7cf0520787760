/* SPDX-License-Identifier: ISC */
/* Who runs: what the threads' life needs of it (schedule.c). */
#ifndef EXOS_SCHEDULE_H
#define EXOS_SCHEDULE_H

#include "thread.h"

void thread_add(struct thread *t);	/* a new one, ready */
u64 threads_trim_stacks(void);		/* thread.c: what no thread stands on; one processor runs us */
void threads_trim(void);		/* thread.c: there is one again, and needs less memory */
void schedule_reset(void);		/* nobody but current is there */
bool schedule_waits(void);		/* somebody could run */
noreturn_ void schedule_idle(void);	/* an activation's own context: runs who can */
noreturn_ void thread_leave(void);	/* current has ended: somebody else runs */

#endif
