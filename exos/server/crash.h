/* SPDX-License-Identifier: ISC */
#ifndef CRASH_H
#define CRASH_H

#include <stdbool.h>
#include <exo/uarea.h>

#define CRASH_REASON 0x4b494c4cu	/* the server's end that was asked for */
#define CRASH_HANGS 2u			/* run.crash_fault: it does not end, nor goes on */

void crash_begin(uint32_t op);		/* a request or (0) a round of the loop, */
void crash_end(void);			/* ... which is over */
void crash_recovers(void);		/* it begins anew, */
void crash_rests(bool rests);		/* ... but for this part, which is long */
void crash_recovered(void);
bool crash_stepped(struct exo_save *context);	/* an exception: was it a step? */

#endif
