/* SPDX-License-Identifier: ISC */
/*
 * What happens between environments, and between processors: memory asked back
 * and given, or taken; the end of a slice; a flush of translations, a wake and
 * a post.  Runs as boot/init, on a machine of one processor or of two.  Under
 * -icount one processor runs at a time, and who waits gives way (pause), so that
 * these counts repeat, too: they are the instructions of both.
 */
#include "native.h"

#define SPARE 8u
enum { K_ARBITER = K_FREE, K_CHILD = 1 };

static volatile uint64_t beats, turn, seen, ready;
static exo_pfn first;			/* of the child's frames */

/* ---- memory asked back --------------------------------------------------------------------- */

static void
gives(struct exo_save *context)
{
	(void)context;
	exo_frame_release(first + turn % SPARE, 1, K_CHILD);
	ready = 1;
}

static void
victim(uint64_t parent)
{
	exo_on_revoke(gives);
	for (;;)
		exo_yield(parent);
}

/* Asked for one frame, told, let go of; here again. */
static void
given(const struct t_child *c)
{
	COST("revoke-asked-given", turn = run; ready = 0,
		exo_account_ask(c->account, 1, ~0ull, K_ARBITER);
		while (!ready) exo_yield(c->id),
		exo_account_limit(c->account, 1, K_ROOT);
		exo_frame_claim(first + run % SPARE, 1, c->account, 0, K_ROOT, 0));
}

/* The two calls; until the deadline others run. */
static void
taken(const struct t_child *c)
{
	struct series both = { .count = 0 };

	for (unsigned run = 0; run < runs(); run++) {
		const exo_pfn pfn = first + run % SPARE;
		const uint64_t until = exo_now_ns() + 2 * EXO_REPOSSESS_NS;
		uint64_t from = now(), asked;

		exo_account_ask(c->account, 1, until, K_ARBITER);
		asked = now() - from;
		exo_wait_for(NULL, 0, until, 0);
		from = now();
		exo_repossess_take(pfn, K_ARBITER);
		series_add(&both, asked + now() - from - base);
		exo_account_limit(c->account, 1, K_ROOT);
		exo_frame_claim(pfn, 1, c->account, 0, K_ROOT, 0);
	}
	series_row("revoke-asked-taken", &both);
}

static void
sleeper(uint64_t arg)
{
	(void)arg;
	for (;;)
		exo_wait_for(NULL, 0, 0, 0);
}

static bool
victim_begin(struct t_child *c, void (*fn)(uint64_t))
{
	if (!t_child(c, fn, exo_self(), SPARE) || !t_start(c) || !t_give(c, K_ROOT, K_CHILD))
		return false;
	first = exo_frame_find(0, SPARE);
	exo_frame_claim_all(first, SPARE, c->account, 0, K_ROOT, 0);
	exo_account_watch(c->account, c->id, K_ROOT, K_ROOT);
	exo_yield(c->id);
	return true;
}

static void
revocations(void)
{
	struct t_child c;

	t_narrow(K_ROOT, K_ARBITER, t_key(EXO_C, "A"));
	if (victim_begin(&c, victim))
		given(&c);
	t_reap(&c);
	if (victim_begin(&c, sleeper))
		taken(&c);
	t_reap(&c);
	exo_key_drop(K_ARBITER, 1);
}

/* ---- the end of a slice ---------------------------------------------------------------------- */

/* Nobody else wants the processor: the longest that two looks at the clock are apart, slice by slice. */
static void
slice_end(const char *name)
{
	struct series gaps = { .count = 0 };
	uint64_t last = now(), longest = 0, slice = exo_uarea()->slice_end_ns;

	while (gaps.count < runs()) {
		bool over = *(volatile uint64_t *)&exo_uarea()->slice_end_ns != slice;
		uint64_t at = now();

		longest = at - last > longest ? at - last : longest;
		last = at;
		if (!over)
			continue;
		series_add(&gaps, longest);
		longest = 0;
		slice = exo_uarea()->slice_end_ns;
		last = now();
	}
	if (!series_timed)		/* by the clock a host's interrupts would be in it */
		series_row(name, &gaps);
}

static void
slices(void)
{
	slice_end("slice-end-forced");
	exo_on_epilogue(exo_epilogue_yield);
	slice_end("slice-end-told");
	exo_on_epilogue(NULL);
}

/* ---- the other processor ----------------------------------------------------------------------- */

static void
runs_on(uint64_t arg)
{
	(void)arg;
	for (;; beats++)
		exo_relax();
}

/* A page of an address space is taken away: of one that runs nowhere, or on the other processor. */
static void
flush(const char *name, uint32_t cpu)
{
	exo_pfn frame = t_claim(1);
	struct t_child c;

	beats = 0;
	if (cpu ? t_child_on(&c, cpu, runs_on, 0) : t_child(&c, runs_on, 0, 0)) {
		while (cpu && beats == 0)
			exo_relax();
		COST(name, t_map_op(c.id, T_VA, frame, EXO_OP_MAP, K_ROOT, K_ROOT),
			t_map_op(c.id, T_VA, frame, EXO_OP_UNMAP, K_ROOT, K_ROOT), );
	}
	t_reap(&c);
	t_release(frame, 1);
}

static void
answers(uint64_t arg)
{
	struct exo_term term = { .mask = ~0ull, .cmp = EXO_GT, .key = K_CHILD };

	(void)arg;
	while (!ready)
		exo_relax();
	term.where = EXO_PTE_PFN(exo_pte((uint64_t)&turn)) * EXO_PAGE_BYTES +
		(uint64_t)&turn % EXO_PAGE_BYTES;
	for (;;) {
		term.value = seen;
		exo_wait_for(&term, 1, 0, 0);
		seen = turn;
	}
}

static void
asleep(void)
{
	while (!exo_cpu(1)->idle)
		exo_relax();
}

/* It sleeps until a word is another; here that it woke is seen. */
static void
wake(void)
{
	struct t_child c;

	ready = turn = seen = 0;
	if (t_child_on(&c, 1, answers, 0) && t_give(&c, K_ROOT, K_CHILD)) {
		ready = 1;
		COST("smp-wake", asleep(), turn++; exo_changed(NULL);
			while (seen != turn) exo_relax(), );
	}
	t_reap(&c);
}

static void
on_event(struct exo_save *context)
{
	(void)context;
	exo_posted();
	seen++;
}

static void
listens(uint64_t arg)
{
	exo_on_event(on_event);
	runs_on(arg);
}

static void
post(void)
{
	struct t_child c;
	uint64_t before;

	beats = 0;
	if (t_child_on(&c, 1, listens, 0)) {
		while (beats == 0)
			exo_relax();
		COST("smp-post", before = seen, exo_post(c.id, 1, K_ROOT);
			while (seen == before) exo_relax(), );
	}
	t_reap(&c);
}

TEST(costs)
{
	series_timed = t_arg("timed", 0) != 0;
	row_only = (uint32_t)t_arg("only", 0);
	row("tsc-hz", exo_info()->tsc_hz);
	baseline();
	unit();
	if (exo_info()->cpus == 1) {
		revocations();
		slices();
		flush("flush-nowhere", 0);
	} else {
		flush("smp-flush", 1);
		wake();
		post();
	}
	unit();
}
