/* SPDX-License-Identifier: ISC */
/*
 * Random kernel calls, made by a child that holds all rights to its own
 * account and to a second environment, and none to the rest.  It may destroy
 * itself in any way; then the next one goes on.  The parent checks that it
 * still runs itself, that nothing of its own was touched, and, when all is
 * reaped, that nothing is missing.
 *
 * The same seed makes the same arguments, but not quite the same run: the
 * ends of slices fall where they fall.  `run.py --calls N --seed N` for more.
 */
#include "t.h"
#include <exo/stlb.h>

#define PAGE EXO_PAGE_BYTES
#define SPARE 96u

struct shared {
	volatile uint64_t done, succeeded, seed;
	uint64_t base, account, victim, parent, guard, stranger;
	_Alignas(8) uint8_t vector[2 * PAGE];
};
static struct shared shared;
static uint64_t state;
static volatile uint64_t canary = 0x0123456789abcdef;

static uint64_t
draw(uint64_t bound)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return bound ? state % bound : state;
}

static uint64_t
pick_count(void)
{
	static const uint64_t counts[] = { 0, 1, 1, 1, 2, 3, 8, 64, 600, 1ull << 32, ~0ull };

	return counts[draw(sizeof(counts) / sizeof(counts[0]))];
}

static uint64_t
pick_pfn(void)
{
	switch (draw(8)) {
	case 0: return draw(exo_info()->frames + 100);
	case 1: return exo_frame_find(draw(exo_info()->frames), 1 + draw(3));
	case 2: return shared.account;
	case 3: return shared.stranger;
	case 4: return draw(4) ? EXO_PTE_PFN(exo_pte(T_VA + draw(512) * PAGE)) : ~draw(16);
	case 5: return shared.guard / EXO_GUARDS_FRAME;
	default: return shared.base + draw(C_FRAMES + SPARE);
	}
}

static uint64_t
pick_env(void)
{
	static const uint8_t odds[] = { 0, 0, 0, 0, 1, 1, 1, 2, 3, 4 };

	switch (odds[draw(sizeof(odds))]) {
	case 0: return exo_self();
	case 1: return shared.victim;
	case 2: return shared.parent;
	case 3: return exo_env_slot((uint32_t)draw(64))->id;
	default: return draw(0);
	}
}

static uint64_t
pick_va(void)
{
	static const uint64_t odd[] = { 0, 0x400000, EXO_BOOT_UAREA, EXO_USER_TOP, T_NOTABLE,
		0x800000000000, 0xffff800000000000, EXO_VPT, EXO_INFO, ~0ull };

	if (draw(16) == 0)
		return odd[draw(sizeof(odd) / sizeof(odd[0]))] + (draw(2) ? 0 : draw(PAGE));
	if (draw(8) == 0)
		return T_VA + draw(64) * 0x200000;
	return T_VA + draw(500) * PAGE + (draw(32) ? 0 : draw(PAGE));
}

static exo_slot
pick_slot(void)
{
	if (draw(3))
		return 0;
	return draw(16) ? (exo_slot)draw(12) : (exo_slot)draw(0);
}

static uint64_t
pick_guard(void)
{
	return draw(4) ? shared.guard + draw(4) : EXO_GUARD(pick_pfn(), draw(32));
}

static uint64_t
pick_bits(void)
{
	return draw(4) ? draw(64) : draw(0) >> draw(64);
}

/* A vector of whatever structure, plausible in parts. */
static const void *
fill_map(void)
{
	struct exo_map *vec = (struct exo_map *)shared.vector;
	static const uint32_t ops[] = { EXO_OP_MAP, EXO_OP_MAP, EXO_OP_MAP | EXO_MAP_CLAIM,
		EXO_OP_UNMAP, EXO_OP_UNMAP | EXO_MAP_RELEASE, EXO_OP_PROTECT,
		EXO_OP_PROTECT | EXO_MAP_CLEARAD, EXO_OP_MAP | EXO_MAP_IO, 0 };

	for (unsigned n = 0; n < 16; n++)
		vec[n] = (struct exo_map){ .va = pick_va(), .pfn = pick_pfn(), .key = pick_slot(),
			.op = ops[draw(sizeof(ops) / sizeof(ops[0]))] | (uint32_t)draw(0x80) |
				(draw(16) ? 0 : (uint32_t)draw(0)) };
	return vec;
}

static const void *
fill_env_spec(void)
{
	struct exo_env_spec *spec = (struct exo_env_spec *)shared.vector;

	*spec = (struct exo_env_spec){ .slot = draw(4) ? exo_env_find_slot() : (uint32_t)draw(0),
		.k_account = pick_slot(),
		.account = draw(4) ? shared.account : pick_pfn(),
		.env_frame = pick_pfn(),
		.root_frame = pick_pfn(),
		.root_links = pick_pfn(),
		.ring_frame = pick_pfn(),
		.guard = draw(2) ? 0 : pick_guard(),
		.k_guard = pick_slot() };
	return spec;
}

static const void *
fill_act_spec(void)
{
	struct exo_act_spec *spec = (struct exo_act_spec *)shared.vector;

	*spec = (struct exo_act_spec){ .cpu = draw(8) ? 0 : (uint32_t)draw(0),
		.uarea_frame = pick_pfn(),
		.act_frame = pick_pfn(),
		.uarea_va = pick_va() };
	return spec;
}

static const void *
fill_keys(void)
{
	struct exo_key *keys = (struct exo_key *)shared.vector;

	for (unsigned n = 0; n < EXO_GUARD_KEYS; n++) {
		keys[n] = t_key((uint8_t)draw(0x40), draw(2) ? "a" : "");
		if (draw(16) == 0)
			keys[n].len = (uint8_t)draw(256);
	}
	return keys;
}

static const struct exo_term *
fill_terms(void)
{
	struct exo_term *terms = (struct exo_term *)shared.vector;

	for (unsigned n = 0; n < EXO_TERMS_MAX; n++)
		terms[n] = (struct exo_term){ .where = draw(4) ? pick_pfn() * PAGE + draw(512) * 8 :
			EXO_TABLES + draw(1ull << 40), .mask = draw(0), .value = draw(3),
			.key = pick_slot(), .cmp = (uint8_t)draw(7), .flags = (uint8_t)draw(3) };
	return terms;
}

static const void *
fill_io(void)
{
	struct exo_io *io = (struct exo_io *)shared.vector;

	for (unsigned n = 0; n < 4; n++)
		io[n] = (struct exo_io){ .pfn = pick_pfn(), .offset = (uint32_t)draw(5000),
			.bytes = (uint32_t)draw(5000), .done_offset = (uint32_t)draw(600) * 8,
			.key = pick_slot() };
	return io;
}

static const void *
pick_ptr(const void *good)
{
	return draw(16) ? good : (const void *)pick_va();
}

/* Those about what is asked back, and what came later. */
static int64_t
revocation_call(void)
{
	uint64_t soon = draw(4) ? exo_now_ns() + draw(700000) : 0;

	switch (draw(12)) {
	case 0: return exo_account_watch(pick_pfn(), pick_env(), pick_slot(), pick_slot());
	case 1: return exo_repossess(pick_pfn(), soon, pick_slot());
	case 2: return exo_repossess_take(pick_pfn(), pick_slot());
	case 3:
		return exo_stlb_pool(pick_env(), (uint32_t)draw(EXO_POOL_TABLES + 1), pick_pfn(),
			pick_pfn(), pick_slot());
	case 4: return exo_account_ask(pick_pfn(), pick_count(), soon,
			pick_slot());
	case 5: return exo_account_guarantee(pick_pfn(), (int64_t)draw(20) - 10, pick_slot());
	case 6: return exo_account_vector(pick_pfn(), pick_pfn(), pick_slot());
	case 7: return exo_slice_ask((uint32_t)draw(2), 2 + (uint32_t)draw(600),
			soon, pick_slot());
	case 8: return exo_slice_take((uint32_t)draw(2), 2 + (uint32_t)draw(600), pick_slot());
	case 9:
		return exo_region_guard(pick_pfn(), (uint32_t)draw(EXO_REGION_LINES + 1),
			pick_count(), pick_guard(), pick_slot(), pick_slot());
	case 10:
		return exo_region_copy(pick_pfn() << EXO_PAGE_SHIFT | draw(4096),
			pick_pfn() << EXO_PAGE_SHIFT | draw(4096), draw(3000), draw(3), pick_slot(),
			pick_slot());
	default: return exo_wake((uint32_t)draw(3));
	}
}

static int64_t
one_call(void)
{
	struct exo_msg m = { .rsi = draw(0) };
	uint64_t soon = exo_now_ns() + draw(200000);

	switch (draw(54)) {
	case 0: return exo_null();
	case 1:
		return exo_frame_claim(pick_pfn(), pick_count(),
			draw(4) ? shared.account : pick_pfn(), draw(2) ? 0 : pick_guard(),
			pick_slot(), pick_slot());
	case 2: return exo_frame_release(pick_pfn(), pick_count(), pick_slot());
	case 3:
		return exo_frame_guard(pick_pfn(), pick_count(), pick_guard(), pick_slot(),
			pick_slot());
	case 4:
		return exo_frame_mark(pick_pfn(), pick_count(), pick_bits(), pick_bits(),
			pick_slot());
	case 5: return exo_frame_unbind(pick_pfn(), pick_count(), pick_slot());
	case 6:
		return exo_account_create(pick_pfn(), draw(4) ? shared.account : pick_pfn(),
			draw(9), draw(2) ? 0 : pick_guard(), pick_slot(), pick_slot());
	case 7: return exo_account_limit(pick_pfn(), (int64_t)draw(9) - 4, pick_slot());
	case 8: return draw(40) ? -1 : exo_account_reap(pick_pfn(), pick_count(), pick_slot());
	case 9: return exo_guard_create(pick_guard(), pick_ptr(fill_keys()), pick_slot());
	case 10: return exo_guard_change(pick_guard(), pick_ptr(fill_keys()), pick_slot());
	case 11: return exo_guard_revoke(pick_guard(), pick_slot());
	case 12: return exo_guard_free(pick_guard() | 2, pick_slot());
	case 13: return exo_key_narrow(pick_slot(), pick_slot(), draw(0) & 0xffff3fff & ~0xeull, 0);
	case 14: return exo_key_bind(pick_guard(), pick_bits(), pick_slot(), pick_slot());
	case 15:
		return exo_key_copy(pick_slot(), pick_count(), pick_env(), pick_slot(),
			pick_slot());
	case 16: return exo_key_offer(pick_slot(), pick_env());
	case 17: return exo_key_take(pick_env(), pick_slot(), pick_slot());
	case 18: return exo_key_drop(4 + pick_slot(), draw(4));
	case 19: return exo_key_test(pick_env(), pick_slot(), pick_guard(), pick_bits());
	case 20: return exo_ring_add(pick_env(), (uint32_t)draw(20), pick_pfn(), pick_slot());
	case 21: return exo_env_create(pick_ptr(fill_env_spec()));
	case 22: return exo_env_activate(pick_env(), pick_ptr(fill_act_spec()), pick_slot());
	case 23: return draw(200) ? -1 : exo_env_destroy(pick_env(), draw(0), pick_slot());
	case 24: case 25: return exo_pt_install(pick_env(), pick_va() | draw(8), pick_pfn(),
				draw(3) ? pick_pfn() : 0, pick_slot(), pick_slot());
	case 26: return exo_pt_remove(pick_env(), pick_va() | draw(4), pick_slot());
	case 27:
	case 28:
	case 29:
	case 30:
		return exo_map(pick_env(), pick_ptr(fill_map()), draw(16) ? draw(16) : pick_count(),
			pick_slot());
	case 31: return exo_pt_clone(pick_env(), pick_va(), pick_count(), pick_slot());
	case 32:
		return exo_slice_claim((uint32_t)draw(2), (uint32_t)draw(600), pick_env(), 0,
			pick_slot(), 0);
	case 33: return exo_slice_release(0, 2 + (uint32_t)draw(0), pick_slot());
	case 34: return exo_slice_pass(0, 2 + (uint32_t)draw(0), pick_env(), pick_slot());
	case 35: return exo_yield(pick_env());
	case 36: return exo_wait_for(pick_ptr(fill_terms()), draw(10), soon, pick_env());
	case 37: return exo_post(pick_env(), pick_bits(), pick_slot());
	case 38: return exo_call_once(pick_env(), &m, soon);
	case 39: return exo_irq_bind((uint32_t)draw(64), pick_env(), pick_bits(), pick_slot());
	case 40: return exo_irq_unmask((uint32_t)draw(64));
	case 41: return exo_port_io((uint32_t)draw(0x20000), pick_bits(), 0, pick_slot());
	case 42:
		return exo_io_submit((uint32_t)draw(4), (uint32_t)draw(12), pick_ptr(fill_io()),
			draw(5), pick_slot());
	case 43: return exo_stlb_offer(pick_env(), pick_pfn(), draw(5), pick_slot(), pick_slot());
	default: return revocation_call();
	}
}

static void
fuzzes(uint64_t calls)
{
	state = shared.seed;
	exo_on_epilogue(exo_epilogue_yield);
	while (shared.done < calls) {
		shared.done++;
		shared.succeeded += one_call() >= 0;
	}
	t_exit(1);
}

static void
victim_waits(uint64_t arg)
{
	(void)arg;
	for (;;)
		exo_wait_for(NULL, 0, 0, 0);
}

/* One pair of children; until the fuzzer is dead, or has got itself stuck. */
static void
one_round(uint64_t calls)
{
	struct t_child fuzzer, victim;
	uint64_t before;

	if (!t_child(&victim, victim_waits, 0, 8) || !t_start(&victim) ||
		!t_child(&fuzzer, fuzzes, calls, SPARE))
		return;
	shared.base = fuzzer.base;
	shared.account = fuzzer.account;
	shared.victim = victim.id;
	t_give(&fuzzer, K_FREE, 0);		/* "a": own account, victim, guards */
	t_give(&fuzzer, K_NOTHING, 1);
	t_start(&fuzzer);
	do {
		before = shared.done;
		exo_wait_for(NULL, 0, exo_now_ns() + 20000000, 0);
	} while (exo_env(fuzzer.id)->state == EXO_ENV_ALIVE && shared.done != before);
	t_reap(&fuzzer);
	t_reap(&victim);
}

TEST(fuzz)
{
	struct exo_key entries[EXO_GUARD_KEYS] = { t_key(EXO_RIGHTS_ALL, "a"),
		t_key(EXO_RIGHTS_ALL, "") };
	uint64_t calls = t_arg("calls", 20000), rounds = 0, free_before;
	exo_pfn guards = t_claim(1);

	shared.seed = t_arg("seed", 1);
	shared.stranger = t_claim(1);
	shared.parent = exo_self();
	OK(exo_guard_create(EXO_GUARD(guards, 0), entries, K_ROOT));
	shared.guard = t_children_guard = EXO_GUARD(guards, 0);
	OK(t_narrow(K_ROOT, K_FREE, t_key(EXO_RIGHTS_ALL, "a")));
	free_before = exo_info()->free_frames;
	while (shared.done < calls && rounds < calls && !t_failed()) {
		shared.seed = shared.seed * 6364136223846793005ull + 1442695040888963407ull;
		one_round(calls);
		rounds++;
		/* It held control over the guard: whatever it made of it, it is made again. */
		OK(exo_guard_change(EXO_GUARD(guards, 0), entries, K_ROOT));
		IS(exo_info()->free_frames, free_before);
		IS(canary, 0x0123456789abcdef);
		IS(exo_frame(shared.stranger)->account, ROOT_ACCOUNT);
		IS(exo_frame(shared.stranger)->nmaps, 0);
	}
	t_say("%lu calls, %lu succeeded, %lu rounds", (unsigned long)shared.done,
		(unsigned long)shared.succeeded, (unsigned long)rounds);
	t_children_guard = 0;
	OK(exo_guard_free(EXO_GUARD(guards, 0), K_ROOT));
	t_release(shared.stranger, 1);
	t_release(guards, 1);
}
