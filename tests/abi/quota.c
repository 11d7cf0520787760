/* SPDX-License-Identifier: ISC */
/* account_slices: limits of slices that are carved from those above. */
#include "t.h"

#define FRAMES (exo_info()->frames)

static void
sleeper(uint64_t arg)
{
	(void)arg;
	for (;;)
		exo_wait_for(NULL, 0, 0, 0);
}

static int64_t
claim(const struct t_child *c)
{
	return exo_slice_claim(0, exo_slice_find(0), c->id, 0, K_ROOT, 0);
}

/* Gives back one that the child has. */
static void
release(const struct t_child *c)
{
	for (uint32_t n = 1; n < EXO_SLICES_CPU; n++) {
		if (exo_slice(0, n)->owner != c->id)
			continue;
		OK(exo_slice_release(0, n, K_ROOT));
		return;
	}
	t_fail("it has none");
}

TEST(errors)
{
	struct t_child c;

	if (!t_child(&c, sleeper, 0, 0))
		return;
	ERR(exo_account_slices(FRAMES, 1, K_ROOT), RANGE);
	ERR(exo_account_slices(c.base, 1, K_ROOT), KIND);
	ERR(exo_account_slices(ROOT_ACCOUNT, 1, K_ROOT), KIND);
	ERR(exo_account_slices(c.account, 1, K_NONE), KEY);
	ERR(exo_account_slices(c.account, 1, K_BEYOND), KEY);
	ERR(exo_account_slices(c.account, 1, K_CONTROL), RIGHTS);
	ERR(exo_account_slices(c.account, -1, K_ALLOT), QUOTA);
	ERR(exo_account_slices(c.account, 1 << 20, K_ALLOT), QUOTA);
	ERR(exo_account_slices(c.account, INT64_MAX, K_ALLOT), QUOTA);
	ERR(exo_account_slices(c.account, INT64_MIN, K_ALLOT), QUOTA);
	OK(exo_account_slices(c.account, 3, K_ALLOT));
	ERR(exo_account_slices(c.account, -4, K_ALLOT), QUOTA);
	OK(exo_account_slices(c.account, -3, K_ALLOT));
	t_reap(&c);
}

/* Without a limit of its own an account takes what is above; with one, no more than that. */
TEST(limit_and_pass)
{
	struct t_child a, b;
	uint32_t free;

	if (!t_child(&a, sleeper, 0, 0) || !t_child(&b, sleeper, 0, 0))
		return;
	OK(claim(&a));
	OK(exo_account_slices(a.account, 0, K_ROOT));
	ERR(claim(&a), QUOTA);			/* what it has is not charged to it */
	release(&a);
	ERR(claim(&a), QUOTA);
	OK(exo_account_slices(a.account, 2, K_ROOT));
	OK(claim(&a));
	OK(claim(&a));
	ERR(claim(&a), QUOTA);
	ERR(exo_account_slices(a.account, -1, K_ROOT), QUOTA);
	release(&a);
	OK(exo_account_slices(a.account, -1, K_ROOT));
	ERR(claim(&a), QUOTA);

	/* A gift is the receiver's to pay; one's own may come back. */
	free = exo_slice_find(0);
	OK(exo_slice_claim(0, free, b.id, 0, K_ROOT, 0));
	ERR(exo_slice_pass(0, free, a.id, K_ROOT), QUOTA);
	IS(exo_slice(0, free)->owner, b.id);
	release(&a);
	OK(exo_slice_pass(0, free, a.id, K_ROOT));
	OK(exo_slice_pass(0, free, a.id, K_ROOT));
	ERR(claim(&a), QUOTA);
	OK(exo_slice_pass(0, free, b.id, K_ROOT));
	OK(claim(&a));
	t_reap(&a);
	t_reap(&b);
}

/* A tree never holds more than its root was given, however it is cut up; what ends gives its part back. */
TEST(tree)
{
	exo_pfn frames = t_claim(2), upper = frames, lower;
	struct t_child c;

	OK(exo_account_create(upper, ROOT_ACCOUNT, C_FRAMES + 8, 0, K_ROOT, 0));
	OK(exo_account_slices(upper, 2, K_ROOT));
	lower = exo_frame_find(0, 1);
	IS(exo_frame_claim(lower, 1, upper, 0, K_ROOT, 0), 1);
	OK(exo_account_create(lower, upper, 4, 0, K_ROOT, 0));
	ERR(exo_account_slices(lower, 3, K_ROOT), QUOTA);
	OK(exo_account_slices(lower, 2, K_ROOT));
	ERR(exo_account_slices(upper, -1, K_ROOT), QUOTA);	/* it is below */
	OK(exo_account_slices(lower, -1, K_ROOT));
	OK(exo_account_slices(upper, -1, K_ROOT));
	ERR(exo_account_slices(upper, -1, K_ROOT), QUOTA);
	IS(exo_frame_release(lower, 1, K_ROOT), 1);
	OK(exo_account_slices(upper, -1, K_ROOT));
	IS(exo_frame_release(upper, 1, K_ROOT), 1);
	t_release(frames + 1, 1);

	/* One that dies with slices leaves none charged: its account can end. */
	if (!t_child(&c, sleeper, 0, 0))
		return;
	OK(exo_account_slices(c.account, 5, K_ROOT));
	for (unsigned n = 0; n < 5; n++)
		OK(claim(&c));
	ERR(claim(&c), QUOTA);
	t_reap(&c);
}

/* Nobody gets more by a key that only allots frames below. */
static void
wants_more(uint64_t unused)
{
	uint64_t gained = unused, account = exo_env(exo_self())->account;

	for (exo_slot key = 0; key < 3; key++) {
		gained += exo_account_slices(account, 1, key) == 0;
		gained += exo_account_slices(ROOT_ACCOUNT, -1, key) == 0;
		for (uint32_t n = 0; n < 8; n++)
			gained += exo_slice_claim(0, n, exo_self(), 0, key, 0) == 0;
	}
	t_exit(gained == 0 ? 9 : 1);
}

TEST(own_account)
{
	struct exo_key entries[EXO_GUARD_KEYS] = { t_key(EXO_RIGHTS_ALL, "a"),
		t_key(EXO_C | EXO_W, "") };
	exo_pfn guards = t_claim(1);
	struct t_child c;

	OK(exo_guard_create(EXO_GUARD(guards, 0), entries, K_ROOT));
	OK(t_narrow(K_ROOT, K_FREE, t_key(EXO_RIGHTS_ALL, "a")));
	t_children_guard = EXO_GUARD(guards, 0);
	if (!t_child(&c, wants_more, 0, 0))
		return;
	t_children_guard = 0;
	t_give(&c, K_FREE, 0);
	t_start(&c);
	IS(t_wait(&c), T_EXIT(9));
	t_reap(&c);
	OK(exo_guard_free(EXO_GUARD(guards, 0), K_ROOT));
	t_release(guards, 1);
}
