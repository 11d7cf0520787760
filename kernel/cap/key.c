/* SPDX-License-Identifier: ISC */
/*
 * Keys.  A named key is a prefix and some rights: whoever holds one can make
 * any longer name or lesser rights of it, and nothing else.  A bound key is
 * the receipt of one successful check against one guard.
 *
 * The first three functions are all there is to dominance.  They are pure.
 */
#include "cap.h"
#include "../core/remote.h"
#include "../mem/mem.h"

/* As two words: the names begin at the third byte, and have EXO_KEYNAME_BYTES at most (key_valid). */
static bool
prefixes(const struct exo_key *shorter, const struct exo_key *longer)
{
	const unsigned first = 6, bits = shorter->len * 8u;	/* name bytes in the first word */
	u64 a[2], b[2];

	if (shorter->len > longer->len)
		return false;
	memcpy(a, shorter, sizeof a);
	memcpy(b, longer, sizeof b);
	a[0] = (a[0] ^ b[0]) >> 16;
	a[1] ^= b[1];
	if (shorter->len <= first)
		return bits == 0 || a[0] << (64 - bits) == 0;
	return a[0] == 0 && a[1] << (64 - (bits - first * 8)) == 0;
}

/* An entry without rights is empty and opened by nothing, not even for no rights. */
bool
key_opens(const struct exo_key *key, const struct exo_key *entry, u32 rights)
{
	if (rights == 0 || (rights & ~(u32)(key->rights & entry->rights)) != 0)
		return false;
	return prefixes(key, entry);
}

bool
key_dominates(const struct exo_key *strong, const struct exo_key *weak)
{
	return (weak->rights & ~strong->rights) == 0 && prefixes(strong, weak);
}

/* Bytes behind the name must be zero: equal keys are equal in all 16 bytes. */
bool
key_valid(const struct exo_key *key)
{
	if (key->len > EXO_KEYNAME_BYTES || (key->rights & ~EXO_RIGHTS_ALL) != 0)
		return false;
	for (unsigned n = key->len; n < EXO_KEYNAME_BYTES; n++)
		if (key->name[n] != 0)
			return false;
	return true;
}

/* The guard a bound key counts at, or NULL when it is not bound or stale. */
static struct guard *
counted_at(const struct key *key) REQUIRES(mem_lock)
{
	struct guard *guard;

	if (key->type != KEY_BOUND)
		return NULL;
	guard = guard_at(key->bound.guard);
	return guard && guard->generation == key->bound.serial ? guard : NULL;
}

static u64 *
holders(struct guard *guard, const struct key *key) REQUIRES(mem_lock)
{
	return key->rights & EXO_W ? &guard->writers : &guard->readers;
}

void
key_put(struct key *slot, const struct key *key)
{
	struct guard *guard = counted_at(key);

	must(slot->type == KEY_NONE);
	*slot = *key;
	slot->offered = 0;
	if (guard) {
		++*holders(guard, key);
		cpus_wake();
	}
}

void
key_clear(struct key *slot)
{
	struct guard *guard = counted_at(slot);

	if (guard) {
		must(*holders(guard, slot) > 0);
		--*holders(guard, slot);
		cpus_wake();
	}
	*slot = (struct key){ .type = KEY_NONE };
	grant_forget();
}

/* A bound key never opens one of the kernel's names: those have no guard. */
int
name_allows(const struct env *env, exo_slot slot, const struct exo_key *name)
{
	const struct key *key = ring_slot(env, slot);

	if (key == NULL || key->type == KEY_NONE)
		return -EXO_EKEY;
	if (key->type != KEY_NAMED || !key_opens(&key->named, name, name->rights))
		return -EXO_ERIGHTS;
	return 0;
}
