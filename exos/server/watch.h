/* SPDX-License-Identifier: ISC */
/*
 * Does the server go on?  Asked by the keeper every WATCH_NS, of what can be seen
 * from outside.  Requests and rounds of the loop are short: one that is under way
 * at so many looks in a row, between each of which the server has had the
 * processor for some time, does not end.  Time alone says nothing: a host may stop
 * a processor for seconds, which then is the time of whoever ran there, once.
 */
#ifndef WATCH_H
#define WATCH_H

#include <stdbool.h>
#include <stdint.h>

#define WATCH_NS 100000000u
#define WATCH_REST_NS 1000000000u	/* when there was nothing under way */
#define WATCH_LOOKS 300u		/* on a busy host each flush of the other processors takes it their turn */
#define WATCH_LOOKS_TEST 30u		/* where the server is made to hang (crash.h) */
#define WATCH_RAN_NS 1000000u		/* less in between is no look */
#define WATCH_SLICES 4u			/* so many slices of the CPU where it works: a look more (twice round) */

struct watch {				/* what the last look saw; 0: there was none */
	uint64_t works_on;		/* CPU + 1; 0: nothing is under way */
	uint64_t served;
	uint64_t run_ns;
	unsigned looks;			/* at the same */
};

/* patience: how many looks are allowed. */
bool watch_hangs(struct watch *w, uint64_t works_on, uint64_t served, uint64_t run_ns,
	unsigned patience);

#endif
