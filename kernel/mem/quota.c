/* SPDX-License-Identifier: ISC */
/*
 * Slices of accounts.  What lies in frames (page tables, key rings, guards,
 * environments) is bounded by an account's frames; places in the vectors of
 * time are the other resource, and their limit is carved from the parent's in
 * the same way, so that a tree never holds more than its root was given.
 *
 * An account has no limit of its own until account_slices gives it one; until
 * then the nearest above that has one pays (the root account has all there
 * are).  The processor's side notes for each slice who pays for it: a limit that
 * comes later does not move what is held already.  All of it is under env_lock,
 * like the slices; accounts end under both locks.
 */
#include "mem_priv.h"
#include "../cap/cap.h"
#include <kernel/syscalls.h>

exo_pfn
account_pays(exo_pfn pfn) NO_TSA
{
	const struct account *account = account_of(pfn);

	while (account->parent != 0 && account->slices_from == 0) {	/* bound: ACCOUNT_DEPTH */
		pfn = account->parent;
		account = account_of(pfn);
	}
	return pfn;
}

int
account_slice_room(exo_pfn payer) NO_TSA
{
	const struct account *account = account_of(payer);

	return account->slices < account->slices_limit ? 0 : -EXO_EQUOTA;
}

void
account_slice_charge(exo_pfn payer, int slices) NO_TSA
{
	account_of(payer)->slices += (u32)slices;
}

bool
account_slice_holds(exo_pfn payer) NO_TSA
{
	const struct account *account = account_at(payer);

	return account != NULL && account->slices > 0 && account->slices <= account->slices_limit;
}

void
account_slices_close(struct account *account) NO_TSA
{
	must(account->slices == 0);
	if (account->slices_from != 0)
		account_of(account->slices_from)->slices_limit += account->slices_limit;
}

/*
 * Where the limit came from, or would.  One that got it before an account between
 * was given a limit of its own keeps it, and gives it back there, but gets no more
 * from there: or all below that account would be free of its limit.
 */
static exo_pfn
source_of(const struct account *account) REQUIRES(env_lock)
{
	bool holds = account->slices_limit != 0 || account->children != 0;

	return account->slices_from != 0 && holds ? account->slices_from :
		account_pays(account->parent);
}

/* 0, or why so many cannot go from one to the other; below 0 back. */
static int
may_move(struct env *self, exo_pfn pfn, i64 delta, exo_slot k_parent) REQUIRES(env_lock, mem_lock)
{
	const int error = account_carved(self, pfn, k_parent, EXO_A);
	u64 count = delta < 0 ? -(u64)delta : (u64)delta;
	const struct account *account, *from;

	if (error)
		return error;
	account = account_of(pfn);
	if (delta > 0 && source_of(account) != account_pays(account->parent))
		return -EXO_EQUOTA;
	from = delta < 0 ? account : account_of(source_of(account));
	return count > from->slices_limit - from->slices ? -EXO_EQUOTA : 0;
}

i64
sys_account_slices(struct env *self, u64 pfn, i64 delta, u64 k_parent)
{
	struct account *account;
	int error;

	mem_enter();
	error = may_move(self, pfn, delta, slot_arg(k_parent));
	if (error)
		return mem_leave(NULL, error);

	account = account_of(pfn);
	account->slices_from = (u32)source_of(account);
	account->slices_limit += (u32)delta;		/* modulo 2^32 both ways */
	account_of(account->slices_from)->slices_limit -= (u32)delta;
	return mem_leave(NULL, 0);
}
