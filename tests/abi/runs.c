/* SPDX-License-Identifier: ISC */
/* map: elements that protect or unmap a run of pages. */
#include "t.h"

#define PAGE EXO_PAGE_BYTES
#define PAGES 512u
#define AT (T_VA + 0x200000)		/* a table of its own */

static int64_t
run(uint64_t va, uint64_t pages, uint32_t op, exo_slot key)
{
	return t_map_op(exo_self(), va, 0, op | EXO_MAP_RUN(pages - 1), key, K_ROOT);
}

/* The same, until it is through; how often that took. */
static unsigned
run_all(uint64_t va, uint64_t pages, uint32_t op)
{
	unsigned times = 1;

	while (run(va, pages, op, K_ROOT) == 0)
		times++;
	return times;
}

static exo_pfn
table(void)
{
	exo_pfn pfn = t_claim(3);

	OK(exo_pt_install(exo_self(), AT | 1 | EXO_PT_WRITE, pfn, pfn + 1, 0, 0));
	return pfn;
}

static void
table_gone(exo_pfn pfn)
{
	OK(exo_pt_remove(exo_self(), AT | 1, 0));
	IS(exo_frame_release(pfn, 1, K_ROOT), 1);
}

static void
fill(exo_pfn pfn, unsigned from, unsigned count, uint32_t perms)
{
	for (unsigned page = from; page < from + count; page++)
		IS(t_map(AT + page * PAGE, pfn + page, perms), 1);
}

TEST(protect_a_run)
{
	exo_pfn pt = table(), pfn = t_claim(64);

	fill(pfn, 0, 64, EXO_MAP_WRITE);
	IS(run(AT, 64, EXO_OP_PROTECT, K_NONE), 1);	/* giving up needs no key */
	for (unsigned page = 0; page < 64; page++)
		IS(t_write(AT + page * PAGE, 1), T_PF(7));
	ERR(run(AT, 64, EXO_OP_PROTECT | EXO_MAP_WRITE, K_NONE), KEY);
	ERR(run(AT, 64, EXO_OP_PROTECT | EXO_MAP_WRITE, K_READ), RIGHTS);
	IS(t_write(AT, 1), T_PF(7));
	IS(run(AT + PAGE, 62, EXO_OP_PROTECT | EXO_MAP_WRITE | 5 << EXO_MAP_SOFT_SHIFT, K_ROOT), 1);
	IS(t_write(AT, 1), T_PF(7));
	OK(t_write(AT + PAGE, 1));
	OK(t_write(AT + 62 * PAGE, 1));
	IS(EXO_PTE_SOFT(exo_pte(AT + 62 * PAGE)), 5);
	IS(t_write(AT + 63 * PAGE, 1), T_PF(7));
	/* What is so already is left alone, dirty bit and all; and what is absent ends it. */
	IS(t_unmap(AT + 40 * PAGE), 1);
	ERR(run(AT, 64, EXO_OP_PROTECT | EXO_MAP_WRITE, K_ROOT), ABSENT);
	CHECK(exo_pte(AT + PAGE) & EXO_PTE_DIRTY);
	OK(t_write(AT, 1));
	IS(t_write(AT + 63 * PAGE, 1), T_PF(7));
	IS(run(AT, PAGES, EXO_OP_UNMAP, K_NONE), 1);
	IS(exo_frame(pfn + 63)->nmaps, 0);
	table_gone(pt);
	t_release(pfn, 64);
}

static void
nobody(uint64_t arg)
{
	(void)arg;
	t_exit(1);
}

/* A frame of the run that one must not write to refuses there; what was before is done. */
TEST(protect_is_asked_of_each)
{
	exo_pfn pfn = t_claim(4);
	struct t_child c;

	for (unsigned page = 0; page < 4; page++)
		IS(t_map(T_VA + page * PAGE, pfn + page, EXO_MAP_WRITE), 1);
	if (!t_child(&c, nobody, 0, 0))
		return;
	IS(exo_pt_clone_all(c.id, T_VA + 2 * PAGE, 1, K_ROOT), 1);
	IS(run(T_VA, 4, EXO_OP_PROTECT, K_NONE), 1);
	ERR(run(T_VA, 4, EXO_OP_PROTECT | EXO_MAP_WRITE, K_ROOT), BUSY);
	OK(t_write(T_VA + PAGE, 1));
	IS(t_write(T_VA + 2 * PAGE, 1), T_PF(7));
	IS(t_write(T_VA + 3 * PAGE, 1), T_PF(7));
	t_reap(&c);
	IS(run(T_VA, 4, EXO_OP_PROTECT | EXO_MAP_WRITE, K_ROOT), 1);
	OK(t_write(T_VA + 2 * PAGE, 1));
	IS(run(T_VA, 4, EXO_OP_UNMAP, K_NONE), 1);
	t_release(pfn, 4);
}

/* More than one entry of the kernel may last: it is asked again, and ends. */
TEST(runs_end)
{
	exo_pfn pt = table();
	struct exo_map map = { .op = EXO_OP_MAP | EXO_MAP_CLAIM | EXO_MAP_WRITE, .key = K_ROOT };
	uint64_t before;

	for (unsigned page = 0; page < PAGES; page++) {
		map.va = AT + page * PAGE;
		map.pfn = exo_frame_find(0, 1);
		IS(exo_map(exo_self(), &map, 1, K_ROOT), 1);
	}
	before = exo_info()->free_frames;
	CHECK(run_all(AT, PAGES, EXO_OP_PROTECT) < 8);
	CHECK(run_all(AT, PAGES, EXO_OP_PROTECT | EXO_MAP_WRITE) < 8);
	OK(t_write(AT + 511 * PAGE, 1));
	CHECK(run_all(AT, PAGES, EXO_OP_UNMAP | EXO_MAP_RELEASE) > 1);
	IS(exo_info()->free_frames, before + PAGES);
	IS(t_read(AT, NULL), T_PF(4));
	table_gone(pt);
}

TEST(run_errors)
{
	exo_pfn pt = table(), pfn = t_claim(4);

	fill(pfn, 0, 4, 0);
	ERR(run(AT + PAGE, PAGES, EXO_OP_UNMAP, K_ROOT), ARG);	/* beyond the table */
	ERR(run(AT + PAGE, PAGES, EXO_OP_PROTECT, K_ROOT), ARG);
	ERR(run(AT, 0x10000, EXO_OP_UNMAP, K_ROOT), ARG);
	ERR(run(AT, 0x10000, EXO_OP_PROTECT, K_ROOT), ARG);
	ERR(run(AT, 4, EXO_OP_PROTECT | EXO_MAP_CLEARAD, K_ROOT), ARG);
	ERR(run(AT, 4, EXO_OP_PROTECT | EXO_MAP_RELEASE, K_ROOT), ARG);
	ERR(run(AT, 4, EXO_OP_PROTECT | EXO_MAP_HIDDEN | EXO_MAP_WRITE, K_ROOT), ARG);
	ERR(run(AT, 4, EXO_OP_UNMAP | EXO_MAP_WRITE, K_ROOT), ARG);
	ERR(run(AT, 4, EXO_OP_MAP, K_ROOT), ARG);
	ERR(run(AT + 8, 4, EXO_OP_UNMAP, K_ROOT), ALIGN);
	ERR(run(EXO_USER_TOP, 4, EXO_OP_UNMAP, K_ROOT), RANGE);
	ERR(run(T_NOTABLE, 4, EXO_OP_PROTECT, K_ROOT), NOTABLE);
	IS(run(T_NOTABLE, 4, EXO_OP_UNMAP, K_ROOT), 1);
	ERR(run(AT + 4 * PAGE, 4, EXO_OP_PROTECT, K_ROOT), ABSENT);
	ERR(run(AT, 4, EXO_OP_UNMAP | EXO_MAP_RELEASE, K_NOTHING), RIGHTS);
	ERR(run(AT, 4, EXO_OP_UNMAP | EXO_MAP_RELEASE, K_NONE), KEY);
	IS(exo_frame(pfn)->nmaps, 1);
	/* A table of another's is changed only where it was let in for writing. */
	OK(exo_pt_remove(exo_self(), AT | 1, 0));
	OK(exo_pt_install(exo_self(), AT | 1, pt, 0, 0, K_ROOT));
	IS(run(AT, 4, EXO_OP_UNMAP | EXO_MAP_RELEASE, K_CONTROL), 1);
	IS(exo_frame(pfn + 3)->kind, EXO_FRAME_FREE);
	table_gone(pt);
}
