/* SPDX-License-Identifier: ISC */
/*
 * How long can one kernel entry be?  Interrupts are off meanwhile, so this is
 * what everybody's latency rests on: the aim is 20,000 instructions.
 *
 * Boots with `trace`, which makes the kernel measure itself (exo_cpu.entry_max,
 * TSC cycles: under -icount, instructions).  Each row is the longest entry
 * that its stress has seen from outside, by the clock around each call; the
 * last one is what the kernel says, dispatches and interrupts included.
 */
#include "t.h"

#define PAGES 512u
#define WAITERS 500u
#define DEPTH 15u /* of accounts below the root account */
#define STRESS_VA 0x30000000ull

static uint64_t longest;

static inline uint64_t
now(void)
{
	uint64_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return lo | hi << 32;
}

/* One call, timed. */
#define TIMED(call)                                                                                \
	({                                                                                         \
		uint64_t from_ = now();                                                            \
		int64_t result_ = (int64_t)(call);                                                 \
		uint64_t took_ = now() - from_;                                                    \
		if (took_ > longest)                                                               \
			longest = took_;                                                           \
		result_;                                                                           \
	})

static void
row(const char *name)
{
	t_say("bench %s %lu", name, (unsigned long)longest);
	longest = 0;
}

static struct exo_map vec[PAGES];

/* As often as it takes, each call timed. */
static void
map_vector(exo_envid env, const char *name)
{
	uint64_t done = 0;

	while (done < PAGES) {
		int64_t did = TIMED(exo_map(env, vec + done, PAGES - done, K_ROOT));

		if (!CHECK(did > 0))
			break;
		done += (uint64_t)did;
	}
	row(name);
}

static void
vector_fill(exo_pfn pfn, uint32_t op, exo_slot key, exo_slot other)
{
	for (unsigned i = 0; i < PAGES; i++)
		vec[i] = (struct exo_map){ .va = STRESS_VA + i * EXO_PAGE_BYTES,
			.pfn = pfn + i,
			.op = op,
			.key = i % 2 ? other : key };
}

/* A page table for the stress, in an environment that has a directory there or not. */
static void
table_install(exo_envid env, exo_pfn table, uint32_t level)
{
	OK(exo_pt_install(env, STRESS_VA | level | EXO_PT_WRITE, table, table + 1, K_ROOT, K_ROOT));
}

/* ---- memory ---- */

static void
claims(void)
{
	exo_pfn pfn = exo_frame_find(0, PAGES);
	uint64_t done = 0;

	while (done < PAGES)
		done += (uint64_t)TIMED(
			exo_frame_claim(pfn + done, PAGES - done, ROOT_ACCOUNT, 0, K_ROOT, 0));
	row("longest-claim-512");
	for (done = 0; done < PAGES;)
		done += (uint64_t)TIMED(exo_frame_release(pfn + done, PAGES - done, K_ROOT));
	row("longest-release-512");
}

/* All of the table's pages by one element. */
static void
run(uint32_t op, const char *name)
{
	struct exo_map map = { .va = STRESS_VA, .op = op | EXO_MAP_RUN(PAGES - 1), .key = K_ROOT };

	longest = 0;
	while (TIMED(exo_map(exo_self(), &map, 1, K_ROOT)) == 0)
		;
	row(name);
}

static void
maps(exo_pfn pfn)
{
	vector_fill(pfn, EXO_OP_MAP | EXO_MAP_WRITE, K_ROOT, K_ROOT);
	map_vector(exo_self(), "longest-map-512-dirty");
	map_vector(exo_self(), "longest-map-512-again");
	vector_fill(pfn, EXO_OP_PROTECT, K_ROOT, K_ROOT);
	map_vector(exo_self(), "longest-protect-512");
	vector_fill(pfn, EXO_OP_MAP | EXO_MAP_WRITE, K_ROOT, K_ROOT);
	map_vector(exo_self(), "longest-map-512-writable");
	run(EXO_OP_PROTECT, "longest-protect-run");
	run(EXO_OP_PROTECT | EXO_MAP_WRITE, "longest-protect-run-writable");
}

static void
child_runs(uint64_t arg)
{
	(void)arg;
	for (;;)
		exo_wait_for(NULL, 0, 0, 0);
}

/* Fork of 512 pages, and the end of a child that has them and as many of its own. */
static void
clone_and_reap(void)
{
	struct t_child c;
	exo_pfn table, own;
	uint64_t done = 0;

	if (!t_child(&c, child_runs, 0, PAGES + 16))
		return;
	table = exo_frame_find(0, 6);
	exo_frame_claim_all(table, 6, c.account, 0, K_ROOT, 0);
	table_install(c.id, table, 1);
	while (done < PAGES)
		done += (uint64_t)TIMED(exo_pt_clone(c.id, STRESS_VA + done * EXO_PAGE_BYTES,
			PAGES - done, K_ROOT));
	row("longest-clone-512");
	TIMED(exo_pt_clone(c.id, T_VA, PAGES - 4, K_ROOT));
	row("longest-clone-nothing");
	own = exo_frame_find(0, PAGES);
	exo_frame_claim_all(own, PAGES, c.account, 0, K_ROOT, 0);
	exo_env_destroy(c.id, 0, K_ROOT);
	while (TIMED(exo_account_reap(c.account, ~0ull, K_ROOT)) > 0)
		;
	row("longest-reap-full-account");
	t_reap(&c);
}

/* ---- keys ---- */

/* Names that differ in their last byte from the one that opens: the fourth entry does. */
static void
entries_fill(struct exo_key *entries)
{
	for (unsigned i = 0; i < EXO_GUARD_KEYS; i++)
		entries[i] = t_key(EXO_RIGHTS_ALL, "aaaaaaaaaaaaab");
	entries[EXO_GUARD_KEYS - 1] = t_key(EXO_RIGHTS_ALL, "aaaaaaaaaaaaac");
}

/* Frames under a guard of their own, which each must ask. */
static void
guarded(exo_pfn pfn)
{
	struct exo_key entries[EXO_GUARD_KEYS];
	exo_pfn frame = t_claim(1);
	uint64_t done = 0;

	entries_fill(entries);
	OK(t_narrow(K_ROOT, K_FREE, t_key(EXO_RIGHTS_ALL, "aaaaaaaaaaaaac")));
	OK(exo_guard_create(EXO_GUARD(frame, 0), entries, K_ROOT));
	while (done < PAGES)
		done += (uint64_t)TIMED(exo_frame_guard(pfn + done, PAGES - done,
			EXO_GUARD(frame, 0), K_ROOT, K_ROOT));
	row("longest-guard-512");
	vector_fill(pfn, EXO_OP_MAP | EXO_MAP_WRITE, K_FREE, K_FREE);
	map_vector(exo_self(), "longest-map-512-guarded");
	for (done = 0; done < PAGES;)
		done += (uint64_t)TIMED(
			exo_frame_mark(pfn + done, PAGES - done, 0, EXO_FRAME_PUBLIC, K_FREE));
	row("longest-mark-512-guarded");
	exo_frame_guard_all(pfn, PAGES, 0, K_ROOT, K_ROOT);
	exo_key_drop(K_FREE, 1);
	exo_guard_free(EXO_GUARD(frame, 0), K_ROOT);
	t_release(frame, 1);
}

/* Accounts in accounts, each under a guard that a key opens by its last entry; control asks at each. */
static void
deep_accounts(void)
{
	struct exo_key entries[EXO_GUARD_KEYS];
	exo_pfn guards = t_claim(1), account[DEPTH], above = ROOT_ACCOUNT, frames;

	entries_fill(entries);
	OK(t_narrow(K_ROOT, K_FREE, t_key(EXO_RIGHTS_ALL, "aaaaaaaaaaaaad")));
	OK(t_narrow(K_ROOT, K_FREE + 1, t_key(EXO_RIGHTS_ALL, "")));
	OK(exo_guard_create(EXO_GUARD(guards, 0), entries, K_ROOT));
	for (unsigned i = 0; i < DEPTH; i++) {
		account[i] = exo_frame_find(0, 1);
		IS(exo_frame_claim(account[i], 1, above, 0, K_ROOT, 0), 1);
		OK(exo_account_create(account[i], above, 2 * PAGES - 3 * i, EXO_GUARD(guards, 0),
			K_ROOT, K_ROOT));
		above = account[i];
	}
	frames = exo_frame_find(0, PAGES);
	exo_frame_claim_all(frames, PAGES, above, 0, K_ROOT, 0);
	/* Two keys in turn, so that nothing is remembered. */
	for (unsigned i = 0; i < PAGES;) {
		TIMED(exo_frame_release(frames + i, 1, K_FREE));
		i += (unsigned)TIMED(
			exo_frame_release(frames + i, PAGES - i, i % 2 ? K_ROOT : K_FREE + 1));
	}
	row("longest-release-deep");
	for (unsigned i = DEPTH; i-- > 0;)
		IS(exo_frame_release(account[i], 1, K_ROOT), 1);
	exo_key_drop(K_FREE, 2);
	exo_guard_free(EXO_GUARD(guards, 0), K_ROOT);
	t_release(guards, 1);
}

/* Many keys at once, each counted by its guard. */
static void
many_keys(void)
{
	struct exo_key entries[EXO_GUARD_KEYS] = { t_key(EXO_RIGHTS_ALL, "bench") };
	const unsigned count = K_NONE - K_FREE;
	exo_pfn frame = t_claim(1);
	struct t_child c;

	if (!t_child(&c, child_runs, 0, 0))
		return;
	OK(exo_guard_create(EXO_GUARD(frame, 0), entries, K_ROOT));
	for (unsigned i = 0; i < count; i++)
		OK(exo_key_bind(EXO_GUARD(frame, 0), EXO_R, K_ROOT, K_FREE + i));
	IS(TIMED(exo_key_copy(K_FREE, count, c.id, 0, K_ROOT)), count);
	row("longest-key-copy");
	IS(TIMED(exo_key_drop(K_FREE, count)), count);
	row("longest-key-drop");
	t_reap(&c);
	exo_guard_free(EXO_GUARD(frame, 0), K_ROOT);
	t_release(frame, 1);
}

/* ---- waiting ---- */

static void
waiter(uint64_t arg)
{
	struct exo_term term[EXO_TERMS_MAX];

	(void)arg;
	for (unsigned i = 0; i < EXO_TERMS_MAX; i++)
		term[i] = (struct exo_term){ .where = EXO_INFO,
			.mask = ~0ull,
			.value = EXO_MAGIC,
			.cmp = i + 1 < EXO_TERMS_MAX ? EXO_EQ : EXO_NE };
	for (;;)
		exo_wait_for(term, EXO_TERMS_MAX, 0, 0);
}

/* Slices whose owner waits on a predicate that fails by its last term: the dispatcher looks at each. */
static void
waiters(void)
{
	struct t_child c;

	if (!t_child(&c, waiter, 0, 16) || !t_start(&c))
		return;
	t_settle(c.id);
	for (unsigned i = 0, made = 0; made < WAITERS && i < EXO_SLICES_CPU; i++)
		made += exo_slice_claim(0, i, c.id, 0, K_ROOT, 0) == 0;
	for (unsigned i = 0; i < 3; i++)
		exo_yield(0);
	TIMED(exo_env_destroy(c.id, 0, K_ROOT));
	row("longest-destroy");
	while (TIMED(exo_account_reap(c.account, ~0ull, K_ROOT)) > 0)
		;
	row("longest-reap-500-slices");
	t_reap(&c);
}

TEST(longest)
{
	exo_pfn table = t_claim(3), pfn;

	table_install(exo_self(), table, 1);
	claims();
	pfn = t_claim(PAGES);
	maps(pfn);
	guarded(pfn);
	clone_and_reap();
	vector_fill(0, EXO_OP_UNMAP | EXO_MAP_RELEASE, K_ROOT, K_ROOT);
	map_vector(exo_self(), "longest-unmap-release-512");
	vector_fill(t_claim(PAGES), EXO_OP_MAP, K_ROOT, K_ROOT);
	OK(exo_map_all(exo_self(), vec, PAGES, K_ROOT) == PAGES ? 0 : -1);
	run(EXO_OP_UNMAP | EXO_MAP_RELEASE, "longest-unmap-release-run");
	OK(exo_pt_remove(exo_self(), STRESS_VA | 1, 0));
	IS(exo_frame_release(table, 1, K_ROOT), 1);
	deep_accounts();
	many_keys();
	waiters();
	longest = exo_cpu(0)->entry_max;
	row("longest-entry");
}
