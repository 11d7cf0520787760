/* SPDX-License-Identifier: ISC */
/*
 * A pipe's ring: two positions that only grow, in a page that both ends can
 * write.  Each is read once and whatever it is, what follows from it lies
 * inside the ring.  Pure.
 */
#ifndef EXOS_FD_RING_H
#define EXOS_FD_RING_H

#include <stdint.h>

#define RING_BYTES 65536u

/* Bytes to be read; a ring that makes no sense is full. */
static inline uint64_t
ring_used(uint64_t head, uint64_t tail)
{
	uint64_t used = head - tail;

	return used < RING_BYTES ? used : RING_BYTES;
}

static inline uint64_t
ring_room(uint64_t head, uint64_t tail)
{
	return RING_BYTES - ring_used(head, tail);
}

/* How much of a piece goes in now: of a small one (`whole` bytes at most) all or nothing. */
static inline uint64_t
ring_fits(uint64_t room, uint64_t bytes, uint64_t whole)
{
	if (bytes <= whole && bytes > room)
		return 0;
	return bytes < room ? bytes : room;
}

static inline uint64_t
ring_offset(uint64_t position)
{
	return position % RING_BYTES;
}

/* How many of `bytes` lie before the ring's end. */
static inline uint64_t
ring_first(uint64_t position, uint64_t bytes)
{
	uint64_t room = RING_BYTES - ring_offset(position);

	return bytes < room ? bytes : room;
}

#endif
