/* SPDX-License-Identifier: ISC */
/*
 * A ring with boundaries: records of a head of 16 bytes and what it says,
 * rounded up to 16, so that a head never lies across the ring's end.  Both sides
 * can write it, so what a head says is believed only as far as the ring goes.
 * Pure.
 */
#ifndef EXOS_FD_MESSAGES_H
#define EXOS_FD_MESSAGES_H

#include "ring.h"

#define RECORD_HEAD 16u

struct record {				/* read once */
	uint32_t bytes;
	uint32_t flags;
	uint64_t ticket;		/* of a letter that goes with it, or 0 */
};
_Static_assert(sizeof(struct record) == RECORD_HEAD, "a record's head");

static inline uint64_t
record_span(uint64_t bytes)
{
	return RECORD_HEAD + ((bytes + 15) & ~15ull);
}

/* Most bytes that a record can have where there is so much room; 0 may mean none at all. */
static inline uint64_t
record_fits(uint64_t room)
{
	return room < RECORD_HEAD ? 0 : (room - RECORD_HEAD) & ~15ull;
}

/* Bytes of the record at a tail behind which `used` are: as it says, or as many as there are. */
static inline uint64_t
record_bytes(uint64_t used, uint32_t says)
{
	uint64_t most = record_fits(used & ~15ull);

	return says < most ? says : most;
}

/* A position as the other side left it: at a head. */
static inline uint64_t
record_at(uint64_t position)
{
	return position & ~15ull;
}

#endif
