/* SPDX-License-Identifier: ISC */
/* The split virtqueue's ring logic; see virtq.h. */
#include "virtq.h"

void
virtq_init(struct virtq *q, struct virtq_page *page, u16 size)
{
	must(size > 0 && size <= VIRTQ_SIZE && (size & (size - 1)) == 0);
	memset(q, 0, sizeof(*q));
	memset(page, 0, sizeof(*page));
	q->page = page;
	q->size = size;
	q->free = size;
	for (u16 id = 0; id < size; id++)
		q->stack[id] = (u16)(size - 1 - id);
}

bool
virtq_put(struct virtq *q, u64 phys, u32 bytes, bool device_writes, u64 cookie)
{
	struct virtq_page *page = q->page;
	u16 id;

	if (q->free == 0 || bytes == 0)
		return false;

	id = q->stack[--q->free];
	q->out[id].cookie = cookie;
	q->out[id].bytes = bytes;
	q->out[id].sent = !device_writes;
	q->out[id].forgotten = false;
	page->desc[id].addr = phys;
	page->desc[id].bytes = bytes;
	page->desc[id].flags = device_writes ? VIRTQ_DESC_WRITE : 0;
	page->avail.ring[q->avail & (q->size - 1u)] = id;
	q->avail++;
	/* The descriptor is visible before the index that announces it. */
	__atomic_store_n(&page->avail.index, q->avail, __ATOMIC_RELEASE);
	return true;
}

bool
virtq_get(struct virtq *q, u64 *cookie, u32 *bytes)
{
	/* bound: a device that runs its index ahead gets VIRTQ_SIZE lies in */
	for (unsigned tries = 0; tries < VIRTQ_SIZE; tries++) {
		u16 slot = q->used & (u16)(q->size - 1u);
		u32 id, done;

		if (__atomic_load_n(&q->page->used.index, __ATOMIC_ACQUIRE) == q->used)
			return false;
		id = __atomic_load_n(&q->page->used.ring[slot].id, __ATOMIC_RELAXED);
		done = __atomic_load_n(&q->page->used.ring[slot].bytes, __ATOMIC_RELAXED);
		q->used++;
		if (id >= q->size || q->out[id].bytes == 0)
			continue;
		if (done > q->out[id].bytes || q->out[id].sent)
			done = q->out[id].bytes;
		*cookie = q->out[id].cookie;
		*bytes = done;
		q->out[id].bytes = 0;
		q->stack[q->free++] = (u16)id;
		if (!q->out[id].forgotten)
			return true;
	}
	return false;
}

bool
virtq_forget(struct virtq *q, u64 *cookie, u32 *bytes)
{
	for (unsigned id = 0; id < q->size; id++) {
		if (q->out[id].bytes == 0 || !q->out[id].sent || q->out[id].forgotten)
			continue;
		q->out[id].forgotten = true;
		*cookie = q->out[id].cookie;
		*bytes = q->out[id].bytes;
		return true;
	}
	return false;
}

void
virtq_quiet(struct virtq *q, bool quiet)
{
	__atomic_store_n(&q->page->avail.flags, quiet ? VIRTQ_QUIET : 0, __ATOMIC_RELAXED);
	/* The device reads the flag after it wrote its index; we write the flag before we read it. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

bool
virtq_inv_counts(const struct virtq *q)
{
	unsigned outstanding = 0;

	for (unsigned id = 0; id < q->size; id++)
		outstanding += q->out[id].bytes != 0;
	for (unsigned at = 0; at < q->free; at++)
		if (q->out[q->stack[at]].bytes != 0)
			return false;
	return outstanding + q->free == q->size;
}
