/* SPDX-License-Identifier: ISC */
/*
 * Scheduling by position: a periodic task takes every eighth slice of the
 * processor's vector, so it runs every 40 ms whatever the others do, and no
 * scheduler was told of it.  The other places go to programs that never stop.
 *
 * Claiming slices takes a key that ExOS keeps, so this runs as boot/init
 * (tests/run.py -v demos/deadline).
 */
#include "lib/child.h"

EXO_NATIVE_NOTE;

#define EVERY 8u
#define VECTOR 32u			/* slices in use */
#define PERIODS 6u
#define CPU 0u

static volatile uint64_t began[PERIODS + 1], others[PERIODS + 1], periods, settled;
static struct child task, load;

static void
periodic(uint64_t unused)
{
	(void)unused;
	while (!settled)
		exo_yield(0);
	while (periods <= PERIODS) {
		began[periods] = exo_now_ns();
		others[periods] = exo_env(load.id)->slices;
		periods++;
		exo_yield(0);		/* done for this period */
	}
	for (;;)
		exo_wait_for(NULL, 0, 0, 0);
}

static void
spins(uint64_t unused)
{
	(void)unused;
	for (;;)				/* no epilogue: taken off by force when its slice is over */
		__asm__ volatile("");
}

/* Place 0 is ours since boot: we sleep until all is over. */
static bool
places(void)
{
	for (uint32_t n = 1; n <= VECTOR; n++)
		if (exo_slice_claim(CPU, n, n % EVERY == 0 ? task.id : load.id, 0, 0, 0) != 0)
			return false;
	settled = 1;
	return true;
}

int
exo_main(const struct exo_start *start)
{
	uint64_t least = ~0ull, most = 0, wrong = 0, slice = exo_info()->slice_ns, period;
	struct exo_term over = { .mask = ~0ull, .value = PERIODS, .cmp = EXO_GT };

	if (start) {
		exo_print("deadline: needs the key for slices, which boot/init has: "
			  "tests/run.py -v demos/deadline\n");
		return 1;
	}
	if (!child_make(&task, periodic, 0, 0) || !child_make(&load, spins, 0, 0) ||
		!places())
		return 2;
	over.where = EXO_PTE_PFN(exo_pte((uint64_t)&periods)) * EXO_PAGE_BYTES +
		(uint64_t)&periods % EXO_PAGE_BYTES;
	exo_wait_for(&over, 1, 0, 0);
	for (unsigned n = 2; n <= PERIODS; n++) {	/* the first begins somewhere */
		period = began[n] - began[n - 1];
		least = period < least ? period : least;
		most = period > most ? period : most;
		wrong += (others[n] - others[n - 1]) % (EVERY - 1) != 0;
	}
	exo_printf("every %u slices of %lu us: periods of %lu to %lu us, jitter %lu us\n",
		EVERY, slice / 1000, least / 1000, most / 1000, (most - least) / 1000);
	/* What the vector promises, whatever the clock says; a host that stops the machine may cost whole periods. */
	return wrong == 0 ? 0 : 3;
}
