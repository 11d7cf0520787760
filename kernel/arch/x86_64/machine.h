/* SPDX-License-Identifier: ISC */
/* What the files of this port share; nobody else includes it. */
#ifndef KERNEL_ARCH_MACHINE_H
#define KERNEL_ARCH_MACHINE_H

#include "../../core/boot.h"
#include "../../cpu/cpu.h"
#include "arch.h"
#include "layout.h"

/* What this processor has, found once by features_boot.  Assembly reads some of it. */
struct features {
	u8 fsgsbase;
	u8 smap;
	u8 hidden;			/* the user's segments lie where SMAP hides them */
	u8 emulated;			/* QEMU's TCG, not a processor */
	u8 smep, umip, xsave, gbpages;
	u8 fast;			/* what the short ways of entry.S need: FSGSBASE and XSAVE */
	u32 fpu_bytes;
	u64 xcr0;
};
extern struct features features;		/* [I] */

/* An XSAVE area that says that all is initial; transfer.S loads it, too. */
struct fpu_clean {
	u16 fcw, fsw;
	u32 rest[5];
	u32 mxcsr;
	u8 more[4096 - 28];
};
extern const struct fpu_clean fpu_clean;

/* Symbols of the linker script. */
extern u8 kernel_start[], text_end[], rodata_end[], kernel_end[];

static inline void
wrmsr(u32 msr, u64 value)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32)) : "memory");
}

static inline u64
rdmsr(u32 msr)
{
	u32 low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return (u64)high << 32 | low;
}

static inline u64
rdtsc(void)
{
	u32 low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (u64)high << 32 | low;
}

static inline void
outb(u16 port, u8 value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline u8
inb(u16 port)
{
	u8 value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

/*
 * How long the kernel runs with interrupts off, for exo_cpu.entry_max.  Only
 * entries by way of C are measured: interrupts, what is not plain, and all
 * calls where they are traced.
 */
static inline void
entry_begin(struct cpu *cpu)
{
	cpu->entry_tsc = rdtsc();
}

static inline void
entry_end(struct cpu *cpu)
{
	u64 took;

	if (cpu->entry_tsc == 0)
		return;
	took = rdtsc() - cpu->entry_tsc;
	cpu->entry_tsc = 0;
	if (took > cpu->pub->entry_max)
		cpu->pub->entry_max = took;
}

struct cpuid { u32 a, b, c, d; };

static inline struct cpuid
cpuid(u32 leaf, u32 sub)
{
	struct cpuid r;

	__asm__ volatile("cpuid" : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d)
			 : "a"(leaf), "c"(sub));
	return r;
}

static inline u64
read_cr0(void)
{
	u64 value;

	__asm__ volatile("mov %%cr0, %0" : "=r"(value));
	return value;
}

static inline u64
read_cr4(void)
{
	u64 value;

	__asm__ volatile("mov %%cr4, %0" : "=r"(value));
	return value;
}

static inline void
write_cr4(u64 value)
{
	__asm__ volatile("mov %0, %%cr4" : : "r"(value) : "memory");
}

static inline u64
read_cr2(void)
{
	u64 value;

	__asm__ volatile("mov %%cr2, %0" : "=r"(value));
	return value;
}

static inline u64
read_cr3(void)
{
	u64 value;

	__asm__ volatile("mov %%cr3, %0" : "=r"(value));
	return value;
}

static inline void
write_cr3(u64 value)
{
	__asm__ volatile("mov %0, %%cr3" : : "r"(value) : "memory");
}

/* Boot steps, in this order (main.c). */
void serial_boot(void);
void features_boot(void);
void descriptors_boot(void);
void paging_boot(void);
u32 smp_find(u64 rsdp);			/* how many processors there seem to be, this one included */
void segments_boot(u32 count);
void segments_map(u64 window,
	const void *pages); /* the first supervisor's, the second user's; read-only */
void syscall_boot(bool checked, bool traced);	/* calls by way of C; exceptions, too */
void lapic_boot(void);
void apic_boot(void);
void clock_boot(void);

/* The part of each step that every CPU takes itself, in this order. */
void descriptors_cpu(struct cpu *cpu);
void paging_cpu(void);			/* the kernel's own address space */
void features_cpu(void);
void segments_cpu(u32 cpu);
void syscall_cpu(void);
void lapic_cpu(void);
void clock_cpu(void);

/* Interrupt controller and clock, between lapic.c and clock.c. */
u32 lapic_read(u32 reg);
void lapic_write(u32 reg, u32 value);
#define LAPIC_ID    0x020
#define LAPIC_EOI   0x0b0
#define LAPIC_SVR   0x0f0
#define LAPIC_ICR   0x300
#define LAPIC_ICR_TO 0x310
#define LAPIC_LVT_TIMER 0x320
#define LAPIC_LVT_LINT0 0x350
#define LAPIC_LVT_LINT1 0x360
#define LAPIC_LVT_ERROR 0x370
#define LAPIC_INITIAL   0x380
#define LAPIC_CURRENT   0x390
#define LAPIC_DIVIDE    0x3e0
#define LVT_MASKED  0x10000u
#define LVT_NMI     0x400u

void serial_write(const char *text, size_t bytes);

/* entry.S, called from C. */
noreturn_ void entry_upcall(u64 rip, u64 rax);
noreturn_ void entry_regs(const struct regs *regs);
noreturn_ void entry_idle(u64 stack);
void entry_syscall(void);
void entry_traced(void);
extern u64 exception_last;		/* 0: exceptions go by way of C */
extern const u64 trap_stubs[256];

void arch_leave(const struct act *act);

/* ap.S: what is copied to where processors start. */
extern const u8 ap_begin[], ap_end[];

/* traps.c, called from entry.S and trap.S. */
void trap_user(struct regs *regs);
void trap_kernel(struct regs *regs);
void trap_interrupt(struct regs *regs);
noreturn_ void trap_special(struct regs *regs);
void trap_call(struct regs *regs);
void trap_due(struct regs *regs);
noreturn_ void trap_nowhere(void);
noreturn_ void trap_fatal(struct regs *regs);

#endif
