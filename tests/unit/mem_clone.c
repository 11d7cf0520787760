/* SPDX-License-Identifier: ISC */
/* pt_clone: fork's half of the kernel.  Every documented error, and what the child may do afterwards. */
// sources: kernel/cap/*.c kernel/mem/*.c tests/unit/lib/fake.c
#include "fake.h"

#define VA 0x400000ull
#define PAGE EXO_PAGE_BYTES
#define RW (EXO_OP_MAP | EXO_MAP_WRITE)

static const exo_envid nobody = 9ull << 16 | 9;

static i64
map1(struct env *env, u64 va, exo_pfn pfn, u32 op, u32 key)
{
	const struct exo_map map = { .va = va, .pfn = pfn, .op = op, .key = key };

	return sys_map(env, env->id, user(&map), 1, 0);
}

/* alice may clone into bob */
static i64
clone(u64 va, u64 count)
{
	return sys_pt_clone(alice, bob->id, va, count, K_FREE);
}

static void
start(void)
{
	fake_start();
	fake_key(alice, K_FREE, "b", EXO_RIGHTS_ALL);
	fake_tables(alice, VA);
	fake_tables(bob, VA);
}

static void
test_errors(void)
{
	start();
	must(map1(alice, VA, fake_own(alice), RW, K_OWN) == 1);
	gives("pt_clone STALE", sys_pt_clone(alice, nobody, VA, 1, K_FREE), -EXO_ESTALE);
	gives("pt_clone KEY", sys_pt_clone(alice, bob->id, VA, 1, K_EMPTY), -EXO_EKEY);
	gives("pt_clone RIGHTS", sys_pt_clone(alice, bob->id, VA, 1, K_OWN), -EXO_ERIGHTS);
	gives("pt_clone ALIGN", clone(VA + 1, 1), -EXO_EALIGN);
	gives("pt_clone ARG", clone(VA, 0), -EXO_EARG);
	gives("pt_clone RANGE", clone(EXO_USER_TOP, 1), -EXO_ERANGE);
	gives("pt_clone RANGE: end", clone(EXO_USER_TOP - PAGE, 2), -EXO_ERANGE);
	gives("pt_clone RANGE: largest", clone(VA, ~0ull), -EXO_ERANGE);
	gives("pt_clone: the last page", clone(EXO_USER_TOP - PAGE, 1), 1);
	fake_tables(alice, VA + 0x200000);
	must(map1(alice, VA + 0x200000, fake_own(alice), RW, K_OWN) == 1);
	gives("pt_clone NOTABLE", clone(VA + 0x200000, 1), -EXO_ENOTABLE);
	gives("pt_clone", clone(VA, 1), 1);
	gives("pt_clone TAKEN", clone(VA, 1), -EXO_ETAKEN);
	gives("pt_clone TAKEN: into itself", sys_pt_clone(alice, alice->id, VA, 1, 0), -EXO_ETAKEN);
	gives("pt_clone stops before it", clone(VA + PAGE, 600), 511);
	fake_die(bob);
	gives("pt_clone DEAD", clone(VA, 1), -EXO_EDEAD);
}

static void
test_cow(void)
{
	exo_pfn pfn, text;
	u64 *mine, *theirs;

	start();
	pfn = fake_own(alice);
	text = fake_own(alice);
	must(map1(alice, VA, pfn, RW, K_OWN) == 1);
	must(map1(alice, VA + PAGE, text, EXO_OP_MAP | EXO_MAP_EXEC | 0x40, K_OWN) == 1);
	holds("write before", fake_touch(alice, VA, true));
	gives("pt_clone", clone(VA, 2), 2);
	fake_tlb_check(alice);
	mine = fake_pte(alice, VA);
	theirs = fake_pte(bob, VA);
	holds("neither may write", !fake_touch(alice, VA, true) && !fake_touch(bob, VA, true));
	holds("both may read", fake_touch(alice, VA, false) && fake_touch(bob, VA, false));
	holds("both are marked", (*mine & *theirs & PTE_SOFT(EXO_MAP_COW)) != 0);
	holds("the frame is an heir's", frames[pfn].flags & EXO_FRAME_HEIR);
	gives("and bound twice", frames[pfn].nmaps, 2);
	holds("text is as it was",
		(fake_pte(bob, VA)[1] & (PTE_SOFT_MASK | PTE_NX | PTE_WRITE)) == PTE_SOFT(0x40));
	gives("protect RIGHTS: the child has no key",
		map1(bob, VA, 0, EXO_OP_PROTECT | EXO_MAP_WRITE, K_OWN), -EXO_ERIGHTS);
	gives("the child copies", map1(bob, VA, fake_own(bob), RW, K_OWN), 1);
	gives("the parent flips in place",
		map1(alice, VA, 0, EXO_OP_PROTECT | EXO_MAP_WRITE, K_OWN), 1);
	gives("the parent releases its text",
		map1(alice, VA + PAGE, 0, EXO_OP_UNMAP | EXO_MAP_RELEASE, K_OWN), 1);
	gives("which the child inherits", frames[text].account, bob_account);
}

static void
test_kinds(void)
{
	exo_pfn shared, uarea, lent, public;
	exo_guardref ref;

	start();
	shared = fake_own(alice);
	uarea = fake_own(alice);
	lent = fake_own(bob);
	public = fake_own(root);
	ref = fake_guard(bob, "a", EXO_R | EXO_W);
	frames[lent].guard = ref;
	frames[lent].guard_serial = guard_at(ref)->serial;
	must(sys_frame_mark(root, public, 1, EXO_FRAME_PUBLIC, 0, K_OWN) == 1);
	must(map1(alice, VA, shared, RW | EXO_MAP_SHARED, K_OWN) == 1);
	must(map1(alice, VA + PAGE, lent, RW, K_OWN) == 1);
	fake_key(alice, K_FREE + 1, "M", EXO_R | EXO_W);
	must(map1(alice, VA + 2 * PAGE, MMIO_PFN, RW | EXO_MAP_IO, K_FREE + 1) == 1);
	lock_acquire(&mem_lock);
	frame_type(uarea, EXO_FRAME_UAREA, alice->frame);
	lock_release(&mem_lock);
	must(map1(alice, VA + 3 * PAGE, uarea, RW, K_OWN) == 1);
	must(map1(alice, VA + 4 * PAGE, public, EXO_OP_MAP, K_OWN) == 1);
	gives("pt_clone", clone(VA, 8), 8);
	holds("shared pages stay writable in both",
		fake_touch(alice, VA, true) && fake_touch(bob, VA, true));
	holds("and are inherited", frames[shared].flags & EXO_FRAME_HEIR);
	holds("another's page is copied on write",
		!fake_touch(bob, VA + PAGE, true) && fake_touch(bob, VA + PAGE, false));
	holds("but not inherited from its owner", !(frames[lent].flags & EXO_FRAME_HEIR));
	holds("no device memory", fake_pte(bob, VA)[2] == 0);
	holds("no u-area", fake_pte(bob, VA)[3] == 0);
	holds("public pages", fake_touch(bob, VA + 4 * PAGE, false));
}

/* What alice may only read because a table on the way says so, the child may only read. */
static void
test_effective(void)
{
	exo_pfn table, data, dir, links;

	fake_start();
	fake_key(alice, K_FREE, "b", EXO_RIGHTS_ALL);
	fake_tables(root, VA);
	fake_tables(bob, VA);
	table = PTE_PFN(*pt_entry(root->root, VA, 2, &(binding_t){ 0 }));
	data = fake_own(root);
	must(map1(root, VA, data, RW | EXO_MAP_SHARED, K_OWN) == 1);
	must(sys_frame_mark(root, table, 1, EXO_FRAME_PUBLIC, 0, K_OWN) == 1);
	fake_tables(alice, VA + (1ull << 30));
	dir = fake_own(alice);
	links = fake_own_run(alice, 2);
	must(sys_pt_install(alice, alice->id, VA | 2 | EXO_PT_WRITE, dir, links, 0, 0) == 0);
	gives("share the table", sys_pt_install(alice, alice->id, VA | 1, table, 0, 0, K_EMPTY), 0);
	holds("alice reads", fake_touch(alice, VA, false) && !fake_touch(alice, VA, true));
	gives("pt_clone", clone(VA, 1), 1);
	holds("the child reads", fake_touch(bob, VA, false));
	holds("and cannot write", !fake_touch(bob, VA, true));
	holds("the owner still can", fake_touch(root, VA, true));
}

static void
test_long(void)
{
	unsigned calls = 0;
	u64 done = 0;

	start();
	for (unsigned n = 0; n < 300; n++)
		must(map1(alice, VA + n * PAGE, fake_free(), RW | EXO_MAP_CLAIM, K_OWN) == 1);
	while (done < 300) {
		i64 result = clone(VA + done * PAGE, 300 - done);

		must(result > 0);
		done += (u64)result;
		calls++;
		fake_tlb_check(alice);
	}
	holds("a long range takes several entries", calls >= 3 && calls <= 10);
	gives("the whole address space is skipped where empty", clone(1ull << 41, 1ull << 33),
		1ll << 33);
}

int
main(void)
{
	test_errors();
	test_cow();
	test_kinds();
	test_effective();
	test_long();
	return fake_end();
}
