/* SPDX-License-Identifier: ISC */
/*
 * Names that go, and inodes with them.  An unlinked inode stays as long as a
 * public page names it; orphans are looked through when a process says that it
 * closed one or is gone.
 */
#include "fsname.h"

#define SWEEP_INODES 4096u		/* looked at in one step */
#define SWEEP_ORPHANS 4u		/* of them: held by somebody? */

uint32_t fs_orphans;

void
fs_name_lost(uint32_t ino)
{
	struct fs_inode *node = node_at(ino);

	node_begin(node);
	node->nlink = S_ISDIR(node->mode) ? 0 : node->nlink - 1;
	node->ctime_ns = server_wall_ns();
	node_end(node);
	if (!S_ISDIR(node->mode))
		notify_self(node, ino, IN_ATTRIB);
	if (node->nlink)
		return;
	if (server_published(ino))
		fs_orphans++;
	else
		node_free(ino);
}

bool
fs_orphan_try(uint32_t ino)
{
	struct fs_inode *node = node_at(ino);

	if (!node || node->nlink || server_published(ino))
		return false;
	node_free(ino);
	fs_orphans -= fs_orphans ? 1 : 0;
	return true;
}

static uint32_t sweep_at;		/* the next inode to look at */

void
sfs_sweep_due(void)
{
	sweep_at = FS_ROOT_INO;
}

/* Each orphan is a look at every public page, and how many there are is the clients' choice. */
bool
sfs_sweep(void)
{
	unsigned tried = 0;

	for (unsigned seen = 0; seen < SWEEP_INODES && tried < SWEEP_ORPHANS; seen++, sweep_at++) {
		const struct fs_inode *node = node_at(sweep_at);

		if (fs_orphans == 0 || sweep_at == 0 || sweep_at >= fs_super->inodes)
			return false;
		if (!node || node->nlink)
			continue;
		fs_orphan_try(sweep_at);
		tried++;
	}
	return true;
}

long
fs_unlink(struct request *r)
{
	struct fs_inode *dir, *node;
	struct name n;
	size_t at = 0;
	uint32_t ino;
	struct dir_place place;
	int error = fs_dir_for_change(r, r->a, &dir);

	if (!error)
		error = fs_name_read(r, &at, &n);
	if (error)
		return error;
	if (fs_is_dots(&n))
		return r->b ? (n.bytes == 1 ? -EINVAL : -ENOTEMPTY) : -EISDIR;
	place = dir_find(dir, n.text, n.bytes);
	ino = place.entry ? place.entry->ino : 0;
	node = node_at(ino);
	if (!node)
		return -ENOENT;
	if (S_ISDIR(node->mode) != !!r->b)
		return r->b ? -ENOTDIR : -EISDIR;
	if (fs_sticky_forbids(r, dir, node))
		return -EPERM;
	if (r->b && !dir_empty(node))
		return -ENOTEMPTY;

	dir_take(dir, place);
	dir->nlink -= r->b ? 1 : 0;
	fs_name_lost(ino);
	notify_name(dir, 0, IN_DELETE | (r->b ? IN_ISDIR : 0), n.text, n.bytes, 0);
	return 0;
}
