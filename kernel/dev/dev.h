/* SPDX-License-Identifier: ISC */
/*
 * Devices: drivers move bytes between a device queue and frames that their
 * owners named; they decide nothing.
 */
#ifndef KERNEL_DEV_H
#define KERNEL_DEV_H

#include "../core/core.h"

#define DEVICES_MAX 32u
#define QUEUES_MAX 8u

/* What a driver offers.  Called with dev_lock held. */
struct driver {
	/* Take one buffer.  0, or -EXO_EBUSY when the queue is full.  `cookie` comes back in dev_done. */
	int (*submit)(void *driver, u32 queue, u64 phys, u32 bytes, u64 cookie);
	void (*interrupt)(void *driver);
};

extern struct exo_device *devices;	/* the exposed table */

/* Boot: find and start what is there.  cmdline: from the loader (virtio_mmio.device=... on microvm). */
void dev_boot(const char *cmdline);

/* A driver registers itself; returns its row. */
u32 dev_register(const struct driver *ops, void *driver, u32 irq, u32 queues, enum exo_device_class class);

/* Completion: store the word in the frame, unpin, count.  cookie as given to submit. */
void dev_done(u32 device, u32 queue, u64 cookie, u32 bytes, bool failed);

/* An interrupt line fired: kernel drivers first, then the environment bound to it. */
void irq_fired(u32 line);

#endif
