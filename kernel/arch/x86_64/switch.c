/* SPDX-License-Identifier: ISC */
/*
 * Whose the processor is: the last steps before user mode.
 *
 * An activation that becomes current gets its address space, its FS base as
 * it left it, GS on its u-area, null data segments (a selector left behind
 * would be a message), and vector registers that hold its own state or none.
 * Address spaces are switched only when they differ: the same CR3 again costs
 * a whole translation cache.
 */
#include "machine.h"

void
arch_fpu_trap(bool on)
{
	struct cpu *cpu = this_cpu();

	if (cpu->fpu_on != on)
		return;
	cpu->fpu_on = !on;
	if (on)
		__asm__ volatile("mov %0, %%cr0" : : "r"(read_cr0() | (u64)CR0_TS) : "memory");
	else
		__asm__ volatile("clts" : : : "memory");
}

static void
set_user_gs(u64 base)
{
	if (features.fsgsbase)
		__asm__ volatile("swapgs; wrgsbase %0; swapgs" : : "r"(base) : "memory");
	else
		wrmsr(MSR_KGS_BASE, base);
}

/* Without FSGSBASE a program cannot have set it. */
static void
switch_fs(struct act *from, struct act *to)
{
	if (!features.fsgsbase)
		return;
	if (from != NULL)
		__asm__ volatile("rdfsbase %0" : "=r"(from->fs_base));
	__asm__ volatile("mov %w0, %%fs" : : "r"(0));
	__asm__ volatile("wrfsbase %0" : : "r"(to->fs_base));
}

/* Loading GS may clear its base, hence in the user's half of the pair. */
static void
clear_segments(void)
{
	__asm__ volatile("mov %w0, %%ds; mov %w0, %%es; swapgs; mov %w0, %%gs; swapgs" : : "r"(0));
}

static void
make_current(struct act *act)
{
	struct cpu *cpu = this_cpu();
	struct act *from = cpu->act != NULL ? cpu->act : cpu->fs;

	if (from != act || !features.fsgsbase) {
		switch_fs(from, act);
		clear_segments();
	}
	cpu->act = act;
	cpu->ua = act->ua;
	if (read_cr3() != act->cr3) {
		cpu->pub->switches++;
		write_cr3(act->cr3);
	}
	fpu_switch(act);
	cpu->fs = NULL;
	set_user_gs(act->ua_va);
	entry_end(cpu);
}

void
arch_unload(void)
{
	struct cpu *cpu = this_cpu();

	if (cpu->fs != NULL && features.fsgsbase)
		__asm__ volatile("rdfsbase %0" : "=r"(cpu->fs->fs_base));
	cpu->fs = NULL;
	fpu_unload();
	paging_cpu();
}

void
arch_enter_upcall(struct act *act, u64 rip, u64 rax)
{
	must(rip < EXO_USER_TOP);
	make_current(act);
	entry_upcall(rip, rax);
}

/* A program may be interrupted just when it jumped to where nothing is. */
static bool
canonical(u64 va)
{
	return (u64)((i64)(va << 16) >> 16) == va;
}

/* The copy lies below all that this call stands on; entry_regs pops its way out from there. */
void
arch_enter_regs(struct act *act, const struct regs *regs)
{
	struct regs out = *regs;

	/* No address at all would be iretq's fault here; nothing is ever mapped at that one. */
	if (!canonical(out.rip))
		out.rip = EXO_USER_TOP;
	make_current(act);
	out.cs = SEL_UCODE;
	out.ss = SEL_UDATA;
	out.rflags = (out.rflags & RFLAGS_USER) | RFLAGS_FIXED;
	entry_regs(&out);
}

void
arch_idle(void)
{
	struct cpu *cpu = this_cpu();

	cpu->act = NULL;
	entry_end(cpu);
	entry_idle(cpu->kstack_top);
}

void
arch_irq_window(void)
{
	struct cpu *cpu = this_cpu();

	entry_end(cpu);
	__asm__ volatile("sti; nop; cli" : : : "memory");
	entry_begin(cpu);
}

/* An interrupt or a slow exception goes back to user mode. */
void
arch_leave(const struct act *act)
{
	set_user_gs(act->ua_va);
	entry_end(this_cpu());
}
