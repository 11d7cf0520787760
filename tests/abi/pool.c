/* SPDX-License-Identifier: ISC */
/* stlb_pool, and hits of the software TLB that are bound in tables of the pool. */
#include "t.h"
#include <exo/stlb.h>

#define PAGE EXO_PAGE_BYTES
#define FRAMES (exo_info()->frames)
#define ARRAY (T_VA + 0x140000)		/* where the test sees its array */
#define ARRAY_FRAMES 4u
#define RW (EXO_MAP_READ | EXO_MAP_WRITE)
#define FAR 0x100000000000ull		/* no table of any level here */
/* Each in a directory of its own, and in an entry of the array */
#define APART (0x40000000ull + PAGE)
#define NEAR(n) (T_VA + ((uint64_t)(n) + 1) * 0x200000)	/* the directory is there, the table not */

static exo_pfn array, data;		/* ARRAY_FRAMES, and as many frames as begin() was asked for */

static const volatile struct exo_env *
self(void)
{
	return exo_env(exo_self());
}

static void
set(uint64_t va, exo_pfn pfn, uint64_t flags)
{
	struct exo_stlb *entry = (struct exo_stlb *)ARRAY + exo_stlb_index(va, ARRAY_FRAMES);

	*entry = (struct exo_stlb){ va | flags, pfn | (uint64_t)K_ROOT << EXO_STLB_KEY_SHIFT };
}

static void
begin(uint64_t frames)
{
	array = t_claim(ARRAY_FRAMES + frames);
	data = array + ARRAY_FRAMES;
	for (unsigned n = 0; n < ARRAY_FRAMES; n++)
		IS(t_map(ARRAY + n * PAGE, array + n, EXO_MAP_WRITE), 1);
	OK(exo_stlb_offer(exo_self(), array, ARRAY_FRAMES, 0, K_ROOT));
}

static void
end(uint64_t frames)
{
	OK(exo_stlb_offer(exo_self(), 0, 0, 0, 0));
	t_release(array, ARRAY_FRAMES + frames);
}

/* Places from .. from + count - 1, each with a table; the first of 3 * count frames. */
static exo_pfn
pool(unsigned from, unsigned count)
{
	exo_pfn base = t_claim(3 * count);

	for (unsigned n = 0; n < count; n++)
		OK(exo_stlb_pool(exo_self(), from + n, base + 3 * n, base + 3 * n + 1, 0));
	return base;
}

/* The tables out of the trees, from the pages upwards, and given back. */
static void
drain(exo_pfn base, unsigned count, const uint64_t *va, unsigned pages)
{
	for (unsigned n = 0; n < EXO_POOL_TABLES; n++)
		OK(exo_stlb_pool(exo_self(), n, 0, 0, 0));
	for (unsigned n = 0; n < pages; n++)
		t_unmap(va[n]);
	for (unsigned level = 1; level <= 3; level++)
		for (unsigned n = 0; n < pages; n++)
			for (unsigned t = 0; t < count; t++)
				if (EXO_PTE_PFN(exo_pte_at(va[n], level + 1)) == base + 3 * t)
					exo_pt_remove(exo_self(), (va[n] & ~0xfffull) | level, 0);
	for (unsigned t = 0; t < count; t++)
		IS(exo_frame_release(base + 3 * t, 1, K_ROOT), 1);
}

TEST(pool_errors)
{
	exo_pfn pfn = t_claim(3), bound = t_claim(1);
	exo_envid me = exo_self();

	ERR(exo_stlb_pool(me + 0x10000, 0, pfn, pfn + 1, K_ROOT), STALE);
	ERR(exo_stlb_pool(me, EXO_POOL_TABLES, pfn, pfn + 1, 0), RANGE);
	ERR(exo_stlb_pool(me, ~0u, pfn, pfn + 1, 0), RANGE);
	ERR(exo_stlb_pool(me, 0, FRAMES, pfn + 1, 0), RANGE);
	ERR(exo_stlb_pool(me, 0, pfn, FRAMES - 1, 0), KIND);
	ERR(exo_stlb_pool(me, 0, pfn, ~0ull, 0), RANGE);
	ERR(exo_stlb_pool(me, 0, ROOT_ACCOUNT, pfn + 1, 0), KIND);
	ERR(exo_stlb_pool(me, 0, pfn, pfn, 0), ARG);
	ERR(exo_stlb_pool(me, 0, pfn + 1, pfn, 0), ARG);
	IS(t_map(T_VA, bound, EXO_MAP_WRITE), 1);
	ERR(exo_stlb_pool(me, 0, bound, pfn + 1, 0), BUSY);
	OK(exo_stlb_pool(me, 0, 0, 0, K_NONE));
	OK(exo_stlb_pool(me, 0, pfn, pfn + 1, K_NONE));
	ERR(exo_stlb_pool(me, 1, pfn, pfn + 1, 0), KIND);	/* it is a table by now */
	IS(exo_frame(pfn)->kind, EXO_FRAME_PT1);
	IS(exo_frame_release(pfn, 1, K_ROOT), 1);
	IS(t_unmap(T_VA), 1);
	t_release(bound, 1);
	OK(exo_stlb_pool(me, 0, 0, 0, 0));
}

static void
sleeper(uint64_t arg)
{
	(void)arg;
	for (;;)
		exo_wait_for(NULL, 0, 0, 0);
}

TEST(pool_for_another)
{
	struct t_child c;
	exo_pfn mine = t_claim(3), own;

	if (!t_child(&c, sleeper, 0, 3))
		return;
	own = exo_frame_find(0, 3);
	IS(exo_frame_claim(own, 3, c.account, 0, K_ROOT, 0), 3);
	ERR(exo_stlb_pool(c.id, 0, own, own + 1, K_NONE), KEY);
	ERR(exo_stlb_pool(c.id, 0, own, own + 1, K_CONTROL), RIGHTS);
	ERR(exo_stlb_pool(c.id, 0, mine, mine + 1, K_WRITE), OWNER);
	ERR(exo_stlb_pool(c.id, 0, own, mine, K_WRITE), OWNER);
	ERR(exo_stlb_pool(exo_self(), 0, own, own + 1, 0), OWNER);
	OK(exo_stlb_pool(c.id, 0, own, own + 1, K_WRITE));
	OK(exo_env_destroy(c.id, 0, K_ROOT));
	ERR(exo_stlb_pool(c.id, 0, 0, 0, K_WRITE), DEAD);
	t_reap(&c);
	t_release(mine, 3);
}

/* Forty pages in forty places of the address space, on eight tables: nobody is woken. */
TEST(sparse_addresses)
{
	static uint64_t va[40];
	exo_pfn base;
	uint64_t faults, refills, sum = 0, value;

	begin(40);
	base = pool(0, 8);
	faults = self()->faults;
	refills = self()->stlb_refills;
	for (unsigned n = 0; n < 40; n++) {
		va[n] = FAR + n * APART;
		set(va[n], data + n, RW);
		OK(t_write(va[n], n * 1000));
	}
	for (unsigned round = 0; round < 3; round++)
		for (unsigned n = 0; n < 40; n += 1 + round) {
			OK(t_read(va[n], &value));
			sum += value != n * 1000;
		}
	IS(sum, 0);
	IS(self()->faults, faults);
	CHECK(self()->stlb_refills - refills >= 40 * 2);
	for (unsigned n = 0; n < 40; n++)
		CHECK(exo_frame(data + n)->nmaps <= 1);
	drain(base, 8, va, 40);
	end(40);
}

/* Three are enough for any address, for two there is no way down. */
TEST(three_tables)
{
	static uint64_t va[20];
	exo_pfn base;

	begin(20);
	base = pool(0, 3);
	for (unsigned n = 0; n < 20; n++) {
		va[n] = FAR + n * (APART << (n % 3 * 9 > 9 ? 9 : n % 3 * 9));
		set(va[n], data + n, RW);
		OK(t_write(va[n], n));
	}
	OK(exo_stlb_pool(exo_self(), 1, 0, 0, 0));
	set(FAR + 0x30000000000ull, data, RW);
	IS(t_write(FAR + 0x30000000000ull, 1), T_PF(6));
	va[0] = FAR + 0x30000000000ull;
	drain(base, 3, va, 20);
	end(20);
}

/* A table with all its entries in use is emptied, however many faults that takes. */
TEST(full_table)
{
	static uint64_t va[513];
	uint64_t hits;
	exo_pfn base;

	begin(2);
	base = pool(63, 1);
	for (unsigned n = 0; n < 512; n++) {
		va[n] = NEAR(0) + n * PAGE;
		set(va[n], data + n % 2, RW);
		OK(t_write(va[n], n));
	}
	IS(exo_frame(data)->nmaps, 256);
	va[512] = NEAR(1);
	set(va[512], data, RW);
	hits = self()->stlb_hits;
	OK(t_write(va[512], 1));
	CHECK(self()->stlb_hits - hits > 2);
	IS(exo_frame(data)->nmaps, 1);
	IS(exo_frame(data + 1)->nmaps, 0);
	set(va[0], data + 1, RW);
	OK(t_write(va[0], 1));
	IS(exo_pte(va[512]), 0);
	drain(base, 1, va, 513);
	end(2);
}

/* By place, whatever came when; what is there is passed over. */
TEST(order_of_places)
{
	uint64_t va[5];
	exo_pfn late, early;

	begin(1);
	late = pool(9, 1);
	early = pool(2, 1);
	for (unsigned n = 0; n < 5; n++) {
		va[n] = NEAR(n) + n * PAGE;
		set(va[n], data, EXO_MAP_READ);
		OK(t_read(va[n], NULL));
	}
	CHECK(EXO_PTE_PFN(exo_pte_at(va[3], 2)) + EXO_PTE_PFN(exo_pte_at(va[4], 2)) ==
		late + early);
	CHECK(EXO_PTE_PFN(exo_pte_at(va[3], 2)) != EXO_PTE_PFN(exo_pte_at(va[4], 2)));
	for (unsigned n = 0; n < 3; n++)
		IS(exo_pte_at(va[n], 2), 0);
	drain(late, 1, va, 5);
	drain(early, 1, va, 5);
	end(1);
}

/* A table that was shared to a second place is gone there, too; one that was released is used no more. */
TEST(shared_and_released)
{
	uint64_t va[2] = { NEAR(0), NEAR(1) + PAGE }, second = NEAR(2), value;
	exo_pfn base;

	begin(1);
	base = pool(0, 1);
	set(va[0], data, RW);
	set(va[1], data, RW);
	OK(t_write(va[0], 77));
	OK(exo_pt_install(exo_self(), second | 1 | EXO_PT_WRITE, base, 0, 0, K_ROOT));
	OK(t_read(second, &value));
	IS(value, 77);
	OK(t_write(va[1], 78));
	IS(exo_pte_at(second, 2), 0);
	IS(t_read(second, NULL), T_PF(4));
	IS(exo_frame(base)->nmaps, 1);

	IS(t_unmap(va[1]), 1);
	OK(exo_pt_remove(exo_self(), NEAR(1) | 1, 0));
	IS(exo_frame_release(base, 1, K_ROOT), 1);
	IS(t_write(va[0], 1), T_PF(6));
	IS(exo_frame_claim(base, 1, ROOT_ACCOUNT, 0, K_ROOT, 0), 1);
	IS(t_write(va[0], 1), T_PF(6));
	t_release(base, 1);
	OK(exo_stlb_pool(exo_self(), 0, 0, 0, 0));
	end(1);
}

/* What the library bound itself, without an entry, is met again as an ordinary fault. */
TEST(bound_without_entry)
{
	uint64_t va[2] = { NEAR(0), NEAR(1) };
	exo_pfn base;

	begin(1);
	base = pool(0, 1);
	set(va[0], data, RW);
	OK(t_write(va[0], 5));
	IS(t_map(va[0] + PAGE, data, EXO_MAP_WRITE), 1);
	set(va[1] + 3 * PAGE, data, RW);
	OK(t_write(va[1] + 3 * PAGE, 5));
	IS(t_read(va[0] + PAGE, NULL), T_PF(4));
	IS(exo_frame(data)->nmaps, 1);
	va[1] += 3 * PAGE;
	drain(base, 1, va, 2);
	end(1);
}
