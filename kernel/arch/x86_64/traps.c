/* SPDX-License-Identifier: ISC */
/* Exceptions and interrupts that reach C. */
#include <exo/callnr.h>
#include "../../dev/dev.h"
#include "../../ipc/ipc.h"
#include "../../mem/mem.h"
#include "machine.h"

struct extable { u64 at, go; };
extern const struct extable extable_start[], extable_end[];

/* Gates leave AC as the program had it: set, it would let the kernel touch user pages anywhere. */
static void
protect(void)
{
	if (features.smap)
		__asm__ volatile("clac" : : : "cc");
}

void
trap_user(struct regs *regs)
{
	struct cpu *cpu = this_cpu();
	u64 addr = regs->vector == VEC_PF ? read_cr2() : 0;

	entry_begin(cpu);
	protect();
	if (regs->vector == VEC_NM) {
		fpu_trap();
		entry_end(cpu);
		return;
	}
	if (regs->vector != VEC_DB || !upcall_step(cpu->act, regs))
		upcall_sync(cpu->act, regs, addr);
	arch_leave(cpu->act);
}

/* A page fault where a software TLB was offered: true, and the program goes on as if nothing had been. */
bool
trap_stlb(u64 addr, u64 fault)
{
	struct act *act = this_cpu()->act;

	protect();
	if (!stlb_fault(act->env, addr, fault))
		return false;
	count_up(&act->pub->stlb_hits);
	return true;
}

/* A reflected call, and the library named no entry for it. */
void
trap_nowhere(void)
{
	struct act *act = this_cpu()->act;
	u64 entry = *(volatile u64 *)&act->ua->entry[EXO_ENTRY_SYSCALL];
	u64 reason = entry == 0 ? EXO_DEAD_NOENTRY | 0xffull << 16 : EXO_DEAD_STATE;

	lock_acquire(&env_lock);
	env_kill(act->env, reason);
	lock_release(&env_lock);
	cpu_dispatch(0);
}

void
trap_special(struct regs *regs)
{
	if (regs->rax == EXO_NR_call)
		ipc_call(regs);
	if (regs->rax == EXO_NR_acall)
		ipc_acall(regs);
	ipc_return(regs);
}

/* On the way out of a call, with something due to the caller: rip and flags as syscall left them. */
void
trap_due(struct regs *regs)
{
	struct act *act = this_cpu()->act;

	regs->rflags = (regs->rflags & RFLAGS_USER) | RFLAGS_FIXED;
	upcalls_due(act, regs);
	arch_leave(act);
}

/* A call where calls are traced: as the stubs of entry.S do it, with a record before and behind. */
void
trap_call(struct regs *regs)
{
	struct cpu *cpu = this_cpu();
	struct act *act = cpu->act;
	u64 nr = regs->rax;
	u64 arg[6] = { regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8, regs->r9 };

	entry_begin(cpu);
	count_up(&act->pub->calls);
	trace_call(nr, arg);
	if (regs->rax == EXO_NR_call || regs->rax == EXO_NR_acall || regs->rax == EXO_NR_return)
		trap_special(regs);
	regs->rax = (u64)call_dispatch(act->env, regs->rax, arg);
	trace_result(nr, regs->rax);
	regs->rip = regs->rcx;
	regs->rflags = (regs->r11 & RFLAGS_USER) | RFLAGS_FIXED;
	regs->rdi = regs->rsi = regs->rdx = regs->r10 = regs->r8 = regs->r9 = 0;
	if (act->event_due)
		trap_due(regs);
	entry_end(cpu);
}

/* A fault of the kernel: the copy from user memory has places to go on at; all else is a bug. */
void
trap_kernel(struct regs *regs)
{
	if (regs->vector == VEC_PF)
		for (const struct extable *e = extable_start; e < extable_end; e++)	/* four */
			if (e->at == regs->rip) {
				regs->rip = e->go;
				return;
			}
	panic_trap(regs, regs->vector == VEC_PF ? read_cr2() : 0);
}

void
trap_fatal(struct regs *regs)
{
	panic_trap(regs, read_cr2());
}

/* Interrupts are on in user mode and where the processor idles, nowhere else. */
void
trap_interrupt(struct regs *regs)
{
	struct cpu *cpu = this_cpu();
	struct regs *user = (regs->cs & 3) != 0 ? regs : NULL;
	u32 line = (u32)regs->vector - VEC_IRQ;

	entry_begin(cpu);
	protect();
	cpu->pub->interrupts++;
	if (regs->vector == VEC_POKE)
		arch_irq_done();
	cpu_serve(cpu);
	if (regs->vector == VEC_TIMER) {
		arch_irq_done();
		cpu_timer(user);
	} else if (regs->vector == VEC_POKE) {
		cpu_stop_asked(cpu);	/* first: from a dead act cpu_at_rest does not return */
		cpu_at_rest(cpu);
		if (user != NULL)
			cpu_events(user);
	} else if (line < IRQ_LINES) {
		trace(EXO_TRACE_IRQ, line, 0);
		irq_fired(line);
		arch_irq_done();
		if (user != NULL)
			cpu_events(user);
	}
	if (user != NULL)
		arch_leave(cpu->act);
	else
		entry_end(cpu);
}
