/* SPDX-License-Identifier: ISC */
/* Reading file system metadata: see meta.h for who does, and for what a race means. */
#include "meta.h"
#include "dirblock.h"
#include "../linux/abi.h"

#define TRIES 3

bool
meta_init(struct meta *m, const char *region, u64 fs_off)
{
	m->region = region;
	m->super = (const struct fs_super *)(region + fs_off);
	return m->super->magic == FS_MAGIC;
}

static const struct fs_inode *
node_at(const struct meta *m, u32 ino)
{
	if (ino == 0 || ino >= *(const volatile u32 *)&m->super->inodes)
		return NULL;
	return (const struct fs_inode *)(m->region + m->super->inode_off) + ino;
}

const struct fs_inode *
meta_inode(const struct meta *m, u32 ino)
{
	const struct fs_inode *node = node_at(m, ino);

	return node && node->mode ? node : NULL;
}

const void *
meta_block(const struct meta *m, u64 block)
{
	if (block == 0 || block >= *(const volatile u32 *)&m->super->blocks)
		return NULL;
	return m->region + m->super->block_off + block * DIRBLOCK_BYTES;
}

u64
meta_leaf(const struct meta *m, u32 map, unsigned depth, u64 index)
{
	u64 number = map;

	if (depth > FS_DEPTH_MAX || index >> (9 * depth))
		return 0;
	while (number && depth-- > 0) {		/* bound: FS_DEPTH_MAX */
		const volatile u64 *entry = meta_block(m, number);

		number = entry ? entry[index >> (9 * depth) & (FS_MAP_ENTRIES - 1)] : 0;
	}
	return number;
}

u64
meta_seek(const struct meta *m, u32 map, unsigned depth, u64 index, u64 end, bool present)
{
	while (index < end &&
		depth <= FS_DEPTH_MAX) { /* bound: leaves, and subtrees that are absent */
		unsigned level = depth;
		u64 number = map;

		if (index >> (9 * depth))
			return present ? end : index;	/* the tree does not reach so far */
		while (number && level > 0) {
			const volatile u64 *entry = meta_block(m, number);

			level--;
			number = entry ? entry[index >> (9 * level) & (FS_MAP_ENTRIES - 1)] : 0;
		}
		if ((number != 0) == present)
			return index;
		index = number ? index + 1 : ((index >> (9 * level)) + 1) << (9 * level);
	}
	return end;
}

bool
meta_begin(const struct fs_inode *node, u64 *seq)
{
	*seq = __atomic_load_n(&node->seq, __ATOMIC_ACQUIRE);
	return *seq % 2 == 0;
}

bool
meta_same(const struct fs_inode *node, u64 seq)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&node->seq, __ATOMIC_RELAXED) == seq;
}

int
meta_stat(const struct meta *m, u32 ino, struct fs_inode *copy)
{
	const struct fs_inode *node = node_at(m, ino);
	u64 seq;

	if (!node)
		return -ENOENT;
	for (int i = 0; i < TRIES; i++) {
		if (!meta_begin(node, &seq))
			continue;
		__builtin_memcpy(copy, node, sizeof(*copy));
		if (meta_same(node, seq))
			return copy->mode ? 0 : -ENOENT;
	}
	return -EAGAIN;
}

static const struct fs_dirent *
find_once(const struct meta *m, const struct fs_inode *dir, const char *name, size_t bytes)
{
	u32 hash = dir_hash(name, bytes), map = dir->map;
	u64 blocks = dir->size / DIRBLOCK_BYTES;
	unsigned depth = dir->depth;

	for (u64 i = 0; i < blocks; i++) {
		const void *block = meta_block(m, meta_leaf(m, map, depth, i));
		int at = block ? dirblock_find(block, name, bytes, hash) : -1;

		if (at >= 0)
			return (const struct fs_dirent *)((const char *)block + at);
	}
	return NULL;
}

static long
find(const struct meta *m, u32 dir, const char *name, size_t bytes, struct meta_seen *seen)
{
	const struct fs_inode *node = meta_inode(m, dir);
	u64 seq;

	if (!node)
		return -ENOENT;
	for (int i = 0; i < TRIES; i++) {
		const struct fs_dirent *e;
		u64 btime_ns;
		u32 found;

		if (!meta_begin(node, &seq))
			continue;
		if (!S_ISDIR(node->mode))
			return -ENOTDIR;
		btime_ns = node->btime_ns;
		e = find_once(m, node, name, bytes);
		found = e ? e->ino : 0;
		if (!meta_same(node, seq))
			continue;
		if (seen && found)
			*seen = (struct meta_seen){ e, seq, btime_ns, dir, (u32)bytes };
		return found;
	}
	return -EAGAIN;
}

long
meta_find(const struct meta *m, u32 dir, const char *name, size_t bytes)
{
	return find(m, dir, name, bytes, NULL);
}

/* The entry is looked at only where it was one of so many bytes: whatever it is now, they lie in its block. */
long
meta_find_seen(const struct meta *m, u32 dir, const char *name, size_t bytes,
	struct meta_seen *seen)
{
	const struct fs_inode *node = seen->dir == dir && seen->bytes == bytes
		? meta_inode(m, dir) : NULL;
	u64 seq;

	if (node && meta_begin(node, &seq) && seq == seen->seq &&
		node->btime_ns == seen->btime_ns && seen->entry->name_bytes == bytes &&
		__builtin_memcmp(seen->entry->name, name, bytes) == 0) {
		const u32 ino = seen->entry->ino;

		if (ino && meta_same(node, seq))
			return ino;
	}
	return find(m, dir, name, bytes, seen);
}

static long
target_once(const struct meta *m, const struct fs_inode *node, char *to, size_t room)
{
	u64 bytes = node->size;
	const char *from = node->target;

	if (bytes >= room || bytes >= DIRBLOCK_BYTES)
		return -ENAMETOOLONG;
	if (bytes > sizeof(node->target))
		from = meta_block(m, meta_leaf(m, node->map, node->depth, 0));
	if (!from)
		return -EINVAL;
	__builtin_memcpy(to, from, bytes);
	to[bytes] = '\0';
	return (long)bytes;
}

long
meta_target(const struct meta *m, u32 ino, char *to, size_t room)
{
	const struct fs_inode *node = meta_inode(m, ino);
	u64 seq;

	if (!node)
		return -ENOENT;
	for (int i = 0; i < TRIES; i++) {
		long bytes;

		if (!meta_begin(node, &seq))
			continue;
		if (!S_ISLNK(node->mode))
			return -EINVAL;
		bytes = target_once(m, node, to, room);
		if (meta_same(node, seq))
			return bytes;
	}
	return -EAGAIN;
}
