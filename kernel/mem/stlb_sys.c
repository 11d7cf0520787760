/* SPDX-License-Identifier: ISC */
/* The calls that offer a software TLB, and page tables for it. */
#include "mem_priv.h"
#include "../cap/cap.h"
#include <kernel/syscalls.h>

/* The key for reading: the kernel acts on what lies there, so whoever offers it must be one who may see it. */
static int
may_offer(const struct env *self, const struct env *env, exo_pfn pfn, exo_slot key)
	REQUIRES(mem_lock)
{
	if (frames[pfn].kind != EXO_FRAME_DATA)
		return -EXO_EKIND;
	if (frames[pfn].account != env->account)
		return -EXO_EOWNER;
	return frame_allows(self, key, pfn, EXO_R);
}

static int
offer_check(struct env *self, u64 id, exo_pfn pfn, u64 count, exo_slot k_env, exo_slot key,
	struct env **env) REQUIRES(env_lock, mem_lock)
{
	int error;

	if (count > EXO_STLB_FRAMES || (count & (count - 1)) != 0)
		return -EXO_EARG;
	if (count > 0 && (pfn >= frames_count || count > frames_count - pfn))
		return -EXO_ERANGE;
	error = env_reach(self, id, k_env, EXO_W, env);
	for (u64 n = 0; n < count && error == 0; n++)
		error = may_offer(self, *env, pfn + n, key);
	return error;
}

i64
sys_stlb_offer(struct env *self, u64 id, u64 pfn, u64 count, u64 k_env, u64 key)
{
	struct env *env;
	int error;

	mem_enter();
	error = offer_check(self, id, pfn, count, slot_arg(k_env), slot_arg(key), &env);
	if (error)
		return mem_leave(NULL, error);

	env->stlb.pfn = (u32)pfn;
	env->stlb.frames = (u32)count;
	for (unsigned n = 0; n < count; n++)
		env->stlb.generation[n] = frames[pfn + n].generation;
	for (unsigned n = 0; n < CPUS_MAX; n++)
		if (env->act[n] != NULL)
			env->act[n]->stlb = (u32)count;
	return mem_leave(NULL, 0);
}

static int
pool_check(struct env *self, u64 id, u64 place, exo_pfn table, exo_pfn links, exo_slot k_env,
	struct env **env) REQUIRES(env_lock, mem_lock)
{
	int error;

	if (place >= EXO_POOL_TABLES)
		return -EXO_ERANGE;
	error = env_reach(self, id, k_env, EXO_W, env);
	if (error || table == 0)
		return error;
	return pt_makeable(self, k_env, (*env)->account, table, links);
}

i64
sys_stlb_pool(struct env *self, u64 id, u64 place, u64 table, u64 links, u64 k_env)
{
	struct env *env;
	int error;

	mem_enter();
	error = pool_check(self, id, place, table, links, slot_arg(k_env), &env);
	if (error)
		return mem_leave(NULL, error);

	env->pool.place[place] = (struct pool_place){ .pfn = (u32)table };
	if (place >= env->pool.end)
		env->pool.end = (u32)place + 1;
	while (env->pool.end > 0 && env->pool.place[env->pool.end - 1].pfn == 0)	/* bound: places */
		env->pool.end--;
	if (table != 0) {
		pt_make(1, table, links);
		env->pool.place[place].generation = frames[table].generation;
	}
	return mem_leave(NULL, 0);
}
