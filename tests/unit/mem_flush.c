/* SPDX-License-Identifier: ISC */
/* Which other CPUs are told when rights are taken away: all that may hold them, and nobody for nothing. */
// sources: kernel/cap/*.c kernel/mem/*.c tests/unit/lib/fake.c
#include "fake.h"

#define VA 0x400000ull
#define RW (EXO_OP_MAP | EXO_MAP_WRITE)
#define NOBODY ~0ull

static i64
map1(struct env *self, struct env *env, u64 va, exo_pfn pfn, u32 op)
{
	const struct exo_map map = { .va = va, .pfn = pfn, .op = op, .key = K_OWN };

	return sys_map(self, env->id, user(&map), 1, K_OWN);
}

/* Whose space they were told of since the last look; 0: everybody's. */
static exo_pfn
told(void)
{
	exo_pfn who = fake_flushes_others != 0 ? fake_flushed : NOBODY;

	must(fake_flushes_others <= 1);		/* once a call */
	fake_flushes_others = 0;
	return who;
}

static void
test_own(void)
{
	exo_pfn frame = fake_own(alice), other = fake_own(alice);

	map1(alice, alice, VA, frame, RW);
	holds("a new page: nobody", told() == NOBODY);
	map1(alice, alice, VA, frame, EXO_OP_PROTECT);
	holds("fewer rights: who runs the space", told() == alice->root);
	map1(alice, alice, VA, other, RW);
	holds("another frame", told() == alice->root);
	map1(alice, alice, VA, 0, EXO_OP_UNMAP);
	holds("no page", told() == alice->root);
	map1(alice, alice, VA, 0, EXO_OP_UNMAP);
	holds("none again: nobody", told() == NOBODY);
	map1(alice, alice, VA, other, RW);
	map1(alice, alice, VA, 0, EXO_OP_UNMAP | EXO_MAP_RELEASE);
	holds("one released", told() == alice->root);
	map1(root, alice, VA, frame, RW);
	map1(root, alice, VA, 0, EXO_OP_UNMAP);
	holds("by somebody else, too", told() == alice->root);
}

static void
test_others(void)
{
	exo_pfn frame = fake_own(alice);

	map1(alice, alice, VA, frame, RW);
	map1(alice, alice, VA + 0x1000, frame, RW);
	gives("bound twice in one space", sys_frame_unbind(alice, frame, 9, K_OWN), 2);
	holds("it alone is told", told() == alice->root);
	map1(root, bob, VA, frame, RW);
	gives("bound in another's", sys_frame_unbind(alice, frame, 9, K_OWN), 1);
	holds("that is told", told() == bob->root);
	map1(root, bob, VA, frame, RW);
	map1(alice, alice, VA, frame, RW);
	gives("bound in both", sys_frame_release(alice, frame, 1, K_OWN), 1);
	holds("all are told", told() == 0);
	frame = fake_own(alice);
	map1(root, bob, VA, frame, RW);
	map1(alice, alice, VA, frame, RW);
	map1(alice, alice, VA, 0, EXO_OP_UNMAP | EXO_MAP_RELEASE);
	holds("released where it is mapped", told() == 0);
}

static void
test_tables(void)
{
	exo_pfn table = fake_own(alice), links = fake_own_run(alice, 2), frame = fake_own(alice);
	const u64 at = VA + 0x200000;

	sys_pt_install(alice, alice->id, at | 1 | EXO_PT_WRITE, table, links, 0, 0);
	map1(alice, alice, at, frame, RW);
	told();
	gives("a table is shared", sys_pt_install(root, bob->id, at | 1, table, 0, K_OWN, K_OWN),
		0);
	holds("which takes nothing", told() == NOBODY);
	map1(alice, alice, at, 0, EXO_OP_UNMAP);
	holds("a page of it concerns everybody", told() == 0);
	map1(alice, alice, at, frame, RW);
	told();
	gives("it is removed", sys_pt_remove(root, bob->id, at | 1, K_OWN), 0);
	holds("from one space", told() == bob->root);
	gives("and from the other", sys_pt_remove(alice, alice->id, at | 1, 0), 0);
	holds("which is told", told() == alice->root);
	gives("what it binds is unbound", sys_frame_unbind(alice, frame, 9, K_OWN), 1);
	holds("where nobody reaches", told() == NOBODY);
}

static void
test_clone(void)
{
	exo_pfn frame = fake_own(alice);

	map1(alice, alice, VA + 0x5000, frame, RW);
	told();
	fake_key(alice, K_FREE, "b", EXO_RIGHTS_ALL);
	gives("cloned", sys_pt_clone(alice, bob->id, VA + 0x5000, 1, K_FREE), 1);
	holds("the parent's other CPUs write no more", told() == alice->root);
}

/* What others still reach is in the free map only when they have forgotten it. */
static void
test_let_go(void)
{
	const u32 claim = RW | EXO_MAP_CLAIM, release = EXO_OP_UNMAP | EXO_MAP_RELEASE;
	struct exo_map vec[5];
	exo_pfn frame[3];
	u64 unused;

	for (unsigned n = 0; n < 3; n++) {	/* and what it may do is known from then on */
		frame[n] = fake_free();
		map1(alice, alice, VA + n * 0x1000, frame[n], claim);
	}
	map1(alice, alice, VA, 0, release);
	map1(alice, alice, VA, frame[0], claim);
	told();
	unused = fake_unused();
	for (unsigned n = 0; n < 3; n++)
		vec[n] = (struct exo_map){ .va = VA + n * 0x1000, .op = release, .key = K_OWN };
	gives("three are let go of", sys_map(alice, alice->id, user(vec), 3, K_OWN), 3);
	holds("told once", told() == alice->root);
	holds("free for others behind that", fake_flushed_free == unused);
	holds("and then they are", fake_unused() == unused + 3);
	for (unsigned n = 0; n < 3; n++)
		map1(alice, alice, VA + n * 0x1000, frame[n], claim);
	vec[3] = (struct exo_map){ .va = VA, .pfn = frame[0], .op = claim, .key = K_OWN };
	vec[4] = (struct exo_map){ .va = VA, .op = release, .key = K_OWN };
	gives("and claimed again in the same call",
		sys_map(alice, alice->id, user(vec), 5, K_OWN), 5);
	holds("when the others have forgotten", fake_flushes_others == 2);
	fake_flushes_others = 0;
	holds("the last one, too", fake_flushed_free == unused + 2);
	holds("all are free", fake_unused() == unused + 3);
}

int
main(void)
{
	fake_start();
	fake_tables(alice, VA);
	fake_tables(bob, VA);
	cpus_count = 2;
	told();
	test_own();
	test_others();
	test_tables();
	test_clone();
	test_let_go();
	return fake_end();
}
