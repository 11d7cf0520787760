/* SPDX-License-Identifier: ISC */
/*
 * What processors cost each other, by the clock: a flush of the other's
 * translations, waking one that sleeps, a post, an end; and how work of its own
 * gets on with one and with two of them.  Needs a machine with two or more.
 */
#include "t.h"

#define SPAN_NS 300000000ull

extern const char t_fixup[];

static volatile uint64_t work[4][64];	/* a row of cache lines for each child */
static volatile uint64_t stop, ready, turn;
static void (*job)(uint64_t va);

static void
report(const char *name, uint64_t n)
{
	t_say("bench %s %lu", name, (unsigned long)n);
}

static uint64_t
median(uint64_t *took, unsigned count)
{
	for (unsigned n = 1; n < count; n++)
		for (unsigned k = n; k > 0 && took[k] < took[k - 1]; k--) {
			uint64_t other = took[k];

			took[k] = took[k - 1];
			took[k - 1] = other;
		}
	return took[count / 2];
}

/* ---- one upon the other ---------------------------------------------------------------- */

static void
spins(uint64_t arg)
{
	(void)arg;
	for (;;)
		work[0][0]++;
}

#define ROUNDS 501u
static uint64_t took[ROUNDS];

TEST(flush_of_the_other)
{
	exo_pfn frame = t_claim(1);
	struct t_child c;

	work[0][0] = 0;
	if (!t_child_on(&c, 1, spins, 0))
		return;
	while (work[0][0] == 0)
		exo_relax();
	for (unsigned n = 0; n < ROUNDS; n++) {
		t_map_op(c.id, T_VA, frame, EXO_OP_MAP, K_ROOT, K_ROOT);
		took[n] = exo_now_ns();
		t_map_op(c.id, T_VA, frame, EXO_OP_UNMAP, K_ROOT, K_ROOT);
		took[n] = exo_now_ns() - took[n];
	}
	report("smp-flush", median(took, ROUNDS));
	t_reap(&c);
	t_release(frame, 1);
}

static void
answers(uint64_t arg)
{
	struct exo_term term = { .mask = ~0ull, .cmp = EXO_GT, .key = 1 };

	(void)arg;
	while (!ready)
		exo_relax();
	term.where = EXO_PTE_PFN(exo_pte((uint64_t)&turn)) * EXO_PAGE_BYTES +
		(uint64_t)&turn % EXO_PAGE_BYTES;
	for (;;) {
		term.value = work[1][0];
		exo_wait_for(&term, 1, 0, 0);
		work[1][0] = turn;
	}
}

TEST(wake_of_the_other)
{
	struct t_child c;

	ready = turn = work[1][0] = 0;
	if (!t_child_on(&c, 1, answers, 0) || !t_give(&c, K_ROOT, 1))
		return;
	ready = 1;
	for (unsigned n = 0; n < ROUNDS; n++) {
		while (!exo_cpu(1)->idle)
			exo_relax();
		took[n] = exo_now_ns();
		turn++;
		exo_changed(NULL);
		while (work[1][0] != turn)
			exo_relax();
		took[n] = exo_now_ns() - took[n];
	}
	report("smp-wake", median(took, ROUNDS));
	t_reap(&c);
}

static void
on_event(struct exo_save *context)
{
	(void)context;
	exo_posted();
	work[2][0]++;
}

static void
listens(uint64_t arg)
{
	exo_on_event(on_event);
	spins(arg);
}

TEST(post_to_the_other)
{
	struct t_child c;

	work[0][0] = work[2][0] = 0;
	if (!t_child_on(&c, 1, listens, 0))
		return;
	while (work[0][0] == 0)
		exo_relax();
	for (unsigned n = 0; n < ROUNDS; n++) {
		uint64_t before = work[2][0];

		took[n] = exo_now_ns();
		exo_post(c.id, 1, K_ROOT);
		while (work[2][0] == before)
			exo_relax();
		took[n] = exo_now_ns() - took[n];
	}
	report("smp-post", median(took, ROUNDS));
	took[0] = exo_now_ns();
	exo_env_destroy(c.id, 0, K_ROOT);
	report("smp-destroy", exo_now_ns() - took[0]);
	t_reap(&c);
}

/* ---- each its own ------------------------------------------------------------------------ */

static void
fault_over(struct exo_save *context)
{
	context->rip = (uint64_t)t_fixup;
}

static void
repeats(uint64_t arg)
{
	exo_on_exception(fault_over);
	__atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
	while (!turn)
		exo_relax();
	while (!stop) {
		job(T_VA);
		work[arg][0]++;
	}
	__atomic_sub_fetch(&ready, 1, __ATOMIC_SEQ_CST);
	exo_wait_for(NULL, 0, 0, 0);
}

static void
private_work(uint64_t va)
{
	uint64_t x = va;

	for (unsigned n = 0; n < 1000; n++)
		x = x * 6364136223846793005ull + 1442695040888963407ull;
	*(volatile uint64_t *)&x = x;
}

static void
null_call(uint64_t va)
{
	(void)va;
	exo_null();
}

static void
fault(uint64_t va)
{
	t_read(va + 0x8000, NULL);
}

static void
map_and_unmap(uint64_t va)
{
	static exo_pfn frame[8];
	uint32_t cpu = exo_uarea()->cpu;
	struct exo_map map = { .va = va,
		.op = EXO_OP_MAP | EXO_MAP_WRITE | EXO_MAP_CLAIM,
		.key = 1 };

	while (frame[cpu] == 0 || exo_frame(frame[cpu])->kind != EXO_FRAME_FREE)
		frame[cpu] = exo_frame_find(exo_info()->frames / 4 * (1 + cpu), 1);
	map.pfn = frame[cpu];
	exo_map(exo_self(), &map, 1, 0);
	map.op = EXO_OP_UNMAP | EXO_MAP_RELEASE;
	exo_map(exo_self(), &map, 1, 0);
}

/* How much of it is done in the span by so many, on as many CPUs, CPU 1 first. */
static uint64_t
done_by(unsigned count)
{
	struct t_child c[2];
	uint64_t until, sum = 0;

	ready = turn = stop = 0;
	for (unsigned n = 0; n < count; n++) {
		work[n][0] = 0;
		if (!t_child_on(&c[n], 1 + n, repeats, n) || !t_give(&c[n], K_ROOT, 1) ||
			!OK(exo_account_limit(c[n].account, 2, K_ROOT)))
			return 0;
	}
	while (ready < count)
		exo_relax();
	turn = 1;
	until = exo_now_ns() + SPAN_NS;
	exo_wait_for(NULL, 0, until, 0);
	stop = 1;
	for (unsigned n = 0; n < count; n++)
		sum += work[n][0];
	while (ready > 0)
		exo_relax();
	for (unsigned n = 0; n < count; n++)
		t_reap(&c[n]);
	return sum;
}

TEST(each_its_own)
{
	static const struct { const char *one, *two; void (*job)(uint64_t); } row[] = {
		{ "smp-private-1", "smp-private-2", private_work },
		{ "smp-null-1", "smp-null-2", null_call },
		{ "smp-fault-1", "smp-fault-2", fault },
		{ "smp-map-1", "smp-map-2", map_and_unmap },
	};

	for (unsigned n = 0; n < sizeof(row) / sizeof(row[0]); n++) {
		uint64_t spins_before = exo_info()->lock_spins[EXO_LOCK_ENV];

		job = row[n].job;
		report(row[n].one, done_by(1));
		if (exo_info()->cpus < 3)
			continue;
		report(row[n].two, done_by(2));
		t_say("      %lu acquisitions of env_lock had to wait",
			(unsigned long)(exo_info()->lock_spins[EXO_LOCK_ENV] - spins_before));
	}
}
