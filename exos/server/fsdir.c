/* SPDX-License-Identifier: ISC */
/*
 * Directories: blocks of entries (fs/dirblock.h) behind a block map.  A new
 * name goes to the first block that may have room, from `roomy` on: a block is
 * passed by when something did not fit and looked at again when something
 * leaves it.  `live` counts the bytes in use; a directory that was emptied keeps
 * its first block, for whoever makes and removes one file after the other.
 */
#include "fsnode.h"

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

	for (; dir->roomy < blocks; dir->roomy++)
		if (dirblock_insert(dir_block(dir, dir->roomy), ino, MODE_TYPE(mode), name, bytes)
			== 0)
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

struct dir_place
dir_find(const struct fs_inode *dir, const char *name, size_t bytes)
{
	const uint32_t hash = dir_hash(name, bytes);
	struct dir_place p = { NULL, NULL, 0 };

	for (; p.index < dir->size / DIRBLOCK_BYTES; p.index++) {
		int at;

		p.block = dir_block(dir, p.index);
		at = dirblock_find(p.block, name, bytes, hash);
		if (at < 0)
			continue;
		p.entry = (struct fs_dirent *)(p.block + at);
		return p;
	}
	return p;
}

void
dir_take(struct fs_inode *dir, struct dir_place p)
{
	uint64_t at;

	node_begin(dir);
	dir->live -= dirent_bytes(p.entry->name_bytes);
	dirblock_remove(p.block, (uint32_t)((char *)p.entry - p.block));
	if (p.index < dir->roomy)
		dir->roomy = p.index;
	if (dir->live == 0) {
		at = 1;
		if (dir->size > DIRBLOCK_BYTES)
			map_cut(dir, 1, &at, ~0u);	/* blocks alone, which are soon free */
		dir->size = DIRBLOCK_BYTES;
		dir->roomy = 0;
	}
	node_touch(dir);
	fs_super->seq++;
	node_end(dir);
}

void
dir_remove(struct fs_inode *dir, const char *name, size_t bytes)
{
	struct dir_place p = dir_find(dir, name, bytes);

	if (p.entry)
		dir_take(dir, p);
}

void
dir_point(struct fs_inode *dir, const char *name, size_t bytes, uint32_t ino, uint32_t mode)
{
	struct fs_dirent *e = dir_find(dir, name, bytes).entry;

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
