/* SPDX-License-Identifier: ISC */
/*
 * Its own scheduler: three children share the slices of their parent 3 : 2 : 1.
 * They have none of their own; the parent gives each of its slices on whole, by
 * a directed yield, to whoever is furthest behind its share (stride scheduling:
 * a child's pass grows by what it used, divided by its tickets).
 */
#include "lib/child.h"

EXO_NATIVE_NOTE;

#define CHILDREN 3u
#define ROUNDS 60u

static struct child child[CHILDREN];
static const uint64_t tickets[CHILDREN] = { 3, 2, 1 };
static volatile uint64_t work[CHILDREN];

static void
works(uint64_t which)
{
	exo_on_epilogue(
		exo_epilogue_yield); /* or it would be taken off by force: that works, too */
	for (;;)
		work[which]++;
}

static uint64_t
used_ns(unsigned which)
{
	return exo_env(child[which].id)->run_ns;
}

/* Half a slice ahead, so that everybody's first turn comes in the middle of its stride. */
static uint64_t
ahead_ns(unsigned which)
{
	return used_ns(which) + exo_info()->slice_ns / 2;
}

/* The least pass; pass = ahead / tickets, compared without dividing. */
static unsigned
furthest_behind(void)
{
	unsigned best = 0;

	for (unsigned n = 1; n < CHILDREN; n++)
		if (ahead_ns(n) * tickets[best] < ahead_ns(best) * tickets[n])
			best = n;
	return best;
}

/* How far the worst is from its share, in ns. */
static uint64_t
error_ns(void)
{
	uint64_t total = 0, worst = 0;

	for (unsigned n = 0; n < CHILDREN; n++)
		total += used_ns(n);
	for (unsigned n = 0; n < CHILDREN; n++) {
		uint64_t share = total * tickets[n] / 6, used = used_ns(n);
		uint64_t off = used > share ? used - share : share - used;

		worst = off > worst ? off : worst;
	}
	return worst;
}

/* What part each has had so far, and (:) is to have: of 60 columns. */
static void
plot(unsigned round, uint64_t error)
{
	char line[61];
	uint64_t total = 0;

	for (unsigned n = 0; n < CHILDREN; n++)
		total += used_ns(n);
	__builtin_memset(line, ' ', sizeof(line));
	line[sizeof(line) - 1] = '\0';
	for (unsigned n = 0; n < CHILDREN; n++)
		line[10 * tickets[n]] = ':';
	for (unsigned n = 0; n < CHILDREN; n++)
		line[(used_ns(n) * 60 + total / 2) / total % 60] = (char)('A' + n);
	exo_printf("%3u slices |%s| off by %lu us\n", round, line, error / 1000);
}

int
exo_main(const struct exo_start *start)
{
	uint64_t worst = 0, longest = exo_info()->slice_ns, error;

	(void)start;
	for (unsigned n = 0; n < CHILDREN; n++)
		if (!child_make(&child[n], works, n, 0))
			return 1;
	for (unsigned round = 1; round <= ROUNDS; round++) {
		unsigned next = furthest_behind();
		uint64_t before = used_ns(next);

		exo_yield(child[next].id);
		/* What the machine's host takes away lengthens a slice. */
		if (used_ns(next) - before > longest)
			longest = used_ns(next) - before;
		error = error_ns();
		worst = error > worst ? error : worst;
		if (round <= 6 || round % 6 == 0)
			plot(round, error);
	}
	exo_printf(
		"3 : 2 : 1 became %lu : %lu : %lu ms; off by %lu us at most, a slice is %lu us\n",
		used_ns(0) / 1000000, used_ns(1) / 1000000, used_ns(2) / 1000000, worst / 1000,
		longest / 1000);
	for (unsigned n = 0; n < CHILDREN; n++)
		exo_env_destroy(child[n].id, 0, child_key());
	return worst < longest ? 0 : 2;
}
