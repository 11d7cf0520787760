/* SPDX-License-Identifier: ISC */
/*
 * Invariants of guards and keys.  A full sweep walks every guard frame and
 * every ring frame; two spare words of each guard hold the tally meanwhile.
 */
#include "cap.h"
#include "cap_priv.h"
#include "../mem/mem.h"

enum { TALLY_READERS, TALLY_WRITERS };	/* guard.spare[] */

static void
guards_each(exo_pfn pfn, void (*visit)(exo_pfn pfn, struct guard *guard)) REQUIRES(mem_lock)
{
	struct guard *guard = frame_ptr(pfn);

	for (unsigned n = 0; n < EXO_GUARDS_FRAME; n++)
		if (guard[n].serial != 0)
			visit(pfn, &guard[n]);
}

static void
tally_clear(exo_pfn pfn, struct guard *guard)
{
	(void)pfn;
	guard->spare[TALLY_READERS] = guard->spare[TALLY_WRITERS] = 0;
}

/* A key slot is empty and zero, a well-formed named key, or a bound key with some rights. */
static void
check_key(const struct key *key) REQUIRES(mem_lock)
{
	struct guard *guard;

	must(key->type <= KEY_BOUND);
	if (key->type == KEY_NAMED)
		must(key_valid(&key->named) && key->named.rights != 0);
	if (key->type == KEY_NONE)
		must(key->offered == 0 && key->rights == 0);
	if (key->type != KEY_BOUND)
		return;
	must(key->rights != 0 && (key->rights & ~EXO_RIGHTS_ALL) == 0);
	guard = guard_at(key->bound.guard);
	if (guard && guard->generation == key->bound.serial)
		guard->spare[key->rights & EXO_W ? TALLY_WRITERS : TALLY_READERS]++;
}

/* A guard's holder counts are the bound keys of its generation that lie in rings. */
static void
check_holders(exo_pfn pfn, struct guard *guard)
{
	must(guard->readers == guard->spare[TALLY_READERS]);
	must(guard->writers == guard->spare[TALLY_WRITERS]);
	tally_clear(pfn, guard);
}

/* Entries are well formed; generations are drawn after the identity. */
static void
check_guard(exo_pfn pfn, struct guard *guard)
{
	for (unsigned n = 0; n < EXO_GUARD_KEYS; n++)
		must(key_valid(&guard->entry[n]));
	must(guard->generation > guard->serial);
	check_holders(pfn, guard);
}

/* A guard frame's `used` is the number of its guards. */
static void
check_guard_frame(exo_pfn pfn) REQUIRES(mem_lock)
{
	const struct guard *guard = frame_ptr(pfn);
	u32 live = 0;

	for (unsigned n = 0; n < EXO_GUARDS_FRAME; n++)
		live += guard[n].serial != 0;
	must(live == frames_priv[pfn].used);
	guards_each(pfn, check_guard);
}

static void
kinds_each(enum exo_frame_kind kind, void (*visit)(exo_pfn pfn)) REQUIRES(mem_lock)
{
	for (exo_pfn pfn = 0; pfn < frames_count; pfn++)
		if (frames[pfn].kind == kind)
			visit(pfn);
}

static void
check_ring(exo_pfn pfn) REQUIRES(mem_lock)
{
	const struct key *key = frame_ptr(pfn);

	for (unsigned n = 0; n < EXO_KEYS_FRAME; n++)
		check_key(&key[n]);
}

static void
prepare_guard_frame(exo_pfn pfn) REQUIRES(mem_lock)
{
	guards_each(pfn, tally_clear);
}

/* Takes the locks itself. */
void
cap_check(void)
{
	cap_enter();
	kinds_each(EXO_FRAME_GUARD, prepare_guard_frame);
	kinds_each(EXO_FRAME_RING, check_ring);
	kinds_each(EXO_FRAME_GUARD, check_guard_frame);
	cap_leave(0);
}
