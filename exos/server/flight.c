/* SPDX-License-Identifier: ISC */
/*
 * Keys on their way: what a letter carries nobody may have open any more, so
 * the server holds a key of it meanwhile, in its own ring.
 *
 * Letters that wait at sockets which only letters have are lost for everybody:
 * nobody can ever take them.  They are found as Linux finds them, by marking
 * what processes hold and what waits there.
 */
#include "sock.h"
#include <errno.h>

#define SLOT_FIRST (KEY_FIRST_FREE + 16u)	/* before: slots of other uses, empty between requests */
#define SWEEP_EVERY 64u
#define SLOTS (EXO_RING_FRAMES * EXO_KEYS_FRAME)

static uint64_t used[SLOTS / 64];
static unsigned rings = 1;
static uint32_t kept;

static bool
ring_grow(void)
{
	exo_pfn pfn;

	if (rings == EXO_RING_FRAMES || mem_claim(1, 0, &pfn))
		return false;
	if (exo_ring_add(exo_self(), rings, pfn, ROOT_KEY) < 0) {
		mem_release(pfn, 1);
		return false;
	}
	rings++;
	return true;
}

static int
slot_find(void)
{
	for (unsigned slot = SLOT_FIRST; slot < SLOTS; slot++)
		if (!(used[slot / 64] >> (slot % 64) & 1))
			return slot < rings * EXO_KEYS_FRAME || ring_grow() ? (int)slot : -ENFILE;
	return -ENFILE;
}

int
flight_key(exo_guardref guard, uint32_t rights)
{
	int slot = slot_find();

	if (slot < 0 || exo_key_bind(guard, rights, ROOT_KEY, (exo_slot)slot) < 0)
		return -ENFILE;
	used[slot / 64] |= 1ull << (slot % 64);
	return slot;
}

void
flight_drop(exo_slot slot)
{
	exo_key_drop(slot, 1);
	used[slot / 64] &= ~(1ull << (slot % 64));
}

int
flight_keep(struct object *o, uint32_t side)
{
	int slot = flight_key(o->guard, side ? EXO_R | EXO_W : EXO_R);

	if (slot < 0)
		return slot;
	o->flying[side]++;
	if (++kept % SWEEP_EVERY == 0)
		objects_due();		/* nobody says when a letter is lost */
	return slot;
}

void
flight_end(struct object *o, uint32_t side, exo_slot slot)
{
	flight_drop(slot);
	o->flying[side]--;
	kept--;
	objects_due();
}

/* ---- what nobody can reach any more ------------------------------------------------------- */

static uint64_t reached[OBJECTS_MAX / 64];

static bool
held_by_processes(const struct object *o)
{
	const volatile uint64_t *holders = guard_holders(o->guard);

	return holders && (holders[0] > o->flying[0] || holders[1] > o->flying[1]);
}

void
flight_sweep(void)
{
	if (kept == 0)
		return;
	__builtin_memset(reached, 0, sizeof(reached));
	for (uint32_t id = 0; id < object_rows; id++)
		if (objects[id].guard && held_by_processes(&objects[id]))
			reached[id / 64] |= 1ull << (id % 64);
	letters_spread(reached);
	for (uint32_t id = 0; id < object_rows; id++)
		if (objects[id].guard && !(reached[id / 64] >> (id % 64) & 1))
			letters_drop(id);
}
