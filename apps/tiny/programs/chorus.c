/* SPDX-License-Identifier: ISC */
/*
 * A program for Tiny: three singers who wait for time, one who never waits, and
 * a sieve in memory that comes page by page.
 */
#include "../call.h"

static volatile uint64_t turns, over;
static uint64_t begin;

static void
say(const char *text)
{
	uint64_t bytes = 0;

	while (text[bytes])
		bytes++;
	tiny_call(TINY_WRITE, (uint64_t)text, bytes, 0);
}

static void
sings(uint64_t line)
{
	uint64_t at = begin + 3000000 * line, time = (uint64_t)tiny_call(TINY_TIME, 0, 0, 0);

	tiny_call(TINY_SLEEP, at > time ? at - time : 0, 0, 0);
	say(line == 1 ? "one\n" : line == 2 ? "two\n" : "three\n");
	tiny_call(TINY_END, line, 0, 0);
}

/* Never gives up the processor: the end of its slice takes it. */
static void
spins(uint64_t unused)
{
	(void)unused;
	while (!over)
		turns++;
	tiny_call(TINY_END, 0, 0, 0);
}

static uint64_t
primes(uint64_t below)
{
	int64_t at = tiny_call(TINY_MEMORY, below, 0, 0);
	uint8_t *sieve = (uint8_t *)at;
	uint64_t found = 0;

	if (at < 0)
		return 0;
	for (uint64_t n = 2; n < below; n++) {
		if (sieve[n])
			continue;
		found++;
		for (uint64_t m = n * n; m < below; m += n)
			sieve[m] = 1;
	}
	tiny_call(TINY_FREE, (uint64_t)at, 0, 0);
	return found;
}

void
_start(void)
{
	int64_t task[4], sum = 0;

	begin = (uint64_t)tiny_call(TINY_TIME, 0, 0, 0);
	for (uint64_t n = 0; n < 4; n++)
		task[n] = tiny_call(TINY_TASK, n < 3 ? (uint64_t)sings : (uint64_t)spins, n + 1,
			8192);
	for (unsigned n = 0; n < 3; n++)
		sum += tiny_call(TINY_JOIN, (uint64_t)task[n], 0, 0);
	over = 1;
	tiny_call(TINY_JOIN, (uint64_t)task[3], 0, 0);
	if (primes(200000) == 17984 && turns > 0 && sum == 6)
		say("17984 primes\n");
	tiny_call(TINY_END, 7, 0, 0);
}
