/* SPDX-License-Identifier: ISC */
/*
 * Files that stay open for somebody who may not open them.
 *
 * A file is reached by the keys of the user that the process is.  Where those
 * will not do, because it is about to be another user, because the mode is
 * one that adds up wrongly for keys, or because the file was made by this very
 * open with a mode that forbids it, the server binds a key to that file alone
 * (OP_FS_KEY).  It is kept as long as the file is open or mapped.
 */
#include "fs.h"
#include "../core/keys.h"
#include "../fd/file.h"
#include "../vm/vm.h"

#define KEPT_MAX 128u

static struct kept {
	u32 ino;			/* 0: free */
	u32 bits;			/* rwx that the key is good for */
	exo_slot slot;
} kept[KEPT_MAX];
static unsigned kepts;			/* none behind these */

static struct kept *
kept_of(u32 ino)
{
	for (unsigned n = 0; n < kepts; n++)
		if (kept[n].ino == ino)
			return &kept[n];
	return NULL;
}

exo_slot
keep_key(u32 ino)
{
	const struct kept *k = kepts ? kept_of(ino) : NULL;

	return k ? k->slot : 0;
}

u32
keep_bits(u32 ino)
{
	const struct kept *k = kepts ? kept_of(ino) : NULL;

	return k ? k->bits : 0;
}

void
keep_drop(u32 ino)
{
	struct kept *k = kepts ? kept_of(ino) : NULL;

	if (!k)
		return;
	key_slot_put(k->slot);
	k->ino = 0;
	while (kepts && kept[kepts - 1].ino == 0)
		kepts--;
}

u32
keep_rights(u32 bits)
{
	return (bits & 4 ? EXO_R : 0) | (bits & 2 ? EXO_W : 0) | (bits & 1 ? EXO_X : 0);
}

/* The server put a key into this slot. */
int
keep_add(u32 ino, u32 bits, exo_slot slot)
{
	unsigned n = 0;

	while (n < KEPT_MAX && kept[n].ino)
		n++;
	if (n == KEPT_MAX) {
		key_slot_put(slot);
		return -ENFILE;
	}
	kept[n] = (struct kept){ ino, bits, slot };
	kepts = n < kepts ? kepts : n + 1;
	return 0;
}

int
keep(u32 ino, u32 bits)
{
	const struct kept *k = kepts ? kept_of(ino) : NULL;
	int slot;
	long error;

	if (k && (k->bits & bits) == bits)
		return 0;
	if (k)
		bits |= k->bits;
	slot = key_slot_get();
	if (slot < 0)
		return slot;
	error = server_call(OP_FS_KEY, ino, keep_rights(bits), (u64)slot, 0, 0, NULL);
	if (error < 0) {
		key_slot_put((exo_slot)slot);
		return (int)error;
	}
	keep_drop(ino);
	return keep_add(ino, bits, (exo_slot)slot);
}

/* How descriptors have it open: only that is to stay. */
static u32
bits_open(u32 ino)
{
	u32 bits = 0;

	for (int fd = fd_next(-1); fd >= 0; fd = fd_next(fd)) {
		const struct file *f = fd_get(fd);

		if (f->ino == ino && f->ops == &regular_ops)
			bits |= (FILE_READS(f) ? 4 : 0) | (FILE_WRITES(f) ? 2 : 0);
	}
	return bits | (vm_writes(ino) ? 2 : 0);
}

/* What is open, and must not be lost though the owner, the mode or we are to be others.  Mapped programs are read. */
static void
keep_for(u32 ino, const struct fs_inode *node, u32 used, u32 left)
{
	u32 bits = 0;

	for (u32 n = 1; n <= 4; n <<= 1)
		bits |= fs_may(node, n) ? n : 0;
	bits &= used;
	bits &= node->seals & FS_SEALS_WRITE ? 5 : 7;
	if (bits & ~left && keep(ino, bits))
		exos_log("a file that was open is not any more: no key to be had");
}

void
keep_open(u32 ino, const struct fs_inode *next)
{
	struct fs_inode node;
	struct sh_cred own;
	const u32 used = CRED->effective >> CAP_DAC_OVERRIDE & 1 ? 0 : bits_open(ino);

	memcpy(&own, (const void *)(u64)CRED, sizeof(own));
	if (used && fs_stat(ino, &node) == 0 && S_ISREG(node.mode))
		keep_for(ino, &node, used, cred_bits(&own, next->uid, next->gid, next->mode));
}

void
fs_part(const struct sh_cred *next)
{
	for (u32 n = 0; n < PUB->nopen; n++) {
		const u32 ino = PUB->open[n];
		struct fs_inode node;

		if (ino && fs_stat(ino, &node) == 0 && S_ISREG(node.mode))
			keep_for(ino, &node, bits_open(ino) | 5,
				cred_bits(next, node.uid, node.gid, node.mode));
	}
	windows_drop();
}
