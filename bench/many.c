/* SPDX-License-Identifier: ISC */
/*
 * Ten thousand environments at once: what making one costs when few are there
 * and when all are, and what the primitives cost beside so many.  Each has its
 * account's part, tables, key ring, u-area and activation, and could run.
 */
#include "native.h"

#define MANY 10000u
#define EACH 16u			/* frames: env, root, two of its links, ring, u-area, act, nine of tables */
#define FEW 16u

enum { E_ENV, E_ROOT, E_LINKS, E_RING = 4, E_UAREA, E_ACT, E_TABLES };

static exo_pfn frames_at, account;
static exo_envid made[MANY];
static uint32_t slot = 1;

static uint32_t
next_slot(void)
{
	while (exo_env_slot(slot)->id != 0)
		slot++;
	return slot;
}

static bool
tables(exo_envid id, exo_pfn frame)
{
	for (unsigned level = 3; level > 0; level--, frame += 3)
		if (exo_pt_install(id, EXO_BOOT_UAREA | level | EXO_PT_WRITE, frame, frame + 1,
			    K_ROOT, K_ROOT))
			return false;
	return true;
}

static bool
make(unsigned n, uint32_t in)
{
	exo_pfn at = frames_at + n * EACH;
	struct exo_env_spec spec = { .slot = in, .k_account = K_ROOT, .account = account,
		.env_frame = at + E_ENV, .root_frame = at + E_ROOT, .root_links = at + E_LINKS,
		.ring_frame = at + E_RING };
	struct exo_act_spec act = { .cpu = 0, .uarea_va = EXO_BOOT_UAREA,
		.uarea_frame = at + E_UAREA, .act_frame = at + E_ACT };

	if (exo_frame_claim_all(at, EACH, account, 0, K_ROOT, K_ROOT) != EACH)
		return false;
	made[n] = (exo_envid)exo_env_create(&spec);
	return (int64_t)made[n] > 0 && tables(made[n], at + E_TABLES) &&
		t_map_op(made[n], EXO_BOOT_UAREA, at + E_UAREA, EXO_OP_MAP | EXO_MAP_WRITE, K_ROOT,
			K_ROOT) == 1 &&
		exo_env_activate(made[n], &act, K_ROOT) == 0;
}

/* From one number of them to another; the last few are measured. */
static bool
grow(unsigned from, unsigned to, const char *name)
{
	series.count = 0;
	for (unsigned n = from; n < to; n++) {
		uint32_t in = next_slot();
		uint64_t begin = now();

		if (!CHECK(make(n, in)))
			return false;
		if (n + FEW > to && series.count < runs())
			series_add(&series, now() - begin);
	}
	series_row(name, &series);
	return true;
}

static void
ponger(uint64_t to)
{
	for (;;)
		exo_yield(to);
}

/* Beside so many: what should not have grown. */
static void
primitives(struct t_child *c)
{
	COST("many-null-call", , exo_null(), );
	COST("many-yield-round-trip", , exo_yield(c->id), );
	COST("many-post", , exo_post(c->id, 1, K_ROOT), );
}

TEST(many)
{
	struct t_child c;

	series_timed = t_arg("timed", 0) != 0;
	row("tsc-hz", exo_info()->tsc_hz);
	baseline();
	if (!t_child(&c, ponger, exo_self(), 0) || !t_start(&c))
		return;
	exo_yield(c.id);
	account = exo_frame_find(0, 1);
	if (!IS(exo_frame_claim(account, 1, ROOT_ACCOUNT, 0, K_ROOT, 0), 1) ||
		!OK(exo_account_create(account, ROOT_ACCOUNT, MANY * EACH, 0, K_ROOT, K_ROOT)))
		return;
	frames_at = exo_frame_find(0, MANY * EACH);
	if (CHECK(frames_at != 0) && grow(0, FEW, "many-first") && grow(FEW, MANY, "many-last"))
		primitives(&c);
	for (unsigned n = 0; n < MANY && made[n]; n++)
		exo_env_destroy(made[n], 0, K_ROOT);
	while (exo_account_reap(account, 64, K_ROOT) > 0)
		;
	IS(exo_frame_release(account, 1, K_ROOT), 1);
	t_reap(&c);
	exo_slice_release(0, c.slice, K_ROOT);
}
