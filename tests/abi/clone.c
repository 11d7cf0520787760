/* SPDX-License-Identifier: ISC */
/* pt_clone: copy on write, shared pages, heirs. */
#include "t.h"

#define PAGE EXO_PAGE_BYTES

static volatile uint64_t seen[4];

static void
reader(uint64_t arg)
{
	(void)arg;
	seen[0] = *(volatile uint64_t *)T_VA;
	seen[1] = *(volatile uint64_t *)(T_VA + PAGE);
	*(volatile uint64_t *)(T_VA + PAGE) = 22;	/* shared */
	seen[2] = exo_pte(T_VA);
	seen[3] = exo_pte(T_VA + PAGE);
	t_exit(1);
}

TEST(clone)
{
	exo_pfn pfn = t_claim(3);
	struct t_child c;
	uint64_t value = 0;

	IS(t_map(T_VA, pfn, EXO_MAP_WRITE), 1);
	IS(t_map(T_VA + PAGE, pfn + 1, EXO_MAP_WRITE | EXO_MAP_SHARED), 1);
	IS(t_map(T_VA + 3 * PAGE, pfn + 2, 0), 1);
	OK(t_write(T_VA, 11));
	OK(t_write(T_VA + PAGE, 12));
	if (!t_child(&c, reader, 0, 0))
		return;
	IS(exo_pt_clone_all(c.id, T_VA, 8, K_WRITE), 8);
	CHECK(EXO_PTE_SOFT(exo_pte(T_VA)) & EXO_MAP_COW >> EXO_MAP_SOFT_SHIFT);
	CHECK(!(exo_pte(T_VA) & EXO_PTE_WRITE));
	CHECK(exo_pte(T_VA + PAGE) & EXO_PTE_WRITE);
	CHECK(exo_frame(pfn)->flags & EXO_FRAME_HEIR);
	IS(exo_frame(pfn)->nmaps, 2);
	IS(exo_frame(pfn + 2)->nmaps, 2);
	IS(t_write(T_VA, 1), T_PF(7));
	t_start(&c);
	IS(t_wait(&c), T_EXIT(1));
	IS(seen[0], 11);
	IS(seen[1], 12);
	CHECK(!(seen[2] & EXO_PTE_WRITE));
	CHECK(EXO_PTE_SOFT(seen[2]) & EXO_MAP_COW >> EXO_MAP_SOFT_SHIFT);
	CHECK(seen[3] & EXO_PTE_WRITE);
	OK(t_read(T_VA + PAGE, &value));
	IS(value, 22);
	t_reap(&c);
	IS(exo_frame(pfn)->nmaps, 1);
	t_release(pfn, 3);
}

/* The owner lets go of a page that the child still has: it passes, charge and all. */
TEST(heir)
{
	exo_pfn pfn = t_claim(1);
	struct t_child c;

	IS(t_map(T_VA, pfn, EXO_MAP_WRITE), 1);
	if (!t_child(&c, reader, 0, 0))
		return;
	IS(exo_pt_clone_all(c.id, T_VA, 1, K_ROOT), 1);
	IS(t_map_op(exo_self(), T_VA, 0, EXO_OP_UNMAP | EXO_MAP_RELEASE, K_ROOT, K_ROOT), 1);
	IS(exo_frame(pfn)->account, c.account);
	IS(exo_frame(pfn)->nmaps, 1);
	IS(t_read(T_VA, NULL), T_PF(4));
	t_reap(&c);
	IS(exo_frame(pfn)->kind, EXO_FRAME_FREE);
}

TEST(clone_errors)
{
	exo_pfn pfn = t_claim(1);
	struct t_child c;

	IS(t_map(T_VA, pfn, EXO_MAP_WRITE), 1);
	if (!t_child(&c, reader, 0, 0))
		return;
	ERR(exo_pt_clone(c.id + 0x10000, T_VA, 1, K_ROOT), STALE);
	ERR(exo_pt_clone(c.id, T_VA, 1, K_NONE), KEY);
	ERR(exo_pt_clone(c.id, T_VA, 1, K_CONTROL), RIGHTS);
	ERR(exo_pt_clone(c.id, T_VA + 8, 1, K_ROOT), ALIGN);
	ERR(exo_pt_clone(c.id, T_VA, 0, K_ROOT), ARG);
	ERR(exo_pt_clone(c.id, EXO_USER_TOP, 1, K_ROOT), RANGE);
	ERR(exo_pt_clone(c.id, T_VA, ~0ull, K_ROOT), RANGE);
	ERR(exo_pt_clone(c.id, EXO_VPT, 1, K_ROOT), RANGE);
	IS(exo_pt_clone_all(c.id, T_VA, 1, K_ROOT), 1);
	ERR(exo_pt_clone(c.id, T_VA, 1, K_ROOT), TAKEN);
	OK(exo_pt_remove(c.id, T_VA | 1, K_ROOT));
	ERR(exo_pt_clone(c.id, T_VA, 1, K_ROOT), NOTABLE);
	OK(exo_env_destroy(c.id, 0, K_ROOT));
	ERR(exo_pt_clone(c.id, T_VA, 1, K_ROOT), DEAD);
	t_reap(&c);
	IS(t_unmap(T_VA), 1);
	t_release(pfn, 1);
}

/* Cloning to oneself must not break anything. */
TEST(clone_to_self)
{
	exo_pfn pfn = t_claim(1);

	IS(t_map(T_VA, pfn, EXO_MAP_WRITE), 1);
	CHECK(exo_pt_clone(exo_self(), T_VA, 1, K_ROOT) < 0);
	IS(exo_frame(pfn)->nmaps, 1);
	IS(t_unmap(T_VA), 1);
	t_release(pfn, 1);
}
