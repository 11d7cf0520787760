/* SPDX-License-Identifier: ISC */
/* Calls on accounts. */
#include "mem_priv.h"
#include "../cap/cap.h"
#include <kernel/syscalls.h>

/* The account, if the key opens it with these rights: 0 or an error. */
static int
account_reach(struct env *self, exo_pfn pfn, exo_slot key, u32 rights) REQUIRES(mem_lock)
{
	if (pfn >= frames_count)
		return -EXO_ERANGE;
	if (account_at(pfn) == NULL)
		return -EXO_EKIND;
	return account_allows(self, key, pfn, rights);
}

/* Too deep a tree counts as beyond the quota: depth is what the walk to a guard costs. */
static int
may_create(struct env *self, exo_pfn pfn, exo_pfn parent, u64 limit, exo_slot k_parent)
	REQUIRES(mem_lock)
{
	int error = account_reach(self, parent, k_parent, EXO_A);

	if (error == 0)
		error = frame_usable_by(self, k_parent, pfn, parent);
	if (error)
		return error;
	if (account_of(parent)->depth >= ACCOUNT_DEPTH)
		return -EXO_EQUOTA;
	return account_room(account_of(parent), limit);
}

i64
sys_account_create(struct env *self, u64 pfn, u64 parent, u64 limit, u64 guard, u64 k_parent,
	u64 k_guard)
{
	struct account *above;
	int error;

	mem_enter();
	error = may_create(self, pfn, parent, limit, (exo_slot)k_parent);
	if (error == 0)
		error = guard_usable(self, guard, (exo_slot)k_guard);
	if (error)
		return mem_leave(NULL, error);

	above = account_of(parent);
	above->limit -= limit;
	above->carved += limit;
	above->children++;
	frame_type(pfn, EXO_FRAME_ACCOUNT, 0);
	*account_of(pfn) = (struct account){
		.parent = (u32)parent, .limit = limit, .depth = above->depth + 1, .guard = guard,
		.guard_serial = guard ? guard_at(guard)->serial : 0,
	};
	return mem_leave(NULL, 0);
}

i64
sys_account_watch(struct env *self, u64 account, u64 env, u64 key, u64 k_env)
{
	struct env *watcher;
	int error;

	mem_enter();
	error = account_reach(self, account, slot_arg(key), EXO_C);
	if (error == 0 && env != 0)
		error = env_reach(self, env, slot_arg(k_env), EXO_P, &watcher);
	if (error)
		return mem_leave(NULL, error);

	account_of(account)->watcher = env;
	return mem_leave(NULL, 0);
}

static int
may_name_vector(struct env *self, exo_pfn account, exo_pfn pfn, exo_slot key)
	REQUIRES(mem_lock)
{
	int error = account_reach(self, account, key, EXO_C);

	if (error || pfn == 0)
		return error;
	if (pfn >= frames_count)
		return -EXO_ERANGE;
	if (frames[pfn].kind != EXO_FRAME_DATA)
		return -EXO_EKIND;
	return frames[pfn].account != account ? -EXO_EOWNER : 0;
}

i64
sys_account_vector(struct env *self, u64 account, u64 pfn, u64 key)
{
	struct account *owner;
	int error;

	mem_enter();
	error = may_name_vector(self, account, pfn, slot_arg(key));
	if (error)
		return mem_leave(NULL, error);

	owner = account_of(account);
	owner->vector = (u32)pfn;
	owner->vector_generation = frames[pfn].generation;
	owner->losses = owner->spares = 0;
	if (pfn != 0)
		frame_scrub(pfn);
	return mem_leave(NULL, 0);
}

/* The root account has no parent to move something from or to: KIND. */
int
account_carved(struct env *self, exo_pfn pfn, exo_slot k_parent, u32 rights)
{
	const struct account *account;

	if (pfn >= frames_count)
		return -EXO_ERANGE;
	account = account_at(pfn);
	if (account == NULL || account->parent == 0)
		return -EXO_EKIND;
	return account_allows(self, k_parent, account->parent, rights);
}

static int
may_limit(struct env *self, exo_pfn pfn, i64 delta, exo_slot k_parent) REQUIRES(mem_lock)
{
	const int error = account_carved(self, pfn, k_parent, EXO_A);
	const struct account *account;

	if (error)
		return error;
	account = account_of(pfn);
	if (delta < 0)
		return account_room(account, -(u64)delta);
	return account_room(account_of(account->parent), (u64)delta);
}

i64
sys_account_limit(struct env *self, u64 account, i64 delta, u64 k_parent)
{
	struct account *above;
	int error;

	mem_enter();
	error = may_limit(self, account, delta, (exo_slot)k_parent);
	if (error)
		return mem_leave(NULL, error);

	above = account_of(account_of(account)->parent);
	account_of(account)->limit += (u64)delta;	/* modulo 2^64 both ways */
	above->limit -= (u64)delta;
	above->carved += (u64)delta;
	debt_settle(delta < 0 ? account_of(account)->parent : account);
	return mem_leave(NULL, 0);
}

/* A guarantee that is in use is given back by giving up what is guaranteed. */
static int
may_guarantee(struct env *self, exo_pfn pfn, i64 delta, exo_slot k_parent) REQUIRES(mem_lock)
{
	const int error = account_carved(self, pfn, k_parent, EXO_C);
	const struct account *account, *from;
	u64 count = delta < 0 ? -(u64)delta : (u64)delta;

	if (error)
		return error;
	account = account_of(pfn);
	from = delta < 0 ? account : account_of(account->parent);
	return from->fixed > from->fixed_limit || count > from->fixed_limit - from->fixed ?
		-EXO_EQUOTA : 0;
}

i64
sys_account_guarantee(struct env *self, u64 account, i64 delta, u64 k_parent)
{
	int error;

	mem_enter();
	error = may_guarantee(self, account, delta, slot_arg(k_parent));
	if (error)
		return mem_leave(NULL, error);

	account_of(account)->fixed_limit += (u64)delta;	/* modulo 2^64 both ways */
	account_of(account_of(account)->parent)->fixed_limit -= (u64)delta;
	return mem_leave(NULL, 0);
}

/* Units of work done; BUSY after a whole round in which nothing could be. */
static i64
reap(struct account *account, u64 max, struct work *work) REQUIRES(env_lock, mem_lock)
{
	u64 done = 0;
	bool progress = false;

	while (done < max && work->left > 0 && account->head != 0) {
		if (account->passed >= account->used) {
			account->passed = 0;
			return progress ? (i64)done : -EXO_EBUSY;
		}
		progress |= reap_step(account, work) == REAP_DONE;
		done++;
	}
	return (i64)done;
}

i64
sys_account_reap(struct env *self, u64 account, u64 max, u64 key)
{
	struct work work = WORK_INIT;
	int error;

	if (max == 0)
		return -EXO_EARG;
	mem_enter();
	error = account_reach(self, account, (exo_slot)key, EXO_C);
	if (error)
		return mem_leave(&work, error);

	return mem_leave(&work, reap(account_of(account), max, &work));
}
