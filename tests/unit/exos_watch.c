/* SPDX-License-Identifier: ISC */
/* What the keeper takes for a server that hangs, and what not. */
// sources: exos/server/watch.c
#include <assert.h>
#include <stdio.h>
#include "../../exos/server/watch.h"

#define RAN WATCH_RAN_NS

/* The look at which it is ended, 0: none of so many. */
static unsigned
ended_at(unsigned looks, uint64_t ran_each, unsigned patience)
{
	struct watch w = { 0 };

	for (unsigned n = 1; n <= looks; n++)
		if (watch_hangs(&w, 2, 7, n * ran_each, patience))
			return n;
	return 0;
}

static void
under_way(void)
{
	assert(ended_at(1000, RAN, 30) == 31);
	assert(ended_at(1000, 1000ull * RAN, 30) == 31);
	assert(ended_at(1000, RAN, WATCH_LOOKS) == WATCH_LOOKS + 1);
	assert(ended_at(100000, 0, 30) == 0);			/* it had no processor */
	assert(ended_at(1000, RAN / 4, 30) == 4 * 30 + 1);	/* several looks make one */
}

static void
goes_on(void)
{
	struct watch w = { 0 };

	for (unsigned n = 0; n < 1000; n++) {
		assert(!watch_hangs(&w, 2, n, n * 10ull * RAN, 30));		/* served */
		assert(!watch_hangs(&w, 2, n, n * 10ull * RAN + RAN, 30));
	}
	for (unsigned n = 0; n < 1000; n++)					/* waits */
		assert(!watch_hangs(&w, 0, 5, n * 10ull * RAN, 30));
	for (unsigned n = 0; n < 1000; n++)					/* here, then there */
		assert(!watch_hangs(&w, 1 + n / 2 % 2, 5, n * 10ull * RAN, 30));
}

/* A processor that the host stopped: all its time at once, and then the request is over. */
static void
slow_host(void)
{
	struct watch w = { 0 };
	uint64_t run = 0;

	for (unsigned served = 0; served < 1000; served++) {
		for (unsigned look = 0; look < 30; look++)
			assert(!watch_hangs(&w, 1, served, run, 30));
		run += 1000000000000ull;
		assert(!watch_hangs(&w, 1, served, run, 30));
	}
}

int
main(void)
{
	under_way();
	goes_on();
	slow_host();
	printf("exos_watch: 3 passed, 0 failed\n");
	return 0;
}
