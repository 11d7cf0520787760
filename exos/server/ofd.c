/* SPDX-License-Identifier: ISC */
/*
 * Open file descriptions that are passed to strangers: what all who have one
 * share of it, offset and status flags, lies in an object of one frame, so that
 * who gets one can change that one and no other.
 *
 * The passer's relatives had it before: they find the object's token where the
 * description was (exos/fd/ofd.c), in memory that they share with the passer.
 * Who knows the token can have a key.  That he can read it there means that he
 * could write the offset there: he gets nothing by it that he did not have.
 * A token is drawn at random, but for the last bits, which are the object's
 * number.
 */
#include "object.h"
#include "../arch/x86_64/random.h"
#include <errno.h>

_Static_assert((OBJECTS_MAX & (OBJECTS_MAX - 1)) == 0, "a token's last bits are a number");

static uint64_t
token_draw(const struct object *o)
{
	const uint64_t token = (random_word() & ~(uint64_t)(OBJECTS_MAX - 1)) | object_id(o);

	return token ? token : OBJECTS_MAX;
}

static long
give(const struct object *o, const struct proc *p, exo_slot slot, uint64_t offset,
	struct exo_msg *m)
{
	const struct object_place at = { .rights = EXO_R, .slot = { slot }, .offset = offset };

	if (!object_place_ok(offset, 1) || object_give(o, p->sh->env, &at))
		return -EINVAL;
	m->rdx = guard_shown(o->guard);
	return object_id(o);
}

long
ofd_new(struct proc *p, struct exo_msg *m)
{
	struct object *o = object_make(p, 1);
	long id;

	if (!o)
		return object_refused(p, 1);
	id = give(o, p, (exo_slot)m->rdx, m->r8, m);
	if (id < 0) {
		object_release(o);
		return id;
	}
	o->token = token_draw(o);
	m->r8 = o->token;
	return id;
}

long
ofd_find(const struct proc *p, struct exo_msg *m)
{
	struct object *o = object_by_id(m->rdx % OBJECTS_MAX);

	if (!o || o->token == 0 || o->token != m->rdx)
		return -EBADF;
	return give(o, p, (exo_slot)m->r8, m->r9, m);
}
