/* SPDX-License-Identifier: ISC */
/* virtio over memory-mapped registers, version 2 (virtio 1.2, 4.2). */
#include "../arch/x86_64/arch.h"
#include "virtio.h"

enum {
	REG_MAGIC = 0x00,
	REG_VERSION = 0x04,
	REG_DEVICE = 0x08,
	REG_FEATURES = 0x10,
	REG_FEATURES_SEL = 0x14,
	REG_DRIVER_FEATURES = 0x20,
	REG_DRIVER_FEATURES_SEL = 0x24,
	REG_QUEUE_SEL = 0x30,
	REG_QUEUE_MAX = 0x34,
	REG_QUEUE_SIZE = 0x38,
	REG_QUEUE_READY = 0x44,
	REG_NOTIFY = 0x50,
	REG_INTERRUPT = 0x60,
	REG_INTERRUPT_ACK = 0x64,
	REG_STATUS = 0x70,
	REG_DESC = 0x80,
	REG_AVAIL = 0x90,
	REG_USED = 0xa0,
	REG_CONFIG = 0x100,
};
#define MAGIC 0x74726976u		/* "virt" */

static u8
mmio_status(struct virtio *dev)
{
	return (u8)virtio_reg(dev, REG_STATUS);
}

static void
mmio_set_status(struct virtio *dev, u8 status)
{
	virtio_reg_set(dev, REG_STATUS, status);
}

static u32
mmio_features(struct virtio *dev, u32 word)
{
	virtio_reg_set(dev, REG_FEATURES_SEL, word);
	return virtio_reg(dev, REG_FEATURES);
}

static void
mmio_set_features(struct virtio *dev, u32 word, u32 bits)
{
	virtio_reg_set(dev, REG_DRIVER_FEATURES_SEL, word);
	virtio_reg_set(dev, REG_DRIVER_FEATURES, bits);
}

static u16
mmio_queue_max(struct virtio *dev, u16 queue)
{
	virtio_reg_set(dev, REG_QUEUE_SEL, queue);
	return (u16)virtio_reg(dev, REG_QUEUE_MAX);
}

static void
mmio_queue_start(struct virtio *dev, u16 queue, u16 size, u64 page)
{
	virtio_reg_set(dev, REG_QUEUE_SEL, queue);
	virtio_reg_set(dev, REG_QUEUE_SIZE, size);
	virtio_reg_set64(dev, REG_DESC, page + offsetof(struct virtq_page, desc));
	virtio_reg_set64(dev, REG_AVAIL, page + offsetof(struct virtq_page, avail));
	virtio_reg_set64(dev, REG_USED, page + offsetof(struct virtq_page, used));
	virtio_reg_set(dev, REG_QUEUE_READY, 1);
}

static void
mmio_notify(struct virtio *dev, u16 queue)
{
	virtio_reg_set(dev, REG_NOTIFY, queue);
}

static u32
mmio_interrupt(struct virtio *dev)
{
	u32 cause = virtio_reg(dev, REG_INTERRUPT);

	if (cause)
		virtio_reg_set(dev, REG_INTERRUPT_ACK, cause);
	return cause;
}

static const struct virtio_transport transport = {
	.status = mmio_status,
	.set_status = mmio_set_status,
	.features = mmio_features,
	.set_features = mmio_set_features,
	.queue_max = mmio_queue_max,
	.queue_start = mmio_queue_start,
	.notify = mmio_notify,
	.interrupt = mmio_interrupt,
};

bool
virtio_mmio_open(struct virtio *dev, u64 base, u64 bytes, u32 irq)
{
	if (bytes < REG_CONFIG || base % 4 != 0 || irq >= IRQ_LINES)
		return false;
	memset(dev, 0, sizeof(*dev));
	dev->regs = arch_device_map(base, bytes);
	if (virtio_reg(dev, REG_MAGIC) != MAGIC)
		return false;
	if (virtio_reg(dev, REG_VERSION) != 2) {
		klog("virtio: %lx is a legacy device; give QEMU -global "
		     "virtio-mmio.force-legacy=false\n",
			base);
		return false;
	}
	dev->ops = &transport;
	dev->config = dev->regs + REG_CONFIG;
	dev->address = base;
	dev->irq = irq;
	dev->id = virtio_reg(dev, REG_DEVICE);
	return dev->id != 0;
}
