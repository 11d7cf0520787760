/* SPDX-License-Identifier: ISC */
/* account_ask, account_guarantee, account_vector, slice_ask, slice_take, and how an environment hears of them. */
#include "arbiter.h"

#define FRAMES (exo_info()->frames)
#define PAGE EXO_PAGE_BYTES
enum { K_SLICES = K_ARBITER + 1, K_OWNER };

/* An account of its own for the frames that are asked for, with so many of them; its frame. */
static exo_pfn
account_under(exo_guardref guard, uint64_t frames, exo_pfn *first)
{
	exo_pfn account = t_claim(1);

	OK(t_narrow(K_ROOT, K_ARBITER, t_key(EXO_C, "A")));
	OK(exo_account_create(account, ROOT_ACCOUNT, frames, guard, K_ROOT, K_ROOT));
	OK(exo_account_watch(account, exo_self(), K_ROOT, 0));
	*first = exo_frame_find(0, (unsigned)frames);
	IS(exo_frame_claim_all(*first, frames, account, 0, K_ROOT, 0), frames);
	told = 0;
	exo_on_revoke(on_revoke);
	return account;
}

static exo_pfn
account_new(uint64_t frames, exo_pfn *first)
{
	return account_under(0, frames, first);
}

static void
account_end(exo_pfn account)
{
	exo_on_revoke(NULL);
	while (exo_account_reap(account, 100, K_ROOT) > 0)
		;
	t_release(account, 1);
}

TEST(ask_errors)
{
	exo_pfn pfn, account = account_new(4, &pfn);

	ERR(exo_account_ask(FRAMES, 1, LATER, K_ARBITER), RANGE);
	ERR(exo_account_ask(~0ull, 1, LATER, K_ARBITER), RANGE);
	ERR(exo_account_ask(account, 1, LATER, K_NONE), KEY);
	ERR(exo_account_ask(account, 1, LATER, K_NOTHING), RIGHTS);
	ERR(exo_account_ask(account, 1, LATER, K_WRITE), RIGHTS);
	ERR(exo_account_ask(pfn, 1, LATER, K_ARBITER), KIND);
	ERR(exo_account_ask(ROOT_ACCOUNT, 1, LATER, K_ARBITER), KIND);
	ERR(exo_account_ask(account, 0, LATER, K_ARBITER), ABSENT);
	ERR(exo_account_ask(account, 0, 0, K_ARBITER), ABSENT);
	ERR(exo_account_ask(account, 1, 0, K_ARBITER), ARG);
	ERR(exo_account_ask(account, 1, exo_now_ns() + EXO_REPOSSESS_NS / 2, K_ARBITER), ARG);
	IS(told, 0);
	IS(exo_account_ask(account, 3, ~0ull, K_ARBITER), 3);
	ERR(exo_account_ask(account, 3, ~0ull, K_ARBITER), TAKEN);
	OK(exo_account_ask(account, 0, 0, K_ARBITER));
	account_end(account);
}

/* Asked, given in part, warned, the rest taken by name; then nothing more may be taken. */
TEST(asked_and_taken)
{
	exo_pfn pfn, account = account_new(5, &pfn);
	uint64_t asked = revocation()->debt.asked, deadline;

	IS(exo_account_ask(account, 3, ~0ull, K_ARBITER), 3);
	IS(told, 1);
	IS(revocation()->debt.asked, asked + 1);
	IS(revocation()->debt.account, account);
	IS(revocation()->debt.frames, 3);
	IS(revocation()->debt.deadline_ns, ~0ull);
	IS(exo_frame_release(pfn, 1, K_ROOT), 1);
	ERR(exo_frame_claim(pfn, 1, account, 0, K_ROOT, 0), QUOTA);
	ERR(exo_repossess_take(pfn + 1, K_ARBITER), ABSENT);
	IS(ASK_SOON(deadline, exo_account_ask(account, 0, deadline, K_ARBITER)), 2);
	IS(told, 2);
	IS(revocation()->debt.frames, 2);
	IS(revocation()->debt.deadline_ns, deadline);
	wait_until(deadline);
	ERR(exo_repossess_take(pfn + 1, K_WRITE), RIGHTS);
	take(pfn + 1);
	take(pfn + 2);
	ERR(exo_repossess_take(pfn + 3, K_ARBITER), ABSENT);
	IS(exo_frame(pfn + 3)->account, account);
	IS(exo_frame(pfn + 2)->kind, EXO_FRAME_FREE);
	IS(revocation()->loss[(revocation()->lost - 1) % EXO_REVOKES], pfn + 2);
	account_end(account);
}

TEST(guarantee)
{
	struct exo_key entries[EXO_GUARD_KEYS] = { t_key(EXO_RIGHTS_ALL, "g"),
		t_key(EXO_RIGHTS_ALL, "") };
	exo_pfn pfn, account, guards = t_claim(1);
	uint64_t deadline;

	OK(exo_guard_create(EXO_GUARD(guards, 0), entries, K_ROOT));
	OK(t_narrow(K_ROOT, K_OWNER, t_key(EXO_C, "g")));
	account = account_under(EXO_GUARD(guards, 0), 4, &pfn);
	ERR(exo_account_guarantee(FRAMES, 1, K_ROOT), RANGE);
	ERR(exo_account_guarantee(pfn, 1, K_ROOT), KIND);
	ERR(exo_account_guarantee(ROOT_ACCOUNT, 1, K_ROOT), KIND);
	ERR(exo_account_guarantee(account, 1, K_NONE), KEY);
	ERR(exo_account_guarantee(account, 1, K_ALLOT), RIGHTS);
	ERR(exo_account_guarantee(account, 1, K_OWNER), RIGHTS);
	ERR(exo_account_guarantee(account, -1, K_ROOT), QUOTA);
	ERR(exo_account_guarantee(account, 1ll << 40, K_ROOT), QUOTA);
	ERR(exo_account_guarantee(account, (int64_t)(1ull << 63), K_ROOT), QUOTA);
	ERR(exo_frame_mark(pfn, 1, EXO_FRAME_FIXED, 0, K_OWNER), QUOTA);
	OK(exo_account_guarantee(account, 1, K_CONTROL));
	IS(exo_frame_mark(pfn, 2, EXO_FRAME_FIXED, 0, K_OWNER), 1);
	ERR(exo_account_guarantee(account, -1, K_ROOT), QUOTA);
	OK(ASK_SOON(deadline, exo_repossess(pfn + 1, deadline, K_ARBITER)));
	IS(exo_frame_mark(pfn, 1, 0, EXO_FRAME_FIXED, K_OWNER), 1);
	ERR(exo_frame_mark(pfn + 1, 1, EXO_FRAME_FIXED, 0, K_OWNER), BUSY);
	wait_until(deadline);
	take(pfn + 1);
	IS(exo_frame_mark(pfn, 1, EXO_FRAME_FIXED, 0, K_OWNER), 1);
	IS(ASK_SOON(deadline, exo_account_ask(account, 4, deadline, K_ARBITER)), 3);
	wait_until(deadline);
	ERR(exo_repossess_take(pfn, K_ARBITER), FIXED);
	take(pfn + 2);
	OK(exo_account_ask(account, 0, 0, K_ARBITER));
	IS(exo_frame_mark(pfn, 1, 0, EXO_FRAME_FIXED, K_OWNER), 1);
	OK(exo_account_guarantee(account, -1, K_CONTROL));
	account_end(account);
	OK(exo_guard_free(EXO_GUARD(guards, 0), K_ROOT));
	t_release(guards, 1);
}

/* Contents are kept where the vector says, and what was there is told. */
TEST(vector)
{
	exo_pfn pfn, account = account_new(4, &pfn);
	volatile struct exo_vector *v = (volatile struct exo_vector *)T_VA;
	uint64_t deadline, value = 0;

	ERR(exo_account_vector(FRAMES, pfn, K_ROOT), RANGE);
	ERR(exo_account_vector(account, FRAMES, K_ROOT), RANGE);
	ERR(exo_account_vector(pfn, pfn, K_ROOT), KIND);
	ERR(exo_account_vector(account, account, K_ROOT), KIND);
	ERR(exo_account_vector(account, pfn, K_NONE), KEY);
	ERR(exo_account_vector(account, pfn, K_WRITE), RIGHTS);
	ERR(exo_account_vector(account, exo_env(exo_self())->env_frame, K_ROOT), KIND);
	OK(exo_account_vector(account, pfn, K_CONTROL));
	IS(t_map(T_VA, pfn, EXO_MAP_WRITE), 1);
	IS(t_map(T_VA + PAGE, pfn + 1, EXO_MAP_WRITE), 1);
	OK(t_write(T_VA + PAGE + 8, 4711));
	v->spare[0] = pfn + 2;
	v->named = 1;
	IS(ASK_SOON(deadline, exo_account_ask(account, 1, deadline, K_ARBITER)), 1);
	wait_until(deadline);
	take(pfn + 1);
	IS(t_read(T_VA + PAGE, NULL), T_PF(4));
	IS(v->lost, 1);
	IS(v->used, 1);
	IS(v->loss[0].pfn, pfn + 1);
	IS(v->loss[0].saved, pfn + 2);
	IS(v->loss[0].how, EXO_LOSS_SAVED);
	IS(t_map(T_VA + PAGE, v->loss[0].saved, EXO_MAP_WRITE), 1);
	OK(t_read(T_VA + PAGE + 8, &value));
	IS(value, 4711);
	t_unmap(T_VA);
	t_unmap(T_VA + PAGE);
	account_end(account);
}

/* A page table of this program goes, comes back by what was kept of it. */
TEST(page_table)
{
	exo_pfn run = t_claim(3), pfn = t_claim(2), guard = t_claim(1);
	volatile struct exo_vector *v = (volatile struct exo_vector *)T_VA;
	uint64_t deadline, value = 0;

	told = 0;
	OK(t_narrow(K_ROOT, K_ARBITER, t_key(EXO_C, "A")));
	OK(exo_account_watch(ROOT_ACCOUNT, exo_self(), K_ROOT, 0));
	OK(exo_account_vector(ROOT_ACCOUNT, guard, K_ROOT));
	IS(t_map(T_VA, guard, EXO_MAP_WRITE), 1);
	OK(exo_pt_install(exo_self(), T_VA_END | 1 | EXO_PT_WRITE, run, run + 1, 0, 0));
	IS(t_map(T_VA_END + 5 * PAGE, pfn, EXO_MAP_WRITE), 1);
	OK(t_write(T_VA_END + 5 * PAGE, 4711));
	v->spare[0] = pfn + 1;
	v->named = 1;
	ERR(exo_repossess(run + 1, LATER, K_ARBITER), KIND);
	OK(exo_repossess(run, LATER, K_ARBITER));
	ERR(exo_repossess_take(run, K_ARBITER), BUSY);
	ERR(exo_pt_install(exo_self(), (T_VA_END + 0x200000) | 1, run, 0, 0, K_ROOT), BUSY);
	OK(exo_repossess(run, 0, K_ARBITER));
	OK(ASK_SOON(deadline, exo_repossess(run, deadline, K_ARBITER)));
	wait_until(deadline);
	take(run);
	IS(exo_frame(run + 1)->kind, EXO_FRAME_FREE);
	IS(t_read(T_VA_END + 5 * PAGE, NULL), T_PF(4));
	IS(v->loss[0].kind, EXO_FRAME_PT1);
	IS(v->loss[0].saved, pfn + 1);
	IS(t_map(T_VA + PAGE, pfn + 1, 0), 1);
	value = *(volatile uint64_t *)(T_VA + PAGE + 5 * 8);
	IS(EXO_PTE_PFN(value), pfn);
	run = t_claim(3);
	OK(exo_pt_install(exo_self(), T_VA_END | 1 | EXO_PT_WRITE, run, run + 1, 0, 0));
	IS(t_map(T_VA_END + 5 * PAGE, EXO_PTE_PFN(value), EXO_MAP_WRITE), 1);
	OK(t_read(T_VA_END + 5 * PAGE, &value));
	IS(value, 4711);
	t_unmap(T_VA_END + 5 * PAGE);
	OK(exo_pt_remove(exo_self(), T_VA_END | 1, 0));
	t_release(run, 1);
	OK(exo_account_vector(ROOT_ACCOUNT, 0, K_ROOT));
	OK(exo_account_watch(ROOT_ACCOUNT, 0, K_ROOT, 0));
	t_unmap(T_VA);
	t_unmap(T_VA + PAGE);
	t_release(pfn, 2);
	t_release(guard, 1);
}

/* ---- slices ---- */

TEST(slice_errors)
{
	uint32_t index = exo_slice_find(0);

	OK(t_narrow(K_ROOT, K_SLICES, t_key(EXO_C, "S")));
	OK(exo_slice_claim(0, index, exo_self(), 0, K_ROOT, 0));
	ERR(exo_slice_ask(exo_info()->cpus, index, LATER, K_SLICES), RANGE);
	ERR(exo_slice_ask(0, EXO_SLICES_CPU, LATER, K_SLICES), RANGE);
	ERR(exo_slice_ask(0, index, LATER, K_NONE), KEY);
	ERR(exo_slice_ask(0, index, LATER, K_WRITE), RIGHTS);
	ERR(exo_slice_ask(0, index + 1, LATER, K_SLICES), ABSENT);
	ERR(exo_slice_ask(0, index, 0, K_SLICES), ABSENT);
	ERR(exo_slice_ask(0, index, exo_now_ns() + EXO_REPOSSESS_NS / 2, K_SLICES), ARG);
	ERR(exo_slice_take(exo_info()->cpus, index, K_SLICES), RANGE);
	ERR(exo_slice_take(0, EXO_SLICES_CPU, K_SLICES), RANGE);
	ERR(exo_slice_take(0, index, K_NONE), KEY);
	ERR(exo_slice_take(0, index, K_WRITE), RIGHTS);
	ERR(exo_slice_take(0, index + 1, K_SLICES), ABSENT);
	ERR(exo_slice_take(0, index, K_SLICES), ABSENT);
	OK(exo_slice_ask(0, index, ~0ull, K_SLICES));
	ERR(exo_slice_ask(0, index, ~0ull, K_SLICES), TAKEN);
	ERR(exo_slice_take(0, index, K_SLICES), BUSY);
	OK(exo_slice_ask(0, index, 0, K_SLICES));
	ERR(exo_slice_take(0, index, K_SLICES), ABSENT);
	OK(exo_slice_release(0, index, K_NONE));
}

/* The owner is told; passing it on, or letting go of it, leaves nothing of the request. */
TEST(slice_asked)
{
	uint32_t index = exo_slice_find(0);
	uint64_t asked = revocation()->slice.asked, lost = revocation()->slice.lost, deadline;

	OK(t_narrow(K_ROOT, K_SLICES, t_key(EXO_C, "S")));
	told = 0;
	exo_on_revoke(on_revoke);
	OK(exo_slice_claim(0, index, exo_self(), 0, K_ROOT, 0));
	OK(ASK_SOON(deadline, exo_slice_ask(0, index, deadline, K_SLICES)));
	IS(told, 1);
	IS(revocation()->slice.asked, asked + 1);
	IS(revocation()->slice.index, index);
	IS(revocation()->slice.deadline_ns, deadline);
	OK(exo_slice_pass(0, index, exo_self(), K_NONE));
	IS(told, 2);
	wait_until(deadline);
	OK(exo_slice_take(0, index, K_SLICES));
	IS(told, 3);
	IS(revocation()->slice.lost, lost + 1);
	IS(revocation()->slice.deadline_ns, 0);
	IS(exo_slice(0, index)->owner, 0);
	OK(exo_slice_claim(0, index, exo_self(), 0, K_ROOT, 0));
	OK(exo_slice_ask(0, index, ~0ull, K_SLICES));
	OK(exo_slice_release(0, index, K_NONE));
	OK(exo_slice_claim(0, index, exo_self(), 0, K_ROOT, 0));
	ERR(exo_slice_take(0, index, K_SLICES), ABSENT);
	OK(exo_slice_release(0, index, K_NONE));
	exo_on_revoke(NULL);
}
