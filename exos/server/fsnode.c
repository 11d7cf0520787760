/* SPDX-License-Identifier: ISC */
/*
 * Inodes, metadata blocks, and the guards of contents.
 *
 * Inode n is entry n of the table; free ones are chained through `parent`,
 * free metadata blocks through their first word.  Both tables only grow; the
 * frames behind them stay.
 *
 * One guard serves all inodes of the same owner, group and permissions.  Its
 * entries say with which keys contents may be mapped:
 *
 *   'u' uid   what the mode gives the owner, and EXO_P: the mark of ownership,
 *             which means nothing for frames and lets the server ask "is it yours?"
 *   'g' gid   what the mode gives the group
 *   'o'       what the mode gives everybody
 *   'r'       everything: user 0 holds that key, without control, which is left to the root key
 *
 * Where the mode gives w the entry gives r too: the hardware knows no pages
 * that can be written and not read.  Nobody but the server has control: frames are its own.
 * Entries add up, so that an owner with fewer rights than others is not held
 * back by the kernel, only by the library's own check.
 */
#include "fsnode.h"

#define GUARDS 2048u
#define INODE_STEP_PAGES 16u
#define BLOCK_STEP_PAGES 32u
#define CLASS_BITS 0777u

struct meta fs_meta;
struct fs_super *fs_super;

static uint32_t free_inode;		/* heads of the chains, 0: empty */
static uint32_t free_block;
static uint32_t inodes_backed, blocks_backed;
static struct fs_guard {
	exo_guardref guard;		/* 0: free entry */
	uint32_t uid, gid, mode, users;
} guards[GUARDS];

/* ---- guards ------------------------------------------------------------------------------ */

static uint8_t
class_rights(uint32_t bits)
{
	return (uint8_t)((bits & 4 ? EXO_R : 0) | (bits & 2 ? EXO_R | EXO_W : 0) |
		(bits & 1 ? EXO_X : 0));
}

static struct exo_key
id_entry(char kind, uint32_t id, uint8_t rights)
{
	struct exo_key k = { .len = 5, .rights = rights };

	k.name[0] = (uint8_t)kind;
	for (unsigned i = 0; i < 4; i++)
		k.name[1 + i] = (uint8_t)(id >> (24 - 8 * i));
	return k;
}

static exo_guardref
guard_make(uint32_t uid, uint32_t gid, uint32_t mode)
{
	struct exo_key entries[EXO_GUARD_KEYS] = {
		id_entry('u', uid, class_rights(mode >> 6) | EXO_P),
		id_entry('g', gid, class_rights(mode >> 3)),
		{ .len = 1, .rights = class_rights(mode), .name = "o" },
		{ .len = 1, .rights = EXO_R | EXO_W | EXO_X | EXO_P | EXO_C, .name = "r" },
	};

	for (unsigned i = 0; i < EXO_GUARD_KEYS; i++)
		if (entries[i].rights == 0)
			entries[i] = (struct exo_key){ 0 };
	return guard_new(entries);
}

/* The guard of a class of files, one user more; 0: none to be had. */
static exo_guardref
guard_get(uint32_t uid, uint32_t gid, uint32_t mode)
{
	struct fs_guard *spare = NULL;

	mode &= CLASS_BITS;
	for (unsigned i = 0; i < GUARDS; i++) {
		struct fs_guard *g = &guards[i];

		if (g->guard == 0) {
			spare = spare ? spare : g;
			if (g->mode == 0)
				break;		/* never used, like all behind it */
		} else if (g->uid == uid && g->gid == gid && g->mode == (mode | 01000)) {
			g->users++;
			return g->guard;
		}
	}
	if (!spare)
		return 0;
	spare->guard = guard_make(uid, gid, mode);
	if (spare->guard == 0)
		return 0;
	spare->uid = uid;
	spare->gid = gid;
	spare->mode = mode | 01000;	/* so that a used entry is never 0 */
	spare->users = 1;
	return spare->guard;
}

static void
guard_drop(exo_guardref guard)
{
	for (unsigned i = 0; i < GUARDS && guard; i++) {
		if (guards[i].guard != guard)
			continue;
		if (--guards[i].users == 0) {
			guard_put(guard);
			guards[i].guard = 0;
		}
		return;
	}
}

/* ---- metadata blocks ------------------------------------------------------------------------- */

void *
block_at(uint32_t block)
{
	return shared_at(FS_BLOCK_OFF + (uint64_t)block * DIRBLOCK_BYTES);
}

uint32_t
block_new(void)
{
	uint32_t block = free_block;

	if (block) {
		free_block = *(uint32_t *)block_at(block);
		__builtin_memset(block_at(block), 0, DIRBLOCK_BYTES);
		return block;
	}
	block = fs_super->blocks;
	if (block == blocks_backed) {
		if (block + BLOCK_STEP_PAGES > FS_BLOCKS_MAX)
			return 0;
		if (shared_back(FS_BLOCK_OFF + (uint64_t)block * DIRBLOCK_BYTES, BLOCK_STEP_PAGES))
			return 0;
		blocks_backed += BLOCK_STEP_PAGES;
	}
	fs_super->blocks++;
	return block;
}

void
block_free(uint32_t block)
{
	*(uint32_t *)block_at(block) = free_block;
	free_block = block;
}

/* ---- inodes ------------------------------------------------------------------------------------ */

static struct fs_inode *
slot_at(uint32_t ino)
{
	return (struct fs_inode *)shared_at(FS_INODE_OFF) + ino;
}

struct fs_inode *
node_at(uint32_t ino)
{
	return ino && ino < fs_super->inodes && slot_at(ino)->mode ? slot_at(ino) : NULL;
}

static uint32_t
slot_new(void)
{
	uint32_t ino = free_inode;

	if (ino) {
		free_inode = slot_at(ino)->parent;
		fs_super->free_inodes--;
		return ino;
	}
	ino = fs_super->inodes;
	if (ino == inodes_backed) {
		uint32_t more = INODE_STEP_PAGES * DIRBLOCK_BYTES / sizeof(struct fs_inode);

		if (ino + more > FS_INODES_MAX ||
			shared_back(FS_INODE_OFF + ino * sizeof(struct fs_inode), INODE_STEP_PAGES))
			return 0;
		inodes_backed += more;
	}
	fs_super->inodes++;
	return ino;
}

void
node_begin(struct fs_inode *node)
{
	__atomic_store_n(&node->seq, node->seq | 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void
node_end(struct fs_inode *node)
{
	__atomic_store_n(&node->seq, (node->seq | 1) + 1, __ATOMIC_RELEASE);
}

void
node_touch(struct fs_inode *node)
{
	node->mtime_ns = node->ctime_ns = server_wall_ns();
}

struct fs_inode *
node_new(uint32_t mode, uint32_t uid, uint32_t gid, uint32_t *ino)
{
	exo_guardref guard = guard_get(uid, gid, mode);
	struct fs_inode *node;
	uint32_t n = guard ? slot_new() : 0;

	if (n == 0) {
		guard_drop(guard);
		return NULL;
	}
	node = slot_at(n);
	node_begin(node);
	node->nlink = 0;
	node->uid = uid;
	node->gid = gid;
	node->size = node->rdev = node->blocks = 0;
	node->guard = guard;
	node->generation++;
	node->parent = node->map = 0;
	node->depth = 0;
	__builtin_memset(node->target, 0, sizeof(node->target));
	node_touch(node);
	node->atime_ns = node->mtime_ns;
	node->mode = mode;
	node_end(node);
	*ino = n;
	return node;
}

void
node_free(uint32_t ino)
{
	struct fs_inode *node = slot_at(ino);

	locks_inode_gone(ino);
	node_begin(node);
	map_cut(node, 0);
	guard_drop(node->guard);
	node->guard = 0;
	node->mode = 0;
	node->parent = free_inode;
	node_end(node);
	free_inode = ino;
	fs_super->free_inodes++;
}

/* Put all frames under another guard. */
static void
frames_guard(struct fs_inode *node, exo_guardref guard)
{
	uint64_t index = 0, pfn, first = 0, run = 0;

	for (; map_next(node, &index, &pfn); index++) {
		if (run && pfn == first + run) {
			run++;
			continue;
		}
		if (run)
			mem_guard(first, run, guard);
		first = pfn;
		run = 1;
	}
	if (run)
		mem_guard(first, run, guard);
}

int
node_setid(struct fs_inode *node, uint32_t mode, uint32_t uid, uint32_t gid)
{
	exo_guardref guard = guard_get(uid, gid, mode);

	if (guard == 0)
		return -ENOSPC;
	if (S_ISREG(node->mode) && guard != node->guard)
		frames_guard(node, guard);
	guard_drop(node->guard);
	node_begin(node);
	node->guard = guard;
	node->mode = (node->mode & S_IFMT) | (mode & 07777);
	node->uid = uid;
	node->gid = gid;
	node->ctime_ns = server_wall_ns();
	node_end(node);
	return 0;
}

int
node_boot(void)
{
	if (shared_back(FS_SUPER_OFF, 1))
		return -ENOSPC;
	fs_super = (struct fs_super *)shared_at(FS_SUPER_OFF);
	free_inode = free_block = inodes_backed = blocks_backed = 0;
	__builtin_memset(guards, 0, sizeof(guards));
	fs_super->inode_off = FS_INODE_OFF;
	fs_super->block_off = FS_BLOCK_OFF;
	if (slot_new() != 0 || block_new() != 0 || inodes_backed == 0 || blocks_backed == 0)
		return -ENOSPC;		/* number 0 of both is never used */
	fs_super->magic = FS_MAGIC;
	return meta_init(&fs_meta, shared_at(0), FS_SUPER_OFF) ? 0 : -EINVAL;
}
