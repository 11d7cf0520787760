/* SPDX-License-Identifier: ISC */
/*
 * What inotify hears from the library: it opens, reads, writes and closes
 * files without the server, and tells it only if the metadata says that
 * somebody watches the file or the directory where it was found.
 */
#include "fs.h"

bool
fs_watched(u32 ino, u32 dir, u32 mask)
{
	const struct fs_super *super =
		(const struct fs_super *)((const char *)SHARED + SHARED->fs_off);
	const struct fs_inode *node, *in;

	if (*(const volatile u64 *)&super->watches == 0 || ino == 0 || ino >= PROCFS)
		return false;
	node = fs_inode(ino);
	in = dir && dir < PROCFS ? fs_inode(dir) : NULL;
	return ((node ? node->watched : 0) | (in ? in->watched : 0)) & mask;
}

void
fs_tell(u32 ino, u32 dir, u32 mask)
{
	if (fs_watched(ino, dir, mask))
		server_call(OP_NOTIFY_TELL, ino, dir < PROCFS ? dir : 0, mask, keep_key(ino), 0,
			NULL);
}
