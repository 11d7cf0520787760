/* SPDX-License-Identifier: ISC */
/* The split virtqueue against a device that is honest, and one that lies. */
// sources: kernel/dev/virtq.c
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../kernel/dev/virtq.h"

static int passed, failed;
static struct virtq_page page;
static struct virtq queue;
static u16 device_seen; /* avail entries the device has taken */

void
panic(const char *format, ...)
{
	printf("FAIL panic: %s\n", format);
	exit(1);
}

static void
check(const char *name, bool good)
{
	printf(good ? "ok %s\n" : "FAIL %s: see the source\n", name);
	*(good ? &passed : &failed) += 1;
}

static void
start(u16 size)
{
	virtq_init(&queue, &page, size);
	device_seen = 0;
}

static void
device_use(u32 id, u32 bytes)
{
	u16 slot = page.used.index % queue.size;

	page.used.ring[slot].id = id;
	page.used.ring[slot].bytes = bytes;
	page.used.index++;
}

static bool
device_take(u32 *id)
{
	if (device_seen == page.avail.index)
		return false;
	*id = page.avail.ring[device_seen++ % queue.size];
	return true;
}

static void
test_fill(void)
{
	u64 cookie;
	u32 bytes, id, count = 0;

	start(8);
	for (u64 n = 0; n < 8; n++)
		check("fill: put", virtq_put(&queue, 0x1000 * n, 16, true, 100 + n));
	check("fill: full", !virtq_put(&queue, 0, 16, true, 0));
	check("fill: nothing done yet", !virtq_get(&queue, &cookie, &bytes));
	while (device_take(&id)) {
		check("fill: address", page.desc[id].addr == 0x1000ull * count);
		check("fill: device writes", page.desc[id].flags == VIRTQ_DESC_WRITE);
		device_use(id, count);
		check("fill: got", virtq_get(&queue, &cookie, &bytes));
		check("fill: cookie", cookie == 100 + count && bytes == count);
		count++;
	}
	check("fill: all", count == 8 && queue.free == 8 && virtq_inv_counts(&queue));
}

static void
test_lies(void)
{
	u64 cookie;
	u32 bytes, id;
	bool silent = true;

	start(8);
	check("lies: empty buffer refused", !virtq_put(&queue, 0, 0, true, 1));
	virtq_put(&queue, 0x1000, 100, true, 7);
	device_take(&id);
	device_use(1000, 4);
	device_use((id + 1) % 8, 4);
	check("lies: unknown and idle ids are skipped", !virtq_get(&queue, &cookie, &bytes));
	device_use(id, 5000);
	check("lies: done", virtq_get(&queue, &cookie, &bytes) && cookie == 7);
	check("lies: length cut", bytes == 100);
	device_use(id, 5);
	check("lies: done twice", !virtq_get(&queue, &cookie, &bytes));
	page.used.index += 30000;
	while (queue.used != page.used.index)
		silent &= !virtq_get(&queue, &cookie, &bytes);
	check("lies: index ahead", silent);
	check("lies: nothing lost", queue.free == 8 && virtq_inv_counts(&queue));
}

static void
test_sent(void)
{
	u64 cookie;
	u32 bytes, id;

	start(4);
	virtq_put(&queue, 0x1000, 100, false, 7);
	device_take(&id);
	check("sent: device reads", page.desc[id].flags == 0);
	device_use(id, 0);
	check("sent: counts whole", virtq_get(&queue, &cookie, &bytes) && bytes == 100);
}

static void
test_forgotten(void)
{
	u64 cookie;
	u32 bytes, id;

	start(4);
	virtq_put(&queue, 0x1000, 100, false, 7);
	virtq_put(&queue, 0x2000, 100, true, 8);
	device_take(&id);
	check("forgotten: given up", virtq_forget(&queue, &cookie, &bytes) && cookie == 7);
	check("forgotten: once, and not what is written", !virtq_forget(&queue, &cookie, &bytes));
	check("forgotten: still taken", queue.free == 2);
	device_use(id, 0);
	check("forgotten: not reported again", !virtq_get(&queue, &cookie, &bytes));
	check("forgotten: free again", queue.free == 3 && virtq_inv_counts(&queue));
}

/* A hundred thousand puts and out-of-order completions, past the wrap of every index. */
static void
test_random(void)
{
	u32 held[VIRTQ_SIZE], holding = 0, random = 1, bytes, id;
	u64 next = 1, sum_in = 0, sum_out = 0, cookie;
	bool good = true;

	start(VIRTQ_SIZE);
	for (unsigned n = 0; n < 300000; n++) {
		random = random * 1664525 + 1013904223;
		if (random >> 31 && virtq_put(&queue, next << 12, 64, true, next))
			sum_in += next++;
		while (device_take(&id))
			held[holding++] = id;
		if (holding > 0 && random >> 30 & 1) {
			u32 pick = (random >> 8) % holding;

			device_use(held[pick], 64);
			held[pick] = held[--holding];
		}
		while (virtq_get(&queue, &cookie, &bytes))
			sum_out += cookie;
		good &= virtq_inv_counts(&queue);
	}
	while (holding > 0)
		device_use(held[--holding], 64);
	while (virtq_get(&queue, &cookie, &bytes))
		sum_out += cookie;
	check("random: invariant", good && queue.free == VIRTQ_SIZE);
	check("random: each came back once", sum_in == sum_out && next > 100000);
}

int
main(void)
{
	test_fill();
	test_lies();
	test_sent();
	test_forgotten();
	test_random();
	printf("%d passed, %d failed\n", passed, failed);
	return failed != 0;
}
