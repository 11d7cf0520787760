/* SPDX-License-Identifier: ISC */
/*
 * Locks on files: who may ask, who an owner is, and when he is gone.  What a
 * lock means is lockset.c's.
 *
 * A lock belongs to a process (fcntl), or to an open file description (flock,
 * OFD locks).  A description is known here by a guard: whoever shares it holds a
 * key bound on that, made by OP_LOCK_OWNER for the process that had it alone
 * and copied by fork.  A guard without holders is a description that nobody has
 * open any more, however they ended.
 *
 * Nobody waits here: who must wait says so, for the sake of deadlocks, and
 * waits on the word of the inode in fs_super, which changes when a lock goes.
 */
#include "srv.h"
#include "fsnode.h"
#include "lockset.h"
#include <errno.h>

#define DESCRIPTIONS LOCK_DESCRIPTIONS
#define DESCRIPTIONS_USER (DESCRIPTIONS / 2)		/* of one user, but for root */
#define DESCRIPTIONS_USERS (DESCRIPTIONS - 64)		/* of all of them */
#define DESCRIPTIONS_PROC 256u		/* that one process may have made and that are still open */
#define DEADLOCK_STEPS 10u		/* as Linux: no longer chain is looked for */

static struct lockset locks;

static struct description {
	exo_guardref guard;		/* 0: free */
	uint32_t ino, rights, creator;	/* what its maker could open, and his pid */
	uint32_t uid;			/* and user */
} descriptions[DESCRIPTIONS];
static unsigned used;			/* none behind these */
static bool due;			/* somebody who may have had some is gone */

static struct lock wanted[SH_PROCS];	/* what a process waits for; type NONE: nothing */

static void
wake(uint32_t ino)
{
	__atomic_add_fetch(&fs_super->unlocked[ino % FS_UNLOCK_WORDS], 1, __ATOMIC_RELEASE);
	server_changed();		/* with threads, one may wait for this and others for more */
}

static void
wake_all(void)
{
	for (uint32_t n = 0; n < FS_UNLOCK_WORDS; n++)
		wake(n);
}

/* ---- open file descriptions as owners ------------------------------------------------------- */

static void
description_free(struct description *d)
{
	if (lockset_drop(&locks, (int)(SH_PROCS + (d - descriptions)), 0, false))
		wake(d->ino);
	guard_put(d->guard);
	d->guard = 0;
	while (used && descriptions[used - 1].guard == 0)
		used--;
}

static bool
description_try(struct description *d)
{
	const volatile uint64_t *count = guard_holders(d->guard);

	if (count && (count[0] || count[1]))
		return false;
	description_free(d);
	return true;
}

static void
sweep(void)
{
	for (unsigned n = used; n-- > 0;)
		if (n < used && descriptions[n].guard)
			description_try(&descriptions[n]);
}

void
locks_sweep(void)
{
	if (due)
		sweep();
	due = false;
}

exo_guardref
lock_owner_guard(uint32_t number, uint32_t ino)
{
	const struct description *d = number - 1 < DESCRIPTIONS ? &descriptions[number - 1] : NULL;

	return d && d->ino == ino ? d->guard : 0;
}

static struct description *
description_new(const struct sh_proc *creator)
{
	struct description *spare = NULL;
	unsigned own = 0, user = 0, users = 0;

	for (unsigned n = 0; n < DESCRIPTIONS && !(n >= used && spare); n++) {
		const struct description *d = &descriptions[n];

		if (!d->guard) {
			spare = spare ? spare : &descriptions[n];
			continue;
		}
		own += d->creator == creator->pid;
		user += d->uid == creator->uid;
		users += d->uid != 0;
	}
	if (own >= DESCRIPTIONS_PROC ||
		(creator->uid && (user >= DESCRIPTIONS_USER || users >= DESCRIPTIONS_USERS)))
		return NULL;
	return spare;
}

static uint32_t
rights_of(const struct request *r, const struct fs_inode *node, uint64_t slot)
{
	uint32_t rights = 0;

	for (uint32_t right = EXO_R; right <= EXO_X; right <<= 1)
		rights |= client_may_by(r, node, right, slot) ? right : 0;
	return rights;
}

static long
description_request(struct request *r)
{
	static uint64_t serial;
	struct exo_key entries[EXO_GUARD_KEYS] = {
		{ .len = 9, .rights = EXO_RIGHTS_ALL, .name = "l" }
	};
	const struct fs_inode *node = r->a >> 32 ? NULL : node_at((uint32_t)r->a);
	uint32_t rights = node ? rights_of(r, node, r->c) : 0;
	struct description *d = rights ? description_new(r->proc) : NULL;

	if (rights && !d) {
		sweep();
		d = description_new(r->proc);
	}
	if (!d)
		return node ? rights ? -ENOLCK : -EACCES : -ENOENT;
	serial++;
	__builtin_memcpy(entries[0].name + 1, &serial, 8);
	d->guard = guard_new(entries);
	if (d->guard == 0)
		return -ENOLCK;
	d->ino = (uint32_t)r->a;
	d->rights = rights;
	d->creator = r->proc->pid;
	d->uid = r->proc->uid;
	if (used < (unsigned)(d - descriptions) + 1)
		used = (unsigned)(d - descriptions) + 1;
	if (client_bind(r->env, (exo_slot)r->b, d->guard, EXO_R)) {
		description_free(d);
		return -EINVAL;
	}
	return d - descriptions + 1;
}

long
lock_owner_closed(uint64_t id)
{
	if (id == 0 || id > DESCRIPTIONS || descriptions[id - 1].guard == 0)
		return -EINVAL;
	return description_try(&descriptions[id - 1]) ? 0 : -EBUSY;
}

/* ---- one lock ------------------------------------------------------------------------------------- */

/* Who asks: -errno, or the owner's number. */
static long
owner_of(const struct request *r)
{
	uint32_t id = (uint32_t)r->e;
	const struct description *d = &descriptions[id - 1];

	if (id == 0)
		return r->proc - server_proc_table();
	if (id > DESCRIPTIONS || d->guard == 0 || d->ino != (uint32_t)r->a)
		return -EINVAL;
	if (!client_opens(r->env, (exo_slot)(r->e >> 32), d->guard, EXO_R))
		return -EACCES;
	return (long)SH_PROCS + id - 1;
}

/* May that owner have such a lock, or ask about it?  The kernel is asked no more than that takes. */
static bool
permitted(const struct request *r, const struct fs_inode *node, const struct lock *want)
{
	const bool writes = want->type == LOCK_EXCLUSIVE && !want->whole &&
		!(r->b & LOCK_ASK_TEST);
	const uint32_t enough = writes ? EXO_W : EXO_R | EXO_W | EXO_X;

	if (want->type == LOCK_NONE && !(r->b & LOCK_ASK_TEST))
		return true;
	if (want->owner >= SH_PROCS)
		return descriptions[want->owner - SH_PROCS].rights & enough;
	for (uint32_t right = EXO_R; right <= EXO_X; right <<= 1)
		if (enough & right && client_may_by(r, node, right, r->e >> 32))
			return true;
	return false;
}

/*
 * Would the caller wait for somebody who waits for him?  Each step asks again
 * who is in the way: what was in the way when that one asked may be gone.
 */
static bool
deadlock(uint32_t self, const struct lock *in_the_way)
{
	for (unsigned n = 0; n < DEADLOCK_STEPS && in_the_way; n++) {
		const struct lock *w;

		if (in_the_way->owner == self)
			return true;
		if (in_the_way->owner >= SH_PROCS)
			return false;
		w = &wanted[in_the_way->owner];
		in_the_way = w->type == LOCK_NONE ? NULL : lockset_conflict(&locks, w);
	}
	return false;
}

/* A whole-file lock is not converted: the old one goes, then the new one is asked for. */
static bool
whole_release(const struct lock *want)
{
	for (unsigned n = locks.bucket[want->ino % LOCK_BUCKETS]; n; n = locks.lock[n].next) {
		const struct lock *l = &locks.lock[n];

		if (l->ino != want->ino || !l->whole || l->owner != want->owner)
			continue;
		if (l->type == want->type)
			return true;
		lockset_set(&locks,
			&(struct lock){ .ino = want->ino,
				.owner = want->owner,
				.whole = true,
				.type = LOCK_NONE,
				.last = LOCK_END });
		wake(want->ino);
		return false;
	}
	return false;
}

static long
tell_conflict(struct request *r, const struct lock *l)
{
	if (!l)
		return LOCK_NONE;
	r->rdx = l->first;
	r->r8 = l->last;
	r->r9 = l->owner < SH_PROCS ? server_proc_table()[l->owner].pid : ~0ull;
	return l->type;
}

static long
lock_take(const struct request *r, const struct lock *want, uint32_t row)
{
	const struct lock *other;
	const bool had = locks.held[want->owner];

	if (want->whole && whole_release(want))
		return 0;
	other = want->type == LOCK_NONE ? NULL : lockset_conflict(&locks, want);
	if (other && r->b & LOCK_ASK_WAIT && want->owner == row) {
		/* Looked for before it counts as waiting: else it would meet itself. */
		if (deadlock(row, other))
			return -EDEADLK;
		wanted[row] = *want;
	}
	if (other)
		return -EAGAIN;
	if (!lockset_set(&locks, want))
		return -ENOLCK;
	/* A lock that was made smaller or weaker may let somebody in. */
	if (had)
		wake(want->ino);
	return 0;
}

static long
lock_request(struct request *r)
{
	const struct fs_inode *node = r->a >> 32 ? NULL : node_at((uint32_t)r->a);
	struct lock want = { .ino = (uint32_t)r->a, .type = (uint8_t)(r->b & LOCK_ASK_TYPE),
		.first = r->c, .last = r->d, .whole = r->b & LOCK_ASK_WHOLE,
		.uid = r->proc->uid };
	uint32_t row = (uint32_t)(r->proc - server_proc_table());
	long owner;

	wanted[row].type = LOCK_NONE;
	if (!node)
		return -ENOENT;
	if (want.type > LOCK_EXCLUSIVE || want.first > want.last || want.last > LOCK_END)
		return -EINVAL;
	if (want.whole && (want.first != 0 || want.last != LOCK_END || (uint32_t)r->e == 0))
		return -EINVAL;
	owner = owner_of(r);
	if (owner < 0)
		return owner;
	want.owner = (uint16_t)owner;
	if (r->b & LOCK_ASK_TEST)
		return tell_conflict(r,
			permitted(r, node, &want) ? lockset_conflict(&locks, &want) : NULL);
	return permitted(r, node, &want) ? lock_take(r, &want, row) : -EACCES;
}

/* ---- the ends --------------------------------------------------------------------------------------- */

void
locks_process_gone(const struct sh_proc *p)
{
	unsigned row = (unsigned)(p - server_proc_table());

	due = used != 0;
	wanted[row].type = LOCK_NONE;
	if (lockset_drop(&locks, (int)row, 0, false))
		wake_all();
}

void
locks_inode_gone(uint32_t ino)
{
	if (locks.count && lockset_drop(&locks, -1, ino, false))
		wake(ino);
}

long
lock_requests(struct request *r, uint32_t op)
{
	if (locks.unused == 0)
		lockset_init(&locks);
	switch (op) {
	case OP_LOCK: return lock_request(r);
	case OP_LOCK_OWNER: return description_request(r);
	case OP_LOCK_CLOSED: return lock_owner_closed(r->a);
	default: return -ENOSYS;
	}
}
