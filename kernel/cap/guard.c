/* SPDX-License-Identifier: ISC */
/*
 * Guards: the small objects that frames, environments, slices and accounts
 * refer to, so that one call changes who may reach all of them.
 *
 * They lie in guard frames, 32 in each, named by frame and index.  Whoever
 * refers to a guard keeps its serial too.  Serials are drawn from one counter
 * that starts at 1 and never repeats (64 bits outlast the machine), so a
 * reference to a guard that was freed, or whose frame has become something
 * else, simply matches nothing: freeing a guard never searches for the
 * objects under it, and revoking bound keys never searches key rings.
 *
 * Life: guard_create (serial, generation drawn) -> guard_change, guard_revoke
 * (generation drawn anew, counts zero) -> guard_free or the end of the frame
 * (serial 0).  All under mem_lock; holder counts also move when rings change.
 */
#include "cap.h"
#include "cap_priv.h"
#include "../env/env.h"
#include "../mem/mem.h"

static u64 last_serial;			/* [mem_lock] */
u32 guards_tested;

u64
guard_serial_draw(void)
{
	return ++last_serial;
}

int
guard_find(exo_guardref ref, struct guard **guard)
{
	exo_pfn pfn = ref / EXO_GUARDS_FRAME;

	if (pfn >= frames_count)
		return -EXO_ERANGE;
	if (frames[pfn].kind != EXO_FRAME_GUARD)
		return -EXO_EKIND;
	*guard = (struct guard *)frame_ptr(pfn) + ref % EXO_GUARDS_FRAME;
	return (*guard)->serial ? 0 : -EXO_EABSENT;
}

struct guard *
guard_at(exo_guardref ref)
{
	struct guard *guard;

	return ref != 0 && guard_find(ref, &guard) == 0 ? guard : NULL;
}

bool
guard_live(exo_guardref ref, u64 serial)
{
	const struct guard *guard = guard_at(ref);

	return guard && guard->serial == serial;
}

/* Guard 0 stands for the root account's: only the root key, the empty name, opens it. */
static bool
root_opens(const struct key *key, u32 rights)
{
	return key->type == KEY_NAMED && key->named.len == 0 && rights != 0 &&
		(rights & ~(u32)key->named.rights) == 0;
}

static int
bound_opens(const struct key *key, exo_guardref ref, const struct guard *guard, u32 rights)
{
	if (key->bound.guard != ref || rights == 0 || (rights & ~(u32)key->rights) != 0)
		return -EXO_ERIGHTS;
	return key->bound.serial == guard->generation ? 0 : -EXO_ESTALE;
}

int
guard_test(const struct env *env, exo_slot slot, exo_guardref ref, u64 serial, u32 rights)
{
	const struct key *key = ring_slot(env, slot);
	const struct guard *guard;

	if (key == NULL || key->type == KEY_NONE)
		return -EXO_EKEY;
	if (ref == 0)
		return root_opens(key, rights) ? 0 : -EXO_ERIGHTS;
	guards_tested++;
	guard = guard_at(ref);
	if (guard == NULL || guard->serial != serial)
		return -EXO_EABSENT;
	if (key->type == KEY_BOUND)
		return bound_opens(key, ref, guard, rights);
	for (unsigned n = 0; n < EXO_GUARD_KEYS; n++)
		if (key_opens(&key->named, &guard->entry[n], rights))
			return 0;
	return -EXO_ERIGHTS;
}

/* One meaning each: where a call names other frames too, KIND is about those. */
int
guard_usable(const struct env *env, exo_guardref ref, exo_slot slot)
{
	struct guard *guard;
	int error;

	if (ref == 0)
		return 0;
	error = guard_find(ref, &guard);
	if (error == -EXO_EKIND)
		return -EXO_EABSENT;
	return error ? error : guard_allows(env, slot, ref, guard->serial, EXO_C);
}

int
guard_allows(const struct env *env, exo_slot slot, exo_guardref ref, u64 serial, u32 rights)
{
	int error = guard_test(env, slot, ref, serial, rights);

	return error == -EXO_EABSENT ? -EXO_ERIGHTS : error;
}

void
guards_end(exo_pfn pfn)
{
	struct guard *guard = frame_ptr(pfn);

	for (unsigned n = 0; n < EXO_GUARDS_FRAME; n++)
		guard[n].serial = 0;
	frames_priv[pfn].used = 0;
	grant_forget();
}

int
env_reach_other(struct env *self, exo_envid id, exo_slot key, u32 rights, struct env **env)
{
	int error = 0;

	*env = env_find(id, &error);
	return *env == NULL ? error : env_allows(self, key, *env, rights);
}
