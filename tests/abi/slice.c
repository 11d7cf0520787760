/* SPDX-License-Identifier: ISC */
/* slice_claim, slice_release, slice_pass, park, wait; ends of slices, forfeits, idle. */
#include "t.h"

static volatile uint64_t got[8];

static void
counts(uint64_t arg)
{
	for (;;) {
		got[arg]++;
		exo_yield(0);
	}
}

static void
spins(uint64_t arg)
{
	for (;;)
		got[arg]++;
}

TEST(slice_calls)
{
	struct t_child c;
	uint32_t index = exo_slice_find(0);

	if (!t_child(&c, counts, 0, 0))
		return;
	ERR(exo_slice_claim(exo_info()->cpus, index, c.id, 0, K_ROOT, 0), RANGE);
	ERR(exo_slice_claim(~0u, index, c.id, 0, K_ROOT, 0), RANGE);
	ERR(exo_slice_claim(0, EXO_SLICES_CPU, c.id, 0, K_ROOT, 0), RANGE);
	ERR(exo_slice_claim(0, ~0u, c.id, 0, K_ROOT, 0), RANGE);
	ERR(exo_slice_claim(0, index, c.id + 0x10000, 0, K_ROOT, 0), STALE);
	ERR(exo_slice_claim(0, 0, c.id, 0, K_ROOT, 0), TAKEN);
	ERR(exo_slice_claim(0, index, c.id, 0, K_NONE, 0), KEY);
	ERR(exo_slice_claim(0, index, c.id, 0, K_NOTHING, 0), RIGHTS);
	ERR(exo_slice_claim(0, index, c.id, 0, K_CONTROL, 0), RIGHTS);
	ERR(exo_slice_claim(0, index, c.id, EXO_GUARD(c.account, 0), K_ROOT, K_ROOT), ABSENT);
	OK(exo_slice_claim(0, index, c.id, 0, K_WRITE, 0));
	IS(exo_slice(0, index)->owner, c.id);

	ERR(exo_slice_pass(exo_info()->cpus, index, c.id, K_ROOT), RANGE);
	ERR(exo_slice_pass(0, EXO_SLICES_CPU, c.id, K_ROOT), RANGE);
	ERR(exo_slice_pass(0, index + 1, c.id, K_ROOT), ABSENT);
	ERR(exo_slice_pass(0, index, c.id + 0x10000, K_ROOT), STALE);
	ERR(exo_slice_pass(0, index, exo_self(), K_NONE), KEY);
	ERR(exo_slice_pass(0, index, exo_self(), K_WRITE), RIGHTS);
	OK(exo_slice_pass(0, index, exo_self(), K_CONTROL));
	IS(exo_slice(0, index)->owner, exo_self());
	OK(exo_slice_pass(0, index, c.id, K_NONE));	/* one's own: no key */
	ERR(exo_slice_release(0, index, K_NONE), KEY);
	ERR(exo_slice_release(0, index, K_WRITE), RIGHTS);
	ERR(exo_slice_release(0, EXO_SLICES_CPU, K_ROOT), RANGE);
	ERR(exo_slice_release(exo_info()->cpus, index, K_ROOT), RANGE);
	ERR(exo_slice_release(0, index + 1, K_ROOT), ABSENT);
	OK(exo_slice_release(0, index, K_CONTROL));
	ERR(exo_slice_release(0, index, K_ROOT), ABSENT);
	OK(exo_env_destroy(c.id, 0, K_ROOT));
	ERR(exo_slice_claim(0, index, c.id, 0, K_ROOT, 0), DEAD);
	ERR(exo_slice_pass(0, 0, c.id, K_ROOT), DEAD);
	t_reap(&c);
}

TEST(guarded_slice)
{
	struct exo_key entries[EXO_GUARD_KEYS] = { t_key(EXO_C, "Z") };
	exo_pfn guards = t_claim(1);
	uint32_t index = exo_slice_find(0);

	OK(exo_guard_create(EXO_GUARD(guards, 0), entries, K_ROOT));
	ERR(exo_slice_claim(0, index, exo_self(), EXO_GUARD(guards, 0), K_ROOT, K_WRITE), RIGHTS);
	OK(exo_slice_claim(0, index, exo_self(), EXO_GUARD(guards, 0), K_ROOT, K_ROOT));
	OK(exo_slice_release(0, index, K_NOTHING));
	OK(exo_guard_free(EXO_GUARD(guards, 0), K_ROOT));
	t_release(guards, 1);
}

/* The host may stop the machine for longer than a slice: what must happen may take some turns. */
static bool
progress(exo_envid to)
{
	uint64_t before = got[0];

	for (unsigned turn = 0; turn < 1000; turn++) {
		exo_yield(to);
		if (got[0] > before)
			return true;
	}
	return false;
}

TEST(round_robin)
{
	struct t_child c[3];

	for (unsigned n = 0; n < 3; n++) {
		got[n] = 0;
		if (!t_child(&c[n], counts, n, 0) || !t_start(&c[n]))
			return;
	}
	for (unsigned turn = 0; turn < 100; turn++)
		exo_yield(0);
	for (unsigned n = 0; n < 3; n++) {
		if (got[n] < 90 || got[n] > 110)
			t_fail("child %u ran %lu times", n, (unsigned long)got[n]);
		t_reap(&c[n]);
	}
}

/* Without an epilogue, a spinner is taken off by force at the end of its slice and goes on later. */
TEST(forced_switch)
{
	struct t_child c;

	got[0] = 0;
	if (!t_child(&c, spins, 0, 0) || !t_start(&c))
		return;
	CHECK(progress(c.id));
	CHECK(progress(0));
	IS(exo_env(c.id)->state, EXO_ENV_ALIVE);
	t_reap(&c);
}

static void
polite(uint64_t arg)
{
	exo_on_epilogue(exo_epilogue_yield);
	for (;;)
		got[arg]++;
}

TEST(epilogue)
{
	struct t_child c;

	got[0] = 0;
	if (!t_child(&c, polite, 0, 0) || !t_start(&c))
		return;
	for (unsigned turn = 0; turn < 10; turn++)
		CHECK(progress(0));
	CHECK(exo_env(c.id)->upcalls >= 10);
	IS(exo_env(c.id)->state, EXO_ENV_ALIVE);
	t_reap(&c);
}

static void
ignores(struct exo_save *context)
{
	(void)context;
	got[1]++;
	for (;;)
		got[0]++;
}

static void
impolite(uint64_t arg)
{
	(void)arg;
	exo_on_epilogue(ignores);
	for (;;)
		;
}

/* An epilogue that never yields: charged, and in the end destroyed. */
TEST(excess)
{
	struct t_child c;

	got[0] = got[1] = 0;
	if (!t_child(&c, impolite, 0, 0) || !t_start(&c))
		return;
	IS(t_wait(&c), EXO_DEAD_EXCESS);
	t_reap(&c);
}

static void
stays_critical(uint64_t arg)
{
	(void)arg;
	exo_on_epilogue(exo_epilogue_yield);
	exo_critical_enter();
	for (;;)
		got[0]++;
}

TEST(excess_in_a_critical_section)
{
	struct t_child c;

	if (!t_child(&c, stays_critical, 0, 0) || !t_start(&c))
		return;
	IS(t_wait(&c), EXO_DEAD_EXCESS);
	t_reap(&c);
}

/* ---- waiting ---- */

static int64_t
wait1(struct exo_term term, uint64_t deadline)
{
	return exo_wait_for(&term, 1, deadline, 0);
}

TEST(deadlines)
{
	uint64_t then = exo_now_ns();

	IS(exo_wait_for(NULL, 0, then + 3000000, 0), EXO_WOKE_DEADLINE);
	CHECK(exo_now_ns() >= then + 3000000);
	IS(exo_wait_for(NULL, 0, 1, 0), EXO_WOKE_DEADLINE);
	then = exo_cpu(0)->idle_ns;
	IS(exo_wait_for(NULL, 0, exo_now_ns() + 20000000, 0), EXO_WOKE_DEADLINE);
	CHECK(exo_cpu(0)->idle_ns > then + 10000000);
}

TEST(predicates)
{
	exo_pfn pfn = t_claim(1);
	uint64_t at = pfn * EXO_PAGE_BYTES;
	struct exo_term terms[3] = {
		{ .where = at, .mask = ~0ull, .value = 5, .cmp = EXO_EQ, .key = K_READ, .tag = 1 },
		{ .where = at + 8,
			.mask = 0xff,
			.value = 3,
			.cmp = EXO_GT,
			.key = K_READ,
			.tag = 2 },
		{ .where = EXO_INFO,
			.mask = ~0ull,
			.value = EXO_MAGIC,
			.cmp = EXO_NE,
			.tag = 3,
			.flags = EXO_TERM_OR },
	};
	volatile uint64_t *word = (volatile uint64_t *)T_VA;
	uint64_t soon;

	IS(t_map(T_VA, pfn, EXO_MAP_WRITE), 1);
	word[0] = 5;
	word[1] = 0x104;
	IS(exo_wait_for(terms, 3, 0, 0), 1);
	word[1] = 0x103;
	soon = exo_now_ns() + 2000000;
	IS(exo_wait_for(terms, 3, soon, 0), EXO_WOKE_DEADLINE);
	terms[2].cmp = EXO_EQ;
	IS(exo_wait_for(terms, 3, 0, 0), 3);
	terms[0].cmp = EXO_LE;
	terms[0].value = 4;
	IS(exo_wait_for(terms, 1, exo_now_ns() + 1000000, 0), EXO_WOKE_DEADLINE);
	terms[0].cmp = EXO_GE;
	IS(exo_wait_for(terms, 1, 0, 0), 1);
	terms[0].cmp = EXO_LT;
	terms[0].value = 6;
	IS(exo_wait_for(terms, 1, 0, 0), 1);
	IS(t_unmap(T_VA), 1);
	t_release(pfn, 1);
}

TEST(wait_errors)
{
	exo_pfn pfn = t_claim(1), free_pfn = exo_frame_find(0, 1);
	struct exo_term good = { .where = pfn * EXO_PAGE_BYTES, .mask = 0, .value = 0,
					.cmp = EXO_EQ, .key = K_ROOT, .tag = 9 }, bad;
	static struct exo_term many[EXO_TERMS_MAX + 1];

	IS(wait1(good, 1), 9);
	for (unsigned n = 0; n <= EXO_TERMS_MAX; n++)
		many[n] = good;
	IS(exo_wait_for(many, EXO_TERMS_MAX, 1, 0), 9);
	ERR(exo_wait_for(many, EXO_TERMS_MAX + 1, 1, 0), ARG);
	ERR(exo_wait_for(many, ~0ull, 1, 0), ARG);
	ERR(exo_wait_for((void *)T_VA, 1, 1, 0), FAULT);
	ERR(exo_wait_for((void *)0xffff800000000000, 1, 1, 0), FAULT);
	bad = good, bad.cmp = 6;
	ERR(wait1(bad, 1), ARG);
	bad = good, bad.spare = 1;
	ERR(wait1(bad, 1), ARG);
	bad = good, bad.flags = 2;
	ERR(wait1(bad, 1), ARG);
	bad = good, bad.where += 4;
	ERR(wait1(bad, 1), ALIGN);
	bad = good, bad.where = exo_info()->frames * EXO_PAGE_BYTES;
	ERR(wait1(bad, 1), RANGE);
	bad = good, bad.where = 0xffff800000000000;
	ERR(wait1(bad, 1), RANGE);
	bad = good, bad.where = EXO_VPT;
	ERR(wait1(bad, 1), RANGE);
	bad = good, bad.where = EXO_TABLES_END;
	ERR(wait1(bad, 1), RANGE);
	bad = good, bad.where = EXO_TABLES_END - 8;
	ERR(wait1(bad, 1), RANGE);
	bad = good, bad.where = EXO_FRAMES + exo_info()->table[EXO_T_FRAMES].count * 32 + 0x200000;
	ERR(wait1(bad, 1), RANGE);
	bad = good, bad.where = free_pfn * EXO_PAGE_BYTES;
	CHECK(wait1(bad, 1) < 0);
	t_release(pfn, 1);
}

/* A child has no keys: it may watch its own account's frames and the tables, nothing else. */
static void
watches(uint64_t pfn)
{
	struct exo_term term = { .where = pfn * EXO_PAGE_BYTES, .cmp = EXO_EQ };

	t_exit((uint64_t)-wait1(term, 1));
}

TEST(watching_others)
{
	exo_pfn pfn = t_claim(1);

	struct t_child c;

	IS(t_run(watches, pfn), T_EXIT(EXO_EKEY));
	if (!t_child(&c, watches, pfn, 0) || !t_give(&c, K_NOTHING, 0) || !t_start(&c))
		return;
	IS(t_wait(&c), T_EXIT(EXO_ERIGHTS));
	t_reap(&c);
	t_release(pfn, 1);
}

static volatile uint64_t woke_with;

static void
waits_on_frame(uint64_t pfn)
{
	struct exo_term term = { .where = pfn * EXO_PAGE_BYTES, .mask = ~0ull, .value = 1,
					.cmp = EXO_EQ, .tag = 4 };

	got[0] = 1;
	woke_with = (uint64_t)wait1(term, 0);
	t_exit(1);
}

/* The frame that is watched is taken away: the term becomes true. */
TEST(frame_lost_while_waiting)
{
	exo_pfn pfn = t_claim(1);
	struct t_child c;

	got[0] = woke_with = 0;
	if (!t_child(&c, waits_on_frame, pfn, 0) || !t_give(&c, K_READ, 0) || !t_start(&c))
		return;
	t_until(&got[0], EXO_EQ, 1);
	t_settle(c.id);
	IS(woke_with, 0);
	t_release(pfn, 1);
	IS(t_wait(&c), T_EXIT(1));
	IS(woke_with, EXO_WOKE_TAG | 4);
	t_reap(&c);
}

/* A directed yield gives the rest of this slice: the child runs though it has none. */
TEST(directed_yield)
{
	struct t_child c;

	got[2] = 0;
	if (!t_child(&c, counts, 2, 0))
		return;
	CHECK(t_turns(c.id, &got[2], 1));
	CHECK(t_turns(c.id, &got[2], 2));
	IS(exo_yield(c.id), EXO_WOKE_SLICE);
	OK(exo_env_destroy(c.id, 0, K_ROOT));
	IS(exo_yield(c.id), EXO_WOKE_SLICE);
	t_reap(&c);
	IS(exo_yield(c.id), EXO_WOKE_SLICE);
	IS(exo_yield(~0ull), EXO_WOKE_SLICE);
}

/* Vector registers belong to whoever used them last; nobody sees another's. */
static void
vector_child(uint64_t arg)
{
	uint64_t value;

	__asm__ volatile("movq %%xmm3, %0" : "=r"(value));
	if (value != 0)
		t_exit(1);
	for (unsigned round = 0; round < 10; round++) {
		__asm__ volatile("movq %0, %%xmm3; movq %0, %%xmm15" : : "r"(arg + round));
		exo_yield(0);
		__asm__ volatile("movq %%xmm15, %0" : "=r"(value));
		if (value != arg + round)
			t_exit(2);
	}
	t_exit(0);
}

TEST(wake)
{
	OK(exo_wake(0));
	ERR(exo_wake(exo_info()->cpus), RANGE);
	ERR(exo_wake(~0u), RANGE);
}

TEST(vector_state)
{
	struct t_child c[3];
	uint64_t value = 0x1234567, after;

	__asm__ volatile("movq %0, %%xmm3" : : "r"(value));
	for (unsigned n = 0; n < 3; n++) {
		if (!t_child(&c[n], vector_child, n << 8 | 1, 0) || !t_start(&c[n]))
			return;
	}
	for (unsigned n = 0; n < 3; n++) {
		IS(t_wait(&c[n]), T_EXIT(0));
		t_reap(&c[n]);
	}
	__asm__ volatile("movq %%xmm3, %0" : "=r"(after));
	IS(after, value);
}

/* ---- many who sleep --------------------------------------------------------------------- */

#define SLEEPERS 500u
#define SPAN_SLICES 20u

static void
sleeps(uint64_t arg)
{
	struct exo_term never = { .where = (uint64_t)&exo_info()->deaths, .mask = ~0ull,
		.value = ~0ull, .cmp = EXO_EQ };

	got[arg]++;
	exo_wait_for(&never, 1, 0, 0);
	got[arg]++;
}

static uint64_t
work_done(void)
{
	const uint64_t until = exo_now_ns() + SPAN_SLICES * exo_info()->slice_ns;
	uint64_t done = 0;

	while (exo_now_ns() < until)
		done++;
	return done;
}

/* In each round all their predicates are looked at; an instruction takes a nanosecond here. */
TEST(sleepers_cost_others_little)
{
	struct t_child c;
	uint64_t alone, among;
	uint32_t first;

	got[0] = 0;
	if (!t_child(&c, sleeps, 0, 0) || !t_start(&c))
		return;
	while (got[0] == 0)
		exo_yield(c.id);
	first = exo_slice_find(0);
	alone = work_done();
	for (uint32_t n = 0; n < SLEEPERS; n++)
		OK(exo_slice_claim(0, first + n, c.id, 0, K_ROOT, 0));
	among = work_done();
	IS(got[0], 1);
	if (exo_info()->cpus == 1)
		CHECK(among >= alone - alone / 100);
	t_reap(&c);
}
