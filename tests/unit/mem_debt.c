/* SPDX-License-Identifier: ISC */
/* account_ask, account_guarantee, account_vector: every error; what is kept of what is taken; page tables taken. */
// sources: kernel/cap/*.c kernel/mem/*.c tests/unit/lib/fake.c
#include "revoked.h"

static i64
ask(exo_pfn account, u64 count, u64 deadline)
{
	return sys_account_ask(root, account, count, deadline, K_ARBITER);
}

static const struct account *
account(exo_pfn pfn) NO_TSA
{
	return account_of(pfn);
}

/* All of its limit is in use. */
static void
fill(struct env *env)
{
	while (account(env->account)->used < account(env->account)->limit)
		must(sys_frame_claim(env, fake_free(), 1, env->account, 0, K_OWN, 0) == 1);
}

static void
test_ask_errors(void)
{
	begin();
	gives("account_ask RANGE", ask(FRAMES, 1, SOON), -EXO_ERANGE);
	gives("account_ask KEY", sys_account_ask(root, alice_account, 1, SOON, K_EMPTY),
		-EXO_EKEY);
	gives("account_ask RIGHTS", sys_account_ask(alice, bob_account, 1, SOON, K_OWN),
		-EXO_ERIGHTS);
	gives("account_ask RIGHTS: its own", sys_account_ask(alice, alice_account, 1, SOON, K_OWN),
		-EXO_ERIGHTS);
	gives("account_ask KIND", ask(fake_own(alice), 1, SOON), -EXO_EKIND);
	gives("account_ask KIND: the first", ask(root_account, 1, SOON), -EXO_EKIND);
	gives("account_ask ABSENT: to warn", ask(alice_account, 0, SOON), -EXO_EABSENT);
	gives("account_ask ABSENT: to forgive", ask(alice_account, 0, 0), -EXO_EABSENT);
	gives("account_ask ARG", ask(alice_account, 1, SOON - 1), -EXO_EARG);
	fill(alice);
	gives("nobody was told", fake_told.times, 0);
	gives("account_ask", ask(alice_account, 7, SOON), 7);
	gives("account_ask TAKEN", ask(alice_account, 1, SOON), -EXO_ETAKEN);
	gives("account_ask ARG: warned too late", ask(alice_account, 0, SOON - 1), -EXO_EARG);
	gives("told how many", (i64)fake_told.owed, 7);
	gives("account_ask: warned", ask(alice_account, 0, SOON + 5), 7);
	holds("told again", fake_told.env == alice && fake_told.deadline == SOON + 5);
	gives("account_ask: forgiven", ask(alice_account, 0, 0), 0);
	gives("and can be asked again", ask(alice_account, 3, SOON), 3);
}

static void
test_paying(void)
{
	const struct account *a;
	u64 above, limit;
	exo_pfn pfn;

	begin();
	a = account(alice_account);
	above = account(root_account)->limit;
	gives("what is not used pays at once", ask(alice_account, 10, SOON), 0);
	gives("to the account above", (i64)(account(root_account)->limit - above), 10);
	gives("without a word", fake_told.times, 0);
	fill(alice);
	limit = a->limit;
	gives("all is used", ask(alice_account, 3, SOON), 3);
	gives("nothing more is claimed",
		sys_frame_claim(alice, fake_free(), 1, alice_account, 0, K_OWN, 0), -EXO_EQUOTA);
	for (pfn = 0; frames[pfn].account != alice_account || frames[pfn].kind != EXO_FRAME_DATA;)
		pfn++;
	gives("let go", sys_frame_release(alice, pfn, 1, K_OWN), 1);
	gives("pays", (i64)a->debt, 2);
	gives("and is no room", sys_frame_claim(alice, pfn, 1, alice_account, 0, K_OWN, 0),
		-EXO_EQUOTA);
	gives("limit that is given pays, too", sys_account_limit(root, alice_account, 1, K_OWN),
		0);
	gives("one left", (i64)a->debt, 1);
	for (; frames[pfn].account != alice_account || frames[pfn].kind != EXO_FRAME_DATA;)
		pfn++;
	gives("take ABSENT: not due yet", take(pfn), -EXO_EABSENT);
	fake_now += EXO_REPOSSESS_NS;
	gives("the arbiter chooses", take(pfn), 1);
	gives("paid", (i64)a->debt, 0);
	gives("by the limit", (i64)(limit - a->limit), 2);
	gives("no more than that", take(fake_own(bob)), -EXO_EABSENT);
	for (; frames[pfn].account != alice_account || frames[pfn].kind != EXO_FRAME_DATA;)
		pfn++;
	gives("nor of the same", take(pfn), -EXO_EABSENT);
	gives("more than there is is asked", ask(alice_account, ~0ull, SOON), (i64)a->limit);
}

/* What lies in accounts below counts as the debtor's; what these let go of is passed up. */
static void
test_splitting(void)
{
	exo_pfn inner, innermost, pfn;

	begin();
	inner = fake_own(alice);
	must(sys_account_create(alice, inner, alice_account, 40, 0, K_OWN, 0) == 0);
	innermost = fake_free();
	must(sys_frame_claim(alice, innermost, 1, inner, 0, K_OWN, 0) == 1);
	must(sys_account_create(alice, innermost, inner, 20, 0, K_OWN, 0) == 0);
	pfn = fake_free_run(5);
	must(sys_frame_claim(alice, pfn, 5, innermost, 0, K_OWN, 0) == 5);
	fill(alice);
	must(ask(alice_account, 17, SOON) == 17);
	gives("before the deadline", take(pfn), -EXO_EABSENT);
	fake_now += EXO_REPOSSESS_NS;
	gives("taken from far below", take(pfn), 1);
	gives("what was not used there pays, too", (i64)account(alice_account)->debt, 0);
	must(ask(innermost, 5, SOON) == 4);
	must(ask(alice_account, 2, SOON) == 2);
	gives("pays its own debt", sys_frame_release(alice, pfn + 1, 1, K_OWN), 1);
	gives("first", (i64)account(innermost)->debt, 3);
	must(ask(innermost, 0, 0) == 0);
	gives("given up to the parent", sys_account_limit(alice, inner, -2, K_OWN), 0);
	gives("which owes", (i64)account(alice_account)->debt, 0);
}

static void
test_guarantee(void)
{
	exo_pfn pfn, inner;
	u64 counted;

	begin();
	pfn = fake_own_run(alice, 4);
	counted = account(alice_account)->fixed;
	holds("what is never taken counts", counted >= 3);	/* environment, root, ring */
	gives("account_guarantee RANGE", sys_account_guarantee(root, FRAMES, 1, K_OWN),
		-EXO_ERANGE);
	gives("account_guarantee KIND", sys_account_guarantee(root, pfn, 1, K_OWN), -EXO_EKIND);
	gives("account_guarantee KIND: the first",
		sys_account_guarantee(root, root_account, 1, K_OWN), -EXO_EKIND);
	gives("account_guarantee KEY", sys_account_guarantee(root, alice_account, 1, K_EMPTY),
		-EXO_EKEY);
	gives("account_guarantee RIGHTS", sys_account_guarantee(alice, alice_account, 1, K_OWN),
		-EXO_ERIGHTS);
	gives("account_guarantee QUOTA", sys_account_guarantee(root, alice_account, 1 << 20, K_OWN),
		-EXO_EQUOTA);
	gives("account_guarantee QUOTA: back",
		sys_account_guarantee(root, alice_account, -1, K_OWN), -EXO_EQUOTA);
	gives("frame_mark QUOTA", sys_frame_mark(alice, pfn, 1, EXO_FRAME_FIXED, 0, K_OWN),
		-EXO_EQUOTA);
	gives("account_guarantee",
		sys_account_guarantee(root, alice_account, (i64)counted + 2, K_OWN), 0);
	gives("for two", sys_frame_mark(alice, pfn, 4, EXO_FRAME_FIXED, 0, K_OWN), 2);
	gives("again is nothing new", sys_frame_mark(alice, pfn, 2, EXO_FRAME_FIXED, 0, K_OWN), 2);
	gives("asked for", sys_repossess(root, pfn, SOON, K_ARBITER), -EXO_EFIXED);
	fill(alice);
	must(ask(alice_account, 8, SOON) == 8);
	fake_now += EXO_REPOSSESS_NS;
	gives("nor for a debt", take(pfn), -EXO_EFIXED);
	gives("others are", take(pfn + 2), 1);
	must(ask(alice_account, 0, 0) == 0);
	gives("in use", sys_account_guarantee(root, alice_account, -1, K_OWN), -EXO_EQUOTA);
	gives("released", sys_frame_release(alice, pfn, 1, K_OWN), 1);
	gives("not in use", sys_account_guarantee(root, alice_account, -1, K_OWN), 0);
	inner = fake_own(alice);	/* an account counts like the frame that was released */
	gives("QUOTA: no guarantee is made of nothing",
		sys_account_create(alice, inner, alice_account, 0, 0, K_OWN, 0) ||
			sys_account_guarantee(alice, inner, 1, K_OWN), 1);
	gives("its end gives back", sys_frame_release(alice, inner, 1, K_OWN), 1);
	gives("to an heir it does not pass",
		sys_frame_mark(alice, pfn + 1, 1, EXO_FRAME_HEIR, 0, K_OWN), 1);
	must(sys_frame_mark(alice, pfn + 1, 1, EXO_FRAME_PUBLIC, 0, K_OWN) == 1);
	must(map1(bob, VA, pfn + 1, EXO_OP_MAP) == 1);
	must(sys_frame_release(alice, pfn + 1, 1, K_OWN) == 1);
	gives("it is bob's", frames[pfn + 1].account, (i64)bob_account);
	gives("without", frames[pfn + 1].flags & EXO_FRAME_FIXED, 0);
}

static struct exo_vector *
vector(exo_pfn pfn) NO_TSA
{
	return frame_ptr(pfn);
}

static void
test_vector(void)
{
	exo_pfn at, pfn, spare;
	struct exo_vector *v;

	begin();
	at = fake_own(alice);
	pfn = fake_own_run(alice, 7);
	spare = fake_own_run(alice, 2);
	gives("account_vector RANGE", sys_account_vector(alice, FRAMES, at, K_OWN), -EXO_ERANGE);
	gives("account_vector RANGE: frame",
		sys_account_vector(alice, alice_account, FRAMES, K_OWN), -EXO_ERANGE);
	gives("account_vector KIND", sys_account_vector(alice, pfn, at, K_OWN), -EXO_EKIND);
	gives("account_vector KIND: frame",
		sys_account_vector(alice, alice_account, alice->root, K_OWN), -EXO_EKIND);
	gives("account_vector KEY", sys_account_vector(alice, alice_account, at, K_EMPTY),
		-EXO_EKEY);
	gives("account_vector RIGHTS", sys_account_vector(bob, alice_account, at, K_OWN),
		-EXO_ERIGHTS);
	gives("account_vector OWNER",
		sys_account_vector(alice, alice_account, fake_own(bob), K_OWN), -EXO_EOWNER);
	gives("account_vector", sys_account_vector(alice, alice_account, at, K_OWN), 0);
	v = vector(at);
	gives("it is clean", (i64)(v->lost | v->named), 0);
	v->spare[0] = spare;
	v->spare[1] = pfn + 6;			/* in use: bound */
	v->spare[2] = ~0ull;
	v->spare[3] = fake_own(bob);
	v->spare[4] = spare + 1;		/* others could read it, by another guard */
	must(sys_frame_guard(alice, spare + 1, 1, fake_guard(alice, "a", EXO_RIGHTS_ALL), K_OWN,
		     K_OWN) == 1);
	v->named = 5;
	for (unsigned n = 0; n < 7; n++) {
		must(map1(alice, VA + n * EXO_PAGE_BYTES, pfn + n, RW) == 1);
		*(u64 *)frame_ptr(pfn + n) = 4711 + n;
		must(sys_repossess(root, pfn + n, SOON, K_ARBITER) == 0);
	}
	fake_now += EXO_REPOSSESS_NS;
	gives("taken", take(pfn), 1);
	holds("and kept", v->lost == 1 && v->used == 1 && v->loss[0].pfn == pfn &&
			v->loss[0].how == EXO_LOSS_SAVED && v->loss[0].saved == spare &&
			v->loss[0].va == VA && v->loss[0].kind == EXO_FRAME_DATA);
	gives("as it was", *(i64 *)frame_ptr(spare), 4711);
	for (unsigned n = 1; n < 5; n++) {
		gives("a spare frame that is none", take(pfn + n), 1);
		holds("the loss is recorded", v->lost == n + 1 && v->used == n + 1 &&
				v->loss[n].how == EXO_LOSS_GONE && v->loss[n].saved == 0 &&
				v->loss[n].va == VA + n * EXO_PAGE_BYTES);
	}
	gives("none was named", take(pfn + 5), 1);
	gives("and none looked at", (i64)v->used, 5);
	v->lost = v->used = 0;			/* it lies to itself */
	v->named = ~0ull;
	v->spare[5] = at;			/* the vector itself */
	gives("the kernel counts for itself", take(pfn + 6), 1);
	holds("on", v->lost == 7 && v->used == 6 && v->loss[6].how == EXO_LOSS_GONE);
	gives("account_vector: none", sys_account_vector(alice, alice_account, 0, K_OWN), 0);
}

static void
test_vector_ends(void)
{
	exo_pfn at, pfn;

	begin();
	at = fake_own(alice);
	pfn = fake_own_run(alice, 3);
	must(sys_account_vector(alice, alice_account, at, K_OWN) == 0);
	must(sys_repossess(root, pfn, SOON, K_ARBITER) == 0);
	fake_now += EXO_REPOSSESS_NS;
	gives("nobody had seen it", take(pfn), 1);
	gives("there was nothing to lose", vector(at)->loss[0].how, EXO_LOSS_EMPTY);
	must(sys_frame_release(alice, at, 1, K_OWN) == 1);
	must(sys_frame_claim(alice, at, 1, alice_account, 0, K_OWN, 0) == 1);
	must(map1(alice, VA, at, RW) == 1);
	must(map1(alice, VA + EXO_PAGE_BYTES, pfn + 1, RW) == 1);
	must(sys_repossess(root, pfn + 1, SOON, K_ARBITER) == 0);
	fake_now += EXO_REPOSSESS_NS;
	gives("claimed anew it is another frame", take(pfn + 1), 1);
	gives("and nothing is written there", *(i64 *)frame_ptr(at), 0);
	/* A clone: who has it loses a page of his own. */
	must(sys_account_vector(bob, bob_account, fake_own(bob), K_OWN) == 0);
	fake_key(root, K_FREE + 5, "b", EXO_RIGHTS_ALL);
	must(sys_frame_mark(alice, pfn + 2, 1, EXO_FRAME_PUBLIC, 0, K_OWN) == 1);
	must(map1(bob, VA + 0x3000, pfn + 2, EXO_OP_MAP) == 1);
	must(sys_repossess(root, pfn + 2, SOON, K_ARBITER) == 0);
	fake_now += EXO_REPOSSESS_NS;
	gives("bound by another", take(pfn + 2), 1);
	at = account(bob_account)->vector;
	holds("who hears of it", vector(at)->lost == 1 && vector(at)->loss[0].pfn == pfn + 2 &&
			vector(at)->loss[0].va == VA + 0x3000 &&
			vector(at)->loss[0].how == EXO_LOSS_SHARED);
}

static exo_pfn
table_of(const struct env *env, u64 va) NO_TSA
{
	struct walk walk;

	must(pt_walk(&walk, env->root, va, 1));
	return walk.table;
}

static void
test_tables(void)
{
	exo_pfn at, spare, pfn, table, run;
	u64 unused, *kept;

	begin();
	at = fake_own(alice);
	spare = fake_own(alice);
	pfn = fake_own_run(alice, 300);
	must(sys_account_vector(alice, alice_account, at, K_OWN) == 0);
	vector(at)->spare[0] = spare;
	vector(at)->named = 1;
	for (unsigned n = 0; n < 300; n++)
		must(map1(alice, VA + n * EXO_PAGE_BYTES, pfn + n, RW) == 1);
	table = table_of(alice, VA);
	unused = fake_unused();
	gives("repossess KIND: links", sys_repossess(root, frames_priv[table].aux, SOON, K_ARBITER),
		-EXO_EKIND);
	gives("repossess: a page table", sys_repossess(root, table, SOON, K_ARBITER), 0);
	holds("told", fake_told.env == alice && fake_told.pfn == table);
	gives("entered nowhere new",
		sys_pt_install(alice, alice->id, (VA + 0x200000) | 1 | EXO_PT_WRITE, table, 0, 0,
			K_OWN), -EXO_EBUSY);
	gives("take BUSY", take(table), -EXO_EBUSY);
	gives("used as before", map1(alice, VA + 300 * EXO_PAGE_BYTES, pfn, RW), 1);
	fake_now += EXO_REPOSSESS_NS;
	gives("begun", take(table), 0);
	fake_tlb_check(alice);
	holds("unbound", fake_pte(alice, VA) == NULL && frames[table].nmaps == 0);
	gives("going on", sys_repossess(root, table, SOON, K_ARBITER), -EXO_ETAKEN);
	for (unsigned n = 0; n < 10 && frames[table].kind != EXO_FRAME_FREE; n++)
		gives("a step", take(table) >= 0, 1);
	gives("free, with its links", (i64)(fake_unused() - unused), 3);
	holds("recorded", vector(at)->loss[0].kind == EXO_FRAME_PT1 &&
			vector(at)->loss[0].va == VA && vector(at)->loss[0].saved == spare);
	kept = frame_ptr(spare);
	holds("its entries are kept", PTE_PFN(kept[0]) == pfn && PTE_PFN(kept[299]) == pfn + 299 &&
			kept[301] == 0);
	gives("the frames are alice's still", frames[pfn + 7].account, (i64)alice_account);
	gives("bound nowhere", frames[pfn + 7].nmaps, 0);
	fake_tables(alice, VA);
	gives("built anew", map1(alice, VA, PTE_PFN(kept[0]), RW), 1);
	/* Let go of when asked: it must be empty for that, and is the arbiter's. */
	run = fake_own_run(alice, 3);
	must(sys_pt_install(alice, alice->id, (VA + 0x400000) | 1, run, run + 1, 0, 0) == 0);
	must(sys_repossess(root, run, SOON, K_ARBITER) == 0);
	must(sys_pt_remove(alice, alice->id, (VA + 0x400000) | 1, 0) == 0);
	gives("released", sys_frame_release(alice, run, 1, K_OWN), 1);
	gives("it is LOST", frames[run].kind, EXO_FRAME_LOST);
	gives("its links are free", frames[run + 1].kind, EXO_FRAME_FREE);
	gives("taken before the deadline", take(run), 1);
}

/* A directory: what lies below it is not lost, and a table below is bound by nothing then. */
static void
test_directory(void)
{
	exo_pfn table, directory;
	struct walk walk;

	begin();
	table = table_of(alice, VA);
	must(pt_walk(&walk, alice->root, VA, 2));
	directory = walk.table;
	must(map1(alice, VA, fake_own(alice), RW) == 1);
	fill(alice);
	must(ask(alice_account, 3, SOON) == 3);
	fake_now += EXO_REPOSSESS_NS;
	gives("a directory pays for three", take(directory), 1);
	fake_tlb_check(alice);
	gives("with its links", (i64)account(alice_account)->debt, 0);
	gives("the table below is there", frames[table].kind, EXO_FRAME_PT1);
	gives("bound nowhere", frames[table].nmaps, 0);
	holds("and not reached", fake_pte(alice, VA) == NULL);
}

int
main(void)
{
	fake_start();
	test_ask_errors();
	test_paying();
	test_splitting();
	test_guarantee();
	test_vector();
	test_vector_ends();
	test_tables();
	test_directory();
	return fake_end();
}
