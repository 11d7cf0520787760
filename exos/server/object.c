/* SPDX-License-Identifier: ISC */
/*
 * Objects: a few contiguous frames of the session's account and a guard of
 * their own, for whatever processes share with each other: pipes, counters,
 * connections.  The server makes them and buries them, and has no part in
 * their use.  Whoever has a descriptor holds a key bound on the guard: without
 * W for the one side, with it for the other.  When the guard has no holders
 * nobody can come back to the object and its frames are free again, however
 * its holders died.
 *
 * How many one process and one user may have made is bounded, so that others
 * find some left.
 */
#include "object.h"
#include <errno.h>

#define RELEASES 64u			/* at a time: requests come in between */
#define ROUNDS 4u			/* of looking for memory */
#define MAPS_MAX 64u			/* frames of an object, at most */
#define PROCESS_OBJECTS (OBJECTS_MAX / 4)
/* Of all frames, what objects of one process may take: one part in so many */
#define PROCESS_SHARE 8u
#define USER_OBJECTS (OBJECTS_MAX - OBJECTS_MAX / 8)
#define USERS_OBJECTS (OBJECTS_MAX - OBJECTS_MAX / 16)	/* all users but root together */
#define USER_SHARE 2u			/* of all frames, what objects of one user may take: one part in so many */
#define USERS 64u			/* counters: those whose numbers are alike in the last bits share one */

struct object objects[OBJECTS_MAX];
uint32_t object_rows;
static uint64_t next_serial;
static uint32_t first_free;		/* those before are in use */
static bool due;			/* somebody who may have held some is gone */

static struct use {
	uint32_t objects;
	uint64_t frames;
} users[USERS];
static uint32_t users_objects;		/* of all but root */

static struct use *
use_of(uint32_t uid)
{
	return &users[uid % USERS];
}

static struct proc *
maker_of(const struct object *o)
{
	struct proc *p = &procs[o->maker];

	return p->serial == o->maker_serial ? p : NULL;
}

static bool
fits(uint32_t uid, const struct use *u, uint32_t frames)
{
	return (uid == 0 || (u->objects < USER_OBJECTS && users_objects < USERS_OBJECTS))
		&& u->frames + frames <= server_shared_info()->memory_frames / USER_SHARE;
}

/* Where the shared counter says no it may be because of others. */
static bool
user_within_bounds(uint32_t uid, uint32_t frames)
{
	struct use own = { 0, 0 };

	if (fits(uid, use_of(uid), frames))
		return true;
	for (uint32_t i = 0; i < object_rows; i++)
		if (objects[i].guard && objects[i].uid == uid) {
			own.objects++;
			own.frames += objects[i].frames;
		}
	return fits(uid, &own, frames);
}

static bool
within_bounds(const struct proc *p, uint32_t frames)
{
	const uint64_t share = server_shared_info()->memory_frames / PROCESS_SHARE;

	return p->objects < PROCESS_OBJECTS && p->object_frames + frames <= share
		&& user_within_bounds(p->sh->uid, frames);
}

static void
count(struct object *o, int sign)
{
	struct use *u = use_of(o->uid);
	struct proc *p = maker_of(o);

	u->objects += (uint32_t)sign;
	users_objects += o->uid ? (uint32_t)sign : 0;
	u->frames += (uint64_t)(int64_t)sign * o->frames;
	if (!p)
		return;
	p->objects += (uint32_t)sign;
	p->object_frames += (uint64_t)(int64_t)sign * o->frames;
}

static struct object *
entry_find(void)
{
	while (first_free < object_rows && objects[first_free].guard)
		first_free++;
	return first_free < OBJECTS_MAX ? &objects[first_free] : NULL;
}

static exo_guardref
guard_for_object(void)
{
	static uint64_t serial;
	struct exo_key entries[EXO_GUARD_KEYS] = {
		{ .len = 9, .rights = EXO_RIGHTS_ALL, .name = "i" }
	};

	serial++;
	__builtin_memcpy(entries[0].name + 1, &serial, 8);
	return guard_new(entries);
}

/* What others were given and do not use is taken back for it. */
static bool
object_frames(const struct proc *p, struct object *o)
{
	for (unsigned round = 0;; round++) {
		if (frames_claim(session_account, o->frames, &o->pfn) == 0) {
			exo_frame_mark_all(o->pfn, o->frames, EXO_FRAME_TAG(EXO_TAG_OBJECT), 0,
				ROOT_KEY);
			return true;
		}
		if (round == ROUNDS || !memory_squeeze_all(&procs[proc_index(p)]))
			return false;
	}
}

struct object *
object_make(const struct proc *p, uint32_t frames)
{
	struct object *o = within_bounds(p, frames) ? entry_find() : NULL;

	if (!o)
		return NULL;
	*o = (struct object){ .frames = frames, .maker = proc_index(p),
		.maker_serial = p->serial, .uid = p->sh->uid };
	o->serial = ++next_serial;
	o->guard = guard_for_object();
	if (o->guard == 0)
		return NULL;
	if (frames && !object_frames(p, o)) {
		guard_put(o->guard);
		o->guard = 0;
		return NULL;
	}
	if (frames)
		exo_frame_guard_all(o->pfn, frames, o->guard, ROOT_KEY, ROOT_KEY);
	object_rows = object_rows > object_id(o) ? object_rows : object_id(o) + 1;
	count(o, 1);
	return o;
}

/* There may be some when what the dead had has come back, unless the caller has too many himself. */
long
object_refused(const struct proc *p, uint32_t frames)
{
	const uint64_t share = server_shared_info()->memory_frames / PROCESS_SHARE;
	const bool too_many = p->objects >= PROCESS_OBJECTS || p->object_frames + frames > share;

	return !too_many && (objects_work() || memory_waited(frames)) ? -EBUSY : -ENFILE;
}

void
object_release(struct object *o)
{
	if (o->sock)
		sock_gone(o);
	if (o->notify)
		notify_gone(o);
	count(o, -1);
	frames_release(o->pfn, o->frames);
	guard_put(o->guard);
	o->guard = 0;
	first_free = first_free < object_id(o) ? first_free : object_id(o);
	while (object_rows && objects[object_rows - 1].guard == 0)
		object_rows--;
}

uint32_t
object_id(const struct object *o)
{
	return (uint32_t)(o - objects);
}

struct object *
object_by_id(uint64_t id)
{
	return id < OBJECTS_MAX && objects[id].guard ? &objects[id] : NULL;
}

bool
object_held(const struct object *o)
{
	const volatile uint64_t *holders = guard_holders(o->guard);

	return holders && (holders[0] || holders[1]);
}

/* ---- handing it to a process, which named the place and the slots ----------------------------- */

int
object_key(const struct object *o, uint32_t rights, exo_envid to, exo_slot slot)
{
	return client_bind(to, slot, o->guard, rights);
}

bool
object_place_ok(uint64_t offset, uint32_t frames)
{
	return offset % EXO_PAGE_BYTES == 0 && offset >= EXOS_OBJECTS
		&& offset <= EXOS_OBJECTS_END - frames * EXO_PAGE_BYTES;
}

int
object_map(const struct object *o, exo_envid to, uint64_t offset)
{
	struct exo_map vec[MAPS_MAX];

	for (unsigned i = 0; i < o->frames; i++)
		vec[i] = (struct exo_map){
			.va = image.base + offset + i * EXO_PAGE_BYTES, .pfn = o->pfn + i,
			.key = ROOT_KEY,
			.op = EXO_OP_MAP | EXO_MAP_READ | EXO_MAP_WRITE | EXO_MAP_SHARED,
		};
	return exo_map_all(to, vec, o->frames, ROOT_KEY) < 0 ? -EINVAL : 0;
}

int
object_give(const struct object *o, exo_envid to, const struct object_place *at)
{
	int error = object_map(o, to, at->offset);

	if (!error && at->rights & EXO_R)
		error = object_key(o, EXO_R, to, at->slot[0]);
	if (!error && at->rights & EXO_W)
		error = object_key(o, EXO_R | EXO_W, to, at->slot[1]);
	return error;
}

long
object_new(struct proc *p, uint64_t frames, struct exo_msg *m)
{
	const struct object_place at = { .rights = m->rbp & (EXO_R | EXO_W),
		.slot = { (exo_slot)m->r8, (exo_slot)m->r9 }, .offset = m->rbx };
	struct object *o;

	if (frames == 0 || frames > MAPS_MAX || !object_place_ok(at.offset, (uint32_t)frames))
		return -EINVAL;
	o = object_make(p, (uint32_t)frames);
	if (!o)
		return object_refused(p, (uint32_t)frames);
	if (object_give(o, p->sh->env, &at) || !object_held(o)) {
		object_release(o);
		return -EINVAL;
	}
	m->rdx = guard_shown(o->guard);
	return object_id(o);
}

/* ---- the end ------------------------------------------------------------------------------------ */

long
object_free(uint64_t id)
{
	struct object *o = object_by_id(id);

	if (!o)
		return -EINVAL;
	if (object_held(o))
		return -EBUSY;
	object_release(o);
	return 0;
}

bool
objects_work(void)
{
	return due;
}

void
objects_due(void)
{
	due = true;
}

/* A step: what is freed may have held more, and then it is due again. */
void
objects_sweep(void)
{
	uint32_t released = 0;

	if (!due)
		return;
	due = false;
	flight_sweep();
	for (uint32_t i = 0; i < object_rows; i++) {
		if (!objects[i].guard || object_held(&objects[i]))
			continue;
		if (released++ == RELEASES) {
			due = true;
			return;
		}
		object_release(&objects[i]);
	}
}
