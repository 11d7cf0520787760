/* SPDX-License-Identifier: ISC */
/*
 * Several processors: activations of one environment at once, slices and
 * sleep of each, and what one processor does to who runs on another.  On a
 * machine with one, what needs two passes without a look.
 */
#include "smp.h"

static uint64_t sum;

TEST(cpus_there)
{
	uint32_t cpus = exo_info()->cpus;

	IS(cpus, t_arg("cpus", 1));
	IS(exo_info()->table[EXO_T_CPUS].count, cpus);
	IS(exo_info()->table[EXO_T_SLICES].count, cpus * EXO_SLICES_CPU);
	ERR(exo_wake(cpus), RANGE);
	ERR(exo_slice_claim(cpus, 0, exo_self(), 0, K_ROOT, 0), RANGE);
	for (uint32_t cpu = 0; cpu < cpus; cpu++)
		OK(exo_wake(cpu));
	for (uint32_t cpu = 1; cpu < cpus; cpu++)
		SOON(exo_cpu(cpu)->idle == 1);
	IS(exo_cpu(0)->idle, 0);
}

/* ---- activations ---- */

static void
meets(uint64_t arg)
{
	uint32_t cpu = exo_uarea()->cpu;

	(void)arg;
	count(&word[0]);
	while (word[0] < exo_info()->cpus)
		exo_relax();
	word[8 + cpu] = cpu + 1;
	for (unsigned n = 0; n < 10000; n++)
		__atomic_add_fetch(&sum, 1, __ATOMIC_RELAXED);
	count(&word[1]);
	exo_wait_for(NULL, 0, 0, 0);
}

TEST(one_environment_everywhere)
{
	uint32_t cpus = exo_info()->cpus;
	struct t_child c;

	sum = 0;
	if (single())
		return;
	if (!t_child(&c, meets, 0, 2 * cpus) || !t_start(&c))
		return;
	for (uint32_t cpu = 1; cpu < cpus; cpu++)
		t_start_on(&c, cpu, meets, 0);
	while (word[1] < cpus && exo_yield(c.id) >= 0)
		;
	IS(word[1], cpus);
	IS(sum, cpus * 10000);
	for (uint32_t cpu = 0; cpu < cpus; cpu++)
		IS(word[8 + cpu], cpu + 1);
	t_reap(&c);
}

static void
vectors(uint64_t arg)
{
	uint64_t mine = arg, seen;

	__asm__ volatile("movq %0, %%xmm7" : : "r"(mine));
	for (unsigned n = 0; n < 200; n++) {
		exo_yield(0);
		__asm__ volatile("movq %%xmm7, %0" : "=r"(seen));
		word[2] += seen != mine;
	}
	count(&word[1]);
	exo_wait_for(NULL, 0, 0, 0);
}

TEST(vector_registers_of_each_cpu)
{
	struct t_child c;

	if (single())
		return;
	if (!t_child_on(&c, LAST, vectors, 0x1111))
		return;
	for (uint32_t cpu = 1; cpu < LAST && cpu < 3; cpu++)
		if (OK(exo_account_limit(c.account, 2, K_ROOT)))
			t_start_on(&c, cpu, vectors, 0x2222 * cpu);
	SOON(word[1] == (LAST > 2 ? 3 : LAST));
	IS(word[2], 0);
	t_reap(&c);
}

static void
counts(uint64_t arg)
{
	for (;;)
		word[arg]++;
}

TEST(slices_of_another_cpu)
{
	struct t_child a, b;

	if (single())
		return;
	if (!t_child_on(&a, LAST, counts, 0) || !t_child_on(&b, LAST, counts, 1))
		return;
	SOON(word[0] > 1000 && word[1] > 1000);
	SOON(exo_cpu(LAST)->running == a.id);
	SOON(exo_cpu(LAST)->running == b.id);
	CHECK(exo_slice(LAST, a.slice)->used > 0);
	CHECK(exo_env(a.id)->run_ns > 0);
	OK(exo_slice_release(LAST, a.slice, K_ROOT));
	SOON(stands(&word[0]));
	moves(&word[1]);
	OK(exo_slice_pass(LAST, b.slice, a.id, K_ROOT));
	SOON(stands(&word[1]));
	moves(&word[0]);
	t_reap(&a);
	t_reap(&b);
	SOON(exo_cpu(LAST)->idle);
	IS(exo_cpu(LAST)->running, 0);
}

/* ---- waiting ---- */

/* Waits for word[3] to count on, and says how far it saw it. */
static void
waits(uint64_t arg)
{
	(void)arg;
	await_keys();
	for (uint64_t seen = 0;; word[4] = ++seen) {
		struct exo_term term = { .where = frame_address(&word[3]), .mask = ~0ull,
			.value = seen, .cmp = EXO_GT, .key = 1, .tag = 1 };

		while (exo_wait_for(&term, 1, 0, 0) == EXO_WOKE_SLICE)
			;
	}
}

TEST(who_sleeps_is_woken)
{
	struct t_child c;

	if (single())
		return;
	if (!t_child_on(&c, LAST, waits, 0) || !give_keys(&c))
		return;
	for (uint64_t n = 1; n <= 50; n++) {
		if (n % 2)
			SOON(exo_cpu(LAST)->idle);
		word[3] = n;
		exo_changed(NULL);
		SOON(word[4] == n);
	}
	t_reap(&c);
}

/* Turn and turn about, each wakes the other: nothing may be lost between looking and sleeping. */
static void
answers(uint64_t arg)
{
	(void)arg;
	await_keys();
	for (uint64_t turn = 1; turn < 4000; turn += 2) {
		struct exo_term term = { .where = frame_address(&word[5]), .mask = ~0ull,
			.value = turn, .cmp = EXO_GE, .key = 1, .tag = 1 };

		while (word[5] < turn)
			exo_wait_for(&term, 1, 0, 0);
		word[5] = turn + 1;
		exo_changed(NULL);
	}
	exo_wait_for(NULL, 0, 0, 0);
}

TEST(no_wake_is_lost)
{
	struct t_child c;

	if (single())
		return;
	if (!t_child_on(&c, LAST, answers, 0) || !give_keys(&c))
		return;
	for (uint64_t turn = 0; turn < 4000 && !t_failed(); turn += 2) {
		word[5] = turn + 1;
		exo_changed(NULL);
		/* At times the sleeper's way, at times the spinner's. */
		if (turn % 8 == 0)
			t_until(&word[5], EXO_GE, turn + 2);
		else
			SOON(word[5] == turn + 2);
	}
	t_reap(&c);
}

/* ---- posting ---- */

static void
on_event(struct exo_save *context)
{
	(void)context;
	word[6] |= exo_posted();
}

static void
listens(uint64_t arg)
{
	exo_on_event(on_event);
	count(&word[0]);
	for (;;) {
		struct exo_term term = { .where = frame_address(&exo_uarea()->posted),
			.mask = ~0ull, .cmp = EXO_NE, .tag = 1 };

		if (arg)
			exo_wait_for(&term, 1, 0, 0);
	}
}

static void
holds_off(uint64_t arg)
{
	uint32_t before = exo_critical_enter();

	(void)arg;
	exo_on_event(on_event);
	word[0] = 1;
	while (word[1] == 0)
		exo_relax();
	word[2] = word[6];
	exo_critical_leave(before);
	word[3] = word[6];
	exo_wait_for(NULL, 0, 0, 0);
}

TEST(posts_across)
{
	struct t_child c;

	for (uint64_t parked = 0; parked < 2; parked++) {
		if (single())
			return;
		if (!t_child_on(&c, LAST, listens, parked))
			return;
		SOON(word[0] == 1);
		for (unsigned n = 0; n < 20; n++) {
			word[6] = 0;
			OK(exo_post(c.id, 1ull << n, K_ROOT));
			SOON(word[6] == 1ull << n);
		}
		t_reap(&c);
	}
	single();
	if (!t_child_on(&c, LAST, holds_off, 0))
		return;
	SOON(word[0] == 1);
	OK(exo_post(c.id, 4, K_ROOT));
	CHECK(stands(&word[6]));
	word[1] = 1;
	SOON(word[3] == 4);
	IS(word[2], 0);
	t_reap(&c);
}

/* ---- death ---- */

static void
in_kernel(uint64_t arg)
{
	for (;;) {
		word[arg]++;
		exo_frame_guard(0, 1, 0, 0, 0);
		exo_null();
	}
}

static void
in_critical(uint64_t arg)
{
	exo_critical_enter();
	counts(arg);
}

static void
yields(uint64_t arg)
{
	for (;;) {
		word[arg]++;
		exo_yield(0);
	}
}

static void
uses_vectors(uint64_t arg)
{
	for (;;) {
		word[arg]++;
		__asm__ volatile("movq %0, %%xmm3" : : "r"(arg));
	}
}

TEST(destroyed_from_elsewhere)
{
	static void (*const way[])(uint64_t) = { counts, in_kernel, in_critical, yields,
		uses_vectors };
	struct t_child c;

	for (unsigned n = 0; n < sizeof(way) / sizeof(way[0]); n++) {
		for (unsigned round = 0; round < 5; round++) {
			if (single())
				return;
			if (!t_child_on(&c, LAST, way[n], 1))
				return;
			SOON(word[1] > 100);
			OK(exo_env_destroy(c.id, 9, K_ROOT));
			/* Nothing of it runs any more. */
			CHECK(stands(&word[1]));
			IS(t_wait(&c), T_EXIT(9));
			t_reap(&c);
		}
	}
}

/* Two activations, and it ends itself in one of them. */
static void
ends(uint64_t arg)
{
	while (word[1] < 1000)
		exo_relax();
	if (arg == 1)
		t_exit(5);
	__builtin_trap();
}

TEST(ends_by_itself)
{
	struct t_child c;

	for (uint64_t how = 1; how < 3; how++) {
		if (single())
			return;
		if (!t_child_on(&c, LAST, counts, 1) ||
			!OK(exo_account_limit(c.account, 2, K_ROOT)) ||
			!t_start_on(&c, 0, ends, how))
			return;
		t_wait(&c);
		if (how == 1)
			IS(exo_env(c.id)->reason, T_EXIT(5));
		t_reap(&c);
		CHECK(stands(&word[1]));
	}
}

/* What it posts to itself both of its activations have; and each knows what it used itself. */
static void
hears(uint64_t arg)
{
	const volatile struct exo_uarea *u = exo_uarea();
	const uint64_t begun = exo_now_ns();

	word[1] = 1;
	while (arg == 2 && !(u->posted & 4))
		exo_relax();
	while (exo_now_ns() < begun + 20000000)
		exo_relax();
	if (arg == 1) {
		exo_post(exo_self(), 4, 0);
		word[2] = u->posted & 4;
		while (!word[3])
			exo_relax();
		exo_yield(0);
		word[4] = u->run_ns;
		t_exit(6);
	}
	exo_yield(0);
	word[3] = u->run_ns;
	for (;;)
		exo_yield(0);
}

TEST(posts_to_itself)
{
	struct t_child c;

	if (single())
		return;
	word[1] = word[2] = word[3] = word[4] = 0;
	if (!t_child_on(&c, LAST, hears, 2) || !OK(exo_account_limit(c.account, 2, K_ROOT)))
		return;
	SOON(word[1] == 1);
	if (!t_start_on(&c, 0, hears, 1))
		return;
	IS(t_wait(&c), T_EXIT(6));
	IS(word[2], 4);
	CHECK(word[3] > 0 && word[4] >= 10000000);
	CHECK(exo_env(c.id)->run_ns >= word[3] + word[4]);
	t_reap(&c);
}
