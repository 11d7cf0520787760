/* SPDX-License-Identifier: ISC */
/*
 * Seals of files made for memory.  Who gets one from somebody else relies on
 * them, so they are kept here and not by libraries: sizes are checked where
 * they change, and contents that are sealed have a guard that opens to nobody
 * for writing; for FS_SEAL_WRITE what was bound before is taken away, too.
 */
#include "fsnode.h"

static long
seal(struct fs_inode *node, uint8_t seals)
{
	const uint8_t was = node->seals;
	int error = 0;

	if (seals & FS_SEAL_EXEC && node->mode & 0111)
		seals |= FS_SEAL_SHRINK | FS_SEAL_GROW | FS_SEALS_WRITE;
	node->seals |= seals;
	if (seals & ~was & FS_SEALS_WRITE)
		error = node_seal(node, seals & FS_SEAL_WRITE);
	if (error)
		node->seals = was;
	return error;
}

long
fs_seal(struct request *r)
{
	struct fs_inode *node = r->a >> 32 ? NULL : node_at((uint32_t)r->a);

	if (!node)
		return -ENOENT;
	if (r->b & ~(uint64_t)FS_SEALS_ALL || !(node->flags & FS_NODE_MEMORY))
		return -EINVAL;
	if (node->seals & FS_SEAL_SEAL)
		return -EPERM;
	/* Sealed against writing, it has nobody left who may: then its owner seals on. */
	if (!client_may_by(r, node, EXO_W, r->c) &&
		!(node->seals & FS_SEALS_WRITE && client_owns(r, node)))
		return -EPERM;
	return seal(node, (uint8_t)r->b);
}
