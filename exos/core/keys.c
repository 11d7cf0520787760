/* SPDX-License-Identifier: ISC */
/*
 * Slots of this process's key ring.  A descriptor that needs a key of its own
 * (a pipe's end) takes a slot here; fork copies all of them.
 */
#include "exos.h"
#include "keys.h"
#include "../linux/errno.h"

static u64 used[EXO_RING_FRAMES * EXO_KEYS_FRAME / 64] = { (1ull << KEY_FIRST_FREE) - 1 };
static unsigned rings = 1; /* ring frames that exist */

unsigned
key_slots(void)
{
	return rings * EXO_KEYS_FRAME;
}

static int
ring_grow(void)
{
	exo_pfn pfn;

	if (rings == EXO_RING_FRAMES || frames_claim(1, &pfn))
		return -ENOMEM;
	if (exo_ring_add(UAREA->env, rings, pfn, KEY_SELF) < 0) {
		exo_frame_release(pfn, 1, KEY_SELF);
		return -ENOMEM;
	}
	rings++;
	return 0;
}

int
key_slot_get(void)
{
	for (unsigned slot = KEY_FIRST_FREE; slot < EXO_RING_FRAMES * EXO_KEYS_FRAME; slot++) {
		if (used[slot / 64] >> (slot % 64) & 1)
			continue;
		if (slot >= key_slots() && ring_grow())
			return -ENOMEM;
		used[slot / 64] |= 1ull << (slot % 64);
		return (int)slot;
	}
	return -ENOMEM;
}

void
key_slot_put(exo_slot slot)
{
	exo_key_drop(slot, 1);
	used[slot / 64] &= ~(1ull << (slot % 64));
}
