/* SPDX-License-Identifier: ISC */
/*
 * Modern virtio (1.0 and later) over two transports: memory-mapped registers
 * (microvm) and PCI capabilities (q35).  A legacy device is refused.
 */
#ifndef KERNEL_VIRTIO_H
#define KERNEL_VIRTIO_H

#include "pci.h"
#include "virtq.h"

#define VIRTIO_ID_CONSOLE 3u
#define VIRTIO_QUEUES_MAX 24u

enum virtio_status {
	VIRTIO_ACKNOWLEDGE = 1,
	VIRTIO_DRIVER = 2,
	VIRTIO_DRIVER_OK = 4,
	VIRTIO_FEATURES_OK = 8,
	VIRTIO_FAILED = 128
};

#define VIRTIO_F_VERSION_1 (1ull << 32)

struct virtio;

/* What a transport offers.  Registers only; no memory, no policy. */
struct virtio_transport {
	u8 (*status)(struct virtio *dev);
	void (*set_status)(struct virtio *dev, u8 status);
	u32 (*features)(struct virtio *dev, u32 word);
	void (*set_features)(struct virtio *dev, u32 word, u32 bits);
	u16 (*queue_max)(struct virtio *dev, u16 queue);	/* 0: no such queue */
	void (*queue_start)(struct virtio *dev, u16 queue, u16 size, u64 page);
	void (*notify)(struct virtio *dev, u16 queue);
	u32 (*interrupt)(struct virtio *dev);	/* reads and clears; 0: not this device */
};

struct virtio {				/* all [I] */
	const struct virtio_transport *ops;
	u32 irq;
	u32 id;
	u64 address;			/* as in struct exo_device */
	volatile u8 *regs;		/* MMIO registers; PCI: common configuration */
	volatile u8 *config;		/* device configuration */
	volatile u8 *isr;		/* PCI */
	volatile u8 *doorbells;		/* PCI */
	u32 doorbell_step;		/* PCI: bytes a unit of queue_notify_off */
	u32 doorbell[VIRTIO_QUEUES_MAX];	/* PCI: offset of each queue's */
};

/* Registers, little-endian as the machine. */
static inline u32
virtio_reg(const struct virtio *dev, unsigned at)
{
	return *(volatile u32 *)(dev->regs + at);
}

static inline void
virtio_reg_set(const struct virtio *dev, unsigned at, u32 value)
{
	*(volatile u32 *)(dev->regs + at) = value;
}

static inline void
virtio_reg_set64(const struct virtio *dev, unsigned at, u64 value)
{
	virtio_reg_set(dev, at, (u32)value);
	virtio_reg_set(dev, at + 4, (u32)(value >> 32));
}

/* Recognise a device; false: none, or a legacy one (which is logged). */
bool virtio_mmio_open(struct virtio *dev, u64 base, u64 bytes, u32 irq);
bool virtio_pci_open(struct virtio *dev, const struct pci_function *function);

/* Reset and agree on features, all of which are needed; false: the device has not all of them. */
bool virtio_begin(struct virtio *dev, u64 features);
/* Give the device a queue in a page of boot memory; false: it has no such queue. */
bool virtio_queue(struct virtio *dev, u16 queue, struct virtq *q);
void virtio_ready(struct virtio *dev);

/* The console driver; takes the device over.  False: it could not be started. */
bool console_boot(const struct virtio *dev);

#endif
