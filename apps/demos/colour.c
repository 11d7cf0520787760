/* SPDX-License-Identifier: ISC */
/*
 * Frames have names, so who cares where its pages lie chooses them: all of one
 * colour of a cache (what shares the places of the cache with nothing else),
 * each of another, or 2 MiB in a row, aligned.  The allocator is this file.
 */
#include "lib/child.h"

EXO_NATIVE_NOTE;

#define COLOURS 64u			/* a cache of 256 KiB a way */
#define PAGES 32u
#define LARGE 512u			/* frames of 2 MiB */

static exo_pfn taken[PAGES];

static bool
claim(exo_pfn pfn, uint64_t count)
{
	return exo_frame_claim_all(pfn, count, child_account(), 0, child_key(), 0) ==
		(int64_t)count;
}

static bool
is_free(exo_pfn pfn)
{
	return ((const volatile uint64_t *)EXO_FREEMAP)[pfn / 64] >> pfn % 64 & 1;
}

/* Page n gets a frame of colour(n); somebody else may be quicker, then the next one. */
static unsigned
coloured(unsigned first, unsigned step)
{
	exo_pfn frames = exo_info()->frames;
	unsigned had = 0;

	for (unsigned n = 0; n < PAGES; n++) {
		exo_pfn pfn = (first + n * step) % COLOURS;

		while (pfn < frames && !(is_free(pfn) && claim(pfn, 1)))
			pfn += COLOURS;
		if (pfn < frames)
			taken[had++] = pfn;
	}
	return had;
}

static void
give_back(unsigned count)
{
	for (unsigned n = 0; n < count; n++)
		exo_frame_release(taken[n], 1, child_key());
}

/* Aligned and free from end to end: eight words of the map at a time. */
static exo_pfn
large_find(void)
{
	const volatile uint64_t *map = (const volatile uint64_t *)EXO_FREEMAP;

	for (exo_pfn pfn = 0; pfn + LARGE <= exo_info()->frames; pfn += LARGE) {
		uint64_t all = ~0ull;

		for (unsigned n = 0; n < LARGE / 64; n++)
			all &= map[pfn / 64 + n];
		if (all == ~0ull)
			return pfn;
	}
	return 0;
}

int
exo_main(const struct exo_start *start)
{
	uint64_t from, same, apart, run, seen = 0, bad = 0;
	exo_pfn large;
	unsigned had;

	(void)start;
	from = exo_now_ns();
	had = coloured(17, 0);
	same = (exo_now_ns() - from) / PAGES;
	for (unsigned n = 0; n < had; n++)
		bad += taken[n] % COLOURS != 17;
	bad += had != PAGES;
	give_back(had);

	from = exo_now_ns();
	had = coloured(0, 2);
	apart = (exo_now_ns() - from) / PAGES;
	for (unsigned n = 0; n < had; n++)
		seen |= 1ull << taken[n] % COLOURS;
	bad += seen != 0x5555555555555555ull;	/* every second colour, each once */
	give_back(had);

	from = exo_now_ns();
	large = large_find();
	bad += large == 0 || !claim(large, LARGE);
	run = exo_now_ns() - from;
	bad += large % LARGE != 0;
	exo_printf("%u pages of one colour: %lu ns each; of %u colours: %lu ns each; ", PAGES, same,
		PAGES, apart);
	exo_printf("2 MiB in a row: %lu ns\n", run);
	exo_frame_release_all(large, LARGE, child_key());
	return bad ? 1 : 0;
}
