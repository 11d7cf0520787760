/* SPDX-License-Identifier: ISC */
/*
 * PCI bus 0 by configuration ports.  Functions behind bridges are not looked
 * for: their windows would have to be chosen too, and no machine here needs
 * them.  Boot only; afterwards whoever holds the keys of ports 0xcf8 and
 * 0xcfc has configuration space.
 */
#ifndef KERNEL_PCI_H
#define KERNEL_PCI_H

#include "../core/core.h"

#define PCI_BARS 6u
#define PCI_CAPABILITIES_MAX 48u	/* as many as fit: ends a list that is a loop */

enum pci_register {
	PCI_ID = 0x00,
	PCI_COMMAND = 0x04,
	PCI_HEADER = 0x0c,
	PCI_BAR = 0x10,
	PCI_CAPABILITIES = 0x34,
	PCI_INTERRUPT = 0x3c
};
#define PCI_COMMAND_PORTS 0x001u
#define PCI_COMMAND_MEMORY 0x002u
#define PCI_COMMAND_MASTER 0x004u
#define PCI_COMMAND_NOINTX 0x400u
#define PCI_CAP_VENDOR 0x09u

struct pci_function {
	u16 address;			/* bus << 8 | slot << 3 | function */
	u16 vendor, device;
	u32 irq;			/* interrupt line, or ~0 */
	struct exo_bar bar[PCI_BARS];	/* as found; base 0: absent or not assigned */
};

u32 pci_read(u16 address, unsigned at);	/* at: a multiple of 4 */
void pci_write(u16 address, unsigned at, u32 value);
void pci_enable(u16 address, u32 command);	/* PCI_COMMAND_*, and lets INTx through */

/*
 * Fill in up to max functions, in order of address; returns how many.
 * Memory and ports that the firmware did not assign are assigned here, and
 * decoding is turned on; mastering the bus is not: a driver asks for that.
 */
unsigned pci_scan(struct pci_function *functions, unsigned max);

#endif
