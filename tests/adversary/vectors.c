/* SPDX-License-Identifier: ISC */
/*
 * Arguments that change under the kernel's feet, and programs that pull the
 * ground away from under themselves.
 */
#include "t.h"

#define PAGE EXO_PAGE_BYTES
#define FRAMES (exo_info()->frames)

static volatile uint64_t own_base, own_account, value;

/* A vector in the very page that its first element takes away. */
TEST(vector_unmaps_itself)
{
	exo_pfn pfn = t_claim(2);
	struct exo_map *vec = (struct exo_map *)T_VA;
	int64_t got;

	IS(t_map(T_VA, pfn, EXO_MAP_WRITE), 1);
	for (unsigned n = 0; n < 100; n++)
		vec[n] = (struct exo_map){ .va = T_VA, .op = EXO_OP_UNMAP };
	got = exo_map(exo_self(), vec, 100, K_ROOT);
	CHECK(got >= 1 && got <= 100);
	IS(t_read(T_VA, NULL), T_PF(4));
	t_release(pfn, 2);
}

/* A vector whose first element puts another page, with other elements, in its place. */
TEST(vector_replaces_itself)
{
	exo_pfn pfn = t_claim(2);
	struct exo_map *vec = (struct exo_map *)T_VA, *other = (struct exo_map *)(T_VA + PAGE);
	int64_t got;

	IS(t_map(T_VA, pfn, EXO_MAP_WRITE), 1);
	IS(t_map(T_VA + PAGE, pfn + 1, EXO_MAP_WRITE), 1);
	for (unsigned n = 0; n < 100; n++) {
		vec[n] = (struct exo_map){ .va = T_VA,
			.pfn = pfn + 1,
			.op = EXO_OP_MAP,
			.key = K_ROOT };
		other[n] = (struct exo_map){ .va = 0xffff800000000000, .op = 0xffffffff };
	}
	got = exo_map_all(exo_self(), vec, 100, K_ROOT);
	CHECK(got == 100 || got < 0);
	IS(EXO_PTE_PFN(exo_pte(T_VA)), pfn + 1);
	IS(t_unmap(T_VA), 1);
	t_release(pfn, 2);
}

/* A vector that runs out of the mapped page: what lies before is done, the rest is a fault. */
TEST(vector_runs_out)
{
	exo_pfn pfn = t_claim(1);
	struct exo_map *vec = (struct exo_map *)(T_VA + PAGE - 5 * sizeof(struct exo_map) - 4);

	IS(t_map(T_VA, pfn, EXO_MAP_WRITE), 1);
	for (unsigned n = 0; n < 5; n++)
		vec[n] = (struct exo_map){ .va = T_VA + PAGE, .op = EXO_OP_UNMAP };
	ERR(exo_map_all(exo_self(), vec, 6, K_ROOT), FAULT);
	ERR(exo_map(exo_self(), vec + 5, 1, K_ROOT), FAULT);
	IS(exo_map_all(exo_self(), vec, 5, K_ROOT), 5);
	IS(t_unmap(T_VA), 1);
	t_release(pfn, 1);
}

/* To the hardware a hidden page is the kernel's: the kernel must not read it for us, at either end of a vector. */
TEST(vector_is_hidden)
{
	exo_pfn pfn = t_claim(2);
	struct exo_map *vec = (struct exo_map *)(T_VA + PAGE - 3 * sizeof(*vec) - 8);

	IS(t_map(T_VA, pfn, EXO_MAP_WRITE), 1);
	IS(t_map(T_VA + PAGE, pfn + 1, EXO_MAP_WRITE), 1);
	for (unsigned n = 0; n < 8; n++)
		vec[n] = (struct exo_map){ .va = T_VA + 2 * PAGE, .op = EXO_OP_UNMAP };
	IS(exo_map(exo_self(), vec, 8, K_ROOT), 8);
	IS(t_map_op(exo_self(), T_VA + PAGE, 0, EXO_OP_PROTECT | EXO_MAP_HIDDEN, K_ROOT, 0), 1);
	ERR(exo_map(exo_self(), vec, 8, K_ROOT), FAULT);
	ERR(exo_map(exo_self(), vec + 5, 1, K_ROOT), FAULT);
	IS(exo_map(exo_self(), vec, 3, K_ROOT), 3);
	ERR(exo_log((const char *)T_VA + PAGE, 64, K_ROOT), FAULT);
	IS(t_map_op(exo_self(), T_VA + PAGE, 0, EXO_OP_PROTECT | EXO_MAP_READ, K_ROOT, 0), 1);
	IS(t_map_op(exo_self(), T_VA, 0, EXO_OP_PROTECT | EXO_MAP_HIDDEN, K_ROOT, 0), 1);
	ERR(exo_map(exo_self(), vec, 8, K_ROOT), FAULT);
	IS(exo_map(exo_self(), vec + 4, 4, K_ROOT), 4);
	IS(t_unmap(T_VA), 1);
	IS(t_unmap(T_VA + PAGE), 1);
	t_release(pfn, 2);
}

/* The page that a table entry of ours comes from may be a page table by now: levels must hold. */
TEST(table_used_as_data)
{
	exo_pfn pfn = t_claim(3);
	uint64_t where = T_VA + 0x200000;

	OK(exo_pt_install(exo_self(), where | 1 | EXO_PT_WRITE, pfn, pfn + 1, 0, 0));
	CHECK(t_map(where, pfn, EXO_MAP_WRITE) < 0);
	CHECK(t_map(where, pfn, 0) < 0);
	CHECK(t_map(where, pfn + 1, 0) < 0);
	CHECK(exo_io_submit(0, 1, (void *)where, 1, K_ROOT) < 0);
	OK(exo_pt_remove(exo_self(), where | 1, 0));
	IS(exo_frame_release(pfn, 1, K_ROOT), 1);
}

/* ---- pulling the ground away ---- */

static void
unmaps_own_text(uint64_t arg)
{
	struct exo_map map = { .va = ((uint64_t)unmaps_own_text & -PAGE), .op = EXO_OP_UNMAP };

	(void)arg;
	exo_map(exo_self(), &map, 1, 0);
	t_exit(1);
}

static void
unmaps_uarea(uint64_t arg)
{
	struct exo_map map = { .va = EXO_BOOT_UAREA, .op = EXO_OP_UNMAP };

	(void)arg;
	exo_map(exo_self(), &map, 1, 0);
	exo_post(exo_self(), 1, 0);
	exo_null();
	value = exo_uarea()->self;
	t_exit(1);
}

static void
removes_root_entries(uint64_t arg)
{
	(void)arg;
	exo_pt_remove(exo_self(), 0x400000 | 3, 0);
	t_exit(1);
}

TEST(ground)
{
	IS(t_run(unmaps_own_text, 0) & 0xffff, EXO_DEAD_NOENTRY);
	IS(t_run(unmaps_uarea, 0) & 0xffff, EXO_DEAD_NOENTRY);
	IS(t_run(removes_root_entries, 0) & 0xffff, EXO_DEAD_NOENTRY);
}

/* With the key to its own account it may reap itself: it falls, the kernel does not. */
static void
reaps_itself(uint64_t arg)
{
	(void)arg;
	for (unsigned round = 0; round < 1000; round++)
		exo_account_reap(own_account, 1, 0);
	t_exit(1);
}

static void
destroys_and_goes_on(uint64_t arg)
{
	(void)arg;
	exo_env_destroy(exo_self(), 3, 0);
	t_exit(1);
}

TEST(reaping_oneself)
{
	struct t_child c;
	uint64_t reason;

	if (!t_child(&c, reaps_itself, 0, 0) || !t_give(&c, K_ROOT, 0))
		return;
	own_account = c.account;
	t_start(&c);
	reason = t_wait(&c);
	CHECK((reason & 0xffff) == EXO_DEAD_NOENTRY || reason == T_EXIT(1));
	t_reap(&c);
	IS(t_run(destroys_and_goes_on, 0), T_EXIT(3));
}

/* Frames taken from a running program, one after the other, by the holder of the account's key. */
static void
spins(uint64_t arg)
{
	(void)arg;
	for (;;)
		value++;
}

TEST(frames_taken_from_the_living)
{
	struct t_child c;

	if (!t_child(&c, spins, 0, 0) || !t_start(&c))
		return;
	exo_yield(c.id);
	for (unsigned which = 0; which < C_FRAMES; which++) {
		exo_frame_release(c.base + which, 1, K_ROOT);
		exo_frame_unbind(c.base + which, 100, K_ROOT);
		exo_frame_guard(c.base + which, 1, 0, K_ROOT, K_ROOT);
		exo_frame_mark(c.base + which, 1, EXO_FRAME_PUBLIC | EXO_FRAME_HEIR, 0, K_ROOT);
		exo_account_create(c.base + which, c.account, 0, 0, K_ROOT, 0);
		exo_yield(c.id);
	}
	CHECK(t_map(T_VA, c.base + C_UAREA, 0) < 0);
	CHECK(t_map(T_VA, c.base + C_ACT, 0) < 0);
	t_reap(&c);
}

/* Vector registers of the dead are nobody's: the frame they would go to is somebody else's. */
static void
uses_vectors(uint64_t arg)
{
	__asm__ volatile("movq %0, %%xmm0; movq %0, %%xmm9" : : "r"(arg));
	t_exit(1);
}

TEST(vectors_of_the_dead)
{
	uint64_t after, other;

	__asm__ volatile("movq %0, %%xmm9" : : "r"(0x1111ull));
	for (unsigned round = 0; round < 10; round++) {
		IS(t_run(uses_vectors, 0xdead0000 + round), T_EXIT(1));
		if (round % 3)
			continue;
		__asm__ volatile("movq %%xmm9, %0; movq %%xmm0, %1" : "=r"(after), "=r"(other));
		IS(after, 0x1111);
		CHECK(other < 0xdead0000 || other > 0xdead000f);
	}
}

/* Waiting on words of frames that go, in accounts that go. */
static void
waits_on_itself(uint64_t arg)
{
	struct exo_term term = { .where = (own_base + arg) * PAGE, .mask = ~0ull, .value = 0x12345,
					.cmp = EXO_EQ };

	exo_wait_for(&term, 1, 0, 0);
	t_exit(1);
}

TEST(waiters_whose_frames_go)
{
	struct t_child c;

	for (unsigned which = 0; which < C_FRAMES; which++) {
		if (!t_child(&c, waits_on_itself, which, 0) || !t_start(&c))
			return;
		own_base = c.base;
		exo_yield(c.id);
		t_reap(&c);
		exo_yield(0);
	}
}

/* Two that call each other at every moment, while the third destroys one of them. */
static void
relay(exo_envid caller, struct exo_msg *m)
{
	(void)caller;
	m->rsi++;
}

static volatile uint64_t peers[2];

static void
calls_peer(uint64_t which)
{
	struct exo_msg m = { .rsi = 0 };

	exo_on_call(relay);
	exo_on_epilogue(exo_epilogue_yield);
	for (;;) {
		exo_call_once(peers[!which], &m, exo_now_ns() + 300000);
		exo_yield(peers[!which]);
	}
}

TEST(calling_the_dying)
{
	for (unsigned round = 0; round < 8; round++) {
		struct t_child c[2];

		if (!t_child(&c[0], calls_peer, 0, 0) || !t_child(&c[1], calls_peer, 1, 0))
			return;
		peers[0] = c[0].id;
		peers[1] = c[1].id;
		t_start(&c[0]);
		t_start(&c[1]);
		exo_wait_for(NULL, 0, exo_now_ns() + 1000000 * (1 + round), 0);
		t_reap(&c[round % 2]);
		for (unsigned turn = 0; turn < 5; turn++)
			exo_yield(0);
		t_reap(&c[!(round % 2)]);
	}
}

/* A slice vector full of the dead. */
static void
sleeps(uint64_t arg)
{
	(void)arg;
	for (;;)
		exo_wait_for(NULL, 0, 0, 0);
}

TEST(slices_of_the_dead)
{
	struct t_child c;

	if (!t_child(&c, sleeps, 1, 0))
		return;
	for (uint32_t index = 1; index < EXO_SLICES_CPU; index++)
		OK(exo_slice_claim(0, index, c.id, 0, K_ROOT, 0));
	OK(exo_env_destroy(c.id, 1, K_ROOT));
	for (unsigned turn = 0; turn < 20; turn++)
		exo_yield(0);
	t_reap(&c);
	IS(exo_slice_find(0), 1);
}
