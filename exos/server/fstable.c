/* SPDX-License-Identifier: ISC */
/*
 * The two tables in the shared region, inodes and metadata blocks: which
 * numbers are in use, and the frames behind them.
 *
 * Numbers are handed out unit by unit, the lowest first.  A unit of which none
 * is in use any more gives its frames back, but for a few that are kept for
 * what comes next: what somebody filled and emptied again is memory for all.
 * Where no frame is, readers find a page of zeroes, which is no inode and no
 * block of a map: whoever follows a number that has gone stale sees that.
 */
#include "fsnode.h"
#include "undo.h"

#define INODE_PAGES 5u
#define INODES_UNIT (INODE_PAGES * DIRBLOCK_BYTES / sizeof(struct fs_inode))
#define BLOCKS_UNIT 16u
#define INODE_UNITS (FS_INODES_MAX / INODES_UNIT)
#define BLOCK_UNITS (FS_BLOCKS_MAX / BLOCKS_UNIT)
#define KEPT_UNITS 4u			/* free numbers that keep their frames, in units */

_Static_assert(INODES_UNIT * sizeof(struct fs_inode) == INODE_PAGES * DIRBLOCK_BYTES,
	"whole inodes");
_Static_assert(INODES_UNIT % 16 == 0 && BLOCKS_UNIT % 16 == 0, "whole words of bits");

struct table {
	uint64_t offset;		/* in the shared region */
	uint32_t pages, count;		/* of a unit */
	uint32_t most, made;		/* units; units that there ever were */
	uint32_t hint;			/* no unit below it has room */
	uint32_t spare;			/* numbers that are free and have frames */
	uint16_t *units;		/* WORDS(count) of each */
};

/*
 * A unit's words: how many of its numbers are in use, BACKED if there are frames
 * behind them, and a bit for each number in use.  Together: a request finds
 * all of it in one page.
 */
#define BACKED 0x8000u
#define BITS 16u
#define WORDS(count) (1 + (count) / BITS)

static uint16_t inode_units[INODE_UNITS * WORDS(INODES_UNIT)];
static uint16_t block_units[BLOCK_UNITS * WORDS(BLOCKS_UNIT)];

static struct table inodes = { FS_INODE_OFF, INODE_PAGES, INODES_UNIT, INODE_UNITS, 0, 0, 0,
	inode_units };
static struct table blocks = { FS_BLOCK_OFF, BLOCKS_UNIT, BLOCKS_UNIT, BLOCK_UNITS, 0, 0, 0,
	block_units };

static uint16_t *
unit_words(const struct table *t, uint32_t unit)
{
	return t->units + (size_t)unit * WORDS(t->count);
}

static uint32_t
unit_used(const struct table *t, uint32_t unit)
{
	return *unit_words(t, unit) & ~BACKED;
}

static uint64_t
place_of(const struct table *t, uint32_t unit)
{
	return t->offset + (uint64_t)unit * t->pages * DIRBLOCK_BYTES;
}

static bool
unit_back(struct table *t, uint32_t unit)
{
	if (*unit_words(t, unit) & BACKED)
		return true;
	if (shared_back(place_of(t, unit), t->pages))
		return false;
	*unit_words(t, unit) |= BACKED;
	t->spare += t->count;
	return true;
}

/* ~0: no memory. */
static uint32_t
number_new(struct table *t)
{
	uint32_t unit = t->hint, n = 0;
	uint16_t *words;

	while (unit < t->made && unit_used(t, unit) == t->count)
		unit++;
	if (unit != t->hint)
		t->hint = unit;
	if (unit == t->most || !unit_back(t, unit))
		return ~0u;
	if (unit >= t->made)
		t->made = unit + 1;
	words = unit_words(t, unit);
	while (words[1 + n] == 0xffff)	/* bound: one of the unit is free */
		n++;
	words[0]++;
	t->spare--;
	words += 1 + n;
	n = unit * t->count + n * BITS + (uint32_t)__builtin_ctz(~*words);
	*words |= (uint16_t)(1u << n % BITS);
	return n;
}

static void
number_free(struct table *t, uint32_t n)
{
	const uint32_t unit = n / t->count;
	uint16_t *words = unit_words(t, unit);

	words[1 + n % t->count / BITS] &= (uint16_t)~(1u << n % BITS);
	words[0]--;
	t->spare++;
	if (unit < t->hint)
		t->hint = unit;
	if (unit_used(t, unit) || t->spare <= KEPT_UNITS * t->count)
		return;
	if (shared_unback(place_of(t, unit), t->pages) == 0) {
		*words &= (uint16_t)~BACKED;
		t->spare -= t->count;
	}
}

/* ---- inodes ------------------------------------------------------------------------------- */

uint32_t
slot_new(void)
{
	uint32_t ino = number_new(&inodes);

	if (ino == ~0u)
		return 0;
	if (ino >= fs_super->inodes) {
		fs_super->free_inodes += inodes.made * INODES_UNIT - fs_super->inodes;
		fs_super->inodes = inodes.made * INODES_UNIT;
	}
	fs_super->free_inodes--;
	return ino;
}

void
slot_free(uint32_t ino)
{
	number_free(&inodes, ino);
	fs_super->free_inodes++;
}

/* ---- metadata blocks -------------------------------------------------------------------------- */

void *
block_at(uint32_t block)
{
	return shared_at(FS_BLOCK_OFF + (uint64_t)block * DIRBLOCK_BYTES);
}

uint32_t
block_new(void)
{
	uint32_t block = number_new(&blocks);

	if (block == ~0u)
		return 0;
	fs_super->blocks = blocks.made * BLOCKS_UNIT;
	undo_zero(block_at(block), DIRBLOCK_BYTES);
	return block;
}

void
block_free(uint32_t block)
{
	undo_reuse();
	number_free(&blocks, block);
}

/* Number 0 of both means none: never free again. */
int
tables_boot(void)
{
	return number_new(&inodes) == 0 && number_new(&blocks) == 0 ? 0 : -ENOSPC;
}
