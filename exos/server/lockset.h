/* SPDX-License-Identifier: ISC */
/*
 * Locks on files: who has which bytes of which inode.  Pure, and of a fixed
 * size: what does not fit is refused, with nothing changed.
 *
 * Two families live beside each other and never meet: ranges (fcntl, whoever
 * the owner is) and whole files (flock).  The locks that one owner has on one
 * inode in one family never overlap, and neighbours of the same type are one.
 */
#ifndef EXOS_LOCKSET_H
#define EXOS_LOCKSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOCKS_MAX 4096u			/* of all */
#define LOCKS_OWNER 1024u		/* of one owner */
#define LOCKS_USER (LOCKS_MAX / 2)	/* of one user, but for root */
#define LOCKS_USERS (LOCKS_MAX - 512)	/* of all of them */
#define LOCK_DESCRIPTIONS 896u
#define LOCK_OWNERS (1024u + LOCK_DESCRIPTIONS)	/* processes, then open file descriptions */
#define LOCK_BUCKETS 64u
#define LOCK_END (~0ull >> 1)		/* the last byte there can be */

enum lock_type { LOCK_NONE, LOCK_SHARED, LOCK_EXCLUSIVE };

struct lock {
	uint64_t first, last;		/* bytes, both inclusive */
	uint32_t ino;
	uint32_t uid;			/* whose it is, as far as room is concerned */
	uint16_t owner;
	uint8_t type;			/* enum lock_type; NONE: asked to unlock; nobody's */
	bool whole;			/* the flock family */
	uint16_t next;			/* in its bucket, or of the free ones; 0: the last */
};

struct lockset {
	struct lock lock[LOCKS_MAX + 1];	/* 0 is never used */
	uint16_t bucket[LOCK_BUCKETS];
	uint16_t held[LOCK_OWNERS];	/* locks of each owner */
	uint16_t free, unused;		/* chain of freed ones; the next that never was used */
	uint32_t count, users;		/* users: of them, not root's */
};

void lockset_init(struct lockset *s);
/* A lock of another owner's that stands in the way of this one; NULL: none. */
const struct lock *lockset_conflict(const struct lockset *s, const struct lock *want);
/* Give the owner this type on these bytes, whatever it had there; no look at others.  False: no room. */
bool lockset_set(struct lockset *s, const struct lock *want);
/* All of an owner, in all inodes or (ino) in one, in one family or both; or (owner < 0) all of an inode.
 * True: there were some. */
bool lockset_drop(struct lockset *s, int owner, uint32_t ino, bool ranges_only);

#endif
