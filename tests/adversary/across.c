/* SPDX-License-Identifier: ISC */
/*
 * What is known about one thing while another changes it: tables that move after
 * the refill pool noted where they are, limits drawn past an account that was
 * limited since, clones whose owner has let go of its own binding, tables half
 * taken, and processors that each wait for the other to leave.
 */
#include "arbiter.h"
#include <exo/stlb.h>

#define PAGE EXO_PAGE_BYTES
#define ARRAY (T_VA + 0x140000)
#define RW (EXO_MAP_READ | EXO_MAP_WRITE)
#define FAR 0x100000000000ull		/* no table of any level here */
#define ELSEWHERE (FAR + 0x40000000ull)	/* the next directory's */
#define TURN (FAR + 0x200000ull + PAGE)	/* takes the pool's only table from FAR */

/* ---- the pool, and tables above it that were shared or moved since ---------------------- */

/* An array, two frames of data, PT3, PT2 and a pooled table, with links */
static exo_pfn pool_frames;

static void
set(uint64_t va, exo_pfn pfn)
{
	volatile struct exo_stlb *entry = (struct exo_stlb *)ARRAY + exo_stlb_index(va, 1);

	entry->tag = va | RW;
	entry->target = pfn | (uint64_t)K_ROOT << EXO_STLB_KEY_SHIFT;
}

static void
pool_begin(void)
{
	pool_frames = t_claim(12);
	IS(t_map(ARRAY, pool_frames, EXO_MAP_WRITE), 1);
	OK(exo_stlb_offer(exo_self(), pool_frames, 1, 0, K_ROOT));
	OK(exo_pt_install(exo_self(), FAR | 3 | EXO_PT_WRITE, pool_frames + 3, pool_frames + 4, 0,
		0));
	OK(exo_pt_install(exo_self(), FAR | 2 | EXO_PT_WRITE, pool_frames + 6, pool_frames + 7, 0,
		0));
	OK(exo_stlb_pool(exo_self(), 0, pool_frames + 9, pool_frames + 10, 0));
	set(FAR, pool_frames + 1);
	OK(t_write(FAR, 71));
	IS(EXO_PTE_PFN(exo_pte_at(FAR, 2)), pool_frames + 9);
}

/* It goes to another page; what it showed must be seen nowhere, without any other call in between. */
static void
pool_end(uint64_t seen_at)
{
	set(TURN, pool_frames + 2);
	OK(t_write(TURN, 72));
	IS(t_read(seen_at, NULL), T_PF(4));
	IS(exo_frame(pool_frames + 1)->nmaps, 0);
	IS(exo_frame(pool_frames + 9)->nmaps, 1);

	OK(exo_stlb_offer(exo_self(), 0, 0, 0, 0));
	OK(exo_stlb_pool(exo_self(), 0, 0, 0, 0));
	IS(t_unmap(TURN), 1);
	IS(t_unmap(ARRAY), 1);
	exo_pt_remove(exo_self(), FAR | 2, 0);
	exo_pt_remove(exo_self(), ELSEWHERE | 2, 0);
	OK(exo_pt_remove(exo_self(), FAR | 3, 0));
	for (unsigned n = 9; n >= 3; n -= 3) {
		exo_frame_unbind(pool_frames + n, 9, K_ROOT);
		IS(exo_frame_release(pool_frames + n, 1, K_ROOT), 1);
	}
	t_release(pool_frames, 3);
}

TEST(pool_directory_shared_since)
{
	uint64_t value = 0;

	pool_begin();
	OK(exo_pt_install(exo_self(), ELSEWHERE | 2 | EXO_PT_WRITE, pool_frames + 6, 0, 0, K_ROOT));
	OK(t_read(ELSEWHERE, &value));
	IS(value, 71);
	pool_end(ELSEWHERE);
}

TEST(pool_directory_moved_since)
{
	uint64_t value = 0;

	pool_begin();
	OK(exo_pt_remove(exo_self(), FAR | 2, 0));
	OK(exo_pt_install(exo_self(), ELSEWHERE | 2 | EXO_PT_WRITE, pool_frames + 6, 0, 0, K_ROOT));
	OK(t_read(ELSEWHERE, &value));
	IS(value, 71);
	/* A way to where the table goes, without the one it was in. */
	OK(exo_pt_install(exo_self(), FAR | 2 | EXO_PT_WRITE, pool_frames + 6, 0, 0, K_ROOT));
	pool_end(ELSEWHERE);
}

/* ---- limits of slices -------------------------------------------------------------------- */

/* Who had been free of limits makes a child of its own a way past the one that it is given. */
TEST(slices_past_a_limit_between)
{
	exo_pfn upper = t_claim(1), lower;

	OK(exo_account_create(upper, ROOT_ACCOUNT, 8, 0, K_ROOT, 0));
	lower = exo_frame_find(0, 1);
	IS(exo_frame_claim(lower, 1, upper, 0, K_ROOT, 0), 1);
	OK(exo_account_create(lower, upper, 4, 0, K_ROOT, 0));
	OK(exo_account_slices(lower, 1, K_ROOT));
	OK(exo_account_slices(upper, 2, K_ROOT));
	ERR(exo_account_slices(lower, 1, K_ROOT), QUOTA);
	ERR(exo_account_slices(lower, 100, K_ROOT), QUOTA);
	/* What it had goes back to where it came from, and from then on it is the limited one's. */
	OK(exo_account_slices(lower, -1, K_ROOT));
	ERR(exo_account_slices(lower, 3, K_ROOT), QUOTA);
	OK(exo_account_slices(lower, 2, K_ROOT));
	ERR(exo_account_slices(upper, -1, K_ROOT), QUOTA);
	OK(exo_account_slices(lower, -2, K_ROOT));
	OK(exo_account_slices(upper, -2, K_ROOT));
	IS(exo_frame_release(lower, 1, K_ROOT), 1);
	IS(exo_frame_release(upper, 1, K_ROOT), 1);
}

/* ---- clones --------------------------------------------------------------------------------- */

static void
sleeper(uint64_t arg)
{
	(void)arg;
	for (;;)
		exo_wait_for(NULL, 0, 0, 0);
}

/* The parent lets go of its own view of a page: what the child has is still the child's. */
TEST(clone_of_who_let_go)
{
	exo_pfn frame = t_claim(2), region = frame + 1;
	struct t_child c;

	if (!t_child(&c, sleeper, 0, 0))
		return;
	OK(exo_region_guard(region, 0, 1, 0, K_ROOT, 0));
	IS(t_map(T_VA, frame, EXO_MAP_WRITE), 1);
	IS(exo_pt_clone(c.id, T_VA, 1, K_ROOT), 1);
	IS(t_unmap(T_VA), 1);
	IS(exo_frame(frame)->nmaps, 1);
	IS(exo_frame(frame)->account, ROOT_ACCOUNT);
	ERR(t_map(T_VA, frame, EXO_MAP_WRITE), BUSY);
	ERR(exo_region_copy(region * PAGE, frame * PAGE, 64, 0, K_ROOT, K_ROOT), BUSY);
	ERR(exo_frame_unbind(frame, 1, K_ROOT), BUSY);
	t_reap(&c);
	OK(exo_region_copy(region * PAGE, frame * PAGE, 64, 0, K_ROOT, K_ROOT));
	t_release(frame, 1);
	t_release(region, 1);
}

/* ---- what others guard in an account that many may use ------------------------------------------ */

static exo_pfn guarded;
static volatile uint64_t done_with;

/* Lives in the account, may allot from it, and has no key to the frames. */
static void
types_others_frames(uint64_t arg)
{
	struct exo_act_spec act = { .cpu = exo_info()->cpus - 1, .uarea_frame = guarded,
		.act_frame = guarded + 1 };

	(void)arg;
	done_with += exo_pt_install(exo_self(), FAR | 3, guarded, guarded + 1, 0, 0) == 0;
	done_with += exo_stlb_pool(exo_self(), 0, guarded, guarded + 1, 0) == 0;
	done_with += exo_ring_add(exo_self(), 1, guarded, 0) == 0;
	done_with += exo_env_activate(exo_self(), &act, 0) == 0;
	t_exit(9);
}

TEST(guarded_frames_of_ones_account)
{
	struct exo_key entries[EXO_GUARD_KEYS] = { t_key(EXO_RIGHTS_ALL, "a") };
	exo_pfn guards = t_claim(1);
	struct t_child c;

	done_with = 0;
	OK(exo_guard_create(EXO_GUARD(guards, 0), entries, K_ROOT));
	if (!t_child(&c, types_others_frames, 0, 3))
		return;
	guarded = exo_frame_find(0, 3);
	IS(exo_frame_claim(guarded, 3, c.account, EXO_GUARD(guards, 0), K_ROOT, K_ROOT), 3);
	t_start(&c);
	IS(t_wait(&c), T_EXIT(9));
	IS(done_with, 0);
	for (unsigned n = 0; n < 3; n++)
		IS(exo_frame(guarded + n)->kind, EXO_FRAME_DATA);
	t_reap(&c);
	OK(exo_guard_free(EXO_GUARD(guards, 0), K_ROOT));
	t_release(guards, 1);
}

/* ---- a table half taken ------------------------------------------------------------------------ */

static void
table_of(exo_pfn table, exo_pfn page)
{
	struct exo_map map[64];

	OK(exo_pt_install(exo_self(), FAR | 3 | EXO_PT_WRITE, table, table + 1, 0, 0));
	OK(exo_pt_install(exo_self(), FAR | 2 | EXO_PT_WRITE, table + 3, table + 4, 0, 0));
	OK(exo_pt_install(exo_self(), FAR | 1 | EXO_PT_WRITE, table + 6, table + 7, 0, 0));
	for (unsigned from = 0; from < 512; from += 64) {
		for (unsigned n = 0; n < 64; n++)
			map[n] = (struct exo_map){ .va = FAR + (from + n) * PAGE, .pfn = page,
				.op = EXO_OP_MAP | EXO_MAP_WRITE, .key = K_ROOT };
		IS(exo_map(exo_self(), map, 64, 0), 64);
	}
}

/* Once begun it goes on, whatever is asked or paid in between: no table stays between two states. */
TEST(table_half_taken)
{
	exo_pfn table = t_claim(9), page = t_claim(1);
	uint64_t deadline;
	int64_t done;

	table_of(table, page);
	OK(ASK_SOON(deadline, exo_repossess(table + 6, deadline, K_ROOT)));
	wait_until(deadline);
	IS(exo_repossess_take(table + 6, K_ROOT), 0);
	IS(t_read(FAR, NULL), T_PF(4));
	ERR(exo_repossess(table + 6, 0, K_ROOT), KIND);
	ERR(exo_repossess(table + 6, ~0ull, K_ROOT), TAKEN);
	ERR(exo_pt_install(exo_self(), FAR | 1, table + 6, 0, 0, K_ROOT), BUSY);
	do {
		done = exo_repossess_take(table + 6, K_ROOT);
	} while (done == 0);
	IS(done, 1);
	IS(exo_frame(table + 6)->kind, EXO_FRAME_FREE);
	IS(exo_frame(page)->nmaps, 0);
	OK(exo_pt_remove(exo_self(), FAR | 2, 0));
	OK(exo_pt_remove(exo_self(), FAR | 3, 0));
	IS(exo_frame_release(table + 3, 1, K_ROOT), 1);
	IS(exo_frame_release(table, 1, K_ROOT), 1);
	t_release(page, 1);
}

/* ---- destroying across ------------------------------------------------------------------------- */

#define ROUNDS 60u
static volatile uint64_t begin_round, end_round;
static volatile exo_envid doomed[2];

/* An activation on each of the first two CPUs, which never runs. */
static bool
doomed_make(struct t_child *c)
{
	struct exo_act_spec act = { .cpu = 1, .uarea_va = EXO_BOOT_UAREA };
	exo_pfn frame;

	if (!t_child(c, sleeper, 0, 2))
		return false;
	frame = exo_frame_find(0, 2);
	act.uarea_frame = frame;
	act.act_frame = frame + 1;
	return IS(exo_frame_claim(frame, 2, c->account, 0, K_ROOT, 0), 2) &&
		OK(exo_env_activate(c->id, &act, K_ROOT));
}

static void
destroys(uint64_t arg)
{
	(void)arg;
	for (uint64_t round = 1;; round++) {
		while (begin_round < round)
			exo_relax();
		exo_env_destroy(doomed[1], 2, 1);
		end_round = round;
	}
}

/* Each CPU waits for the other to leave an environment that it does not run. */
TEST(crossed_destruction)
{
	struct t_child other, c[2];

	begin_round = end_round = 0;
	if (exo_info()->cpus == 1 || !t_child_on(&other, 1, destroys, 0) ||
		!t_give(&other, K_ROOT, 1))
		return;
	for (uint64_t round = 1; round <= ROUNDS && !t_failed(); round++) {
		uint64_t until;

		if (!doomed_make(&c[0]) || !doomed_make(&c[1]))
			return;
		doomed[1] = c[1].id;
		__atomic_store_n(&begin_round, round, __ATOMIC_SEQ_CST);
		OK(exo_env_destroy(c[0].id, 1, K_ROOT));
		until = exo_now_ns() + T_PATIENCE_NS;
		while (end_round < round && exo_now_ns() < until)
			exo_relax();
		IS(end_round, round);
		t_reap(&c[0]);
		t_reap(&c[1]);
	}
	t_reap(&other);
}

/* Who has no prologue is destroyed by its own dispatcher, whose tables may be the last it had. */
static void
parks_for_good(uint64_t arg)
{
	(void)arg;
	exo_critical_enter();
	exo_uarea()->entry[EXO_ENTRY_PROLOGUE] = 0;
	exo_park(0);
}

TEST(ends_as_it_parks)
{
	uint32_t cpu = exo_info()->cpus - 1;
	struct t_child c;

	for (unsigned round = 0; round < 10 && !t_failed(); round++) {
		if (cpu == 0 ? !t_child(&c, parks_for_good, 0, 0) || !t_start(&c) :
			!t_child_on(&c, cpu, parks_for_good, 0))
			return;
		IS(t_wait(&c) & 0xff, EXO_DEAD_NOENTRY & 0xff);
		t_reap(&c);
	}
}
