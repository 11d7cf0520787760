/* SPDX-License-Identifier: ISC */
/* Two that help each other to more of the processor than their slices. */
#include "t.h"

static volatile uint64_t partner, over, rounds, lies, told, told_at;

/* ---- what is left of the grace is given away: who parks in time pays nothing ---- */

static void
never_done(exo_envid caller, struct exo_msg *m)
{
	(void)caller;
	(void)m;
	for (;;)
		rounds++;
}

static void
serves_acalls(uint64_t arg)
{
	(void)arg;
	exo_on_acall(never_done);
	over = 1;
	for (;;)
		exo_wait_for(NULL, 0, 0, 0);
}

static void
gives_grace(struct exo_save *context)
{
	struct exo_msg m = { .rsi = 0 };

	(void)context;
	exo_acall(partner, &m);
}

static void
spins(uint64_t arg)
{
	(void)arg;
	exo_on_epilogue(gives_grace);
	for (;;)
		over++;
}

TEST(grace_given_away)
{
	struct t_child a, b;
	uint64_t before;

	over = rounds = 0;
	if (!t_child(&b, serves_acalls, 0, 0) || !t_child(&a, spins, 0, 0))
		return;
	partner = b.id;
	CHECK(t_turns(b.id, &over, 1));
	t_settle(b.id);
	before = exo_env(b.id)->run_ns;
	t_start(&a);
	exo_wait_for(NULL, 0, exo_now_ns() + 100000000, 0);
	CHECK(over > 1);
	IS(rounds, 0);
	CHECK(exo_env(b.id)->run_ns - before < 1000000);
	t_reap(&a);
	t_reap(&b);
}

/* ---- the one who is told returns at once to who was not ---- */

static void
yields_to_none(struct exo_save *context)
{
	(void)context;
	told_at = exo_now_ns();
	told++;			/* and the caller is returned to as soon as this is over */
}

static void
until_told(exo_envid caller, struct exo_msg *m)
{
	(void)caller;
	/* Told of the last slice's end as it returned: of this one's it has not been yet. */
	__atomic_fetch_and(&exo_uarea()->pending, ~(1u << EXO_ENTRY_EPILOGUE), __ATOMIC_SEQ_CST);
	while (exo_now_ns() < m->rsi)
		;
}

static void
serves_calls(uint64_t arg)
{
	(void)arg;
	exo_on_epilogue(yields_to_none);
	exo_on_call(until_told);
	over = 1;
	for (;;)
		exo_wait_for(NULL, 0, 0, 0);
}

static void
calls_at_the_end(uint64_t arg)
{
	const volatile uint64_t *end = &exo_uarea()->slice_end_ns;

	(void)arg;
	for (;;) {
		const uint64_t old = *end, before = told;
		struct exo_msg m = { .rsi = old + 50000 };

		while (exo_now_ns() < old - 100000 && *end == old)
			;
		if (*end != old || exo_call_once(partner, &m, 0) < 0)
			continue;
		/* Still the same slice, though its end was told?  (The interrupt that tells it may be late.) */
		if (told == before || told_at < old)
			continue;
		rounds++;
		/* Past the grace it was taken off, and goes on in a slice of which `end` knows nothing. */
		lies += *end == old && exo_now_ns() < old + exo_info()->grace_ns;
	}
}

TEST(returned_to_in_the_grace)
{
	struct t_child a, b;

	over = rounds = lies = told = 0;
	if (!t_child(&b, serves_calls, 0, 0) || !t_child(&a, calls_at_the_end, 0, 0))
		return;
	partner = b.id;
	CHECK(t_turns(b.id, &over, 1));
	t_settle(b.id);
	t_start(&a);
	t_until(&rounds, EXO_GT, 20);
	IS(lies, 0);
	t_reap(&a);
	t_reap(&b);
}

/* ---- a yield is a present: it destroys nobody who has no prologue, and serves by transfers alone ---- */

static void
echoes(exo_envid caller, struct exo_msg *m)
{
	(void)caller;
	m->rsi++;
	rounds++;
}

static void
serves_only(uint64_t arg)
{
	(void)arg;
	exo_on_call(echoes);
	exo_uarea()->entry[EXO_ENTRY_PROLOGUE] = 0;
	over = 1;
	exo_park(0);
}

static void
yields_to_partner(uint64_t arg)
{
	(void)arg;
	for (unsigned n = 0; n < 10; n++)
		exo_yield(partner);
	t_exit(0);
}

TEST(yield_to_a_server)
{
	struct exo_msg m = { .rsi = 1 };
	struct t_child server;

	over = rounds = 0;
	if (!t_child(&server, serves_only, 0, 0))
		return;
	partner = server.id;
	CHECK(t_turns(server.id, &over, 1));
	IS(t_run(yields_to_partner, 0), T_EXIT(0));
	IS(exo_env(server.id)->state, EXO_ENV_ALIVE);
	OK(exo_call_once(server.id, &m, 0));
	IS(m.rsi, 2);
	t_reap(&server);
}
