/* SPDX-License-Identifier: ISC */
/*
 * PCI bus 0: finding functions, sizing and assigning their address ranges,
 * routing their interrupt lines.
 *
 * Small firmware (qboot) assigns nothing, SeaBIOS everything, so: what has an
 * address keeps it; the rest goes into the window below, above whatever lies
 * there already.
 */
#include "../arch/x86_64/arch.h"
#include "pci.h"

#define CONFIG_ADDRESS 0xcf8u
#define CONFIG_DATA 0xcfcu
#define SLOTS 32u
#define FUNCTIONS 8u

/* Free on every machine met: above RAM below 4 GiB and ECAM, below the IO-APIC. */
#define MEMORY_BEGIN 0xe0000000ull
#define MEMORY_END 0xfe000000ull
#define PORTS_BEGIN 0xc000ull
#define PORTS_END 0x10000ull

#define HOST_BRIDGE_Q35 0x29c08086u

struct window {
	u64 next, end;
};
struct windows {
	struct window memory, ports;
};

u32
pci_read(u16 address, unsigned at)
{
	arch_port_out(CONFIG_ADDRESS, 4, 0x80000000u | (u32)address << 8 | (at & 0xfc));
	return arch_port_in(CONFIG_DATA, 4);
}

void
pci_write(u16 address, unsigned at, u32 value)
{
	arch_port_out(CONFIG_ADDRESS, 4, 0x80000000u | (u32)address << 8 | (at & 0xfc));
	arch_port_out(CONFIG_DATA, 4, value);
}

/* The status half of the register is written as zero: its bits are cleared by ones. */
static void
set_command(u16 address, u32 set, u32 clear)
{
	u32 command = pci_read(address, PCI_COMMAND) & 0xffff;

	pci_write(address, PCI_COMMAND, (command | set) & ~clear);
}

void
pci_enable(u16 address, u32 command)
{
	set_command(address, command, PCI_COMMAND_NOINTX);
}

/* Size BAR number n; returns how many registers it takes up.  Decoding is off meanwhile. */
static unsigned
bar_read(u16 address, unsigned n, struct exo_bar *bar)
{
	unsigned at = PCI_BAR + 4 * n;
	u32 low = pci_read(address, at), high = 0;
	bool ports = low & 1;
	bool wide = !ports && (low >> 1 & 3) == 2 && n + 1 < PCI_BARS;
	u64 mask = 0xffffffff00000000ull;

	pci_write(address, at, ~0u);
	mask |= pci_read(address, at) & (ports ? ~3u : ~15u);
	pci_write(address, at, low);
	if (wide) {
		high = pci_read(address, at + 4);
		pci_write(address, at + 4, ~0u);
		mask &= (u64)pci_read(address, at + 4) << 32 | 0xffffffffu;
		pci_write(address, at + 4, high);
	}
	if ((u32)mask == 0 && !wide)
		return 1;		/* not implemented */
	if (ports)
		mask |= 0xffff0000u;	/* the upper half of a port range may read as zero */
	bar->bytes = ~mask + 1;
	bar->base = ((u64)high << 32 | (low & (ports ? ~3u : ~15u))) | (ports ? EXO_BAR_PORTS : 0);
	return wide ? 2 : 1;
}

static void
bars_read(struct pci_function *function)
{
	u16 address = function->address;
	u32 command = pci_read(address, PCI_COMMAND) & (PCI_COMMAND_PORTS | PCI_COMMAND_MEMORY);

	set_command(address, 0, command);
	for (unsigned n = 0; n < PCI_BARS;)
		n += bar_read(address, n, &function->bar[n]);
	set_command(address, command, 0);
}

/* What the firmware put into a window stays out of our way. */
static void
window_skip(struct windows *w, const struct exo_bar *bar)
{
	struct window *window = bar->base & EXO_BAR_PORTS ? &w->ports : &w->memory;
	u64 base = bar->base & ~(u64)EXO_BAR_PORTS;

	if (base >= window->next && base < window->end)
		window->next = base + bar->bytes;
}

static void
bar_assign(struct windows *w, struct pci_function *function, unsigned n)
{
	struct exo_bar *bar = &function->bar[n];
	bool ports = bar->base & EXO_BAR_PORTS;
	struct window *window = ports ? &w->ports : &w->memory;
	unsigned at = PCI_BAR + 4 * n;
	u64 bytes = ports || bar->bytes > EXO_PAGE_BYTES ? bar->bytes : EXO_PAGE_BYTES;
	u64 base = (window->next + bytes - 1) & ~(bytes - 1);

	if (base < window->next || base > window->end || bytes > window->end - base) {
		klog("pci: no room for %lx bytes of %x\n", bar->bytes, function->address);
		bar->base = bar->bytes = 0;
		return;
	}
	window->next = base + bytes;
	pci_write(function->address, at, (u32)base);
	if (!ports && (pci_read(function->address, at) >> 1 & 3) == 2)
		pci_write(function->address, at + 4, 0);
	bar->base = base | (ports ? EXO_BAR_PORTS : 0);
}

/*
 * q35 routes without asking us: pins of slots 0 to 24 go round PIRQ E to H,
 * those of the chipset's own slots from 25 on are PIRQ A to D (slot 30: E to H),
 * and PIRQ n is IO-APIC line 16 + n.
 */
static u32
line_of(u32 host_bridge, u16 address)
{
	unsigned slot = address >> 3 & 31;
	unsigned pin = pci_read(address, PCI_INTERRUPT) >> 8 & 0xff;

	if (pin == 0 || pin > 4 || host_bridge != HOST_BRIDGE_Q35)
		return ~0u;
	if (slot == 30)
		return 20 + pin - 1;
	if (slot >= 25)
		return 16 + pin - 1;
	return 20 + (slot + pin - 1) % 4;
}

static bool
function_read(u32 host_bridge, u16 address, struct pci_function *function)
{
	u32 id = pci_read(address, PCI_ID);
	unsigned header = pci_read(address, PCI_HEADER) >> 16 & 0x7f;

	if ((id & 0xffff) == 0xffff)
		return false;
	memset(function, 0, sizeof(*function));
	function->address = address;
	function->vendor = (u16)id;
	function->device = (u16)(id >> 16);
	function->irq = line_of(host_bridge, address);
	if (header == 0)
		bars_read(function);
	return true;
}

static void
function_assign(struct windows *w, struct pci_function *function)
{
	u32 command = 0;

	for (unsigned n = 0; n < PCI_BARS; n++) {
		struct exo_bar *bar = &function->bar[n];

		if (bar->bytes == 0)
			continue;
		if ((bar->base & ~(u64)EXO_BAR_PORTS) == 0)
			bar_assign(w, function, n);
		if (bar->base != 0)
			command |=
				bar->base & EXO_BAR_PORTS ? PCI_COMMAND_PORTS : PCI_COMMAND_MEMORY;
	}
	if (command)
		pci_enable(function->address, command);
}

unsigned
pci_scan(struct pci_function *functions, unsigned max)
{
	struct windows w = { { MEMORY_BEGIN, MEMORY_END }, { PORTS_BEGIN, PORTS_END } };
	u32 host_bridge = pci_read(0, PCI_ID);
	unsigned count = 0;

	if (host_bridge == ~0u)
		return 0;		/* no PCI here */
	for (u16 address = 0; address < SLOTS * FUNCTIONS && count < max; address++) {
		if (!function_read(host_bridge, address, &functions[count])) {
			if (address % FUNCTIONS == 0)
				address += FUNCTIONS - 1;	/* an empty slot */
			continue;
		}
		for (unsigned n = 0; n < PCI_BARS; n++)
			window_skip(&w, &functions[count].bar[n]);
		count++;
	}
	for (unsigned at = 0; at < count; at++)
		function_assign(&w, &functions[at]);
	return count;
}
