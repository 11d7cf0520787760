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

#define INODE_PAGES 5u
#define INODES_UNIT (INODE_PAGES * DIRBLOCK_BYTES / sizeof(struct fs_inode))
#define BLOCKS_UNIT 16u
#define INODE_UNITS (FS_INODES_MAX / INODES_UNIT)
#define BLOCK_UNITS (FS_BLOCKS_MAX / BLOCKS_UNIT)
#define KEPT_UNITS 4u			/* free numbers that keep their frames, in units */

_Static_assert(INODES_UNIT * sizeof(struct fs_inode) == INODE_PAGES * DIRBLOCK_BYTES,
	"whole inodes");
_Static_assert(INODES_UNIT <= 255, "counted in a byte");

struct table {
	uint64_t offset;		/* in the shared region */
	uint32_t pages, count;		/* of a unit */
	uint32_t most, made;		/* units; units that there ever were */
	uint32_t hint;			/* no unit below it has room */
	uint32_t spare;			/* numbers that are free and have frames */
	uint8_t *used;			/* numbers in use, by unit */
	bool *backed;			/* by unit */
	uint64_t *bits;			/* in use, by number */
};

static uint8_t inode_used[INODE_UNITS], block_used[BLOCK_UNITS];
static bool inode_backed[INODE_UNITS], block_backed[BLOCK_UNITS];
static uint64_t inode_bits[FS_INODES_MAX / 64 + 1], block_bits[FS_BLOCKS_MAX / 64 + 1];

static struct table inodes = { FS_INODE_OFF, INODE_PAGES, INODES_UNIT, INODE_UNITS, 0, 0, 0,
	inode_used, inode_backed, inode_bits };
static struct table blocks = { FS_BLOCK_OFF, BLOCKS_UNIT, BLOCKS_UNIT, BLOCK_UNITS, 0, 0, 0,
	block_used, block_backed, block_bits };

static uint64_t
place_of(const struct table *t, uint32_t unit)
{
	return t->offset + (uint64_t)unit * t->pages * DIRBLOCK_BYTES;
}

static bool
unit_back(struct table *t, uint32_t unit)
{
	if (t->backed[unit])
		return true;
	if (shared_back(place_of(t, unit), t->pages))
		return false;
	t->backed[unit] = true;
	t->spare += t->count;
	return true;
}

/* ~0: no memory. */
static uint32_t
number_new(struct table *t)
{
	uint32_t unit = t->hint;

	while (unit < t->made && t->used[unit] == t->count)
		unit++;
	t->hint = unit;
	if (unit == t->most || !unit_back(t, unit))
		return ~0u;
	t->made = unit < t->made ? t->made : unit + 1;
	for (uint32_t n = unit * t->count;; n++) {	/* bound: one of the unit is free */
		const uint64_t word = t->bits[n / 64];

		if (word >> (n % 64) & 1) {
			n |= word == ~0ull ? 63 : 0;
			continue;
		}
		t->bits[n / 64] |= 1ull << (n % 64);
		t->used[unit]++;
		t->spare--;
		return n;
	}
}

static void
number_free(struct table *t, uint32_t n)
{
	const uint32_t unit = n / t->count;

	t->bits[n / 64] &= ~(1ull << (n % 64));
	t->spare++;
	t->hint = unit < t->hint ? unit : t->hint;
	if (--t->used[unit] || t->spare <= KEPT_UNITS * t->count)
		return;
	if (shared_unback(place_of(t, unit), t->pages) == 0) {
		t->backed[unit] = false;
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
	__builtin_memset(block_at(block), 0, DIRBLOCK_BYTES);
	return block;
}

void
block_free(uint32_t block)
{
	number_free(&blocks, block);
}

/* Number 0 of both means none: never free again. */
int
tables_boot(void)
{
	return number_new(&inodes) == 0 && number_new(&blocks) == 0 ? 0 : -ENOSPC;
}
