/* SPDX-License-Identifier: ISC */
/* Calls on slices, and those that give the processor up. */
#include <kernel/syscalls.h>
#include "cpu_priv.h"
#include "../arch/x86_64/arch.h"
#include "../cap/cap.h"
#include "../mem/mem.h"

/* The name that stands for all of a CPU's slices. */
static struct exo_key
slice_name(u64 cpu, u32 rights)
{
	return (struct exo_key){ .len = 2, .rights = (u8)rights,
		.name = { EXO_NAME_SLICE, (u8)cpu } };
}

/* A claimed slice's entry, or NULL and an error. */
static struct exo_slice *
slice_at(u64 cpu, u64 index, int *error) REQUIRES(env_lock)
{
	struct exo_slice *slice;

	*error = -EXO_ERANGE;
	if (cpu >= cpus_count || index >= EXO_SLICES_CPU)
		return NULL;
	slice = &slices[cpu * EXO_SLICES_CPU + index];
	*error = slice->owner == 0 ? -EXO_EABSENT : 0;
	return slice->owner == 0 ? NULL : slice;
}

static int
slice_allows(const struct env *self, exo_slot key, u64 cpu, const struct exo_slice *slice)
	REQUIRES(env_lock)
{
	const struct exo_key name = slice_name(cpu, EXO_C);
	int error = -EXO_ERIGHTS;

	if (slice->owner == self->id)
		return 0;
	if (slice->guard != 0) {
		mem_acquire();
		error = guard_allows(self, key, slice->guard, slice->guard_serial, EXO_C);
		mem_release();
	}
	return error == 0 ? 0 : name_allows(self, key, &name);
}

static int
claim_check(const struct env *self, u64 cpu, u64 index, u64 id, exo_slot key)
	REQUIRES(env_lock)
{
	const struct exo_key name = slice_name(cpu, EXO_W);
	int error;

	if (cpu >= cpus_count || index >= EXO_SLICES_CPU)
		return -EXO_ERANGE;
	error = name_allows(self, key, &name);
	if (error != 0)
		return error;
	if (env_find(id, &error) == NULL)
		return error;
	if (slices[cpu * EXO_SLICES_CPU + index].owner != 0)
		return -EXO_ETAKEN;
	return cpu_slice_room((u32)cpu, (u32)index, id);
}

/* May self put things under this guard?  0 guards nothing. */
static int
guard_check(const struct env *self, exo_guardref ref, exo_slot key, u64 *serial)
	REQUIRES(env_lock)
{
	struct guard *guard;
	int error = -EXO_EABSENT;

	if (ref == 0)
		return 0;
	mem_acquire();
	guard = guard_at(ref);
	if (guard != NULL) {
		*serial = guard->serial;
		error = guard_allows(self, key, ref, guard->serial, EXO_C);
	}
	mem_release();
	return error;
}

i64
sys_slice_claim(struct env *self, u64 cpu, u64 index, u64 id, u64 guard, u64 key, u64 k_guard)
{
	u64 serial = 0;
	int error;

	lock_acquire(&env_lock);
	error = claim_check(self, cpu, index, id, slot_arg(key));
	if (error == 0)
		error = guard_check(self, guard, slot_arg(k_guard), &serial);
	if (error == 0) {
		cpu_slice_set((u32)cpu, (u32)index, id);
		slices[cpu * EXO_SLICES_CPU + index].guard = guard;
		slices[cpu * EXO_SLICES_CPU + index].guard_serial = serial;
		cpus_wake();
	}
	lock_release(&env_lock);
	return error;
}

i64
sys_slice_release(struct env *self, u64 cpu, u64 index, u64 key)
{
	struct exo_slice *slice;
	int error;

	lock_acquire(&env_lock);
	slice = slice_at(cpu, index, &error);
	if (slice != NULL)
		error = slice_allows(self, slot_arg(key), cpu, slice);
	if (error == 0)
		cpu_slice_set((u32)cpu, (u32)index, 0);
	lock_release(&env_lock);
	return error;
}

i64
sys_slice_pass(struct env *self, u64 cpu, u64 index, u64 id, u64 key)
{
	struct exo_slice *slice;
	int error;

	lock_acquire(&env_lock);
	slice = slice_at(cpu, index, &error);
	if (slice != NULL)
		error = slice_allows(self, slot_arg(key), cpu, slice);
	if (error == 0 && env_find(id, &error) != NULL)
		error = cpu_slice_room((u32)cpu, (u32)index, id);
	if (error == 0) {
		cpu_slice_set((u32)cpu, (u32)index, id);
		cpus_wake();
	}
	lock_release(&env_lock);
	return error;
}

i64
sys_wake(struct env *self, u64 cpu)
{
	(void)self;
	if (cpu >= cpus_count)
		return -EXO_ERANGE;
	if (&cpus[cpu] != this_cpu() && cpus[cpu].pub->idle)
		cpu_poke((u32)cpu);
	return 0;
}

i64
sys_park(struct env *self, u64 to)
{
	struct act *act = this_cpu()->act;

	(void)self;
	cpu_park(act);
	cpu_dispatch(to);
}

/* Compile all terms or none. */
static int
wait_compile(const struct env *self, const struct exo_term *src, struct term *dst, u64 count)
{
	int error = 0;

	lock_acquire(&env_lock);
	mem_acquire();
	for (u64 n = 0; n < count && error == 0; n++)	/* bound: EXO_TERMS_MAX */
		error = predicate_compile(self, &src[n], &dst[n]);
	mem_release();
	lock_release(&env_lock);
	return error;
}

i64
sys_wait(struct env *self, u64 terms, u64 count, u64 deadline_ns, u64 to)
{
	struct act *act = this_cpu()->act;
	struct exo_term term[EXO_TERMS_MAX];
	int error, tag;

	if (count > EXO_TERMS_MAX)
		return -EXO_EARG;
	if (count != 0 && copy_from_user(term, terms, count * sizeof(term[0])) != 0)
		return -EXO_EFAULT;
	/* Compiled in place: whatever comes of it, this wait replaces one that a call interrupted. */
	act->waiting = 0;
	act->nterms = 0;
	error = wait_compile(self, term, act->term, count);
	if (error != 0)
		return error;

	act->nterms = (u32)count;
	tag = predicate_holds(act);
	if (tag >= 0)
		return tag;
	cpu_park(act);
	act->nterms = (u32)count;
	act->deadline = deadline_ns;
	act->waiting = 1;
	cpu_dispatch(to);
}
