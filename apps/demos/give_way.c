/* SPDX-License-Identifier: ISC */
/*
 * Visible revocation: a cache of computed pages is asked for most of its
 * frames.  Its revocation handler gives up what can be computed again, moves
 * the one page that cannot, and leaves one request unanswered, so that frame
 * is taken by force: the next touch faults, and the handler finds out why.
 *
 * Both sides are played here, so the program needs the arbiter's key: it runs
 * as boot/init (tests/run.py demos/give_way), not under `exo run`.
 */
#include <exo/lib.h>
#include <exo/read.h>

EXO_NATIVE_NOTE;

#define REGION 0x20000000ull
#define PAGES 32u
#define PRECIOUS 3u			/* the page that was written to */
#define STUBBORN 5u			/* the page whose frame is not given up */
#define NOTICE_NS 50000000u
enum { ROOT_KEY };

static exo_pfn base;			/* 3 of a page table, then the cache, then one to move to */
static uint64_t handled;		/* requests dealt with */
static unsigned dropped, moved, found_lost;

static exo_pfn
frame_of(uint64_t page)
{
	return base + 3 + page;
}

static bool
map(uint64_t page, exo_pfn pfn, uint32_t op)
{
	struct exo_map e = { REGION + page * EXO_PAGE_BYTES, pfn, op, ROOT_KEY };

	return exo_map(exo_self(), &e, 1, 0) == 1;
}

static void
fill(uint64_t page)
{
	for (uint64_t word = 0; word < 512; word++)
		((volatile uint64_t *)(REGION + page * EXO_PAGE_BYTES))[word] = page * 1000 + word;
}

/* Copied through the old binding, which is good until the deadline. */
static void
move(uint64_t page, exo_pfn to)
{
	map(PAGES, to, EXO_OP_MAP | EXO_MAP_WRITE);
	__builtin_memcpy((void *)(REGION + PAGES * EXO_PAGE_BYTES),
		(const void *)(REGION + page * EXO_PAGE_BYTES), EXO_PAGE_BYTES);
	map(page, to, EXO_OP_MAP | EXO_MAP_WRITE);
	map(PAGES, 0, EXO_OP_UNMAP);
	moved++;
}

static void
on_revoke(struct exo_save *context)
{
	const volatile struct exo_revocation *r = &exo_uarea()->revocation;

	(void)context;
	for (; handled < r->asked; handled++) {
		exo_pfn pfn = r->ask[handled % EXO_REVOKES].pfn;
		uint64_t page = pfn - frame_of(0);

		if (page == STUBBORN)
			continue;
		if (page == PRECIOUS)
			move(page, frame_of(PAGES));
		else
			dropped++;
		exo_frame_release(pfn, 1, ROOT_KEY);
	}
}

/* A page that is gone: given up, or taken.  It is computed again in whatever frame is free. */
static void
on_fault(struct exo_save *context)
{
	const volatile struct exo_revocation *r = &exo_uarea()->revocation;
	uint64_t page = (context->addr - REGION) / EXO_PAGE_BYTES;

	if (context->vector != 14 || page >= PAGES)
		exo_exit(10);
	for (uint64_t n = 0; n < r->lost && n < EXO_REVOKES; n++)
		found_lost += r->loss[n] == frame_of(page);
	if (!map(page, exo_frame_find(0, 1), EXO_OP_MAP | EXO_MAP_WRITE | EXO_MAP_CLAIM))
		exo_exit(11);
	fill(page);
}

static bool
prepare(void)
{
	base = exo_frame_find(0, 4 + PAGES);
	if (!base || exo_frame_claim_all(base, 4 + PAGES, exo_info()->root_account, 0, ROOT_KEY,
				0) != 4 + PAGES)
		return false;
	if (exo_pt_install(exo_self(), REGION | 1 | EXO_PT_WRITE, base, base + 1, 0, 0) != 0)
		return false;
	for (uint64_t page = 0; page < PAGES; page++) {
		map(page, frame_of(page), EXO_OP_MAP | EXO_MAP_WRITE);
		fill(page);
	}
	return true;
}

/* The other side: all but the last eight.  Returns how many it got. */
static unsigned
arbitrate(void)
{
	uint64_t deadline = 0;
	unsigned got = 0;

	for (uint64_t page = 0; page < PAGES - 8; page++) {
		deadline = exo_now_ns() + NOTICE_NS;
		if (exo_repossess(frame_of(page), deadline, ROOT_KEY) != 0)
			return 0;
	}
	exo_printf("asked for %u frames: %u pages dropped, %u moved\n", PAGES - 8, dropped, moved);
	exo_wait_for(NULL, 0, deadline, 0);
	for (uint64_t page = 0; page < PAGES - 8; page++)
		got += exo_repossess_take(frame_of(page), ROOT_KEY) == 1;
	return got;
}

int
exo_main(const struct exo_start *start)
{
	uint64_t bad = 0;
	unsigned got;

	if (start) {
		exo_print("give_way: needs the arbiter's key, which boot/init has: "
			  "tests/run.py -v demos/give_way\n");
		return 1;
	}
	if (!prepare() || exo_account_watch(exo_info()->root_account, exo_self(), ROOT_KEY, 0) != 0)
		return 2;
	exo_on_exception(on_fault);
	exo_on_revoke(on_revoke);
	*(volatile uint64_t *)(REGION + PRECIOUS * EXO_PAGE_BYTES) = 4711;
	got = arbitrate();
	for (uint64_t page = 0; page < PAGES; page++)
		bad += *(volatile uint64_t *)(REGION + page * EXO_PAGE_BYTES) !=
			(page == PRECIOUS ? 4711 : page * 1000);
	exo_printf("taken %u, one of them by force (%u found out); %lu pages wrong\n", got,
		found_lost, bad);
	return got == PAGES - 8 && moved == 1 && found_lost == 1 && bad == 0 ? 0 : 3;
}
