/* SPDX-License-Identifier: ISC */
/* The calls on frames: every documented error, every missing right; heirs, scrubbing, generations. */
// sources: kernel/cap/*.c kernel/mem/*.c tests/unit/lib/fake.c
#include "fake.h"

#define VA 0x400000ull

static i64
map1(struct env *env, u64 va, exo_pfn pfn, u32 op, u32 key)
{
	const struct exo_map map = { .va = va, .pfn = pfn, .op = op, .key = key };

	return sys_map(env, env->id, user(&map), 1, 0);
}

/* alice shows bob a frame, by its guard; bob binds it. */
static exo_pfn
lent(exo_guardref *ref)
{
	exo_pfn pfn = fake_own(alice);

	*ref = fake_guard(alice, "b", EXO_R | EXO_W);
	fake_key(alice, K_FREE, "", EXO_RIGHTS_ALL);
	frames[pfn].guard = *ref;
	frames[pfn].guard_serial = guard_at(*ref)->serial;
	return pfn;
}

static void
test_claim(void)
{
	exo_guardref none = EXO_GUARD(fake_own(alice), 0), ref = fake_guard(alice, "a", EXO_C);
	exo_pfn data = fake_own(alice), pfn = fake_free_run(3);

#define CLAIM(pfn, count, account, guard, key)                                                     \
	sys_frame_claim(alice, pfn, count, account, guard, key, key)
	gives("frame_claim ARG", CLAIM(pfn, 0, alice_account, 0, K_OWN), -EXO_EARG);
	gives("frame_claim RANGE: frame", CLAIM(FRAMES, 1, alice_account, 0, K_OWN), -EXO_ERANGE);
	gives("frame_claim RANGE: count", CLAIM(FRAMES - 2, 3, alice_account, 0, K_OWN),
		-EXO_ERANGE);
	gives("frame_claim RANGE: sum wraps", CLAIM(pfn, ~0ull, alice_account, 0, K_OWN),
		-EXO_ERANGE);
	gives("frame_claim RANGE: account", CLAIM(pfn, 1, FRAMES, 0, K_OWN), -EXO_ERANGE);
	gives("frame_claim RANGE: guard", CLAIM(pfn, 1, alice_account, EXO_GUARD(FRAMES, 0), K_OWN),
		-EXO_ERANGE);
	gives("frame_claim KIND: no account", CLAIM(pfn, 1, data, 0, K_OWN), -EXO_EKIND);
	gives("frame_claim KIND: no memory", CLAIM(HOLE_BEGIN, 1, alice_account, 0, K_OWN),
		-EXO_EKIND);
	gives("frame_claim KIND: the kernel's", CLAIM(KERNEL_PFN, 1, alice_account, 0, K_OWN),
		-EXO_EKIND);
	gives("frame_claim KEY", CLAIM(pfn, 1, alice_account, 0, K_EMPTY), -EXO_EKEY);
	gives("frame_claim RIGHTS: another name", CLAIM(pfn, 1, alice_account, 0, K_OTHER),
		-EXO_ERIGHTS);
	gives("frame_claim RIGHTS: no allot", CLAIM(pfn, 1, alice_account, 0, K_WEAK),
		-EXO_ERIGHTS);
	gives("frame_claim RIGHTS: another's account", CLAIM(pfn, 1, bob_account, 0, K_OWN),
		-EXO_ERIGHTS);
	gives("frame_claim RIGHTS: the root account", CLAIM(pfn, 1, root_account, 0, K_OWN),
		-EXO_ERIGHTS);
	gives("frame_claim ABSENT", CLAIM(pfn, 1, alice_account, none, K_OWN), -EXO_EABSENT);
	gives("frame_claim RIGHTS: guard",
		sys_frame_claim(alice, pfn, 1, alice_account, bob_guard, K_OWN, K_OWN),
		-EXO_ERIGHTS);
	gives("frame_claim KEY: guard",
		sys_frame_claim(alice, pfn, 1, alice_account, ref, K_OWN, K_EMPTY), -EXO_EKEY);
	gives("frame_claim", CLAIM(pfn, 3, alice_account, ref, K_OWN), 3);
	gives("frame_claim TAKEN", CLAIM(pfn + 2, 1, alice_account, 0, K_OWN), -EXO_ETAKEN);
	gives("frame_release", sys_frame_release(alice, pfn, 3, K_OWN), 3);
	gives("frame_claim QUOTA",
		sys_frame_claim(alice, fake_free_run(400), 400, alice_account, 0, K_OWN, 0) > 0
			? sys_account_limit(root, alice_account,
				  -(i64)(ALICE_LIMIT - account_of(alice_account)->used), K_OWN) +
				CLAIM(fake_free(), 1, alice_account, 0, K_OWN)
			: 0,
		-EXO_EQUOTA);
	fake_start();
#undef CLAIM
}

/* Nobody sees what another left. */
static void
test_scrub(void)
{
	exo_pfn pfn;
	u64 *words;

	fake_tables(alice, VA);
	fake_tables(bob, VA);
	pfn = fake_free();
	words = frame_ptr(pfn);
	gives("claim and map",
		map1(alice, VA, pfn, EXO_OP_MAP | EXO_MAP_CLAIM | EXO_MAP_WRITE, K_OWN), 1);
	gives("what firmware left is gone", (i64)words[100], 0);
	holds("write", fake_touch(alice, VA, true));
	holds("written", words[VA >> 12 & 511] != 0);
	gives("release", map1(alice, VA, 0, EXO_OP_UNMAP | EXO_MAP_RELEASE, K_OWN), 1);
	gives("bob claims it", sys_frame_claim(bob, pfn, 1, bob_account, 0, K_OWN, 0), 1);
	holds("lazily", words[VA >> 12 & 511] != 0);
	gives("and maps it", map1(bob, VA, pfn, EXO_OP_MAP, K_OWN), 1);
	gives("what alice left is gone", (i64)words[VA >> 12 & 511], 0);
	words[5] = 1;
	gives("bob unmaps it", map1(bob, VA, 0, EXO_OP_UNMAP, 0), 1);
	gives("a typed frame",
		sys_guard_create(bob, EXO_GUARD(pfn, 9), user((struct exo_key[4]){ { 0 } }), K_OWN),
		0);
	gives("starts from zero", (i64)words[5], 0);
	fake_start();
}

static void
test_release(void)
{
	exo_pfn pfn = fake_own_run(alice, 3), fresh = fake_free();
	u32 generation = frames[pfn].generation;

	fake_tables(alice, VA);
	gives("frame_release ARG", sys_frame_release(alice, pfn, 0, K_OWN), -EXO_EARG);
	gives("frame_release RANGE", sys_frame_release(alice, pfn, FRAMES, K_OWN), -EXO_ERANGE);
	gives("frame_release KEY", sys_frame_release(alice, pfn, 1, K_EMPTY), -EXO_EKEY);
	gives("frame_release RIGHTS: no control", sys_frame_release(alice, pfn, 1, K_WEAK),
		-EXO_ERIGHTS);
	gives("frame_release RIGHTS: another's", sys_frame_release(bob, pfn, 1, K_OWN),
		-EXO_ERIGHTS);
	gives("frame_release KIND: free", sys_frame_release(alice, fresh, 1, K_OWN), -EXO_EKIND);
	gives("frame_release KIND: the kernel's", sys_frame_release(root, KERNEL_PFN, 1, K_OWN),
		-EXO_EKIND);
	gives("frame_release BUSY: env", sys_frame_release(alice, alice->frame, 1, K_OWN),
		-EXO_EBUSY);
	gives("frame_release BUSY: root table", sys_frame_release(alice, alice->root, 1, K_OWN),
		-EXO_EBUSY);
	gives("frame_release KIND: links",
		sys_frame_release(alice, frames_priv[alice->root].aux, 1, K_OWN), -EXO_EKIND);
	gives("frame_release BUSY: the root account",
		sys_frame_release(root, root_account, 1, K_OWN), -EXO_EBUSY);
	gives("frame_release BUSY: an account in use",
		sys_frame_release(root, alice_account, 1, K_OWN), -EXO_EBUSY);
	frames[pfn].pins = 2;
	gives("frame_release BUSY: pinned", sys_frame_release(alice, pfn, 1, K_OWN), -EXO_EBUSY);
	frames[pfn].pins = 0;
	gives("bind it", map1(alice, VA, pfn, EXO_OP_MAP | EXO_MAP_WRITE, K_OWN), 1);
	gives("and again", map1(alice, VA + 0x1000, pfn, EXO_OP_MAP, K_OWN), 1);
	holds("touch", fake_touch(alice, VA, true) && fake_touch(alice, VA + 0x1000, false));
	gives("frame_release: bound twice, of three", sys_frame_release(alice, pfn, 3, K_OWN), 3);
	holds("it is unbound", *fake_pte(alice, VA) == 0 && *fake_pte(alice, VA + 0x1000) == 0);
	fake_tlb_check(alice);
	gives("claim and release each count", frames[pfn].generation, generation + 1);
	gives("frame_release KIND: twice", sys_frame_release(alice, pfn, 1, K_OWN), -EXO_EKIND);
	fake_start();
}

static void
test_release_table(void)
{
	exo_pfn table = fake_own(alice), links = fake_own_run(alice, 2), page = fake_own(alice);
	u64 unused;

	fake_tables(alice, VA);
	unused = fake_unused();
	gives("install",
		sys_pt_install(alice, alice->id, (VA + 0x200000) | 1 | EXO_PT_WRITE, table, links,
			0, 0),
		0);
	gives("frame_release BUSY: table bound", sys_frame_release(alice, table, 1, K_OWN),
		-EXO_EBUSY);
	gives("map in it", map1(alice, VA + 0x200000, page, EXO_OP_MAP, K_OWN), 1);
	gives("pt_remove", sys_pt_remove(alice, alice->id, (VA + 0x200000) | 1, 0), 0);
	gives("frame_release: with what is bound in it", sys_frame_release(alice, table, 1, K_OWN),
		1);
	gives("the page is bound no more", frames[page].nmaps, 0);
	gives("release the page", sys_frame_release(alice, page, 1, K_OWN), 1);
	gives("its companions went too", (i64)(fake_unused() - unused), 4);
	fake_start();
}

/* Work beyond one entry's is done over several calls. */
static void
test_release_many(void)
{
	exo_pfn pfn = fake_own(alice);
	unsigned calls = 0;
	i64 result;

	fake_tables(alice, VA);
	for (unsigned n = 0; n < 400; n++)
		must(map1(alice, VA + n * 0x1000, pfn, EXO_OP_MAP, K_OWN) == 1);
	do {
		result = sys_frame_release(alice, pfn, 1, K_OWN);
		calls++;
	} while (result == 0);
	gives("frame_release: 400 bindings", result, 1);
	holds("over several entries", calls > 1 && calls < 10);
	pfn = fake_own(alice);
	for (unsigned n = 0; n < 400; n++)
		must(map1(alice, VA + n * 0x1000, pfn, EXO_OP_MAP, K_OWN) == 1);
	for (calls = 0; map1(alice, VA + 0x7000, 0, EXO_OP_UNMAP | EXO_MAP_RELEASE, K_OWN) == 0;
		calls++)
		holds("map RELEASE: goes on from where it stopped",
			*fake_pte(alice, VA + 0x7000) != 0);
	gives("and ends", frames[pfn].kind, EXO_FRAME_FREE);
	holds("over several entries", calls > 0 && calls < 10);
	fake_start();
}

static void
test_heir(void)
{
	exo_guardref ref;
	exo_pfn pfn = lent(&ref);
	u64 used = account_of(bob_account)->used, mine;
	u32 generation = frames[pfn].generation;

	fake_tables(alice, VA);
	fake_tables(bob, VA);
	used = account_of(bob_account)->used;
	mine = account_of(alice_account)->used;
	gives("alice maps it", map1(alice, VA, pfn, EXO_OP_MAP | EXO_MAP_WRITE, K_OWN), 1);
	gives("bob maps it", map1(bob, VA, pfn, EXO_OP_MAP | EXO_MAP_WRITE, K_OWN), 1);
	holds("alice writes", fake_touch(alice, VA, true));
	gives("mark it", sys_frame_mark(alice, pfn, 1, EXO_FRAME_HEIR, 0, K_OWN), 1);
	account_of(bob_account)->limit = used;		/* inheritance goes beyond the limit */
	account_of(root_account)->carved -= BOB_LIMIT - used;
	gives("release", map1(alice, VA, 0, EXO_OP_UNMAP | EXO_MAP_RELEASE, K_OWN), 1);
	gives("bob owns it", frames[pfn].account, bob_account);
	gives("and is charged", (i64)(account_of(bob_account)->used - used), 1);
	gives("alice is not", (i64)(mine - account_of(alice_account)->used), 1);
	holds("watchers under her guard lose it", frames[pfn].generation != generation);
	gives("her guard is gone from it", (i64)frames[pfn].guard, 0);
	gives("contents stay", (i64)((u64 *)frame_ptr(pfn))[VA >> 12 & 511], VA | 1);
	gives("frame_claim QUOTA: above the limit",
		sys_frame_claim(bob, fake_free(), 1, bob_account, 0, K_OWN, 0), -EXO_EQUOTA);
	gives("bob releases it", sys_frame_release(bob, pfn, 1, K_OWN), 1);
	gives("now it is free", frames[pfn].kind, EXO_FRAME_FREE);
	fake_start();
	pfn = lent(&ref);
	fake_tables(bob, VA);
	gives("bob maps another", map1(bob, VA, pfn, EXO_OP_MAP, K_OWN), 1);
	gives("no heir without HEIR", sys_frame_release(alice, pfn, 1, K_OWN), 1);
	holds("bob lost it", *fake_pte(bob, VA) == 0 && frames[pfn].kind == EXO_FRAME_FREE);
	fake_start();
}

static void
test_guard(void)
{
	exo_pfn pfn = fake_own_run(alice, 2);
	exo_guardref ref = fake_guard(alice, "a", EXO_RIGHTS_ALL);

	gives("frame_guard ARG", sys_frame_guard(alice, pfn, 0, ref, K_OWN, K_OWN), -EXO_EARG);
	gives("frame_guard RANGE", sys_frame_guard(alice, FRAMES, 1, ref, K_OWN, K_OWN),
		-EXO_ERANGE);
	gives("frame_guard KEY", sys_frame_guard(alice, pfn, 1, ref, K_EMPTY, K_OWN), -EXO_EKEY);
	gives("frame_guard KEY: guard", sys_frame_guard(alice, pfn, 1, ref, K_OWN, K_EMPTY),
		-EXO_EKEY);
	gives("frame_guard RIGHTS: frame", sys_frame_guard(alice, pfn, 1, ref, K_WEAK, K_OWN),
		-EXO_ERIGHTS);
	gives("frame_guard RIGHTS: guard", sys_frame_guard(alice, pfn, 1, ref, K_OWN, K_WEAK),
		-EXO_ERIGHTS);
	gives("frame_guard RIGHTS: another's frame",
		sys_frame_guard(alice, fake_own(bob), 1, ref, K_OWN, K_OWN), -EXO_ERIGHTS);
	gives("frame_guard KIND: free", sys_frame_guard(alice, fake_free(), 1, 0, K_OWN, K_OWN),
		-EXO_EKIND);
	gives("frame_guard ABSENT", sys_frame_guard(alice, pfn, 1, ref + 1, K_OWN, K_OWN),
		-EXO_EABSENT);
	gives("frame_guard", sys_frame_guard(alice, pfn, 2, ref, K_OWN, K_OWN), 2);
	gives("frame_guard none", sys_frame_guard(alice, pfn, 2, 0, K_OWN, K_OTHER), 2);
}

static void
test_mark(void)
{
	exo_pfn pfn = fake_own(alice);

	gives("frame_mark ARG: count", sys_frame_mark(alice, pfn, 0, EXO_FRAME_PUBLIC, 0, K_OWN),
		-EXO_EARG);
	gives("frame_mark ARG: DIRTY", sys_frame_mark(alice, pfn, 1, 0, EXO_FRAME_DIRTY, K_OWN),
		-EXO_EARG);
	gives("frame_mark ARG: both",
		sys_frame_mark(alice, pfn, 1, EXO_FRAME_PUBLIC, EXO_FRAME_PUBLIC, K_OWN),
		-EXO_EARG);
	gives("frame_mark RANGE", sys_frame_mark(alice, FRAMES, 1, EXO_FRAME_PUBLIC, 0, K_OWN),
		-EXO_ERANGE);
	gives("frame_mark KEY", sys_frame_mark(alice, pfn, 1, EXO_FRAME_PUBLIC, 0, K_EMPTY),
		-EXO_EKEY);
	gives("frame_mark RIGHTS", sys_frame_mark(alice, pfn, 1, EXO_FRAME_PUBLIC, 0, K_WEAK),
		-EXO_ERIGHTS);
	gives("frame_mark KIND: free", sys_frame_mark(alice, fake_free(), 1, 0, 0, K_OWN),
		-EXO_EKIND);
	gives("frame_mark KIND: heirs of a ring",
		sys_frame_mark(alice, alice->ring[0], 1, EXO_FRAME_HEIR, 0, K_OWN), -EXO_EKIND);
	gives("frame_mark KIND: a public env",
		sys_frame_mark(alice, alice->frame, 1, EXO_FRAME_PUBLIC, 0, K_OWN), -EXO_EKIND);
	gives("frame_mark QUOTA: a guarantee that it has not",
		sys_frame_mark(alice, pfn, 1, EXO_FRAME_PUBLIC | EXO_FRAME_FIXED, 0, K_OWN),
		-EXO_EQUOTA);
	gives("frame_mark: a guarantee, by root",
		sys_frame_mark(root, pfn, 1, EXO_FRAME_FIXED, 0, K_OWN), 1);
	gives("frame_mark KIND: of a free frame",
		sys_frame_mark(root, fake_free(), 1, EXO_FRAME_FIXED, 0, K_OWN), -EXO_EKIND);
	gives("frame_mark: given up", sys_frame_mark(alice, pfn, 1, 0, EXO_FRAME_FIXED, K_OWN), 1);
	gives("frame_mark", sys_frame_mark(alice, pfn, 1, EXO_FRAME_PUBLIC, 0, K_OWN), 1);
	fake_tables(bob, VA);
	gives("anyone maps a public frame", map1(bob, VA, pfn, EXO_OP_MAP, K_EMPTY), 1);
	gives("but not for writing", map1(bob, VA, pfn, EXO_OP_MAP | EXO_MAP_WRITE, K_OWN),
		-EXO_ERIGHTS);
	gives("frame_mark clears", sys_frame_mark(alice, pfn, 1, 0, EXO_FRAME_PUBLIC, K_OWN), 1);
	gives("RIGHTS: no longer public", map1(bob, VA + 0x1000, pfn, EXO_OP_MAP, K_OWN),
		-EXO_ERIGHTS);
	fake_start();
}

static void
test_unbind(void)
{
	exo_guardref ref;
	exo_pfn pfn = lent(&ref);

	fake_tables(bob, VA);
	gives("frame_unbind ARG", sys_frame_unbind(alice, pfn, 0, K_OWN), -EXO_EARG);
	gives("frame_unbind RANGE", sys_frame_unbind(alice, FRAMES, 1, K_OWN), -EXO_ERANGE);
	gives("frame_unbind KEY", sys_frame_unbind(alice, pfn, 1, K_EMPTY), -EXO_EKEY);
	gives("frame_unbind RIGHTS", sys_frame_unbind(bob, pfn, 1, K_OWN), -EXO_ERIGHTS);
	gives("frame_unbind KIND", sys_frame_unbind(alice, fake_free(), 1, K_OWN), -EXO_EKIND);
	for (unsigned n = 0; n < 5; n++)
		must(map1(bob, VA + n * 0x1000, pfn, EXO_OP_MAP, K_OWN) == 1);
	holds("bob reads", fake_touch(bob, VA + 0x2000, false));
	gives("frame_unbind: in another's space", sys_frame_unbind(alice, pfn, 3, K_OWN), 3);
	gives("two are left", frames[pfn].nmaps, 2);
	gives("frame_unbind: the rest", sys_frame_unbind(alice, pfn, 100, K_OWN), 2);
	fake_tlb_check(bob);
	gives("frame_unbind: none left", sys_frame_unbind(alice, pfn, 100, K_OWN), 0);
	fake_start();
}

int
main(void)
{
	fake_start();
	test_claim();
	test_scrub();
	test_release();
	test_release_table();
	test_release_many();
	test_heir();
	test_guard();
	test_mark();
	test_unbind();
	return fake_end();
}
