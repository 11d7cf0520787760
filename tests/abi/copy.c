/* SPDX-License-Identifier: ISC */
/* map with CLAIM and COPY: a frame that is a copy of what the caller has there. */
#include "t.h"

#define PAGE EXO_PAGE_BYTES
#define COPY (EXO_OP_MAP | EXO_MAP_CLAIM | EXO_MAP_COPY)

static int64_t
copy(exo_envid env, uint64_t va, uint32_t more, exo_slot key, exo_pfn *pfn)
{
	struct exo_map map = { .va = va, .pfn = *pfn = exo_frame_find(0, 1), .op = COPY | more,
		.key = key };

	return exo_map(env, &map, 1, K_ROOT);
}

static void
nobody(uint64_t arg)
{
	(void)arg;
	t_exit(1);
}

/* In one's own place: what was there stays as it is, where others have it. */
TEST(copy_on_write)
{
	exo_pfn old = t_claim(1), pfn;
	uint64_t value = 0;

	IS(t_map(T_VA, old, EXO_MAP_WRITE), 1);
	OK(t_write(T_VA, 11));
	OK(t_write(T_VA + PAGE - 8, 12));
	IS(t_map(T_VA + PAGE, old, 0), 1);
	IS(copy(exo_self(), T_VA, EXO_MAP_WRITE | EXO_MAP_TAG(7), K_ALLOT, &pfn), 1);
	IS(EXO_PTE_PFN(exo_pte(T_VA)), pfn);
	IS(exo_frame(pfn)->tag, 7);
	IS(exo_frame(pfn)->account, ROOT_ACCOUNT);
	CHECK(!(exo_frame(pfn)->flags & EXO_FRAME_DIRTY));
	IS(exo_frame(old)->nmaps, 1);
	OK(t_read(T_VA, &value));
	IS(value, 11);
	OK(t_read(T_VA + PAGE - 8, &value));
	IS(value, 12);
	OK(t_write(T_VA, 13));
	OK(t_read(T_VA + PAGE, &value));
	IS(value, 11);
	IS(t_unmap(T_VA), 1);
	IS(t_unmap(T_VA + PAGE), 1);
	t_release(old, 1);
	t_release(pfn, 1);
}

/* For another: the caller's own page is copied, whatever the other has there. */
TEST(copy_for_a_child)
{
	exo_pfn mine = t_claim(1), pfn, second;
	struct t_child c;
	uint64_t value = 0;

	IS(t_map(T_VA, mine, EXO_MAP_WRITE), 1);
	OK(t_write(T_VA, 11));
	if (!t_child(&c, nobody, 0, 8))
		return;
	ERR(copy(c.id, T_VA, 0, K_NOTHING, &pfn), RIGHTS);
	ERR(copy(c.id, T_VA, 0, K_NONE, &pfn), KEY);
	ERR(copy(c.id, T_VA + PAGE, 0, K_ROOT, &pfn), ABSENT);
	IS(exo_frame(pfn)->kind, EXO_FRAME_FREE);
	IS(copy(c.id, T_VA, EXO_MAP_WRITE, K_ROOT, &pfn), 1);
	IS(exo_frame(pfn)->account, c.account);
	IS(exo_frame(mine)->nmaps, 1);
	OK(t_write(T_VA, 12));
	IS(t_map(T_VA + PAGE, pfn, 0), 1);
	OK(t_read(T_VA + PAGE, &value));
	IS(value, 11);
	IS(copy(c.id, T_VA, EXO_MAP_WRITE, K_ROOT, &second), 1);
	IS(exo_frame(pfn)->nmaps, 1);
	IS(t_unmap(T_VA + PAGE), 1);
	IS(t_unmap(T_VA), 1);
	ERR(copy(c.id, T_VA, 0, K_ROOT, &pfn), ABSENT);	/* what the other has is no proof */
	t_reap(&c);
	t_release(mine, 1);
}

TEST(copy_errors)
{
	exo_pfn mine = t_claim(1), pfn;

	ERR(copy(exo_self(), T_VA, 0, K_ROOT, &pfn), ABSENT);
	ERR(copy(exo_self(), T_NOTABLE, 0, K_ROOT, &pfn), NOTABLE);
	ERR(copy(exo_self(), EXO_INFO, 0, K_ROOT, &pfn), RANGE);
	ERR(copy(exo_self(), EXO_VPT, 0, K_ROOT, &pfn), RANGE);
	ERR(copy(exo_self(), T_VA + 8, 0, K_ROOT, &pfn), ALIGN);
	IS(t_map(T_VA, mine, EXO_MAP_WRITE), 1);
	ERR(t_map_op(exo_self(), T_VA, pfn, EXO_OP_MAP | EXO_MAP_COPY, K_ROOT, 0), ARG);
	ERR(t_map_op(exo_self(), T_VA, mine, EXO_OP_PROTECT | EXO_MAP_COPY, K_ROOT, 0), ARG);
	ERR(t_map_op(exo_self(), T_VA, 0, EXO_OP_UNMAP | EXO_MAP_COPY, K_ROOT, 0), ARG);
	ERR(copy(exo_self(), T_VA, EXO_MAP_IO, K_ROOT, &pfn), ARG);
	ERR(copy(exo_self(), T_VA, EXO_MAP_RELEASE, K_ROOT, &pfn), ARG);
	ERR(copy(exo_self(), T_VA, 0, K_READ, &pfn), RIGHTS);
	ERR(t_map_op(exo_self(), T_VA, mine, COPY, K_ROOT, 0), TAKEN);
	/* Who cannot read it cannot have it copied, either. */
	IS(t_map_op(exo_self(), T_VA, 0, EXO_OP_PROTECT | EXO_MAP_HIDDEN, K_ROOT, 0), 1);
	ERR(copy(exo_self(), T_VA, 0, K_ROOT, &pfn), ABSENT);
	IS(exo_frame(pfn)->kind, EXO_FRAME_FREE);
	IS(EXO_PTE_PFN(exo_pte(T_VA)), mine);
	IS(t_unmap(T_VA), 1);
	t_release(mine, 1);
}

/* Device memory is not read by the kernel. */
TEST(copy_of_a_device)
{
	struct exo_map map = { .va = T_VA, .op = EXO_OP_MAP | EXO_MAP_IO, .key = K_ROOT };
	exo_pfn pfn;

	for (uint32_t row = 0; exo_device(row); row++) {
		if (!exo_device(row)->mmio_frames)
			continue;
		map.pfn = exo_device(row)->mmio_pfn;
		IS(exo_map(exo_self(), &map, 1, 0), 1);
		ERR(copy(exo_self(), T_VA, 0, K_ROOT, &pfn), ABSENT);
		IS(t_unmap(T_VA), 1);
	}
}
