/* SPDX-License-Identifier: ISC */
/* The calls on keys and rings: every documented error, every missing right, and the holder counts. */
// sources: kernel/cap/*.c kernel/mem/*.c tests/unit/lib/fake.c
#include "fake.h"

#define RIGHTS(r) ((u64)(r) << 8)	/* a struct exo_key in a register, of which rights alone count */
#define AT(n) (K_FREE + (n))

static const exo_envid nobody = 9ull << 16 | 9;

static i64
narrow(struct env *self, u64 src, u64 dst, const char *name, u32 rights)
{
	struct exo_key key = { .len = (u8)strlen(name), .rights = (u8)rights };
	u64 words[2];

	memcpy(key.name, name, key.len);
	memcpy(words, &key, sizeof words);
	return sys_key_narrow(self, src, dst, words[0], words[1]);
}

static void
drop_all(void)
{
	sys_key_drop(alice, AT(0), 90);
	sys_key_drop(bob, AT(0), 90);
}

static void
test_narrow(void)
{
	exo_guardref ref = fake_guard(alice, "a", EXO_RIGHTS_ALL);

	gives("key_narrow KEY: empty", narrow(alice, K_EMPTY, AT(0), "a", EXO_R), -EXO_EKEY);
	gives("key_narrow KEY: outside", narrow(alice, K_OUTSIDE, AT(0), "a", EXO_R), -EXO_EKEY);
	gives("key_narrow RANGE", narrow(alice, K_OWN, K_OUTSIDE, "a", EXO_R), -EXO_ERANGE);
	gives("key_narrow TAKEN", narrow(alice, K_OWN, K_OTHER, "a", EXO_R), -EXO_ETAKEN);
	gives("key_narrow TAKEN: itself", narrow(alice, K_OWN, K_OWN, "a", EXO_R), -EXO_ETAKEN);
	gives("key_narrow ARG: no rights", narrow(alice, K_OWN, AT(0), "a", 0), -EXO_EARG);
	gives("key_narrow ARG: unknown rights", narrow(alice, K_OWN, AT(0), "a", 0x80), -EXO_EARG);
	gives("key_narrow ARG: too long",
		sys_key_narrow(alice, K_OWN, AT(0), 15 | RIGHTS(EXO_R), 0), -EXO_EARG);
	gives("key_narrow ARG: bytes behind the name",
		sys_key_narrow(alice, K_OWN, AT(0), 0 | RIGHTS(EXO_R), 1), -EXO_EARG);
	gives("key_narrow RIGHTS: shorter", narrow(alice, K_OWN, AT(0), "", EXO_R), -EXO_ERIGHTS);
	gives("key_narrow RIGHTS: another name", narrow(alice, K_OWN, AT(0), "ba", EXO_R),
		-EXO_ERIGHTS);
	gives("key_narrow RIGHTS: more rights", narrow(alice, K_WEAK, AT(0), "a", EXO_R | EXO_W),
		-EXO_ERIGHTS);
	gives("key_narrow", narrow(alice, K_OWN, AT(0), "ab", EXO_R), 0);
	gives("the narrower key opens less", sys_key_bind(alice, ref, EXO_R, AT(0), AT(1)),
		-EXO_ERIGHTS);
	gives("bind", sys_key_bind(alice, ref, EXO_R | EXO_W, K_OWN, AT(2)), 0);
	gives("key_narrow a bound key", sys_key_narrow(alice, AT(2), AT(3), RIGHTS(EXO_R), 0), 0);
	gives("it is a reader", (i64)guard_at(ref)->readers, 1);
	gives("beside the writer", (i64)guard_at(ref)->writers, 1);
	gives("key_narrow RIGHTS: bound", sys_key_narrow(alice, AT(3), AT(4), RIGHTS(EXO_W), 0),
		-EXO_ERIGHTS);
	sys_guard_revoke(alice, ref, K_OWN);
	gives("key_narrow STALE", sys_key_narrow(alice, AT(2), AT(4), RIGHTS(EXO_R), 0),
		-EXO_ESTALE);
	drop_all();
}

static void
test_bind(void)
{
	exo_guardref ref = fake_guard(alice, "a", EXO_RIGHTS_ALL),
		     part = fake_guard(alice, "a", EXO_R);
	exo_guardref bobs = fake_guard(bob, "b", EXO_RIGHTS_ALL);

	gives("key_bind ARG: no rights", sys_key_bind(alice, ref, 0, K_OWN, AT(0)), -EXO_EARG);
	gives("key_bind ARG: unknown rights",
		sys_key_bind(alice, ref, 1ull << 40 | EXO_R, K_OWN, AT(0)), -EXO_EARG);
	gives("key_bind RANGE: guard",
		sys_key_bind(alice, EXO_GUARD(FRAMES, 0), EXO_R, K_OWN, AT(0)), -EXO_ERANGE);
	gives("key_bind KIND",
		sys_key_bind(alice, EXO_GUARD(fake_own(alice), 0), EXO_R, K_OWN, AT(0)),
		-EXO_EKIND);
	gives("key_bind ABSENT", sys_key_bind(alice, ref + 1, EXO_R, K_OWN, AT(0)), -EXO_EABSENT);
	gives("key_bind KEY", sys_key_bind(alice, ref, EXO_R, K_EMPTY, AT(0)), -EXO_EKEY);
	gives("key_bind RIGHTS: the key's", sys_key_bind(alice, ref, EXO_W, K_WEAK, AT(0)),
		-EXO_ERIGHTS);
	gives("key_bind RIGHTS: the entry's", sys_key_bind(alice, part, EXO_W, K_OWN, AT(0)),
		-EXO_ERIGHTS);
	gives("key_bind RIGHTS: another's guard", sys_key_bind(alice, bobs, EXO_R, K_OWN, AT(0)),
		-EXO_ERIGHTS);
	gives("key_bind TAKEN", sys_key_bind(alice, ref, EXO_R, K_OWN, K_OTHER), -EXO_ETAKEN);
	gives("key_bind RANGE: slot", sys_key_bind(alice, ref, EXO_R, K_OWN, K_OUTSIDE),
		-EXO_ERANGE);
	gives("key_bind", sys_key_bind(alice, ref, EXO_R, K_OWN, AT(0)), 0);
	gives("key_bind with a bound key", sys_key_bind(alice, ref, EXO_R, AT(0), AT(1)), 0);
	gives("key_bind RIGHTS: bound elsewhere", sys_key_bind(alice, part, EXO_R, AT(0), AT(2)),
		-EXO_ERIGHTS);
	gives("two readers", (i64)guard_at(ref)->readers, 2);
	drop_all();
	gives("dropped", (i64)guard_at(ref)->readers, 0);
}

static void
test_copy(void)
{
	exo_guardref ref = fake_guard(alice, "a", EXO_RIGHTS_ALL);

	gives("key_copy ARG", sys_key_copy(alice, K_OWN, 0, alice->id, AT(0), 0), -EXO_EARG);
	gives("key_copy STALE", sys_key_copy(alice, K_OWN, 1, nobody, AT(0), 0), -EXO_ESTALE);
	gives("key_copy KEY", sys_key_copy(alice, K_OWN, 1, bob->id, AT(0), K_EMPTY), -EXO_EKEY);
	gives("key_copy RIGHTS", sys_key_copy(alice, K_OWN, 1, bob->id, AT(0), K_OWN),
		-EXO_ERIGHTS);
	gives("key_copy RIGHTS: no write", sys_key_copy(root, K_OWN, 1, bob->id, AT(0), K_WEAK),
		-EXO_ERIGHTS);
	gives("key_copy RANGE: source", sys_key_copy(alice, K_OUTSIDE, 1, alice->id, AT(0), 0),
		-EXO_ERANGE);
	gives("key_copy RANGE: target", sys_key_copy(alice, K_OWN, 1, alice->id, K_OUTSIDE, 0),
		-EXO_ERANGE);
	gives("key_copy RANGE: target, nothing to copy",
		sys_key_copy(alice, K_EMPTY, 1, alice->id, K_OUTSIDE, 0), -EXO_ERANGE);
	gives("key_copy TAKEN", sys_key_copy(alice, K_OWN, 1, alice->id, K_OTHER, 0), -EXO_ETAKEN);
	gives("bind", sys_key_bind(alice, ref, EXO_W, K_OWN, AT(0)), 0);
	fake_key(alice, AT(1), "b", EXO_RIGHTS_ALL);
	gives("key_copy to another", sys_key_copy(alice, K_OWN, AT(0) + 2, bob->id, 50, AT(1)), 5);
	gives("the bound key is counted twice", (i64)guard_at(ref)->writers, 2);
	gives("and is usable there",
		guard_allows(bob, 50 + AT(0), ref, guard_at(ref)->serial, EXO_W), 0);
	gives("key_copy does not overwrite", sys_key_copy(alice, K_OWN, 5, bob->id, 50, AT(1)),
		-EXO_ETAKEN);
	gives("key_copy stops at what is taken",
		sys_key_copy(alice, K_OTHER, 2, bob->id, 49, AT(1)), 1);
	fake_die(bob);
	gives("key_copy DEAD", sys_key_copy(alice, K_OWN, 1, bob->id, AT(0), AT(1)), -EXO_EDEAD);
	fake_start();
}

static void
test_offer(void)
{
	exo_guardref ref = fake_guard(alice, "a", EXO_RIGHTS_ALL);

	gives("bind", sys_key_bind(alice, ref, EXO_R, K_OWN, AT(0)), 0);
	gives("key_offer KEY: empty", sys_key_offer(alice, K_EMPTY, bob->id), -EXO_EKEY);
	gives("key_offer KEY: outside", sys_key_offer(alice, K_OUTSIDE, bob->id), -EXO_EKEY);
	gives("key_offer STALE", sys_key_offer(alice, AT(0), nobody), -EXO_ESTALE);
	gives("key_take RIGHTS: not offered", sys_key_take(bob, alice->id, AT(0), AT(1)),
		-EXO_ERIGHTS);
	gives("key_offer", sys_key_offer(alice, AT(0), bob->id), 0);
	gives("key_take STALE", sys_key_take(bob, nobody, AT(0), AT(1)), -EXO_ESTALE);
	gives("key_take KEY", sys_key_take(bob, alice->id, K_OUTSIDE, AT(1)), -EXO_EKEY);
	gives("key_take RIGHTS: empty", sys_key_take(bob, alice->id, K_EMPTY, AT(1)), -EXO_ERIGHTS);
	gives("key_take RIGHTS: offered to another", sys_key_take(root, alice->id, AT(0), AT(1)),
		-EXO_ERIGHTS);
	gives("key_take RANGE", sys_key_take(bob, alice->id, AT(0), K_OUTSIDE), -EXO_ERANGE);
	gives("key_take TAKEN", sys_key_take(bob, alice->id, AT(0), K_OWN), -EXO_ETAKEN);
	gives("key_take", sys_key_take(bob, alice->id, AT(0), AT(1)), 0);
	gives("it is counted", (i64)guard_at(ref)->readers, 2);
	gives("it is not offered on", sys_key_take(alice, bob->id, AT(1), AT(5)), -EXO_ERIGHTS);
	gives("key_offer withdraws", sys_key_offer(alice, AT(0), 0), 0);
	gives("key_take RIGHTS: withdrawn", sys_key_take(bob, alice->id, AT(0), AT(2)),
		-EXO_ERIGHTS);
	fake_die(bob);
	gives("key_offer DEAD", sys_key_offer(alice, AT(0), bob->id), -EXO_EDEAD);
	gives("key_take DEAD", sys_key_take(alice, bob->id, AT(1), AT(5)), -EXO_EDEAD);
	fake_start();
}

static void
test_drop(void)
{
	gives("key_drop ARG", sys_key_drop(alice, AT(0), 0), -EXO_EARG);
	gives("key_drop RANGE", sys_key_drop(alice, K_OUTSIDE, 1), -EXO_ERANGE);
	gives("key_drop: no further than the ring", sys_key_drop(alice, EXO_KEYS_FRAME - 3, 10), 3);
	gives("key_drop: empty slots too", sys_key_drop(alice, AT(0), 50), 50);
	gives("key_drop: a bounded number a call", sys_key_drop(alice, AT(0), ~0ull),
		EXO_KEYS_FRAME - K_FREE);
}

static void
test_test(void)
{
	exo_guardref ref = fake_guard(alice, "a", EXO_RIGHTS_ALL);
	struct act *act = calloc(1, sizeof *act);

	gives("key_test STALE", sys_key_test(bob, nobody, K_OWN, ref, EXO_R), -EXO_ESTALE);
	gives("key_test OWNER: does not wait", sys_key_test(bob, alice->id, K_OWN, ref, EXO_R),
		-EXO_EOWNER);
	act->state = ACT_CALLING;
	act->waiting_on = root->id;
	alice->act[0] = act;
	gives("key_test OWNER: waits on another", sys_key_test(bob, alice->id, K_OWN, ref, EXO_R),
		-EXO_EOWNER);
	act->waiting_on = bob->id;
	gives("key_test RANGE", sys_key_test(bob, alice->id, K_OWN, EXO_GUARD(FRAMES, 0), EXO_R),
		-EXO_ERANGE);
	gives("key_test KIND",
		sys_key_test(bob, alice->id, K_OWN, EXO_GUARD(fake_own(bob), 0), EXO_R),
		-EXO_EKIND);
	gives("key_test ABSENT", sys_key_test(bob, alice->id, K_OWN, ref + 1, EXO_R), -EXO_EABSENT);
	gives("key_test KEY", sys_key_test(bob, alice->id, K_EMPTY, ref, EXO_R), -EXO_EKEY);
	gives("key_test RIGHTS", sys_key_test(bob, alice->id, K_WEAK, ref, EXO_W), -EXO_ERIGHTS);
	gives("key_test RIGHTS: none asked", sys_key_test(bob, alice->id, K_OWN, ref, 0),
		-EXO_ERIGHTS);
	gives("key_test RIGHTS: unknown",
		sys_key_test(bob, alice->id, K_OWN, ref, 1ull << 32 | EXO_R), -EXO_ERIGHTS);
	gives("key_test", sys_key_test(bob, alice->id, K_OWN, ref, EXO_R), 0);
	gives("key_test guard 0", sys_key_test(bob, alice->id, K_WEAK, 0, 0), EXO_R << 8 | 1);
	gives("key_test guard 0 KEY", sys_key_test(bob, alice->id, K_EMPTY, 0, 0), -EXO_EKEY);
	fake_die(alice);
	gives("key_test DEAD", sys_key_test(bob, alice->id, K_OWN, ref, EXO_R), -EXO_EDEAD);
	free(act);
	fake_start();
}

static void
test_ring(void)
{
	exo_pfn pfn = fake_own(alice);

	gives("ring_add STALE", sys_ring_add(alice, nobody, 1, pfn, 0), -EXO_ESTALE);
	gives("ring_add KEY", sys_ring_add(root, alice->id, 1, pfn, K_EMPTY), -EXO_EKEY);
	gives("ring_add RIGHTS", sys_ring_add(bob, alice->id, 1, pfn, K_OWN), -EXO_ERIGHTS);
	gives("ring_add RANGE: 0", sys_ring_add(alice, alice->id, 0, pfn, 0), -EXO_ERANGE);
	gives("ring_add RANGE", sys_ring_add(alice, alice->id, EXO_RING_FRAMES, pfn, 0),
		-EXO_ERANGE);
	gives("ring_add RANGE: frame", sys_ring_add(alice, alice->id, 1, FRAMES, 0), -EXO_ERANGE);
	gives("ring_add KIND", sys_ring_add(alice, alice->id, 1, fake_free(), 0), -EXO_EKIND);
	gives("ring_add OWNER", sys_ring_add(alice, alice->id, 1, fake_own(bob), 0), -EXO_EOWNER);
	frames[pfn].pins = 1;
	gives("ring_add BUSY", sys_ring_add(alice, alice->id, 1, pfn, 0), -EXO_EBUSY);
	frames[pfn].pins = 0;
	gives("ring_add", sys_ring_add(alice, alice->id, 1, pfn, 0), 0);
	gives("ring_add TAKEN", sys_ring_add(alice, alice->id, 1, fake_own(alice), 0), -EXO_ETAKEN);
	gives("its slots are there, and empty", narrow(alice, EXO_KEYS_FRAME, AT(9), "a", EXO_R),
		-EXO_EKEY);
	gives("and can be filled", narrow(alice, K_OWN, EXO_KEYS_FRAME, "a", EXO_R), 0);
	gives("frame_release BUSY: a ring", sys_frame_release(alice, pfn, 1, K_OWN), -EXO_EBUSY);
	fake_die(alice);
	gives("ring_add DEAD", sys_ring_add(root, alice->id, 2, fake_own(alice), K_OWN),
		-EXO_EDEAD);
	fake_start();
}

int
main(void)
{
	fake_start();
	test_narrow();
	test_bind();
	test_copy();
	test_offer();
	test_drop();
	test_test();
	test_ring();
	return fake_end();
}
