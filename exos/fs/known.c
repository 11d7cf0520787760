/* SPDX-License-Identifier: ISC */
/* What known.h says: a small table, in memory that is empty again whenever the library lets go of it. */
#include "known.h"

#define ROWS 16u
#define NAME_BYTES 64u

static struct table {
	u64 seq;			/* all rows are of that count */
	u32 hash[ROWS];			/* 0: nothing there */
	struct row {
		u64 word[KNOWN_WORDS];
		u32 start, root, flags, words;
		u32 dir, ino;
		u8 name_bytes, last;
		bool slash;
		char name[NAME_BYTES];
	} row[ROWS];
} table TRANSIENT __attribute__((aligned(EXO_PAGE_BYTES)));
_Static_assert(sizeof(struct table) <= EXO_PAGE_BYTES, "one page to be had and lost");

#define LOW_BITS 0x0101010101010101ull
#define HIGH_BITS 0x8080808080808080ull

/* The bits of the first zero byte and those behind it, or 0. */
static u64
from_zero(u64 word)
{
	u64 zeroes = (word - LOW_BITS) & ~word & HIGH_BITS;

	return zeroes ? ~((zeroes & -zeroes) / 0x80 - 1) : 0;
}

bool
known_path(struct known_path *k, u64 seq, u32 start, u32 root, u32 flags, const char *path)
{
	u64 hash = start * 0x9e3779b97f4a7c15ull + flags, end = 0;

	/* Words in place do not reach into a page where the text is not. */
	if ((u64)path % sizeof(u64))
		return false;
	for (k->words = 0; !end; k->words++) {
		u64 word;

		if (k->words == KNOWN_WORDS)
			return false;
		__builtin_memcpy(&word, path + k->words * sizeof(word), sizeof(word));
		end = from_zero(word);
		k->word[k->words] = word &= ~end;
		hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
	}
	k->seq = seq;
	k->hash = (u32)(hash >> 32) | 1;
	k->start = start;
	k->root = root;
	k->flags = flags;
	return true;
}

static bool
is(const struct row *row, const struct known_path *k)
{
	if (row->start != k->start || row->root != k->root || row->flags != k->flags ||
		row->words != k->words)
		return false;
	for (u32 n = 0; n < k->words; n++)
		if (row->word[n] != k->word[n])
			return false;
	return true;
}

bool
known_find(const struct known_path *k, struct place *at)
{
	const u32 which = k->hash / 2 % ROWS;
	const struct row *row = &table.row[which];

	if (table.seq != k->seq) {
		known_forget();
		table.seq = k->seq;
	}
	if (table.hash[which] != k->hash || !is(row, k))
		return false;
	at->dir = row->dir;
	at->ino = row->ino;
	at->slash = row->slash;
	at->last = row->last;
	at->name_bytes = row->name_bytes;
	__builtin_memcpy(at->name, row->name, row->name_bytes + 1u);
	return true;
}

void
known_add(const struct known_path *k, const struct place *at)
{
	const u32 which = k->hash / 2 % ROWS;
	struct row *row = &table.row[which];

	if (table.seq != k->seq || at->name_bytes >= NAME_BYTES)
		return;
	table.hash[which] = k->hash;
	__builtin_memcpy(row->word, k->word, k->words * sizeof(k->word[0]));
	row->words = k->words;
	row->start = k->start;
	row->root = k->root;
	row->flags = k->flags;
	row->dir = at->dir;
	row->ino = at->ino;
	row->slash = at->slash;
	row->last = at->last;
	row->name_bytes = (u8)at->name_bytes;
	if (at->name_bytes)
		__builtin_memcpy(row->name, at->name, at->name_bytes);
	row->name[at->name_bytes] = '\0';
}

void
known_forget(void)
{
	__builtin_memset(table.hash, 0, sizeof(table.hash));
}
