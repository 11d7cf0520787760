/* SPDX-License-Identifier: ISC */
// sources: exos/fs/dirblock.c
/* Directory blocks: against a list of names, and with blocks full of rubbish. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../exos/fs/dirblock.h"

#define NAMES 300u

static unsigned passed, failed;

static void
check(const char *name, bool good)
{
	printf(good ? "ok %s\n" : "FAIL %s: see the source\n", name);
	good ? passed++ : failed++;
}

static size_t
make_name(unsigned n, char *to)
{
	size_t bytes = 1 + n * 7919 % 40;

	memset(to, 'a' + (int)(n % 26), bytes);
	return bytes + (size_t)sprintf(to + bytes, "%u", n);
}

/* Entries cover the block without gaps, and no two free ones are neighbours. */
static bool
covered(const void *block)
{
	uint32_t offset = 0;
	bool free_before = false;

	while (offset < DIRBLOCK_BYTES) {
		const struct fs_dirent *e = dirblock_next(block, &offset);

		if (!e || (e->ino == 0 && free_before))
			return false;
		free_before = e->ino == 0;
	}
	return true;
}

static bool
agrees(const void *block, const bool *present)
{
	char name[64];

	for (unsigned n = 0; n < NAMES; n++) {
		size_t bytes = make_name(n, name);
		int at = dirblock_find(block, name, bytes, dir_hash(name, bytes));

		if ((at >= 0) != present[n])
			return false;
		if (at >= 0 && ((const struct fs_dirent *)((const char *)block + at))->ino != n + 1)
			return false;
	}
	return true;
}

static void
random_changes(void)
{
	uint64_t *block = malloc(DIRBLOCK_BYTES);
	bool present[NAMES] = { false }, good = true;
	char name[64];

	dirblock_init(block);
	srand(1);
	for (unsigned i = 0; i < 20000 && good; i++) {
		unsigned n = (unsigned)rand() % NAMES;
		size_t bytes = make_name(n, name);

		if (present[n]) {
			dirblock_remove(block,
				(uint32_t)dirblock_find(block, name, bytes, dir_hash(name, bytes)));
			present[n] = false;
		} else {
			present[n] = dirblock_insert(block, n + 1, 8, name, bytes) == 0;
		}
		good = covered(block) && (i % 16 || agrees(block, present));
	}
	check("names come and go, entries cover the block", good);
	free(block);
}

static void
longest_name(void)
{
	uint64_t *block = malloc(DIRBLOCK_BYTES);
	char name[FS_NAME_MAX];
	unsigned count = 0;

	memset(name, 'x', sizeof(name));
	dirblock_init(block);
	while (dirblock_insert(block, 1, 8, name, sizeof(name)) == 0)
		count++;
	check("the longest names fill a block",
		count == (DIRBLOCK_BYTES - DIRBLOCK_FIRST) / dirent_bytes(sizeof(name)));
	free(block);
}

/* A reader may meet anything: no step may leave the block or go on for ever. */
static void
rubbish(void)
{
	bool good = true;

	srand(2);
	for (unsigned round = 0; round < 20000; round++) {
		unsigned char *block = malloc(DIRBLOCK_BYTES);
		uint32_t offset = 0, steps = 0;

		dirblock_init(block);
		for (unsigned i = 0; i < 12; i++)
			dirblock_insert(block, i + 1, 4, "some name", 1 + i % 9);
		for (unsigned i = 0; i < 8; i++)
			block[(unsigned)rand() % (round % 2 ? 256 : DIRBLOCK_BYTES)] =
				(unsigned char)rand();
		while (dirblock_next(block, &offset))
			steps++;
		dirblock_find(block, "some nam", 8, dir_hash("some nam", 8));
		good &= steps <= DIRBLOCK_BYTES / 16 && offset <= DIRBLOCK_BYTES;
		free(block);
	}
	check("rubbish is walked through in bounds", good);
}

int
main(void)
{
	random_changes();
	longest_name();
	rubbish();
	printf("%u passed, %u failed\n", passed, failed);
	return failed != 0;
}
