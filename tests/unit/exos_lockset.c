/* SPDX-License-Identifier: ISC */
// sources: exos/server/lockset.c
/*
 * Locks on files against a model that keeps a type for each byte, owner and
 * inode: random requests, then the same answer to every question.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../exos/server/lockset.h"

#define BYTES 24u			/* and a last place for all behind them */
#define OWNERS 5u
#define FILES 3u			/* two of them in one bucket */
#define STEPS 200000u

static struct lockset set;
static uint8_t model[FILES][2][OWNERS][BYTES + 1];
static const uint32_t ino[FILES] = { 7, 7 + LOCK_BUCKETS, 8 };
static unsigned passed, failed;

static void
check(const char *name, bool good)
{
	if (!good)
		printf("FAIL %s\n", name);
	good ? passed++ : failed++;
}

static uint32_t
draw(uint32_t below)
{
	static uint64_t state = 88172645463325252ull;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 33) % below;
}

static struct lock
any(unsigned file)
{
	struct lock l = { .ino = ino[file],
		.owner = (uint16_t)draw(OWNERS),
		.type = (uint8_t)draw(3),
		.whole = draw(4) == 0 };

	l.first = l.whole ? 0 : draw(BYTES);
	l.last = l.whole || draw(5) == 0 ? LOCK_END : l.first + draw(BYTES - (unsigned)l.first);
	return l;
}

static bool
model_conflict(unsigned file, const struct lock *l)
{
	for (unsigned o = 0; o < OWNERS; o++)
		for (uint64_t b = l->first; b <= BYTES && b <= l->last; b++) {
			uint8_t type = model[file][l->whole][o][b];

			if (o != l->owner && type &&
				(type == LOCK_EXCLUSIVE || l->type == LOCK_EXCLUSIVE))
				return true;
		}
	return false;
}

/* Locks of one owner neither overlap nor could be one; the counts are true. */
static bool
tidy(void)
{
	uint32_t count = 0, held[OWNERS] = { 0 };

	for (unsigned b = 0; b < LOCK_BUCKETS; b++)
		for (unsigned n = set.bucket[b]; n; n = set.lock[n].next, count++) {
			const struct lock *l = &set.lock[n];

			held[l->owner]++;
			if (l->first > l->last || l->type == LOCK_NONE ||
				l->ino % LOCK_BUCKETS != b)
				return false;
			for (unsigned m = l->next; m; m = set.lock[m].next) {
				const struct lock *k = &set.lock[m];
				bool apart = k->last < l->first || l->last < k->first;
				bool near = k->last + 1 == l->first || l->last + 1 == k->first;

				if (k->ino == l->ino && k->whole == l->whole && k->owner == l->owner
					&& (!apart || (near && k->type == l->type)))
					return false;
			}
		}
	for (unsigned o = 0; o < OWNERS; o++)
		if (held[o] != set.held[o])
			return false;
	return count == set.count;
}

static void
step(void)
{
	unsigned file = draw(FILES);
	struct lock l = any(file);

	if (draw(40) == 0) {
		unsigned what = draw(3);

		lockset_drop(&set, what == 2 ? -1 : l.owner, what ? l.ino : 0, what == 1);
		for (unsigned f = 0; f < FILES; f++)
			for (unsigned o = 0; o < OWNERS; o++)
				for (unsigned whole = 0; whole < 2; whole++)
					if ((what == 2 || o == l.owner) && (!what || f == file) &&
						!(what == 1 && whole))
						memset(model[f][whole][o], 0, BYTES + 1);
	} else if (!model_conflict(file, &l)) {
		lockset_set(&set, &l);
		for (uint64_t b = l.first; b <= BYTES && b <= l.last; b++)
			model[file][l.whole][l.owner][b] = l.type;
	}
}

static void
against_model(void)
{
	bool same = true, good = true;

	lockset_init(&set);
	for (unsigned n = 0; n < STEPS && same && good; n++) {
		unsigned file = draw(FILES);
		struct lock l;

		step();
		l = any(file);
		if (l.type)
			same = model_conflict(file, &l) == (lockset_conflict(&set, &l) != NULL);
		good = n % 16 || tidy();
	}
	check("answers as the model", same);
	check("no two locks that are one", good);
}

static void
bounds(void)
{
	struct lock l = { .ino = 5, .type = LOCK_SHARED };
	unsigned owners = LOCKS_MAX / LOCKS_OWNER + 2, taken = 0;
	bool refused = false;

	lockset_init(&set);
	for (unsigned o = 0; o < owners; o++) {
		bool room = true;

		l.owner = (uint16_t)o;
		for (unsigned n = 0; n < LOCKS_MAX && room; n++) {
			l.first = l.last = 2ull * n;
			room = lockset_set(&set, &l);
			taken += room;
		}
		refused |= !room;
	}
	check("locks run out",
		refused && taken <= LOCKS_MAX && taken + 2 * owners >= LOCKS_MAX &&
			taken == set.count);
	l = (struct lock){ .ino = 5, .owner = 0, .type = LOCK_NONE, .last = LOCK_END };
	check("with none left everything can be let go of",
		lockset_set(&set, &l) && set.held[0] == 0);
	check("an inode's locks go with it", lockset_drop(&set, -1, 5, false) && set.count == 0);
	l = (struct lock){ .ino = 5,
		.owner = 1,
		.type = LOCK_EXCLUSIVE,
		.first = LOCK_END,
		.last = LOCK_END };
	check("the last byte", lockset_set(&set, &l) && set.count == 1);
}

/* One user's, in many owners, leave some for others, and all users' some for root. */
static unsigned
take(uint32_t uid, uint16_t owner)
{
	unsigned n = 0;

	for (; n < 1100; n++)
		if (!lockset_set(&set,
			    &(struct lock){ .ino = 100u + owner,
				    .uid = uid,
				    .owner = owner,
				    .type = LOCK_SHARED,
				    .first = n * 2,
				    .last = n * 2 }))
			break;
	return n;
}

static unsigned
take_many(uint32_t uid, uint16_t owner)
{
	unsigned n = 0;

	for (uint16_t o = 0; o < 8; o++)
		n += take(uid, (uint16_t)(owner + o));
	return n;
}

static void
users(void)
{
	unsigned first, second, root;

	lockset_init(&set);
	first = take_many(1, 0);
	check("a user's", first > LOCKS_USER - 4 && first <= LOCKS_USER);
	second = take_many(2, 20);
	check("users'", second > 1000 && first + second > LOCKS_USERS - 4 &&
			first + second <= LOCKS_USERS);
	root = take_many(0, 40);
	check("root's", root >= LOCKS_MAX - LOCKS_USERS - 2);
	for (uint16_t o = 0; o < 8; o++)
		lockset_drop(&set, o, 0, false);
	check("given back", take(2, 60) > 0 && take(1, 61) > 0);
}

int
main(void)
{
	against_model();
	bounds();
	users();
	printf("exos_lockset: %u passed, %u failed\n", passed, failed);
	return failed != 0;
}
