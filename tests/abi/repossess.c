/* SPDX-License-Identifier: ISC */
/* account_watch, repossess, repossess_take, and how an environment hears of it. */
#include "arbiter.h"

#define FRAMES (exo_info()->frames)
#define PAGE EXO_PAGE_BYTES

/* This program arbitrates, and is told what happens to the account. */
static void
begin(exo_pfn account)
{
	told = 0;
	OK(t_narrow(K_ROOT, K_ARBITER, t_key(EXO_C, "A")));
	exo_on_revoke(on_revoke);
	OK(exo_account_watch(account, exo_self(), K_ROOT, 0));
}

static void
end(exo_pfn account)
{
	OK(exo_account_watch(account, 0, K_ROOT, 0));
	exo_on_revoke(NULL);
}

static void
sleeper(uint64_t arg)
{
	(void)arg;
	for (;;)
		exo_wait_for(NULL, 0, 0, 0);
}

TEST(watch_errors)
{
	exo_pfn pfn = t_claim(1);
	struct t_child c;

	if (!t_child(&c, sleeper, 0, 0))
		return;
	ERR(exo_account_watch(FRAMES, c.id, K_ROOT, K_ROOT), RANGE);
	ERR(exo_account_watch(~0ull, c.id, K_ROOT, K_ROOT), RANGE);
	ERR(exo_account_watch(pfn, c.id, K_ROOT, K_ROOT), KIND);
	ERR(exo_account_watch(c.account, c.id, K_NONE, K_ROOT), KEY);
	ERR(exo_account_watch(c.account, c.id, K_WRITE, K_ROOT), RIGHTS);
	ERR(exo_account_watch(c.account, c.id, K_ROOT, K_NONE), KEY);
	ERR(exo_account_watch(c.account, c.id, K_ROOT, K_CONTROL), RIGHTS);
	ERR(exo_account_watch(c.account, c.id + 0x10000, K_ROOT, K_ROOT), STALE);
	OK(exo_account_watch(c.account, c.id, K_CONTROL, K_POST));
	OK(exo_account_watch(c.account, exo_self(), K_CONTROL, K_NONE));
	OK(exo_account_watch(c.account, 0, K_CONTROL, K_NONE));
	OK(exo_env_destroy(c.id, 0, K_ROOT));
	ERR(exo_account_watch(c.account, c.id, K_ROOT, K_ROOT), DEAD);
	t_reap(&c);
	t_release(pfn, 1);
}

TEST(ask_errors)
{
	exo_pfn pfn = t_claim(1);

	OK(t_narrow(K_ROOT, K_ARBITER, t_key(EXO_C, "A")));
	OK(t_narrow(K_ROOT, K_ARBITER + 1, t_key(EXO_RIGHTS_ALL & ~EXO_C, "A")));
	OK(t_narrow(K_ROOT, K_ARBITER + 2, t_key(EXO_C, "A\xff")));
	ERR(exo_repossess(FRAMES, LATER, K_ARBITER), RANGE);
	ERR(exo_repossess(~0ull, LATER, K_ARBITER), RANGE);
	ERR(exo_repossess(pfn, LATER, K_NONE), KEY);
	ERR(exo_repossess(pfn, LATER, K_BEYOND), KEY);
	ERR(exo_repossess(pfn, LATER, K_NOTHING), RIGHTS);
	ERR(exo_repossess(pfn, LATER, K_ARBITER + 1), RIGHTS);
	ERR(exo_repossess(pfn, LATER, K_ARBITER + 2), RIGHTS);
	ERR(exo_repossess(exo_frame_find(0, 1), LATER, K_ARBITER), KIND);
	ERR(exo_repossess(ROOT_ACCOUNT, LATER, K_ARBITER), KIND);
	ERR(exo_repossess(exo_env(exo_self())->env_frame, LATER, K_ARBITER), KIND);
	ERR(exo_repossess(EXO_PTE_PFN(exo_pte((uint64_t)exo_uarea())), LATER, K_ARBITER), KIND);
	ERR(exo_repossess(0, LATER, K_ARBITER), KIND);
	ERR(exo_repossess(pfn, exo_now_ns(), K_ARBITER), ARG);
	ERR(exo_repossess(pfn, 1, K_ARBITER), ARG);
	ERR(exo_repossess(pfn, exo_now_ns() + EXO_REPOSSESS_NS / 2, K_ARBITER), ARG);
	ERR(exo_repossess(pfn, 0, K_ARBITER), ABSENT);
	ERR(exo_frame_mark(pfn, 1, EXO_FRAME_FIXED, 0, K_WRITE), RIGHTS);
	IS(exo_frame_mark(pfn, 1, EXO_FRAME_FIXED, 0, K_ARBITER), 1);
	ERR(exo_frame_mark(pfn, 1, EXO_FRAME_PUBLIC | EXO_FRAME_FIXED, 0, K_ARBITER), RIGHTS);
	ERR(exo_repossess(pfn, LATER, K_ARBITER), FIXED);
	IS(exo_frame_mark(pfn, 1, 0, EXO_FRAME_FIXED, K_CONTROL), 1);
	OK(exo_repossess(pfn, ~0ull, K_ARBITER));
	CHECK(exo_frame(pfn)->flags & EXO_FRAME_ASKED);
	ERR(exo_repossess(pfn, LATER, K_ARBITER), TAKEN);
	OK(exo_repossess(pfn, 0, K_ARBITER));
	CHECK(!(exo_frame(pfn)->flags & EXO_FRAME_ASKED));
	IS(exo_info()->repossess_ns, EXO_REPOSSESS_NS);
	t_release(pfn, 1);
}

TEST(take_errors)
{
	exo_pfn pfn = t_claim(1);
	uint64_t deadline;

	OK(t_narrow(K_ROOT, K_ARBITER, t_key(EXO_C, "A")));
	ERR(exo_repossess_take(FRAMES, K_ARBITER), RANGE);
	ERR(exo_repossess_take(pfn, K_NONE), KEY);
	ERR(exo_repossess_take(pfn, K_NOTHING), RIGHTS);
	ERR(exo_repossess_take(exo_frame_find(0, 1), K_ARBITER), KIND);
	ERR(exo_repossess_take(pfn, K_ARBITER), ABSENT);
	OK(exo_repossess(pfn, LATER, K_ARBITER));
	ERR(exo_repossess_take(pfn, K_ARBITER), BUSY);
	IS(exo_frame_mark(pfn, 1, EXO_FRAME_FIXED, 0, K_ARBITER), 1);
	ERR(exo_repossess_take(pfn, K_ARBITER), FIXED);
	IS(exo_frame_mark(pfn, 1, 0, EXO_FRAME_FIXED, K_CONTROL), 1);
	OK(exo_repossess(pfn, 0, K_ARBITER));
	OK(ASK_SOON(deadline, exo_repossess(pfn, deadline, K_ARBITER)));
	wait_until(deadline);
	IS(exo_repossess_take(pfn, K_ARBITER), 1);
	ERR(exo_repossess_take(pfn, K_ARBITER), KIND);
	IS(exo_frame(pfn)->kind, EXO_FRAME_FREE);
}

/* Asked, told, used until the deadline, taken, told. */
TEST(told_and_taken)
{
	exo_pfn pfn = t_claim(1);
	uint64_t asked, lost, deadline, value = 0;

	begin(ROOT_ACCOUNT);
	asked = revocation()->asked;
	lost = revocation()->lost;
	for (unsigned page = 0; page < 400; page++)
		IS(t_map(T_VA + page * PAGE, pfn, EXO_MAP_WRITE), 1);
	OK(t_write(T_VA, 0x5ec4e7));
	OK(ASK_SOON(deadline, exo_repossess(pfn, deadline, K_ARBITER)));
	IS(told, 1);
	IS(revocation()->asked, asked + 1);
	IS(revocation()->ask[asked % EXO_REVOKES].pfn, pfn);
	IS(revocation()->ask[asked % EXO_REVOKES].deadline_ns, deadline);
	OK(t_read(T_VA + 399 * PAGE, &value));
	IS(value, 0x5ec4e7);
	wait_until(deadline);
	IS(exo_repossess_take(pfn, K_ARBITER), 0);
	IS(exo_frame(pfn)->kind, EXO_FRAME_LOST);
	ERR(t_map(T_VA + 401 * PAGE, pfn, 0), KIND);
	take(pfn);
	IS(told, 2);
	IS(revocation()->lost, lost + 1);
	IS(revocation()->loss[lost % EXO_REVOKES], pfn);
	for (unsigned page = 0; page < 400; page += 57)
		IS(t_read(T_VA + page * PAGE, NULL), T_PF(4));
	end(ROOT_ACCOUNT);
}

/* An asynchronous upcall like others: it waits for the end of a critical section. */
TEST(told_later)
{
	exo_pfn pfn = t_claim(1);
	uint32_t before;

	begin(ROOT_ACCOUNT);
	before = exo_critical_enter();
	OK(exo_repossess(pfn, ~0ull, K_ARBITER));
	CHECK(exo_uarea()->pending & 1u << EXO_ENTRY_REVOKE);
	IS(told, 0);
	exo_critical_leave(before);
	IS(told, 1);
	OK(exo_repossess(pfn, 0, K_ARBITER));
	end(ROOT_ACCOUNT);
	/* No entry: the record is there, nothing else happens. */
	OK(exo_account_watch(ROOT_ACCOUNT, exo_self(), K_ROOT, 0));
	OK(exo_repossess(pfn, ~0ull, K_ARBITER));
	IS(exo_uarea()->pending, 0);
	IS(revocation()->ask[(revocation()->asked - 1) % EXO_REVOKES].pfn, pfn);
	OK(exo_repossess(pfn, 0, K_ARBITER));
	OK(exo_account_watch(ROOT_ACCOUNT, 0, K_ROOT, 0));
	t_release(pfn, 1);
}

/* More than the ring holds: the count tells, and the table has what was missed. */
TEST(ring_goes_round)
{
	exo_pfn pfn = t_claim(40);
	uint64_t asked;
	unsigned marked = 0;

	begin(ROOT_ACCOUNT);
	asked = revocation()->asked;
	for (unsigned n = 0; n < 40; n++)
		OK(exo_repossess(pfn + n, ~0ull, K_ARBITER));
	IS(revocation()->asked, asked + 40);
	for (uint64_t n = asked + 40 - EXO_REVOKES; n < asked + 40; n++)
		IS(revocation()->ask[n % EXO_REVOKES].pfn, pfn + (n - asked));
	for (exo_pfn at = 0; at < FRAMES; at++)
		marked += (exo_frame(at)->flags & EXO_FRAME_ASKED) != 0;
	IS(marked, 40);
	for (unsigned n = 0; n < 40; n++)
		OK(exo_repossess(pfn + n, 0, K_ARBITER));
	end(ROOT_ACCOUNT);
	t_release(pfn, 40);
}

/* ---- another's frame: it gives way, or it does not ---- */

static volatile uint64_t listens, gave_way, page_lost;

static void
gives_way(struct exo_save *context)
{
	volatile struct exo_revocation *r = revocation();

	(void)context;
	if (r->asked == 1 && r->lost == 0 && exo_frame_release(r->ask[0].pfn, 1, 1) == 1)
		gave_way = r->ask[0].pfn;
}

static void
polite(uint64_t arg)
{
	(void)arg;
	exo_on_revoke(gives_way);
	listens = 1;
	for (;;)
		exo_wait_for(NULL, 0, exo_now_ns() + 1000000, 0);
}

TEST(given_up_in_time)
{
	struct t_child c;
	exo_pfn pfn;

	listens = gave_way = 0;
	OK(t_narrow(K_ROOT, K_ARBITER, t_key(EXO_C, "A")));
	if (!t_child(&c, polite, 0, 1) || !t_give(&c, K_ROOT, 1) || !t_start(&c))
		return;
	pfn = exo_frame_find(0, 1);
	IS(exo_frame_claim(pfn, 1, c.account, 0, K_ROOT, 0), 1);
	OK(exo_account_watch(c.account, c.id, K_ROOT, K_ROOT));
	t_until(&listens, EXO_EQ, 1);
	OK(exo_repossess(pfn, LATER, K_ARBITER));
	t_until(&gave_way, EXO_NE, 0);
	IS(gave_way, pfn);
	IS(exo_frame(pfn)->kind, EXO_FRAME_LOST);
	IS(exo_frame(pfn)->account, 0);
	ERR(exo_frame_claim(pfn, 1, ROOT_ACCOUNT, 0, K_ROOT, 0), TAKEN);
	IS(exo_repossess_take(pfn, K_ARBITER), 1);
	IS(exo_frame(pfn)->kind, EXO_FRAME_FREE);
	t_reap(&c);
}

static void
notes_loss(struct exo_save *context)
{
	volatile struct exo_revocation *r = revocation();

	if (context->vector == 14 && r->lost > 0)
		page_lost = r->loss[(r->lost - 1) % EXO_REVOKES];
	t_exit(9);
}

/* Deaf to the request: it learns from the fault, and knows why. */
static void
deaf(uint64_t va)
{
	exo_on_exception(notes_loss);
	for (;;) {
		*(volatile uint64_t *)va += 1;
		exo_yield(0);
	}
}

TEST(taken_by_force)
{
	struct t_child c;
	exo_pfn pfn;
	uint64_t deadline;

	page_lost = 0;
	OK(t_narrow(K_ROOT, K_ARBITER, t_key(EXO_C, "A")));
	if (!t_child(&c, deaf, T_VA, 1))
		return;
	pfn = exo_frame_find(0, 1);
	IS(exo_frame_claim(pfn, 1, c.account, 0, K_ROOT, 0), 1);
	IS(t_map_op(c.id, T_VA, pfn, EXO_OP_MAP | EXO_MAP_WRITE, K_ROOT, K_ROOT), 1);
	OK(exo_account_watch(c.account, c.id, K_ROOT, K_ROOT));
	t_start(&c);
	OK(ASK_SOON(deadline, exo_repossess(pfn, deadline, K_ARBITER)));
	wait_until(deadline + 20000000);
	IS(exo_env(c.id)->state, EXO_ENV_ALIVE);
	IS(exo_repossess_take(pfn, K_ARBITER), 1);
	IS(exo_frame_claim(pfn, 1, ROOT_ACCOUNT, 0, K_ROOT, 0), 1);
	IS(t_wait(&c), T_EXIT(9));
	IS(page_lost, pfn);
	t_reap(&c);
	t_release(pfn, 1);
}

/* An asked frame waits for nothing from outside, but may be sent: to be saved. */
TEST(devices)
{
	exo_pfn pfn = t_claim(1);
	struct exo_io io = { .pfn = pfn, .bytes = 8, .done_offset = 64, .key = K_ROOT };

	OK(t_narrow(K_ROOT, K_ARBITER, t_key(EXO_C, "A")));
	OK(exo_repossess(pfn, ~0ull, K_ARBITER));
	ERR(exo_io_submit(0, 0, &io, 1, K_ROOT), BUSY);
	IS(exo_io_submit(0, 1, &io, 1, K_ROOT), 1);
	for (unsigned n = 0; n < 200 && exo_frame(pfn)->pins != 0; n++)
		exo_wait_for(NULL, 0, exo_now_ns() + 5000000, 0);
	IS(exo_frame(pfn)->pins, 0);
	OK(exo_repossess(pfn, 0, K_ARBITER));
	t_release(pfn, 1);
}
