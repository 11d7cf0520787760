/* SPDX-License-Identifier: ISC */
/*
 * What inotify hears from the library: it opens, reads, writes and closes
 * files without the server, and tells it only if the metadata says that
 * somebody watches the file or the directory where it was found.
 */
#include "fs.h"
#include "../linux/errno.h"

/* Has anybody any watch? */
static inline bool
watches(void)
{
	const struct fs_super *super =
		(const struct fs_super *)((const char *)SHARED + SHARED->fs_off);

	return *(const volatile u64 *)&super->watches != 0;
}

bool
fs_watched(u32 ino, u32 dir, u32 mask)
{
	const struct fs_inode *node, *in;

	if (!watches() || ino == 0 || ino >= PROCFS)
		return false;
	node = fs_inode(ino);
	in = dir && dir < PROCFS ? fs_inode(dir) : NULL;
	return ((node ? node->watched : 0) | (in ? in->watched : 0)) & mask;
}

/* Where entries were found lately; the server sees whether they are there still. */
static struct {
	u32 ino, dir;
	u64 end;
} found[8];				/* a power of two */

static u64 *
place_of(u32 ino, u32 dir)
{
	const u32 n = (ino ^ dir) & (sizeof(found) / sizeof(found[0]) - 1);

	if (found[n].ino != ino || found[n].dir != dir)
		found[n].end = 0;
	found[n].ino = ino;
	found[n].dir = dir;
	return &found[n].end;
}

/* Behind the file's entry; 0: it stands there no more. */
static u64
search(u32 ino, u32 dir)
{
	struct entry e;
	u64 at = 0;

	while (fs_next(dir, &at, &e) > 0)
		if (e.ino == ino)
			return at;
	return 0;
}

#define TRIES 3

static void
tell(u32 ino, u32 dir, u32 mask)
{
	bool by_name;
	u64 *place;

	if (!fs_watched(ino, dir, mask))
		return;
	by_name = fs_watched(dir, 0, mask);
	place = place_of(ino, by_name ? dir : 0);
	for (unsigned try = 0; try < TRIES; try++) {
		if (by_name && *place == 0)
			*place = search(ino, dir);
		if (server_call(OP_NOTIFY_TELL, ino, by_name ? dir : 0, mask, keep_key(ino), *place,
			    NULL) != -ESTALE)
			return;
		*place = 0;
	}
}

void
fs_tell(u32 ino, u32 dir, u32 mask)
{
	if (watches())
		tell(ino, dir, mask);
}
