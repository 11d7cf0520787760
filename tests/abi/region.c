/* SPDX-License-Identifier: ISC */
/* region_guard and region_copy: protection below a page. */
#include "t.h"

#define FRAMES (exo_info()->frames)
#define AT(pfn, offset) ((pfn) * EXO_PAGE_BYTES + (offset))
#define LINE EXO_REGION_LINE
#define LINES EXO_REGION_LINES
#define BYTES (LINES * LINE)

static exo_pfn guards, region, frame;
static volatile uint64_t *const page = (volatile uint64_t *)T_VA;

static exo_guardref
guard_of(unsigned index, const char *name, uint8_t rights)
{
	struct exo_key entries[EXO_GUARD_KEYS] = { t_key(rights, name), t_key(EXO_C, "") };

	OK(exo_guard_create(EXO_GUARD(guards, index), entries, K_ROOT));
	return EXO_GUARD(guards, index);
}

/* Lines 3 and 4 are a's, line 5 may be read with b's key alone; the others are the account's. */
static void
begin(void)
{
	guards = t_claim(3);
	region = guards + 1;
	frame = guards + 2;
	OK(exo_region_guard(region, 3, 2, guard_of(0, "a", EXO_RIGHTS_ALL), K_ROOT, K_ROOT));
	OK(exo_region_guard(region, 5, 1, guard_of(1, "b", EXO_R), K_ROOT, K_ROOT));
	OK(t_narrow(K_ROOT, K_FREE, t_key(EXO_RIGHTS_ALL, "a")));
	OK(t_narrow(K_ROOT, K_FREE + 1, t_key(EXO_RIGHTS_ALL, "b")));
	IS(t_map(T_VA, frame, EXO_MAP_WRITE), 1);
}

static void
end(void)
{
	IS(t_unmap(T_VA), 1);
	OK(exo_guard_free(EXO_GUARD(guards, 0), K_ROOT));
	OK(exo_guard_free(EXO_GUARD(guards, 1), K_ROOT));
	t_release(guards, 3);
}

TEST(guard_errors)
{
	exo_pfn bound = t_claim(1);

	begin();
	ERR(exo_region_guard(FRAMES, 0, 1, 0, K_ROOT, 0), RANGE);
	ERR(exo_region_guard(region, LINES, 1, 0, K_ROOT, 0), RANGE);
	ERR(exo_region_guard(region, 1, LINES, 0, K_ROOT, 0), RANGE);
	ERR(exo_region_guard(region, 1, ~0ull, 0, K_ROOT, 0), RANGE);
	ERR(exo_region_guard(region, 0, 0, 0, K_ROOT, 0), ARG);
	ERR(exo_region_guard(ROOT_ACCOUNT, 0, 1, 0, K_ROOT, 0), KIND);
	ERR(exo_region_guard(exo_frame_find(0, 1), 0, 1, 0, K_ROOT, 0), KIND);
	ERR(exo_region_guard(frame, 0, 1, 0, K_ROOT, 0), BUSY);
	ERR(exo_region_guard(region, 0, 1, 0, K_NONE, 0), KEY);
	ERR(exo_region_guard(region, 0, 1, 0, K_WRITE, 0), RIGHTS);
	ERR(exo_region_guard(bound, 0, 1, 0, K_WRITE, 0), RIGHTS);
	ERR(exo_region_guard(region, 0, 1, EXO_GUARD(guards, 7), K_ROOT, K_ROOT), ABSENT);
	ERR(exo_region_guard(region, 0, 1, EXO_GUARD(guards, 0), K_ROOT, K_NONE), KEY);
	ERR(exo_region_guard(region, 0, 1, EXO_GUARD(guards, 0), K_ROOT, K_WRITE), RIGHTS);
	OK(exo_region_guard(region, 0, LINES, 0, K_CONTROL, K_NONE));
	IS(exo_frame(region)->kind, EXO_FRAME_REGION);
	t_release(bound, 1);
	end();
}

TEST(copy_errors)
{
	begin();
	ERR(exo_region_copy(AT(FRAMES, 0), AT(frame, 0), 8, 0, K_ROOT, K_ROOT), RANGE);
	ERR(exo_region_copy(AT(region, 0), AT(FRAMES, 0), 8, 0, K_ROOT, K_ROOT), RANGE);
	ERR(exo_region_copy(AT(region, BYTES), AT(frame, 0), 1, 0, K_ROOT, K_ROOT), RANGE);
	ERR(exo_region_copy(AT(region, BYTES - 1), AT(frame, 0), 2, 0, K_ROOT, K_ROOT), RANGE);
	ERR(exo_region_copy(AT(region, 0), AT(frame, 4090), 8, 0, K_ROOT, K_ROOT), RANGE);
	ERR(exo_region_copy(AT(region, 0), AT(frame, 0), ~0ull, 0, K_ROOT, K_ROOT), RANGE);
	ERR(exo_region_copy(AT(region, 0), AT(frame, 0), 0, 0, K_ROOT, K_ROOT), ARG);
	ERR(exo_region_copy(AT(region, 0), AT(frame, 0), 8, 2, K_ROOT, K_ROOT), ARG);
	ERR(exo_region_copy(AT(frame, 0), AT(frame, 0), 8, 0, K_ROOT, K_ROOT), KIND);
	ERR(exo_region_copy(AT(region, 0), AT(region, 0), 8, 0, K_ROOT, K_ROOT), KIND);
	ERR(exo_region_copy(AT(region, 0), AT(guards, 0), 8, 0, K_ROOT, K_ROOT), KIND);
	ERR(exo_region_copy(AT(region, 0), AT(frame, 0), 8, 0, K_NONE, K_ROOT), KEY);
	ERR(exo_region_copy(AT(region, 0), AT(frame, 0), 8, 0, K_WRITE, K_ROOT), RIGHTS);
	ERR(exo_region_copy(AT(region, 0), AT(frame, 0), 8, 1, K_READ, K_ROOT), RIGHTS);
	ERR(exo_region_copy(AT(region, 0), AT(frame, 0), 8, 0, K_READ, K_NONE), KEY);
	ERR(exo_region_copy(AT(region, 0), AT(frame, 0), 8, 0, K_READ, K_READ), RIGHTS);
	ERR(exo_region_copy(AT(region, 0), AT(frame, 0), 8, 1, K_WRITE, K_WRITE), RIGHTS);
	OK(exo_region_copy(AT(region, 0), AT(frame, 0), 8, 0, K_READ, K_WRITE));
	OK(exo_region_copy(AT(region, 0), AT(frame, 0), 8, 1, K_WRITE, K_READ));
	/* Nobody maps it, whoever he is, nor publishes it, nor waits on it. */
	ERR(t_map_op(exo_self(), T_VA + EXO_PAGE_BYTES, region, EXO_OP_MAP, K_ROOT, 0), KIND);
	ERR(exo_frame_mark(region, 1, EXO_FRAME_PUBLIC, 0, K_ROOT), KIND);
	end();
}

TEST(lines)
{
	const exo_slot a = K_FREE, b = K_FREE + 1;

	begin();
	for (unsigned n = 0; n < 512; n++)
		page[n] = 0x1111 * n;
	/* Every line is zero until somebody stores there; a copy is what was asked for, to the byte. */
	OK(exo_region_copy(AT(region, 3 * LINE + 1), AT(frame, 9), 2 * LINE - 1, 1, a, K_ROOT));
	for (unsigned n = 0; n < 512; n++)
		page[n] = ~0ull;
	OK(exo_region_copy(AT(region, 3 * LINE), AT(frame, 8), 2 * LINE, 0, a, K_ROOT));
	IS(page[0], ~0ull);
	IS(page[1], 0x1100);
	IS(page[2], 0x2222);
	IS(page[16], 0x11110);
	IS(page[17], ~0ull);

	/* One line too many on either side, and lines of others. */
	ERR(exo_region_copy(AT(region, 3 * LINE - 1), AT(frame, 0), 2, 0, a, K_ROOT), RIGHTS);
	ERR(exo_region_copy(AT(region, 5 * LINE - 1), AT(frame, 0), 2, 0, a, K_ROOT), RIGHTS);
	ERR(exo_region_copy(AT(region, 0), AT(frame, 0), BYTES, 0, a, K_ROOT), RIGHTS);
	ERR(exo_region_copy(AT(region, 4 * LINE), AT(frame, 0), 1, 0, b, K_ROOT), RIGHTS);
	OK(exo_region_copy(AT(region, 5 * LINE), AT(frame, 0), LINE, 0, b, K_ROOT));
	ERR(exo_region_copy(AT(region, 5 * LINE), AT(frame, 0), LINE, 1, b, K_ROOT), RIGHTS);
	/* Root's name opens a's and b's, but b's guard lets nobody write. */
	OK(exo_region_copy(AT(region, 0), AT(frame, 0), BYTES, 0, K_ROOT, K_ROOT));
	ERR(exo_region_copy(AT(region, 0), AT(frame, 0), BYTES, 1, K_ROOT, K_ROOT), RIGHTS);

	/* A guard that is gone opens to nobody; other lines stay. */
	OK(exo_guard_free(EXO_GUARD(guards, 0), K_ROOT));
	ERR(exo_region_copy(AT(region, 3 * LINE), AT(frame, 0), 1, 0, a, K_ROOT), RIGHTS);
	ERR(exo_region_copy(AT(region, 3 * LINE), AT(frame, 0), 1, 0, K_ROOT, K_ROOT), RIGHTS);
	OK(exo_region_copy(AT(region, 0), AT(frame, 0), LINE, 0, K_ROOT, K_ROOT));
	guard_of(0, "a", EXO_RIGHTS_ALL);
	ERR(exo_region_copy(AT(region, 3 * LINE), AT(frame, 0), 1, 0, a, K_ROOT), RIGHTS);
	end();
}

/* A data frame that was cloned is not written for all who have it; released, a region is nobody's any more. */
static void
sleeper(uint64_t arg)
{
	(void)arg;
	for (;;)
		exo_wait_for(NULL, 0, 0, 0);
}

TEST(clone_and_release)
{
	struct t_child c;

	begin();
	if (!t_child(&c, sleeper, 0, 0))
		return;
	IS(exo_pt_clone(c.id, T_VA, 1, K_ROOT), 1);
	ERR(exo_region_copy(AT(region, 0), AT(frame, 0), 8, 0, K_ROOT, K_ROOT), BUSY);
	OK(exo_region_copy(AT(region, 0), AT(frame, 0), 8, 1, K_ROOT, K_ROOT));
	t_reap(&c);
	OK(exo_region_copy(AT(region, 0), AT(frame, 0), 8, 0, K_ROOT, K_ROOT));
	t_release(region, 1);
	ERR(exo_region_copy(AT(region, 0), AT(frame, 0), 8, 0, K_ROOT, K_ROOT), KIND);
	IS(exo_frame_claim(region, 1, ROOT_ACCOUNT, 0, K_ROOT, 0), 1);
	ERR(exo_region_copy(AT(region, 3 * LINE), AT(frame, 0), 8, 0, K_FREE, K_ROOT), KIND);
	end();
}

/* ---- a child with one key ---- */

static volatile uint64_t gained;

static void
wants_more(uint64_t arg)
{
	const uint64_t stores = arg;

	gained = 0;
	for (uint64_t at = 0; at < BYTES; at += 16)
		for (uint64_t bytes = 1; bytes <= BYTES; bytes = bytes * 3 + 1)
			gained += exo_region_copy(AT(region, at), AT(frame, 0), bytes, stores, 0,
					  1) == 0 &&
				(at < 3 * LINE || at + bytes > 5 * LINE);
	for (exo_slot key = 0; key < 3; key++) {
		gained += exo_region_guard(region, 0, LINES, 0, key, key) == 0;
		gained += exo_region_guard(region, 7, 1, EXO_GUARD(guards, 0), key, key) == 0;
		gained += t_map_op(exo_self(), T_VA + EXO_PAGE_BYTES, region, EXO_OP_MAP, key, 0) ==
			1;
		gained += exo_frame_release(region, 1, key) >= 0;
	}
	t_exit(9);
}

TEST(one_key)
{
	struct t_child c;

	begin();
	for (uint64_t stores = 0; stores < 2; stores++) {
		if (!t_child(&c, wants_more, stores, 0))
			return;
		t_give(&c, K_FREE, 0);
		t_give(&c, stores ? K_READ : K_WRITE, 1);	/* the frame's other right */
		t_start(&c);
		IS(t_wait(&c), T_EXIT(9));
		IS(gained, 0);
		t_reap(&c);
	}
	end();
}
