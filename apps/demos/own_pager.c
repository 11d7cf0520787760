/* SPDX-License-Identifier: ISC */
/*
 * Its own pager: a megabyte of address space backed by eight frames.  The
 * fault handler below is all the virtual memory there is: the kernel hands
 * the fault over, the program picks the frame (from the exposed table), the
 * victim (by the accessed bits of its own page tables) and what a page holds
 * (here it is computed; it might as well be decompressed or fetched).
 */
#include <exo/lib.h>
#include <exo/read.h>

EXO_NATIVE_NOTE;

#define REGION 0x20000000ull
#define PAGES 256u
#define FRAMES 8u

static exo_pfn frame[FRAMES];		/* ours, bound or not */
static uint64_t holds[FRAMES];		/* which address each is bound at, 0: none */
static unsigned hand;
static unsigned faults, evictions;
static exo_slot k_account;

static bool
bind(uint64_t va, exo_pfn pfn, uint32_t op)
{
	struct exo_map map = { .va = va, .pfn = pfn, .op = op, .key = k_account };

	return exo_map(exo_self(), &map, 1, 0) == 1;
}

/* Second chance: whoever was not touched since the hand came by last. */
static unsigned
victim(void)
{
	for (;; hand = (hand + 1) % FRAMES) {	/* bound: two rounds, the first clears every bit */
		if (!holds[hand] || !(exo_pte(holds[hand]) & EXO_PTE_ACCESSED))
			return hand;
		bind(holds[hand], 0, EXO_OP_PROTECT | EXO_MAP_WRITE | EXO_MAP_CLEARAD);
	}
}

static void
fill(uint64_t va)
{
	for (uint64_t word = 0; word < EXO_PAGE_BYTES / 8; word++)
		((volatile uint64_t *)va)[word] = va + word * 8;
}

static void
on_fault(struct exo_save *context)
{
	uint64_t va = context->addr & -EXO_PAGE_BYTES;
	unsigned slot;

	if (context->vector != 14 || va < REGION || va >= REGION + PAGES * EXO_PAGE_BYTES) {
		exo_printf("own_pager: vector %u at 0x%lx\n", context->vector, context->rip);
		exo_exit(1);
	}
	faults++;
	slot = victim();
	if (holds[slot]) {
		bind(holds[slot], 0, EXO_OP_UNMAP);
		evictions++;
	}
	holds[slot] = va;
	hand = (slot + 1) % FRAMES;
	if (!bind(va, frame[slot], EXO_OP_MAP | EXO_MAP_WRITE))
		exo_exit(2);
	fill(va);
}

/* Page tables for the region are frames like any other: three for the lowest level and its links. */
static bool
prepare(const struct exo_start *start)
{
	exo_pfn account = start ? start->account : exo_info()->root_account;
	exo_pfn first = exo_frame_find(0, 3 + FRAMES);

	k_account = start ? start->k_account : 0;
	if (!first ||
		exo_frame_claim_all(first, 3 + FRAMES, account, 0, k_account, 0) != 3 + FRAMES)
		return false;
	for (unsigned slot = 0; slot < FRAMES; slot++)
		frame[slot] = first + 3 + slot;
	return exo_pt_install(exo_self(), REGION | 1 | EXO_PT_WRITE, first, first + 1, 0, 0) == 0;
}

int
exo_main(const struct exo_start *start)
{
	uint64_t sum = 0, random = 1;

	if (!prepare(start)) {
		exo_print("own_pager: no frames\n");
		return 1;
	}
	exo_on_exception(on_fault);
	for (unsigned round = 0; round < 2000; round++) {
		uint64_t at;

		random = random * 6364136223846793005ull + 1442695040888963407ull;
		/* a few pages often, all of them now and then */
		at = REGION + ((random >> 40) % (round % 8 ? 6 : PAGES)) * EXO_PAGE_BYTES +
			(random >> 20 & 0xff8);
		if (*(volatile uint64_t *)at != at)
			return 3;
		sum += at;
	}
	exo_printf("%u pages in %u frames: 2000 reads, %u faults, %u evictions, sum 0x%lx\n", PAGES,
		FRAMES, faults, evictions, sum);
	return 0;
}
