/* SPDX-License-Identifier: ISC */
/* The calls on accounts: every documented error, every missing right; reaping whatever an account owns. */
// sources: kernel/cap/*.c kernel/mem/*.c tests/unit/lib/fake.c
#include "fake.h"

#define VA 0x400000ull
#define CALLS_MAX 2000

static i64
map1(struct env *env, u64 va, exo_pfn pfn, u32 op, u32 key)
{
	const struct exo_map map = { .va = va, .pfn = pfn, .op = op, .key = key };

	return sys_map(env, env->id, user(&map), 1, 0);
}

static void
test_create(void)
{
	exo_pfn pfn = fake_own(alice);
	exo_guardref ref = fake_guard(alice, "a", EXO_RIGHTS_ALL);
	u64 limit = account_of(alice_account)->limit,
	    room = limit - account_of(alice_account)->used;

#define CREATE(pfn, parent, limit, guard, key, k_guard) \
	sys_account_create(alice, pfn, parent, limit, guard, key, k_guard)
	gives("account_create RANGE: parent", CREATE(pfn, FRAMES, 1, 0, K_OWN, 0), -EXO_ERANGE);
	gives("account_create KIND: parent", CREATE(pfn, pfn, 1, 0, K_OWN, 0), -EXO_EKIND);
	gives("account_create RANGE", CREATE(FRAMES, alice_account, 1, 0, K_OWN, 0), -EXO_ERANGE);
	gives("account_create KIND", CREATE(alice->root, alice_account, 1, 0, K_OWN, 0),
		-EXO_EKIND);
	gives("account_create KIND: free", CREATE(fake_free(), alice_account, 1, 0, K_OWN, 0),
		-EXO_EKIND);
	gives("account_create OWNER", CREATE(fake_own(bob), alice_account, 1, 0, K_OWN, 0),
		-EXO_EOWNER);
	gives("account_create KEY", CREATE(pfn, alice_account, 1, 0, K_EMPTY, 0), -EXO_EKEY);
	gives("account_create RIGHTS", CREATE(pfn, alice_account, 1, 0, K_WEAK, 0), -EXO_ERIGHTS);
	gives("account_create RIGHTS: another's", CREATE(pfn, bob_account, 1, 0, K_OWN, 0),
		-EXO_ERIGHTS);
	gives("account_create KEY: guard", CREATE(pfn, alice_account, 1, ref, K_OWN, K_EMPTY),
		-EXO_EKEY);
	gives("account_create RIGHTS: guard",
		CREATE(pfn, alice_account, 1, bob_guard, K_OWN, K_OWN), -EXO_ERIGHTS);
	gives("account_create ABSENT", CREATE(pfn, alice_account, 1, ref + 1, K_OWN, K_OWN),
		-EXO_EABSENT);
	frames[pfn].pins = 1;
	gives("account_create BUSY", CREATE(pfn, alice_account, 1, 0, K_OWN, 0), -EXO_EBUSY);
	frames[pfn].pins = 0;
	gives("account_create QUOTA", CREATE(pfn, alice_account, room + 1, 0, K_OWN, 0),
		-EXO_EQUOTA);
	gives("account_create QUOTA: largest", CREATE(pfn, alice_account, ~0ull, 0, K_OWN, 0),
		-EXO_EQUOTA);
	gives("account_create", CREATE(pfn, alice_account, 10, ref, K_OWN, K_OWN), 0);
	gives("its limit is carved", (i64)(limit - account_of(alice_account)->limit), 10);
	gives("frame_release BUSY: it owns something",
		(fake_own(&(struct env){ .account = (u32)pfn }),
			sys_frame_release(alice, pfn, 1, K_OWN)),
		-EXO_EBUSY);
	gives("reap it", sys_account_reap(alice, pfn, 100, K_OWN), 1);
	gives("frame_release: an empty account", sys_frame_release(alice, pfn, 1, K_OWN), 1);
	gives("its limit came back", (i64)account_of(alice_account)->limit, (i64)limit);
	fake_start();
#undef CREATE
}

/* Accounts without a guard are opened by what opens their parent; the tree has a greatest depth. */
static void
test_depth(void)
{
	exo_pfn parent = alice_account, pfn = 0;
	unsigned depth;
	i64 result = 0;

	for (depth = account_of(parent)->depth; result == 0; depth++) {
		pfn = fake_own(&(struct env){ .account = (u32)parent });
		result = sys_account_create(alice, pfn, parent, 100 - depth * 2, 0, K_OWN, 0);
		parent = result == 0 ? pfn : parent;
	}
	gives("account_create QUOTA: too deep", result, -EXO_EQUOTA);
	gives("the greatest depth", account_of(parent)->depth, ACCOUNT_DEPTH);
	gives("alice's key opens the deepest",
		sys_frame_claim(alice, fake_free(), 1, parent, 0, K_OWN, 0), 1);
	gives("RIGHTS: bob's does not", sys_frame_claim(bob, fake_free(), 1, parent, 0, K_OWN, 0),
		-EXO_ERIGHTS);
	gives("alice's guard ends", sys_guard_free(root, alice_guard, K_OWN), 0);
	gives("RIGHTS: so alice's key opens nothing",
		sys_frame_claim(alice, fake_free(), 1, parent, 0, K_OWN, 0), -EXO_ERIGHTS);
	gives("but the root key does", sys_frame_claim(root, fake_free(), 1, parent, 0, K_OWN, 0),
		1);
	fake_start();
}

static void
test_limit(void)
{
	i64 free_of_bob = (i64)(account_of(bob_account)->limit - account_of(bob_account)->used);
	i64 free_of_root = (i64)(account_of(root_account)->limit - account_of(root_account)->used);

	gives("account_limit RANGE", sys_account_limit(root, FRAMES, 1, K_OWN), -EXO_ERANGE);
	gives("account_limit KIND", sys_account_limit(root, root->frame, 1, K_OWN), -EXO_EKIND);
	gives("account_limit KIND: the root account",
		sys_account_limit(root, root_account, 1, K_OWN), -EXO_EKIND);
	gives("account_limit KEY", sys_account_limit(root, bob_account, 1, K_EMPTY), -EXO_EKEY);
	gives("account_limit RIGHTS", sys_account_limit(root, bob_account, 1, K_WEAK),
		-EXO_ERIGHTS);
	gives("account_limit RIGHTS: not the parent's",
		sys_account_limit(bob, bob_account, 1, K_OWN), -EXO_ERIGHTS);
	gives("account_limit QUOTA: the parent's",
		sys_account_limit(root, bob_account, free_of_root + 1, K_OWN), -EXO_EQUOTA);
	gives("account_limit QUOTA: in use",
		sys_account_limit(root, bob_account, -free_of_bob - 1, K_OWN), -EXO_EQUOTA);
	gives("account_limit QUOTA: least", sys_account_limit(root, bob_account, INT64_MIN, K_OWN),
		-EXO_EQUOTA);
	gives("account_limit QUOTA: greatest",
		sys_account_limit(root, bob_account, INT64_MAX, K_OWN), -EXO_EQUOTA);
	gives("account_limit down", sys_account_limit(root, bob_account, -free_of_bob, K_OWN), 0);
	gives("frame_claim QUOTA", sys_frame_claim(bob, fake_free(), 1, bob_account, 0, K_OWN, 0),
		-EXO_EQUOTA);
	gives("account_limit up", sys_account_limit(root, bob_account, 1, K_OWN), 0);
	gives("frame_claim", sys_frame_claim(bob, fake_free(), 1, bob_account, 0, K_OWN, 0), 1);
	fake_start();
}

static i64
reap_all(struct env *self, exo_pfn account, u64 max, u64 key, unsigned *calls)
{
	i64 result = 1;

	for (*calls = 0; result > 0 && *calls < CALLS_MAX; ++*calls) {
		fake_touch(alice, VA + 0x205000, false);	/* cached, if it is still there */
		result = sys_account_reap(self, account, max, key);
		mem_check();
		cap_check();
		fake_tlb_check(alice);
	}
	return result;
}

static void
test_reap_errors(void)
{
	unsigned calls;

	gives("account_reap ARG", sys_account_reap(alice, alice_account, 0, K_OWN), -EXO_EARG);
	gives("account_reap RANGE", sys_account_reap(alice, FRAMES, 1, K_OWN), -EXO_ERANGE);
	gives("account_reap KIND", sys_account_reap(alice, alice->frame, 1, K_OWN), -EXO_EKIND);
	gives("account_reap KEY", sys_account_reap(alice, alice_account, 1, K_EMPTY), -EXO_EKEY);
	gives("account_reap RIGHTS", sys_account_reap(alice, alice_account, 1, K_WEAK),
		-EXO_ERIGHTS);
	gives("account_reap RIGHTS: another's", sys_account_reap(alice, bob_account, 1, K_OWN),
		-EXO_ERIGHTS);
	gives("account_reap BUSY: alive", reap_all(alice, alice_account, 100, K_OWN, &calls),
		-EXO_EBUSY);
	gives("what is alive stays", (i64)account_of(alice_account)->used, 5);
	fake_start();
}

/* alice with one of everything. */
static exo_pfn
furnish(exo_guardref *shown)
{
	exo_pfn child = fake_own(alice), uarea = fake_own(alice), act = fake_own(alice), data;

	fake_tables(alice, VA);
	fake_tables(alice, VA + (1ull << 40));
	fake_tables(bob, VA);
	must(sys_account_create(alice, child, alice_account, 50, 0, K_OWN, 0) == 0);
	*shown = fake_guard(alice, "b", EXO_RIGHTS_ALL);
	fake_key(alice, K_FREE, "b", EXO_RIGHTS_ALL);
	data = fake_own(alice);
	must(sys_frame_guard(alice, data, 1, *shown, K_OWN, K_FREE) == 1);
	must(map1(bob, VA, data, EXO_OP_MAP, K_OWN) == 1);
	must(map1(alice, VA, data, EXO_OP_MAP | EXO_MAP_WRITE, K_OWN) == 1);
	must(sys_key_bind(alice, *shown, EXO_W, K_FREE, K_FREE + 1) == 0);
	must(sys_key_bind(bob, alice_guard, EXO_W, K_OWN, K_FREE + 1) == -EXO_ERIGHTS);
	must(sys_ring_add(alice, alice->id, 4, fake_own(alice), 0) == 0);
	must(map1(alice, VA + 0x9000, uarea, EXO_OP_MAP | EXO_MAP_WRITE, K_OWN) == 1);
	must(map1(alice, VA + 0xa000, MMIO_PFN, EXO_OP_MAP | EXO_MAP_IO, K_OWN) == -EXO_ERIGHTS);
	fake_key(alice, K_FREE + 2, "M", EXO_R | EXO_W);
	must(map1(alice, VA + 0xa000, MMIO_PFN, EXO_OP_MAP | EXO_MAP_IO, K_FREE + 2) == 1);
	lock_acquire(&mem_lock);
	must(frame_usable_uarea(uarea, alice_account) == 0);
	frame_type(uarea, EXO_FRAME_UAREA, alice->frame);
	frame_type(act, EXO_FRAME_ACT, alice->frame);
	lock_release(&mem_lock);
	return data;
}

static void
test_reap(u64 max)
{
	exo_guardref shown, bobs;
	u64 before = fake_unused();
	exo_pfn data = furnish(&shown);
	unsigned calls;

	bobs = fake_guard(bob, "a", EXO_RIGHTS_ALL);
	must(sys_key_bind(alice, bobs, EXO_W, K_OWN, K_FREE + 3) == 0);
	gives("alice writes to bob", (i64)guard_at(bobs)->writers, 1);
	fake_die(alice);
	gives("account_reap: everything", reap_all(root, alice_account, max, K_EMPTY, &calls),
		-EXO_EKEY);
	fake_key(root, K_FREE, "a", EXO_RIGHTS_ALL);
	gives("account_reap: to the end", reap_all(root, alice_account, max, K_FREE, &calls), 0);
	gives("nothing is left", (i64)account_of(alice_account)->used, 0);
	gives("bob's guard has no holders", (i64)guard_at(bobs)->writers, 0);
	holds("bob lost what she lent",
		*fake_pte(bob, VA) == 0 && frames[data].kind == EXO_FRAME_FREE);
	holds("her guard guards nothing", !guard_live(shown, 1));
	gives("the account goes", sys_frame_release(root, alice_account, 1, K_OWN), 1);
	/* Back: her environment and account.  Kept: bob's tables and his guard's frame. */
	gives("no frame is lost", (i64)fake_unused(), (i64)before + 6 - 10);
	gives("root has it all back", (i64)account_of(root_account)->carved, BOB_LIMIT);
	fake_start();
}

static void
test_reap_heir(void)
{
	exo_guardref shown;
	exo_pfn data = furnish(&shown);
	unsigned calls;

	gives("mark", sys_frame_mark(alice, data, 1, EXO_FRAME_HEIR, 0, K_OWN), 1);
	fake_die(alice);
	fake_key(root, K_FREE, "a", EXO_RIGHTS_ALL);
	gives("account_reap", reap_all(root, alice_account, ~0ull, K_FREE, &calls), 0);
	gives("bob inherits", frames[data].account, bob_account);
	holds("his binding stays", *fake_pte(bob, VA) != 0);
	fake_start();
}

static void
test_reap_busy(void)
{
	exo_pfn child = fake_own(alice), pinned = fake_own(alice), inner;
	unsigned calls;

	must(sys_account_create(alice, child, alice_account, 50, 0, K_OWN, 0) == 0);
	inner = fake_free();
	must(sys_frame_claim(alice, inner, 1, child, 0, K_OWN, 0) == 1);
	frames[pinned].pins = 1;
	fake_die(alice);
	fake_key(root, K_FREE, "a", EXO_RIGHTS_ALL);
	gives("account_reap BUSY", reap_all(root, alice_account, ~0ull, K_FREE, &calls),
		-EXO_EBUSY);
	gives("the pinned frame and the child account are left",
		(i64)account_of(alice_account)->used, 2);
	frames[pinned].pins = 0;
	gives("account_reap: unpinned", sys_account_reap(root, alice_account, 1, K_FREE) > 0, 1);
	gives("account_reap BUSY: the child", reap_all(root, alice_account, 1, K_FREE, &calls),
		-EXO_EBUSY);
	gives("reap the child", reap_all(root, child, 1, K_FREE, &calls), 0);
	gives("account_reap", reap_all(root, alice_account, 1, K_FREE, &calls), 0);
	fake_start();
}

/* A child guards its account by what nobody opens: who controls an account above reaps it all the same. */
static void
test_reap_locked(void)
{
	const struct exo_key nothing[EXO_GUARD_KEYS] = { { 0 } };
	exo_guardref ref = fake_guard(alice, "a", EXO_RIGHTS_ALL);
	exo_pfn child = fake_own(alice);
	unsigned calls;

	must(sys_account_create(alice, child, alice_account, 50, ref, K_OWN, K_OWN) == 0);
	must(sys_frame_claim(alice, fake_free(), 1, child, 0, K_OWN, 0) == 1);
	must(sys_guard_change(alice, ref, user(nothing), K_OWN) == 0);
	gives("frame_claim RIGHTS: a locked account",
		sys_frame_claim(alice, fake_free(), 1, child, 0, K_OWN, 0), -EXO_ERIGHTS);
	gives("account_reap RIGHTS: locked", sys_account_reap(bob, child, 1, K_OWN), -EXO_ERIGHTS);
	gives("account_reap RIGHTS: no control above",
		sys_account_reap(alice, child, 1, K_WEAK), -EXO_ERIGHTS);
	gives("account_reap: locked, by the parent's key",
		reap_all(alice, child, 1, K_OWN, &calls), 0);
	fake_start();
}

/* A table of one account installed by another is torn out; a full one takes several entries. */
static void
test_reap_tables(u64 max)
{
	exo_pfn table = fake_own(bob), links = fake_own_run(bob, 2), data = fake_own(bob);
	exo_pfn mine = fake_own(alice);
	unsigned calls;

	fake_tables(alice, VA);
	fake_tables(bob, VA);
	must(sys_pt_install(bob, bob->id, (VA + 0x200000) | 1 | EXO_PT_WRITE, table, links, 0, 0) ==
		0);
	for (unsigned n = 0; n < 512; n++)
		must(map1(bob, VA + 0x200000 + n * 0x1000, data, EXO_OP_MAP, K_OWN) == 1);
	gives("mark the table", sys_frame_mark(bob, table, 1, EXO_FRAME_PUBLIC, 0, K_OWN), 1);
	gives("share it",
		sys_pt_install(alice, alice->id, (VA + 0x200000) | 1, table, 0, 0, K_EMPTY), 0);
	gives("a page of alice's own in it", (fake_key(alice, K_FREE, "b", EXO_RIGHTS_ALL),
		sys_map(alice, bob->id, user(&(struct exo_map){ .va = VA + 0x205000,
			.pfn = mine, .op = EXO_OP_MAP, .key = K_OWN }), 1, K_FREE)), 1);
	holds("alice reads through it", fake_touch(alice, VA + 0x205000, false));
	fake_die(bob);
	fake_key(root, K_FREE, "b", EXO_RIGHTS_ALL);
	gives("account_reap", reap_all(root, bob_account, max, K_FREE, &calls), 0);
	holds("in several entries", calls > 4 && (max == 1 || calls < 30));
	holds("alice's entry is gone", fake_pte(alice, VA + 0x205000) == NULL);
	fake_tlb_check(alice);
	fake_start();
}

int
main(void)
{
	fake_start();
	test_create();
	test_depth();
	test_limit();
	test_reap_errors();
	test_reap(1);
	test_reap(~0ull);
	test_reap_heir();
	test_reap_busy();
	test_reap_locked();
	test_reap_tables(~0ull);
	test_reap_tables(1);
	return fake_end();
}
