/* SPDX-License-Identifier: ISC */
/*
 * What lies behind the end of files, and what files had that are no more: as
 * much of it as one request may take is freed at once, the rest step by step by
 * the main loop, or by who needs memory or wants to write behind that end, and
 * is told to ask again meanwhile (SERVER_AGAIN).
 *
 * Inodes wait in a queue, chained by `next`.  One that is no more has mode 0,
 * and its number is given out again only when it is empty.
 */
#include "fsnode.h"
#include "srv.h"

#define STEP 1024u			/* frames at a time */

static uint32_t first, last;		/* 0: none */
static uint64_t at;			/* in the first: what lies before is gone, from its end on */

static uint64_t
end_of(const struct fs_inode *node)
{
	return node->mode ? (node->size + EXO_PAGE_BYTES - 1) / EXO_PAGE_BYTES : 0;
}

static struct fs_inode *
slot_of(uint32_t ino)
{
	return (struct fs_inode *)shared_at(FS_INODE_OFF) + ino;
}

static void
queue(struct fs_inode *node, uint32_t ino)
{
	if (node->flags & FS_NODE_QUEUED) {
		at = ino == first ? end_of(node) : at;
		return;
	}
	node->flags |= FS_NODE_QUEUED;
	node->next = 0;
	if (last)
		slot_of(last)->next = ino;
	else
		first = ino, at = end_of(node);
	last = ino;
}

void
free_tail(struct fs_inode *node, uint32_t ino)
{
	uint64_t from = end_of(node), done = from;

	if (node->flags & FS_NODE_QUEUED || !map_cut(node, from, &done, STEP))
		queue(node, ino);
}

bool
free_node(struct fs_inode *node, uint32_t ino)
{
	uint64_t done = 0;

	if (!(node->flags & FS_NODE_QUEUED) && map_cut(node, 0, &done, STEP))
		return true;
	node->flags |= S_ISREG(node->mode) ? FS_NODE_FRAMES : 0;
	node->mode = 0;
	queue(node, ino);
	return false;
}

bool
free_step(void)
{
	const uint32_t ino = first;
	struct fs_inode *node = slot_of(ino);
	bool done;

	if (ino == 0)
		return false;
	node_begin(node);
	done = map_cut(node, end_of(node), &at, STEP);
	node_end(node);
	if (!done)
		return true;
	first = (uint32_t)node->next;
	last = first ? last : 0;
	at = first ? end_of(slot_of(first)) : 0;
	node->flags &= (uint8_t)~(FS_NODE_QUEUED | FS_NODE_FRAMES);
	if (node->mode == 0)
		slot_free(ino);
	return true;
}

bool
sfs_free_step(void)
{
	return free_step();
}

bool
sfs_free_work(void)
{
	return first != 0;
}
