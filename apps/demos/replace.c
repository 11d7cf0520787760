/* SPDX-License-Identifier: ISC */
/*
 * Replacement by who knows the program, against what a library can do that does
 * not.  A table of computed pages is gone through again and again; then a
 * quarter of its frames is asked back.
 *
 *	like ExOS: cold pages (by their accessed bits) are squeezed, by ExOS's own
 *		squeeze.c, into frames of pages that went before (lib/coldstore.c)
 *	own: the page used last is the one needed last, and goes first; nothing of
 *		it is kept, for it can be computed again
 *
 * Both sides are played here, as in give_way.c, so it runs as boot/init.
 */
#include <exo/lib.h>
#include <exo/read.h>
#include "lib/coldstore.h"

EXO_NATIVE_NOTE;

#define REGION 0x20000000ull
#define PAGES COLD_PAGES
#define ASKED 24u
#define SCANS 10u
enum { ROOT_KEY };

static exo_pfn account, freed, frame[PAGES];	/* let go of by a page last; of each page, 0 */
static uint64_t answered;
static unsigned at, hand, faults;	/* at: the page of the last fault */

static bool
bind(uint64_t va, exo_pfn pfn, uint32_t op)
{
	struct exo_map map = { .va = va, .pfn = pfn, .op = op, .key = ROOT_KEY };

	return exo_map(exo_self(), &map, 1, 0) == 1;
}

static uint64_t
page_va(unsigned page)
{
	return REGION + page * EXO_PAGE_BYTES;
}

static uint64_t
value(unsigned page, unsigned word)
{
	return word % 4 ? 0 : page * 1000ull + word;
}

static void
fill(unsigned page)
{
	for (unsigned word = 0; word < EXO_PAGE_BYTES / 8; word++)
		((volatile uint64_t *)page_va(page))[word] = value(page, word);
}

/* own: the one before this one, of those that are there. */
static void
own_away(void)
{
	unsigned page = at;

	do
		page = (page + PAGES - 1) % PAGES;
	while (!frame[page]);
	freed = frame[page];
	frame[page] = 0;
	bind(page_va(page), 0, EXO_OP_UNMAP);
}

/* Like ExOS: the first one that was not touched since the hand came by. */
static unsigned
cold(void)
{
	for (;; hand = (hand + 1) % PAGES) {	/* bound: two rounds */
		if (!frame[hand])
			continue;
		if (!(exo_pte(page_va(hand)) & EXO_PTE_ACCESSED))
			return hand;
		bind(page_va(hand), 0, EXO_OP_PROTECT | EXO_MAP_WRITE | EXO_MAP_CLEARAD);
	}
}

static struct coldstore store = { .va = REGION + PAGES * EXO_PAGE_BYTES, .bind = bind };

static void
away(void)
{
	do {					/* bound: each second one frees a frame */
		unsigned page = cold();
		exo_pfn pfn = frame[page];

		frame[page] = 0;
		freed = cold_away(&store, page, page_va(page), pfn);
	} while (!freed);
}

static void
bring(unsigned page)
{
	if (!cold_bring(&store, page, page_va(page)))
		exo_exit(12);
}

static const struct way {
	const char *name;
	void (*away)(void), (*bring)(unsigned page);
} ways[] = { { "like ExOS", away, bring }, { "own", own_away, fill } };
static const struct way *way;

static void
on_revoke(struct exo_save *context)
{
	(void)context;
	if (exo_uarea()->revocation.debt.asked == answered)
		return;
	answered++;
	for (unsigned n = 0; n < ASKED; n++) {
		way->away();
		exo_frame_release(freed, 1, ROOT_KEY);
	}
}

static void
on_fault(struct exo_save *context)
{
	unsigned page = (unsigned)((context->addr - REGION) / EXO_PAGE_BYTES);

	if (context->vector != 14 || page >= PAGES || frame[page])
		exo_exit(10);
	faults++;
	at = page;
	way->away();
	frame[page] = freed;
	bind(page_va(page), freed, EXO_OP_MAP | EXO_MAP_WRITE);
	way->bring(page);
}

static uint64_t
scan(void)
{
	uint64_t wrong = 0;

	for (unsigned page = 0; page < PAGES; page++)
		for (unsigned word = 0; word < 512; word += 64)
			wrong += ((volatile uint64_t *)page_va(page))[word] != value(page, word);
	return wrong;
}

/* Instructions for each page of a scan, where the machine's clock counts them. */
static uint64_t
measure(const struct way *w, uint64_t *wrong)
{
	exo_pfn first = exo_frame_find(0, PAGES);
	uint64_t begun;

	way = w;
	if (exo_frame_claim_all(first, PAGES, account, 0, ROOT_KEY, 0) != PAGES)
		exo_exit(11);
	for (unsigned page = 0; page < PAGES; page++) {
		frame[page] = first + page;
		bind(page_va(page), frame[page], EXO_OP_MAP | EXO_MAP_WRITE);
		fill(page);
	}
	exo_account_ask(account, ASKED, ~0ull, ROOT_KEY);
	begun = exo_now_ns();
	faults = 0;
	for (unsigned n = 0; n < SCANS; n++)
		*wrong += scan();
	begun = exo_now_ns() - begun;
	while (exo_account_reap(account, PAGES, ROOT_KEY) > 0)
		;
	exo_account_limit(account, ASKED, ROOT_KEY);
	return begun / SCANS / PAGES;
}

int
exo_main(const struct exo_start *start)
{
	exo_pfn first = exo_frame_find(0, 4);
	uint64_t wrong = 0, took[2];

	if (start) {
		exo_print("replace: needs the arbiter's key, which boot/init has: "
			  "tests/run.py -v demos/replace\n");
		return 1;
	}
	if (!first || exo_frame_claim_all(first, 4, exo_info()->root_account, 0, ROOT_KEY, 0) != 4)
		return 1;
	account = first + 3;
	if (exo_pt_install(exo_self(), REGION | 1 | EXO_PT_WRITE, first, first + 1, 0, 0) != 0 ||
		exo_account_create(account, exo_info()->root_account, PAGES, 0, ROOT_KEY,
			ROOT_KEY) ||
		exo_account_watch(account, exo_self(), ROOT_KEY, 0) != 0)
		return 2;
	exo_on_exception(on_fault);
	exo_on_revoke(on_revoke);
	for (unsigned n = 0; n < 2; n++) {
		took[n] = measure(&ways[n], &wrong);
		exo_printf(
			"%s: %u frames for %u pages, %u faults a scan, %lu instructions a page\n",
			ways[n].name, PAGES - ASKED, PAGES, faults / SCANS, took[n]);
	}
	return wrong == 0 && faults <= ASKED * SCANS && took[1] < took[0] ? 0 : 3;
}
