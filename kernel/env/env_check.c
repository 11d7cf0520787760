/* SPDX-License-Identifier: ISC */
/* Invariants of environments and activations. */
#include "env.h"
#include "../cpu/cpu.h"
#include "../mem/mem.h"

/* A free slot of the table says nothing. */
static bool
inv_free_clear(const struct exo_env *pub)
{
	return pub->id != 0 || (pub->state == EXO_ENV_FREE && pub->env_frame == 0);
}

/* A table entry and the frame it names speak of the same environment, in its account. */
static bool
inv_frame_agrees(const struct exo_env *pub, u32 slot, const struct env *env)
{
	return frames[pub->env_frame].kind == EXO_FRAME_ENV && env->id == pub->id &&
		env->slot == slot && env->account == pub->account &&
		frames[pub->env_frame].account == pub->account;
}

/* Only one that is CALLING waits, only one that is PARKED has something it waits for. */
static bool
inv_act_state(const struct act *act)
{
	return (act->state == ACT_CALLING) == (act->waiting_on != 0) &&
		act->state <= ACT_FORCED && act->nterms <= EXO_TERMS_MAX;
}

/*
 * A parked one is next entered by an upcall: nothing waits to be delivered.  (What
 * another CPU posted just as it parked may stay until then, and means nothing.)
 */
static bool
inv_parked(const struct act *act)
{
	return act->state != ACT_PARKED || act->event_due == 0 || cpus_count > 1;
}

/* Whoever is RUNNING is what its CPU runs. */
static bool
inv_running(const struct act *act)
{
	return act->state != ACT_RUNNING || cpus[act->cpu].act == act;
}

/* An activation's frames are typed, and its environment's account owns them. */
static bool
inv_act_frames(const struct act *act)
{
	const struct exo_frame *frame = &frames[act->frame];

	return frame->kind == EXO_FRAME_ACT && frame->account == act->env->account &&
		frame_ptr(act->frame) == act;
}

/* By the slot of its name each CPU finds the activation of one who is alive, else nobody. */
static bool
inv_act_found(u32 slot, const struct env *env)
{
	for (u32 n = 0; n < cpus_count; n++) {
		const struct act *act = env != NULL ? env->act[n] : NULL;

		if (cpus[n].acts[slot] != (act != NULL ? act : &nobody))
			return false;
	}
	return true;
}

static void
check_env(const struct env *env, bool alive)
{
	must(frames[env->root].kind == EXO_FRAME_ROOT);
	for (u32 n = 0; n < EXO_RING_FRAMES; n++)
		must(env->ring[n] == 0 || frames[env->ring[n]].kind == EXO_FRAME_RING);
	for (u32 n = 0; n < cpus_count; n++) {
		if (env->act[n] == NULL)
			continue;
		must(env->act[n]->env == env);
		must(inv_act_frames(env->act[n]));
		must(inv_act_state(env->act[n]));
		must(inv_parked(env->act[n]));
		must(!alive || inv_running(env->act[n]));
	}
}

void
env_check(void)
{
	for (u32 slot = 0; slot < envs_count; slot++) {
		const struct exo_env *pub = &envs[slot];
		const struct env *env = NULL;

		must(inv_free_clear(pub));
		if (pub->state == EXO_ENV_ALIVE)
			env = frame_ptr(pub->env_frame);
		must(inv_act_found(slot, env));
		if (pub->id == 0)
			continue;
		env = frame_ptr(pub->env_frame);
		must(inv_frame_agrees(pub, slot, env));
		check_env(env, pub->state == EXO_ENV_ALIVE);
	}
}
