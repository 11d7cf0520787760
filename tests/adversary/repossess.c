/* SPDX-License-Identifier: ISC */
/*
 * An owner that will not let go: after the arbiter has asked for a frame, a
 * child with every right to its own account tries all it can to have it still
 * after the deadline; and a stranger tries to be the arbiter.
 */
#include "arbiter.h"

#define PAGE EXO_PAGE_BYTES
#define SPARE 24u
#define FOREVER 0xffffffffffffull
enum { OWN };				/* the child's key: "a", which opens its account and frames */
enum { K_OWNER = K_ARBITER + 1 };	/* "a": the child's OWN */

static volatile uint64_t target, spare, account, step, kept, tries, other_env;

static void
still_mine(uint64_t line, int64_t result)
{
	tries++;
	if (result >= 0)
		kept = line;
}
#define TRY(expression) still_mine(__LINE__, (int64_t)(expression))

static int64_t
self_op(uint64_t va, exo_pfn pfn, uint32_t op)
{
	return t_map_op(exo_self(), va, pfn, op, OWN, 0);
}

static void
wait_for_step(uint64_t value)
{
	while (step != value)
		exo_yield(0);
}

/* ---- every way to make it something else ---- */

static void
types_it(uint64_t arg)
{
	struct exo_key entries[EXO_GUARD_KEYS] = { t_key(EXO_RIGHTS_ALL, "a") };

	(void)arg;
	step = 1;
	wait_for_step(2);
	TRY(exo_guard_create(EXO_GUARD(target, 0), entries, OWN));
	TRY(exo_account_create(target, account, 0, 0, OWN, 0));
	TRY(exo_ring_add(exo_self(), 1, target, OWN));
	TRY(exo_pt_install(exo_self(), T_NOTABLE | 3, target, spare, 0, 0));
	TRY(exo_pt_install(exo_self(), T_NOTABLE | 3, spare, target, 0, 0));
	TRY(exo_frame_mark(target, 1, EXO_FRAME_FIXED, 0, OWN));
	TRY(exo_frame_mark(target, 1, 0, EXO_FRAME_ASKED, OWN));
	TRY(exo_repossess(target, 0, OWN));
	TRY(exo_repossess_take(target, OWN));
	TRY(exo_repossess(other_env, FOREVER, OWN));
	TRY(exo_account_watch(account, other_env, OWN, OWN));
	TRY(exo_account_watch(ROOT_ACCOUNT, exo_self(), OWN, 0));
	if (exo_frame_release(target, 1, OWN) != 1)
		kept = __LINE__;
	TRY(exo_frame_claim(target, 1, account, 0, OWN, 0));
	TRY(self_op(T_VA, target, EXO_OP_MAP | EXO_MAP_CLAIM));
	TRY(self_op(T_VA, target, EXO_OP_MAP));
	t_exit(9);
}

/* A child with a key to all of its own; the target is one of its data frames, bound at T_VA. */
static bool
prepare(struct t_child *c, void (*fn)(uint64_t), uint64_t arg, exo_pfn guards)
{
	struct exo_key entries[EXO_GUARD_KEYS] = { t_key(EXO_RIGHTS_ALL, "a"),
		t_key(EXO_RIGHTS_ALL, "") };

	step = kept = tries = 0;
	other_env = exo_self();
	OK(t_narrow(K_ROOT, K_OWNER, t_key(EXO_RIGHTS_ALL, "a")));
	OK(t_narrow(K_ROOT, K_ARBITER, t_key(EXO_C, "A")));
	OK(exo_guard_create(EXO_GUARD(guards, 0), entries, K_ROOT));
	t_children_guard = EXO_GUARD(guards, 0);
	if (!t_child(c, fn, arg, SPARE) || !t_give(c, K_OWNER, OWN))
		return false;
	target = exo_frame_find(0, 8);
	spare = target + 1;
	account = c->account;
	return IS(exo_frame_claim_all(target, 8, c->account, t_children_guard, K_ROOT, K_ROOT),
		       8) &&
		IS(t_map_op(c->id, T_VA, target, EXO_OP_MAP | EXO_MAP_WRITE, K_ROOT, K_ROOT), 1) &&
		t_start(c);
}

static void
finish(struct t_child *c, exo_pfn guards)
{
	t_reap(c);
	t_children_guard = 0;
	exo_key_drop(K_FREE, 2);
	OK(exo_guard_free(EXO_GUARD(guards, 0), K_ROOT));
	t_release(guards, 1);
}

TEST(no_other_kind)
{
	exo_pfn guards = t_claim(1), pfn;
	struct t_child c;

	if (!prepare(&c, types_it, 0, guards))
		return;
	wait_for_step(1);
	pfn = target;
	OK(exo_repossess(pfn, LATER, K_ARBITER));
	step = 2;
	IS(t_wait(&c), T_EXIT(9));
	CHECK(tries >= 15);
	if (kept != 0)
		t_fail("line %lu succeeded", kept);
	IS(exo_frame(pfn)->kind, EXO_FRAME_LOST);
	IS(exo_repossess_take(pfn, K_ARBITER), 1);
	finish(&c, guards);
}

/* ---- binding it as fast as it is taken ---- */

static void
binds_it(uint64_t arg)
{
	static struct exo_map vec[448];

	(void)arg;
	exo_on_epilogue(exo_epilogue_yield);
	for (unsigned page = 0; page < 448; page++)
		vec[page] = (struct exo_map){ T_VA + page * PAGE, target,
			EXO_OP_MAP | EXO_MAP_WRITE, OWN };
	for (;;) {
		exo_map_all(exo_self(), vec, 448, 0);
		if (step == 0)
			step = 1;
		exo_yield(0);
	}
}

TEST(no_race)
{
	exo_pfn guards = t_claim(1), pfn;
	uint64_t deadline;
	unsigned calls = 0;
	struct t_child c;
	int64_t result;

	if (!prepare(&c, binds_it, 0, guards))
		return;
	pfn = target;
	wait_for_step(1);
	OK(ASK_SOON(deadline, exo_repossess(pfn, deadline, K_ARBITER)));
	wait_until(deadline);
	do {					/* it runs between any two of our calls */
		result = exo_repossess_take(pfn, K_ARBITER);
		exo_yield(c.id);
		calls++;
	} while ((result == 0 || result == -EXO_EBUSY) && calls < 1000);
	IS(result, 1);
	CHECK(calls > 1);
	IS(exo_frame(pfn)->nmaps, 0);
	CHECK(exo_frame(pfn)->kind == EXO_FRAME_FREE);
	finish(&c, guards);
}

/* ---- a u-area that lies about what it was told ---- */

static void
lies(uint64_t entry)
{
	struct exo_uarea *u = exo_uarea();

	u->revocation.asked = ~0ull;
	u->revocation.lost = 0xffffffff;
	u->entry[EXO_ENTRY_REVOKE] = entry;
	step = 1;
	while (u->revocation.asked == ~0ull)
		exo_yield(0);
	wait_for_step(2);
	t_exit(u->revocation.asked == 1 && u->revocation.ask[0].pfn == target ? 9 : 1);
}

TEST(bad_records)
{
	static const uint64_t entries[] = { EXO_USER_TOP, 0xffff800000000000, ~0ull };
	struct t_child c;

	for (unsigned n = 0; n < sizeof(entries) / sizeof(entries[0]); n++) {
		exo_pfn guards = t_claim(1);

		if (!prepare(&c, lies, entries[n], guards))
			return;
		OK(exo_account_watch(c.account, c.id, K_ROOT, K_ROOT));
		wait_for_step(1);
		OK(exo_repossess(target, ~0ull, K_ARBITER));
		step = 2;
		IS(t_wait(&c), T_EXIT(9));
		OK(exo_repossess(target, 0, K_ARBITER));
		finish(&c, guards);
	}
}
