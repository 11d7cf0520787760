/* SPDX-License-Identifier: ISC */
/* map, pt_install, pt_remove. */
#include "t.h"

#define FRAMES (exo_info()->frames)
#define PAGE EXO_PAGE_BYTES

static int64_t
op(uint64_t va, exo_pfn pfn, uint32_t what)
{
	return t_map_op(exo_self(), va, pfn, what, K_ROOT, K_ROOT);
}

TEST(permissions)
{
	exo_pfn pfn = t_claim(1);

	IS(op(T_VA, pfn, EXO_OP_MAP | EXO_MAP_WRITE), 1);
	OK(t_write(T_VA, 0xc3));		/* ret */
	IS(t_exec(T_VA), T_PF(0x15));
	IS(op(T_VA, 0, EXO_OP_PROTECT), 1);
	IS(t_write(T_VA, 0), T_PF(7));
	IS(op(T_VA, 0, EXO_OP_PROTECT | EXO_MAP_EXEC), 1);
	OK(t_exec(T_VA));
	IS(op(T_VA, pfn, EXO_OP_MAP | EXO_MAP_READ | 5 << EXO_MAP_SOFT_SHIFT), 1);
	IS(EXO_PTE_SOFT(exo_pte(T_VA)), 5);
	IS(EXO_PTE_PFN(exo_pte(T_VA)), pfn);
	IS(exo_frame(pfn)->nmaps, 1);
	IS(op(T_VA, 0, EXO_OP_UNMAP), 1);
	IS(op(T_VA, 0, EXO_OP_UNMAP), 1);
	IS(t_read(T_VA, NULL), T_PF(4));
	IS(exo_frame(pfn)->nmaps, 0);
	t_release(pfn, 1);
}

TEST(claim_and_release)
{
	exo_pfn pfn = exo_frame_find(0, 1);
	struct exo_map map = { .va = T_VA, .pfn = pfn, .key = K_ALLOT,
				.op = EXO_OP_MAP | EXO_MAP_WRITE | EXO_MAP_CLAIM };

	IS(exo_map(exo_self(), &map, 1, K_NONE), 1);
	IS(exo_frame(pfn)->account, ROOT_ACCOUNT);
	OK(t_write(T_VA, 1));
	map.va += PAGE;
	ERR(exo_map(exo_self(), &map, 1, K_NONE), TAKEN);
	map.va -= PAGE;
	map.op = EXO_OP_UNMAP | EXO_MAP_RELEASE;
	map.key = K_NOTHING;
	ERR(exo_map(exo_self(), &map, 1, K_NONE), RIGHTS);
	map.key = K_NONE;
	ERR(exo_map(exo_self(), &map, 1, K_NONE), KEY);
	map.key = K_CONTROL;
	IS(exo_map(exo_self(), &map, 1, K_NONE), 1);
	IS(exo_frame(pfn)->kind, EXO_FRAME_FREE);
	map = (struct exo_map){ .va = T_VA, .pfn = pfn, .key = K_WRITE,
				.op = EXO_OP_MAP | EXO_MAP_CLAIM };
	ERR(exo_map(exo_self(), &map, 1, K_NONE), RIGHTS);
	IS(exo_frame(pfn)->kind, EXO_FRAME_FREE);
}

/* Vectors: many elements, stopping at the first that is refused. */
TEST(vector)
{
	static struct exo_map vec[64];
	exo_pfn pfn = t_claim(64);
	uint64_t done;

	for (unsigned page = 0; page < 64; page++)
		vec[page] = (struct exo_map){ .va = T_VA + page * PAGE, .pfn = pfn + page,
						.op = EXO_OP_MAP | EXO_MAP_WRITE, .key = K_ROOT };
	IS(exo_map_all(exo_self(), vec, 64, K_ROOT), 64);
	for (unsigned page = 0; page < 64; page++)
		OK(t_write(T_VA + page * PAGE, page));
	for (unsigned page = 0; page < 64; page++)
		vec[page].op = EXO_OP_UNMAP;
	vec[40].op = 0;
	ERR(exo_map_counted(exo_self(), vec, 64, K_ROOT, &done), ARG);
	IS(done, 40);
	IS(t_read(T_VA + 39 * PAGE, NULL), T_PF(4));
	OK(t_read(T_VA + 40 * PAGE, NULL));
	vec[40].op = EXO_OP_UNMAP;
	IS(exo_map_counted(exo_self(), vec, 64, K_ROOT, &done), 64);
	IS(done, 64);
	for (unsigned page = 0; page < 64; page++)
		IS(t_read(T_VA + page * PAGE, NULL), T_PF(4));
	t_release(pfn, 64);
}

TEST(map_errors)
{
	exo_pfn pfn = t_claim(1), free_pfn = exo_frame_find(0, 1);
	struct exo_map map = { .va = T_VA, .pfn = pfn, .op = EXO_OP_MAP, .key = K_ROOT };

	ERR(exo_map(exo_self() + 0x10000, &map, 1, K_ROOT), STALE);
	ERR(exo_map(exo_self(), (void *)T_VA, 1, K_ROOT), FAULT);
	ERR(exo_map(exo_self(), (void *)EXO_INFO, 0, K_ROOT), ARG);
	ERR(exo_map(exo_self(), (void *)(EXO_USER_TOP - 8), 1, K_ROOT), FAULT);
	ERR(exo_map(exo_self(), (void *)0xffffffff80200000, 1, K_ROOT), FAULT);
	ERR(op(T_VA, pfn, 0), ARG);
	ERR(op(T_VA, pfn, 0x400), ARG);
	ERR(op(T_VA, pfn, EXO_OP_MAP | 0x10000), ARG);
	ERR(op(T_VA, pfn, EXO_OP_MAP | 0x80000000), ARG);
	ERR(op(T_VA, pfn, EXO_OP_UNMAP | EXO_MAP_CLAIM), ARG);
	ERR(op(T_VA, pfn, EXO_OP_MAP | EXO_MAP_RELEASE), ARG);
	ERR(op(T_VA, pfn, EXO_OP_MAP | EXO_MAP_CLEARAD), ARG);
	ERR(op(T_VA + 8, pfn, EXO_OP_MAP), ALIGN);
	ERR(op(EXO_USER_TOP, pfn, EXO_OP_MAP), RANGE);
	ERR(op(0x0000800000000000, pfn, EXO_OP_MAP), RANGE);
	ERR(op(0xffff800000000000, pfn, EXO_OP_MAP), RANGE);
	ERR(op(EXO_VPT, pfn, EXO_OP_MAP), RANGE);
	ERR(op(EXO_INFO, pfn, EXO_OP_MAP), RANGE);
	ERR(op(0xfffffffffffff000, pfn, EXO_OP_UNMAP), RANGE);
	ERR(op(T_VA, FRAMES, EXO_OP_MAP), RANGE);
	ERR(op(T_VA, ~0ull, EXO_OP_MAP), RANGE);
	ERR(op(T_NOTABLE, pfn, EXO_OP_MAP), NOTABLE);
	CHECK(op(T_VA, free_pfn, EXO_OP_MAP) < 0);
	CHECK(op(T_VA, 0, EXO_OP_MAP | EXO_MAP_WRITE) < 0);
	ERR(op(T_VA, 0, EXO_OP_PROTECT), ABSENT);
	ERR(t_map_op(exo_self(), T_VA, pfn, EXO_OP_MAP, K_NONE, 0), KEY);
	ERR(t_map_op(exo_self(), T_VA, pfn, EXO_OP_MAP, K_NOTHING, 0), RIGHTS);
	ERR(t_map_op(exo_self(), T_VA, pfn, EXO_OP_MAP | EXO_MAP_WRITE, K_READ, 0), RIGHTS);
	IS(t_map_op(exo_self(), T_VA, pfn, EXO_OP_MAP, K_READ, 0), 1);
	ERR(t_map_op(exo_self(), T_VA, 0, EXO_OP_PROTECT | EXO_MAP_WRITE, K_READ, 0), RIGHTS);
	ERR(t_map_op(exo_self(), T_VA, 0, EXO_OP_PROTECT | EXO_MAP_WRITE, K_NONE, 0), KEY);
	IS(exo_frame(pfn)->nmaps, 1);
	IS(t_unmap(T_VA), 1);
	t_release(pfn, 1);
}

/* What the kernel keeps in frames stays out of user space. */
TEST(kernel_frames_are_not_mapped)
{
	for (exo_pfn pfn = 0; pfn < FRAMES; pfn++) {
		unsigned kind = exo_frame(pfn)->kind;
		bool inside = pfn && pfn + 1 < FRAMES && exo_frame(pfn - 1)->kind == kind &&
			exo_frame(pfn + 1)->kind == kind;
		bool readable = kind == EXO_FRAME_DATA || kind == EXO_FRAME_GUARD ||
			kind == EXO_FRAME_ACCOUNT || kind == EXO_FRAME_UAREA ||
			kind == EXO_FRAME_TRACE; /* by a key named T */

		if (inside && pfn % 101) /* the ends of runs, and samples */
			continue;
		if (!readable && op(T_VA, pfn, EXO_OP_MAP) > 0)
			t_fail("frame 0x%lx of kind %u was mapped", pfn, kind);
		if (kind != EXO_FRAME_DATA && kind != EXO_FRAME_UAREA &&
			op(T_VA, pfn, EXO_OP_MAP | EXO_MAP_WRITE) > 0)
			t_fail("frame 0x%lx of kind %u was mapped writable", pfn, kind);
	}
	IS(t_unmap(T_VA), 1);
}

TEST(device_memory)
{
	struct exo_map map = { .va = T_VA, .pfn = 0xfed00, .op = EXO_OP_MAP | EXO_MAP_IO };

	for (uint32_t row = 0; exo_device(row); row++) {	/* microvm has none that may be mapped */
		if (!exo_device(row)->mmio_frames)
			continue;
		map.pfn = exo_device(row)->mmio_pfn;
		map.key = K_NONE;
		ERR(exo_map(exo_self(), &map, 1, 0), KEY);
		map.key = K_NOTHING;
		ERR(exo_map(exo_self(), &map, 1, 0), RIGHTS);
		map.key = K_READ;
		ERR(exo_map(exo_self(), &map, 1, 0), RIGHTS);
		map.key = K_ROOT;
		IS(exo_map(exo_self(), &map, 1, 0), 1);
		OK(t_read(T_VA, NULL));
		map.op &= ~EXO_MAP_IO;
		CHECK(exo_map(exo_self(), &map, 1, 0) < 0);
		map.op |= EXO_MAP_IO;
		IS(t_unmap(T_VA), 1);
	}
	map.key = K_ROOT;
	map.pfn = ROOT_ACCOUNT;			/* memory is not device memory */
	CHECK(exo_map(exo_self(), &map, 1, 0) < 0);
	map.pfn = 0xfee00;			/* the interrupt controllers are the kernel's */
	CHECK(exo_map(exo_self(), &map, 1, 0) < 0);
	map.pfn = 0xfec00;
	CHECK(exo_map(exo_self(), &map, 1, 0) < 0);
	map.pfn = ~0ull;
	CHECK(exo_map(exo_self(), &map, 1, 0) < 0);
	IS(exo_pte(T_VA), 0);
}

TEST(accessed_and_dirty)
{
	exo_pfn pfn = t_claim(1);

	IS(op(T_VA, pfn, EXO_OP_MAP | EXO_MAP_WRITE), 1);
	CHECK(!(exo_pte(T_VA) & (EXO_PTE_ACCESSED | EXO_PTE_DIRTY)));
	OK(t_read(T_VA, NULL));
	CHECK((exo_pte(T_VA) & (EXO_PTE_ACCESSED | EXO_PTE_DIRTY)) == EXO_PTE_ACCESSED);
	OK(t_write(T_VA, 1));
	CHECK(exo_pte(T_VA) & EXO_PTE_DIRTY);
	IS(op(T_VA, 0, EXO_OP_PROTECT | EXO_MAP_WRITE | EXO_MAP_CLEARAD), 1);
	CHECK(!(exo_pte(T_VA) & (EXO_PTE_ACCESSED | EXO_PTE_DIRTY)));
	OK(t_write(T_VA, 1));
	CHECK(exo_pte(T_VA) & EXO_PTE_DIRTY);
	IS(t_unmap(T_VA), 1);
	t_release(pfn, 1);
}

/* A hidden page keeps its contents, and is there for whoever else has it. */
TEST(hidden)
{
	exo_pfn pfn = t_claim(1);
	uint64_t value = 0;

	IS(op(T_VA, pfn, EXO_OP_MAP | EXO_MAP_WRITE), 1);
	IS(op(T_VA + PAGE, pfn, EXO_OP_MAP | EXO_MAP_READ), 1);
	OK(t_write(T_VA, 0xc3));
	IS(op(T_VA, 0, EXO_OP_PROTECT | EXO_MAP_HIDDEN), 1);
	IS(t_read(T_VA, NULL), T_PF(5));
	IS(t_write(T_VA, 1), T_PF(7));
	IS(t_exec(T_VA), T_PF(0x15));
	IS(exo_frame(pfn)->nmaps, 2);
	CHECK(exo_pte(T_VA) & EXO_PTE_PRESENT);
	CHECK(!(exo_pte(T_VA) & EXO_PTE_USER));
	OK(t_read(T_VA + PAGE, &value));
	IS(value, 0xc3);
	IS(t_map_op(exo_self(), T_VA, 0, EXO_OP_PROTECT | EXO_MAP_READ, K_NONE, 0), 1);
	OK(t_read(T_VA, &value));
	IS(t_write(T_VA, 1), T_PF(7));
	ERR(op(T_VA, pfn, EXO_OP_MAP | EXO_MAP_WRITE | EXO_MAP_HIDDEN), ARG);
	ERR(op(T_VA, 0, EXO_OP_PROTECT | EXO_MAP_EXEC | EXO_MAP_HIDDEN), ARG);
	IS(t_unmap(T_VA), 1);
	IS(t_unmap(T_VA + PAGE), 1);
	t_release(pfn, 1);
}

/* Replacing a binding: the old frame loses it, the new one is what is read. */
TEST(replace)
{
	exo_pfn pfn = t_claim(2);
	uint64_t value = 0;

	IS(op(T_VA, pfn, EXO_OP_MAP | EXO_MAP_WRITE), 1);
	OK(t_write(T_VA, 1));
	IS(op(T_VA, pfn + 1, EXO_OP_MAP | EXO_MAP_WRITE), 1);
	OK(t_read(T_VA, &value));
	IS(value, 0);
	IS(exo_frame(pfn)->nmaps, 0);
	IS(exo_frame(pfn + 1)->nmaps, 1);
	IS(op(T_VA, pfn + 1, EXO_OP_MAP | EXO_MAP_WRITE), 1);
	IS(exo_frame(pfn + 1)->nmaps, 1);
	IS(t_unmap(T_VA), 1);
	t_release(pfn, 2);
}

TEST(install_errors)
{
	exo_pfn pfn = t_claim(4);
	exo_envid self = exo_self();
	uint64_t where = T_NOTABLE | 3 | EXO_PT_WRITE;

	ERR(exo_pt_install(self + 0x10000, where, pfn, pfn + 1, 0, 0), STALE);
	ERR(exo_pt_install(self, EXO_USER_TOP | 1, pfn, pfn + 1, 0, 0), RANGE);
	ERR(exo_pt_install(self, 0xffff800000000000 | 3, pfn, pfn + 1, 0, 0), RANGE);
	ERR(exo_pt_install(self, EXO_VPT | 3, pfn, pfn + 1, 0, 0), RANGE);
	ERR(exo_pt_install(self, T_VA | 0, pfn, pfn + 1, 0, 0), ARG);
	ERR(exo_pt_remove(self, T_VA | 0, 0), ARG);
	ERR(exo_pt_remove(self, T_VA | 8 | 1, 0), ALIGN);
	ERR(exo_pt_install(self, T_VA | 8 | 1, pfn, pfn + 1, 0, 0), ALIGN);
	ERR(exo_pt_install(self, T_NOTABLE | 1, pfn, pfn + 1, 0, 0), NOTABLE);
	ERR(exo_pt_install(self, T_VA | 1, pfn, pfn + 1, 0, 0), TAKEN);
	ERR(exo_pt_install(self, (T_VA + 0x200000) | 1, FRAMES, pfn + 1, 0, 0), RANGE);
	ERR(exo_pt_install(self, (T_VA + 0x200000) | 1, pfn, ~0ull, 0, 0), RANGE);
	CHECK(exo_pt_install(self, (T_VA + 0x200000) | 1, pfn, FRAMES - 1, 0, 0) < 0);
	CHECK(exo_pt_install(self, (T_VA + 0x200000) | 1, pfn, pfn, 0, 0) < 0);
	CHECK(exo_pt_install(self, (T_VA + 0x200000) | 1, pfn + 1, pfn, 0, 0) < 0);
	ERR(exo_pt_install(self, (T_VA + 0x200000) | 1, ROOT_ACCOUNT, pfn, 0, 0), KIND);
	IS(t_map(T_VA, pfn, 0), 1);
	ERR(exo_pt_install(self, (T_VA + 0x200000) | 1, pfn, pfn + 1, 0, 0), BUSY);
	IS(t_unmap(T_VA), 1);
	IS(exo_frame(pfn)->kind, EXO_FRAME_DATA);
	t_release(pfn, 4);
}

TEST(install_and_remove)
{
	exo_pfn pfn = t_claim(10);
	exo_envid self = exo_self();

	OK(exo_pt_install(self, T_NOTABLE | 3 | EXO_PT_WRITE, pfn, pfn + 1, K_NONE, K_NONE));
	OK(exo_pt_install(self, T_NOTABLE | 2 | EXO_PT_WRITE, pfn + 3, pfn + 4, 0, 0));
	OK(exo_pt_install(self, T_NOTABLE | 1 | EXO_PT_WRITE, pfn + 6, pfn + 7, 0, 0));
	IS(exo_frame(pfn)->kind, EXO_FRAME_PT3);
	IS(exo_frame(pfn + 3)->kind, EXO_FRAME_PT2);
	IS(exo_frame(pfn + 6)->kind, EXO_FRAME_PT1);
	IS(exo_frame(pfn + 7)->kind, EXO_FRAME_LINKS);
	IS(t_map(T_NOTABLE, pfn + 9, EXO_MAP_WRITE), 1);
	OK(t_write(T_NOTABLE, 77));
	IS(EXO_PTE_PFN(exo_pte(T_NOTABLE)), pfn + 9);
	ERR(exo_frame_release(pfn, 1, K_ROOT), BUSY);
	ERR(exo_frame_release(pfn + 6, 1, K_ROOT), BUSY);
	ERR(exo_frame_release(pfn + 7, 1, K_ROOT), KIND);

	OK(exo_pt_remove(self, T_NOTABLE | 1, K_NONE));
	IS(t_read(T_NOTABLE, NULL), T_PF(4));
	IS(exo_pte(T_NOTABLE), 0);
	ERR(exo_pt_remove(self, T_NOTABLE | 1, 0), ABSENT);
	ERR(exo_pt_remove(self, (T_NOTABLE + (1ull << 39)) | 2, 0), NOTABLE);
	ERR(exo_pt_remove(self, EXO_VPT | 3, 0), RANGE);
	ERR(exo_pt_remove(self, EXO_INFO | 3, 0), RANGE);
	ERR(exo_pt_remove(self, 0xffff800000000000 | 3, 0), RANGE);
	ERR(exo_pt_remove(self + 0x10000, T_NOTABLE | 2, 0), STALE);
	OK(exo_pt_install(self, T_NOTABLE | 1 | EXO_PT_WRITE, pfn + 6, 0, 0, K_ROOT));
	OK(t_read(T_NOTABLE, NULL));
	IS(t_unmap(T_NOTABLE), 1);
	for (uint64_t level = 1; level <= 3; level++)
		OK(exo_pt_remove(self, T_NOTABLE | level, 0));
	IS(exo_frame_release(pfn + 6, 1, K_ROOT), 1);
	IS(exo_frame_release(pfn + 3, 1, K_ROOT), 1);
	IS(exo_frame_release(pfn, 1, K_ROOT), 1);
	IS(exo_frame(pfn + 7)->kind, EXO_FRAME_FREE);
	t_release(pfn + 9, 1);
}

/* A table bound twice: one change shows in both places; the write bit above rules. */
TEST(shared_table)
{
	exo_pfn pfn = t_claim(4);
	exo_envid self = exo_self();
	uint64_t one = T_VA + 0x200000, two = T_VA + 0x400000, value = 0;

	OK(exo_pt_install(self, one | 1 | EXO_PT_WRITE, pfn, pfn + 1, 0, 0));
	ERR(exo_pt_install(self, two | 1, pfn, 0, 0, K_NOTHING), RIGHTS);
	ERR(exo_pt_install(self, two | 1, pfn, 0, 0, K_NONE), KEY);
	ERR(exo_pt_install(self, two | 1 | EXO_PT_WRITE, pfn, 0, 0, K_READ), RIGHTS);
	ERR(exo_pt_install(self, T_NOTABLE | 3, pfn, 0, 0, K_ROOT), KIND);
	OK(exo_pt_install(self, two | 1, pfn, 0, 0, K_READ));
	IS(t_map(one, pfn + 3, EXO_MAP_WRITE), 1);
	OK(t_write(one, 1234));
	OK(t_read(two, &value));
	IS(value, 1234);
	IS(t_write(two, 1), T_PF(7));
	IS(exo_frame(pfn + 3)->nmaps, 1);
	IS(t_unmap(one), 1);
	IS(t_read(two, NULL), T_PF(4));
	IS(exo_frame(pfn)->nmaps, 2);
	OK(exo_pt_remove(self, one | 1, 0));
	OK(exo_pt_remove(self, two | 1, 0));
	IS(exo_frame_release(pfn, 1, K_ROOT), 1);
	t_release(pfn + 3, 1);
}

static void
sleeper(uint64_t arg)
{
	(void)arg;
	for (;;)
		exo_wait_for(NULL, 0, 0, 0);
}

/* Another's address space: only with a key that opens it. */
TEST(map_in_another)
{
	struct t_child c;
	exo_pfn pfn = t_claim(3);

	if (!t_child(&c, sleeper, 0, 0))
		return;
	IS(t_map_op(c.id, T_VA, pfn, EXO_OP_MAP | EXO_MAP_WRITE, K_ROOT, K_WRITE), 1);
	ERR(t_map_op(c.id, T_VA, pfn, EXO_OP_MAP, K_ROOT, K_NONE), KEY);
	ERR(t_map_op(c.id, T_VA, pfn, EXO_OP_MAP, K_ROOT, K_NOTHING), RIGHTS);
	ERR(t_map_op(c.id, T_VA, pfn, EXO_OP_MAP, K_ROOT, K_CONTROL), RIGHTS);
	ERR(exo_pt_remove(c.id, T_VA | 1, K_NONE), KEY);
	ERR(exo_pt_remove(c.id, T_VA | 1, K_CONTROL), RIGHTS);
	ERR(exo_pt_install(c.id, T_NOTABLE | 3, pfn, 0, K_NONE, 0), KEY);
	ERR(exo_pt_install(c.id, T_NOTABLE | 3, pfn, 0, K_NOTHING, 0), RIGHTS);
	ERR(exo_pt_install(c.id, T_NOTABLE | 3, pfn, pfn + 1, K_ROOT, 0), OWNER);
	ERR(t_map_op(c.id, T_VA + PAGE, exo_frame_find(0, 1), EXO_OP_MAP | EXO_MAP_CLAIM, K_ROOT,
		    K_ROOT),
		QUOTA);
	IS(exo_frame(pfn)->nmaps, 1);
	OK(exo_env_destroy(c.id, 0, K_ROOT));
	ERR(t_map_op(c.id, T_VA, pfn, EXO_OP_MAP, K_ROOT, K_ROOT), DEAD);
	ERR(exo_pt_remove(c.id, T_VA | 1, K_ROOT), DEAD);
	ERR(exo_pt_install(c.id, T_NOTABLE | 3, pfn, pfn + 1, K_ROOT, 0), DEAD);
	t_reap(&c);
	IS(exo_frame(pfn)->nmaps, 0);
	t_release(pfn, 3);
}
