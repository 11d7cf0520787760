/* SPDX-License-Identifier: ISC */
/*
 * Who may do what: keys and guards.
 *
 * Every object that can be reached refers to a guard, and a key in the caller's
 * ring must open it: a named key by its name, tested anew each time; a bound
 * key because it was minted on this very guard.  Guards lie in guard frames
 * that somebody owns (guard.c has their life), keys in the ring frames of an
 * environment (key.c: key_narrow, key_bind, key_copy, key_take fill an empty
 * slot; key_drop, or the end of the environment, empties it).  No user maps a
 * ring; guard frames can be mapped to be read, for their holder counts.
 *
 * Guards are under mem_lock, because they lie in frames; rings under env_lock.
 * Bound keys are counted by their guard, so what changes a ring takes both.
 */
#ifndef KERNEL_CAP_H
#define KERNEL_CAP_H

#include "../env/env.h"

enum key_type { KEY_NONE, KEY_NAMED, KEY_BOUND };

/* A slot of a key ring.  32 bytes. */
struct key {				/* all [env_lock] */
	u8 type;			/* enum key_type */
	u8 rights;			/* of a bound key */
	u8 spare[6];
	union {
		struct exo_key named;
		struct { u64 guard, serial; } bound;	/* serial: the guard's identity and generation */
	};
	/* offered is the name of the environment that may take a copy, 0: none */
	u64 offered;
};
_Static_assert(sizeof(struct key) == 32, "key slot");

/* A guard.  128 bytes, EXO_GUARDS_FRAME in a frame. */
struct guard {				/* all [mem_lock]; readable by whoever may map the frame */
	u64 serial;			/* identity, never reused; 0: free */
	u64 generation;			/* serial of the present generation of bound keys */
	u64 readers;			/* bound keys without W */
	u64 writers;			/* bound keys with W */
	struct exo_key entry[EXO_GUARD_KEYS];
	u64 spare[4];
};
_Static_assert(sizeof(struct guard) == 128, "guard");

/* Pure: does key dominate entry for these rights?  (prefix, and both rights cover those asked) */
bool key_opens(const struct exo_key *key, const struct exo_key *entry, u32 rights);
/* Pure: is `weak` dominated by `strong`? */
bool key_dominates(const struct exo_key *strong, const struct exo_key *weak);
/* Pure: well-formed? */
bool key_valid(const struct exo_key *key);

/* Guards tested since the last look at this: what asking costs, for calls that work through vectors. */
extern u32 guards_tested;		/* [mem_lock] */

/* NULL when the slot is outside the ring. */
static inline struct key *
ring_slot(const struct env *env, exo_slot slot)
{
	u32 ring = slot / EXO_KEYS_FRAME;

	if (ring >= EXO_RING_FRAMES || env->ring[ring] == 0)
		return NULL;
	return (struct key *)frame_ptr(env->ring[ring]) + slot % EXO_KEYS_FRAME;
}

/* Does the key in env's slot open this guard?  0 or -EXO_E{KEY,RIGHTS,STALE}. */
int guard_allows(const struct env *env, exo_slot slot, exo_guardref guard, u64 serial, u32 rights) REQUIRES(mem_lock);
/* The same, but -EXO_EABSENT when the guard is gone: then the account's key alone reaches the object. */
int guard_test(const struct env *env, exo_slot slot, exo_guardref guard, u64 serial, u32 rights) REQUIRES(mem_lock);
/* Does it open a name that the kernel itself asks for (EXO_NAME_*)?  Named keys only. */
int name_allows(const struct env *env, exo_slot slot, const struct exo_key *name);

struct guard *guard_at(exo_guardref ref) REQUIRES(mem_lock);	/* NULL: no such guard */
/* Why there is none: -EXO_ERANGE, _EKIND or _EABSENT; 0 and *guard if there is one. */
int guard_find(exo_guardref ref, struct guard **guard) REQUIRES(mem_lock);
/* Does (ref, serial) still name a guard? */
bool guard_live(exo_guardref ref, u64 serial) REQUIRES(mem_lock);
/* May objects be put under it: 0 (also for ref 0, "none"), or -EXO_E{RANGE,ABSENT,KEY,RIGHTS,STALE}. */
int guard_usable(const struct env *env, exo_guardref ref, exo_slot slot) REQUIRES(mem_lock);
/* The guards of a frame that is freed: they guard nothing from now on. */
void guards_end(exo_pfn pfn) REQUIRES(mem_lock);

/*
 * The environment that a call names, if self may act on it (itself always):
 * 0, or -EXO_E{STALE,DEAD,KEY,RIGHTS}.
 */
int env_reach_other(struct env *self, exo_envid id, exo_slot key, u32 rights, struct env **env)
	REQUIRES(env_lock, mem_lock);

static inline int
env_reach(struct env *self, exo_envid id, exo_slot key, u32 rights, struct env **env)
	REQUIRES(env_lock, mem_lock)
{
	if (id != self->id)
		return env_reach_other(self, id, key, rights, env);
	*env = self;
	return 0;
}

/* Fill a slot with a copy of a key, counted by its guard if it is bound and alive. */
void key_put(struct key *slot, const struct key *key) REQUIRES(mem_lock);
/* Empty one slot, leaving the guard's counts right. */
void key_clear(struct key *key) REQUIRES(mem_lock);

void cap_check(void);

#endif
