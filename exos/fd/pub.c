/* SPDX-License-Identifier: ISC */
/*
 * The public page names the inodes that this process has open or mapped, so
 * that the server keeps an unlinked file as long as it is used.  Nobody else
 * depends on it being true.
 */
#include "file.h"
#include "../fs/procfs.h"

static u16 uses[PUB_INODES];		/* of PUB->open[i] */

int
pub_hold(u32 ino)
{
	int spare = -1;

	if (ino >= PROCFS)
		return 0;
	for (u32 i = 0; i < PUB->nopen; i++) {
		if (uses[i] && PUB->open[i] == ino && uses[i] < 0xffff) {
			uses[i]++;
			return 0;
		}
		if (uses[i] == 0 && spare < 0)
			spare = (int)i;
	}
	if (spare < 0 && PUB->nopen == PUB_INODES)
		return -ENFILE;
	if (spare < 0)
		spare = (int)PUB->nopen;
	PUB->open[spare] = ino;
	uses[spare] = 1;
	if ((u32)spare == PUB->nopen)
		PUB->nopen++;
	return 0;
}

void
pub_fd(int fd, const struct file *f)
{
	if ((u32)fd < PUB_FDS)
		PUB->fd[fd] = f ? proc_fd_of(f) : (struct pub_fd){ 0, 0 };
}

static void
last_use(u32 ino)
{
	struct fs_inode node;

	if (fs_stat(ino, &node) == 0 && node.nlink == 0)
		server_call(OP_FS_SWEEP, ino, 0, 0, 0, 0, NULL);
}

void
pub_unkept(u32 ino)
{
	for (u32 i = 0; i < PUB->nopen; i++)
		if (uses[i] && PUB->open[i] == ino)
			return;
	keep_drop(ino);
}

void
pub_drop(u32 ino)
{
	for (u32 i = 0; i < PUB->nopen; i++) {
		if (uses[i] == 0 || PUB->open[i] != ino)
			continue;
		if (--uses[i])
			return;
		PUB->open[i] = 0;
		keep_drop(ino);
		while (PUB->nopen && uses[PUB->nopen - 1] == 0)
			PUB->nopen--;
		last_use(ino);
		return;
	}
}

/* ---- what is mapped: once for all regions of it ---------------------------------------------- */

int
fs_hold(u32 ino)
{
	return pub_hold(ino);
}

void
fs_unhold(u32 ino)
{
	pub_drop(ino);
}
