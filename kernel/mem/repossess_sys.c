/* SPDX-License-Identifier: ISC */
/* The calls by which the arbiter takes frames. */
#include "mem_priv.h"
#include "../cap/cap.h"
#include <kernel/syscalls.h>

int
arbiter_allows(const struct env *self, exo_slot key, exo_pfn pfn)
{
	struct exo_key name = { .len = 8, .rights = EXO_C, .name = { EXO_NAME_ARBITER } };

	for (unsigned n = 0; n < 7; n++)
		name.name[1 + n] = (u8)(pfn >> (8 * (6 - n)));
	return name_allows(self, key, &name);
}

/* A frame of this kind, which may be taken at all. */
static int
may_repossess(const struct env *self, exo_pfn pfn, exo_slot key) REQUIRES(mem_lock)
{
	const struct exo_frame *frame = frame_at(pfn);
	int error;

	if (frame == NULL)
		return -EXO_ERANGE;
	error = arbiter_allows(self, key, pfn);
	if (error)
		return error;
	if (frame->kind != EXO_FRAME_DATA && frame->kind != EXO_FRAME_LOST &&
		(frame->kind < EXO_FRAME_PT1 || frame->kind > EXO_FRAME_PT3))
		return -EXO_EKIND;
	return frame->flags & EXO_FRAME_FIXED ? -EXO_EFIXED : 0;
}

static int
may_ask(const struct env *self, exo_pfn pfn, u64 deadline, exo_slot key) REQUIRES(mem_lock)
{
	int error = may_repossess(self, pfn, key);
	bool asked;

	if (error)
		return error;
	if (frames[pfn].kind == EXO_FRAME_LOST || (deadline == 0 && repossess_begun(pfn)))
		return -EXO_EKIND;
	asked = frames[pfn].flags & EXO_FRAME_ASKED;
	if (deadline == 0)
		return asked ? 0 : -EXO_EABSENT;
	if (asked)
		return -EXO_ETAKEN;
	return deadline < now_ns() + EXO_REPOSSESS_NS ? -EXO_EARG : 0;
}

i64
sys_repossess(struct env *self, u64 pfn, u64 deadline_ns, u64 key)
{
	int error;

	mem_enter();
	error = may_ask(self, pfn, deadline_ns, slot_arg(key));
	if (error)
		return mem_leave(NULL, error);

	if (deadline_ns != 0)
		repossess_ask(pfn, deadline_ns);
	else
		repossess_withdraw(pfn);
	return mem_leave(NULL, 0);
}

static int
may_take(const struct env *self, exo_pfn pfn, exo_slot key) REQUIRES(mem_lock)
{
	int error = may_repossess(self, pfn, key);

	if (error || repossess_begun(pfn))
		return error;
	if (debt_due(frames[pfn].account))
		return 0;
	if (!(frames[pfn].flags & EXO_FRAME_ASKED))
		return -EXO_EABSENT;
	return now_ns() < *repossess_deadline(pfn) ? -EXO_EBUSY : 0;
}

i64
sys_repossess_take(struct env *self, u64 pfn, u64 key)
{
	struct work work = WORK_INIT;
	int error;

	mem_enter();
	error = may_take(self, pfn, slot_arg(key));
	if (error)
		return mem_leave(&work, error);

	if (repossess_step(pfn, &work))
		return mem_leave(&work, 1);
	return mem_leave(&work, frames[pfn].nmaps == 0 && frames[pfn].pins > 0 ? -EXO_EBUSY : 0);
}

/* ---- frames of the library's choice ------------------------------------------------------- */

static int
may_ask_account(const struct env *self, exo_pfn pfn, u64 count, u64 deadline, exo_slot key)
	REQUIRES(mem_lock)
{
	const struct account *account;
	int error;

	if (pfn >= frames_count)
		return -EXO_ERANGE;
	error = arbiter_allows(self, key, pfn);
	if (error)
		return error;
	account = account_at(pfn);
	if (account == NULL || account->parent == 0)
		return -EXO_EKIND;
	if (count == 0 && account->debt == 0)
		return -EXO_EABSENT;
	if (count != 0 && account->debt != 0)
		return -EXO_ETAKEN;
	if (count == 0 && deadline == 0)
		return 0;
	return deadline < now_ns() + EXO_REPOSSESS_NS ? -EXO_EARG : 0;
}

i64
sys_account_ask(struct env *self, u64 account, u64 count, u64 deadline_ns, u64 key)
{
	u64 debt = 0;
	int error;

	mem_enter();
	error = may_ask_account(self, account, count, deadline_ns, slot_arg(key));
	if (error)
		return mem_leave(NULL, error);

	if (count != 0)
		debt = debt_ask(account, count, deadline_ns);
	else if (deadline_ns != 0)
		debt_warn(account, deadline_ns);
	else
		debt_forgive(account);
	return mem_leave(NULL, (i64)(count != 0 ? debt : account_of(account)->debt));
}
