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
#define USER_HOLDS (HOLDS_MAX - HOLDS_MAX / 4)	/* of one user but root */
#define USERS_HOLDS (HOLDS_MAX - HOLDS_MAX / 8)	/* of all these together */

static struct hold {
	uint32_t ino;			/* 0: free */
	uint32_t proc;			/* index */
} holds[HOLDS_MAX];
static uint32_t rows;			/* those behind are free */
static uint32_t first_free;		/* those before are in use */

static struct hold *
hold_of(const struct proc *p, uint32_t ino)
{
	for (uint32_t i = 0; i < rows && p->holds; i++)
		if (holds[i].ino == ino && holds[i].proc == proc_index(p))
			return &holds[i];
	return NULL;
}

/* How many more may it have, as far as processes and users are bounded? */
static uint32_t
room_for(const struct proc *p)
{
	uint32_t room = PROCESS_HOLDS - p->holds, user = 0, users = 0;

	for (unsigned i = 0; i < proc_rows && p->sh->uid; i++) {
		user += procs[i].sh->uid == p->sh->uid ? procs[i].holds : 0;
		users += procs[i].sh->uid ? procs[i].holds : 0;
	}
	if (user >= USER_HOLDS || users >= USERS_HOLDS)
		return 0;
	room = room < USER_HOLDS - user ? room : USER_HOLDS - user;
	return room < USERS_HOLDS - users ? room : USERS_HOLDS - users;
}

static struct hold *
hold_free(void)
{
	while (first_free < rows && holds[first_free].ino)
		first_free++;
	if (first_free < rows)
		return &holds[first_free];
	return rows < HOLDS_MAX ? &holds[rows++] : NULL;
}

/* There is room for it among its user's. */
static long
hold_add(struct proc *p, uint32_t ino)
{
	struct hold *h = hold_free();

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
	first_free = (uint32_t)(h - holds) < first_free ? (uint32_t)(h - holds) : first_free;
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
		return h ? -EEXIST : room_for(p) ? hold_add(p, (uint32_t)ino) : -ENFILE;
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

	if (parent->holds > room_for(child))
		return -EAGAIN;
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
