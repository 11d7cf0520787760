/* SPDX-License-Identifier: ISC */
/*
 * Accounts own frames.  An account lies in the frame that names it; its frames
 * form a ring through the private frame table.  A limit is carved out of the
 * parent's when the account is made, or moved later, so that charging is one
 * compare and never a walk.  An account may be above its limit only by
 * inheritance, and then claims nothing until it is below.
 *
 * Life: account_create -> frames come and go -> account_reap until nothing is
 * left -> frame_release (or the parent's reaping), which gives the limit back.
 *
 * An account without a live guard of its own is opened by whatever opens its
 * parent, and the root account by the root key.  Control of an account is also
 * control of those carved out of it, whatever their guards say: a holder of
 * the inner one could lock it by a guard that only it opens, and keep the
 * frames for ever.  ACCOUNT_DEPTH bounds the walk.
 */
#include "mem_priv.h"
#include "../cap/cap.h"

u64 grants_epoch = 1;			/* no environment begins with what holds */

void
grant_note(const struct grant *g, exo_slot key, u64 about, u32 rights)
{
	*(struct grant *)g = (struct grant){ .epoch = grants_epoch, .about = about, .key = key,
		.others = ~rights };
}

void
account_close(exo_pfn pfn)
{
	struct account *account = account_of(pfn), *parent = account_of(account->parent);

	must(account->used == 0 && account->children == 0 && account->carved == 0);
	parent->limit += account->limit;
	parent->carved -= account->limit;
	parent->fixed_limit += account->fixed_limit;
	parent->children--;
	account_slices_close(account);
	debt_settle(account->parent);
	grant_forget();
}

void
account_unlinked(exo_pfn pfn, bool fixed)
{
	account_of(pfn)->fixed -= fixed;
	debt_settle(pfn);
}

/*
 * Control reaches downwards whatever guards the accounts below were put under,
 * or else a child could lock its parent out of its frames.  Other rights ask
 * the account's own guard, and what is above only where there is none.
 */
int
account_test(const struct env *self, exo_slot key, exo_pfn pfn, u32 rights)
{
	const struct account *account = account_of(pfn);
	int error;

	for (unsigned depth = 0; depth <= ACCOUNT_DEPTH; depth++) {
		error = -EXO_EABSENT;
		if (account->guard)
			error = guard_test(self, key, account->guard, account->guard_serial,
				rights);
		if (error == 0 || (error != -EXO_EABSENT && rights != EXO_C))
			return error;
		if (account->parent == 0)
			break;
		account = account_of(account->parent);
	}
	return guard_allows(self, key, 0, 0, rights);
}

int
account_ask(const struct env *self, exo_slot key, exo_pfn pfn, u32 rights)
{
	bool known = grant_is(&self->grant, key, pfn, 0);
	int error = account_test(self, key, pfn, rights);

	if (error)
		return error;
	/* One entry of a guard must have all: a yes to these and a yes to those is no yes to both. */
	if (known && account_test(self, key, pfn, rights | ~self->grant.others) == 0)
		rights |= ~self->grant.others;
	grant_note(&self->grant, key, pfn, rights);
	return 0;
}
