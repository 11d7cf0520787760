/* SPDX-License-Identifier: ISC */
/*
 * Keys on their way: what a letter carries nobody may have open any more, so
 * the server holds a key of it meanwhile, in its own ring.
 *
 * Letters that wait at sockets which only letters have are lost for everybody:
 * nobody can ever take them.  They are found as Linux finds them, by marking
 * what processes hold and what waits there.
 */
#include "letter.h"
#include <errno.h>

#define SLOT_FIRST (KEY_FIRST_FREE + 16u)	/* before: slots of other uses, empty between requests */
#define SWEEP_EVERY 64u
#define SLOTS (EXO_RING_FRAMES * EXO_KEYS_FRAME)

static uint64_t used[SLOTS / 64];
static struct minted {			/* of those used: what to mint again (flight_recover) */
	exo_guardref guard;
	uint32_t rights;
} minted[SLOTS];
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
flight_key(exo_guardref guard, uint32_t allowed)
{
	int slot = slot_find();

	if (slot < 0 || exo_key_bind(guard, allowed, ROOT_KEY, (exo_slot)slot) < 0)
		return -ENFILE;
	used[slot / 64] |= 1ull << (slot % 64);
	minted[slot] = (struct minted){ guard, allowed };
	return slot;
}

void
flight_drop(exo_slot slot)
{
	exo_key_drop(slot, 1);
	used[slot / 64] &= ~(1ull << (slot % 64));
}

/* Before the ring of the dead is reaped, so that no object is without holders in between. */
void
flight_recover(void)
{
	const unsigned had = rings;

	for (rings = 1; rings < had && ring_grow();)
		;
	for (unsigned slot = SLOT_FIRST; slot < rings * EXO_KEYS_FRAME; slot++)
		if (used[slot / 64] >> (slot % 64) & 1)
			exo_key_bind(minted[slot].guard, minted[slot].rights, ROOT_KEY, slot);
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
	if (!object_held(o))
		objects_due();
}

/* ---- what nobody can reach any more ------------------------------------------------------- */

static uint64_t reached_bits[OBJECTS_MAX / 64];

static bool
held_by_processes(const struct object *o)
{
	const volatile uint64_t *holders = guard_holders(o->guard);

	return holders && (holders[0] > o->flying[0] || holders[1] > o->flying[1]);
}

/* From objects to the letters that wait there, and what these carry. */
static uint16_t waiting[OBJECTS_MAX];		/* number of the first letter at an object */
static uint16_t behind[LETTERS_MAX + 1];	/* and of the one behind each */
static uint16_t todo[OBJECTS_MAX];
static uint32_t todos;

static void
reach(uint64_t *reached, uint32_t object)
{
	if (object >= OBJECTS_MAX || reached[object / 64] >> (object % 64) & 1)
		return;
	reached[object / 64] |= 1ull << (object % 64);
	todo[todos++] = (uint16_t)object;
}

static void
reach_from(uint64_t *reached, const struct letter *l)
{
	if (l->connection)
		reach(reached, l->connection - 1);
	for (uint32_t n = l->rights; n; n = rights[n].next)
		reach(reached, rights[n].what.object);
}

/* Each object and each letter is looked at once. */
static void
spread(uint64_t *reached)
{
	__builtin_memset(waiting, 0, sizeof(waiting));
	todos = 0;
	for (uint32_t n = 1; n <= LETTERS_MAX; n++) {
		const struct letter *l = &letters[n];

		if (l->state == LETTER_DRAFT || l->state == LETTER_TAKEN)
			reach_from(reached, l);
		if (l->state != LETTER_QUEUED && l->state != LETTER_ATTACHED)
			continue;
		behind[n] = waiting[l->to];
		waiting[l->to] = (uint16_t)n;
	}
	todos = 0;
	for (uint32_t id = 0; id < OBJECTS_MAX; id++)
		if (reached[id / 64] >> (id % 64) & 1)
			todo[todos++] = (uint16_t)id;
	while (todos) {
		const uint32_t id = todo[--todos];

		if (objects[id].sock && sock_of(&objects[id])->became)
			reach(reached, sock_of(&objects[id])->became - 1);
		for (uint32_t n = waiting[id]; n; n = behind[n])
			reach_from(reached, &letters[n]);
	}
}

void
flight_sweep(void)
{
	if (kept == 0)
		return;
	__builtin_memset(reached_bits, 0, sizeof(reached_bits));
	for (uint32_t id = 0; id < object_rows; id++)
		if (objects[id].guard && held_by_processes(&objects[id]))
			reached_bits[id / 64] |= 1ull << (id % 64);
	spread(reached_bits);
	for (uint32_t id = 0; id < object_rows; id++)
		if (objects[id].guard && !(reached_bits[id / 64] >> (id % 64) & 1))
			letters_drop(id);
}
