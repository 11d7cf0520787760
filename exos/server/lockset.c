/* SPDX-License-Identifier: ISC */
/* Locks on files: a chain for each bucket of inodes, searched whole; no chain is longer than LOCKS_MAX. */
#include "lockset.h"

void
lockset_init(struct lockset *s)
{
	__builtin_memset(s, 0, sizeof(*s));
	s->unused = 1;
}

static bool
same_file(const struct lock *a, const struct lock *b)
{
	return a->ino == b->ino && a->whole == b->whole;
}

static bool
overlap(const struct lock *a, const struct lock *b)
{
	return a->first <= b->last && b->first <= a->last;
}

/* Overlapping, or nothing between them. */
static bool
touch(const struct lock *a, const struct lock *b)
{
	return (a->first == 0 || a->first - 1 <= b->last) &&
		(b->first == 0 || b->first - 1 <= a->last);
}

const struct lock *
lockset_conflict(const struct lockset *s, const struct lock *want)
{
	for (unsigned n = s->bucket[want->ino % LOCK_BUCKETS]; n; n = s->lock[n].next) {
		const struct lock *l = &s->lock[n];

		if (same_file(l, want) && l->owner != want->owner && overlap(l, want) &&
			(l->type == LOCK_EXCLUSIVE || want->type == LOCK_EXCLUSIVE))
			return l;
	}
	return NULL;
}

/* The caller has seen to it that there is room. */
static void
add(struct lockset *s, const struct lock *l)
{
	uint16_t *head = &s->bucket[l->ino % LOCK_BUCKETS], n = s->free;

	if (n)
		s->free = s->lock[n].next;
	else
		n = s->unused++;
	s->lock[n] = *l;
	s->lock[n].next = *head;
	*head = n;
	s->held[l->owner]++;
	s->count++;
	s->users += l->uid != 0;
}

/* *link names it; afterwards *link names the one behind it. */
static void
take_out(struct lockset *s, uint16_t *link)
{
	uint16_t n = *link;

	*link = s->lock[n].next;
	s->lock[n].next = s->free;
	s->free = n;
	s->lock[n].type = LOCK_NONE;
	s->held[s->lock[n].owner]--;
	s->count--;
	s->users -= s->lock[n].uid != 0;
}

static uint32_t
of_user(const struct lockset *s, uint32_t uid)
{
	uint32_t count = 0;

	for (unsigned n = 1; n < s->unused; n++)
		count += s->lock[n].type != LOCK_NONE && s->lock[n].uid == uid;
	return count;
}

/* For two more; a user's are counted when there are so many that it matters. */
static bool
has_room(const struct lockset *s, const struct lock *want)
{
	if (s->count + 2 > LOCKS_MAX || s->held[want->owner] + 2u > LOCKS_OWNER)
		return false;
	return want->uid == 0 ||
		(s->users + 2 <= LOCKS_USERS &&
			(s->users + 2 <= LOCKS_USER || of_user(s, want->uid) + 2 <= LOCKS_USER));
}

/* What is left of a lock when the bytes of `cut` are taken out of it.  True: nothing. */
static bool
cut_out(struct lockset *s, struct lock *l, const struct lock *cut)
{
	if (l->first < cut->first && l->last > cut->last) {
		struct lock behind = *l;

		behind.first = cut->last + 1;
		l->last = cut->first - 1;
		add(s, &behind);	/* at the head of the chain: not met again */
		return false;
	}
	if (l->first < cut->first) {
		l->last = cut->first - 1;
		return false;
	}
	if (l->last > cut->last) {
		l->first = cut->last + 1;
		return false;
	}
	return true;
}

/* At most two locks more than before: the one asked for, and the second half of one that it splits. */
bool
lockset_set(struct lockset *s, const struct lock *want)
{
	struct lock now = *want;
	uint16_t *link = &s->bucket[want->ino % LOCK_BUCKETS];

	/* Letting go of everything takes no room. */
	if (!has_room(s, want) &&
		(want->type != LOCK_NONE || want->first != 0 || want->last != LOCK_END))
		return false;

	while (*link) {
		struct lock *l = &s->lock[*link];
		bool gone = false;

		if (same_file(l, want) && l->owner == want->owner) {
			if (l->type == want->type && touch(l, &now)) {
				now.first = l->first < now.first ? l->first : now.first;
				now.last = l->last > now.last ? l->last : now.last;
				gone = true;
			} else if (l->type != want->type && overlap(l, want)) {
				gone = cut_out(s, l, want);
			}
		}
		if (!gone)
			link = &l->next;
		else
			take_out(s, link);
	}
	if (want->type != LOCK_NONE)
		add(s, &now);
	return true;
}

bool
lockset_drop(struct lockset *s, int owner, uint32_t ino, bool ranges_only)
{
	unsigned first = ino ? ino % LOCK_BUCKETS : 0, last = ino ? first : LOCK_BUCKETS - 1;
	uint32_t before = s->count;

	if (owner >= 0 && s->held[owner] == 0)
		return false;
	for (unsigned b = first; b <= last; b++)
		for (uint16_t *link = &s->bucket[b]; *link;) {
			const struct lock *l = &s->lock[*link];

			if ((owner < 0 || l->owner == owner) && (!ino || l->ino == ino) &&
				!(ranges_only && l->whole))
				take_out(s, link);
			else
				link = &s->lock[*link].next;
		}
	return s->count != before;
}
