/* SPDX-License-Identifier: ISC */
/*
 * A pipe's ring (exos/fd/ring.h): bytes come out in their order, small pieces
 * whole; and whatever the other end writes into the positions, nothing outside
 * the ring is touched (the sanitizer sees it).
 */
// sources:
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../exos/fd/ring.h"

#define WHOLE 4096u			/* PIPE_BUF */

static unsigned passed, failed;
static unsigned char *ring;
static uint64_t seed = 88172645463325252ull;

static void
check(const char *name, int good)
{
	printf(good ? "ok %s\n" : "FAIL %s: see the source\n", name);
	good ? passed++ : failed++;
}

static uint64_t
draw(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}

static unsigned char
byte_of(uint64_t position)
{
	return (unsigned char)(position * 7 + position / 251);
}

static void
put(uint64_t head, const unsigned char *from, uint64_t n)
{
	uint64_t first = ring_first(head, n);

	memcpy(ring + ring_offset(head), from, first);
	memcpy(ring, from + first, n - first);
}

static void
get(uint64_t tail, unsigned char *to, uint64_t n)
{
	uint64_t first = ring_first(tail, n);

	memcpy(to, ring + ring_offset(tail), first);
	memcpy(to + first, ring, n - first);
}

/* Random pieces in and out, from near where positions wrap. */
static void
in_order(void)
{
	static unsigned char bytes[3 * RING_BYTES];
	uint64_t head = -(uint64_t)100000, tail = head, most = 0;
	int right = 1, whole = 1;

	for (unsigned round = 0; round < 20000; round++) {
		uint64_t n = 1 + draw() % (draw() % 2 ? 6000 : 100000);
		uint64_t room = ring_room(head, tail), fits = ring_fits(room, n, WHOLE);

		whole &= n > WHOLE ? fits == (n < room ? n : room) : fits == (n <= room ? n : 0);
		for (uint64_t i = 0; i < fits; i++)
			bytes[i] = byte_of(head + i);
		put(head, bytes, fits);
		head += fits;
		most = ring_used(head, tail) > most ? ring_used(head, tail) : most;
		n = draw() % (ring_used(head, tail) + 1);
		get(tail, bytes, n);
		for (uint64_t i = 0; i < n; i++)
			right &= bytes[i] == byte_of(tail + i);
		tail += n;
	}
	check("bytes come out as they went in", right);
	check("small pieces go in whole, others as far as there is room", whole);
	check("it fills up, and no more", most == RING_BYTES);
}

static void
positions_that_lie(void)
{
	static unsigned char bytes[RING_BYTES];
	int inside = 1;

	for (unsigned round = 0; round < 20000; round++) {
		uint64_t head = draw() >> draw() % 64, tail = draw() >> draw() % 64;
		uint64_t used = ring_used(head, tail), room = ring_room(head, tail);

		inside &= used <= RING_BYTES && used + room == RING_BYTES &&
			used - ring_first(tail, used) <= ring_offset(tail);
		get(tail, bytes, used);
		put(head, bytes, ring_fits(room, 1 + draw() % RING_BYTES, WHOLE));
	}
	check("positions that lie lead nowhere else", inside);
}

int
main(void)
{
	ring = malloc(RING_BYTES);		/* with the sanitizer's fences around it */
	in_order();
	positions_that_lie();
	free(ring);
	printf("%u passed, %u failed\n", passed, failed);
	return failed != 0;
}
