/* SPDX-License-Identifier: ISC */
/*
 * What a process is writing, its draft, and what it has taken, on its desk: one
 * letter each, gone with the process.  A descriptor that goes into a draft is
 * what the sender can show the key of, says the kernel.
 */
#include "letter.h"
#include "fsnode.h"
#include <errno.h>

struct letter *
draft_of(const struct proc *p)
{
	struct letter *l = letter_by_ticket(p->draft);

	return l && l->state == LETTER_DRAFT && l->holder == proc_index(p) + 1 ? l : NULL;
}

struct letter *
desk_of(const struct proc *p)
{
	struct letter *l = letter_by_ticket(p->desk);

	return l && (l->state == LETTER_TAKEN || l->kept) && l->holder == proc_index(p) + 1 ? l
											    : NULL;
}

void
desk_clear(struct proc *p)
{
	struct letter *l = desk_of(p);

	if (l && l->state == LETTER_TAKEN)
		letter_free(l);
	p->desk = 0;
}

void
letters_forget(struct proc *p)
{
	struct letter *l = draft_of(p);

	if (l)
		letter_free(l);
	p->draft = 0;
	desk_clear(p);
}

long
draft_new(struct proc *p, const struct request *r)
{
	struct letter *l;

	letters_forget(p);
	if (r->a > LETTER_BYTES_MAX)
		return -EMSGSIZE;
	if (r->b > r->a || r->b > EXO_PAGE_BYTES)
		return -EINVAL;
	l = letter_make(p, (uint32_t)r->a);
	if (!l)
		return -ENOBUFS;
	p->draft = ticket_of(l);
	letter_move(l, 0, r->comm, (uint32_t)r->b, false);
	return 0;
}

long
draft_put(const struct proc *p, const struct request *r)
{
	struct letter *l = draft_of(p);

	if (!l || r->a > l->bytes || r->b > l->bytes - r->a || r->b > EXO_PAGE_BYTES)
		return -EINVAL;
	letter_move(l, (uint32_t)r->a, r->comm, (uint32_t)r->b, false);
	return 0;
}

/* The sender holds keys of these sides: so do we then. */
static int
keys_keep(const struct proc *p, const struct request *r, struct right *t)
{
	const exo_slot slot[2] = { (exo_slot)r->a, (exo_slot)r->b };
	struct object *o = object_by_id(t->what.object);

	if (!o)
		return -EINVAL;
	for (uint32_t side = 0; side < 2; side++) {
		uint32_t want = side ? EXO_R | EXO_W : EXO_R;

		if (!(t->what.sides & (side ? EXO_W : EXO_R)))
			continue;
		if (!client_opens(p->sh->env, slot[side], o->guard, want))
			return -EACCES;
		t->key[side] = flight_keep(o, side);
		if (t->key[side] < 0)
			return -ETOOMANYREFS;
	}
	return t->key[0] < 0 && t->key[1] < 0 ? -EINVAL : 0;
}

/* A terminal's key has rights of its own kind. */
static int
tty_keep(const struct proc *p, const struct request *r, struct right *t)
{
	struct tty *tty = right_tty(t);

	t->what.sides &= EXO_R | EXO_P | EXO_W;
	if (!tty || !t->what.sides)
		return -EINVAL;
	if (!client_opens(p->sh->env, (exo_slot)r->a, tty->guard, t->what.sides))
		return -EACCES;
	t->key[0] = flight_key(tty->guard, t->what.sides);
	return t->key[0] < 0 ? -ETOOMANYREFS : 0;
}

/* What all who have the description share, and what its locks belong to. */
static int
description_keep(const struct proc *p, const struct request *r, struct right *t)
{
	const exo_slot ofd = (exo_slot)r->c, owner = (exo_slot)(r->c >> 32);
	struct object *o = t->what.ofd == PASSED_NOTHING ? NULL : object_by_id(t->what.ofd);
	exo_guardref guard = t->what.owner ? lock_owner_guard(t->what.owner, t->what.ino) : 0;

	if ((!o && t->what.ofd != PASSED_NOTHING) || (!guard && t->what.owner))
		return -EINVAL;
	if (o && (o->token == 0 || !client_opens(p->sh->env, ofd, o->guard, EXO_R)))
		return -EACCES;
	if (guard && !client_opens(p->sh->env, owner, guard, EXO_R))
		return -EACCES;
	if (o && (t->ofd = flight_keep(o, 0)) < 0)
		return -ETOOMANYREFS;
	if (guard && (t->owner = flight_key(guard, EXO_R)) < 0)
		return -ETOOMANYREFS;
	return 0;
}

/* A regular file is passed with what the sender may do to it. */
static int
file_may(const struct request *r, struct right *t)
{
	const struct fs_inode *node = sfs_inode(t->what.ino);

	t->what.sides &= EXO_R | EXO_W;
	if (!node)
		return -EINVAL;
	if (!S_ISREG(node->mode) || client_may_by(r, node, t->what.sides, r->a))
		return 0;
	return -EACCES;
}

long
draft_right(const struct proc *p, struct request *r)
{
	struct letter *l = draft_of(p);
	uint32_t n = 1, *at;
	struct right *t;
	int error = 0;

	while (n <= RIGHTS_MAX && rights[n].used)
		n++;
	if (!l || l->nrights == LETTER_RIGHTS_MAX)
		return -EINVAL;
	if (n > RIGHTS_MAX || !letter_within_bounds(&l->cred, 0, 1))
		return -ETOOMANYREFS;
	t = &rights[n];
	*t = (struct right){ .used = true, .key = { -1, -1 }, .ofd = -1, .owner = -1 };
	__builtin_memcpy(&t->what, r->comm, sizeof(t->what));
	if (t->what.object != PASSED_NOTHING)
		t->what.line = 0;
	if (t->what.object != PASSED_NOTHING)
		error = keys_keep(p, r, t);
	else if (t->what.line)
		error = tty_keep(p, r, t);
	else if (t->what.ino && t->what.ino < 0x80000000u)
		error = file_may(r, t);
	if (!error)
		error = description_keep(p, r, t);
	if (error) {
		right_drop(t);
		return error;
	}
	for (at = &l->rights; *at; at = &rights[*at].next)
		;			/* bound: LETTER_RIGHTS_MAX */
	*at = n;
	l->nrights++;
	return 0;
}
