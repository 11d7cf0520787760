/* SPDX-License-Identifier: ISC */
/*
 * A PCI function driven from user mode: QEMU's edu device, by its memory and
 * its interrupt line.  On a machine without one there is nothing to test.
 */
#include "t.h"

#define EDU_ID 0x123411e8u
enum { EDU_IDENT = 0x00, EDU_LIVE = 0x04, EDU_RAISE = 0x60, EDU_ACK = 0x64 };
#define EVENT_EDU 0x40ull

static uint32_t
edu_row(void)
{
	for (uint32_t row = 0; row < exo_info()->table[EXO_T_DEVICES].count; row++)
		if (exo_device(row)->class_ == EXO_DEV_PCI && exo_device(row)->id == EDU_ID)
			return row;
	return 0;
}

static volatile uint32_t *
edu_map(uint32_t row)
{
	OK(t_map_op(exo_self(), T_VA, exo_device(row)->mmio_pfn,
		   EXO_OP_MAP | EXO_MAP_WRITE | EXO_MAP_IO, K_ROOT, K_ROOT) - 1);
	return (volatile uint32_t *)T_VA;
}

TEST(edu_memory)
{
	uint32_t row = edu_row();
	volatile uint32_t *edu;

	if (row == 0)
		return;
	edu = edu_map(row);
	IS(edu[EDU_IDENT / 4], 0x010000ed);
	edu[EDU_LIVE / 4] = 0x12345678;
	IS(edu[EDU_LIVE / 4], 0xedcba987);
	IS(t_unmap(T_VA), 1);
}

/* Two interrupts: the line is masked by the first until it is asked for again. */
TEST(edu_interrupt)
{
	uint32_t row = edu_row(), line;
	volatile uint32_t *edu;
	uint64_t count;

	if (row == 0)
		return;
	edu = edu_map(row);
	line = exo_device(row)->irq;
	count = exo_device(row)->interrupts;
	exo_uarea()->posted = 0;
	OK(exo_irq_bind(line, exo_self(), EVENT_EDU, K_ROOT));
	for (unsigned round = 1; round <= 2; round++) {
		edu[EDU_RAISE / 4] = 1;
		t_until(&exo_uarea()->posted, EXO_EQ, EVENT_EDU);
		exo_uarea()->posted = 0;
		edu[EDU_ACK / 4] = 1;
		IS(exo_device(row)->interrupts - count, round);
		OK(exo_irq_unmask(line));
	}
	OK(exo_irq_bind(line, 0, 0, K_ROOT));
	ERR(exo_irq_unmask(line), OWNER);
	IS(t_unmap(T_VA), 1);
}

/* The console's line is the kernel's. */
TEST(driven_line)
{
	ERR(exo_irq_bind(exo_device(0)->irq, exo_self(), 1, K_ROOT), TAKEN);
}
