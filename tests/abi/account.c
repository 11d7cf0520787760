/* SPDX-License-Identifier: ISC */
/* account_create, account_limit, account_reap: carved limits and reaping. */
#include "t.h"

#define FRAMES (exo_info()->frames)

static void
forever(uint64_t arg)
{
	(void)arg;
	for (;;)
		exo_yield(0);
}

TEST(create_and_reap)
{
	exo_pfn account = t_claim(1), pfn;

	OK(exo_account_create(account, ROOT_ACCOUNT, 40, 0, K_ALLOT, 0));
	IS(exo_frame(account)->kind, EXO_FRAME_ACCOUNT);
	pfn = exo_frame_find(0, 40);
	IS(exo_frame_claim_all(pfn, 40, account, 0, K_ROOT, 0), 40);
	CHECK(exo_account_reap(account, 1, K_ROOT) >= 1);
	while (exo_account_reap(account, 8, K_CONTROL) > 0)
		;
	IS(exo_account_reap(account, 8, K_ROOT), 0);
	IS(exo_frame(pfn)->kind, EXO_FRAME_FREE);
	t_release(account, 1);
}

TEST(create_errors)
{
	exo_pfn pfn = t_claim(3), guards = pfn + 1, child = pfn + 2, foreign;
	struct exo_key entries[EXO_GUARD_KEYS] = { t_key(EXO_R, "Z") };

	OK(exo_guard_create(EXO_GUARD(guards, 0), entries, K_ROOT));
	OK(exo_account_create(child, ROOT_ACCOUNT, 10, 0, K_ROOT, 0));
	foreign = exo_frame_find(0, 1);
	IS(exo_frame_claim(foreign, 1, child, 0, K_ROOT, 0), 1);
	ERR(exo_account_create(FRAMES, ROOT_ACCOUNT, 1, 0, K_ROOT, 0), RANGE);
	ERR(exo_account_create(pfn, FRAMES, 1, 0, K_ROOT, 0), RANGE);
	ERR(exo_account_create(guards, ROOT_ACCOUNT, 1, 0, K_ROOT, 0), KIND);
	ERR(exo_account_create(pfn, guards, 1, 0, K_ROOT, 0), KIND);
	ERR(exo_account_create(foreign, ROOT_ACCOUNT, 1, 0, K_ROOT, 0), OWNER);
	ERR(exo_account_create(pfn, ROOT_ACCOUNT, 1, 0, K_NONE, 0), KEY);
	ERR(exo_account_create(pfn, ROOT_ACCOUNT, 1, 0, K_CONTROL, 0), RIGHTS);
	ERR(exo_account_create(pfn, ROOT_ACCOUNT, 1, EXO_GUARD(guards, 0), K_ROOT, K_NOTHING),
		RIGHTS);
	ERR(exo_account_create(pfn, ROOT_ACCOUNT, 1, EXO_GUARD(guards, 1), K_ROOT, K_ROOT), ABSENT);
	ERR(exo_account_create(pfn, ROOT_ACCOUNT, FRAMES * 2, 0, K_ROOT, 0), QUOTA);
	ERR(exo_account_create(pfn, ROOT_ACCOUNT, ~0ull, 0, K_ROOT, 0), QUOTA);
	IS(t_map(T_VA, pfn, 0), 1);
	ERR(exo_account_create(pfn, ROOT_ACCOUNT, 1, 0, K_ROOT, 0), BUSY);
	IS(t_unmap(T_VA), 1);
	IS(exo_frame(pfn)->kind, EXO_FRAME_DATA);
	ERR(exo_frame_release(child, 1, K_ROOT), BUSY);
	t_release(foreign, 1);
	t_release(child, 1);
	OK(exo_guard_free(EXO_GUARD(guards, 0), K_ROOT));
	t_release(pfn, 2);
}

TEST(limits)
{
	exo_pfn account = t_claim(2), inner, pfn;

	OK(exo_account_create(account, ROOT_ACCOUNT, 3, 0, K_ROOT, 0));
	OK(exo_account_limit(account, 2, K_ALLOT));
	inner = exo_frame_find(0, 1);
	IS(exo_frame_claim(inner, 1, account, 0, K_ROOT, 0), 1);
	ERR(exo_account_create(inner, account, 5, 0, K_ROOT, 0), QUOTA);
	OK(exo_account_create(inner, account, 4, 0, K_ROOT, 0));
	pfn = exo_frame_find(0, 1);
	ERR(exo_frame_claim(pfn, 1, account, 0, K_ROOT, 0), QUOTA);
	IS(exo_frame_claim(pfn, 1, inner, 0, K_ROOT, 0), 1);
	ERR(exo_account_limit(inner, -4, K_ROOT), QUOTA);
	ERR(exo_account_limit(inner, 1, K_ROOT), QUOTA);
	OK(exo_account_limit(inner, -3, K_ROOT));
	ERR(exo_account_limit(inner, INT64_MIN, K_ROOT), QUOTA);
	ERR(exo_account_limit(inner, INT64_MAX, K_ROOT), QUOTA);
	ERR(exo_account_limit(FRAMES, 1, K_ROOT), RANGE);
	ERR(exo_account_limit(account + 1, 1, K_ROOT), KIND);
	ERR(exo_account_limit(account, 1, K_NONE), KEY);
	ERR(exo_account_limit(account, 1, K_NOTHING), RIGHTS);
	ERR(exo_account_limit(account, 1, K_CONTROL), RIGHTS);
	t_release(pfn, 1);
	t_release(inner, 1);
	t_release(account, 2);
}

/* The root account has no parent to move limit from. */
TEST(limit_of_the_root)
{
	CHECK(exo_account_limit(ROOT_ACCOUNT, 1, K_ROOT) < 0);
	CHECK(exo_account_limit(ROOT_ACCOUNT, -1, K_ROOT) < 0);
}

TEST(reap_errors)
{
	exo_pfn account = t_claim(2), inner, pfn;

	OK(exo_account_create(account, ROOT_ACCOUNT, 8, 0, K_ROOT, 0));
	ERR(exo_account_reap(FRAMES, 1, K_ROOT), RANGE);
	ERR(exo_account_reap(account, 0, K_ROOT), ARG);
	ERR(exo_account_reap(account + 1, 1, K_ROOT), KIND);
	ERR(exo_account_reap(account, 1, K_NONE), KEY);
	ERR(exo_account_reap(account, 1, K_WRITE), RIGHTS);
	inner = exo_frame_find(0, 1);
	IS(exo_frame_claim(inner, 1, account, 0, K_ROOT, 0), 1);
	OK(exo_account_create(inner, account, 2, 0, K_ROOT, 0));
	pfn = exo_frame_find(0, 1);
	IS(exo_frame_claim(pfn, 1, inner, 0, K_ROOT, 0), 1);
	ERR(exo_account_reap(account, 16, K_ROOT), BUSY);
	t_release(pfn, 1);
	t_release(inner, 1);
	IS(exo_account_reap(account, 16, K_ROOT), 0);
	t_release(account, 2);
}

/* A live environment is not reaped under its feet. */
TEST(reap_live_environment)
{
	struct t_child c;
	int64_t done = 1;

	/* No slice: it would fault where its page tables were, and be dead. */
	if (!t_child(&c, forever, 0, 4))
		return;
	t_settle(c.id);
	for (unsigned round = 0; done > 0 && round < 1000; round++)
		done = exo_account_reap(c.account, 64, K_ROOT);
	ERR(done, BUSY);
	t_reap(&c);
}

/* Guarded by a guard in its own frame that nobody else opens: the parent's holder reaps it all the same. */
TEST(reap_locked_account)
{
	struct exo_key entries[EXO_GUARD_KEYS] = { t_key(EXO_RIGHTS_ALL, "Z"), t_key(EXO_C, "") };
	exo_pfn account = t_claim(2), guards = account + 1, pfn;

	OK(exo_guard_create(EXO_GUARD(guards, 0), entries, K_ROOT));
	OK(exo_account_create(account, ROOT_ACCOUNT, 2, EXO_GUARD(guards, 0), K_ROOT, K_ROOT));
	pfn = exo_frame_find(0, 1);
	IS(exo_frame_claim(pfn, 1, account, 0, K_NOTHING, 0), 1);
	entries[0] = entries[1] = (struct exo_key){ .len = 0 };
	OK(exo_guard_change(EXO_GUARD(guards, 0), entries, K_ROOT));
	ERR(exo_frame_claim(exo_frame_find(0, 1), 1, account, 0, K_ROOT, 0), RIGHTS);
	ERR(t_map(T_VA, pfn, 0), RIGHTS);
	ERR(exo_account_reap(account, 1, K_WRITE), RIGHTS);
	while (exo_account_reap(account, 4, K_ROOT) > 0)
		;
	IS(exo_frame(pfn)->kind, EXO_FRAME_FREE);
	IS(exo_frame_release(account, 1, K_ROOT), 1);
	OK(exo_guard_free(EXO_GUARD(guards, 0), K_ROOT));
	t_release(guards, 1);
}

/* One account's frames bound in another's tables: reaping unbinds them. */
TEST(reap_foreign_bindings)
{
	exo_pfn account = t_claim(1), pfn;

	OK(exo_account_create(account, ROOT_ACCOUNT, 2, 0, K_ROOT, 0));
	pfn = exo_frame_find(0, 1);
	IS(exo_frame_claim(pfn, 1, account, 0, K_ROOT, 0), 1);
	IS(t_map(T_VA, pfn, EXO_MAP_WRITE), 1);
	IS(t_map(T_VA + EXO_PAGE_BYTES, pfn, 0), 1);
	OK(t_write(T_VA, 1));
	while (exo_account_reap(account, 1, K_ROOT) > 0)
		;
	IS(t_read(T_VA, NULL), T_PF(4));
	IS(t_read(T_VA + EXO_PAGE_BYTES, NULL), T_PF(4));
	t_release(account, 1);
}
