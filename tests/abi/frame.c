/* SPDX-License-Identifier: ISC */
/* frame_claim, frame_release, frame_guard, frame_mark, frame_unbind. */
#include "t.h"

#define FRAMES (exo_info()->frames)

TEST(claim_release)
{
	exo_pfn pfn = exo_frame_find(0, 3);
	uint32_t generation = exo_frame(pfn)->generation;

	IS(exo_frame_claim_all(pfn, 3, ROOT_ACCOUNT, 0, K_ROOT, 0), 3);
	IS(exo_frame(pfn)->account, ROOT_ACCOUNT);
	IS(exo_frame(pfn)->kind, EXO_FRAME_DATA);
	CHECK(exo_frame(pfn)->generation != generation);
	generation = exo_frame(pfn)->generation;
	IS(exo_frame_release_all(pfn, 3, K_ROOT), 3);
	IS(exo_frame(pfn)->account, 0);
	IS(exo_frame(pfn)->kind, EXO_FRAME_FREE);
	CHECK(exo_frame(pfn)->generation != generation);
}

TEST(claim_allot_right)
{
	exo_pfn pfn = exo_frame_find(0, 1);

	IS(exo_frame_claim(pfn, 1, ROOT_ACCOUNT, 0, K_ALLOT, 0), 1);
	IS(exo_frame_release(pfn, 1, K_CONTROL), 1);
}

TEST(claim_errors)
{
	exo_pfn taken = t_claim(1), pfn = exo_frame_find(0, 1);

	ERR(exo_frame_claim(FRAMES, 1, ROOT_ACCOUNT, 0, K_ROOT, 0), RANGE);
	ERR(exo_frame_claim(~0ull, 2, ROOT_ACCOUNT, 0, K_ROOT, 0), RANGE);
	ERR(exo_frame_claim(pfn, 1, FRAMES + 5, 0, K_ROOT, 0), RANGE);
	ERR(exo_frame_claim(pfn, 1, ~0ull, 0, K_ROOT, 0), RANGE);
	ERR(exo_frame_claim(pfn, 0, ROOT_ACCOUNT, 0, K_ROOT, 0), ARG);
	ERR(exo_frame_claim(pfn, 1, taken, 0, K_ROOT, 0), KIND);
	ERR(exo_frame_claim(pfn, 1, ROOT_ACCOUNT, 0, K_NONE, 0), KEY);
	ERR(exo_frame_claim(pfn, 1, ROOT_ACCOUNT, 0, K_BEYOND, 0), KEY);
	ERR(exo_frame_claim(pfn, 1, ROOT_ACCOUNT, 0, 0xffffffff, 0), KEY);
	ERR(exo_frame_claim(pfn, 1, ROOT_ACCOUNT, 0, K_NOTHING, 0), RIGHTS);
	ERR(exo_frame_claim(pfn, 1, ROOT_ACCOUNT, 0, K_WRITE, 0), RIGHTS);
	ERR(exo_frame_claim(pfn, 1, ROOT_ACCOUNT, 0, K_CONTROL, 0), RIGHTS);
	ERR(exo_frame_claim(taken, 1, ROOT_ACCOUNT, 0, K_ROOT, 0), TAKEN);
	ERR(exo_frame_claim(ROOT_ACCOUNT, 1, ROOT_ACCOUNT, 0, K_ROOT, 0), TAKEN);
	CHECK(exo_frame_claim(0, 1, ROOT_ACCOUNT, 0, K_ROOT, 0) < 0);
	ERR(exo_frame_claim(pfn, 1, ROOT_ACCOUNT, EXO_GUARD(taken, 3), K_ROOT, K_ROOT), ABSENT);
	ERR(exo_frame_claim(pfn, 1, ROOT_ACCOUNT, ~0ull, K_ROOT, K_ROOT), RANGE);
	IS(exo_frame(pfn)->kind, EXO_FRAME_FREE);
	t_release(taken, 1);
}

/* A run that ends at the table's end must not wrap. */
TEST(claim_overflow)
{
	exo_pfn pfn = exo_frame_find(0, 1);
	int64_t got = exo_frame_claim(pfn, ~0ull, ROOT_ACCOUNT, 0, K_ROOT, 0);

	if (got > 0)
		t_release(pfn, (uint64_t)got);
	else
		ERR(got, RANGE);
	got = exo_frame_claim(pfn, 0ull - pfn, ROOT_ACCOUNT, 0, K_ROOT, 0);
	if (got > 0)
		t_release(pfn, (uint64_t)got);
	else
		ERR(got, RANGE);
}

TEST(claim_quota)
{
	exo_pfn account = t_claim(1), pfn = exo_frame_find(0, 3);
	uint64_t done = 9;

	OK(exo_account_create(account, ROOT_ACCOUNT, 2, 0, K_ROOT, 0));
	pfn = exo_frame_find(0, 3);
	ERR(exo_frame_claim_counted(pfn, 3, account, 0, K_NONE, 0, &done), KEY);
	IS(done, 0);
	ERR(exo_frame_claim_counted(pfn, 3, account, 0, K_ROOT, 0, &done), QUOTA);
	IS(done, 2);
	ERR(exo_frame_claim(pfn + 2, 1, account, 0, K_ROOT, 0), QUOTA);
	t_release(pfn, 2);
	t_release(account, 1);
}

/* What a frame held is never seen by the next owner. */
TEST(contents_are_scrubbed)
{
	exo_pfn pfn = t_claim(1);
	uint64_t value = 1;

	IS(t_map(T_VA, pfn, EXO_MAP_WRITE), 1);
	OK(t_write(T_VA + 8, 0x5ec4e7));
	t_release(pfn, 1);
	CHECK(t_read(T_VA + 8, &value) == T_PF(4));
	CHECK(exo_frame(pfn)->flags & EXO_FRAME_DIRTY);
	IS(exo_frame_claim(pfn, 1, ROOT_ACCOUNT, 0, K_ROOT, 0), 1);
	IS(t_map(T_VA, pfn, EXO_MAP_WRITE), 1);
	OK(t_read(T_VA + 8, &value));
	IS(value, 0);
	IS(t_unmap(T_VA), 1);
	t_release(pfn, 1);
}

TEST(release_errors)
{
	exo_pfn pfn = t_claim(1), free_pfn = exo_frame_find(0, 1);

	ERR(exo_frame_release(FRAMES, 1, K_ROOT), RANGE);
	ERR(exo_frame_release(~0ull, 1, K_ROOT), RANGE);
	ERR(exo_frame_release(pfn, 0, K_ROOT), ARG);
	ERR(exo_frame_release(pfn, 1, K_NONE), KEY);
	ERR(exo_frame_release(pfn, 1, K_NOTHING), RIGHTS);
	ERR(exo_frame_release(pfn, 1, K_WRITE), RIGHTS);
	ERR(exo_frame_release(free_pfn, 1, K_ROOT), KIND);
	ERR(exo_frame_release(0, 1, K_ROOT), KIND);
	CHECK(exo_frame_release(ROOT_ACCOUNT, 1, K_ROOT) < 0);
	IS(exo_frame(pfn)->account, ROOT_ACCOUNT);
	t_release(pfn, 1);
	ERR(exo_frame_release(pfn, 1, K_ROOT), KIND);
}

TEST(release_unbinds)
{
	exo_pfn pfn = t_claim(1);

	for (unsigned page = 0; page < 8; page++)
		IS(t_map(T_VA + page * EXO_PAGE_BYTES, pfn, 0), 1);
	IS(exo_frame(pfn)->nmaps, 8);
	t_release(pfn, 1);
	for (unsigned page = 0; page < 8; page++)
		IS(t_read(T_VA + page * EXO_PAGE_BYTES, NULL), T_PF(4));
}

TEST(guarding)
{
	exo_pfn pfn = t_claim(1), guards = t_claim(1);
	struct exo_key entries[EXO_GUARD_KEYS] = { t_key(EXO_R, "Za"), t_key(EXO_C, "") };
	struct exo_key stranger = t_key(EXO_RIGHTS_ALL, "Zb");

	OK(exo_guard_create(EXO_GUARD(guards, 0), entries, K_ROOT));
	IS(exo_frame(guards)->kind, EXO_FRAME_GUARD);
	OK(t_narrow(K_NOTHING, K_FREE, stranger));
	IS(exo_frame_guard(pfn, 1, EXO_GUARD(guards, 0), K_ROOT, K_ROOT), 1);
	IS(exo_frame(pfn)->guard, EXO_GUARD(guards, 0));
	IS(t_map_op(exo_self(), T_VA, pfn, EXO_OP_MAP, K_NOTHING, K_ROOT), 1);
	ERR(t_map_op(exo_self(), T_VA, pfn, EXO_OP_MAP | EXO_MAP_WRITE, K_NOTHING, K_ROOT), RIGHTS);
	ERR(t_map_op(exo_self(), T_VA, pfn, EXO_OP_MAP, K_FREE, K_ROOT), RIGHTS);
	OK(exo_guard_free(EXO_GUARD(guards, 0), K_ROOT));
	ERR(t_map_op(exo_self(), T_VA, pfn, EXO_OP_MAP, K_NOTHING, K_ROOT), RIGHTS);
	t_release(pfn, 1);
	t_release(guards, 1);
}

TEST(guard_errors)
{
	exo_pfn pfn = t_claim(1), guards = t_claim(1), free_pfn = exo_frame_find(0, 1);
	struct exo_key entries[EXO_GUARD_KEYS] = { t_key(EXO_R | EXO_W, "Z"), t_key(EXO_C, "") };
	exo_guardref guard = EXO_GUARD(guards, 31);

	OK(exo_guard_create(guard, entries, K_ROOT));
	ERR(exo_frame_guard(FRAMES, 1, guard, K_ROOT, K_ROOT), RANGE);
	ERR(exo_frame_guard(pfn, 0, guard, K_ROOT, K_ROOT), ARG);
	ERR(exo_frame_guard(pfn, 1, guard, K_NONE, K_ROOT), KEY);
	ERR(exo_frame_guard(pfn, 1, guard, K_ROOT, K_NONE), KEY);
	ERR(exo_frame_guard(pfn, 1, guard, K_WRITE, K_ROOT), RIGHTS);
	ERR(exo_frame_guard(pfn, 1, guard, K_ROOT, K_NOTHING), RIGHTS);
	ERR(exo_frame_guard(free_pfn, 1, guard, K_ROOT, K_ROOT), KIND);
	ERR(exo_frame_guard(pfn, 1, guard - 1, K_ROOT, K_ROOT), ABSENT);
	ERR(exo_frame_guard(pfn, 1, EXO_GUARD(pfn, 0), K_ROOT, K_ROOT), ABSENT);
	IS(exo_frame(pfn)->guard, 0);
	t_release(pfn, 1);
	OK(exo_guard_free(guard, K_ROOT));
	t_release(guards, 1);
}

TEST(marking)
{
	exo_pfn pfn = t_claim(1), free_pfn = exo_frame_find(0, 1);

	ERR(t_map_op(exo_self(), T_VA, pfn, EXO_OP_MAP, K_NOTHING, K_ROOT), RIGHTS);
	IS(exo_frame_mark(pfn, 1, EXO_FRAME_PUBLIC | EXO_FRAME_FIXED, 0, K_ROOT), 1);
	CHECK(exo_frame(pfn)->flags & EXO_FRAME_PUBLIC);
	IS(t_map_op(exo_self(), T_VA, pfn, EXO_OP_MAP, K_NOTHING, K_ROOT), 1);
	ERR(t_map_op(exo_self(), T_VA, pfn, EXO_OP_MAP | EXO_MAP_WRITE, K_NOTHING, K_ROOT), RIGHTS);
	IS(exo_frame_mark(pfn, 1, 0, EXO_FRAME_PUBLIC | EXO_FRAME_FIXED, K_CONTROL), 1);
	CHECK(!(exo_frame(pfn)->flags & (EXO_FRAME_PUBLIC | EXO_FRAME_FIXED)));

	ERR(exo_frame_mark(FRAMES, 1, 1, 0, K_ROOT), RANGE);
	ERR(exo_frame_mark(pfn, 0, 1, 0, K_ROOT), ARG);
	ERR(exo_frame_mark(pfn, 1, EXO_FRAME_DIRTY, 0, K_ROOT), ARG);
	ERR(exo_frame_mark(pfn, 1, 0, EXO_FRAME_DIRTY, K_ROOT), ARG);
	ERR(exo_frame_mark(pfn, 1, 1ull << 40, 0, K_ROOT), ARG);
	ERR(exo_frame_mark(pfn, 1, 0, 0x10000, K_ROOT), ARG);
	ERR(exo_frame_mark(pfn, 1, 1, 0, K_NONE), KEY);
	ERR(exo_frame_mark(pfn, 1, 1, 0, K_READ), RIGHTS);
	ERR(exo_frame_mark(free_pfn, 1, 1, 0, K_ROOT), KIND);
	IS(t_unmap(T_VA), 1);
	t_release(pfn, 1);
}

/* Its owner's word, for all to read: with a claim, and by marks; gone with the frame. */
TEST(tags)
{
	exo_pfn pfn = exo_frame_find(0, 2);

	IS(exo_frame(pfn)->tag, 0);
	IS(t_map_op(exo_self(), T_VA, pfn,
		   EXO_OP_MAP | EXO_MAP_CLAIM | EXO_MAP_WRITE | EXO_MAP_TAG(0xa5), K_ROOT, 0),
		1);
	IS(exo_frame(pfn)->tag, 0xa5);
	IS(exo_frame_mark(pfn, 1, EXO_FRAME_TAG(0x0f), EXO_FRAME_TAG_CLEAR(0x0f), K_CONTROL), 1);
	IS(exo_frame(pfn)->tag, 0x0f);
	IS(exo_frame_mark(pfn, 1, EXO_FRAME_TAG(0x30), EXO_FRAME_TAG(1), K_CONTROL), 1);
	IS(exo_frame(pfn)->tag, 0x3e);
	IS(exo_frame(pfn)->flags, 0);
	ERR(exo_frame_mark(pfn, 1, EXO_FRAME_TAG(1), 0, K_WRITE), RIGHTS);
	ERR(exo_frame_mark(pfn, 1, EXO_FRAME_TAG(1), EXO_FRAME_TAG(1), K_ROOT), ARG);
	ERR(exo_frame_mark(pfn + 1, 1, EXO_FRAME_TAG(1), 0, K_ROOT), KIND);
	ERR(t_map_op(exo_self(), T_VA, pfn, EXO_OP_MAP | EXO_MAP_TAG(1), K_ROOT, 0), ARG);
	ERR(t_map_op(exo_self(), T_VA, pfn + 1, EXO_OP_MAP | EXO_MAP_CLAIM | EXO_MAP_TAG(0x100),
		    K_ROOT, 0),
		ARG);
	ERR(t_map_op(exo_self(), T_VA, pfn + 1,
		    EXO_OP_MAP | EXO_MAP_CLAIM | EXO_MAP_IO | EXO_MAP_TAG(1), K_ROOT, 0),
		ARG);
	IS(t_unmap(T_VA), 1);
	t_release(pfn, 1);
	IS(exo_frame(pfn)->tag, 0);
}

TEST(unbinding)
{
	exo_pfn pfn = t_claim(1), free_pfn = exo_frame_find(0, 1);

	for (unsigned page = 0; page < 5; page++)
		IS(t_map(T_VA + page * EXO_PAGE_BYTES, pfn, EXO_MAP_WRITE), 1);
	IS(exo_frame_unbind(pfn, 2, K_ROOT), 2);
	IS(exo_frame(pfn)->nmaps, 3);
	IS(exo_frame_unbind(pfn, 100, K_CONTROL), 3);
	IS(exo_frame_unbind(pfn, 100, K_ROOT), 0);
	for (unsigned page = 0; page < 5; page++)
		IS(t_write(T_VA + page * EXO_PAGE_BYTES, 0), T_PF(6));
	ERR(exo_frame_unbind(FRAMES, 1, K_ROOT), RANGE);
	ERR(exo_frame_unbind(pfn, 0, K_ROOT), ARG);
	ERR(exo_frame_unbind(pfn, 1, K_NONE), KEY);
	ERR(exo_frame_unbind(pfn, 1, K_WRITE), RIGHTS);
	ERR(exo_frame_unbind(free_pfn, 1, K_ROOT), KIND);
	t_release(pfn, 1);
}
