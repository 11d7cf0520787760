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

/* A round of the vector from each of its slices: all, each once, in order. */
static void
test_round(void)
{
	bool all = true;

	for (u32 start = 0; start < EXO_SLICES_CPU; start++) {
		u32 expected = start, seen = 0;

		for (u32 n = 0; n < SCAN_WORDS; n++) {
			u32 index = 0;
			u64 word = scan_word(start, n, &index);

			for (; word != 0; word &= word - 1, seen++) {
				all = all && index * 64 + (u32)__builtin_ctzll(word) == expected;
				expected = (expected + 1) % EXO_SLICES_CPU;
			}
		}
		all = all && seen == EXO_SLICES_CPU;
	}
	holds("a round goes over each slice once, in order", all);
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
	test_round();
	return fake_end();
}
