/* SPDX-License-Identifier: ISC */
/*
 * What a garbage collector does with page protection.  appel1: touch a
 * protected page, in the handler open it and protect the next.  appel2: protect
 * a hundred pages, touch each, open it in the handler.  And what no trap is
 * needed for here: which pages were written to stands in the program's own page
 * tables, to be read like any memory.
 */
#include "lib/child.h"

EXO_NATIVE_NOTE;

#define REGION 0x20000000ull
#define PAGES 100u
#define ROUNDS 5u

static struct exo_map vec[PAGES];
static volatile uint64_t traps;
static volatile bool first_kind;

static uint64_t
page(uint64_t n)
{
	return REGION + n % PAGES * EXO_PAGE_BYTES;
}

/* What may be read may be read meanwhile; adding the right to write asks for it anew. */
static struct exo_map
protection(uint64_t n, uint32_t op)
{
	return (struct exo_map){ .va = page(n), .op = EXO_OP_PROTECT | op, .key = child_key() };
}

static void
on_fault(struct exo_save *context)
{
	uint64_t n = (context->addr - REGION) / EXO_PAGE_BYTES;
	struct exo_map change[2] = { protection(n, EXO_MAP_WRITE), protection(n + 1, 0) };

	if (context->vector != 14 || n >= PAGES ||
		exo_map(exo_self(), change, first_kind ? 2 : 1, 0) < 1)
		exo_exit(10);
	traps++;
}

static bool
prepare(void)
{
	exo_pfn pfn;

	if (!own_tables(REGION))
		return false;
	pfn = exo_frame_find(0, PAGES);
	if (exo_frame_claim_all(pfn, PAGES, child_account(), 0, child_key(), 0) != PAGES)
		return false;
	for (unsigned n = 0; n < PAGES; n++)
		vec[n] = (struct exo_map){ page(n), pfn + n, EXO_OP_MAP | EXO_MAP_WRITE,
			child_key() };
	return exo_map_all(exo_self(), vec, PAGES, 0) == PAGES;
}

static void
all(uint32_t op)
{
	for (unsigned n = 0; n < PAGES; n++)
		vec[n] = protection(n, op);
	exo_map_all(exo_self(), vec, PAGES, 0);
}

static void
write_all(void)
{
	for (unsigned n = 0; n < PAGES; n++)
		*(volatile uint64_t *)page(n) += n;
}

static uint64_t
appel1(void)
{
	struct exo_map one = protection(0, 0);
	uint64_t from;

	first_kind = true;
	exo_map(exo_self(), &one, 1, 0);
	from = exo_now_ns();
	write_all();
	return (exo_now_ns() - from) / PAGES;
}

static uint64_t
appel2(void)
{
	uint64_t from = exo_now_ns();

	first_kind = false;
	all(0);
	write_all();
	return (exo_now_ns() - from) / PAGES;
}

/* Every seventh page is written to; who they were is found without a call. */
static uint64_t
dirty(uint64_t *took)
{
	uint64_t wrong = 0, from;

	all(EXO_MAP_WRITE | EXO_MAP_CLEARAD);
	for (unsigned n = 0; n < PAGES; n += 7)
		*(volatile uint64_t *)page(n) += 1;
	from = exo_now_ns();
	for (unsigned n = 0; n < PAGES; n++)
		wrong += ((exo_pte(page(n)) & EXO_PTE_DIRTY) != 0) != (n % 7 == 0);
	*took = (exo_now_ns() - from) / PAGES;
	return wrong;
}

int
exo_main(const struct exo_start *start)
{
	uint64_t one = 0, two = 0, query, wrong;

	(void)start;
	if (!prepare())
		return 1;
	exo_on_exception(on_fault);
	for (unsigned round = 0; round < ROUNDS; round++)
		one = appel1();			/* the last counts: the emulator has seen it by then */
	if (traps != ROUNDS * PAGES)
		return 2;
	all(EXO_MAP_WRITE);
	for (unsigned round = 0; round < ROUNDS; round++)
		two = appel2();
	wrong = 0;
	for (unsigned round = 0; round < ROUNDS; round++)
		wrong += dirty(&query);
	exo_printf("appel1 %lu ns, appel2 %lu ns, dirty query %lu ns a page\n", one, two, query);
	return traps == 2 * ROUNDS * PAGES && wrong == 0 ? 0 : 3;
}
