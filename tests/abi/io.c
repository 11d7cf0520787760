/* SPDX-License-Identifier: ISC */
/*
 * Handing buffers to a device queue.  The harness joins the console's port 0
 * to its port 4: what is sent on the one is received on the other.
 */
#include "t.h"

/* queues: send of port 0, of the port that nobody reads, of the log; receive of port 4 */
enum { OUT = 1, GONE = 3, LOG_OUT = 7, IN = 8, QUEUES = 10 };
enum { DONE_AT = 4088, BATCH = 8 };

#define PAGE(n) ((uint8_t *)(T_VA + (n) * EXO_PAGE_BYTES))
#define WORD(n) ((volatile uint64_t *)(PAGE(n) + DONE_AT))

static exo_pfn frames;

static void
begin(uint64_t count)
{
	frames = t_claim(count);
	for (uint64_t n = 0; n < count; n++)
		IS(t_map(T_VA + n * EXO_PAGE_BYTES, frames + n, EXO_MAP_WRITE), 1);
}

static void
end(uint64_t count)
{
	for (uint64_t n = 0; n < count; n++) {
		IS(exo_frame(frames + n)->pins, 0);
		IS(t_unmap(T_VA + n * EXO_PAGE_BYTES), 1);
	}
	t_release(frames, count);
}

static struct exo_io
io(uint64_t frame, uint32_t offset, uint32_t bytes)
{
	return (struct exo_io){ .pfn = frames + frame, .offset = offset, .bytes = bytes,
		.done_offset = DONE_AT, .key = K_ROOT };
}

static int64_t
submit(uint32_t queue, struct exo_io one)
{
	return exo_io_submit(0, queue, &one, 1, K_ROOT);
}

TEST(io_device)
{
	struct exo_io one;

	begin(1);
	one = io(0, 0, 16);
	ERR(exo_io_submit(31, 0, &one, 1, K_ROOT), DEVICE);
	ERR(exo_io_submit(32, 0, &one, 1, K_ROOT), DEVICE);
	ERR(exo_io_submit(~0u, 0, &one, 1, K_ROOT), DEVICE);
	ERR(exo_io_submit(0, QUEUES, &one, 1, K_ROOT), DEVICE);
	ERR(exo_io_submit(0, ~0u, &one, 1, K_ROOT), DEVICE);
	ERR(exo_io_submit(0, LOG_OUT, &one, 1, K_ROOT), DEVICE);
	ERR(exo_io_submit(0, OUT, &one, 0, K_ROOT), ARG);
	ERR(exo_io_submit(0, OUT, (void *)T_NOTABLE, 1, K_ROOT), FAULT);
	ERR(exo_io_submit(0, OUT, (void *)EXO_INFO, 1, K_ROOT), FAULT);
	end(1);
}

TEST(io_elements)
{
	struct exo_io one;

	begin(1);
	ERR(submit(OUT, io(0, 0, 0)), ARG);
	one = io(0, 0, 16), one.spare = 1;
	ERR(submit(OUT, one), ARG);
	one = io(0, 0, 16), one.done_offset = 4084;
	ERR(submit(OUT, one), ALIGN);
	one = io(0, 0, 16), one.done_offset = 4096;
	ERR(submit(OUT, one), RANGE);
	one = io(0, 0, 16), one.done_offset = 8;
	ERR(submit(OUT, one), RANGE);
	one = io(0, 15, 16), one.done_offset = 8;
	ERR(submit(OUT, one), RANGE);
	one = io(0, 0, 16), one.done_offset = 0xfffffff8;
	ERR(submit(OUT, one), RANGE);
	ERR(submit(OUT, io(0, 4096, 1)), RANGE);
	ERR(submit(OUT, io(0, 1, 4096)), RANGE);
	ERR(submit(OUT, io(0, 8, 0xfffffffc)), RANGE);
	ERR(submit(OUT, io(0, 0xfffffff0, 32)), RANGE);
	one = io(0, 0, 16), one.pfn = exo_info()->frames;
	ERR(submit(OUT, one), RANGE);
	one.pfn = 1ull << 52;
	ERR(submit(OUT, one), RANGE);
	one = io(0, 0, 16), one.pfn = ROOT_ACCOUNT;
	ERR(submit(OUT, one), KIND);
	one.pfn = exo_frame_find(0, 1);
	ERR(submit(OUT, one), KIND);
	end(1);
}

TEST(io_rights)
{
	struct exo_io one;

	begin(1);
	one = io(0, 0, 16);
	ERR(exo_io_submit(0, OUT, &one, 1, K_NONE), KEY);
	ERR(exo_io_submit(0, OUT, &one, 1, K_BEYOND), KEY);
	ERR(exo_io_submit(0, OUT, &one, 1, K_NOTHING), RIGHTS);
	ERR(exo_io_submit(0, OUT, &one, 1, K_READ), RIGHTS);
	OK(t_narrow(K_ROOT, K_FREE, (struct exo_key){ 3, EXO_W, { EXO_NAME_DEVICE, 0, IN } }));
	ERR(exo_io_submit(0, OUT, &one, 1, K_FREE), RIGHTS);
	OK(t_narrow(K_ROOT, K_FREE + 1, (struct exo_key){ 3, EXO_W, { EXO_NAME_DEVICE, 0, OUT } }));
	one.key = K_NONE;
	ERR(exo_io_submit(0, OUT, &one, 1, K_FREE + 1), KEY);
	one.key = K_NOTHING;
	ERR(exo_io_submit(0, OUT, &one, 1, K_FREE + 1), RIGHTS);
	one.key = K_READ;		/* the completion word is written */
	ERR(exo_io_submit(0, OUT, &one, 1, K_FREE + 1), RIGHTS);
	ERR(exo_io_submit(0, IN, &one, 1, K_FREE), RIGHTS);
	one.key = K_WRITE;
	ERR(exo_io_submit(0, OUT, &one, 1, K_FREE + 1), RIGHTS);
	IS(exo_frame(frames)->pins, 0);
	end(1);
}

/* One message there and back; the receiver's frame cannot be freed meanwhile. */
TEST(io_loop)
{
	begin(2);
	for (unsigned at = 0; at < 100; at++)
		PAGE(1)[at] = (uint8_t)(at + 1);
	IS(submit(IN, io(0, 64, 1000)), 1);
	IS(exo_frame(frames)->pins, 1);
	IS(*WORD(0), 0);
	ERR(exo_frame_release(frames, 1, K_ROOT), BUSY);
	IS(submit(OUT, io(1, 0, 100)), 1);
	t_until(WORD(1), EXO_EQ, EXO_IO_DONE | 100);
	t_until(WORD(0), EXO_EQ, EXO_IO_DONE | 100);
	for (unsigned at = 0; at < 100; at++)
		if (!CHECK(PAGE(0)[64 + at] == at + 1))
			break;
	CHECK(PAGE(0)[63] == 0 && PAGE(0)[164] == 0);
	end(2);
}

/* More than the queue takes: the rest is refused, nothing is lost. */
TEST(io_full)
{
	enum { MANY = 48 };
	uint64_t done = exo_device(0)->completed[IN];
	struct exo_io vec[MANY];
	int64_t took = 0, done_now;

	begin(MANY + 1);
	for (unsigned n = 0; n < MANY; n++)
		vec[n] = io(n, 0, 1);
	while ((done_now = exo_io_submit(0, IN, &vec[took], (uint64_t)(MANY - took), K_ROOT)) > 0)
		took += done_now;
	ERR(done_now, BUSY);
	CHECK(took >= BATCH && took < MANY);
	IS(exo_frame(frames + (uint64_t)took)->pins, 0);
	IS(submit(OUT, io(MANY, 0, (uint32_t)took)), 1);
	for (unsigned n = 0; n < took; n++)
		t_until(WORD(n), EXO_EQ, EXO_IO_DONE | 1);
	IS(exo_device(0)->completed[IN] - done, took);
	end(MANY + 1);
}

/* A vector whose later element is bad: what comes before is done, and the count says so. */
TEST(io_partial)
{
	struct exo_io vec[2];

	begin(2);
	vec[0] = io(0, 0, 8);
	vec[1] = io(1, 0, 0);
	IS(submit(IN, io(1, 0, 8)), 1);
	IS(exo_io_submit(0, OUT, vec, 2, K_ROOT), 1);
	t_until(WORD(0), EXO_EQ, EXO_IO_DONE | 8);
	t_until(WORD(1), EXO_EQ, EXO_IO_DONE | 8);
	end(2);
}

/* A frame just claimed holds somebody else's bytes: they must not leave by a device. */
TEST(io_scrubs)
{
	exo_pfn dirty;
	struct exo_io one;
	bool clean = true;

	begin(2);
	for (unsigned at = 0; at < 4096; at++)
		PAGE(1)[at] = 0xaa;
	IS(t_unmap(T_VA + EXO_PAGE_BYTES), 1);
	dirty = frames + 1;
	t_release(dirty, 1);
	IS(exo_frame_claim(dirty, 1, ROOT_ACCOUNT, 0, K_ROOT, 0), 1);
	IS(submit(IN, io(0, 0, 256)), 1);
	one = io(1, 0, 256);
	IS(exo_io_submit(0, OUT, &one, 1, K_ROOT), 1);
	t_until(WORD(0), EXO_EQ, EXO_IO_DONE | 256);
	for (unsigned at = 0; at < 256; at++)
		clean &= PAGE(0)[at] == 0;
	CHECK(clean);
	IS(t_map(T_VA + EXO_PAGE_BYTES, dirty, EXO_MAP_WRITE), 1);
	IS(*WORD(1), EXO_IO_DONE | 256);
	end(2);
}

/* Nobody listens on port 1: what is sent there is thrown away, and done. */
TEST(io_closed)
{
	begin(BATCH);
	for (unsigned round = 0; round < 50; round++) {
		for (unsigned n = 0; n < BATCH; n++) {
			*WORD(n) = 0;
			IS(submit(GONE, io(n, 0, 4000)), 1);
		}
		for (unsigned n = 0; n < BATCH; n++)
			t_until(WORD(n), EXO_EQ, EXO_IO_DONE | 4000);
	}
	end(BATCH);
}

/* Memory of devices that the kernel drives, and of its own controllers, is nobody's to map. */
TEST(io_memory)
{
	exo_pfn closed[] = { 0xfec00, 0xfee00, exo_device(0)->bar[4].base >> EXO_PAGE_SHIFT,
		exo_device(0)->address >> EXO_PAGE_SHIFT };

	for (unsigned n = 0; n < sizeof(closed) / sizeof(closed[0]); n++)
		CHECK(t_map(T_VA, closed[n], EXO_MAP_WRITE | EXO_MAP_IO) < 0);
}
