/* SPDX-License-Identifier: ISC */
/* The device table, completions, and which device an interrupt belongs to. */
#include "../arch/x86_64/arch.h"
#include "../core/remote.h"
#include "../event/event.h"
#include "../mem/mem.h"
#include "dev.h"
#include "virtio.h"

struct exo_device *devices;		/* [dev_lock] */
static struct device drivers[DEVICES_MAX];	/* [I] */

struct exo_device *
dev_register(u32 row, const struct driver *ops, void *driver)
{
	must(row < DEVICES_MAX);
	drivers[row] = (struct device){ ops, driver };
	return &devices[row];
}

const struct device *
dev_queue(u64 device, u64 queue)
{
	if (device >= DEVICES_MAX || drivers[device].ops == NULL)
		return NULL;
	return queue < devices[device].queues ? &drivers[device] : NULL;
}

void
dev_done(u32 device, u32 queue, u64 cookie, u32 bytes, bool failed)
{
	exo_pfn pfn = cookie >> EXO_PAGE_SHIFT;
	u64 *word = (u64 *)((u8 *)frame_ptr(pfn) + (cookie & (EXO_PAGE_BYTES - 1)));
	u8 pins = frames[pfn].pins;

	must(pins > 0);
	/* The word first: once the last pin is gone the frame may be another's. */
	__atomic_store_n(word, EXO_IO_DONE | (failed ? EXO_IO_ERROR : 0) | bytes, __ATOMIC_RELEASE);
	__atomic_fetch_sub(&frames[pfn].pins, 1, __ATOMIC_RELEASE);
	devices[device].completed[queue]++;
	devices[device].bytes[queue] += bytes;
	cpus_wake();
}

static bool
drivers_interrupt(u32 line)
{
	bool driven = false;

	lock_acquire(&dev_lock);
	for (u32 row = 0; row < DEVICES_MAX; row++) {
		if (devices[row].class_ == EXO_DEV_NONE || devices[row].irq != line)
			continue;
		devices[row].interrupts++;
		if (drivers[row].ops == NULL)
			continue;
		drivers[row].ops->interrupt(drivers[row].driver);
		driven = true;
	}
	lock_release(&dev_lock);
	return driven;
}

void
irq_fired(u32 line)
{
	if (!drivers_interrupt(line))
		event_irq(line);
}

bool
irq_driven(u32 line)
{
	for (u32 row = 0; row < DEVICES_MAX; row++)
		if (drivers[row].ops != NULL && devices[row].irq == line)
			return true;
	return false;
}

static bool
row_covers(const struct exo_device *row, exo_pfn pfn)
{
	for (unsigned n = 0; n < PCI_BARS; n++) {
		const struct exo_bar *bar = &row->bar[n];

		if (bar->bytes == 0 || bar->base & EXO_BAR_PORTS)
			continue;
		if (pfn >= bar->base >> EXO_PAGE_SHIFT &&
			pfn <= (bar->base + bar->bytes - 1) >> EXO_PAGE_SHIFT)
			return true;
	}
	return false;
}

/* Small BARs may share a page: one that a driver here uses closes it. */
bool
dev_mmio_open(exo_pfn pfn)
{
	bool open = false;

	for (u32 row = 0; row < DEVICES_MAX; row++) {
		if (!row_covers(&devices[row], pfn))
			continue;
		if (drivers[row].ops != NULL)
			return false;
		open = true;
	}
	return open;
}

/* ---- boot --------------------------------------------------------------------- */

static u64
number(const char **text)
{
	const char *p = *text;
	bool hex = p[0] == '0' && p[1] == 'x';
	u64 value = 0;

	for (p += hex ? 2 : 0;; p++) {
		unsigned digit = *p >= '0' && *p <= '9' ? (unsigned)(*p - '0')
			: hex && *p >= 'a' && *p <= 'f' ? (unsigned)(*p - 'a' + 10)
							: 99;

		if (digit == 99)
			break;
		value = value * (hex ? 16 : 10) + digit;
	}
	*text = p;
	return value;
}

/* One virtio_mmio.device=<bytes>@<base>:<line>, as microvm writes it.  True: it is the console. */
static bool
mmio_boot(const char *text)
{
	struct virtio dev;
	u64 bytes, base, line;

	bytes = number(&text);
	if (*text++ != '@')
		return false;
	base = number(&text);
	if (*text++ != ':')
		return false;
	line = number(&text);
	if (!virtio_mmio_open(&dev, base, bytes, (u32)line))
		return false;
	return dev.id == VIRTIO_ID_CONSOLE && console_boot(&dev);
}

static const char *
behind(const char *text, const char *prefix)	/* NULL: text does not begin with it */
{
	while (*prefix != '\0')
		if (*text++ != *prefix++)
			return NULL;
	return text;
}

static bool
cmdline_boot(const char *cmdline)
{
	bool console = false;

	for (const char *p = cmdline; *p != '\0' && !console; p++) {
		const char *device = behind(p, "virtio_mmio.device=");

		console = device != NULL && mmio_boot(device);
	}
	return console;
}

static void
row_fill(struct exo_device *row, const struct pci_function *function)
{
	row->class_ = row->class_ == EXO_DEV_NONE ? EXO_DEV_PCI : row->class_;
	row->irq = function->irq;
	row->id = (u64)function->vendor << 16 | function->device;
	row->address = function->address;
	for (unsigned n = 0; n < PCI_BARS; n++) {
		const struct exo_bar *bar = &function->bar[n];

		row->bar[n] = *bar;
		if (row->class_ != EXO_DEV_PCI || bar->base & EXO_BAR_PORTS)
			continue;
		if (bar->bytes >> EXO_PAGE_SHIFT <= row->mmio_frames)
			continue;
		row->mmio_pfn = bar->base >> EXO_PAGE_SHIFT;
		row->mmio_frames = bar->bytes >> EXO_PAGE_SHIFT;
	}
}

static bool
pci_boot(bool console)
{
	struct pci_function *found = boot_alloc(DEVICES_MAX * sizeof(*found));
	unsigned count = pci_scan(found, DEVICES_MAX - 1);
	u32 row = DEV_CONSOLE + 1;

	for (unsigned n = 0; n < count; n++) {
		struct virtio dev;

		if (!console && virtio_pci_open(&dev, &found[n]) && dev.id == VIRTIO_ID_CONSOLE &&
			console_boot(&dev)) {
			console = true;
			row_fill(&devices[DEV_CONSOLE], &found[n]);
			continue;
		}
		row_fill(dev_register(row++, NULL, NULL), &found[n]);
	}
	return console;
}

void
dev_boot(const char *cmdline)
{
	u64 bytes = DEVICES_MAX * sizeof(struct exo_device);

	devices = boot_alloc(bytes);
	arch_expose(EXO_DEVICES, devices, bytes);
	info->table[EXO_T_DEVICES] = (struct exo_table){
		.base = EXO_DEVICES,
		.entry_bytes = sizeof(struct exo_device),
		.count = DEVICES_MAX,
	};
	if (!pci_boot(cmdline != NULL && cmdline_boot(cmdline)))
		klog("console: none\n");
}
