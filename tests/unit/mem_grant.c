/* SPDX-License-Identifier: ISC */
/*
 * A yes about an account is remembered: it must not outlive what made it one.
 * Each case asks twice, so that the second time is by memory, then changes
 * one thing.  (The debug kernel's own comparison would panic here, too.)
 */
// sources: kernel/cap/*.c kernel/mem/*.c tests/unit/lib/fake.c
#include "fake.h"

#define VA 0x400000ull
#define REST (EXO_RIGHTS_ALL & ~(EXO_A | EXO_C))

/* May self charge the account?  A frame is claimed and, by root, released. */
static i64
charge(struct env *self, exo_pfn account, exo_slot key)
{
	exo_pfn pfn = fake_free();
	i64 result = sys_frame_claim(self, pfn, 1, account, 0, key, 0);

	if (result == 1)
		sys_frame_release(root, pfn, 1, K_OWN);
	return result;
}

/* The same without anybody else asking in between: frames pile up. */
static i64
charge_on(struct env *self, exo_pfn account, exo_slot key)
{
	return sys_frame_claim(self, fake_free(), 1, account, 0, key, 0);
}

static void
remember(const char *what, exo_slot key)
{
	gives(what, charge_on(alice, alice_account, key), 1);
	gives("and again", charge_on(alice, alice_account, key), 1);
	holds("it is remembered", alice->grant.epoch == grants_epoch &&
		alice->grant.about == alice_account && alice->grant.key == key);
}

static void
change_guard(const char *name)
{
	struct exo_key entry[EXO_GUARD_KEYS] = { { .len = 1, .rights = EXO_RIGHTS_ALL } };

	entry[0].name[0] = (u8)name[0];
	gives("guard_change", sys_guard_change(root, alice_guard, user(entry), K_FREE), 0);
}

static void
test_others(void)
{
	exo_pfn pfn;

	fake_start();
	fake_key(alice, K_FREE, "a", EXO_A);
	remember("a key to charge", K_FREE);
	gives("another environment's slot", charge(bob, alice_account, K_OWN), -EXO_ERIGHTS);
	gives("another account", charge_on(alice, bob_account, K_FREE), -EXO_ERIGHTS);
	remember("a key to charge", K_FREE);
	gives("another slot", charge_on(alice, alice_account, K_OTHER), -EXO_ERIGHTS);
	gives("no slot", charge_on(alice, alice_account, K_EMPTY), -EXO_EKEY);
	remember("a key to charge", K_FREE);
	pfn = fake_own(alice);
	gives("other rights", sys_frame_release(alice, pfn, 1, K_FREE), -EXO_ERIGHTS);
	gives("and these still", charge_on(alice, alice_account, K_FREE), 1);
}

static void
test_keys(void)
{
	fake_start();
	fake_key(alice, K_FREE, "a", EXO_RIGHTS_ALL);
	remember("a key", K_FREE);
	gives("key_drop", sys_key_drop(alice, K_FREE, 1), 0 + 1);
	gives("is dropped", charge_on(alice, alice_account, K_FREE), -EXO_EKEY);
	fake_key(alice, K_FREE, "a", EXO_RIGHTS_ALL);
	remember("a key", K_FREE);
	fake_key(alice, K_FREE, "a", REST);
	gives("is a lesser one", charge_on(alice, alice_account, K_FREE), -EXO_ERIGHTS);
	fake_key(alice, K_FREE, "", EXO_RIGHTS_ALL);
	remember("root's key", K_FREE);
	fake_key(alice, K_FREE, "b", EXO_RIGHTS_ALL);
	gives("is bob's", charge_on(alice, alice_account, K_FREE), -EXO_ERIGHTS);
}

static void
test_guards(void)
{
	fake_start();
	fake_key(root, K_FREE, "", EXO_RIGHTS_ALL);
	remember("by the guard", K_OWN);
	change_guard("b");
	gives("which others open now", charge_on(alice, alice_account, K_OWN), -EXO_ERIGHTS);
	change_guard("a");
	gives("key_bind", sys_key_bind(alice, alice_guard, EXO_A, K_OWN, K_FREE), 0);
	remember("by a bound key", K_FREE);
	gives("guard_revoke", sys_guard_revoke(root, alice_guard, K_FREE), 0);
	gives("is revoked", charge_on(alice, alice_account, K_FREE), -EXO_ESTALE);
	remember("by the guard", K_OWN);
	gives("guard_free", sys_guard_free(root, alice_guard, K_FREE), 0);
	gives("then root's key alone", charge_on(alice, alice_account, K_OWN), -EXO_ERIGHTS);
}

/* One entry must have all the rights that are asked for: a yes to each alone is no yes to both. */
static void
test_entries(void)
{
	struct exo_key entry[EXO_GUARD_KEYS] = { { .len = 1, .rights = EXO_R, .name = "a" },
		{ .len = 1, .rights = EXO_W | EXO_C, .name = "a" } };
	struct exo_map map = { .va = VA, .op = EXO_OP_MAP | EXO_MAP_WRITE, .key = K_OWN };

	fake_start();
	fake_tables(alice, VA);
	map.pfn = fake_own(alice);
	fake_key(root, K_FREE, "", EXO_RIGHTS_ALL);
	gives("guard_change", sys_guard_change(root, alice_guard, user(entry), K_FREE), 0);
	gives("read", account_allows(alice, K_OWN, alice_account, EXO_R), 0);
	gives("write", account_allows(alice, K_OWN, alice_account, EXO_W), 0);
	gives("write and control", account_allows(alice, K_OWN, alice_account, EXO_W | EXO_C), 0);
	gives("write again", account_allows(alice, K_OWN, alice_account, EXO_W), 0);
	gives("read again", account_allows(alice, K_OWN, alice_account, EXO_R), 0);
	gives("both", account_allows(alice, K_OWN, alice_account, EXO_R | EXO_W), -EXO_ERIGHTS);
	gives("a page to write to", sys_map(alice, alice->id, user(&map), 1, 0), -EXO_ERIGHTS);
}

/* Frames under a guard of their own, the same: the last yes about a guard. */
static void
test_frames(void)
{
	struct exo_key entry[EXO_GUARD_KEYS] = { { .len = 1, .rights = EXO_R, .name = "b" },
		{ .len = 1, .rights = EXO_W | EXO_C, .name = "b" } };
	struct exo_map map = { .va = VA, .op = EXO_OP_MAP, .key = K_OWN };
	exo_guardref guard;

	fake_start();
	fake_tables(bob, VA);
	fake_key(root, K_FREE, "", EXO_RIGHTS_ALL);
	guard = fake_guard(alice, "b", EXO_R);
	gives("guard_change", sys_guard_change(root, guard, user(entry), K_FREE), 0);
	map.pfn = fake_own(alice);
	gives("frame_guard", sys_frame_guard(root, map.pfn, 1, guard, K_FREE, K_FREE), 1);
	gives("read", sys_map(bob, bob->id, user(&map), 1, 0), 1);
	gives("read again", sys_map(bob, bob->id, user(&map), 1, 0), 1);
	gives("not alice", sys_map(alice, bob->id, user(&map), 1, K_OWN), -EXO_ERIGHTS);
	map.op |= EXO_MAP_WRITE;
	gives("not both", sys_map(bob, bob->id, user(&map), 1, 0), -EXO_ERIGHTS);
	map.op = EXO_OP_MAP;
	gives("read", sys_map(bob, bob->id, user(&map), 1, 0), 1);
	entry[0].name[0] = 'c';
	gives("guard_change", sys_guard_change(root, guard, user(entry), K_FREE), 0);
	gives("not any more", sys_map(bob, bob->id, user(&map), 1, 0), -EXO_ERIGHTS);
	entry[0].name[0] = 'b';
	gives("guard_change", sys_guard_change(root, guard, user(entry), K_FREE), 0);
	gives("read", sys_map(bob, bob->id, user(&map), 1, 0), 1);
	gives("guard_free", sys_guard_free(root, guard, K_FREE), 0);
	gives("nor without the guard", sys_map(bob, bob->id, user(&map), 1, 0), -EXO_ERIGHTS);
}

/* An account that ends, and another in the same frame. */
static void
test_accounts(void)
{
	exo_pfn pfn;

	fake_start();
	pfn = fake_own(alice);
	gives("account_create",
		sys_account_create(alice, pfn, alice_account, 10, alice_guard, K_OWN, K_OWN), 0);
	gives("charged", charge_on(alice, pfn, K_OWN), 1);
	gives("and again", charge_on(alice, pfn, K_OWN), 1);
	gives("reap", sys_account_reap(root, pfn, 100, K_OWN), 2);
	gives("release", sys_frame_release(alice, pfn, 1, K_OWN), 1);
	fake_key(bob, K_FREE, "b", EXO_RIGHTS_ALL);
	gives("claimed by bob", sys_frame_claim(bob, pfn, 1, bob_account, 0, K_OWN, 0), 1);
	gives("bob's account there",
		sys_account_create(bob, pfn, bob_account, 10, bob_guard, K_OWN, K_OWN), 0);
	gives("is bob's", charge_on(alice, pfn, K_OWN), -EXO_ERIGHTS);
}

int
main(void)
{
	test_others();
	test_keys();
	test_guards();
	test_accounts();
	test_entries();
	test_frames();
	return fake_end();
}
