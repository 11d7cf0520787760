/* SPDX-License-Identifier: ISC */
/* Calls on environments. */
#include <kernel/syscalls.h>
#include "env_priv.h"
#include "../cap/cap.h"
#include "../cpu/cpu.h"
#include "../mem/mem.h"

/* The frames of a new environment: each its own, unbound, the account's. */
static int
create_frames(const struct env *self, const struct exo_env_spec *spec) REQUIRES(mem_lock)
{
	const exo_pfn frame[] = { spec->env_frame, spec->root_frame, spec->root_links,
		spec->root_links + 1, spec->ring_frame };
	const unsigned count = sizeof(frame) / sizeof(frame[0]);

	for (unsigned n = 0; n < count; n++) {
		int error = frame_usable_by(self, spec->k_account, frame[n], spec->account);

		if (error != 0)
			return error;
		for (unsigned other = 0; other < n; other++)
			if (frame[other] == frame[n])
				return -EXO_EARG;
	}
	return 0;
}

static int
create_check(const struct env *self, const struct exo_env_spec *spec, u64 *serial)
	REQUIRES(env_lock, mem_lock)
{
	struct guard *guard;
	int error;

	if (spec->spare != 0)
		return -EXO_EARG;
	if (spec->slot == 0 || spec->slot >= envs_count || frame_at(spec->account) == NULL)
		return -EXO_ERANGE;
	if (envs[spec->slot].id != 0)
		return -EXO_ETAKEN;
	if (account_at(spec->account) == NULL)
		return -EXO_EKIND;
	error = account_allows(self, spec->k_account, spec->account, EXO_A);
	if (error != 0)
		return error;
	error = create_frames(self, spec);
	if (error != 0 || spec->guard == 0)
		return error;
	guard = guard_at(spec->guard);
	if (guard == NULL)
		return -EXO_EABSENT;
	*serial = guard->serial;
	return guard_allows(self, spec->k_guard, spec->guard, guard->serial, EXO_C);
}

i64
sys_env_create(struct env *self, u64 spec_va)
{
	struct exo_env_spec spec;
	u64 serial = 0;
	i64 result;

	if (copy_from_user(&spec, spec_va, sizeof(spec)) != 0)
		return -EXO_EFAULT;

	lock_acquire(&env_lock);
	mem_acquire();
	result = create_check(self, &spec, &serial);
	if (result == 0)
		result = (i64)env_make(&spec, serial)->id;
	mem_release();
	lock_release(&env_lock);
	return result;
}

static int
activate_check(const struct env *self, const struct env *env, const struct exo_act_spec *spec,
	exo_slot k_env) REQUIRES(env_lock, mem_lock)
{
	int error;

	if (spec->spare != 0 || spec->uarea_frame == spec->act_frame ||
		spec->uarea_va % EXO_PAGE_BYTES != 0)
		return -EXO_EARG;
	if (spec->cpu >= cpus_count || spec->uarea_va >= EXO_USER_TOP)
		return -EXO_ERANGE;
	error = env_allows(self, k_env, env, EXO_W);
	if (error != 0)
		return error;
	if (env->act[spec->cpu] != NULL)
		return -EXO_ETAKEN;
	error = frame_usable_by(self, k_env, spec->act_frame, env->account);
	if (error != 0)
		return error;
	error = frame_usable_uarea(spec->uarea_frame, env->account);
	return error ? error : frame_typeable(self, k_env, spec->uarea_frame);
}

i64
sys_env_activate(struct env *self, u64 id, u64 spec_va, u64 k_env)
{
	struct exo_act_spec spec;
	struct env *env;
	int error;

	if (copy_from_user(&spec, spec_va, sizeof(spec)) != 0)
		return -EXO_EFAULT;

	lock_acquire(&env_lock);
	mem_acquire();
	env = env_find(id, &error);
	if (env != NULL)
		error = activate_check(self, env, &spec, slot_arg(k_env));
	if (error == 0)
		act_make(env, &spec);
	mem_release();
	lock_release(&env_lock);
	return error;
}

i64
sys_env_destroy(struct env *self, u64 id, u64 reason, u64 key)
{
	struct leaving leaving = { .cpus = 0 };
	struct env *env;
	int error;

	lock_acquire(&env_lock);
	env = env_find(id, &error);
	if (env != NULL) {
		mem_acquire();
		error = env_allows(self, slot_arg(key), env, EXO_C);
		mem_release();
	}
	if (error == 0) {
		env_kill(env, EXO_DEAD_EXIT | (reason & 0xffffffff) << 16);
		leaving = env->leaving;
	}
	lock_release(&env_lock);
	/* Nothing of it runs any more when the caller goes on. */
	if (leaving.cpus != 0)
		cpus_wait_left(&leaving);
	return error;
}
