/* SPDX-License-Identifier: ISC */
/*
 * Who a process is, and what follows from it: its credentials (cred.h), shown
 * in the shared region, and the keys in its ring that open files for it.
 *
 * A process that becomes another user empties the slots of the keys that go
 * and is given others here.  Nobody checks that it kept no copy: what it could
 * do before it chose to give that up, it could have kept in other ways, too.
 * It is the other direction that matters, and there it is given only what the
 * rules allow it, by what is written in its row.
 */
#include "srv.h"
#include <errno.h>

static struct exo_key
name_key(char kind, uint32_t id)
{
	struct exo_key k = { .len = 5, .rights = EXO_RIGHTS_ALL };

	k.name[0] = (uint8_t)kind;
	for (unsigned i = 0; i < 4; i++)
		k.name[1 + i] = (uint8_t)(id >> (24 - 8 * i));
	return k;
}

/* ---- rows --------------------------------------------------------------------------------- */

bool
cred_place(struct proc *p)
{
	p->cred = server_cred(proc_index(p));
	if (p->cred)
		cred_first(p->cred);
	return p->cred != NULL;
}

void
cred_set(struct proc *p, const struct sh_cred *c)
{
	*p->cred = *c;
	p->sh->uid = c->uid[CRED_REAL];
	p->sh->gid = c->gid[CRED_REAL];
}

void
cred_fork(struct proc *child, const struct proc *parent)
{
	struct sh_cred c = *parent->cred;

	if (c.flags & CRED_FORK_RESETS && c.nice < 0)
		c.nice = 0;
	c.flags &= ~(CRED_SUBREAPER | CRED_EXECD | CRED_FORK_RESETS);
	c.death_signal = 0;
	cred_set(child, &c);
}

/* ---- keys ----------------------------------------------------------------------------------- */

static int
give(const struct proc *p, exo_slot slot, char kind, uint32_t id)
{
	const struct exo_key key = name_key(kind, id);

	return key_give(p->sh->env, slot, &key);
}

/* A slot that is not empty stays as it is: whose it is knew better. */
int
cred_keys_give(struct proc *p, uint32_t which)
{
	static const struct exo_key root = { 1, EXO_R | EXO_W | EXO_X | EXO_P | EXO_A, "r" };
	const struct sh_cred *c = p->cred;
	int error = 0;

	if (which & CRED_KEY_USER)
		error |= give(p, KEY_USER, 'u', c->uid[CRED_FS]);
	if (which & CRED_KEY_GROUP)
		error |= give(p, KEY_GROUP, 'g', c->gid[CRED_FS]);
	for (uint32_t n = 0; n < c->groups && which & CRED_KEY_GROUPS; n++)
		error |= give(p, KEY_GROUPS + n, 'g', c->group[n]);
	if (which & CRED_KEY_ROOT && cred_root(c))
		error |= key_give(p->sh->env, KEY_ROOT, &root);
	return error < 0 ? -EAGAIN : 0;
}

/* ---- requests ----------------------------------------------------------------------------------- */

long
cred_apply(struct proc *p, uint32_t op, uint64_t a, uint64_t b, uint64_t c, const uint32_t *list)
{
	struct sh_cred next = *p->cred;
	long result = cred_change(&next, op, a, b, c, list);
	uint32_t changed;

	if (result < 0)
		return result;

	changed = cred_keys(p->cred, &next);
	cred_set(p, &next);
	cred_keys_give(p, changed);
	return result;
}

long
cred_request(struct proc *p, const struct exo_msg *m, const char *comm)
{
	uint32_t list[CRED_GROUPS] = { 0 };

	for (unsigned n = 0; n < CRED_GROUPS && m->rdx == CRED_SETGROUPS; n++)
		list[n] = ((const volatile uint32_t *)comm)[n];
	return cred_apply(p, (uint32_t)m->rdx, m->r8, m->r9, m->rbx, list);
}
