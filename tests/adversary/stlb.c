/* SPDX-License-Identifier: ISC */
/*
 * The software TLB is an array that a hostile program writes: whatever it
 * asks for there must be refused like the same map element, and nobody can
 * write it on another's behalf once the frame has changed hands.
 */
#include "t.h"
#include <exo/stlb.h>

#define PAGE EXO_PAGE_BYTES
#define ARRAY (T_VA + 0x140000)
#define RW (EXO_MAP_READ | EXO_MAP_WRITE)
enum { OWN };				/* the child's one key: its own account */

static volatile uint64_t victim_pfn, array_pfn, vectors, gained;

static void
set(uint64_t va, exo_pfn pfn, uint64_t flags, uint64_t key)
{
	volatile struct exo_stlb *entry = (struct exo_stlb *)ARRAY + exo_stlb_index(va, 1);

	entry->tag = va | flags;
	entry->target = pfn | key << EXO_STLB_KEY_SHIFT;
}

static void
skip(struct exo_save *context)
{
	vectors++;
	context->rip = context->rbx;
}

static void
touch(uint64_t va)
{
	uint64_t before = vectors;

	__asm__ volatile("lea 1f(%%rip), %%rbx; movq $7, (%0); 1:" : : "r"(va) : "rbx", "memory");
	gained += vectors == before;
}

static bool
prepare(struct t_child *c, void (*fn)(uint64_t), uint64_t arg)
{
	vectors = gained = 0;
	if (!t_child(c, fn, arg, 1))
		return false;
	array_pfn = exo_frame_find(0, 1);
	return IS(exo_frame_claim(array_pfn, 1, c->account, t_children_guard, K_ROOT, K_ROOT), 1) &&
		IS(t_map_op(c->id, ARRAY, array_pfn, EXO_OP_MAP | EXO_MAP_WRITE, K_ROOT, K_ROOT),
			1) &&
		IS(t_map(ARRAY, array_pfn, EXO_MAP_WRITE), 1);
}

/* ---- every frame of the machine, with keys good, bad and absent ---- */

static void
wants_all(uint64_t arg)
{
	static const uint64_t slots[] = { OWN, 1, 127, 128, 2047, 2048, 0xffffff };

	(void)arg;
	exo_on_exception(skip);
	if (exo_stlb_offer(exo_self(), array_pfn, 1, 0, OWN) != 0)
		t_exit(1);
	for (exo_pfn pfn = 0; pfn < exo_info()->frames + 2; pfn++) {
		unsigned kind = pfn < exo_info()->frames ? exo_frame(pfn)->kind : 0;

		/* its own DATA and its u-area are its own */
		if ((kind == EXO_FRAME_DATA || kind == EXO_FRAME_UAREA) &&
			exo_frame(pfn)->account == exo_env(exo_self())->account)
			continue;
		if (kind == EXO_FRAME_FREE && pfn % 64 != 0)
			continue;
		set(T_VA, pfn, RW, slots[pfn % 7]);
		touch(T_VA);
	}
	for (unsigned n = 0; n < 7; n++) {
		set(T_VA, victim_pfn, RW, slots[n]);
		touch(T_VA);
		set(T_VA, 0xfed00, RW, slots[n]);		/* device memory */
		touch(T_VA);
		set(T_VA, 0xfed00, RW | 0x800, slots[n]);
		touch(T_VA);
	}
	t_exit(9);
}

TEST(frames_of_others)
{
	struct exo_key entries[EXO_GUARD_KEYS] = { t_key(EXO_RIGHTS_ALL, "a"), t_key(EXO_C, "") };
	exo_pfn guards = t_claim(1);
	struct t_child c;

	victim_pfn = t_claim(1);
	OK(exo_guard_create(EXO_GUARD(guards, 0), entries, K_ROOT));
	OK(t_narrow(K_ROOT, K_FREE, t_key(EXO_RIGHTS_ALL, "a")));
	if (!prepare(&c, wants_all, 0) || !t_give(&c, K_FREE, OWN))
		return;
	IS(exo_frame_guard(array_pfn, 1, EXO_GUARD(guards, 0), K_ROOT, K_ROOT), 1);
	t_start(&c);
	IS(t_wait(&c), T_EXIT(9));
	CHECK(vectors > 100);
	IS(gained, 0);
	IS(exo_frame(victim_pfn)->nmaps, 0);
	t_reap(&c);
	IS(t_unmap(ARRAY), 1);
	OK(exo_guard_free(EXO_GUARD(guards, 0), K_ROOT));
	t_release(victim_pfn, 1);
	t_release(guards, 1);
}

/* ---- the array is taken away and belongs to somebody else ---- */

static volatile uint64_t step;

static void
trusts(uint64_t arg)
{
	(void)arg;
	exo_on_exception(skip);
	if (exo_stlb_offer(exo_self(), array_pfn, 1, 0, OWN) != 0)
		t_exit(1);
	step = 1;
	while (step != 2)
		exo_yield(0);
	touch(T_VA);
	t_exit(9);
}

/* Whoever has the frame now writes what it likes: the child's key is not its to use. */
TEST(array_of_another)
{
	struct t_child c;
	exo_pfn array;

	step = 0;
	victim_pfn = t_claim(1);
	if (!prepare(&c, trusts, 0) || !t_give(&c, K_ROOT, OWN) || !t_start(&c))
		return;
	array = array_pfn;
	while (step != 1)
		exo_yield(0);
	IS(exo_frame_release(array, 1, K_ROOT), 1);
	IS(exo_frame_claim(array, 1, ROOT_ACCOUNT, 0, K_ROOT, 0), 1);
	IS(t_map(ARRAY, array, EXO_MAP_WRITE), 1);
	set(T_VA, victim_pfn, RW, OWN);
	step = 2;
	IS(t_wait(&c), T_EXIT(9));
	IS(vectors, 1);
	IS(exo_frame(victim_pfn)->nmaps, 0);
	t_reap(&c);
	t_release(array, 1);
	t_release(victim_pfn, 1);
}

/* ---- an entry that does not help: the fault must reach the handler, not come again for ever ---- */

static void
asks_for_less(uint64_t arg)
{
	(void)arg;
	exo_on_exception(skip);
	if (exo_stlb_offer(exo_self(), array_pfn, 1, 0, OWN) != 0)
		t_exit(1);
	set(T_VA, array_pfn, EXO_MAP_READ, OWN);	/* its own array, at that */
	for (unsigned n = 0; n < 100; n++) {
		touch(T_VA);
		if (*(volatile uint64_t *)T_VA != (T_VA | EXO_MAP_READ))
			t_exit(2);
	}
	t_exit(vectors == 100 ? 9 : 3);
}

TEST(entry_without_use)
{
	struct t_child c;

	if (!prepare(&c, asks_for_less, 0) || !t_give(&c, K_ROOT, OWN) || !t_start(&c))
		return;
	IS(t_wait(&c), T_EXIT(9));
	t_reap(&c);
}

/* ---- tables of the pool where the directory is somebody else's ---- */

#define FAR 0x100000000000ull
static volatile uint64_t pool_pfn;

static void
fills_others_tables(uint64_t arg)
{
	(void)arg;
	exo_on_exception(skip);
	if (exo_stlb_offer(exo_self(), array_pfn, 1, 0, OWN) != 0)
		t_exit(1);
	for (unsigned n = 0; n < 3; n++)
		if (exo_stlb_pool(exo_self(), n, pool_pfn + 3 * n, pool_pfn + 3 * n + 1, 0) != 0)
			t_exit(2);
	set(FAR, array_pfn, RW, OWN);
	touch(FAR);
	if (vectors != 1)
		t_exit(3);
	/* Where it may, the same goes through. */
	set(FAR + (1ull << 40), array_pfn, RW, OWN);
	touch(FAR + (1ull << 40));
	t_exit(vectors == 1 ? 9 : 4);
}

/* Let in for reading only: it may not enter a table there by a call, nor by the pool. */
TEST(pool_below_shared)
{
	exo_pfn table = t_claim(3);
	struct t_child c;

	vectors = gained = 0;
	OK(exo_pt_install(exo_self(), FAR | 3 | EXO_PT_WRITE, table, table + 1, 0, 0));
	if (!t_child(&c, fills_others_tables, 0, 10))
		return;
	array_pfn = exo_frame_find(0, 10);
	pool_pfn = array_pfn + 1;
	IS(exo_frame_claim(array_pfn, 10, c.account, 0, K_ROOT, 0), 10);
	IS(t_map_op(c.id, ARRAY, array_pfn, EXO_OP_MAP | EXO_MAP_WRITE, K_ROOT, K_ROOT), 1);
	OK(exo_pt_install(c.id, FAR | 3, table, 0, K_ROOT, K_ROOT));
	if (!t_give(&c, K_ROOT, OWN) || !t_start(&c))
		return;
	IS(t_wait(&c), T_EXIT(9));
	IS(exo_pte_at(FAR, 3), 0);
	t_reap(&c);
	OK(exo_pt_remove(exo_self(), FAR | 3, 0));
	IS(exo_frame_release(table, 1, K_ROOT), 1);
}
