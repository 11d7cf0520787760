/* SPDX-License-Identifier: ISC */
/*
 * A device driver in a program: QEMU's `edu` device (-device edu, machines
 * with PCI), found in the exposed device table, its registers mapped, its
 * interrupt bound.  The kernel knows nothing of it.
 */
#include <exo/lib.h>
#include <exo/read.h>

EXO_NATIVE_NOTE;

#define EDU_ID (0x1234ull << 16 | 0x11e8)
#define REGS 0x20000000ull

enum {
	IDENT = 0x00,
	LIVE = 0x04,
	FACTORIAL = 0x08,
	STATUS = 0x20,
	IRQ_STATUS = 0x24,
	IRQ_ACK = 0x64,
};
#define STATUS_COMPUTING 0x01u
#define STATUS_IRQ 0x80u		/* raise an interrupt when the factorial is there */

static volatile uint32_t *
reg(unsigned offset)
{
	return (volatile uint32_t *)(REGS + offset);
}

static const volatile struct exo_device *
find_edu(void)
{
	for (uint32_t row = 0; exo_device(row); row++) {
		if (exo_device(row)->class_ == EXO_DEV_PCI && exo_device(row)->id == EDU_ID)
			return exo_device(row);
	}
	return NULL;
}

/* Registers into our address space; device memory has keys of its own (EXO_NAME_MMIO). */
static bool
map_registers(const volatile struct exo_device *edu, exo_slot key)
{
	exo_pfn table = exo_frame_find(0, 3);
	struct exo_map map = { .va = REGS, .pfn = edu->mmio_pfn, .key = key,
				.op = EXO_OP_MAP | EXO_MAP_WRITE | EXO_MAP_IO };

	return exo_frame_claim_all(table, 3, exo_info()->root_account, 0, key, 0) == 3 &&
		exo_pt_install(exo_self(), REGS | 1 | EXO_PT_WRITE, table, table + 1, 0, 0) == 0 &&
		exo_map(exo_self(), &map, 1, 0) == 1;
}

/* Sleep until the device has interrupted: the kernel posts bits to our u-area, a word like any other. */
static bool
wait_for_interrupt(exo_slot key)
{
	uint64_t uarea = EXO_PTE_PFN(exo_pte((uint64_t)exo_uarea())) * EXO_PAGE_BYTES;
	struct exo_term posted = { .where = uarea + offsetof(struct exo_uarea, posted),
		.mask = ~0ull,
		.cmp = EXO_NE,
		.key = key };

	exo_wait_for(&posted, 1, exo_now_ns() + 500000000, 0);
	return exo_posted() != 0;
}

int
exo_main(const struct exo_start *start)
{
	const volatile struct exo_device *edu = find_edu();
	exo_slot key = 0;		/* only somebody with every key can drive it: run as boot/init */
	uint32_t result;

	if (!edu || start) {
		exo_print("edu: no such device here, or no key to it; as boot/init it has both: "
			  "tests/run.py -v --machine q35 demos/edu\n");
		return 0;
	}
	if (!map_registers(edu, key)) {
		exo_print("edu: its registers could not be mapped\n");
		return 1;
	}
	*reg(LIVE) = 0x12345678;
	exo_printf("edu: identification 0x%x, liveness %s, interrupt line %u\n", *reg(IDENT),
		*reg(LIVE) == ~0x12345678u ? "good" : "bad", edu->irq);

	if (exo_irq_bind(edu->irq, exo_self(), 1, key)) {
		exo_print("edu: its interrupt could not be bound\n");
		return 1;
	}
	*reg(STATUS) = STATUS_IRQ;
	*reg(FACTORIAL) = 10;
	if (!wait_for_interrupt(key)) {
		exo_print("edu: no interrupt came\n");
		return 1;
	}
	result = *reg(FACTORIAL);
	*reg(IRQ_ACK) = *reg(IRQ_STATUS);
	exo_irq_unmask(edu->irq);
	exo_printf("edu: 10! = %u, told by interrupt\n", result);
	exo_irq_bind(edu->irq, 0, 0, key);
	return result == 3628800 ? 0 : 1;
}
