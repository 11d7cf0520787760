/* SPDX-License-Identifier: ISC */
/*
 * The call that hands buffers to a device queue.
 *
 * Sending needs the right to write as well, because the completion word is
 * stored in the same frame: else a read-only page of a file could be changed
 * by sending it.
 */
#include <kernel/syscalls.h>
#include "../cap/cap.h"
#include "../env/env.h"
#include "../mem/mem.h"
#include "dev.h"

#define IO_BATCH 8u /* buffers taken by one entry: with scrubbing, under the bound */

static int
queue_allows(const struct env *self, exo_slot key, u64 device, u64 queue)
{
	struct exo_key name = { .len = 3, .rights = EXO_W };

	name.name[0] = EXO_NAME_DEVICE;
	name.name[1] = (u8)device;
	name.name[2] = (u8)queue;
	return name_allows(self, key, &name);
}

static bool
io_apart(const struct exo_io *io) /* is the completion word outside the data? */
{
	return io->done_offset + 8 <= io->offset || io->done_offset >= io->offset + io->bytes;
}

static int
io_check(const struct env *self, const struct exo_io *io, bool sends) REQUIRES(mem_lock)
{
	const struct exo_frame *frame = frame_at(io->pfn);

	if (frame == NULL)
		return -EXO_ERANGE;
	if (io->spare != 0 || io->bytes == 0)
		return -EXO_EARG;
	if (io->done_offset % 8 != 0)
		return -EXO_EALIGN;
	if (io->offset >= EXO_PAGE_BYTES || io->bytes > EXO_PAGE_BYTES - io->offset)
		return -EXO_ERANGE;
	if (io->done_offset >= EXO_PAGE_BYTES || !io_apart(io))
		return -EXO_ERANGE;
	if (frame->kind != EXO_FRAME_DATA)
		return -EXO_EKIND;
	/* The completion word would be written for all who have a clone of the page. */
	if (frame_cloned(io->pfn))
		return -EXO_EBUSY;
	/* Pinned it could not be taken: it may be sent, so that its owner can save it, but wait for nothing. */
	if (frame->pins == UINT8_MAX)
		return -EXO_EBUSY;
	if (!sends && (frame->flags & EXO_FRAME_ASKED))
		return -EXO_EBUSY;
	return frame_allows(self, io->key, io->pfn, EXO_W | (sends ? EXO_R : 0));
}

/* A frame claimed and never touched still holds what its last owner left: not for sending. */
static int
io_start(const struct device *dev, u64 queue, const struct exo_io *io) REQUIRES(mem_lock, dev_lock)
{
	u64 base = io->pfn << EXO_PAGE_SHIFT;
	int error;

	frame_scrub(io->pfn);
	error = dev->ops->submit(dev->driver, (u32)queue, base + io->offset, io->bytes,
		base + io->done_offset);
	if (error == 0)
		__atomic_fetch_add(&frames[io->pfn].pins, 1, __ATOMIC_RELAXED);
	return error;
}

i64
sys_io_submit(struct env *self, u64 device, u64 queue, u64 vec, u64 count, u64 key)
{
	const struct device *dev = dev_queue(device, queue);
	struct exo_io io[IO_BATCH];
	u64 batch = count < IO_BATCH ? count : IO_BATCH;
	u64 done = 0;
	int error;

	if (dev == NULL)
		return -EXO_EDEVICE;
	if (count == 0)
		return -EXO_EARG;
	error = copy_from_user(io, vec, batch * sizeof(io[0]));
	if (error)
		return error;

	lock_acquire(&env_lock);
	mem_acquire();
	lock_acquire(&dev_lock);
	error = queue_allows(self, slot_arg(key), device, queue);
	for (; done < batch && error == 0; done += error == 0) {
		error = io_check(self, &io[done], dev->ops->sends((u32)queue));
		if (error == 0)
			error = io_start(dev, queue, &io[done]);
	}
	if (done > 0)
		dev->ops->kick(dev->driver, (u32)queue);
	lock_release(&dev_lock);
	mem_release();
	lock_release(&env_lock);
	return done > 0 ? (i64)done : error;
}
