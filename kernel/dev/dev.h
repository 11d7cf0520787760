/* SPDX-License-Identifier: ISC */
/*
 * Devices: drivers move bytes between a device queue and frames that their
 * owners named; they decide nothing.
 *
 * Row 0 of the table is the console, whatever bus it is on; each function on
 * PCI bus 0 has a row, for those who drive a device themselves (mapping its
 * memory under an 'M' key, binding its line under an 'I' key).  The table is
 * filled at boot; afterwards only counters change, under dev_lock.
 *
 * A buffer handed over pins its frame (frames[].pins) until the completion
 * word is stored.  Pins are taken under mem_lock and given back by atomic
 * decrement, because completions come from interrupts.  Descriptors and rings
 * lie in the kernel's own frames: a device is never told an address that was
 * not checked.  (A device that a library drives by mapping it is another
 * matter: without an IOMMU the holder of its 'M' key is trusted with memory.)
 */
#ifndef KERNEL_DEV_H
#define KERNEL_DEV_H

#include "../core/core.h"

#define DEVICES_MAX 32u
#define DEV_CONSOLE 0u			/* row of the console */

/*
 * What a driver offers.  All are called with dev_lock held.  `cookie` comes
 * back in dev_done, from submit, kick or interrupt.
 */
struct driver {
	/* Take one buffer.  0, or -EXO_EBUSY when the queue is full, -EXO_EDEVICE: no such queue. */
	int (*submit)(void *driver, u32 queue, u64 phys, u32 bytes, u64 cookie);
	void (*kick)(void *driver, u32 queue); /* tell the device; complete what it does at once */
	bool (*sends)(u32 queue);	/* the device reads the buffers of this queue */
	void (*interrupt)(void *driver);	/* the line may be another device's */
};

/* The private half of a row. */
struct device {				/* all [I] */
	const struct driver *ops;	/* NULL: no driver here */
	void *driver;
};

extern struct exo_device *devices;	/* [dev_lock] the exposed table, DEVICES_MAX rows */

/* Boot: find and start what is there.  cmdline: the loader's (microvm names its devices there). */
void dev_boot(const char *cmdline);

/* Boot: a row of the table, with or without a driver (ops NULL). */
struct exo_device *dev_register(u32 row, const struct driver *ops, void *driver);

/* The driver of a row and queue, or NULL. */
const struct device *dev_queue(u64 device, u64 queue);

/* Completion: store the word in the frame, unpin, count.  cookie: physical address of the word. */
void dev_done(u32 device, u32 queue, u64 cookie, u32 bytes, bool failed) REQUIRES(dev_lock);

/* An interrupt line fired: kernel drivers first, then the environment bound to it (event_irq). */
void irq_fired(u32 line);

/* Is the line a kernel driver's?  irq_bind refuses those: TAKEN. */
bool irq_driven(u32 line);

/* May this frame of device memory be mapped by users?  Only BARs without a kernel driver. */
bool dev_mmio_open(exo_pfn pfn);

void dev_check(void);

#endif
