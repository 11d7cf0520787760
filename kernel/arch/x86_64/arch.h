/* SPDX-License-Identifier: ISC */
/*
 * The contract that a port implements: everything that the rest of the kernel
 * asks of the machine.  Assembly, MSRs and PTE bits stay behind it.
 */
#ifndef KERNEL_ARCH_H
#define KERNEL_ARCH_H

#include "../../env/env.h"

struct cpu;

/* Hosted: the unit tests have their own. */
#if __STDC_HOSTED__
struct cpu *this_cpu(void);
void arch_flush_va(u64 va);			/* this CPU's translation cache */
#else
static inline void
arch_flush_va(u64 va)
{
	__asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}

static inline struct cpu *
this_cpu(void)
{
	struct cpu *cpu;

	__asm__("mov %%gs:0, %0" : "=r"(cpu));
	return cpu;
}
#endif

/* ---- entering user mode; none of these returns.  The act is made current: address space, GS... */
noreturn_ void arch_enter_upcall(struct act *act, u64 rip, u64 rax);	/* all else zero */
noreturn_ void arch_enter_regs(struct act *act, const struct regs *regs);	/* a full context */

/*
 * arch_enter_regs may be given regs anywhere, also on the stack it abandons;
 * it forces cs and ss to the user's.  All make cpu->act = act.
 *
 * arch_idle: no act (cpu->act = NULL).  From an empty stack: sti; hlt (as one),
 * cli, then cpu_dispatch(0).  Interrupts there come with regs == NULL.
 */
noreturn_ void arch_idle(void);
/* No act: what is left of the last one is saved, and the kernel's own address space loaded. */
void arch_unload(void);
void arch_irq_window(void);			/* no act: let pending interrupts in (sti; nop; cli) */

/* ---- page tables */
#define PTE_PRESENT  0x001ull
#define PTE_WRITE    0x002ull
#define PTE_USER     0x004ull
#define PTE_NOCACHE  0x018ull		/* PCD | PWT */
#define PTE_ACCESSED 0x020ull
#define PTE_DIRTY    0x040ull
#define PTE_LARGE    0x080ull
#define PTE_SOFT_SHIFT 9		/* bits 9..11: the library's */
#define PTE_IO       (1ull << 58)	/* device memory: no reverse map (ignored by hardware) */
#define PTE_NX       (1ull << 63)
#define PTE_PFN(e)   (((e) >> 12) & 0xfffffffffull)
#define PT_ENTRIES   512u

/* A page fault's error code. */
#define FAULT_PRESENT 0x01ull		/* forbidden, not absent */
#define FAULT_WRITE   0x02ull
#define FAULT_USER    0x04ull
#define FAULT_FETCH   0x10ull

void arch_root_fill(u64 *root, exo_pfn pfn);	/* kernel half, exposed tables, recursive slot */
void arch_flush_all(void);

/* Boot only: from the loader's first word to a machine with memory, log and clock. */
void arch_boot(u32 start_info);
/* Boot only: so many of the processors that were found, this one among them, run; the others enter cpu_enter. */
u32 arch_cpus_start(u32 found);
/* Boot only: show a table (from boot_alloc) read-only to every environment at `window`. */
void arch_expose(u64 window, const void *table, u64 bytes);
u64 arch_phys(const void *kernel_address);	/* of boot_alloc memory or the kernel's image */

/* Boot only, before the first environment: a kernel alias of device memory, uncached; it lasts. */
void *arch_device_map(u64 phys, u64 bytes);

/* ---- vector state: #NM calls fpu_trap in cpu/ */
void arch_fpu_save(void *area);
void arch_fpu_load(const void *area);
void arch_fpu_init(void);			/* the clean state */
void arch_fpu_trap(bool on);			/* CR0.TS */

/* ---- time and interrupts */
u64 arch_now_ns(void);
void arch_timer(u64 at_ns);			/* one-shot; 0: off */
void arch_kick(void);				/* a timer interrupt as soon as interrupts are on */
void arch_poke(u32 cpu);			/* an interrupt at another CPU: cpu_at_rest, cpu_serve, cpu_events */
void arch_irq_mask(u32 line, bool masked);	/* IO-APIC line */
void arch_irq_done(void);			/* end of interrupt */
/* 0..23 first IO-APIC, 24..47 second (microvm), 48.. never fire: kept for messages; handlers get the line. */
#define IRQ_LINES 64u

/* ---- ports */
u32 arch_port_in(u16 port, unsigned width);
void arch_port_out(u16 port, unsigned width, u32 value);

/* ---- the end */
void arch_stop_others(void);			/* for good, wherever they are */
void arch_halt(void);				/* interrupts off */
noreturn_ void arch_off(u32 status);		/* debug exit: status << 1 | 1; else halt */

#endif
