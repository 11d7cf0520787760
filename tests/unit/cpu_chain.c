/* SPDX-License-Identifier: ISC */
/* Who runs on a slice: following control transfers, deadlines, the dead, chains that are too long. */
// sources: kernel/cpu/chain.c kernel/cap/*.c kernel/mem/*.c tests/unit/lib/fake.c
#include "fake.h"
#include "../../kernel/cpu/cpu_priv.h"

#define LINKS (CHAIN_MAX + 2)

static struct env *env[LINKS];
static struct act act[LINKS];
static int holding;			/* the tag that predicate_holds gives */

int
predicate_holds(const struct act *waiter)
{
	must(waiter->nterms != 0);
	return holding;
}

/* All parked; `calling` of them, from the first, each wait on the next. */
static void
chain_of(unsigned calling)
{
	for (unsigned n = 0; n < LINKS; n++) {
		act[n] = (struct act){ .id = env[n]->id, .env = env[n], .state = ACT_PARKED };
		env[n]->act[0] = &act[n];
		envs[env[n]->slot].state = EXO_ENV_ALIVE;
	}
	for (unsigned n = 0; n < calling; n++) {
		act[n].state = ACT_CALLING;
		act[n].waiting_on = env[n + 1]->id;
	}
}

static struct chain
follow(u64 now) NO_TSA
{
	struct chain chain;

	chain_follow(&chain, &act[0], now);
	return chain;
}

static void
test_ends(void)
{
	struct chain chain;

	chain_of(0);
	holds("a parked owner runs itself", follow(5).act == &act[0] && follow(5).length == 0);
	chain_of(3);
	chain = follow(5);
	holds("the end of the chain runs", chain.act == &act[3] && chain.length == 3);
	gives("nobody's wait ends", chain.ends, 0);
	gives("it is told that its slice begins", (i64)chain.woke, EXO_WOKE_SLICE);
	act[3].state = ACT_FORCED;
	holds("one taken off by force continues", follow(5).act == &act[3]);
	chain_of(CHAIN_MAX);
	holds("the longest chain runs", follow(5).act == &act[CHAIN_MAX]);
	chain_of(CHAIN_MAX + 1);
	chain = follow(5);
	holds("one longer gives its head the slice", chain.act == &act[0] && chain.length == 0);
	gives("with an error", chain.ends, -EXO_ECYCLE);
}

static void
test_deaths(void)
{
	struct chain chain;

	chain_of(3);
	fake_die(env[3]);
	chain = follow(5);
	holds("a dead callee's caller runs", chain.act == &act[2] && chain.length == 2);
	gives("and hears of it", chain.ends, -EXO_EDEAD);
	envs[env[3]->slot].id += 0x10000;
	gives("also when the name is another's by now", follow(5).ends, -EXO_EDEAD);
	envs[env[3]->slot].id = env[3]->id;
}

static void
test_deadlines(void)
{
	struct chain chain;

	chain_of(3);
	act[1].call_deadline = 100;
	act[2].call_deadline = 90;
	holds("before a deadline the end runs", follow(89).act == &act[3]);
	chain = follow(90);
	holds("a caller past its deadline runs", chain.act == &act[2] && chain.length == 2);
	gives("and is told so", chain.ends, -EXO_ETIMEOUT);
	holds("of several the one nearest the head", follow(100).act == &act[1]);

	chain_of(2);
	act[0].call_deadline = 70;
	act[2].waiting = 1;
	chain = follow(5);
	holds("nobody runs when the end waits for ever", chain.act == NULL);
	gives("the CPU wakes for the callers' deadline", (i64)chain.wakes_at, 70);
	act[2].deadline = 60;
	gives("or for the waiter's, if it is earlier", (i64)follow(5).wakes_at, 60);
	chain = follow(60);
	holds("at which it runs", chain.act == &act[2]);
	gives("knowing why", (i64)chain.woke, EXO_WOKE_DEADLINE);
}

static void
test_predicates(void)
{
	chain_of(1);
	act[1].waiting = 1;
	act[1].nterms = 1;
	holding = -1;
	holds("one whose predicate does not hold stays", follow(5).act == NULL);
	holding = 17;
	gives("one whose predicate holds gets its tag", (i64)follow(5).woke, EXO_WOKE_TAG | 17);
	act[1].deadline = 1;
	gives("which counts for more than the deadline", (i64)follow(5).woke, EXO_WOKE_TAG | 17);
	act[1].state = ACT_FORCED;
	holding = -1;
	holds("a predicate that a call interrupted holds nobody up", follow(5).act == &act[1]);
}

static void
test_distance(void) NO_TSA
{
	chain_of(3);
	gives("distance to oneself", chain_distance(&act[0], &act[0]), 0);
	gives("distance along the chain", chain_distance(&act[0], &act[3]), 3);
	gives("nobody is on it backwards", chain_distance(&act[1], &act[0]), -1);
	gives("nor beyond its end", chain_distance(&act[0], &act[4]), -1);
	chain_of(CHAIN_MAX + 1);
	gives("nor beyond the limit", chain_distance(&act[0], &act[CHAIN_MAX + 1]), -1);
}

static void
test_slices(void)
{
	static struct cpu cpu;

	gives("an empty vector has no next slice", slice_after(&cpu, 5), -1);
	cpu.occupied[0] = 1ull << 7;
	gives("the next slice", slice_after(&cpu, 5), 7);
	gives("round the end", slice_after(&cpu, EXO_SLICES_CPU - 1), 7);
	gives("the only one follows itself", slice_after(&cpu, 7), 7);
	cpu.occupied[EXO_SLICES_CPU / 64 - 1] = 1ull << 63;
	gives("the last one", slice_after(&cpu, 7), EXO_SLICES_CPU - 1);
	gives("the first behind the last", slice_after(&cpu, EXO_SLICES_CPU - 1), 7);
	cpu.occupied[0] |= 1ull << 6;
	gives("one before in the same word comes last", slice_after(&cpu, 7), EXO_SLICES_CPU - 1);
}

int
main(void)
{
	fake_start();
	for (unsigned n = 0; n < LINKS; n++)
		env[n] = fake_env(10 + n, root_account);
	test_ends();
	test_deaths();
	test_deadlines();
	test_predicates();
	test_distance();
	test_slices();
	return fake_end();
}
