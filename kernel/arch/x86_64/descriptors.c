/* SPDX-License-Identifier: ISC */
/*
 * Segments, the task state (stacks for entries) and the interrupt table.
 *
 * All gates have privilege 0: `int n` in user mode is a general protection
 * fault with the vector in its error code, int3 too.  No gate leads to ring 3.
 * Double fault, NMI and machine check have stacks of their own because they
 * can come when the stack pointer is the user's; so can the debug exception
 * (a breakpoint on `mov ss` deferred behind `syscall`).
 */
#include "machine.h"

struct tss {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7];
	u64 reserved2;
	u16 reserved3, io_map;
} __attribute__((packed));

struct gate {
	u16 low;
	u16 selector;
	u8 ist;
	u8 type;
	u16 middle;
	u32 high;
	u32 zero;
};

struct table_register {
	u16 limit;
	u64 base;
} __attribute__((packed));

#define GATE_INTERRUPT 0x8eu	/* present, privilege 0, interrupts off */
#define TSS_AVAILABLE  0x0000890000000000ull
#define IST_COUNT 4u

static struct tss tss[CPUS_MAX];
static u64 gdt[CPUS_MAX][SEL_END / 8];
static struct gate idt[256];
static u8 ist_stack[CPUS_MAX][IST_COUNT][IST_BYTES] __attribute__((aligned(16)));

static void
gdt_load(u32 cpu)
{
	u64 base = (u64)&tss[cpu];
	u64 *g = gdt[cpu];
	struct table_register gdtr = { .limit = sizeof gdt[cpu] - 1, .base = (u64)g };

	g[SEL_KCODE / 8] = 0x00af9b000000ffff;
	g[SEL_KDATA / 8] = 0x00cf93000000ffff;
	g[SEL_UDATA / 8] = 0x00cff3000000ffff;
	g[SEL_UCODE / 8] = 0x00affb000000ffff;
	g[SEL_TSS / 8] = TSS_AVAILABLE | (sizeof(struct tss) - 1) | (base & 0xffffff) << 16 |
		(base >> 24 & 0xff) << 56;
	g[SEL_TSS / 8 + 1] = base >> 32;

	__asm__ volatile("lgdt %0" : : "m"(gdtr) : "memory");
	__asm__ volatile("push %0; lea 1f(%%rip), %%rax; push %%rax; lretq; 1:"
			 : : "i"(SEL_KCODE) : "rax", "memory");
	__asm__ volatile("mov %w0, %%ss; ltr %w1" : : "r"(SEL_KDATA), "r"(SEL_TSS));
	/* Reset leaves a local table at address 0, which a user may map: call gates of its own. */
	__asm__ volatile("lldt %w0" : : "r"(0));
}

static void
gate_set(u32 vector, u64 handler, u32 ist)
{
	idt[vector] = (struct gate){
		.low = (u16)handler, .selector = SEL_KCODE, .ist = (u8)ist, .type = GATE_INTERRUPT,
		.middle = (u16)(handler >> 16), .high = (u32)(handler >> 32),
	};
}

static void
idt_fill(void)
{
	for (u32 vector = 0; vector < 256; vector++)
		gate_set(vector, trap_stubs[vector], 0);
	gate_set(VEC_DF, trap_stubs[VEC_DF], IST_DF);
	gate_set(VEC_NMI, trap_stubs[VEC_NMI], IST_NMI);
	gate_set(VEC_MC, trap_stubs[VEC_MC], IST_MC);
	gate_set(VEC_DB, trap_stubs[VEC_DB], IST_DB);
}

/* The top word of each of these stacks is the CPU's address: GS says nothing there. */
static u64
ist_top(struct cpu *cpu, u32 slot)
{
	u64 *top = (u64 *)&ist_stack[cpu->id][slot][IST_BYTES - 16];

	*top = (u64)&cpu->self;
	return (u64)top;
}

void
descriptors_boot(void)
{
	idt_fill();
	descriptors_cpu(&cpus[0]);
}

void
descriptors_cpu(struct cpu *cpu)
{
	struct tss *t = &tss[cpu->id];
	struct table_register idtr = { .limit = sizeof idt - 1, .base = (u64)idt };

	t->rsp[0] = cpu->kstack_top;
	for (u32 slot = 0; slot < IST_COUNT; slot++)
		t->ist[slot] = ist_top(cpu, slot);
	t->io_map = sizeof(struct tss);		/* no port is open to user mode */
	gdt_load(cpu->id);
	__asm__ volatile("lidt %0" : : "m"(idtr) : "memory");
	wrmsr(MSR_GS_BASE, (u64)&cpu->self);
	wrmsr(MSR_KGS_BASE, 0);
}

#define SEGMENTS_WINDOW(cpu) (EXO_TABLES_END - ((cpu) + 1ull) * 2 * EXO_PAGE_BYTES)
#define SEGMENTS_OFFSET (EXO_PAGE_BYTES - (SEL_UDATA & ~3u))	/* of the table in a window */

/*
 * QEMU's emulation lets a far call of user mode push to its stack, and a far
 * return or iretq pop from it, with the kernel's rights, wherever the stack
 * pointer is: a program could write to its page tables.  But a code segment
 * must be loaded, by a call before it pushes, by a return before the program
 * sees anything of what was popped; descriptors are read with the kernel's
 * rights too, though under the rules for user mode, where SMAP closes pages
 * that the user may read.  So there the user's two descriptors lie in such a
 * page, behind the kernel's in one of the kernel's, and iret_user opens it by
 * AC.  (On a processor AC opens nothing to descriptor loads, nor is this needed.)
 *
 * The windows of all CPUs are made at boot; each fills its own and goes over to it.
 */
static u8 *segments[CPUS_MAX];		/* [I] */

void
segments_boot(u32 count)
{
	if (!features.emulated || !features.smap)
		return;
	for (u32 n = 0; n < count; n++) {
		segments[n] = boot_alloc(2 * EXO_PAGE_BYTES);
		segments_map(SEGMENTS_WINDOW(n), segments[n]);
	}
	features.hidden = 1;
}

void
segments_cpu(u32 cpu)
{
	const struct table_register gdtr = { .limit = SEL_END - 1,
		.base = SEGMENTS_WINDOW(cpu) + SEGMENTS_OFFSET };

	if (!features.hidden)
		return;
	memcpy(segments[cpu] + SEGMENTS_OFFSET, gdt[cpu], sizeof gdt[0]);
	__asm__ volatile("lgdt %0" : : "m"(gdtr) : "memory");
}

/* Flags cleared at a syscall: all that could disturb the kernel. */
#define FMASK_ALL 0x257fd5u

static u64 syscall_entry;		/* [I] */

void
syscall_boot(bool checked, bool traced)
{
	bool slow = traced || !features.fast;	/* everything by way of C */

	if (slow)
		exception_last = 0;
	syscall_entry = checked || slow ? (u64)entry_traced : (u64)entry_syscall;
	syscall_cpu();
}

void
syscall_cpu(void)
{
	wrmsr(MSR_STAR, (u64)(SEL_UDATA - 8) << 48 | (u64)SEL_KCODE << 32);
	wrmsr(MSR_LSTAR, syscall_entry);
	wrmsr(MSR_FMASK, FMASK_ALL);
}
