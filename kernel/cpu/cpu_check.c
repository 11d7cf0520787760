/* SPDX-License-Identifier: ISC */
/* Invariants of processors and their slices. */
#include "cpu_priv.h"

/* The bitmap says which slices have an owner, and each owner's name is in the table. */
static bool
inv_slice(const struct cpu *cpu, u32 index)
{
	const struct exo_slice *slice = &slices[cpu->id * EXO_SLICES_CPU + index];
	bool occupied = (cpu->occupied[index / 64] >> (index % 64) & 1) != 0;

	if (slice->owner == 0)
		return !occupied && slice->guard == 0;
	return occupied && envs[EXO_ENV_SLOT(slice->owner)].id == slice->owner;
}

/* Alive, or its CPU was asked to leave it. */
static bool
may_stay(const struct cpu *cpu, const struct act *act)
{
	return act->pub->state == EXO_ENV_ALIVE || cpu->leave_done != cpu->leave_wanted;
}

/* Who runs may stay, is RUNNING, and at the end of the chain of whoever heads it, if that one is alive. */
static bool
inv_running(const struct cpu *cpu) REQUIRES(env_lock)
{
	int error;
	struct env *head = env_find(cpu->head, &error);

	if (cpu->act == NULL)
		return true;
	if (cpu->act->state != ACT_RUNNING || !may_stay(cpu, cpu->act))
		return false;
	if (head == NULL || cpu->chain == 0)
		return head == NULL || head == cpu->act->env;
	return cpu->chain <= CHAIN_MAX;
}

/* Vector registers are those of somebody who may stay here, or clean. */
static bool
inv_fpu(const struct cpu *cpu)
{
	return cpu->fpu == NULL ||
		(cpu->fpu->cpu == cpu->id && may_stay(cpu, cpu->fpu));
}

/* Who runs has the vector registers, or has never used them and would trap. */
static bool
inv_fpu_on(const struct cpu *cpu)
{
	if (cpu->act == NULL)
		return true;
	return cpu->fpu_on ? cpu->fpu == cpu->act : cpu->fpu == NULL && !cpu->act->fpu_valid;
}

void
cpu_check(void)
{
	lock_acquire(&env_lock);
	for (u32 n = 0; n < cpus_count; n++) {
		for (u32 index = 0; index < EXO_SLICES_CPU; index++)
			must(inv_slice(&cpus[n], index) && cpu_slice_charged(n, index));
		must(inv_running(&cpus[n]));
		must(inv_fpu(&cpus[n]));
		must(inv_fpu_on(&cpus[n]));
	}
	lock_release(&env_lock);
}
