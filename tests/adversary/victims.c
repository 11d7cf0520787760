/* SPDX-License-Identifier: ISC */
/*
 * Whoever is asked for frames: polite, slow, silent, and one that tries to keep
 * them; each gives, or is taken from, in a bounded number of steps.
 */
#include "arbiter.h"

#define PAGE EXO_PAGE_BYTES
#define OWES 16u
#define ROOM 64u

/* ---- victims -------------------------------------------------------------------------------- */

static volatile uint64_t ready, first, slow_ns, kept;

static exo_pfn
own_account(void)
{
	return exo_env(exo_self())->account;
}

static void
gives(struct exo_save *context)
{
	const volatile struct exo_revocation *r = &exo_uarea()->revocation;

	(void)context;
	if (slow_ns)
		exo_wait_for(NULL, 0, exo_now_ns() + slow_ns, 0);
	exo_frame_release_all(first, r->debt.frames, 0);
}

static void
has_frames(void)
{
	first = exo_frame_find(0, ROOM);
	exo_frame_claim_all(first, ROOM, own_account(), 0, 0, 0);
	while (exo_frame_claim(exo_frame_find(0, 1), 1, own_account(), 0, 0, 0) > 0)
		;
}

static void
sleeps(void)
{
	ready = 1;
	for (;;)
		exo_wait_for(NULL, 0, exo_now_ns() + 1000000, 0);
}

static void
polite(uint64_t arg)
{
	slow_ns = arg;
	has_frames();
	exo_on_revoke(gives);
	sleeps();
}

static void
silent(uint64_t arg)
{
	(void)arg;
	has_frames();
	sleeps();
}

/* What it has lies in an account of its own, and what it lets go of it claims again. */
static void
clings(uint64_t arg)
{
	exo_pfn inner, at;

	(void)arg;
	first = exo_frame_find(0, ROOM);
	inner = first;
	exo_frame_claim_all(first, 1, own_account(), 0, 0, 0);
	exo_account_create(inner, own_account(), ROOM - 8, 0, 0, 0);
	exo_frame_claim_all(first + 1, ROOM - 8, inner, 0, 0, 0);
	while (exo_frame_claim(exo_frame_find(0, 1), 1, own_account(), 0, 0, 0) > 0)
		;
	ready = 1;
	for (;;) {
		for (at = first + 1; at < first + ROOM - 8; at++) {
			kept += exo_frame_mark(at, 1, EXO_FRAME_FIXED, 0, 0) > 0;
			if (exo_frame_release(at, 1, 0) == 1)
				exo_frame_claim(at, 1, own_account(), 0, 0, 0);
			exo_account_limit(inner, -1, 0);
			exo_account_limit(inner, 1, 0);
		}
		exo_yield(0);
	}
}

static uint64_t
debt(void)
{
	return ((const volatile struct exo_account *)T_VA)->debt;
}

static bool
belongs(exo_pfn pfn, exo_pfn account)
{
	const exo_pfn owner = exo_frame(pfn)->account;

	return exo_frame(pfn)->kind == EXO_FRAME_DATA && owner &&
		(owner == account || exo_frame(owner)->account == account);
}

/* Asked, given time (one that gives as much as it needs), taken from: how many frames had to be taken. */
static unsigned
reclaim(const struct t_child *c, const char *who, bool willing)
{
	uint64_t begun = exo_now_ns(), deadline = begun + (willing ? T_PATIENCE_NS : 60000000);
	unsigned taken = 0, calls = 0;

	CHECK(exo_account_ask(c->account, OWES, deadline, K_ARBITER) > 0);
	while (debt() && exo_now_ns() < deadline)
		exo_wait_for(NULL, 0, exo_now_ns() + 500000, 0);
	for (exo_pfn pfn = 0; debt() && pfn < exo_info()->frames; pfn++) {
		int64_t result = 0;

		while (belongs(pfn, c->account) && debt() && result == 0) {
			result = exo_repossess_take(pfn, K_ARBITER);
			calls++;
			exo_yield(c->id);
		}
		taken += result == 1;
	}
	IS(debt(), 0);
	CHECK(calls <= 2 * taken + ROOM);
	t_say("%s: %u frames after %lu us, %u of them taken", who, OWES,
		(exo_now_ns() - begun) / 1000, taken);
	return taken;
}

static unsigned
victim(const char *who, void (*fn)(uint64_t), uint64_t arg)
{
	struct exo_key entries[EXO_GUARD_KEYS] = { t_key(EXO_RIGHTS_ALL, "a"),
		t_key(EXO_RIGHTS_ALL, "") };
	exo_pfn guards = t_claim(1);
	struct t_child c;
	unsigned taken = ~0u;

	ready = first = kept = 0;
	OK(t_narrow(K_ROOT, K_ARBITER, t_key(EXO_C, "A")));
	OK(t_narrow(K_ROOT, K_ARBITER + 1, t_key(EXO_RIGHTS_ALL, "a")));
	OK(exo_guard_create(EXO_GUARD(guards, 0), entries, K_ROOT));
	t_children_guard = EXO_GUARD(guards, 0);
	if (t_child(&c, fn, arg, ROOM) && t_give(&c, K_ARBITER + 1, 0)) {
		OK(exo_account_watch(c.account, c.id, K_ROOT, K_ROOT));
		IS(t_map(T_VA, c.account, 0), 1);
		t_start(&c);
		t_until(&ready, EXO_EQ, 1);
		taken = reclaim(&c, who, fn == polite);
		t_unmap(T_VA);
	}
	t_reap(&c);
	t_children_guard = 0;
	exo_key_drop(K_ARBITER, 2);
	OK(exo_guard_free(EXO_GUARD(guards, 0), K_ROOT));
	t_release(guards, 1);
	return taken;
}

TEST(victims)
{
	IS(victim("polite", polite, 0), 0);
	IS(victim("slow", polite, 10000000), 0);
	IS(victim("silent", silent, 0), OWES);
	CHECK(victim("clings", clings, 0) <= OWES);
	IS(kept, 0);
}
