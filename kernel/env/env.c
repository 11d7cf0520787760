/* SPDX-License-Identifier: ISC */
/*
 * Environments: an address space, a ring of keys and, on each CPU, an
 * activation.  The exposed table says which there are and why the dead died;
 * struct env and struct act lie in frames of the environment's own account.
 *
 * Life: env_create takes a free slot of the table under a name that was never
 * used before; env_activate gives it something that can run; env_kill, O(1),
 * makes it a zombie: the entry stays, with its reason, and nothing of it runs
 * again; account_reap has env_dismantle take it apart and free the slot.
 *
 * A name is generation << 16 | slot, the generation drawn from one counter, so
 * a name kept by anybody, for ever, names that environment or nobody.
 */
#include "env.h"
#include "env_priv.h"
#include "../arch/x86_64/arch.h"
#include "../cap/cap.h"
#include "../cpu/cpu.h"
#include "../event/event.h"
#include "../mem/mem.h"

#define KEYS_MAX (EXO_RING_FRAMES * EXO_KEYS_FRAME)
#define DISMANTLE_KEYS 32u		/* keys dropped in one step */

struct exo_env *envs;
u32 envs_count;
static u64 generations GUARDED_BY(env_lock);

void
env_init(void)
{
	u64 bytes = ENVS_MAX * sizeof(*envs);

	envs = boot_alloc(bytes);
	envs_count = ENVS_MAX;
	arch_expose(EXO_ENVS, envs, bytes);
	info->table[EXO_T_ENVS] = (struct exo_table){ .base = EXO_ENVS,
		.entry_bytes = sizeof(*envs),
		.count = envs_count };
}

struct env *
env_find(exo_envid id, int *error)
{
	struct exo_env *pub = &envs[EXO_ENV_SLOT(id)];

	*error = -EXO_ESTALE;
	if (id == 0 || EXO_ENV_SLOT(id) >= envs_count || pub->id != id)
		return NULL;
	*error = -EXO_EDEAD;
	if (pub->state != EXO_ENV_ALIVE)
		return NULL;
	*error = 0;
	return frame_ptr(pub->env_frame);
}

int
env_allows(const struct env *self, exo_slot key, const struct env *env, u32 rights)
{
	if (self == env)
		return 0;
	if (env->guard != 0 && guard_allows(self, key, env->guard, env->guard_serial, rights) == 0)
		return 0;
	return account_allows(self, key, env->account, rights);
}

struct env *
env_make(const struct exo_env_spec *spec, u64 guard_serial)
{
	struct env *env = frame_ptr(spec->env_frame);
	struct exo_env *pub = &envs[spec->slot];

	frame_type(spec->env_frame, EXO_FRAME_ENV, (u32)spec->env_frame);
	frame_type(spec->ring_frame, EXO_FRAME_RING, (u32)spec->env_frame);
	root_init(spec->root_frame, spec->root_links, spec->env_frame);
	memset(env, 0, sizeof(*env));
	env->id = ++generations << 16 | spec->slot;
	env->slot = spec->slot;
	env->frame = (u32)spec->env_frame;
	env->root = (u32)spec->root_frame;
	env->account = (u32)spec->account;
	env->guard = spec->guard;
	env->guard_serial = guard_serial;
	env->ring[0] = (u32)spec->ring_frame;
	*pub = (struct exo_env){ .id = env->id, .state = EXO_ENV_ALIVE, .account = env->account,
		.env_frame = env->frame, .guard = env->guard };
	return env;
}

/* What the environment's others were told of revocations stands here, too: it may go on where it was not told. */
static void
revocations_know(struct act *act, const struct env *env) REQUIRES(env_lock)
{
	act->ua->revocation = (struct exo_revocation){ 0 };
	for (u32 n = 0; n < cpus_count; n++) {	/* bound: CPUS_MAX */
		if (env->act[n] == NULL)
			continue;
		act->ua->revocation = env->act[n]->ua->revocation;
		act->asked = env->act[n]->asked;
		act->lost = env->act[n]->lost;
		return;
	}
}

void
act_make(struct env *env, const struct exo_act_spec *spec)
{
	struct act *act = frame_ptr(spec->act_frame);

	frame_type(spec->act_frame, EXO_FRAME_ACT, env->frame);
	frame_type(spec->uarea_frame, EXO_FRAME_UAREA, env->frame);
	memset(act, 0, EXO_PAGE_BYTES);	/* XRSTOR refuses a header that a user left here */
	act->cr3 = (u64)env->root << EXO_PAGE_SHIFT;
	act->ua = frame_ptr(spec->uarea_frame);
	act->ua_va = spec->uarea_va;
	act->env = env;
	act->pub = &envs[env->slot];
	act->id = env->id;
	act->state = ACT_PARKED;
	act->cpu = spec->cpu;
	act->frame = (u32)spec->act_frame;
	act->stlb = env->stlb.frames;
	act->ua->env = env->id;
	act->ua->cpu = spec->cpu;
	act->ua->overrun = 0;
	revocations_know(act, env);
	env->act[spec->cpu] = act;
	/* Its CPU looks without a lock. */
	__atomic_store_n(&cpus[spec->cpu].acts[env->slot], act, __ATOMIC_RELEASE);
}

/* What others see of its end. */
static void
env_end(struct env *env, u64 reason) REQUIRES(env_lock)
{
	struct exo_env *pub = &envs[env->slot];

	pub->reason = reason;
	pub->waiting_on = 0;
	pub->state = EXO_ENV_DEAD;
	info->deaths++;
	trace(EXO_TRACE_DEATH, env->id, reason);
	for (u32 n = 0; n < cpus_count; n++)
		if (env->act[n] != NULL)
			cpu_forget(env->act[n]);
	cpus_ask_leave(&env->leaving, env);
	cpus_wake();
}

void
env_kill(struct env *env, u64 reason)
{
	struct cpu *cpu = this_cpu();

	/* It may have been ended by another CPU while it ran into its end here. */
	if (envs[env->slot].state == EXO_ENV_ALIVE)
		env_end(env, reason);
	/* The dispatcher may still have its tables loaded; it asks nobody to leave on this CPU. */
	if (cpu->act == NULL && cpus_count > 1)
		arch_unload();
	if (cpu->act == NULL || cpu->act->env != env)
		return;
	cpu_charge(cpu, now_ns());
	cpu_forget(cpu->act);
	cpu->act = NULL;
	arch_unload();
	lock_release(&env_lock);
	cpu_dispatch(cpu->chain != 0 ? cpu->head : 0);
}

/* Drop up to DISMANTLE_KEYS keys; true when the ring is empty. */
static bool
drop_keys(struct env *env) REQUIRES(env_lock, mem_lock)
{
	for (u32 n = 0; n < DISMANTLE_KEYS; n++) {
		u32 at = env->dismantled, ring = at / EXO_KEYS_FRAME;

		if (at >= KEYS_MAX)
			return true;
		if (env->ring[ring] == 0) {
			env->dismantled = (ring + 1) * EXO_KEYS_FRAME;
			continue;
		}
		key_clear((struct key *)frame_ptr(env->ring[ring]) + at % EXO_KEYS_FRAME);
		env->dismantled++;
	}
	return false;
}

/* Free some slices; true when it has none. */
static bool
free_slices(struct env *env) REQUIRES(env_lock)
{
	u32 from = env->dismantled - KEYS_MAX;

	if (from >= cpus_count * EXO_SLICES_CPU)
		return true;
	env->dismantled = KEYS_MAX + cpu_slices_free(env->id, from);
	return false;
}

bool
env_dismantle(exo_pfn frame)
{
	struct env *env = frame_ptr(frame);

	must(frames[frame].kind == EXO_FRAME_ENV);
	if (env->id == 0)
		return true;		/* done before, for another of its frames */
	must(envs[env->slot].state == EXO_ENV_DEAD);
	if (!cpus_left(&env->leaving) || !drop_keys(env) || !free_slices(env))
		return false;

	event_forget(env->id);
	memset(&envs[env->slot], 0, sizeof(envs[0]));
	memset(env, 0, sizeof(*env));
	return true;
}

struct env *
env_boot(const struct env_boot *boot)
{
	const struct exo_env_spec spec = { .slot = 1, .account = boot->account,
		.env_frame = boot->env_frame, .root_frame = boot->root,
		.root_links = boot->root_links, .ring_frame = boot->ring };
	const struct exo_act_spec act = { .cpu = 0, .uarea_frame = boot->uarea,
		.act_frame = boot->act, .uarea_va = boot->uarea_va };
	struct env *env;
	struct key *key;

	lock_acquire(&env_lock);
	mem_acquire();
	env = env_make(&spec, 0);
	act_make(env, &act);
	key = frame_ptr(boot->ring);
	key->type = KEY_NAMED;
	key->named.rights = EXO_RIGHTS_ALL;
	cpu_slice_set(0, 0, env->id);
	mem_release();
	lock_release(&env_lock);
	return env;
}
