/* SPDX-License-Identifier: ISC */
/*
 * Critical sections without locks: while `critical` is set the end of a slice
 * waits (for the grace), so on one processor nobody who shares the memory sees
 * the section half done, and there is no lock that its holder could die with.
 */
#include "t.h"

#define CHILDREN 3u
#define ROUNDS 400u			/* sections of some 30,000 instructions: a slice ends in one */

struct shared {
	volatile uint64_t first, second, torn, late, rounds[CHILDREN];
};
static struct shared *const shared = (struct shared *)T_VA;
static volatile uint64_t stop_in_section;
static exo_pfn frame;

static void
pause_a_while(void)
{
	for (volatile unsigned n = 0; n < 5000; n++)
		;
}

static void
changes_both(uint64_t which)
{
	exo_on_epilogue(exo_epilogue_yield);
	while (shared->rounds[which] < ROUNDS) {
		uint32_t before = exo_critical_enter();
		uint64_t value = shared->first, begin = exo_now_ns();

		shared->torn += shared->second != value;
		shared->first = value + 1;
		pause_a_while();
		if (stop_in_section == which + 1)
			t_exit(1);
		shared->second = value + 1;
		/* Where time is the host's it may stop us for longer than the grace. */
		shared->late += exo_now_ns() - begin > exo_info()->grace_ns / 2;
		exo_critical_leave(before);
		shared->rounds[which]++;
	}
	t_exit(9);
}

static void
run(uint64_t *reasons)
{
	struct t_child c[CHILDREN];

	frame = t_claim(1);
	IS(t_map(T_VA, frame, EXO_MAP_WRITE), 1);
	for (unsigned n = 0; n < CHILDREN; n++) {
		if (!t_child(&c[n], changes_both, n, 0))
			return;
		IS(t_map_op(c[n].id, T_VA, frame, EXO_OP_MAP | EXO_MAP_WRITE, K_ROOT, K_ROOT), 1);
	}
	for (unsigned n = 0; n < CHILDREN; n++)
		t_start(&c[n]);
	for (unsigned n = 0; n < CHILDREN; n++)
		reasons[n] = t_wait(&c[n]);
	for (unsigned n = 0; n < CHILDREN; n++)
		t_reap(&c[n]);
}

TEST(nobody_sees_half)
{
	uint64_t reason[CHILDREN];

	stop_in_section = 0;
	run(reason);
	for (unsigned n = 0; n < CHILDREN; n++)
		IS(reason[n], T_EXIT(9));
	if (shared->late == 0) {
		IS(shared->torn, 0);
		IS(shared->first, CHILDREN * ROUNDS);
		IS(shared->second, CHILDREN * ROUNDS);
	}
	IS(t_unmap(T_VA), 1);
	t_release(frame, 1);
}

/* Who ends inside leaves its half of the work, which can be seen, and no lock: the others go on. */
TEST(death_inside)
{
	uint64_t reason[CHILDREN];

	stop_in_section = 2;
	run(reason);
	IS(reason[0], T_EXIT(9));
	IS(reason[1], T_EXIT(1));
	IS(reason[2], T_EXIT(9));
	if (shared->late == 0) {
		IS(shared->torn, 1);
		IS(shared->first, shared->second);
	}
	IS(t_unmap(T_VA), 1);
	t_release(frame, 1);
}
