/* SPDX-License-Identifier: ISC */
/*
 * A split virtqueue (virtio 1.2, 2.7): the ring logic alone, pure, also run
 * on the host by its unit test.
 *
 * One descriptor is one buffer.  The page is shared with the device, which is
 * believed nothing: an index out of range or not outstanding is skipped, a
 * length is cut to the buffer's, and what is needed later (cookie, length) is
 * kept on this side.
 */
#ifndef KERNEL_VIRTQ_H
#define KERNEL_VIRTQ_H

#include "../core/core.h"

/* Also the bound on the work of one interrupt for one queue. */
#define VIRTQ_SIZE 32u

struct virtq_desc {
	u64 addr;
	u32 bytes;
	u16 flags;
	u16 next;
};
#define VIRTQ_DESC_WRITE 2u		/* the device writes */

/* The page shared with the device; offsets are given to it by virtq_*_offset. */
struct virtq_page {
	struct virtq_desc desc[VIRTQ_SIZE];
	struct {
		u16 flags;		/* VIRTQ_QUIET */
		u16 index;
		u16 ring[VIRTQ_SIZE];
	} avail;
	struct {
		u16 flags;
		u16 index;
		struct {
			u32 id, bytes;
		} ring[VIRTQ_SIZE];
	} used __attribute__((aligned(64)));
};
#define VIRTQ_QUIET 1u			/* avail.flags: no interrupts, please */

_Static_assert(sizeof(struct virtq_desc) == 16, "virtio descriptor");
_Static_assert(offsetof(struct virtq_page, used) % 4 == 0, "virtio used ring");
_Static_assert(sizeof(struct virtq_page) <= 4096, "one page a queue");

struct virtq {				/* all under the lock of whoever drives it */
	struct virtq_page *page;	/* NULL: not set up */
	u16 size;			/* entries used, a power of two <= VIRTQ_SIZE */
	u16 free;			/* descriptors free */
	u16 avail;			/* next index to publish */
	u16 used;			/* next index to look at */
	u16 stack[VIRTQ_SIZE];		/* free descriptors, [0 .. free) */
	struct {
		u64 cookie;
		u32 bytes;		/* 0: not outstanding */
		u16 sent;		/* the device only reads it: done means all of it */
		u16 forgotten;		/* given up by virtq_forget; free once it comes back */
	} out[VIRTQ_SIZE];
};

void virtq_init(struct virtq *q, struct virtq_page *page, u16 size);

/* Publish one buffer (bytes > 0); false: full. */
bool virtq_put(struct virtq *q, u64 phys, u32 bytes, bool device_writes, u64 cookie);

/* The next buffer the device is done with, and the bytes it wrote (or read: all); false: none. */
bool virtq_get(struct virtq *q, u64 *cookie, u32 *bytes);

/*
 * Give up a buffer that the device still has but will not bring back, one at
 * a time; false: none is left.  Only for buffers that it reads: who gets the
 * frame next must not find it written to.  The descriptor stays taken until
 * the device does return it, if ever.
 */
bool virtq_forget(struct virtq *q, u64 *cookie, u32 *bytes);

/* Ask the device for interrupts, or for none.  After asking for them, look once more. */
void virtq_quiet(struct virtq *q, bool quiet);

/* Invariant: each descriptor is either free or outstanding. */
bool virtq_inv_counts(const struct virtq *q);

#endif
