/* SPDX-License-Identifier: ISC */
/*
 * The public page names the inodes that this process has open or mapped, so
 * that the server keeps an unlinked file as long as it is used.  Nobody else
 * depends on it being true.
 */
#include "file.h"
#include "../fs/procfs.h"

static u16 uses[PUB_INODES];		/* of PUB->open[i] */

/* Beyond those: the server is told (server/hold.c). */
static struct further {
	u32 ino, uses;
} *further;
static u32 furthers, further_room;

static struct further *
further_of(u32 ino)
{
	for (u32 i = 0; i < furthers; i++)
		if (further[i].ino == ino)
			return &further[i];
	return NULL;
}

static bool
further_grow(void)
{
	u32 more = further_room ? further_room * 2 : 64;
	struct further *bigger = furthers < further_room ? further : xalloc(more * sizeof(*bigger));

	if (!bigger)
		return false;
	if (bigger == further)
		return true;
	if (furthers)
		memcpy(bigger, further, furthers * sizeof(*bigger));
	xfree(further);
	further = bigger;
	further_room = more;
	return true;
}

static int
further_hold(u32 ino)
{
	struct further *h = further_of(ino);

	if (h) {
		h->uses++;
		return 0;
	}
	if (!further_grow() || server_call(OP_HOLD, ino, 0, 0, 0, 0, NULL) < 0)
		return -ENFILE;
	further[furthers++] = (struct further){ ino, 1 };
	return 0;
}

/* Was that the last use? */
static bool
further_drop(u32 ino)
{
	struct further *h = further_of(ino);

	if (!h || --h->uses)
		return false;
	*h = further[--furthers];
	server_call(OP_HOLD, ino, 1, 0, 0, 0, NULL);
	return true;
}

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
	if (further_of(ino) || (spare < 0 && PUB->nopen == PUB_INODES))
		return further_hold(ino);
	if (spare < 0)
		spare = (int)PUB->nopen;
	PUB->open[spare] = ino;
	uses[spare] = 1;
	if ((u32)spare == PUB->nopen)
		PUB->nopen++;
	return 0;
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
	if (!further_of(ino))
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
	if (further_drop(ino)) {
		keep_drop(ino);
		last_use(ino);
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
