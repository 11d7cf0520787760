/* SPDX-License-Identifier: ISC */
/*
 * Several processors against each other: frames that change hands while they
 * are written to, the same names claimed by all at once, ends in the middle of
 * anything, floods of posts and flushes, keys that die while they are used.
 */
#include "fight.h"

#define OTHERS (exo_info()->cpus < 4 ? exo_info()->cpus - 1 : 3u)	/* children that run beside us */

static volatile uint64_t word[16];	/* seen by all children */
static volatile uint64_t go;
static exo_pfn shared;			/* what the children fight for */

static bool
single(void)
{
	for (unsigned n = 0; n < 16; n++)
		word[n] = 0;
	go = 0;
	return exo_info()->cpus == 1;
}

static bool
soon(const volatile uint64_t *w, uint64_t least)
{
	uint64_t until = exo_now_ns() + T_PATIENCE_NS;

	while (*w < least && exo_now_ns() < until)
		exo_relax();
	return CHECK(*w >= least);
}

static uint64_t
count(volatile uint64_t *w)
{
	return __atomic_add_fetch(w, 1, __ATOMIC_SEQ_CST);
}

/* One on each other CPU, with the root key in slot 1 and frames to spend; they begin together. */
static unsigned
everywhere(struct t_child *c, void (*fn)(uint64_t), uint64_t spare)
{
	unsigned made = 0;

	for (unsigned n = 0; n < OTHERS; n++, made++)
		if (!t_child_on(&c[n], 1 + n, fn, n + 1) ||
			!OK(exo_account_limit(c[n].account, (int64_t)spare, K_ROOT)) ||
			!t_give(&c[n], K_ROOT, 1))
			break;
	__atomic_store_n(&go, 1, __ATOMIC_RELEASE);
	return made;
}

static void
await_go(void)
{
	while (!go)
		exo_relax();
}

static void
reap_all(struct t_child *c, unsigned made)
{
	while (made > 0)
		t_reap(&c[--made]);
}

/* ---- a frame that changes hands while its last user writes to it ------------------------ */

static void
writes(uint64_t arg)
{
	exo_on_exception(fault_over);
	for (;;) {
		t_touch_write(T_VA, 0x5a00 + arg);
		word[arg]++;
	}
}

TEST(no_write_reaches_the_next_owner)
{
	volatile uint64_t *page = (volatile uint64_t *)(T_VA + 0x1000);
	struct t_child c[3];
	unsigned made = single() ? 0 : everywhere(c, writes, 0);

	for (unsigned round = 0; round < 40 && made > 0 && !t_failed(); round++) {
		exo_pfn frame = t_claim(1);

		for (unsigned n = 0; n < made; n++)
			IS(t_map_op(c[n].id, T_VA, frame, EXO_OP_MAP | EXO_MAP_WRITE, K_ROOT,
				   K_ROOT),
				1);
		IS(t_map((uint64_t)page, frame, EXO_MAP_WRITE), 1);
		while (page[0] == 0)
			exo_relax();
		/* Released in one call, with all that is bound to it, or let go of one by one. */
		if (round % 2) {
			IS(exo_frame_release(frame, 1, K_ROOT), 1);
		} else {
			IS(exo_frame_unbind(frame, 100, K_ROOT), made + 1);
			t_release(frame, 1);
		}
		IS(exo_frame_claim(frame, 1, ROOT_ACCOUNT, 0, K_ROOT, 0), 1);
		IS(t_map((uint64_t)page, frame, EXO_MAP_WRITE), 1);
		for (unsigned n = 0; n < made; n++) {
			uint64_t seen = word[n + 1];

			IS(page[0], 0);
			soon(&word[n + 1], seen + 2);
		}
		IS(page[0], 0);
		t_unmap((uint64_t)page);
		t_release(frame, 1);
	}
	reap_all(c, made);
}

/* ---- the same frames, claimed by all ----------------------------------------------------- */

#define FOUGHT 8u

static void
claims(uint64_t arg)
{
	uint64_t seed = arg * 7919;

	await_go();
	for (unsigned round = 0; round < 600; round++) {
		struct exo_map map = { .va = T_VA, .pfn = shared + draw(&seed) % FOUGHT,
			.op = EXO_OP_MAP | EXO_MAP_WRITE | EXO_MAP_CLAIM, .key = 1 };
		volatile uint64_t *page = (volatile uint64_t *)T_VA;

		if (exo_map(exo_self(), &map, 1, 0) != 1)
			continue;
		word[8 + arg]++;
		/* Nobody else's, and nobody else writes to it. */
		if (page[0] != 0 || page[511] != 0)
			word[1]++;
		page[0] = arg;
		page[511] = arg;
		for (unsigned n = draw(&seed) % 64; n > 0; n--)
			exo_relax();
		if (page[0] != arg || page[511] != arg)
			word[2]++;
		map.op = EXO_OP_UNMAP | EXO_MAP_RELEASE;
		if (exo_map(exo_self(), &map, 1, 0) != 1)
			word[3]++;
	}
	count(&word[0]);
	exo_wait_for(NULL, 0, 0, 0);
}

TEST(a_frame_is_one_owners)
{
	struct t_child c[3];
	unsigned made;

	if (single())
		return;
	shared = exo_frame_find(0, 1000) + 900;
	made = everywhere(c, claims, FOUGHT);
	soon(&word[0], made);
	for (unsigned n = 0; n < made; n++)
		CHECK(word[9 + n] > 0);
	IS(word[1], 0);
	IS(word[2], 0);
	IS(word[3], 0);
	reap_all(c, made);
}

/* ---- the same slices, guards and activations ----------------------------------------------- */

static void
claims_slices(uint64_t arg)
{
	await_go();
	for (uint32_t index = 100; index < 300; index++) {
		/* The guards lie in a frame of root's. */
		struct exo_key entry[EXO_GUARD_KEYS] = { { .rights = EXO_R } };
		uint64_t won = exo_slice_claim(1, index, exo_self(), 0, 1, 0) == 0;

		__atomic_add_fetch(&word[4], won, __ATOMIC_SEQ_CST);
		won = exo_guard_create(EXO_GUARD(shared, index % 32), entry, 1) == 0;
		__atomic_add_fetch(&word[5], won, __ATOMIC_SEQ_CST);
	}
	count(&word[0]);
	(void)arg;
	exo_wait_for(NULL, 0, 0, 0);
}

TEST(a_name_is_given_once)
{
	struct t_child c[3];
	unsigned made;

	if (single())
		return;
	shared = t_claim(1);
	made = everywhere(c, claims_slices, 0);
	soon(&word[0], made);
	IS(word[4], 200);
	IS(word[5], 32);
	reap_all(c, made);
	for (uint32_t n = 0; n < 32; n++)
		OK(exo_guard_free(EXO_GUARD(shared, n), K_ROOT));
	t_release(shared, 1);
}

/* ---- ends in the middle of anything --------------------------------------------------------- */

static exo_envid peer[4];

/* A bit of everything that takes locks, breaks bindings, or tells others. */
static void
busy(uint64_t arg)
{
	uint64_t seed = arg * 104729 + 1;

	exo_on_exception(fault_over);
	for (;;) {
		struct exo_map map = { .va = T_VA,
			.pfn = exo_frame_find(exo_info()->frames * 3 / 4, 1),
			.op = EXO_OP_MAP | EXO_MAP_WRITE | EXO_MAP_CLAIM,
			.key = 1 };

		switch (draw(&seed) % 6) {
		case 0:
			exo_map(exo_self(), &map, 1, 0);
			t_touch_write(T_VA, arg);
			break;
		case 1:
			map.op = EXO_OP_UNMAP | EXO_MAP_RELEASE;
			exo_map(exo_self(), &map, 1, 0);
			break;
		case 2:
			exo_post(peer[draw(&seed) % 4], 1, 1);
			break;
		case 3:
			exo_yield(0);
			break;
		case 4:
			__asm__ volatile("movq %0, %%xmm1" : : "r"(seed));
			break;
		default:
			exo_slice_claim(1 + (uint32_t)arg % OTHERS, 400 + draw(&seed) % 4,
				exo_self(), 0, 1, 0);
		}
		word[arg]++;
	}
}

TEST(ends_at_any_moment)
{
	struct t_child c[3];
	uint64_t seed = t_arg("seed", 1) + 12345;
	unsigned made;

	if (single())
		return;
	for (unsigned round = 0; round < 30 && !t_failed(); round++) {
		single();
		made = everywhere(c, busy, 4);
		for (unsigned n = 0; n < made; n++)
			peer[n] = c[n].id;
		peer[3] = exo_self();
		for (uint64_t n = draw(&seed) % 20000; n > 0; n--)
			exo_relax();
		for (unsigned n = 0; n < made; n++)
			OK(exo_env_destroy(c[n].id, 1, K_ROOT));
		reap_all(c, made);
	}
	exo_posted();
}

/* Two that destroy each other wait for nobody who waits for them. */
static void
destroys(uint64_t arg)
{
	await_go();
	exo_env_destroy(peer[arg % 2], arg, 1);
	count(&word[0]);
	exo_wait_for(NULL, 0, 0, 0);
}

TEST(mutual_destruction)
{
	struct t_child c[2];

	if (single() || LAST < 2)
		return;
	for (unsigned round = 0; round < 30 && !t_failed(); round++) {
		single();
		for (unsigned n = 0; n < 2; n++)
			if (!t_child_on(&c[n], 1 + n, destroys, n) || !t_give(&c[n], K_ROOT, 1))
				return;
		peer[0] = c[1].id;
		peer[1] = c[0].id;
		__atomic_store_n(&go, 1, __ATOMIC_SEQ_CST);
		for (uint64_t until = exo_now_ns() + T_PATIENCE_NS; exo_now_ns() < until;)
			if (exo_env(c[0].id)->state == EXO_ENV_DEAD ||
				exo_env(c[1].id)->state == EXO_ENV_DEAD)
				break;
		CHECK(exo_env(c[0].id)->state == EXO_ENV_DEAD ||
			exo_env(c[1].id)->state == EXO_ENV_DEAD);
		t_reap(&c[0]);
		t_reap(&c[1]);
	}
}

/* ---- floods ----------------------------------------------------------------------------------- */

static void
takes_posts(struct exo_save *context)
{
	(void)context;
	exo_posted();
	word[6]++;
}

static void
works(uint64_t arg)
{
	exo_on_event(takes_posts);
	for (;;)
		word[arg]++;
}

static void
floods(uint64_t arg)
{
	(void)arg;
	for (;;) {
		exo_post(peer[0], 1, 1);
		for (uint32_t cpu = 0; cpu < exo_info()->cpus; cpu++)
			exo_wake(cpu);
		word[7]++;
	}
}

TEST(floods_of_posts)
{
	struct t_child victim, c;

	if (single() || !t_child_on(&victim, LAST, works, 5))
		return;
	peer[0] = victim.id;
	/* From another CPU where there is one, and from here. */
	if (LAST > 1 && (!t_child_on(&c, 1, floods, 0) || !t_give(&c, K_ROOT, 1)))
		return;
	soon(&word[5], 1);
	for (unsigned n = 0; n < 5000; n++)
		exo_post(victim.id, 1, K_ROOT);
	soon(&word[6], 1);
	soon(&word[5], word[5] + 1000);
	if (LAST > 1)
		t_reap(&c);
	t_reap(&victim);
}

/* Whoever changes its own address space interrupts nobody else. */
static void
remaps(uint64_t arg)
{
	struct exo_map map[2] = { { .va = T_VA, .pfn = shared, .op = EXO_OP_MAP, .key = 1 },
		{ .va = T_VA, .op = EXO_OP_UNMAP } };

	(void)arg;
	await_go();
	for (unsigned n = 0; n < 2000; n++) {
		exo_map(exo_self(), map, 2, 0);
		exo_map(exo_self(), map, 1, 0);
		map[0].va = T_VA + 0x1000;
		exo_map(exo_self(), map, 1, 0);
		map[0].va = T_VA;
		exo_frame_unbind(shared, 10, 1);
	}
	count(&word[0]);
	exo_wait_for(NULL, 0, 0, 0);
}

TEST(flushes_only_who_may_hold)
{
	struct t_child victim, c;
	uint64_t served, begin;

	if (single() || LAST < 2)
		return;
	shared = t_claim(1);
	if (!t_child_on(&victim, 2, works, 5) || !t_child_on(&c, 1, remaps, 0) ||
		!t_give(&c, K_ROOT, 1))
		return;
	soon(&word[5], 1000);
	served = exo_cpu(2)->flushes_served;
	begin = exo_now_ns();
	go = 1;
	soon(&word[0], 1);
	/* Between two activations a CPU may have anybody's: the ends of its slices. */
	CHECK(exo_cpu(2)->flushes_served - served <
		200 + (exo_now_ns() - begin) / exo_info()->slice_ns);
	t_reap(&c);
	t_reap(&victim);
	t_release(shared, 1);
}

/* ---- keys that die while they are used ------------------------------------------------------ */

static exo_guardref revoked;

/* word[12] is the slot of the key; word[9] is odd from when the key is dead until there is another. */
static void
maps_by_key(uint64_t arg)
{
	struct exo_map map = { .va = T_VA, .pfn = shared, .op = EXO_OP_MAP };

	(void)arg;
	for (;;) {
		uint64_t phase = __atomic_load_n(&word[9], __ATOMIC_SEQ_CST);

		map.key = (exo_slot)word[12];
		if (exo_map(exo_self(), &map, 1, 0) == 1 && phase == word[9] && phase % 2 == 1)
			word[10]++;
		word[11]++;
	}
}

TEST(revoked_is_revoked)
{
	struct exo_key entry[EXO_GUARD_KEYS] = { { .rights = EXO_RIGHTS_ALL } };
	struct t_child c;
	exo_pfn guards;

	if (single())
		return;
	shared = t_claim(1);
	guards = t_claim(1);
	revoked = EXO_GUARD(guards, 1);
	OK(exo_guard_create(revoked, entry, K_ROOT));
	IS(exo_frame_guard(shared, 1, revoked, K_ROOT, K_ROOT), 1);
	if (!t_child_on(&c, LAST, maps_by_key, 0))
		return;
	for (unsigned round = 0; round < 100 && !t_failed(); round++) {
		OK(exo_key_bind(revoked, EXO_R, K_ROOT, K_FREE));
		IS(exo_key_copy(K_FREE, 1, c.id, 2 + round, K_ROOT), 1);
		IS(exo_key_drop(K_FREE, 1), 1);
		word[9] = 2 * round;
		word[12] = 2 + round;
		soon(&word[11], word[11] + 5);
		OK(exo_guard_revoke(revoked, K_ROOT));
		word[9] = 2 * round + 1;
		soon(&word[11], word[11] + 5);
	}
	IS(word[10], 0);
	t_reap(&c);
	t_release(shared, 1);
	OK(exo_guard_free(revoked, K_ROOT));
	t_release(guards, 1);
}
