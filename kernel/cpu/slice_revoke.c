/* SPDX-License-Identifier: ISC */
/*
 * Slices asked back: the holder of the key for a CPU's slices sets a deadline,
 * whoever has the slice is told, and from the deadline on it may be taken.
 *
 *	claimed --slice_ask--> asked --deadline, slice_take--> free
 *	   ^------ withdrawn ----'`-- its owner releases it --> free
 *
 * The request is on the slice: passed on it stays asked, and the new owner is
 * told.  Which slices, and whose, is the caller's to choose from the exposed
 * table.
 */
#include <kernel/syscalls.h>
#include "cpu_priv.h"
#include "../cap/cap.h"
#include "../event/event.h"

static u64 deadlines[CPUS_MAX][EXO_SLICES_CPU] GUARDED_BY(env_lock);	/* ns; 0: not asked for */

void
slice_ask_forget(u32 cpu, u32 index)
{
	deadlines[cpu][index] = 0;
}

static void
tell(u32 cpu, u32 index, u64 deadline) REQUIRES(env_lock)
{
	int error;
	struct env *env = env_find(slices[cpu * EXO_SLICES_CPU + index].owner, &error);

	if (env != NULL)
		event_slice(env, cpu, index, deadline);
}

void
slice_ask_pass(u32 cpu, u32 index)
{
	if (deadlines[cpu][index] != 0)
		tell(cpu, index, deadlines[cpu][index]);
}

/* A claimed slice of a CPU whose slices the key controls. */
static int
slice_reach(const struct env *self, u64 cpu, u64 index, exo_slot key) REQUIRES(env_lock)
{
	const struct exo_key name = { .len = 2, .rights = EXO_C,
		.name = { EXO_NAME_SLICE, (u8)cpu } };
	int error;

	if (cpu >= cpus_count || index >= EXO_SLICES_CPU)
		return -EXO_ERANGE;
	error = name_allows(self, key, &name);
	if (error != 0)
		return error;
	return slices[cpu * EXO_SLICES_CPU + index].owner == 0 ? -EXO_EABSENT : 0;
}

static int
may_ask(const struct env *self, u64 cpu, u64 index, u64 deadline, exo_slot key)
	REQUIRES(env_lock)
{
	int error = slice_reach(self, cpu, index, key);

	if (error != 0)
		return error;
	if (deadline == 0)
		return deadlines[cpu][index] == 0 ? -EXO_EABSENT : 0;
	if (deadlines[cpu][index] != 0)
		return -EXO_ETAKEN;
	return deadline < now_ns() + EXO_REPOSSESS_NS ? -EXO_EARG : 0;
}

i64
sys_slice_ask(struct env *self, u64 cpu, u64 index, u64 deadline_ns, u64 key)
{
	int error;

	lock_acquire(&env_lock);
	error = may_ask(self, cpu, index, deadline_ns, slot_arg(key));
	if (error == 0) {
		deadlines[cpu][index] = deadline_ns;
		if (deadline_ns != 0)
			tell((u32)cpu, (u32)index, deadline_ns);
	}
	lock_release(&env_lock);
	return error;
}

static int
may_take(const struct env *self, u64 cpu, u64 index, exo_slot key) REQUIRES(env_lock)
{
	int error = slice_reach(self, cpu, index, key);

	if (error != 0)
		return error;
	if (deadlines[cpu][index] == 0)
		return -EXO_EABSENT;
	return now_ns() < deadlines[cpu][index] ? -EXO_EBUSY : 0;
}

i64
sys_slice_take(struct env *self, u64 cpu, u64 index, u64 key)
{
	int error;

	lock_acquire(&env_lock);
	error = may_take(self, cpu, index, slot_arg(key));
	if (error == 0) {
		tell((u32)cpu, (u32)index, 0);
		cpu_slice_set((u32)cpu, (u32)index, 0);
	}
	lock_release(&env_lock);
	return error;
}
