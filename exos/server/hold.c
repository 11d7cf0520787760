/* SPDX-License-Identifier: ISC */
/*
 * Inodes that a process has open beyond those that its public page has room
 * for: said by request, kept here, gone with the process.  A child has its
 * parent's from the moment it exists.
 */
#include "srv.h"
#include <errno.h>

#define HOLDS_MAX 16384u
#define PROCESS_HOLDS 4096u

static struct hold {
	uint32_t ino;			/* 0: free */
	uint32_t proc;			/* index */
} holds[HOLDS_MAX];
static uint32_t rows;			/* those behind are free */

static struct hold *
hold_of(const struct proc *p, uint32_t ino)
{
	for (uint32_t i = 0; i < rows && p->holds; i++)
		if (holds[i].ino == ino && holds[i].proc == proc_index(p))
			return &holds[i];
	return NULL;
}

static struct hold *
hold_free(void)
{
	for (uint32_t i = 0; i < rows; i++)
		if (holds[i].ino == 0)
			return &holds[i];
	return rows < HOLDS_MAX ? &holds[rows++] : NULL;
}

static long
hold_add(struct proc *p, uint32_t ino)
{
	struct hold *h = p->holds < PROCESS_HOLDS ? hold_free() : NULL;

	if (!h)
		return -ENFILE;
	*h = (struct hold){ ino, proc_index(p) };
	p->holds++;
	return 0;
}

static void
hold_drop(struct proc *p, struct hold *h)
{
	h->ino = 0;
	p->holds--;
	while (rows && holds[rows - 1].ino == 0)
		rows--;
}

long
hold_request(struct proc *p, uint64_t ino, bool drop)
{
	struct hold *h = hold_of(p, (uint32_t)ino);

	if (ino == 0 || ino >> 32)
		return -EINVAL;
	if (!drop)
		return h ? -EEXIST : hold_add(p, (uint32_t)ino);
	if (h)
		hold_drop(p, h);
	return h ? 0 : -ENOENT;
}

bool
holds_name(uint32_t ino)
{
	for (uint32_t i = 0; i < rows; i++)
		if (holds[i].ino == ino)
			return true;
	return false;
}

int
holds_inherit(struct proc *child, const struct proc *parent)
{
	const uint32_t all = rows;

	for (uint32_t i = 0; i < all && parent->holds; i++)
		if (holds[i].ino && holds[i].proc == proc_index(parent) &&
			hold_add(child, holds[i].ino))
			return -EAGAIN;
	return 0;
}

void
holds_forget(struct proc *p)
{
	for (uint32_t i = rows; i > 0 && p->holds; i--)
		if (holds[i - 1].ino && holds[i - 1].proc == proc_index(p))
			hold_drop(p, &holds[i - 1]);
}
