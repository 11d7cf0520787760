/* SPDX-License-Identifier: ISC */
/*
 * Interrupt controllers: the local APIC (xAPIC, memory mapped: x2APIC does not
 * exist under the emulator) and one or two IO-APICs.  Lines begin masked.
 * The 8259s, where there are any, are masked for good.
 */
#include "machine.h"

#define IOAPIC_FIRST  0xfec00000ull
#define IOAPIC_SECOND 0xfec10000ull	/* microvm */
#define IOAPIC_LINES  24u
#define IOAPIC_VERSION 1u
#define IOAPIC_TABLE 0x10u
#define RTE_MASKED 0x10000u
#define RTE_LEVEL  0x8000u

static volatile u32 *lapic;		/* [I] */
static volatile u32 *ioapic[2];		/* [I] NULL: absent */

u32
lapic_read(u32 reg)
{
	return lapic[reg / 4];
}

void
lapic_write(u32 reg, u32 value)
{
	lapic[reg / 4] = value;
}

static u32
ioapic_read(u32 n, u32 reg)
{
	ioapic[n][0] = reg;
	return ioapic[n][4];
}

static void
ioapic_write(u32 n, u32 reg, u32 value)
{
	ioapic[n][0] = reg;
	ioapic[n][4] = value;
}

/* The timer, keyboard cascade and clock pulse; everything else here holds its line until served. */
static bool
line_is_edge(u32 line)
{
	return line < 3 || line == 8;
}

static void
ioapic_boot(u32 n, u64 phys)
{
	u32 version;

	ioapic[n] = arch_device_map(phys, EXO_PAGE_BYTES);
	version = ioapic_read(n, IOAPIC_VERSION);
	if ((version & 0xff) == 0 || (version & 0xff) == 0xff) {
		ioapic[n] = NULL;
		return;
	}
	for (u32 line = 0; line < IOAPIC_LINES; line++) {
		ioapic_write(n, IOAPIC_TABLE + 2 * line + 1, lapic_read(LAPIC_ID) & 0xff000000u);
		arch_irq_mask(n * IOAPIC_LINES + line, true);
	}
}

void
lapic_cpu(void)
{
	lapic_write(LAPIC_SVR, 0x100u | VEC_SPURIOUS);
	lapic_write(LAPIC_LVT_TIMER, LVT_MASKED);
	lapic_write(LAPIC_LVT_LINT0, LVT_MASKED);
	lapic_write(LAPIC_LVT_LINT1, LVT_MASKED);
	lapic_write(LAPIC_LVT_ERROR, LVT_MASKED);
}

void
lapic_boot(void)
{
	lapic = arch_device_map(rdmsr(MSR_APIC_BASE) & ~0xfffull, EXO_PAGE_BYTES);
}

/* Lines go to this CPU. */
void
apic_boot(void)
{
	lapic_cpu();
	lapic_write(LAPIC_LVT_LINT1, LVT_NMI);	/* the monitor's `nmi`: a panic */
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
	ioapic_boot(0, IOAPIC_FIRST);
	ioapic_boot(1, IOAPIC_SECOND);
}

void
arch_irq_mask(u32 line, bool masked)
{
	u32 n = line / IOAPIC_LINES;
	u32 entry = VEC_IRQ + line;

	if (n >= 2 || ioapic[n] == NULL)
		return;				/* message-signalled: its driver masks it */
	entry |= (masked ? RTE_MASKED : 0) | (line_is_edge(line) ? 0 : RTE_LEVEL);
	ioapic_write(n, IOAPIC_TABLE + 2 * (line % IOAPIC_LINES), entry);
}

/* To itself, at once: the one-shot timer would take the emulator's time to fire. */
void
arch_kick(void)
{
	lapic_write(LAPIC_ICR, 0x44000u | VEC_TIMER);
}

void
arch_irq_done(void)
{
	lapic_write(LAPIC_EOI, 0);
}
