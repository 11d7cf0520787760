/* SPDX-License-Identifier: ISC */
/*
 * Processors.  Each CPU has a vector of EXO_SLICES_CPU time slices, walked
 * round robin; which environment owns which is the libraries' affair and open
 * for all to read.  What the kernel adds is that a slice ends (dispatch.c,
 * slice_end.c), that whoever has it is told first (upcall.c), and that a
 * slice's owner who waits on another environment, or on a predicate, gives its
 * time to whoever that makes runnable (chain.c, predicate.c).
 *
 * A slice's life: slice_claim (free -> owned, under a guard or none), slice_pass
 * (another owner), slice_release or the reaping of its owner (free); one whose
 * owner is dead is skipped meanwhile.  The vectors are under env_lock; struct cpu
 * is its own CPU's, with interrupts off, but for `occupied`, which mirrors "has
 * an owner" so that 500 empty slices cost a dispatch eight words.
 */
#include "cpu_priv.h"
#include "../arch/x86_64/arch.h"
#include "../mem/mem.h"

struct cpu cpus[CPUS_MAX];
struct act nobody = { .state = ACT_RUNNING };
u32 cpus_count;
struct exo_slice *slices;
struct exo_cpu *cpus_pub;

static struct act **
acts_empty(void)
{
	struct act **acts = boot_alloc(ENV_SLOTS * sizeof(*acts));

	for (u32 n = 0; n < ENV_SLOTS; n++)
		acts[n] = &nobody;
	return acts;
}

void
cpu_init(u32 count)
{
	u64 slices_bytes = (u64)count * EXO_SLICES_CPU * sizeof(*slices);
	u64 cpus_bytes = count * sizeof(*cpus_pub);

	cpus_count = count;
	slices = boot_alloc(slices_bytes);
	cpus_pub = boot_alloc(cpus_bytes);
	arch_expose(EXO_SLICES, slices, slices_bytes);
	arch_expose(EXO_CPUS, cpus_pub, cpus_bytes);
	info->table[EXO_T_SLICES] = (struct exo_table){ .base = EXO_SLICES,
		.entry_bytes = sizeof(*slices),
		.count = (u64)count * EXO_SLICES_CPU };
	info->table[EXO_T_CPUS] = (struct exo_table){ .base = EXO_CPUS,
		.entry_bytes = sizeof(*cpus_pub),
		.count = count };
	info->slice_ns = SLICE_NS;
	info->grace_ns = GRACE_NS;
	info->forfeits_max = FORFEITS_MAX;
	for (u32 n = 0; n < count; n++) {
		cpus[n].self = &cpus[n];
		cpus[n].id = n;
		cpus[n].pub = &cpus_pub[n];
		cpus[n].acts = acts_empty();
		cpus[n].slice = EXO_SLICES_CPU - 1;
	}
}

/* Those that did not come are no CPUs. */
void
cpu_limit(u32 count)
{
	cpus_count = info->cpus = count;
	info->table[EXO_T_SLICES].count = (u64)count * EXO_SLICES_CPU;
	info->table[EXO_T_CPUS].count = count;
}

noreturn_ void
cpu_enter(struct cpu *cpu)
{
	cpu->entered = now_ns();
	__atomic_store_n(&cpu->online, true, __ATOMIC_RELEASE);
	cpu_dispatch(0);
}

noreturn_ void
cpu_leave(struct cpu *cpu, u32 asked)
{
	lock_acquire(&env_lock);
	cpu_charge(cpu, now_ns());
	cpu_forget(cpu->act);
	cpu->act = NULL;
	arch_unload();
	lock_release(&env_lock);
	__atomic_store_n(&cpu->leave_done, asked, __ATOMIC_RELEASE);
	cpu_dispatch(cpu->chain != 0 ? cpu->head : 0);
}

/* Which account each slice is charged to, 0: it is free. */
static u32 payers[CPUS_MAX][EXO_SLICES_CPU] GUARDED_BY(env_lock);

static exo_pfn
payer_of(exo_envid owner) REQUIRES(env_lock)
{
	return account_pays(envs[EXO_ENV_SLOT(owner)].account);
}

int
cpu_slice_room(u32 cpu, u32 index, exo_envid owner)
{
	exo_pfn payer = payer_of(owner);

	return payer == payers[cpu][index] ? 0 : account_slice_room(payer);
}

static void
slice_charge(u32 cpu, u32 index, exo_envid owner) REQUIRES(env_lock)
{
	u32 *payer = &payers[cpu][index];

	if (*payer != 0)
		account_slice_charge(*payer, -1);
	*payer = 0;
	if (owner == 0)
		return;
	*payer = (u32)payer_of(owner);
	account_slice_charge(*payer, 1);
}

bool
cpu_slice_charged(u32 cpu, u32 index)
{
	exo_pfn payer = payers[cpu][index];

	return payer == 0 ? slices[cpu * EXO_SLICES_CPU + index].owner == 0 :
		slices[cpu * EXO_SLICES_CPU + index].owner != 0 && account_slice_holds(payer);
}

void
cpu_slice_set(u32 cpu, u32 index, exo_envid owner)
{
	struct exo_slice *slice = &slices[cpu * EXO_SLICES_CPU + index];
	u64 bit = 1ull << (index % 64);

	slice_charge(cpu, index, owner);
	slice->owner = owner;
	if (owner != 0) {
		cpus[cpu].occupied[index / 64] |= bit;
		slice_ask_pass(cpu, index);
		return;
	}
	cpus[cpu].occupied[index / 64] &= ~bit;
	slice->guard = 0;
	slice->guard_serial = 0;
	slice->used = 0;
	slice_ask_forget(cpu, index);
}

#define FREE_LOOKED_AT 128u
#define FREE_FREED 24u

u32
cpu_slices_free(exo_envid owner, u32 from)
{
	u32 end = from + FREE_LOOKED_AT, all = cpus_count * EXO_SLICES_CPU, left = FREE_FREED, n;

	end = end < all ? end : all;
	for (n = from; n < end && left > 0; n++) {
		u32 cpu = n / EXO_SLICES_CPU, index = n % EXO_SLICES_CPU;
		u64 word = cpus[cpu].occupied[index / 64] >> (index % 64);

		if (word == 0)
			n |= 63;		/* none of these has an owner */
		else if (slices[n].owner == owner) {
			cpu_slice_set(cpu, index, 0);
			left--;
		}
	}
	return n;
}

/* charged_ns first: who adds what came since from another CPU has a little less in between, and nothing twice. */
void
cpu_charge(struct cpu *cpu, u64 now)
{
	const u64 ran = now - cpu->entered;

	cpu->pub->charged_ns = now;
	if (cpu->act != NULL) {		/* whose environment may run elsewhere, too */
		__atomic_fetch_add(&cpu->act->pub->run_ns, ran, __ATOMIC_RELEASE);
		cpu->act->ua->run_ns += ran;
	} else {
		cpu->pub->idle_ns += ran;
	}
	cpu->entered = now;
}

void
cpu_forget(struct act *act)
{
	struct cpu *cpu = &cpus[act->cpu];

	__atomic_store_n(&cpu->acts[EXO_ENV_SLOT(act->id)], &nobody, __ATOMIC_RELEASE);
	if (cpu != this_cpu())
		return;			/* it drops the registers itself, when it leaves */
	if (cpu->fpu == act) {
		arch_fpu_trap(false);
		arch_fpu_init();
		cpu->fpu = NULL;
	}
	if (cpu->fs == act)
		cpu->fs = NULL;
}

void
cpu_park(struct act *act)
{
	act->state = ACT_PARKED;
	act->waiting = 0;
	act->nterms = 0;
	act->deadline = 0;
	act->strikes = 0;
	act->event_due = 0;		/* its next entry is an upcall: it looks at `posted` there */
	act->ua->critical = 0;
}

void
cpu_force(struct cpu *cpu, const struct regs *regs)
{
	struct act *act = cpu->act;

	act->forced = *regs;
	act->state = ACT_FORCED;
}

/*
 * Vector registers.  CR0.TS alone does not guard them: the emulator lets
 * xsave and xrstor through, and real processors have read past it by
 * speculation (LazyFP).  So nobody's state stays behind: what is in the
 * registers is the running activation's, or clean.  Who never used them runs
 * with the trap set and pays nothing, nor do others for it.
 */
void
fpu_switch(struct act *act)
{
	struct cpu *cpu = this_cpu();

	if (cpu->fpu != act && (cpu->fpu != NULL || act->fpu_valid)) {
		arch_fpu_trap(false);
		if (cpu->fpu != NULL) {
			arch_fpu_save(cpu->fpu->vector_state);
			cpu->fpu->fpu_valid = 1;
		}
		if (act->fpu_valid)
			arch_fpu_load(act->vector_state);
		else
			arch_fpu_init();
		cpu->fpu = act->fpu_valid ? act : NULL;
	}
	arch_fpu_trap(cpu->fpu != act);
}

void
fpu_unload(void)
{
	struct cpu *cpu = this_cpu();

	if (cpu->fpu == NULL)
		return;
	arch_fpu_trap(false);
	arch_fpu_save(cpu->fpu->vector_state);
	cpu->fpu->fpu_valid = 1;
	arch_fpu_init();
	cpu->fpu = NULL;
}

/*
 * First use: from here on the registers are the activation's.  Clean they are,
 * unless somebody who was let through wrote to them behind the trap.
 */
void
fpu_trap(void)
{
	struct cpu *cpu = this_cpu();

	arch_fpu_trap(false);
	arch_fpu_init();
	cpu->fpu = cpu->act;
}
