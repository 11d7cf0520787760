/* SPDX-License-Identifier: ISC */
/*
 * virtio over PCI, modern (virtio 1.2, 4.1): the registers are found through
 * vendor capabilities.  Interrupts by the function's line, not MSI-X: one
 * path for every device, and the line's status register says whose it was.
 */
#include "../arch/x86_64/arch.h"
#include "virtio.h"

#define VENDOR_VIRTIO 0x1af4u
#define DEVICE_MODERN 0x1040u		/* plus the device type; below: transitional */

enum {
	CFG_FEATURES_SEL = 0,
	CFG_FEATURES = 4,
	CFG_DRIVER_FEATURES_SEL = 8,
	CFG_DRIVER_FEATURES = 12,
	CFG_STATUS = 20,
	CFG_QUEUE_SEL = 22,
	CFG_QUEUE_SIZE = 24,
	CFG_QUEUE_ENABLE = 28,
	CFG_QUEUE_NOTIFY = 30,
	CFG_DESC = 32,
	CFG_AVAIL = 40,
	CFG_USED = 48,
};
enum capability { CAP_COMMON = 1, CAP_NOTIFY, CAP_ISR, CAP_DEVICE };

static u16
reg16(const struct virtio *dev, unsigned at)
{
	return *(volatile u16 *)(dev->regs + at);
}

static void
set_reg16(const struct virtio *dev, unsigned at, u16 value)
{
	*(volatile u16 *)(dev->regs + at) = value;
}

static u8
pci_status(struct virtio *dev)
{
	return dev->regs[CFG_STATUS];
}

static void
pci_set_status(struct virtio *dev, u8 status)
{
	dev->regs[CFG_STATUS] = status;
}

static u32
pci_features(struct virtio *dev, u32 word)
{
	virtio_reg_set(dev, CFG_FEATURES_SEL, word);
	return virtio_reg(dev, CFG_FEATURES);
}

static void
pci_set_features(struct virtio *dev, u32 word, u32 bits)
{
	virtio_reg_set(dev, CFG_DRIVER_FEATURES_SEL, word);
	virtio_reg_set(dev, CFG_DRIVER_FEATURES, bits);
}

static u16
pci_queue_max(struct virtio *dev, u16 queue)
{
	set_reg16(dev, CFG_QUEUE_SEL, queue);
	return reg16(dev, CFG_QUEUE_SIZE);
}

static void
pci_queue_start(struct virtio *dev, u16 queue, u16 size, u64 page)
{
	set_reg16(dev, CFG_QUEUE_SEL, queue);
	set_reg16(dev, CFG_QUEUE_SIZE, size);
	virtio_reg_set64(dev, CFG_DESC, page + offsetof(struct virtq_page, desc));
	virtio_reg_set64(dev, CFG_AVAIL, page + offsetof(struct virtq_page, avail));
	virtio_reg_set64(dev, CFG_USED, page + offsetof(struct virtq_page, used));
	dev->doorbell[queue] = reg16(dev, CFG_QUEUE_NOTIFY) * dev->doorbell_step;
	set_reg16(dev, CFG_QUEUE_ENABLE, 1);
}

static void
pci_notify(struct virtio *dev, u16 queue)
{
	*(volatile u16 *)(dev->doorbells + dev->doorbell[queue]) = queue;
}

static u32
pci_interrupt(struct virtio *dev)
{
	return *dev->isr;		/* reading clears it and lowers the line */
}

static const struct virtio_transport transport = {
	.status = pci_status,
	.set_status = pci_set_status,
	.features = pci_features,
	.set_features = pci_set_features,
	.queue_max = pci_queue_max,
	.queue_start = pci_queue_start,
	.notify = pci_notify,
	.interrupt = pci_interrupt,
};

/* The registers that a vendor capability points at, or NULL. */
static volatile u8 *
capability_map(const struct pci_function *function, unsigned at)
{
	unsigned bar = pci_read(function->address, at + 4) & 0xff;
	u64 offset = pci_read(function->address, at + 8);
	u64 bytes = pci_read(function->address, at + 12);

	if (bar >= PCI_BARS || function->bar[bar].base == 0)
		return NULL;
	if (function->bar[bar].base & EXO_BAR_PORTS)
		return NULL;
	if (bytes == 0 || offset + bytes > function->bar[bar].bytes)
		return NULL;
	return arch_device_map(function->bar[bar].base + offset, bytes);
}

static void
capability_use(struct virtio *dev, const struct pci_function *function, unsigned at)
{
	enum capability kind = pci_read(function->address, at) >> 24;
	volatile u8 **where = kind == CAP_COMMON ? &dev->regs
		: kind == CAP_NOTIFY             ? &dev->doorbells
		: kind == CAP_ISR                ? &dev->isr
		: kind == CAP_DEVICE             ? &dev->config
						 : NULL;

	if (where == NULL || *where != NULL)
		return;			/* the first of a kind is the one to use */
	*where = capability_map(function, at);
	if (kind == CAP_NOTIFY)
		dev->doorbell_step = pci_read(function->address, at + 16);
}

bool
virtio_pci_open(struct virtio *dev, const struct pci_function *function)
{
	unsigned at = pci_read(function->address, PCI_CAPABILITIES) & 0xfc;

	if (function->vendor != VENDOR_VIRTIO || function->device < DEVICE_MODERN)
		return false;
	memset(dev, 0, sizeof(*dev));
	dev->ops = &transport;
	dev->address = function->address;
	dev->irq = function->irq;
	dev->id = function->device - DEVICE_MODERN;
	for (unsigned n = 0; at >= 0x40 && n < PCI_CAPABILITIES_MAX; n++) {
		u32 head = pci_read(function->address, at);

		if ((head & 0xff) == PCI_CAP_VENDOR)
			capability_use(dev, function, at);
		at = head >> 8 & 0xfc;
	}
	if (dev->regs == NULL || dev->doorbells == NULL || dev->isr == NULL)
		return false;
	pci_enable(function->address, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	return true;
}
