/* SPDX-License-Identifier: ISC */
/* Several processors: control transfer on each, with ends from elsewhere; and rights taken from who runs on another. */
#include "smp.h"

/* ---- control transfer ---- */

static exo_envid server;

static void
serves(exo_envid from, struct exo_msg *message)
{
	(void)from;
	message->rsi++;
	count(&word[0]);
	while (message->rdx == 1)
		word[1]++;
}

static void
server_main(uint64_t arg)
{
	(void)arg;
	exo_on_call(serves);
	count(&word[7]);
	for (;;)
		exo_wait_for(NULL, 0, 0, 0);
}

static void
client_main(uint64_t forever)
{
	struct exo_msg m = { .rsi = 41, .rdx = forever };
	int64_t result;

	do {
		result = exo_call_once(server, &m, 0);
	} while (result == -EXO_EBUSY);
	word[2] = m.rsi;
	word[3] = (uint64_t)-result;
	count(&word[4]);
	exo_wait_for(NULL, 0, 0, 0);
}

TEST(transfers_on_each_cpu)
{
	struct t_child s, c[2];
	uint32_t cpus = exo_info()->cpus < 3 ? exo_info()->cpus : 3;

	if (single() || !t_child_on(&s, 1, server_main, 0))
		return;
	server = s.id;
	if (cpus > 2 && (!OK(exo_account_limit(s.account, 2, K_ROOT)) ||
				!t_start_on(&s, 2, server_main, 0)))
		return;
	SOON(word[7] == cpus - 1);
	for (uint32_t n = 1; n < cpus; n++)
		if (!t_child_on(&c[n - 1], n, client_main, 0))
			return;
	SOON(word[4] == cpus - 1);
	IS(word[2], 42);
	IS(word[3], 0);
	for (uint32_t n = 1; n < cpus; n++)
		t_reap(&c[n - 1]);
	t_reap(&s);
}

/* A server and a client that calls it, both on that CPU, at work. */
static bool
on_the_last(struct t_child *s, struct t_child *c)
{
	if (!t_child_on(s, LAST, server_main, 0))
		return false;
	server = s->id;
	SOON(word[7] == 1);
	return t_child_on(c, LAST, client_main, 1) && SOON(word[1] > 100);
}

TEST(callee_destroyed_from_elsewhere)
{
	struct t_child s, c;

	if (single() || !on_the_last(&s, &c))
		return;
	OK(exo_env_destroy(s.id, 3, K_ROOT));
	CHECK(stands(&word[1]));
	SOON(word[4] == 1);
	IS(word[3], EXO_EDEAD);
	t_reap(&s);
	t_reap(&c);
}

TEST(caller_destroyed_from_elsewhere)
{
	struct t_child s, c;

	if (single() || !on_the_last(&s, &c))
		return;
	OK(exo_env_destroy(c.id, 3, K_ROOT));
	t_reap(&c);
	moves(&word[1]);
	t_reap(&s);
	CHECK(stands(&word[1]));
}

/* ---- translations ---- */

extern const char t_fixup[];
uint64_t t_touch_write(uint64_t va, uint64_t value);

static void
fault_over(struct exo_save *context)
{
	context->rip = (uint64_t)t_fixup;
	context->rax = 1;
}

/* Writes to the page at T_VA for ever: word[1] counts, word[2] how often it could not. */
static void
writes(uint64_t arg)
{
	exo_on_exception(fault_over);
	for (;;) {
		if (t_touch_write(T_VA, arg))
			word[2]++;
		word[1]++;
	}
}

TEST(rights_taken_everywhere)
{
	volatile uint64_t *page = (volatile uint64_t *)(T_VA + 0x1000);
	exo_pfn frame[2];
	struct t_child c;

	if (single())
		return;
	frame[0] = t_claim(1);
	frame[1] = t_claim(1);
	if (!t_child_on(&c, LAST, writes, 77))
		return;
	IS(t_map((uint64_t)page, frame[0], EXO_MAP_WRITE), 1);
	for (unsigned round = 0; round < 60 && !t_failed(); round++) {
		uint64_t failed;

		IS(t_map_op(c.id, T_VA, frame[0], EXO_OP_MAP | EXO_MAP_WRITE, K_ROOT, K_ROOT), 1);
		SOON(page[0] == 77);
		switch (round % 4) {
		case 0:
			IS(t_map_op(c.id, T_VA, 0, EXO_OP_UNMAP, K_ROOT, K_ROOT), 1);
			break;
		case 1:
			IS(t_map_op(c.id, T_VA, 0, EXO_OP_PROTECT, K_ROOT, K_ROOT), 1);
			break;
		case 2:
			IS(t_map_op(c.id, T_VA, frame[1], EXO_OP_MAP | EXO_MAP_WRITE, K_ROOT,
				   K_ROOT), 1);
			break;
		default:
			IS(exo_frame_unbind(frame[0], 10, K_ROOT), 2);
			IS(t_map((uint64_t)page, frame[0], EXO_MAP_WRITE), 1);
		}
		page[0] = 0;
		failed = word[1];
		SOON(word[1] > failed + 3);
		IS(page[0], 0);
	}
	CHECK(exo_cpu(0)->flushes > 0);
	CHECK(exo_cpu(LAST)->flushes_served > 0);
	t_reap(&c);
	t_unmap((uint64_t)page);
	t_release(frame[0], 1);
	t_release(frame[1], 1);
}

/* What was written between two changes of a page's rights shows as dirty, however close. */
static void
protects(uint64_t arg)
{
	volatile uint64_t *alias = (volatile uint64_t *)(T_VA + 0x1000);
	struct exo_map map = { .va = T_VA, .key = 1 };
	const uint32_t op[] = { EXO_OP_PROTECT | EXO_MAP_CLEARAD, EXO_OP_PROTECT | EXO_MAP_WRITE,
		EXO_OP_PROTECT };

	(void)arg;
	await_keys();
	for (unsigned round = 0; round < 300; round++) {
		for (unsigned n = 0; n < 3; n++) {
			if (n == 1)
				alias[0] = 0;
			map.op = op[n];
			word[5] += exo_map(exo_self(), &map, 1, 0) != 1;
		}
		word[6] += alias[0] != 0;
		word[7] += alias[0] != 0 && !(exo_pte(T_VA) & EXO_PTE_DIRTY);
	}
	count(&word[8]);
	exo_wait_for(NULL, 0, 0, 0);
}

TEST(dirty_bits_stay)
{
	exo_pfn frame = single() ? 0 : t_claim(1);
	struct t_child c;

	if (frame == 0 || !t_child_on(&c, LAST, writes, 5) || !give_keys(&c))
		return;
	for (unsigned n = 0; n < 2; n++)
		IS(t_map_op(c.id, T_VA + n * 0x1000, frame, EXO_OP_MAP | EXO_MAP_WRITE, K_ROOT,
			   K_ROOT), 1);
	if (!OK(exo_account_limit(c.account, 2, K_ROOT)) || !t_start_on(&c, 0, protects, 0))
		return;
	for (unsigned n = 0; n < 20000 && word[8] == 0; n++)
		exo_yield(c.id);
	IS(word[8], 1);
	IS(word[5], 0);
	IS(word[7], 0);
	t_reap(&c);
	t_release(frame, 1);
}

/* ---- revocation ---- */

/* What stands in the u-area of this CPU, where the mark says. */
static void
reports(uint64_t mark)
{
	const volatile struct exo_revocation *r = &exo_uarea()->revocation;

	for (;; exo_relax()) {
		word[mark] = r->debt.asked;
		word[mark + 1] = r->debt.deadline_ns;
		word[mark + 2] = r->asked;
		word[mark + 3] = r->ask[0].pfn;
	}
}

static void
knows(unsigned mark, uint64_t debts, uint64_t deadline, exo_pfn pfn)
{
	SOON(word[mark] == debts && word[mark + 1] == deadline && word[mark + 2] == 1 &&
		word[mark + 3] == pfn);
}

/* Whichever of its activations the program is in, and one that is made later, say the same. */
TEST(revocations_are_told_everywhere)
{
	const uint64_t never = ~0ull - 1;
	struct t_child c;
	exo_pfn pfn;

	if (single() || !t_child(&c, reports, 0, 8) || !t_start(&c) ||
		!t_start_on(&c, LAST, reports, 4))
		return;
	OK(exo_account_watch(c.account, c.id, K_ROOT, K_ROOT));
	pfn = exo_frame_find(0, 6);
	IS(exo_frame_claim_all(pfn, 6, c.account, 0, K_ROOT, 0), 6);
	OK(exo_repossess(pfn, never, K_ROOT));
	IS(exo_account_ask(c.account, 2, ~0ull, K_ROOT), 2);
	IS(exo_account_ask(c.account, 0, never, K_ROOT), 2);
	knows(0, 2, never, pfn);
	knows(4, 2, never, pfn);
	OK(exo_account_ask(c.account, 0, 0, K_ROOT));
	if (exo_info()->cpus > 2) {
		IS(exo_frame_release(pfn + 1, 5, K_ROOT), 5);
		CHECK(t_start_on(&c, 1, reports, 8));
		knows(8, 2, never, pfn);
	}
	OK(exo_repossess(pfn, 0, K_ROOT));	/* or it would be lost */
	t_reap(&c);
}
