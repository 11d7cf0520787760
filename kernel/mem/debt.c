/* SPDX-License-Identifier: ISC */
/*
 * Debts: the arbiter asks an account for so many frames of its library's
 * choice, by a deadline.
 *
 *	no debt --account_ask--> debt --warned--> debt --deadline--> due
 *	   ^-------- what it does not use goes to its parent --------'
 *
 * What is asked back is limit, together with the frames that fill it: limit
 * that is not used goes to the account above at once, and whatever the account
 * lets go of, or is taken from it, follows until the debt is paid.  So an
 * account in debt claims nothing, and letting go of a frame only to claim it
 * again pays.  Once the debt is due the arbiter takes frames by name
 * (repossess.c), from the account or from any below it: splitting an account
 * hides nothing.
 */
#include "mem_priv.h"
#include "../event/event.h"

static u64
room_of(const struct account *account)
{
	return account->limit > account->used ? account->limit - account->used : 0;
}

static u64
smaller(u64 a, u64 b)
{
	return a < b ? a : b;
}

static void
limit_up(struct account *account, u64 count) REQUIRES(mem_lock)
{
	struct account *above = account_of(account->parent);

	account->limit -= count;
	above->limit += count;
	above->carved -= count;
}

/* What one account pays may pay the debt of the one above. */
void
debt_settle(exo_pfn pfn)
{
	for (unsigned depth = 0; depth <= ACCOUNT_DEPTH; depth++) {
		struct account *account = account_of(pfn);
		u64 paid = smaller(account->debt, room_of(account));

		if (paid == 0)
			return;
		limit_up(account, paid);
		account->debt -= paid;
		if (account->debt == 0)
			account->debt_deadline = 0;
		pfn = account->parent;
	}
}

/* Callers hold env_lock too (mem_enter); every function that lets go of a frame would have to say so. */
static void
debt_tell(exo_pfn pfn, u64 deadline) NO_TSA
{
	exo_pfn at = pfn;
	int error;

	for (unsigned depth = 0; at != 0 && depth <= ACCOUNT_DEPTH; depth++) {
		const struct account *account = account_of(at);
		struct env *env = env_find(account->watcher, &error);

		if (env != NULL && event_debt(env, pfn, account_of(pfn)->debt, deadline))
			return;
		at = account->parent;
	}
}

u64
debt_ask(exo_pfn pfn, u64 count, u64 deadline)
{
	struct account *account = account_of(pfn);

	account->debt = smaller(count, account->limit);
	account->debt_deadline = account->debt ? deadline : 0;
	debt_settle(pfn);
	if (account->debt != 0)
		debt_tell(pfn, deadline);
	return account->debt;
}

void
debt_warn(exo_pfn pfn, u64 deadline)
{
	account_of(pfn)->debt_deadline = deadline;
	debt_tell(pfn, deadline);
}

void
debt_forgive(exo_pfn pfn)
{
	account_of(pfn)->debt = 0;
	account_of(pfn)->debt_deadline = 0;
}

/* The account that owes, from this one upwards; 0: none.  Bounded by the depth of the tree. */
static exo_pfn
debtor(exo_pfn pfn) REQUIRES(mem_lock)
{
	while (pfn != 0 && account_of(pfn)->debt == 0)
		pfn = account_of(pfn)->parent;
	return pfn;
}

bool
debt_due(exo_pfn pfn)
{
	exo_pfn at = debtor(pfn);

	return at != 0 && now_ns() >= account_of(at)->debt_deadline;
}

/* A debtor itself has paid as its frame went; below it the limit is carried up. */
void
debt_paid(exo_pfn pfn)
{
	exo_pfn at = debtor(pfn);

	if (at == 0 || at == pfn)
		return;
	for (; pfn != at; pfn = account_of(pfn)->parent)	/* bound: the depth of the tree */
		limit_up(account_of(pfn),
			smaller(account_of(at)->debt, room_of(account_of(pfn))));
	debt_settle(at);
}
