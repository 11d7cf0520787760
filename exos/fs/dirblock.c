/* SPDX-License-Identifier: ISC */
/*
 * Directory blocks.  Behind a filter, which says of most names that are not in
 * the block that they are not, entries cover it without gaps; neighbouring
 * free ones are joined.
 */
#include <stdbool.h>
#include "dirblock.h"

#define HEADER (offsetof(struct fs_dirent, name))
#define SMALLEST 16u
#define FILTER_BITS (DIRBLOCK_FIRST * 8u)

uint32_t
dir_hash(const char *name, size_t bytes)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < bytes; i++)
		hash = (hash ^ (uint8_t)name[i]) * 16777619u;
	return hash;
}

uint32_t
dirent_bytes(size_t name_bytes)
{
	return (uint32_t)(HEADER + name_bytes + 7) & ~7u;
}

const struct fs_dirent *
dirblock_next(const void *block, uint32_t *offset)
{
	uint32_t at = *offset < DIRBLOCK_FIRST ? DIRBLOCK_FIRST : *offset;
	const struct fs_dirent *e;
	uint32_t bytes;

	if (at > DIRBLOCK_BYTES - SMALLEST || at % 8)
		return NULL;
	e = (const struct fs_dirent *)((const char *)block + at);
	bytes = *(const volatile uint16_t *)&e->bytes;
	if (bytes < SMALLEST || bytes % 8 || bytes > DIRBLOCK_BYTES - at)
		return NULL;
	if (e->ino && HEADER + *(const volatile uint8_t *)&e->name_bytes > bytes)
		return NULL;
	*offset = at + bytes;
	return e;
}

/* memcmp of at most 255 bytes that lie in the block whatever name_bytes becomes. */
static int
names_equal(const struct fs_dirent *e, const char *name, size_t bytes)
{
	return e->name_bytes == bytes && __builtin_memcmp(e->name, name, bytes) == 0;
}

/* Two bits stand for a name. */
static bool
may_have(const uint64_t *filter, uint32_t hash)
{
	const uint32_t a = hash % FILTER_BITS, b = (hash >> 16) % FILTER_BITS;

	return filter[a / 64] >> (a % 64) & 1 && filter[b / 64] >> (b % 64) & 1;
}

static void
filter_add(uint64_t *filter, uint32_t hash)
{
	const uint32_t a = hash % FILTER_BITS, b = (hash >> 16) % FILTER_BITS;

	filter[a / 64] |= 1ull << (a % 64);
	filter[b / 64] |= 1ull << (b % 64);
}

static void
filter_renew(void *block)
{
	uint32_t offset = 0;
	const struct fs_dirent *e;

	__builtin_memset(block, 0, DIRBLOCK_FIRST);
	while ((e = dirblock_next(block, &offset)) != NULL)
		if (e->ino)
			filter_add(block, e->hash);
}

int
dirblock_find(const void *block, const char *name, size_t bytes, uint32_t hash)
{
	uint32_t offset = DIRBLOCK_FIRST, here = DIRBLOCK_FIRST;
	const struct fs_dirent *e;

	if (!may_have(block, hash))
		return -1;

	while ((e = dirblock_next(block, &offset)) != NULL) {	/* bound: 256 entries */
		if (e->ino && e->hash == hash && HEADER + bytes <= DIRBLOCK_BYTES - here
			&& names_equal(e, name, bytes))
			return (int)here;
		here = offset;
	}
	return -1;
}

static struct fs_dirent *
entry_at(void *block, uint32_t offset)
{
	return (struct fs_dirent *)((char *)block + offset);
}

static void
make_free(void *block, uint32_t offset, uint32_t bytes)
{
	struct fs_dirent *e = entry_at(block, offset);

	e->ino = 0;
	e->bytes = (uint16_t)bytes;
	e->name_bytes = e->type = 0;
	e->hash = 0;
}

void
dirblock_init(void *block)
{
	__builtin_memset(block, 0, DIRBLOCK_FIRST);
	make_free(block, DIRBLOCK_FIRST, DIRBLOCK_BYTES - DIRBLOCK_FIRST);
}

static void
fill(struct fs_dirent *e, uint32_t ino, uint8_t type, const char *name, size_t bytes)
{
	e->name_bytes = (uint8_t)bytes;
	e->type = type;
	e->hash = dir_hash(name, bytes);
	__builtin_memcpy(e->name, name, bytes);
	e->ino = ino;
}

int
dirblock_insert(void *block, uint32_t ino, uint8_t type, const char *name, size_t bytes)
{
	uint32_t need = dirent_bytes(bytes), offset = DIRBLOCK_FIRST, here = DIRBLOCK_FIRST;
	const struct fs_dirent *free;

	while ((free = dirblock_next(block, &offset)) != NULL) {
		if (free->ino == 0 && free->bytes >= need)
			break;
		here = offset;
	}
	if (!free)
		return -1;

	if (free->bytes - need >= SMALLEST) {
		make_free(block, here + need, free->bytes - need);
		entry_at(block, here)->bytes = (uint16_t)need;
	}
	fill(entry_at(block, here), ino, type, name, bytes);
	filter_add(block, entry_at(block, here)->hash);
	return 0;
}

void
dirblock_remove(void *block, uint32_t offset)
{
	uint32_t at = DIRBLOCK_FIRST, before = 0, bytes = entry_at(block, offset)->bytes;
	const struct fs_dirent *previous = NULL, *e;

	while (at < offset && (e = dirblock_next(block, &at)) != NULL) {
		previous = e;
		before = at - e->bytes;
	}
	at = offset + bytes;
	e = dirblock_next(block, &at);
	if (e && e->ino == 0)
		bytes += e->bytes;
	if (previous && previous->ino == 0) {
		bytes += previous->bytes;
		offset = before;
	}
	make_free(block, offset, bytes);
	filter_renew(block);
}
