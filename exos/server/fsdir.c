/* SPDX-License-Identifier: ISC */
/*
 * Directories: blocks of entries (fs/dirblock.h) behind a block map.  `live`
 * counts the bytes in use, so that a new name goes to the last block unless
 * enough room was given back in front of it.
 */
#include "fsnode.h"

#define ROOMY(dir) ((dir)->size - (dir)->live > (dir)->size / 4 + DIRBLOCK_BYTES)

static void *
dir_block(const struct fs_inode *dir, uint64_t index)
{
	return block_at((uint32_t)map_get(dir, index));
}

static int
dir_grow(struct fs_inode *dir)
{
	uint32_t block = block_new();
	int error;

	if (block == 0)
		return -ENOSPC;
	dirblock_init(block_at(block));
	error = map_set(dir, dir->size / DIRBLOCK_BYTES, block);
	if (error) {
		block_free(block);
		return error;
	}
	dir->size += DIRBLOCK_BYTES;
	return 0;
}

static bool
insert_somewhere(struct fs_inode *dir, uint32_t ino, uint32_t mode, const char *name, size_t bytes)
{
	uint64_t blocks = dir->size / DIRBLOCK_BYTES;
	uint64_t from = blocks && !ROOMY(dir) ? blocks - 1 : 0;

	for (uint64_t i = from; i < blocks; i++)
		if (dirblock_insert(dir_block(dir, i), ino, MODE_TYPE(mode), name, bytes) == 0)
			return true;
	return false;
}

int
dir_add(struct fs_inode *dir, uint32_t ino, uint32_t mode, const char *name, size_t bytes)
{
	int error = 0;

	node_begin(dir);
	if (!insert_somewhere(dir, ino, mode, name, bytes)) {
		error = dir_grow(dir);
		if (!error)
			insert_somewhere(dir, ino, mode, name, bytes);
	}
	if (!error) {
		dir->live += dirent_bytes(bytes);
		node_touch(dir);
		fs_super->seq++;
	}
	node_end(dir);
	return error;
}

/* The entry and its block; NULL: no such name. */
static struct fs_dirent *
dir_entry(const struct fs_inode *dir, const char *name, size_t bytes, void **block)
{
	uint32_t hash = dir_hash(name, bytes);

	for (uint64_t i = 0; i < dir->size / DIRBLOCK_BYTES; i++) {
		int at;

		*block = dir_block(dir, i);
		at = dirblock_find(*block, name, bytes, hash);
		if (at >= 0)
			return (struct fs_dirent *)((char *)*block + at);
	}
	return NULL;
}

void
dir_remove(struct fs_inode *dir, const char *name, size_t bytes)
{
	void *block;
	struct fs_dirent *e = dir_entry(dir, name, bytes, &block);

	if (!e)
		return;
	node_begin(dir);
	dirblock_remove(block, (uint32_t)((char *)e - (char *)block));
	dir->live -= dirent_bytes(bytes);
	node_touch(dir);
	fs_super->seq++;
	node_end(dir);
}

void
dir_point(struct fs_inode *dir, const char *name, size_t bytes, uint32_t ino, uint32_t mode)
{
	void *block;
	struct fs_dirent *e = dir_entry(dir, name, bytes, &block);

	if (!e)
		return;
	node_begin(dir);
	e->ino = ino;
	e->type = MODE_TYPE(mode);
	node_touch(dir);
	fs_super->seq++;
	node_end(dir);
}

bool
dir_empty(const struct fs_inode *dir)
{
	return dir->live == 0;
}
