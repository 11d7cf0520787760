/* SPDX-License-Identifier: ISC */
/* pt_install, pt_remove and map: every documented error, every missing right. */
// sources: kernel/cap/*.c kernel/mem/*.c tests/unit/lib/fake.c
#include "fake.h"

#define VA 0x400000ull
#define FAR (1ull << 40)			/* nothing is installed there */
#define RW (EXO_OP_MAP | EXO_MAP_WRITE)

static const exo_envid nobody = 9ull << 16 | 9;

static i64
map1(struct env *env, u64 va, exo_pfn pfn, u32 op, u32 key)
{
	const struct exo_map map = { .va = va, .pfn = pfn, .op = op, .key = key };

	return sys_map(env, env->id, user(&map), 1, 0);
}

static i64
install(struct env *env, u64 where, exo_pfn table, exo_pfn links, u32 key)
{
	return sys_pt_install(env, env->id, where, table, links, 0, key);
}

/* bob's table, full of one page of his, guarded so that alice's key has these rights. */
static exo_pfn
bobs_table(u32 rights)
{
	exo_pfn table = fake_own(bob), links = fake_own_run(bob, 2), data = fake_own(bob);
	exo_guardref ref = fake_guard(bob, "a", rights);

	fake_tables(bob, VA);
	must(install(bob, (VA + 0x200000) | 1 | EXO_PT_WRITE, table, links, 0) == 0);
	must(map1(bob, VA + 0x200000, data, RW, K_OWN) == 1);
	fake_key(bob, K_FREE, "a", EXO_C);
	must(sys_frame_guard(bob, table, 1, ref, K_OWN, K_FREE) ==
		(rights & EXO_C ? 1 : -EXO_ERIGHTS));
	return table;
}

static void
test_install(void)
{
	exo_pfn t, l, other;

	fake_tables(alice, VA);
	t = fake_own(alice);
	l = fake_own_run(alice, 2);
	other = fake_own(bob);
	gives("pt_install STALE", sys_pt_install(alice, nobody, FAR | 3, t, l, 0, 0), -EXO_ESTALE);
	gives("pt_install KEY", sys_pt_install(root, alice->id, FAR | 3, t, l, K_EMPTY, 0),
		-EXO_EKEY);
	gives("pt_install RIGHTS", sys_pt_install(bob, alice->id, FAR | 3, t, l, K_OWN, 0),
		-EXO_ERIGHTS);
	gives("pt_install ALIGN", install(alice, FAR | 8 | 3, t, l, 0), -EXO_EALIGN);
	gives("pt_install ARG: level 0", install(alice, FAR, t, l, 0), -EXO_EARG);
	gives("pt_install ARG: one frame twice", install(alice, FAR | 3, l, l, 0), -EXO_EARG);
	gives("pt_install ARG: one frame twice, the second", install(alice, FAR | 3, l + 1, l, 0),
		-EXO_EARG);
	gives("pt_install RANGE: address", install(alice, EXO_USER_TOP | 3, t, l, 0), -EXO_ERANGE);
	gives("pt_install RANGE: kernel half", install(alice, 0xffff800000000000ull | 3, t, l, 0),
		-EXO_ERANGE);
	gives("pt_install RANGE: frame", install(alice, FAR | 3, FRAMES, l, 0), -EXO_ERANGE);
	gives("pt_install RANGE: links",
		install(alice, FAR | 3, t, FRAMES - 1, 0) == -EXO_ERANGE
			? -EXO_ERANGE
			: install(alice, FAR | 3, t, FRAMES, 0),
		-EXO_ERANGE);
	gives("pt_install RANGE: largest", install(alice, FAR | 3, t, ~0ull, 0), -EXO_ERANGE);
	gives("pt_install NOTABLE", install(alice, FAR | 2, t, l, 0), -EXO_ENOTABLE);
	gives("pt_install TAKEN", install(alice, VA | 1, t, l, 0), -EXO_ETAKEN);
	gives("pt_install KIND", install(alice, FAR | 3, alice->ring[0], l, 0), -EXO_EKIND);
	gives("pt_install KIND: links", install(alice, FAR | 3, t, alice->ring[0], 0), -EXO_EKIND);
	gives("pt_install OWNER", install(alice, FAR | 3, other, l, 0), -EXO_EOWNER);
	frames[l + 1].pins = 1;
	gives("pt_install BUSY", install(alice, FAR | 3, t, l, 0), -EXO_EBUSY);
	frames[l + 1].pins = 0;
	gives("pt_install", install(alice, FAR | 3, t, l, 0), 0);
	gives("the companions name it", (i64)frames_priv[l + 1].aux, (i64)t);
	fake_die(bob);
	gives("pt_install DEAD", sys_pt_install(alice, bob->id, FAR | 3, t, l, K_OWN, 0),
		-EXO_EDEAD);
	fake_start();
}

static void
test_share(void)
{
	exo_pfn table = bobs_table(EXO_R | EXO_C), page = fake_own(alice);
	const u64 where = (VA + 0x200000) | 1;

	fake_tables(alice, VA);
	fake_key(alice, K_FREE, "b", EXO_RIGHTS_ALL);
	gives("share RANGE", install(alice, where, FRAMES, 0, K_OWN), -EXO_ERANGE);
	gives("share KIND: another level", install(alice, FAR | 3, table, 0, K_OWN), -EXO_EKIND);
	gives("share KIND: data", install(alice, where, page, 0, K_OWN), -EXO_EKIND);
	gives("share KIND: a root", install(alice, FAR | 3, bob->root, 0, K_FREE), -EXO_EKIND);
	gives("share KEY", install(alice, where, table, 0, K_EMPTY), -EXO_EKEY);
	gives("share RIGHTS", install(alice, where, table, 0, K_OTHER), -EXO_ERIGHTS);
	gives("share RIGHTS: for writing", install(alice, where | EXO_PT_WRITE, table, 0, K_OWN),
		-EXO_ERIGHTS);
	gives("share", install(alice, where, table, 0, K_OWN), 0);
	holds("alice reads", fake_touch(alice, VA + 0x200000, false));
	holds("but cannot write", !fake_touch(alice, VA + 0x200000, true));
	gives("map RIGHTS: in a table shared for reading",
		map1(alice, VA + 0x201000, page, EXO_OP_MAP, K_OWN), -EXO_ERIGHTS);
	gives("unmap RIGHTS", map1(alice, VA + 0x200000, 0, EXO_OP_UNMAP, K_OWN), -EXO_ERIGHTS);
	gives("unmap what is absent there", map1(alice, VA + 0x201000, 0, EXO_OP_UNMAP, K_OWN), 1);
	gives("protect RIGHTS", map1(alice, VA + 0x200000, 0, EXO_OP_PROTECT, K_OWN), -EXO_ERIGHTS);
	gives("pt_remove", sys_pt_remove(alice, alice->id, where, 0), 0);
	gives("the table stays", frames[table].nmaps, 1);
	gives("share for writing", install(alice, where | EXO_PT_WRITE, table, 0, K_FREE), 0);
	gives("map in it", map1(alice, VA + 0x201000, page, EXO_OP_MAP, K_OWN), 1);
	holds("bob sees it", fake_touch(bob, VA + 0x201000, false));
	fake_start();
}

/* A table reached through a directory shared for reading is as read-only as that. */
static void
test_share_above(void)
{
	exo_pfn dir;

	fake_tables(bob, VA);
	dir = PTE_PFN(*pt_entry(bob->root, VA, 3, &(binding_t){ 0 }));
	gives("mark", sys_frame_mark(bob, dir, 1, EXO_FRAME_PUBLIC, 0, K_OWN), 1);
	fake_tables(alice, VA);
	gives("share a directory", install(alice, (1ull << 30) | 2, dir, 0, K_EMPTY), 0);
	gives("map RIGHTS: below it",
		map1(alice, (1ull << 30) + VA, fake_own(alice), EXO_OP_MAP, K_OWN), -EXO_ERIGHTS);
	gives("pt_install RIGHTS: below it",
		install(alice, ((1ull << 30) + 0x800000) | 1, fake_own(alice),
			fake_own_run(alice, 2), 0),
		-EXO_ERIGHTS);
	gives("pt_remove RIGHTS: below it",
		sys_pt_remove(alice, alice->id, ((1ull << 30) + VA) | 1, 0), -EXO_ERIGHTS);
	fake_start();
}

/* One table at two addresses: what changes through one changes at the other. */
static void
test_share_twice(void)
{
	exo_pfn table;

	fake_tables(alice, VA);
	table = PTE_PFN(*pt_entry(alice->root, VA, 2, &(binding_t){ 0 }));
	gives("share the own table",
		install(alice, (VA + 0x200000) | 1 | EXO_PT_WRITE, table, 0, K_OWN), 0);
	gives("map", map1(alice, VA, fake_own(alice), RW, K_OWN), 1);
	holds("write through the other", fake_touch(alice, VA + 0x200000, true));
	gives("protect", map1(alice, VA, 0, EXO_OP_PROTECT, K_OWN), 1);
	fake_tlb_check(alice);
	holds("read through the other", fake_touch(alice, VA + 0x200000, false));
	gives("another space's is changed",
		sys_map(root, alice->id, user(&(struct exo_map){ .va = VA, .op = EXO_OP_UNMAP }), 1,
			K_OWN),
		1);
	fake_tlb_check(alice);
	fake_start();
}

static void
test_remove(void)
{
	fake_tables(alice, VA);
	gives("pt_remove STALE", sys_pt_remove(alice, nobody, VA | 1, 0), -EXO_ESTALE);
	gives("pt_remove KEY", sys_pt_remove(root, alice->id, VA | 1, K_EMPTY), -EXO_EKEY);
	gives("pt_remove RIGHTS", sys_pt_remove(bob, alice->id, VA | 1, K_OWN), -EXO_ERIGHTS);
	gives("pt_remove ALIGN", sys_pt_remove(alice, alice->id, VA | 0x11, 0), -EXO_EALIGN);
	gives("pt_remove ARG", sys_pt_remove(alice, alice->id, VA, 0), -EXO_EARG);
	gives("pt_remove ARG: WRITE", sys_pt_remove(alice, alice->id, VA | 1 | EXO_PT_WRITE, 0),
		-EXO_EARG);
	gives("pt_remove RANGE", sys_pt_remove(alice, alice->id, EXO_USER_TOP | 1, 0), -EXO_ERANGE);
	gives("pt_remove NOTABLE", sys_pt_remove(alice, alice->id, FAR | 1, 0), -EXO_ENOTABLE);
	gives("pt_remove ABSENT", sys_pt_remove(alice, alice->id, FAR | 3, 0), -EXO_EABSENT);
	gives("map", map1(alice, VA, fake_own(alice), RW, K_OWN), 1);
	holds("touch", fake_touch(alice, VA, true));
	gives("pt_remove", sys_pt_remove(alice, alice->id, VA | 3, 0), 0);
	fake_tlb_check(alice);
	gives("map NOTABLE", map1(alice, VA, fake_own(alice), RW, K_OWN), -EXO_ENOTABLE);
	fake_die(bob);
	gives("pt_remove DEAD", sys_pt_remove(alice, bob->id, VA | 1, 0), -EXO_EDEAD);
	fake_start();
}

static void
test_map_errors(void)
{
	exo_pfn pfn = fake_own(alice), bobs = fake_own(bob);
	const struct exo_map good = { .va = VA, .pfn = pfn, .op = RW, .key = K_OWN };

	fake_tables(alice, VA);
	gives("map ARG: count", sys_map(alice, alice->id, user(&good), 0, 0), -EXO_EARG);
	gives("map STALE", sys_map(alice, nobody, user(&good), 1, 0), -EXO_ESTALE);
	gives("map KEY: env", sys_map(root, alice->id, user(&good), 1, K_EMPTY), -EXO_EKEY);
	gives("map RIGHTS: env", sys_map(bob, alice->id, user(&good), 1, K_OWN), -EXO_ERIGHTS);
	gives("map FAULT", sys_map(alice, alice->id, 0, 1, 0), -EXO_EFAULT);
	gives("map ARG: no operation", map1(alice, VA, pfn, EXO_MAP_WRITE, K_OWN), -EXO_EARG);
	gives("map ARG: unknown operation", map1(alice, VA, pfn, 0x400, K_OWN), -EXO_EARG);
	gives("map ARG: unknown bit", map1(alice, VA, pfn, RW | 0x10000, K_OWN), -EXO_EARG);
	gives("map ARG: RELEASE", map1(alice, VA, pfn, RW | EXO_MAP_RELEASE, K_OWN), -EXO_EARG);
	gives("map ARG: CLAIM and IO", map1(alice, VA, pfn, RW | EXO_MAP_CLAIM | EXO_MAP_IO, K_OWN),
		-EXO_EARG);
	gives("unmap ARG", map1(alice, VA, pfn, EXO_OP_UNMAP | EXO_MAP_WRITE, K_OWN), -EXO_EARG);
	gives("protect ARG", map1(alice, VA, pfn, EXO_OP_PROTECT | EXO_MAP_IO, K_OWN), -EXO_EARG);
	gives("map ALIGN", map1(alice, VA + 8, pfn, RW, K_OWN), -EXO_EALIGN);
	gives("map RANGE: address", map1(alice, EXO_USER_TOP, pfn, RW, K_OWN), -EXO_ERANGE);
	gives("map RANGE: recursive slot", map1(alice, EXO_VPT, pfn, RW, K_OWN), -EXO_ERANGE);
	gives("map RANGE: frame", map1(alice, VA, FRAMES, RW, K_OWN), -EXO_ERANGE);
	gives("map NOTABLE", map1(alice, FAR, pfn, RW, K_OWN), -EXO_ENOTABLE);
	gives("protect NOTABLE", map1(alice, FAR, pfn, EXO_OP_PROTECT, K_OWN), -EXO_ENOTABLE);
	gives("unmap without a table", map1(alice, FAR, pfn, EXO_OP_UNMAP, K_OWN), 1);
	gives("protect ABSENT", map1(alice, VA, pfn, EXO_OP_PROTECT, K_OWN), -EXO_EABSENT);
	gives("map KEY", map1(alice, VA, pfn, RW, K_EMPTY), -EXO_EKEY);
	gives("map RIGHTS: another name", map1(alice, VA, pfn, RW, K_OTHER), -EXO_ERIGHTS);
	gives("map RIGHTS: no write", map1(alice, VA, pfn, RW, K_WEAK), -EXO_ERIGHTS);
	gives("map RIGHTS: another's", map1(alice, VA, bobs, EXO_OP_MAP, K_OWN), -EXO_ERIGHTS);
	gives("map read-only", map1(alice, VA, pfn, EXO_OP_MAP, K_WEAK), 1);
	gives("map executable with read", map1(alice, VA, pfn, EXO_OP_MAP | EXO_MAP_EXEC, K_WEAK),
		1);
	fake_key(alice, K_FREE, "a", EXO_X);
	gives("map RIGHTS: exec alone", map1(alice, VA, pfn, EXO_OP_MAP, K_FREE), -EXO_ERIGHTS);
	gives("map executable with exec", map1(alice, VA, pfn, EXO_OP_MAP | EXO_MAP_EXEC, K_FREE),
		1);
	gives("map RIGHTS: exec and write", map1(alice, VA, pfn, RW | EXO_MAP_EXEC, K_FREE),
		-EXO_ERIGHTS);
	fake_die(bob);
	gives("map DEAD", sys_map(alice, bob->id, user(&good), 1, K_OWN), -EXO_EDEAD);
	fake_start();
}

static void
test_map_kinds(void)
{
	exo_guardref ref = fake_guard(alice, "a", EXO_RIGHTS_ALL);
	exo_pfn uarea = fake_own(alice), guards = ref / EXO_GUARDS_FRAME;

	fake_tables(alice, VA);
	fake_tables(bob, VA);
	gives("map KIND: free", map1(alice, VA, fake_free(), RW, K_OWN), -EXO_EKIND);
	gives("map KIND: a ring", map1(alice, VA, alice->ring[0], EXO_OP_MAP, K_OWN), -EXO_EKIND);
	gives("map KIND: an env", map1(alice, VA, alice->frame, EXO_OP_MAP, K_OWN), -EXO_EKIND);
	gives("map KIND: a table", map1(alice, VA, alice->root, EXO_OP_MAP, K_OWN), -EXO_EKIND);
	gives("map KIND: links", map1(alice, VA, frames_priv[alice->root].aux, EXO_OP_MAP, K_OWN),
		-EXO_EKIND);
	gives("map KIND: the kernel", map1(alice, VA, KERNEL_PFN, EXO_OP_MAP, K_OWN), -EXO_EKIND);
	gives("map KIND: guards for writing", map1(alice, VA, guards, RW, K_OWN), -EXO_EKIND);
	gives("map KIND: guards for execution",
		map1(alice, VA, guards, EXO_OP_MAP | EXO_MAP_EXEC, K_OWN), -EXO_EKIND);
	gives("map guards", map1(alice, VA, guards, EXO_OP_MAP, K_OWN), 1);
	gives("protect KIND: guards", map1(alice, VA, 0, EXO_OP_PROTECT | EXO_MAP_WRITE, K_OWN),
		-EXO_EKIND);
	gives("map RIGHTS: an account of another's",
		map1(alice, VA + 0x1000, alice_account, EXO_OP_MAP, K_OWN), -EXO_ERIGHTS);
	gives("map KIND: an account for writing",
		map1(alice, VA + 0x1000, alice_account, RW, K_OWN), -EXO_EKIND);
	gives("map RIGHTS: the trace", map1(alice, VA + 0x1000, TRACE_PFN, EXO_OP_MAP, K_OWN),
		-EXO_ERIGHTS);
	gives("map KEY: the trace", map1(alice, VA + 0x1000, TRACE_PFN, EXO_OP_MAP, K_EMPTY),
		-EXO_EKEY);
	fake_key(alice, K_FREE, "T", EXO_R | EXO_W);
	gives("map KIND: the trace for writing", map1(alice, VA + 0x1000, TRACE_PFN, RW, K_FREE),
		-EXO_EKIND);
	gives("map the trace", map1(alice, VA + 0x1000, TRACE_PFN, EXO_OP_MAP, K_FREE), 1);
	lock_acquire(&mem_lock);
	frame_type(uarea, EXO_FRAME_UAREA, alice->frame);
	lock_release(&mem_lock);
	fake_key(bob, K_FREE, "a", EXO_RIGHTS_ALL);
	gives("map KIND: another's u-area", map1(bob, VA, uarea, EXO_OP_MAP, K_FREE), -EXO_EKIND);
	gives("map KIND: a u-area for execution",
		map1(alice, VA + 0x2000, uarea, RW | EXO_MAP_EXEC, K_OWN), -EXO_EKIND);
	gives("map the own u-area", map1(alice, VA + 0x2000, uarea, RW, K_OWN), 1);
	gives("protect KIND: u-area executable",
		map1(alice, VA + 0x2000, 0, EXO_OP_PROTECT | EXO_MAP_EXEC, K_OWN), -EXO_EKIND);
	gives("unmap KIND: release a u-area",
		map1(alice, VA + 0x2000, 0, EXO_OP_UNMAP | EXO_MAP_RELEASE, K_OWN), -EXO_EKIND);
	gives("unmap the u-area", map1(alice, VA + 0x2000, 0, EXO_OP_UNMAP, K_OWN), 1);
	fake_start();
}

static void
test_uarea(void)
{
	exo_pfn pfn = fake_own(alice);
	exo_guardref ref = fake_guard(alice, "b", EXO_RIGHTS_ALL);

	fake_tables(alice, VA);
	fake_tables(bob, VA);
	gives("frame_usable_uarea", frame_usable_uarea(pfn, alice_account), 0);
	gives("frame_usable_uarea OWNER", frame_usable_uarea(pfn, bob_account), -EXO_EOWNER);
	gives("map", map1(alice, VA, pfn, RW, K_OWN), 1);
	gives("frame_usable_uarea: bound by its account", frame_usable_uarea(pfn, alice_account),
		0);
	gives("map twice", map1(alice, VA + 0x1000, pfn, EXO_OP_MAP, K_OWN), 1);
	gives("frame_usable_uarea BUSY: bound twice", frame_usable_uarea(pfn, alice_account),
		-EXO_EBUSY);
	gives("unmap", map1(alice, VA + 0x1000, pfn, EXO_OP_UNMAP, K_OWN), 1);
	gives("executable", map1(alice, VA, pfn, RW | EXO_MAP_EXEC, K_OWN), 1);
	gives("frame_usable_uarea BUSY: executable", frame_usable_uarea(pfn, alice_account),
		-EXO_EBUSY);
	gives("unmap", map1(alice, VA, pfn, EXO_OP_UNMAP, K_OWN), 1);
	fake_key(alice, K_FREE, "b", EXO_C);
	gives("lend it", sys_frame_guard(alice, pfn, 1, ref, K_OWN, K_FREE), 1);
	gives("bob maps it", map1(bob, VA, pfn, RW, K_OWN), 1);
	gives("frame_usable_uarea BUSY: bound by another's table",
		frame_usable_uarea(pfn, alice_account), -EXO_EBUSY);
	fake_start();
}

static void
test_map_claim(void)
{
	exo_pfn pfn, taken = fake_own(bob);
	u64 used;

	fake_tables(alice, VA);
	pfn = fake_free();
	used = account_of(alice_account)->used;
#define CLAIM(pfn, key) map1(alice, VA, pfn, RW | EXO_MAP_CLAIM, key)
	gives("claim RANGE", CLAIM(FRAMES, K_OWN), -EXO_ERANGE);
	gives("claim TAKEN", CLAIM(taken, K_OWN), -EXO_ETAKEN);
	gives("claim KIND", CLAIM(KERNEL_PFN, K_OWN), -EXO_EKIND);
	gives("claim KIND: no memory", CLAIM(HOLE_BEGIN, K_OWN), -EXO_EKIND);
	gives("claim KEY", CLAIM(pfn, K_EMPTY), -EXO_EKEY);
	gives("claim RIGHTS", CLAIM(pfn, K_WEAK), -EXO_ERIGHTS);
	gives("claim", CLAIM(pfn, K_OWN), 1);
	gives("it is charged", (i64)(account_of(alice_account)->used - used), 1);
	must(sys_account_limit(root, alice_account,
		     -(i64)(account_of(alice_account)->limit - used - 1), K_OWN) == 0);
	gives("claim QUOTA", CLAIM(fake_free(), K_OWN), -EXO_EQUOTA);
	gives("release KEY", map1(alice, VA, 0, EXO_OP_UNMAP | EXO_MAP_RELEASE, K_EMPTY),
		-EXO_EKEY);
	gives("release RIGHTS: no control",
		map1(alice, VA, 0, EXO_OP_UNMAP | EXO_MAP_RELEASE, K_WEAK), -EXO_ERIGHTS);
	frames[pfn].pins = 1;
	gives("release BUSY", map1(alice, VA, 0, EXO_OP_UNMAP | EXO_MAP_RELEASE, K_OWN),
		-EXO_EBUSY);
	frames[pfn].pins = 0;
	holds("touch", fake_touch(alice, VA, true));
	gives("release", map1(alice, VA, 0, EXO_OP_UNMAP | EXO_MAP_RELEASE, K_OWN), 1);
	fake_tlb_check(alice);
	gives("it is free", frames[pfn].kind, EXO_FRAME_FREE);
	gives("mark", sys_frame_mark(bob, taken, 1, EXO_FRAME_PUBLIC, 0, K_OWN), 1);
	gives("map another's", map1(alice, VA, taken, EXO_OP_MAP, K_EMPTY), 1);
	gives("release only unmaps it", map1(alice, VA, 0, EXO_OP_UNMAP | EXO_MAP_RELEASE, K_EMPTY),
		1);
	gives("bob has it still", frames[taken].account, bob_account);
#undef CLAIM
	fake_start();
}

static void
test_map_io(void)
{
	fake_tables(alice, VA);
	fake_key(alice, K_FREE, "M", EXO_R | EXO_W);
	fake_key(alice, K_FREE + 1, "M", EXO_R);
	gives("io KIND: memory", map1(alice, VA, fake_own(alice), RW | EXO_MAP_IO, K_FREE),
		-EXO_EKIND);
	gives("io KIND: the kernel", map1(alice, VA, KERNEL_PFN, RW | EXO_MAP_IO, K_FREE),
		-EXO_EKIND);
	gives("io RANGE", map1(alice, VA, MMIO_PFN + 1, RW | EXO_MAP_IO, K_FREE), -EXO_ERANGE);
	gives("io RANGE: largest", map1(alice, VA, ~0ull, RW | EXO_MAP_IO, K_FREE), -EXO_ERANGE);
	gives("io KEY", map1(alice, VA, MMIO_PFN, RW | EXO_MAP_IO, K_EMPTY), -EXO_EKEY);
	gives("io RIGHTS", map1(alice, VA, MMIO_PFN, RW | EXO_MAP_IO, K_OWN), -EXO_ERIGHTS);
	gives("io RIGHTS: no write", map1(alice, VA, MMIO_PFN, RW | EXO_MAP_IO, K_FREE + 1),
		-EXO_ERIGHTS);
	gives("io", map1(alice, VA, MMIO_PFN, RW | EXO_MAP_IO, K_FREE), 1);
	holds("uncached", (*fake_pte(alice, VA) & PTE_NOCACHE) == PTE_NOCACHE);
	gives("protect io", map1(alice, VA, 0, EXO_OP_PROTECT, K_EMPTY), 1);
	gives("protect RIGHTS: io", map1(alice, VA, 0, EXO_OP_PROTECT | EXO_MAP_WRITE, K_FREE + 1),
		-EXO_ERIGHTS);
	gives("protect io back", map1(alice, VA, 0, EXO_OP_PROTECT | EXO_MAP_WRITE, K_FREE), 1);
	gives("release of io unmaps", map1(alice, VA, 0, EXO_OP_UNMAP | EXO_MAP_RELEASE, K_EMPTY),
		1);
	fake_start();
}

static void
test_protect(void)
{
	exo_pfn pfn = fake_own(alice);
	u64 *pte;

	fake_tables(alice, VA);
	gives("map", map1(alice, VA, pfn, RW | EXO_MAP_COW, K_OWN), 1);
	pte = fake_pte(alice, VA);
	*pte |= PTE_ACCESSED | PTE_DIRTY;
	holds("soft bits", (*pte & PTE_SOFT_MASK) == PTE_SOFT(EXO_MAP_COW));
	holds("touch", fake_touch(alice, VA, true));
	gives("protect down needs no key",
		map1(alice, VA, 0, EXO_OP_PROTECT | EXO_MAP_SHARED, K_EMPTY), 1);
	fake_tlb_check(alice);
	gives("accessed and dirty stay", (i64)(*pte & (PTE_ACCESSED | PTE_DIRTY)),
		PTE_ACCESSED | PTE_DIRTY);
	holds("other soft bits", (*pte & PTE_SOFT_MASK) == PTE_SOFT(EXO_MAP_SHARED));
	gives("protect KEY: up", map1(alice, VA, 0, EXO_OP_PROTECT | EXO_MAP_WRITE, K_EMPTY),
		-EXO_EKEY);
	gives("protect RIGHTS: up", map1(alice, VA, 0, EXO_OP_PROTECT | EXO_MAP_WRITE, K_WEAK),
		-EXO_ERIGHTS);
	gives("protect up", map1(alice, VA, 0, EXO_OP_PROTECT | EXO_MAP_WRITE, K_OWN), 1);
	gives("protect EXEC", map1(alice, VA, 0, EXO_OP_PROTECT | EXO_MAP_EXEC, K_WEAK), 1);
	gives("clear", map1(alice, VA, 0, EXO_OP_PROTECT | EXO_MAP_EXEC | EXO_MAP_CLEARAD, K_EMPTY),
		1);
	gives("accessed and dirty are clear", (i64)(*pte & (PTE_ACCESSED | PTE_DIRTY)), 0);
	fake_start();
}

/* Hidden: bound as before, but the translation cache must not know it. */
static void
test_hidden(void)
{
	exo_pfn pfn = fake_own(alice);
	const u32 hide = EXO_OP_PROTECT | EXO_MAP_HIDDEN;

	fake_tables(alice, VA);
	gives("hidden ARG: map writable", map1(alice, VA, pfn, RW | EXO_MAP_HIDDEN, K_OWN),
		-EXO_EARG);
	gives("hidden ARG: protect executable", map1(alice, VA, pfn, hide | EXO_MAP_EXEC, K_OWN),
		-EXO_EARG);
	gives("hidden ARG: unmap", map1(alice, VA, 0, EXO_OP_UNMAP | EXO_MAP_HIDDEN, K_OWN),
		-EXO_EARG);
	gives("hidden KEY", map1(alice, VA, pfn, EXO_OP_MAP | EXO_MAP_HIDDEN, K_EMPTY), -EXO_EKEY);
	gives("map", map1(alice, VA, pfn, RW, K_OWN), 1);
	holds("touch", fake_touch(alice, VA, true));
	gives("hiding needs no key", map1(alice, VA, 0, hide | EXO_MAP_COW, K_EMPTY), 1);
	fake_tlb_check(alice);
	holds("nobody gets there", !fake_touch(alice, VA, false));
	holds("soft bits", (*fake_pte(alice, VA) & PTE_SOFT_MASK) == PTE_SOFT(EXO_MAP_COW));
	gives("bound", frames[pfn].nmaps, 1);
	gives("showing it, neither", map1(alice, VA, 0, EXO_OP_PROTECT, K_EMPTY), 1);
	holds("not written", !fake_touch(alice, VA, true));
	gives("map hidden over it", map1(alice, VA, pfn, EXO_OP_MAP | EXO_MAP_HIDDEN, K_OWN), 1);
	gives("hidden KEY: for writing",
		map1(alice, VA, 0, EXO_OP_PROTECT | EXO_MAP_WRITE, K_EMPTY), -EXO_EKEY);
	gives("unmap", map1(alice, VA, 0, EXO_OP_UNMAP | EXO_MAP_RELEASE, K_OWN), 1);
	gives("free", frames[pfn].kind, EXO_FRAME_FREE);
	fake_start();
}

static void
test_vector(void)
{
	static struct exo_map vec[200];
	unsigned calls = 0;
	u64 done = 0;
	i64 result;

	fake_tables(alice, VA);
	for (unsigned n = 0; n < 200; n++)
		vec[n] = (struct exo_map){ .va = VA + n * 0x1000,
			.pfn = 1200 + n,
			.op = RW | EXO_MAP_CLAIM,
			.key = K_OWN };
	while (done < 200) {
		result = sys_map(alice, alice->id, user(vec + done), 200 - done, 0);
		must(result > 0);
		done += (u64)result;
		calls++;
	}
	holds("a long vector takes several entries", calls >= 5 && calls <= 20);
	vec[7].va |= 1;
	for (unsigned n = 0; n < 200; n++)
		vec[n].op = EXO_OP_PROTECT;
	fake_flushes_all = fake_flushes_va = 0;
	gives("it stops before the first bad element", sys_map(alice, alice->id, user(vec), 200, 0),
		7);
	gives("which is the next call's error", sys_map(alice, alice->id, user(vec + 7), 193, 0),
		-EXO_EALIGN);
	gives("few pages are flushed one by one", fake_flushes_va, 7);
	gives("and not all", fake_flushes_all, 0);
	gives("many pages", sys_map(alice, alice->id, user(vec + 8), 60, 0), 60);
	gives("are flushed all at once", fake_flushes_all, 1);
	gives("replace", map1(alice, VA, 1201, EXO_OP_MAP, K_OWN), 1);
	gives("another binding of it", frames[1201].nmaps, 2);
	gives("none of what was there", frames[1200].nmaps, 0);
	fake_start();
}

int
main(void)
{
	fake_start();
	test_install();
	test_share();
	test_share_above();
	test_share_twice();
	test_remove();
	test_map_errors();
	test_map_kinds();
	test_uarea();
	test_map_claim();
	test_map_io();
	test_protect();
	test_hidden();
	test_vector();
	return fake_end();
}
