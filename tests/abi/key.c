/* SPDX-License-Identifier: ISC */
/* key_narrow, key_bind, key_copy, key_offer, key_take, key_drop, ring_add; key_test is in transfer.c. */
#include "t.h"

#define FRAMES (exo_info()->frames)

enum { K1 = K_FREE, K2, K3, K4 };

static exo_pfn guards;

static exo_guardref
make_guard(struct exo_key entry)
{
	struct exo_key entries[EXO_GUARD_KEYS] = { entry, t_key(EXO_C, "") };

	guards = t_claim(1);
	OK(exo_guard_create(EXO_GUARD(guards, 0), entries, K_ROOT));
	return EXO_GUARD(guards, 0);
}

static void
free_guard(void)
{
	OK(exo_guard_free(EXO_GUARD(guards, 0), K_ROOT));
	t_release(guards, 1);
}

static const volatile uint64_t *
counts(void)				/* serial, generation, readers, writers: guards may be mapped */
{
	IS(t_map(T_VA, guards, 0), 1);
	return (const volatile uint64_t *)T_VA;
}

TEST(narrow)
{
	OK(t_narrow(K_ROOT, K1, t_key(EXO_R | EXO_W, "ab")));
	OK(t_narrow(K1, K2, t_key(EXO_R | EXO_W, "ab")));
	OK(t_narrow(K1, K3, t_key(EXO_R, "abc")));
	ERR(t_narrow(K3, K4, t_key(EXO_R, "ab")), RIGHTS);
	ERR(t_narrow(K3, K4, t_key(EXO_R | EXO_W, "abc")), RIGHTS);
	ERR(t_narrow(K1, K4, t_key(EXO_R, "xb")), RIGHTS);
	ERR(t_narrow(K1, K4, t_key(EXO_R, "")), RIGHTS);
}

TEST(narrow_errors)
{
	struct exo_key key = t_key(EXO_R, "a");

	ERR(t_narrow(K_NONE, K1, key), KEY);
	ERR(t_narrow(K_BEYOND, K1, key), KEY);
	ERR(t_narrow(K_ROOT, K_BEYOND, key), RANGE);
	ERR(t_narrow(K_ROOT, 0xffffffff, key), RANGE);
	ERR(t_narrow(K_ROOT, K_NOTHING, key), TAKEN);
	ERR(t_narrow(K_ROOT, K_ROOT, key), TAKEN);
	key.len = EXO_KEYNAME_BYTES + 1;
	ERR(t_narrow(K_ROOT, K1, key), ARG);
	key = t_key(0x80 | EXO_R, "a");
	ERR(t_narrow(K_ROOT, K1, key), ARG);
}

TEST(bind_and_revoke)
{
	exo_guardref guard = make_guard(t_key(EXO_R | EXO_W, "Z"));
	exo_pfn pfn = t_claim(1);

	IS(exo_frame_guard(pfn, 1, guard, K_ROOT, K_ROOT), 1);
	OK(exo_key_bind(guard, EXO_R | EXO_W, K_NOTHING, K1));
	OK(exo_key_bind(guard, EXO_R, K_NOTHING, K2));
	IS(counts()[2], 1);
	IS(counts()[3], 1);
	IS(t_map_op(exo_self(), T_VA + 4096, pfn, EXO_OP_MAP | EXO_MAP_WRITE, K1, K_ROOT), 1);
	IS(t_map_op(exo_self(), T_VA + 4096, pfn, EXO_OP_MAP, K2, K_ROOT), 1);
	ERR(t_map_op(exo_self(), T_VA + 4096, pfn, EXO_OP_MAP | EXO_MAP_WRITE, K2, K_ROOT), RIGHTS);
	OK(t_narrow(K1, K3, t_key(EXO_R, "")));
	IS(counts()[2], 2);
	ERR(t_narrow(K2, K4, t_key(EXO_W, "")), RIGHTS);
	IS(exo_key_drop(K3, 1), 1);
	IS(counts()[2], 1);
	OK(exo_guard_revoke(guard, K_ROOT));
	IS(counts()[2], 0);
	IS(counts()[3], 0);
	ERR(t_map_op(exo_self(), T_VA + 4096, pfn, EXO_OP_MAP, K2, K_ROOT), RIGHTS);
	ERR(t_narrow(K1, K3, t_key(EXO_R, "")), STALE);
	IS(exo_key_drop(K1, 2), 2);
	IS(counts()[2], 0);
	IS(counts()[3], 0);
	IS(t_unmap(T_VA), 1);
	t_release(pfn, 1);
	free_guard();
}

/* A new guard in the old one's place is another guard. */
TEST(bound_key_of_a_freed_guard)
{
	exo_guardref guard = make_guard(t_key(EXO_R, "Z"));
	struct exo_key entries[EXO_GUARD_KEYS] = { t_key(EXO_R, "Z"), t_key(EXO_C, "") };
	exo_pfn pfn = t_claim(1);

	IS(exo_frame_guard(pfn, 1, guard, K_ROOT, K_ROOT), 1);
	OK(exo_key_bind(guard, EXO_R, K_NOTHING, K1));
	OK(exo_guard_free(guard, K_ROOT));
	OK(exo_guard_create(guard, entries, K_ROOT));
	CHECK(t_map_op(exo_self(), T_VA + 4096, pfn, EXO_OP_MAP, K1, K_ROOT) < 0);
	CHECK(t_map_op(exo_self(), T_VA + 4096, pfn, EXO_OP_MAP, K_NOTHING, K_ROOT) < 0);
	t_release(pfn, 1);
	free_guard();
}

TEST(bind_errors)
{
	exo_guardref guard = make_guard(t_key(EXO_R, "Z"));

	ERR(exo_key_bind(EXO_GUARD(FRAMES, 0), EXO_R, K_ROOT, K1), RANGE);
	ERR(exo_key_bind(~0ull, EXO_R, K_ROOT, K1), RANGE);
	ERR(exo_key_bind(EXO_GUARD(ROOT_ACCOUNT, 0), EXO_R, K_ROOT, K1), KIND);
	ERR(exo_key_bind(guard + 1, EXO_R, K_ROOT, K1), ABSENT);
	ERR(exo_key_bind(guard, EXO_R, K_NONE, K1), KEY);
	ERR(exo_key_bind(guard, EXO_W, K_NOTHING, K1), RIGHTS);
	ERR(exo_key_bind(guard, EXO_R, K_NOTHING, K_NOTHING), TAKEN);
	ERR(exo_key_bind(guard, EXO_R, K_NOTHING, K_BEYOND), RANGE);
	ERR(exo_key_bind(guard, 0, K_NOTHING, K1), ARG);
	ERR(exo_key_bind(guard, 1ull << 32 | EXO_R, K_NOTHING, K1), ARG);
	free_guard();
}

TEST(copy)
{
	OK(t_narrow(K_ROOT, K1, t_key(EXO_R, "a")));
	IS(exo_key_copy(K1, 2, exo_self(), K3, K_NONE), 2);
	ERR(exo_key_copy(K1, 1, exo_self(), K3, K_NONE), TAKEN);
	ERR(exo_key_copy(K1, 0, exo_self(), K4, K_NONE), ARG);
	ERR(exo_key_copy(K_BEYOND, 1, exo_self(), K4, K_NONE), RANGE);
	ERR(exo_key_copy(K1, 1, exo_self(), K_BEYOND, K_NONE), RANGE);
	ERR(exo_key_copy(0xffffffff, 1, exo_self(), K4, K_NONE), RANGE);
	ERR(exo_key_copy(K1, 1, exo_self() + 0x10000, K4, K_ROOT), STALE);
	ERR(exo_key_copy(K1, 1, 0, K4, K_ROOT), STALE);
	ERR(exo_key_copy(K1, 1, ~0ull, K4, K_ROOT), STALE);
}

static void
sleeper(uint64_t arg)
{
	(void)arg;
	for (;;)
		exo_wait_for(NULL, 0, 0, 0);
}

TEST(copy_to_a_child)
{
	struct t_child c;

	if (!t_child(&c, sleeper, 0, 0))
		return;
	IS(exo_key_copy(K_NOTHING, 1, c.id, 3, K_WRITE), 1);
	ERR(exo_key_copy(K_NOTHING, 1, c.id, 4, K_NONE), KEY);
	ERR(exo_key_copy(K_NOTHING, 1, c.id, 4, K_NOTHING), RIGHTS);
	ERR(exo_key_copy(K_NOTHING, 1, c.id, 4, K_CONTROL), RIGHTS);
	OK(exo_env_destroy(c.id, 0, K_ROOT));
	ERR(exo_key_copy(K_NOTHING, 1, c.id, 4, K_WRITE), DEAD);
	t_reap(&c);
}

static void
taker(uint64_t from)
{
	int64_t got = exo_key_take(from, K1, 5);

	if (got != 0)
		t_exit((uint64_t)-got);
	got = exo_key_take(from, K1, 5);
	if (got != -EXO_ETAKEN)
		t_exit(100);
	got = exo_key_take(from, K1, K_BEYOND);
	if (got != -EXO_ERANGE)
		t_exit(101);
	got = exo_key_take(from, K2, 6);
	if (got != -EXO_ERIGHTS)
		t_exit(102);
	t_exit(0);
}

TEST(offer_and_take)
{
	struct t_child c;

	OK(t_narrow(K_ROOT, K1, t_key(EXO_R, "a")));
	IS(t_run(taker, exo_self()), T_EXIT(EXO_ERIGHTS));
	if (!t_child(&c, taker, exo_self(), 0))
		return;
	OK(exo_key_offer(K1, c.id));
	OK(exo_key_offer(K1, 0));
	OK(exo_key_offer(K1, c.id));
	ERR(exo_key_offer(K_NONE, c.id), KEY);
	ERR(exo_key_offer(K_BEYOND, c.id), KEY);
	ERR(exo_key_offer(K1, c.id + 0x10000), STALE);
	t_start(&c);
	IS(t_wait(&c), T_EXIT(0));
	ERR(exo_key_offer(K1, c.id), DEAD);
	ERR(exo_key_take(c.id, 0, K3), DEAD);
	t_reap(&c);
	ERR(exo_key_take(c.id, 0, K3), STALE);
	ERR(exo_key_take(exo_self(), K_BEYOND, K3), KEY);
	ERR(exo_key_take(exo_self(), K1, K3), RIGHTS);
}

TEST(drop)
{
	OK(t_narrow(K_ROOT, K1, t_key(EXO_R, "a")));
	IS(exo_key_drop(K1, 2), 2);
	ERR(t_narrow(K1, K2, t_key(EXO_R, "a")), KEY);
	ERR(exo_key_drop(K1, 0), ARG);
	ERR(exo_key_drop(K_BEYOND, 1), RANGE);
	ERR(exo_key_drop(0xffffffff, 2), RANGE);
}

TEST(ring_add)
{
	struct t_child c;
	exo_pfn pfn, foreign = t_claim(1);

	if (!t_child(&c, sleeper, 0, 2))
		return;
	pfn = exo_frame_find(0, 2);
	IS(exo_frame_claim_all(pfn, 2, c.account, 0, K_ROOT, 0), 2);
	ERR(exo_ring_add(c.id, 0, pfn, K_ROOT), RANGE);
	ERR(exo_ring_add(c.id, EXO_RING_FRAMES, pfn, K_ROOT), RANGE);
	ERR(exo_ring_add(c.id, 1, FRAMES, K_ROOT), RANGE);
	ERR(exo_ring_add(c.id, 1, foreign, K_ROOT), OWNER);
	ERR(exo_ring_add(c.id, 1, c.base + C_RING, K_ROOT), KIND);
	ERR(exo_ring_add(c.id, 1, pfn, K_NONE), KEY);
	ERR(exo_ring_add(c.id, 1, pfn, K_CONTROL), RIGHTS);
	ERR(exo_ring_add(c.id + 0x10000, 1, pfn, K_ROOT), STALE);
	IS(t_map(T_VA, pfn, 0), 1);
	ERR(exo_ring_add(c.id, 1, pfn, K_ROOT), BUSY);
	IS(t_unmap(T_VA), 1);
	ERR(exo_key_copy(K_NOTHING, 1, c.id, EXO_KEYS_FRAME, K_ROOT), RANGE);
	OK(exo_ring_add(c.id, 1, pfn, K_WRITE));
	ERR(exo_ring_add(c.id, 1, pfn + 1, K_ROOT), TAKEN);
	IS(exo_key_copy(K_NOTHING, 1, c.id, EXO_KEYS_FRAME, K_ROOT), 1);
	ERR(t_map(T_VA, pfn, 0), KIND);
	OK(exo_env_destroy(c.id, 0, K_ROOT));
	ERR(exo_ring_add(c.id, 2, pfn + 1, K_ROOT), DEAD);
	t_reap(&c);
	t_release(foreign, 1);
}
