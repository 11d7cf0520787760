/* SPDX-License-Identifier: ISC */
/* account_watch, repossess, repossess_take: every error, and every way that an owner might keep a frame. */
// sources: kernel/cap/*.c kernel/mem/*.c tests/unit/lib/fake.c
#include "revoked.h"

enum { K_SOME = K_ARBITER + 1 };	/* root's, for 256 frames */

static const exo_envid nobody = 9ull << 16 | 9;

static i64
ask(exo_pfn pfn)
{
	return sys_repossess(root, pfn, SOON, K_ARBITER);
}

static bool
told(const struct env *env, exo_pfn pfn, u64 deadline)
{
	return fake_told.env == env && fake_told.pfn == pfn && fake_told.deadline == deadline;
}

static void
test_watch(void)
{
	begin();
	gives("account_watch RANGE", sys_account_watch(alice, FRAMES, alice->id, K_OWN, 0),
		-EXO_ERANGE);
	gives("account_watch KIND", sys_account_watch(alice, fake_own(alice), alice->id, K_OWN, 0),
		-EXO_EKIND);
	gives("account_watch KEY", sys_account_watch(alice, alice_account, alice->id, K_EMPTY, 0),
		-EXO_EKEY);
	gives("account_watch RIGHTS", sys_account_watch(bob, alice_account, bob->id, K_OWN, 0),
		-EXO_ERIGHTS);
	gives("account_watch RIGHTS: a weak key",
		sys_account_watch(alice, alice_account, alice->id, K_WEAK, 0), -EXO_ERIGHTS);
	gives("account_watch STALE", sys_account_watch(alice, alice_account, nobody, K_OWN, K_OWN),
		-EXO_ESTALE);
	gives("account_watch KEY: environment",
		sys_account_watch(alice, alice_account, bob->id, K_OWN, K_EMPTY), -EXO_EKEY);
	gives("account_watch RIGHTS: somebody who did not ask for it",
		sys_account_watch(alice, alice_account, bob->id, K_OWN, K_OWN), -EXO_ERIGHTS);
	gives("account_watch by root for others",
		sys_account_watch(root, alice_account, bob->id, K_OWN, K_OWN), 0);
	gives("account_watch: nobody", sys_account_watch(alice, alice_account, 0, K_OWN, K_EMPTY),
		0);
	fake_die(bob);
	gives("account_watch DEAD", sys_account_watch(root, alice_account, bob->id, K_OWN, K_OWN),
		-EXO_EDEAD);
}

static void
test_ask_errors(void)
{
	exo_pfn pfn;

	begin();
	pfn = fake_own(alice);
	gives("repossess RANGE", ask(FRAMES), -EXO_ERANGE);
	gives("repossess RANGE: largest", ask(~0ull), -EXO_ERANGE);
	gives("repossess KEY", sys_repossess(root, pfn, SOON, K_EMPTY), -EXO_EKEY);
	gives("repossess RIGHTS: the owner", sys_repossess(alice, pfn, SOON, K_OWN), -EXO_ERIGHTS);
	gives("repossess RIGHTS: a weak key", sys_repossess(root, pfn, SOON, K_WEAK), -EXO_ERIGHTS);
	gives("repossess KIND: free", ask(fake_free()), -EXO_EKIND);
	gives("repossess KIND: page table", ask(alice->root), -EXO_EKIND);
	gives("repossess KIND: key ring", ask(alice->ring[0]), -EXO_EKIND);
	gives("repossess KIND: the kernel's", ask(KERNEL_PFN), -EXO_EKIND);
	must(sys_frame_mark(root, pfn, 1, EXO_FRAME_FIXED, 0, K_ARBITER) == 1);
	gives("repossess FIXED", ask(pfn), -EXO_EFIXED);
	must(sys_frame_mark(alice, pfn, 1, 0, EXO_FRAME_FIXED, K_OWN) == 1);
	gives("repossess ARG: too soon", sys_repossess(root, pfn, SOON - 1, K_ARBITER), -EXO_EARG);
	gives("repossess ARG: in the past", sys_repossess(root, pfn, 1, K_ARBITER), -EXO_EARG);
	gives("repossess ABSENT: nothing to withdraw", sys_repossess(root, pfn, 0, K_ARBITER),
		-EXO_EABSENT);
	gives("nobody was told", fake_told.times, 0);
	gives("repossess", ask(pfn), 0);
	holds("the owner's watcher was told", told(alice, pfn, SOON));
	gives("repossess TAKEN", ask(pfn), -EXO_ETAKEN);
	gives("repossess: withdrawn", sys_repossess(root, pfn, 0, K_ARBITER), 0);
	gives("no trace of it", frames[pfn].flags & EXO_FRAME_ASKED, 0);
	gives("repossess again", ask(pfn), 0);
}

static void
test_take(void)
{
	exo_pfn pfn;
	u64 unused;

	begin();
	pfn = fake_own(alice);
	unused = fake_unused();
	gives("take RANGE", take(FRAMES), -EXO_ERANGE);
	gives("take KEY", sys_repossess_take(root, pfn, K_EMPTY), -EXO_EKEY);
	gives("take RIGHTS", sys_repossess_take(alice, pfn, K_OWN), -EXO_ERIGHTS);
	gives("take KIND", take(alice->frame), -EXO_EKIND);
	gives("take ABSENT", take(pfn), -EXO_EABSENT);
	must(map1(alice, VA, pfn, RW) == 1 && ask(pfn) == 0);
	gives("take BUSY: before the deadline", take(pfn), -EXO_EBUSY);
	holds("it is used as before", fake_touch(alice, VA, true));
	gives("and bound", map1(alice, VA + 0x1000, pfn, RW), 1);
	fake_now += EXO_REPOSSESS_NS - 1;
	gives("take BUSY: one short", take(pfn), -EXO_EBUSY);
	fake_now++;
	must(sys_frame_mark(root, pfn, 1, EXO_FRAME_FIXED, 0, K_ARBITER) == 1);
	gives("take FIXED", take(pfn), -EXO_EFIXED);
	must(sys_frame_mark(root, pfn, 1, 0, EXO_FRAME_FIXED, K_OWN) == 1);
	gives("take", take(pfn), 1);
	fake_tlb_check(alice);
	holds("the loss was told", told(alice, pfn, 0));
	gives("it is free", frames[pfn].kind, EXO_FRAME_FREE);
	gives("one more", (i64)(fake_unused() - unused), 1);
	gives("bound nowhere", fake_pte(alice, VA)[0] | fake_pte(alice, VA)[1], 0);
	gives("take KIND: twice", take(pfn), -EXO_EKIND);
}

/* Device and many bindings: it takes longer, and nothing new comes. */
static void
test_take_slowly(void)
{
	exo_pfn pfn;
	unsigned calls = 1;
	i64 result;

	begin();
	pfn = fake_own(alice);
	for (unsigned n = 0; n < 400; n++)
		must(map1(alice, VA + n * EXO_PAGE_BYTES, pfn, RW) == 1);
	frames[pfn].pins = 1;
	must(ask(pfn) == 0);
	fake_now = SOON;
	gives("take: not all at once", take(pfn), 0);
	gives("it is LOST", frames[pfn].kind, EXO_FRAME_LOST);
	gives("map KIND", map1(alice, VA, pfn, EXO_OP_MAP), -EXO_EKIND);
	gives("frame_release KIND", sys_frame_release(alice, pfn, 1, K_OWN), -EXO_EKIND);
	gives("repossess KIND", ask(pfn), -EXO_EKIND);
	gives("repossess KIND: no way back", sys_repossess(root, pfn, 0, K_ARBITER), -EXO_EKIND);
	while ((result = take(pfn)) == 0)
		calls++;
	holds("a few calls", calls > 1 && calls < 10);
	gives("take BUSY: pinned", result, -EXO_EBUSY);
	gives("but bound nowhere", frames[pfn].nmaps, 0);
	frames[pfn].pins = 0;
	gives("take", take(pfn), 1);
}

/* Each would be a way to keep it. */
static void
test_dodges(void)
{
	struct exo_key entry[EXO_GUARD_KEYS] = { { .len = 1, .rights = EXO_C, .name = { 'a' } } };
	exo_pfn pfn;

	begin();
	pfn = fake_own(alice);
	must(ask(pfn) == 0);
	gives("typed: a guard", sys_guard_create(alice, EXO_GUARD(pfn, 0), user(entry), K_OWN),
		-EXO_EBUSY);
	gives("typed: an account", sys_account_create(alice, pfn, alice_account, 0, 0, K_OWN, 0),
		-EXO_EBUSY);
	gives("typed: a table",
		sys_pt_install(alice, alice->id, (VA + 0x200000) | 1, pfn, fake_own_run(alice, 2),
			0, 0),
		-EXO_EBUSY);
	gives("guaranteed", sys_frame_mark(alice, pfn, 1, EXO_FRAME_FIXED, 0, K_OWN), -EXO_EBUSY);
	gives("unasked", sys_frame_mark(alice, pfn, 1, 0, EXO_FRAME_ASKED, K_OWN), -EXO_EARG);
	gives("let go of", sys_frame_release(alice, pfn, 1, K_OWN), 1);
	gives("it is not free", frames[pfn].kind, EXO_FRAME_LOST);
	gives("and not to be claimed", sys_frame_claim(alice, pfn, 1, alice_account, 0, K_OWN, 0),
		-EXO_ETAKEN);
	gives("nor mapped", map1(alice, VA, pfn, EXO_OP_MAP), -EXO_EKIND);
	fake_told.times = 0;
	gives("take: before the deadline, it was let go of", take(pfn), 1);
	gives("there is nobody to tell", fake_told.times, 0);
	gives("it is free", sys_frame_claim(alice, pfn, 1, alice_account, 0, K_OWN, 0), 1);
	gives("take ABSENT: that is over", take(pfn), -EXO_EABSENT);
}

static void
test_heirs(void)
{
	exo_pfn pfn;
	exo_guardref ref;

	begin();
	pfn = fake_own(alice);
	ref = fake_guard(alice, "b", EXO_R | EXO_W | EXO_C);
	fake_key(alice, K_FREE, "b", EXO_C);
	must(sys_frame_guard(alice, pfn, 1, ref, K_OWN, K_FREE) == 1);
	must(sys_frame_mark(alice, pfn, 1, EXO_FRAME_HEIR, 0, K_OWN) == 1);
	must(map1(bob, VA, pfn, RW) == 1);
	must(ask(pfn) == 0);
	gives("the owner lets go", sys_frame_release(alice, pfn, 1, K_OWN), 1);
	gives("the heir has it", frames[pfn].account, (i64)bob_account);
	holds("and the request, with the same deadline", told(bob, pfn, SOON));
	gives("take BUSY", take(pfn), -EXO_EBUSY);
	fake_now = SOON;
	gives("take", take(pfn), 1);
	holds("it is the heir's loss", told(bob, pfn, 0));
	gives("bound no more", (i64)*fake_pte(bob, VA), 0);
	begin();
	pfn = fake_own(alice);
	must(ask(pfn) == 0);
	fake_die(alice);
	while (sys_account_reap(root, alice_account, 50, K_OWN) > 0)
		continue;
	gives("reaped, it waits for the arbiter", frames[pfn].kind, EXO_FRAME_LOST);
	gives("the account is empty", (i64)account_of(alice_account)->used, 0);
	gives("take", take(pfn), 1);
}

/* Splitting an account: somebody above hears of it, unless somebody in it wants to. */
static void
test_splitting(void)
{
	exo_pfn inner, pfn;

	begin();
	inner = fake_own(alice);
	must(sys_account_create(alice, inner, alice_account, 20, 0, K_OWN, 0) == 0);
	pfn = fake_free();
	must(sys_frame_claim(alice, pfn, 1, inner, 0, K_OWN, 0) == 1);
	must(ask(pfn) == 0);
	holds("the account above is told", told(alice, pfn, SOON));
	must(sys_repossess(root, pfn, 0, K_ARBITER) == 0);
	must(sys_account_watch(root, inner, bob->id, K_OWN, K_OWN) == 0);
	must(ask(pfn) == 0);
	holds("its own watcher is told", told(bob, pfn, SOON));
	fake_die(bob);
	fake_now = SOON;
	gives("take", take(pfn), 1);
	holds("a dead one is passed over", told(alice, pfn, 0));
	must(sys_account_watch(root, alice_account, root->id, K_OWN, K_OWN) == 0);
	fake_told.times = 0;
	gives("nobody can be told", ask(fake_own(alice)), 0);
	gives("the request stands all the same", fake_told.times, 0);
}

/* The name has the frame's number: an arbiter may be one for some frames only. */
static void
test_narrow_arbiter(void)
{
	struct key *key;
	exo_pfn pfn, far = 1500;

	begin();
	pfn = fake_own(alice);
	must(pfn < 256);
	fake_key(root, K_SOME, "A", EXO_C);
	key = ring_slot(root, K_SOME);
	key->named.len = 7;		/* frames 0 .. 255: all bytes but the last are given, zero */
	gives("its frames", sys_repossess(root, pfn, SOON, K_SOME), 0);
	must(sys_frame_claim(root, far, 1, alice_account, 0, K_OWN, 0) == 1);
	gives("RIGHTS: others", sys_repossess(root, far, SOON, K_SOME), -EXO_ERIGHTS);
	fake_key(root, K_SOME, "A", EXO_RIGHTS_ALL & ~EXO_C);
	gives("RIGHTS: no control", sys_repossess(root, far, SOON, K_SOME), -EXO_ERIGHTS);
}

int
main(void)
{
	test_watch();
	test_ask_errors();
	test_take();
	test_take_slowly();
	test_dodges();
	test_heirs();
	test_splitting();
	test_narrow_arbiter();
	return fake_end();
}
