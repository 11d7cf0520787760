/* SPDX-License-Identifier: ISC */
/* The calls on guards: every documented error, every missing right, and what they do. */
// sources: kernel/cap/*.c kernel/mem/*.c tests/unit/lib/fake.c
#include "fake.h"

static const struct exo_key entries[EXO_GUARD_KEYS] = {
	{ .len = 1, .rights = EXO_RIGHTS_ALL, .name = "a" }
};
static const struct exo_key others[EXO_GUARD_KEYS] = { { .len = 1, .rights = EXO_R, .name = "b" } };
static const struct exo_key malformed[EXO_GUARD_KEYS] = { { .len = 15, .rights = EXO_R } };

static void
test_create(void)
{
	exo_pfn pfn = fake_own(alice);

	gives("guard_create FAULT", sys_guard_create(alice, EXO_GUARD(pfn, 0), 0, K_OWN),
		-EXO_EFAULT);
	gives("guard_create ARG",
		sys_guard_create(alice, EXO_GUARD(pfn, 0), user(malformed), K_OWN), -EXO_EARG);
	gives("guard_create RANGE",
		sys_guard_create(alice, EXO_GUARD(FRAMES, 0), user(entries), K_OWN), -EXO_ERANGE);
	gives("guard_create RANGE, largest", sys_guard_create(alice, ~0ull, user(entries), K_OWN),
		-EXO_ERANGE);
	gives("guard_create KIND: free frame",
		sys_guard_create(alice, EXO_GUARD(fake_free(), 0), user(entries), K_OWN),
		-EXO_EKIND);
	gives("guard_create KIND: the kernel's",
		sys_guard_create(root, EXO_GUARD(KERNEL_PFN, 0), user(entries), K_OWN), -EXO_EKIND);
	gives("guard_create KIND: guard 0", sys_guard_create(root, 0, user(entries), K_OWN),
		-EXO_EKIND);
	gives("guard_create KIND: a ring",
		sys_guard_create(alice, EXO_GUARD(alice->ring[0], 0), user(entries), K_OWN),
		-EXO_EKIND);
	gives("guard_create KEY",
		sys_guard_create(alice, EXO_GUARD(pfn, 0), user(entries), K_EMPTY), -EXO_EKEY);
	gives("guard_create RIGHTS: another name",
		sys_guard_create(alice, EXO_GUARD(pfn, 0), user(entries), K_OTHER), -EXO_ERIGHTS);
	gives("guard_create RIGHTS: no allot",
		sys_guard_create(alice, EXO_GUARD(pfn, 0), user(entries), K_WEAK), -EXO_ERIGHTS);
	gives("guard_create RIGHTS: another's frame",
		sys_guard_create(alice, EXO_GUARD(fake_own(bob), 0), user(entries), K_OWN),
		-EXO_ERIGHTS);
}

static void
test_create_bound(void)
{
	exo_pfn pfn = fake_own(alice);
	const struct exo_map map = { .va = 0x400000,
		.pfn = pfn,
		.op = EXO_OP_MAP | EXO_MAP_WRITE,
		.key = K_OWN };
	const struct exo_map unmap = { .va = 0x400000, .op = EXO_OP_UNMAP };

	fake_tables(alice, map.va);
	gives("map a frame", sys_map(alice, alice->id, user(&map), 1, 0), 1);
	gives("guard_create BUSY: bound",
		sys_guard_create(alice, EXO_GUARD(pfn, 0), user(entries), K_OWN), -EXO_EBUSY);
	fake_touch(alice, 0x400000, true);
	gives("unmap it", sys_map(alice, alice->id, user(&unmap), 1, 0), 1);
	frames[pfn].pins = 1;
	gives("guard_create BUSY: pinned",
		sys_guard_create(alice, EXO_GUARD(pfn, 0), user(entries), K_OWN), -EXO_EBUSY);
	frames[pfn].pins = 0;
	gives("guard_create", sys_guard_create(alice, EXO_GUARD(pfn, 7), user(entries), K_OWN), 0);
	gives("guard_create TAKEN",
		sys_guard_create(alice, EXO_GUARD(pfn, 7), user(entries), K_OWN), -EXO_ETAKEN);
	gives("guard_create: a second in the frame",
		sys_guard_create(alice, EXO_GUARD(pfn, 8), user(entries), K_OWN), 0);
	gives("frame_release BUSY: guards in it", sys_frame_release(alice, pfn, 1, K_OWN),
		-EXO_EBUSY);
	gives("guard_free", sys_guard_free(alice, EXO_GUARD(pfn, 7), K_OWN), 0);
	gives("guard_free the other", sys_guard_free(alice, EXO_GUARD(pfn, 8), K_OWN), 0);
	gives("frame_release: an empty guard frame", sys_frame_release(alice, pfn, 1, K_OWN), 1);
}

typedef i64 control_call(struct env *self, u64 guard, u64 key);

static i64
change(struct env *self, u64 guard, u64 key)
{
	return sys_guard_change(self, guard, user(entries), key);
}

static void
test_control(const char *name, control_call *call)
{
	exo_pfn pfn = fake_own(alice);
	exo_guardref ref = EXO_GUARD(pfn, 0), bobs = fake_guard(bob, "b", EXO_RIGHTS_ALL);
	exo_guardref opened = fake_guard(bob, "a", EXO_C);
	char what[80];

	sys_guard_create(alice, ref, user(entries), K_OWN);
#define SAYS(text) (snprintf(what, sizeof what, "%s %s", name, text), what)
	gives(SAYS("RANGE"), call(alice, EXO_GUARD(FRAMES, 0), K_OWN), -EXO_ERANGE);
	gives(SAYS("KIND"), call(alice, EXO_GUARD(fake_own(alice), 0), K_OWN), -EXO_EKIND);
	gives(SAYS("KIND: none"), call(root, 0, K_OWN), -EXO_EKIND);
	gives(SAYS("ABSENT"), call(alice, EXO_GUARD(pfn, 1), K_OWN), -EXO_EABSENT);
	gives(SAYS("KEY"), call(alice, ref, K_EMPTY), -EXO_EKEY);
	gives(SAYS("RIGHTS: another name"), call(alice, ref, K_OTHER), -EXO_ERIGHTS);
	gives(SAYS("RIGHTS: no control"), call(alice, ref, K_WEAK), -EXO_ERIGHTS);
	gives(SAYS("RIGHTS: another's"), call(alice, bobs, K_OWN), -EXO_ERIGHTS);
	gives(SAYS("with a key of the guard itself"), call(alice, opened, K_OWN), 0);
	gives(SAYS("with a key of the account"), call(bob, bobs, K_OWN), 0);
	gives(SAYS("own"), call(alice, ref, K_OWN), 0);
#undef SAYS
}

static void
test_change(void)
{
	exo_guardref ref = fake_guard(alice, "a", EXO_RIGHTS_ALL);
	struct guard *guard = guard_at(ref);
	u64 generation = guard->generation;

	gives("guard_change FAULT", sys_guard_change(alice, ref, 0, K_OWN), -EXO_EFAULT);
	gives("guard_change ARG", sys_guard_change(alice, ref, user(malformed), K_OWN), -EXO_EARG);
	gives("bind before", sys_key_bind(alice, ref, EXO_R, K_OWN, K_FREE), 0);
	gives("guard_change", sys_guard_change(alice, ref, user(others), K_OWN), 0);
	gives("its old key opens it no more", sys_key_bind(alice, ref, EXO_R, K_OWN, K_FREE + 1),
		-EXO_ERIGHTS);
	gives("the bound key does", guard_allows(alice, K_FREE, ref, guard->serial, EXO_R), 0);
	holds("and the generation stands", guard->generation == generation);
	key_clear(ring_slot(alice, K_FREE));
}

static void
test_revoke(void)
{
	exo_guardref ref = fake_guard(alice, "a", EXO_RIGHTS_ALL);
	struct guard *guard = guard_at(ref);

	gives("bind R", sys_key_bind(alice, ref, EXO_R, K_OWN, K_FREE), 0);
	gives("bind RW", sys_key_bind(alice, ref, EXO_R | EXO_W, K_OWN, K_FREE + 1), 0);
	gives("one reader", (i64)guard->readers, 1);
	gives("one writer", (i64)guard->writers, 1);
	gives("guard_revoke", sys_guard_revoke(alice, ref, K_OWN), 0);
	gives("no readers", (i64)guard->readers, 0);
	gives("no writers", (i64)guard->writers, 0);
	gives("STALE", guard_allows(alice, K_FREE, ref, guard->serial, EXO_R), -EXO_ESTALE);
	gives("bind anew", sys_key_bind(alice, ref, EXO_R, K_OWN, K_FREE + 2), 0);
	gives("dropping stale keys", sys_key_drop(alice, K_FREE, 2), 2);
	gives("counts only live ones", (i64)guard->readers, 1);
	gives("guard_free", sys_guard_free(alice, ref, K_OWN), 0);
	gives("ABSENT: gone", sys_key_bind(alice, ref, EXO_R, K_OWN, K_FREE), -EXO_EABSENT);
	gives("a new guard in its place", sys_guard_create(alice, ref, user(entries), K_OWN), 0);
	gives("is not opened by old bound keys",
		guard_allows(alice, K_FREE + 2, ref, guard->serial, EXO_R), -EXO_ESTALE);
	gives("nor counts them", sys_key_drop(alice, K_FREE, 3), 3);
}

/* Objects under a guard that was freed fall back to their account; a successor does not inherit them. */
static void
test_under(void)
{
	exo_guardref ref = fake_guard(bob, "a", EXO_RIGHTS_ALL);
	exo_pfn pfn = fake_own(bob);

	gives("frame_guard", sys_frame_guard(bob, pfn, 1, ref, K_OWN, K_OWN), -EXO_ERIGHTS);
	fake_key(bob, K_FREE, "a", EXO_C);
	gives("frame_guard with a key that opens it",
		sys_frame_guard(bob, pfn, 1, ref, K_OWN, K_FREE), 1);
	gives("alice reaches the frame", frame_allows(alice, K_OWN, pfn, EXO_W), 0);
	gives("bob does by the account", frame_allows(bob, K_OWN, pfn, EXO_W), 0);
	gives("guard_free", sys_guard_free(bob, ref, K_OWN), 0);
	gives("alice does not", frame_allows(alice, K_OWN, pfn, EXO_W), -EXO_ERIGHTS);
	gives("a new guard", sys_guard_create(bob, ref, user(entries), K_OWN), 0);
	gives("alice still does not", frame_allows(alice, K_OWN, pfn, EXO_W), -EXO_ERIGHTS);
	gives("bob still does", frame_allows(bob, K_OWN, pfn, EXO_W), 0);
}

int
main(void)
{
	fake_start();
	test_create();
	test_create_bound();
	test_control("guard_change", change);
	test_control("guard_revoke", sys_guard_revoke);
	test_control("guard_free", sys_guard_free);
	test_change();
	test_revoke();
	test_under();
	return fake_end();
}
