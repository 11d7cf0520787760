/* SPDX-License-Identifier: ISC */
/*
 * Rings with boundaries (exos/fd/messages.h): what is put comes out again, and
 * whatever the other side writes into heads and positions, nothing outside the
 * ring is touched.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../exos/fd/messages.h"

static unsigned passed, failed;
static unsigned char ring[RING_BYTES];
static uint64_t head, tail;

static void
check(const char *name, int good)
{
	printf(good ? "ok %s\n" : "FAIL %s: see the source\n", name);
	good ? passed++ : failed++;
}

static void
copy(uint64_t at, unsigned char *bytes, uint64_t n, int in)
{
	uint64_t first = ring_first(at, n);
	unsigned char *to = ring + ring_offset(at);

	memcpy(in ? to : bytes, in ? bytes : to, first);
	memcpy(in ? ring : bytes + first, in ? bytes + first : ring, n - first);
}

static int
put(unsigned char *bytes, uint64_t n)
{
	uint64_t room = ring_room(head, tail);
	struct record r = { .bytes = (uint32_t)n };

	if (room < RECORD_HEAD || record_fits(room) < n)
		return 0;
	memcpy(ring + ring_offset(head), &r, sizeof(r));
	copy(head + RECORD_HEAD, bytes, n, 1);
	head += record_span(n);
	return 1;
}

static long
get(unsigned char *bytes)
{
	uint64_t used = ring_used(head, tail) & ~15ull, n;
	struct record r;

	if (used < RECORD_HEAD)
		return -1;
	memcpy(&r, ring + ring_offset(tail), sizeof(r));
	n = record_bytes(used, r.bytes);
	copy(tail + RECORD_HEAD, bytes, n, 0);
	tail += record_span(n);
	return (long)n;
}

/* A queue of messages beside it: the same come out in the same order. */
static int
model(void)
{
	static unsigned char out[RING_BYTES], back[RING_BYTES];
	static uint64_t length[8192], first[8192];
	unsigned begin = 0, end = 0;

	for (int n = 0; n < 200000; n++) {
		uint64_t bytes = (uint64_t)rand() % (rand() % 8 ? 300 : 40000),
			 seed = (uint64_t)rand();

		if (rand() % 2) {
			for (uint64_t i = 0; i < bytes; i++)
				out[i] = (unsigned char)(seed + i * 13);
			if (put(out, bytes)) {
				length[end % 8192] = bytes;
				first[end++ % 8192] = seed;
			}
			continue;
		}
		long got = get(back);

		if (begin == end ? got != -1 : got != (long)length[begin % 8192])
			return 0;
		for (long i = 0; i < got; i++)
			if (back[i] != (unsigned char)(first[begin % 8192] + (uint64_t)i * 13))
				return 0;
		begin += got >= 0;
	}
	return 1;
}

/* The sanitizers say whether anything outside was touched. */
static int
scribbled(void)
{
	static unsigned char back[RING_BYTES];

	for (int n = 0; n < 200000; n++) {
		struct record r = { .bytes = (uint32_t)rand() * (rand() % 3 ? 1u : 70000u) };

		head = (uint64_t)rand() << (rand() % 40);
		tail = record_at((uint64_t)rand() << (rand() % 40));
		memcpy(ring + ring_offset(tail), &r, sizeof(r));
		if (get(back) > (long)RING_BYTES)
			return 0;
		if (ring_offset(tail) % 16)
			return 0;
	}
	return 1;
}

int
main(void)
{
	unsigned char bytes[16] = { 0 };

	check("an empty ring has nothing", get(bytes) == -1);
	check("a message of nothing is a message",
		put(bytes, 0) && get(bytes) == 0 && get(bytes) == -1);
	check("the largest fits into an empty ring",
		record_fits(RING_BYTES) == RING_BYTES - RECORD_HEAD);
	check("no room, no record", record_fits(RECORD_HEAD - 1) == 0);
	check("a head never lies across the end", record_span(1) % 16 == 0 && record_span(0) == 16);
	check("in order and whole", model());
	check("whatever heads and positions say", scribbled());
	printf("exos_messages: %u passed, %u failed\n", passed, failed);
	return failed != 0;
}
