/* SPDX-License-Identifier: ISC */
/* Calls on keys and key rings. */
#include "cap.h"
#include "cap_priv.h"
#include "../env/env.h"
#include "../mem/mem.h"
#include <kernel/syscalls.h>

/* Key slots one call may work through: about a hundred instructions each. */
#define SLOTS_CALL 128u

static int
empty_slot(const struct env *env, exo_slot slot, struct key **key) REQUIRES(env_lock)
{
	*key = ring_slot(env, slot);
	if (*key == NULL)
		return -EXO_ERANGE;
	return (*key)->type == KEY_NONE ? 0 : -EXO_ETAKEN;
}

static int
filled_slot(const struct env *env, exo_slot slot, struct key **key) REQUIRES(env_lock)
{
	*key = ring_slot(env, slot);
	return *key == NULL || (*key)->type == KEY_NONE ? -EXO_EKEY : 0;
}

/* `want` becomes the narrower key, if src dominates it. */
static int
narrow(const struct key *src, const struct exo_key *asked, struct key *want) REQUIRES(mem_lock)
{
	const struct guard *guard;

	*want = *src;
	if (asked->rights == 0 || (asked->rights & ~EXO_RIGHTS_ALL) != 0)
		return -EXO_EARG;
	if (src->type == KEY_NAMED) {
		want->named = *asked;
		if (!key_valid(asked))
			return -EXO_EARG;
		return key_dominates(&src->named, asked) ? 0 : -EXO_ERIGHTS;
	}
	want->rights = asked->rights;
	if ((asked->rights & ~src->rights) != 0)
		return -EXO_ERIGHTS;
	guard = guard_at(src->bound.guard);
	return guard && guard->generation == src->bound.serial ? 0 : -EXO_ESTALE;
}

i64
sys_key_narrow(struct env *self, u64 src, u64 dst, u64 key_lo, u64 key_hi)
{
	const u64 words[2] = { key_lo, key_hi };
	struct exo_key asked;
	struct key *from, *to, want;
	int error;

	memcpy(&asked, words, sizeof asked);
	cap_enter();
	error = filled_slot(self, (exo_slot)src, &from);
	if (error == 0)
		error = narrow(from, &asked, &want);
	if (error == 0)
		error = empty_slot(self, (exo_slot)dst, &to);
	if (error)
		return cap_leave(error);

	key_put(to, &want);
	return cap_leave(0);
}

i64
sys_key_bind(struct env *self, u64 guard, u64 rights, u64 key, u64 dst)
{
	struct guard *g;
	struct key *to;
	int error;

	if (rights == 0 || (rights & ~(u64)EXO_RIGHTS_ALL) != 0)
		return -EXO_EARG;
	cap_enter();
	error = guard_find(guard, &g);
	if (error == 0)
		error = guard_allows(self, (exo_slot)key, guard, g->serial, (u32)rights);
	if (error == 0)
		error = empty_slot(self, (exo_slot)dst, &to);
	if (error)
		return cap_leave(error);

	key_put(to, &(struct key){ .type = KEY_BOUND, .rights = (u8)rights,
		.bound = { .guard = guard, .serial = g->generation } });
	return cap_leave(0);
}

/* One slot; a stale bound key is copied as what it is, counted nowhere. */
static int
copy_one(const struct env *self, u64 src, const struct env *env, u64 dst)
	REQUIRES(env_lock, mem_lock)
{
	struct key *from = ring_slot(self, (exo_slot)src), *to;
	int error;

	if (from == NULL)
		return -EXO_ERANGE;
	if (from->type == KEY_NONE)
		return ring_slot(env, (exo_slot)dst) ? 0 : -EXO_ERANGE;
	error = empty_slot(env, (exo_slot)dst, &to);
	if (error)
		return error;

	key_put(to, from);
	return 0;
}

i64
sys_key_copy(struct env *self, u64 src, u64 count, u64 env, u64 dst, u64 k_env)
{
	struct env *target;
	u64 done;
	int error;

	if (count == 0)
		return -EXO_EARG;
	cap_enter();
	error = env_reach(self, env, (exo_slot)k_env, EXO_W, &target);
	if (error)
		return cap_leave(error);
	for (done = 0; done < count && done < SLOTS_CALL; done++) {
		error = copy_one(self, src + done, target, dst + done);
		if (error)
			return cap_leave(done ? (i64)done : error);
	}
	return cap_leave((i64)done);
}

i64
sys_key_offer(struct env *self, u64 slot, u64 env)
{
	struct key *key;
	int error;

	cap_enter();
	error = filled_slot(self, (exo_slot)slot, &key);
	if (error == 0 && env != 0)
		env_find(env, &error);
	if (error)
		return cap_leave(error);

	key->offered = env;
	return cap_leave(0);
}

/* An empty slot and one not offered look the same: what lies in a ring is its owner's business. */
static int
offered(struct env *self, exo_envid from, exo_slot slot, struct key **key) REQUIRES(env_lock)
{
	int error = 0;
	const struct env *env = env_find(from, &error);

	if (env == NULL)
		return error;
	*key = ring_slot(env, slot);
	if (*key == NULL)
		return -EXO_EKEY;
	return (*key)->type != KEY_NONE && (*key)->offered == self->id ? 0 : -EXO_ERIGHTS;
}

i64
sys_key_take(struct env *self, u64 env, u64 slot, u64 dst)
{
	struct key *from = NULL, *to;
	int error;

	cap_enter();
	error = offered(self, env, (exo_slot)slot, &from);
	if (error == 0)
		error = empty_slot(self, (exo_slot)dst, &to);
	if (error)
		return cap_leave(error);

	key_put(to, from);
	return cap_leave(0);
}

i64
sys_key_drop(struct env *self, u64 slot, u64 count)
{
	struct key *key;
	u64 done;

	if (count == 0)
		return -EXO_EARG;
	cap_enter();
	for (done = 0; done < count && done < SLOTS_CALL; done++) {
		key = ring_slot(self, (exo_slot)(slot + done));
		if (key == NULL)
			return cap_leave(done ? (i64)done : -EXO_ERANGE);
		if (key->type != KEY_NONE)
			key_clear(key);
	}
	return cap_leave((i64)done);
}

/* Does env, on some CPU, wait for the caller to return? */
static bool
waits_on(const struct env *env, exo_envid callee) REQUIRES(env_lock)
{
	for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++)
		if (env->act[cpu] && env->act[cpu]->state == ACT_CALLING &&
			env->act[cpu]->waiting_on == callee)
			return true;
	return false;
}

static i64
test(const struct env *env, exo_slot slot, exo_guardref ref, u64 rights)
	REQUIRES(env_lock, mem_lock)
{
	const struct key *key = ring_slot(env, slot);
	struct guard *guard;
	int error;

	if (ref == 0) {
		if (key == NULL || key->type != KEY_NAMED)
			return -EXO_EKEY;
		return key->named.rights << 8 | key->named.len;
	}
	error = guard_find(ref, &guard);
	if (error)
		return error;
	if ((rights & ~(u64)EXO_RIGHTS_ALL) != 0)
		return -EXO_ERIGHTS;
	return guard_allows(env, slot, ref, guard->serial, (u32)rights);
}

i64
sys_key_test(struct env *self, u64 env, u64 slot, u64 guard, u64 rights)
{
	int error = 0;
	const struct env *client;

	cap_enter();
	client = env_find(env, &error);
	if (client == NULL)
		return cap_leave(error);
	if (!waits_on(client, self->id))
		return cap_leave(-EXO_EOWNER);
	return cap_leave(test(client, (exo_slot)slot, guard, rights));
}

static int
may_add(struct env *self, exo_envid id, u32 index, exo_pfn pfn, exo_slot k_env, struct env **env)
	REQUIRES(env_lock, mem_lock)
{
	int error = env_reach(self, id, k_env, EXO_W, env);

	if (error)
		return error;
	if (index == 0 || index >= EXO_RING_FRAMES)
		return -EXO_ERANGE;
	if ((*env)->ring[index] != 0)
		return -EXO_ETAKEN;
	return frame_usable_by(self, k_env, pfn, (*env)->account);
}

i64
sys_ring_add(struct env *self, u64 env, u64 index, u64 pfn, u64 k_env)
{
	struct env *target;
	int error;

	cap_enter();
	error = may_add(self, env, (u32)index, pfn, (exo_slot)k_env, &target);
	if (error)
		return cap_leave(error);

	frame_type(pfn, EXO_FRAME_RING, target->frame);
	target->ring[index] = (u32)pfn;
	return cap_leave(0);
}
