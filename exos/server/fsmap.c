/* SPDX-License-Identifier: ISC */
/*
 * Block maps: a tree of metadata blocks with 512 numbers each, as deep as the
 * highest page needs (fsmeta.h).  Regular files have frames for leaves,
 * directories and long links metadata blocks.
 */
#include "fsnode.h"

#define DEPTH(node) ((unsigned)(node)->depth)
#define SHIFT 9
#define RUN_MAX 64u

uint64_t
map_get(const struct fs_inode *node, uint64_t index)
{
	return meta_leaf(&fs_meta, node->map, node->depth, index);
}

/* One level more on top. */
static int
deepen(struct fs_inode *node)
{
	uint32_t block;

	if (node->depth == FS_DEPTH_MAX)
		return -EFBIG;
	block = block_new();
	if (block == 0)
		return -ENOSPC;
	*(uint64_t *)block_at(block) = node->map;
	node->map = block;
	node->depth++;
	return 0;
}

/* The word for a leaf, with the map blocks on the way; NULL: no memory.  Depth at least 1. */
static uint64_t *
leaf_word(struct fs_inode *node, uint64_t index)
{
	uint32_t block = node->map;

	for (unsigned level = DEPTH(node) - 1;; level--) {	/* bound: FS_DEPTH_MAX */
		uint64_t *word = (uint64_t *)block_at(block)
			+ (index >> (SHIFT * level) & (FS_MAP_ENTRIES - 1));

		if (level == 0)
			return word;
		if (*word == 0)
			*word = block_new();
		if (*word == 0)
			return NULL;
		block = (uint32_t)*word;
	}
}

int
map_set(struct fs_inode *node, uint64_t index, uint64_t leaf)
{
	uint64_t *word;

	if (index >> (SHIFT * FS_DEPTH_MAX))
		return -EFBIG;
	while (index >> (SHIFT * DEPTH(node))) {
		int error = deepen(node);

		if (error)
			return error;
	}
	if (node->depth == 0) {
		node->blocks += (leaf != 0) - (node->map != 0);
		node->map = (uint32_t)leaf;
		return 0;
	}
	word = leaf_word(node, index);
	if (!word)
		return -ENOSPC;
	node->blocks += (leaf != 0) - (*word != 0);
	*word = leaf;
	return 0;
}

bool
map_next(const struct fs_inode *node, uint64_t *index, uint64_t *leaf)
{
	uint64_t at = *index;

	if (node->depth == 0) {
		*leaf = node->map;
		return at == 0 && node->map;
	}
	while (at >> (SHIFT * DEPTH(node)) == 0) {
		uint32_t block = node->map;
		unsigned level = DEPTH(node) - 1;
		uint64_t number;

		for (;; level--) {
			number = ((uint64_t *)block_at(
				block))[at >> (SHIFT * level) & (FS_MAP_ENTRIES - 1)];
			if (number == 0 || level == 0)
				break;
			block = (uint32_t)number;
		}
		if (number) {
			*index = at;
			*leaf = number;
			return true;
		}
		at = ((at >> (SHIFT * level)) + 1) << (SHIFT * level);	/* over the absent subtree */
	}
	return false;
}

static void
leaf_release(const struct fs_inode *node, uint64_t first, uint64_t count)
{
	if (S_ISREG(node->mode) || node->flags & FS_NODE_FRAMES) {
		mem_release(first, count);
		fs_super->data_frames -= count;
		return;
	}
	for (uint64_t i = 0; i < count; i++)
		block_free((uint32_t)(first + i));
}

/* Free the map blocks, which have no leaves any more.  A stack of one position a level. */
static void
map_drop(struct fs_inode *node)
{
	uint32_t block[FS_DEPTH_MAX];
	unsigned at[FS_DEPTH_MAX] = { 0 };
	int depth = 0;

	block[0] = node->map;
	while (node->depth && depth >= 0) {
		uint64_t *words = block_at(block[depth]);

		if (depth + 1 < (int)DEPTH(node) && at[depth] < FS_MAP_ENTRIES) {
			uint64_t next = words[at[depth]++];

			if (next) {
				block[++depth] = (uint32_t)next;
				at[depth] = 0;
			}
			continue;
		}
		block_free(block[depth--]);
	}
	node->map = 0;
	node->depth = 0;
}

bool
map_punch(struct fs_inode *node, uint64_t *first, uint64_t last, unsigned most)
{
	uint64_t leaf, start = 0, run = 0;
	bool more = false;

	while (map_next(node, first, &leaf) && *first < last && !(more = most-- == 0)) {
		if (run && leaf != start + run) {
			leaf_release(node, start, run);
			run = 0;
		}
		if (run++ == 0)
			start = leaf;
		map_set(node, (*first)++, 0);
	}
	if (run)
		leaf_release(node, start, run);
	return more;
}

bool
map_cut(struct fs_inode *node, uint64_t from, uint64_t *at, unsigned most)
{
	if (S_ISLNK(node->mode) && node->size <= sizeof(node->target))
		return true;
	if (map_punch(node, at, ~0ull, most))
		return false;
	if (from == 0)
		map_drop(node);
	return true;
}

/* Frames for up to `count` pages that have none; how many pages, or -errno. */
static long
fill_run(struct fs_inode *node, uint64_t index, uint64_t count)
{
	uint64_t done = 0;
	exo_pfn first;
	int error = 0;

	while (mem_claim(count, node->guard, &first)) {
		if (count == 1)
			return -ENOSPC;
		count /= 2;		/* no such run: shorter ones may be there */
	}
	for (; done < count; done++) {
		error = map_set(node, index + done, first + done);
		if (error) {
			mem_release(first + done, count - done);
			break;
		}
	}
	fs_super->data_frames += done;
	return done ? (long)done : error;
}

int
map_fill(struct fs_inode *node, uint64_t first, uint64_t last)
{
	while (first <= last) {
		uint64_t run = 0;
		long done;

		while (run < RUN_MAX && first + run <= last && map_get(node, first + run) == 0)
			run++;
		if (run == 0) {
			first++;
			continue;
		}
		done = fill_run(node, first, run);
		if (done < 0)
			return (int)done;
		first += (uint64_t)done;
	}
	return 0;
}
