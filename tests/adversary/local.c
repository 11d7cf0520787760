/* SPDX-License-Identifier: ISC */
/*
 * One environment on two processors, against itself and against others, where
 * the kernel lets both change memory at once (mem/local.c): the same pages and
 * frames claimed, bound, changed and released by both, while whoever has the key
 * unbinds, releases and claims them, takes tables out, revokes and moves limits;
 * and ends in the middle of it, by both at once.  A frame that one of them lets go
 * of is claimed by a third, while the other still writes to it.
 */
#include "fight.h"

#define PAGE EXO_PAGE_BYTES
#define FOUGHT 8u			/* frames, and pages */
#define ALONE 100u			/* rounds */
#define ROOM 24				/* frames that they may have */

static volatile uint64_t done[4], go;
static exo_pfn first;			/* of the frames */

/* Whatever a program may do with pages of its own; what comes of it is the kernel's to keep right. */
static void
fight(uint64_t *seed)
{
	const uint32_t ops[] = { EXO_OP_MAP | EXO_MAP_WRITE | EXO_MAP_CLAIM,
		EXO_OP_MAP | EXO_MAP_WRITE | EXO_MAP_CLAIM, EXO_OP_MAP | EXO_MAP_WRITE,
		EXO_OP_UNMAP | EXO_MAP_RELEASE, EXO_OP_UNMAP, EXO_OP_PROTECT,
		EXO_OP_PROTECT | EXO_MAP_WRITE };
	struct exo_map vec[4];
	unsigned count = 1 + (unsigned)(draw(seed) % 4);

	for (unsigned n = 0; n < count; n++)
		vec[n] = (struct exo_map){ .va = T_VA + draw(seed) % FOUGHT * PAGE,
			.pfn = first + draw(seed) % FOUGHT,
			.op = ops[draw(seed) % (sizeof ops / sizeof ops[0])],
			.key = 1 };
	exo_map(exo_self(), vec, count, 0);
	t_touch_write(T_VA + draw(seed) % FOUGHT * PAGE, 0xbad0bad0);
	if (draw(seed) % 4 == 0)
		exo_frame_release(first + draw(seed) % FOUGHT, 1, 1);
}

static void
fights(uint64_t arg)
{
	uint64_t seed = arg * 104729 + 7;

	exo_on_exception(fault_over);
	while (!go)
		exo_relax();
	while (go == 1) {
		fight(&seed);
		done[arg]++;
	}
	exo_env_destroy(exo_self(), arg, 0);	/* both at once, where both run */
}

static void
never(uint64_t arg)
{
	(void)arg;
}

static exo_pfn guards;

/* On CPU 1, and where there is one on another, too; with a key that opens what is its own. */
static bool
fighter(struct t_child *c, void (*one)(uint64_t), void (*other)(uint64_t))
{
	struct exo_key entry[EXO_GUARD_KEYS] = { { .rights = EXO_RIGHTS_ALL } };

	go = done[1] = done[2] = 0;
	guards = t_claim(1);
	t_children_guard = EXO_GUARD(guards, 0);
	return OK(exo_guard_create(t_children_guard, entry, K_ROOT)) &&
		OK(exo_key_bind(t_children_guard, EXO_RIGHTS_ALL, K_ROOT, K_FREE)) &&
		t_child(c, never, 0, 2) && OK(exo_account_limit(c->account, ROOM, K_ROOT)) &&
		t_give(c, K_FREE, 1) && IS(exo_key_drop(K_FREE, 1), 1) &&
		t_start_on(c, 1, one, 1) && (LAST == 1 || t_start_on(c, LAST, other, 2));
}

static void
fighter_end(struct t_child *c)
{
	t_reap(c);			/* which demands that nothing is left */
	OK(exo_guard_free(t_children_guard, K_ROOT));
	t_release(guards, 1);
	t_children_guard = 0;
}

static void
soon(const volatile uint64_t *w, uint64_t least)
{
	uint64_t until = exo_now_ns() + T_PATIENCE_NS;

	while (*w < least && exo_now_ns() < until)
		exo_relax();
	CHECK(*w >= least);
}

/* A frame of theirs becomes ours: what lies in it is nothing, and nobody writes to it any more. */
static void
take(exo_pfn pfn)
{
	volatile uint64_t *page = (volatile uint64_t *)(T_VA + 0x20000);

	exo_frame_unbind(pfn, 8, K_ROOT);
	exo_frame_release(pfn, 1, K_ROOT);
	if (exo_frame_claim(pfn, 1, ROOT_ACCOUNT, 0, K_ROOT, 0) != 1)
		return;
	done[3]++;
	IS(t_map((uint64_t)page, pfn, EXO_MAP_WRITE), 1);
	for (unsigned n = 0; n < 200; n++) {
		IS(page[0], 0);
		exo_relax();
	}
	IS(t_unmap((uint64_t)page), 1);
	t_release(pfn, 1);
}

/* What takes back what the kernel remembers about rights, tables and limits. */
static void
disturb(struct t_child *c, uint64_t *seed)
{
	struct exo_map map = { .va = T_VA + draw(seed) % FOUGHT * PAGE,
		.pfn = first + draw(seed) % FOUGHT,
		.op = EXO_OP_MAP | EXO_MAP_WRITE,
		.key = K_ROOT };

	switch (draw(seed) % 5) {
	case 0:
		take(first + draw(seed) % FOUGHT);
		break;
	case 1:
		exo_map(c->id, &map, 1,
			K_ROOT); /* between two of its own, and out of the tree again */
		break;
	case 2:
		exo_key_drop(K_FREE, 1);
		exo_key_copy(K_ROOT, 1, exo_self(), K_FREE, K_ROOT);
		break;
	case 3:
		OK(exo_account_limit(c->account, 1, K_ROOT));
		OK(exo_account_limit(c->account, -1, K_ROOT));
		break;
	default:
		exo_frame_mark(first + draw(seed) % FOUGHT, 1, EXO_FRAME_TAG(7), 0, K_ROOT);
		break;
	}
}

TEST(both_and_whoever_has_the_key)
{
	uint64_t seed = t_arg("seed", 1) + 99;
	struct t_child c;

	if (exo_info()->cpus == 1)
		return;
	done[3] = 0;
	first = exo_frame_find(0, 1000) + 900;
	if (!fighter(&c, fights, fights))
		return;
	go = 1;
	soon(&done[1], 1);
	for (unsigned round = 0; round < 400 && !t_failed(); round++)
		disturb(&c, &seed);
	for (unsigned round = 0; done[3] == 0 && round < 100000; round++)
		take(first + draw(&seed) % FOUGHT);
	CHECK(done[3] > 0);
	/* Left to themselves, so that both are at it at once as often as can be. */
	soon(&done[1], done[1] + ALONE);
	soon(&done[2], LAST == 1 ? 0 : ALONE);
	exo_key_drop(K_FREE, 1);
	fighter_end(&c);
	for (unsigned n = 0; n < FOUGHT; n++)
		CHECK(exo_frame(first + n)->nmaps == 0);
}

/* It ends itself where it runs, as often as it can, while its frames are shot from under it. */
TEST(ends_itself_on_both_while_shot)
{
	uint64_t seed = t_arg("seed", 1) + 5;
	struct t_child c;

	if (exo_info()->cpus == 1)
		return;
	first = exo_frame_find(0, 1000) + 900;
	for (unsigned round = 0; round < 10 && !t_failed(); round++) {
		uint64_t until = exo_now_ns() + T_PATIENCE_NS;

		if (!fighter(&c, fights, fights))
			return;
		go = 1;
		soon(&done[1], 1 + draw(&seed) % 8);
		go = 2;
		while (exo_env(c.id)->state == EXO_ENV_ALIVE && exo_now_ns() < until)
			take(first + draw(&seed) % FOUGHT);
		IS(exo_env(c.id)->state, EXO_ENV_DEAD);
		fighter_end(&c);
	}
}

#define FILLERS 20u			/* frames claimed in the call that lets one go */

/* One page let go of early in a long call, while the other CPU writes to it. */
static void
lets_go(uint64_t arg)
{
	struct exo_map vec[1 + FILLERS];

	for (unsigned n = 0; n <= FILLERS; n++)
		vec[n] = (struct exo_map){ .va = T_VA + n * PAGE, .pfn = first + n, .key = 1,
			.op = EXO_OP_MAP | EXO_MAP_WRITE | EXO_MAP_CLAIM };
	while (!go)
		exo_relax();
	while (go == 1) {
		const uint64_t written = done[2];

		vec[0].op = EXO_OP_MAP | EXO_MAP_WRITE | EXO_MAP_CLAIM;
		if (exo_map(exo_self(), vec, 1, 0) != 1)
			continue;
		while (done[2] < written + 2 && go == 1)
			exo_relax();
		vec[0].op = EXO_OP_UNMAP | EXO_MAP_RELEASE;
		exo_map(exo_self(), vec, 1 + FILLERS, 0);
		for (unsigned n = 1; n <= FILLERS; n++) {
			struct exo_map m = { .va = T_VA + n * PAGE, .key = 1,
				.op = EXO_OP_UNMAP | EXO_MAP_RELEASE };

			exo_map(exo_self(), &m, 1, 0);
		}
		done[arg]++;
	}
	exo_wait_for(NULL, 0, 0, 0);
}

static void
writes(uint64_t arg)
{
	exo_on_exception(fault_over);
	while (!go)
		exo_relax();
	while (go == 1)
		if (t_touch_write(T_VA, 0xbad0bad0) == 0)
			done[arg]++;
	exo_wait_for(NULL, 0, 0, 0);
}

/* As any program claims it, by a part of the lock: it is nobody else's then. */
static void
snatch(uint64_t until)
{
	const uint64_t va = T_VA + 0x40000;
	volatile uint64_t *page = (volatile uint64_t *)va;

	while (exo_frame(first)->account == 0 && exo_now_ns() < until)
		exo_relax();		/* so that they have it, too */
	while (exo_frame(first)->account != 0 && exo_now_ns() < until)
		exo_relax();
	if (t_map_op(exo_self(), va, first, EXO_OP_MAP | EXO_MAP_WRITE | EXO_MAP_CLAIM, K_ROOT,
		    0) != 1)
		return;
	done[3]++;
	for (unsigned n = 0; n < 1000; n++)
		if (!IS(page[0], 0))
			break;
	IS(t_map_op(exo_self(), va, 0, EXO_OP_UNMAP | EXO_MAP_RELEASE, K_ROOT, 0), 1);
}

TEST(claimed_when_all_have_forgotten)
{
	const uint64_t enough = exo_now_ns() + 1000000000, until = enough + T_PATIENCE_NS;
	struct t_child c;

	if (LAST < 2)
		return;
	done[3] = 0;
	first = exo_frame_find(0, 1000) + 900;
	if (!fighter(&c, lets_go, writes))
		return;
	go = 1;
	/* On a busy host a round takes long: at least one, and as many as come in a second. */
	while (done[3] < ALONE && !t_failed() && exo_now_ns() < (done[3] ? enough : until))
		snatch(until);
	CHECK(done[3] > 0);
	fighter_end(&c);
}

/* Wakes that nobody needs, from all sides, at one that sleeps and one that works: both get on. */
static void
floods(uint64_t arg)
{
	while (go < 2) {
		for (uint32_t cpu = 0; cpu < exo_info()->cpus; cpu++)
			exo_wake(cpu);
		done[arg]++;
	}
	exo_wait_for(NULL, 0, 0, 0);
}

static void
sleeps(uint64_t arg)
{
	struct exo_term term = { .mask = ~0ull, .cmp = EXO_NE, .key = 1 };

	while (!go)
		exo_relax();
	term.where = EXO_PTE_PFN(exo_pte((uint64_t)&go)) * PAGE + (uint64_t)&go % PAGE;
	for (;;) {
		uint64_t deadline = exo_now_ns() + 1000000;

		term.value = 1;
		exo_wait_for(&term, 1, deadline, 0);
		done[arg]++;
	}
}

TEST(floods_of_wakes)
{
	struct t_child flood, sleeper;

	if (exo_info()->cpus == 1)
		return;
	go = done[1] = done[2] = 0;
	if (!t_child_on(&sleeper, 1, sleeps, 1) || !t_give(&sleeper, K_ROOT, 1))
		return;
	if (LAST > 1 && !t_child_on(&flood, LAST, floods, 2))
		return;
	go = 1;
	for (unsigned n = 0; n < 3000; n++)
		exo_wake(1);
	soon(&done[1], 3);		/* its deadlines come, however often it was woken before */
	if (LAST > 1) {
		soon(&done[2], 10);
		t_reap(&flood);
	}
	go = 2;
	soon(&done[1], done[1] + 2);	/* and the word that it waits for is seen */
	t_reap(&sleeper);
}
