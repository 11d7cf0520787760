/* SPDX-License-Identifier: ISC */
/*
 * The end of a slice.  The one who runs is told (EPILOGUE) and has the grace
 * to park; if it does not, it is taken off by force, and pays with forfeits:
 * slices of its own, or given to it, that pass it by.  One that overruns
 * FORFEITS_MAX slices in a row without parking is destroyed.
 *
 * Who was told pays, whoever runs when the grace is over: otherwise a control
 * transfer at the right moment would make a slice longer for nothing.  For the
 * same reason the slice has no head any more: nobody is returned to on it, nor
 * is what is left of the grace given away.
 */
#include "cpu_priv.h"
#include "../arch/x86_64/arch.h"

static void
charge_overrun(struct cpu *cpu) REQUIRES(env_lock)
{
	int error;
	struct env *env = env_find(cpu->told, &error);
	struct act *act = env != NULL ? env->act[cpu->id] : NULL;

	if (act == NULL || act->state == ACT_PARKED)
		return;
	/* Slices owed are paid in one go where nobody else can run: a bound on that. */
	if (act->overrun < FORFEITS_MAX)
		act->overrun++;
	act->strikes++;
	act->ua->overrun = act->overrun;
	if (act->strikes > FORFEITS_MAX)
		env_kill(env, EXO_DEAD_EXCESS);
}

/* Past the grace. */
static noreturn_ void
grace_over(struct cpu *cpu, const struct regs *regs)
{
	cpu_force(cpu, regs);
	lock_acquire(&env_lock);
	charge_overrun(cpu);
	lock_release(&env_lock);
	cpu_dispatch(0);
}

static void
slice_over(struct cpu *cpu, struct regs *regs, u64 now)
{
	struct act *act = cpu->act;

	if (act->ua->entry[EXO_ENTRY_EPILOGUE] == 0) {
		cpu_force(cpu, regs);
		cpu_dispatch(0);
	}
	cpu->in_grace = 1;
	cpu->told = act->id;
	cpu->head = 0;
	cpu->grace_end = now + GRACE_NS;
	upcall_async(act, regs, EXO_ENTRY_EPILOGUE);
}

void
cpu_timer(struct regs *regs)
{
	struct cpu *cpu = this_cpu();
	u64 now = now_ns();

	cpu->timer_at = 0;
	cpu->pub->timer_ticks++;
	if (regs == NULL)
		return;			/* the dispatcher looks at the clock itself */
	if (cpu->in_grace && now >= cpu->grace_end)
		grace_over(cpu, regs);
	if (!cpu->in_grace && now >= cpu->slice_end)
		slice_over(cpu, regs, now);
	cpu_timer_by(cpu, cpu->in_grace ? cpu->grace_end : cpu->slice_end);
	cpu_events(regs);
}

void
cpu_events(struct regs *regs)
{
	struct act *act = this_cpu()->act;

	if (regs != NULL && act != NULL && act->event_due)
		upcalls_due(act, regs);
}

void
cpu_kick(void)
{
	arch_kick();
}
