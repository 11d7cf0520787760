/* SPDX-License-Identifier: ISC */
/*
 * Its own page-table format: one flat array of translations, which the program
 * writes like any other memory and offers to the kernel as a software TLB.
 * The hardware's tables are a cache of it: whatever is dropped there comes
 * back when it is touched, without an upcall and without a call.
 *
 * Three things it is good for are shown: dropping every binding to see which
 * pages a piece of work uses, and the same with a fault handler, to compare;
 * and pages all over the address space on a handful of page tables, which the
 * kernel moves to where they are needed (stlb_pool).
 */
#include <exo/lib.h>
#include <exo/read.h>
#include <exo/stlb.h>

EXO_NATIVE_NOTE;

#define REGION 0x20000000ull		/* and the array behind it */
#define PAGES 1024u			/* 4 MiB of addresses */
#define TABLES 3u			/* page tables: two for the region, one for the array */
#define ARRAY_FRAMES (PAGES / EXO_STLB_ENTRIES)
#define SHARED_FRAMES 16u		/* page n is frame n mod 16: more bindings than frames */
#define FAR 0x100000000000ull		/* nothing is there, tables of any level included */
#define APART (0x8000000ull + EXO_PAGE_BYTES)	/* 128 MiB, and the next entry of the array */
#define FAR_PAGES 512u
#define POOL 12u
#define FRAMES (3 * TABLES + ARRAY_FRAMES + SHARED_FRAMES + 3 * POOL)

static struct exo_stlb *const array = (struct exo_stlb *)(REGION + PAGES * EXO_PAGE_BYTES);
static struct exo_map vec[PAGES];
static exo_pfn base;			/* FRAMES of our own */
static exo_slot k_account;
static volatile uint64_t upcalls;

static exo_pfn
frame_of(uint64_t page)
{
	return base + 3 * TABLES + ARRAY_FRAMES + page % SHARED_FRAMES;
}

static bool
prepare(const struct exo_start *start)
{
	exo_pfn account = start ? start->account : exo_info()->root_account;

	k_account = start ? start->k_account : 0;
	base = exo_frame_find(0, FRAMES);
	if (!base || exo_frame_claim_all(base, FRAMES, account, 0, k_account, 0) != FRAMES)
		return false;
	for (uint64_t n = 0; n < TABLES; n++) {
		uint64_t where = (REGION + (n << 21)) | 1 | EXO_PT_WRITE;

		if (exo_pt_install(exo_self(), where, base + 3 * n, base + 3 * n + 1, 0, 0) != 0)
			return false;
	}
	for (unsigned n = 0; n < ARRAY_FRAMES; n++)
		vec[n] = (struct exo_map){ (uint64_t)array + n * EXO_PAGE_BYTES,
			base + 3 * TABLES + n, EXO_OP_MAP | EXO_MAP_WRITE, k_account };
	return exo_map_all(exo_self(), vec, ARRAY_FRAMES, 0) == ARRAY_FRAMES;
}

/* The whole translation of the region: no call is made for any of it. */
static void
translate(void)
{
	for (uint64_t page = 0; page < PAGES; page++) {
		uint64_t va = REGION + page * EXO_PAGE_BYTES;

		array[exo_stlb_index(va, ARRAY_FRAMES)] = (struct exo_stlb){
			va | EXO_MAP_READ | EXO_MAP_WRITE,
			frame_of(page) | (uint64_t)k_account << EXO_STLB_KEY_SHIFT };
	}
}

/* What the same costs where the library hears of every fault. */
static void
on_fault(struct exo_save *context)
{
	uint64_t page = (context->addr - REGION) / EXO_PAGE_BYTES;
	struct exo_map map = { context->addr & -EXO_PAGE_BYTES, frame_of(page),
		EXO_OP_MAP | EXO_MAP_WRITE, k_account };

	if (context->vector != 14 || page >= PAGES || exo_map(exo_self(), &map, 1, 0) != 1) {
		exo_printf("own_tables: vector %u at 0x%lx\n", context->vector, context->rip);
		exo_exit(1);
	}
	upcalls++;
}

static bool
drop_all(void)
{
	for (uint64_t page = 0; page < PAGES; page++)
		vec[page] = (struct exo_map){ REGION + page * EXO_PAGE_BYTES, 0, EXO_OP_UNMAP, 0 };
	return exo_map_all(exo_self(), vec, PAGES, 0) == PAGES;
}

static uint64_t
touch_all(void)
{
	uint64_t from = exo_now_ns();

	for (uint64_t page = 0; page < PAGES; page++)
		*(volatile uint64_t *)(REGION + page * EXO_PAGE_BYTES) += page;
	return (exo_now_ns() - from) / PAGES;
}

/* Some work whose habits nobody knows: the pages it used are those that came back. */
static unsigned
working_set(void)
{
	unsigned used = 0;

	for (uint64_t n = 1, at = 7; n < 500; n++, at = at * 5 % 769)
		*(volatile uint64_t *)(REGION + at % 97 * EXO_PAGE_BYTES) += n;
	for (uint64_t page = 0; page < PAGES; page++)
		used += (exo_pte(REGION + page * EXO_PAGE_BYTES) & EXO_PTE_PRESENT) != 0;
	return used;
}

/* Pages far apart: each would need a page table of its own, and most a directory. */
static bool
sparse(const volatile struct exo_env *self)
{
	exo_pfn pool = base + 3 * TABLES + ARRAY_FRAMES + SHARED_FRAMES;
	uint64_t sum = 0, from, ns;

	for (unsigned n = 0; n < POOL; n++)
		if (exo_stlb_pool(exo_self(), n, pool + 3 * n, pool + 3 * n + 1, 0) != 0)
			return false;
	for (uint64_t n = 0; n < FAR_PAGES; n++)
		array[exo_stlb_index(FAR + n * APART, ARRAY_FRAMES)] = (struct exo_stlb){
			(FAR + n * APART) | EXO_MAP_READ,
			frame_of(n) | (uint64_t)k_account << EXO_STLB_KEY_SHIFT };
	from = exo_now_ns();
	for (uint64_t n = 0; n < FAR_PAGES; n++)
		sum += *(volatile uint64_t *)(FAR + n * APART) ==
			*(volatile uint64_t *)(FAR + n % SHARED_FRAMES * APART);
	ns = (exo_now_ns() - from) / (2 * FAR_PAGES);
	exo_printf("%u pages over 64 GiB on %u page tables: moved %lu times, %lu ns a page\n",
		FAR_PAGES, POOL, self->stlb_refills, ns);
	return sum == FAR_PAGES;
}

int
exo_main(const struct exo_start *start)
{
	const volatile struct exo_env *self = exo_env(exo_self());
	uint64_t with, without;

	if (!prepare(start)) {
		exo_print("own_tables: no frames\n");
		return 1;
	}
	exo_on_exception(on_fault);
	touch_all();			/* once for the emulator, which translates what it runs */
	drop_all();
	upcalls = 0;
	without = touch_all();
	if (upcalls != PAGES || !drop_all())
		return 2;
	translate();
	if (exo_stlb_offer(exo_self(), base + 3 * TABLES, ARRAY_FRAMES, 0, k_account) != 0)
		return 3;
	touch_all();
	drop_all();
	with = touch_all();
	exo_printf("%u pages in %u frames: %lu hits and %lu upcalls, %lu ns a page; "
		   "with a handler %lu upcalls, %lu ns\n",
		PAGES, SHARED_FRAMES, self->stlb_hits / 2, upcalls - PAGES, with, (uint64_t)PAGES,
		without);
	if (self->stlb_hits != 2 * PAGES || upcalls != PAGES || !drop_all())
		return 4;
	exo_printf("that work used %u pages\n", working_set());
	return upcalls == PAGES && sparse(self) && upcalls == PAGES ? 0 : 5;
}
