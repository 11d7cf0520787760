/* SPDX-License-Identifier: ISC */
/*
 * exec of set-id files.  The program runs in an environment, an account and a
 * library that the server makes afresh, with the file's owner's keys: nothing
 * of the process that asks can run there, or has a way in.  That process stays
 * as it is, without a program of its own, and carries bytes to and from three
 * descriptors (exos/proc/carry.c); what it says of them is no more than its
 * own business, but what it names must be open to its own keys.
 *
 * The new library finds what it is to be in its start page, which is the
 * server's word, and fetches the objects that it was given by OP_GIFT.
 */
#include "object.h"
#include "fsnode.h"
#include <errno.h>

/* Read once: the page is the caller's. */
static void
ask_read(struct setid_ask *ask, const char *comm)
{
	for (unsigned n = 0; n < sizeof(*ask); n++)
		((char *)ask)[n] = ((const volatile char *)comm)[n];
	ask->path[sizeof(ask->path) - 1] = '\0';
}

/* The objects that it names, if its keys open them: the side that it gives, and for arguments reading. */
static bool
gifts_take(const struct proc *p, const struct setid_ask *ask, struct gift gift[GIFTS])
{
	for (unsigned n = 0; n < GIFTS; n++) {
		const struct object *o = object_by_id(ask->gift[n].object);
		const uint32_t rights = n == GIFT_STRINGS || n == 0 ? EXO_R : EXO_R | EXO_W;

		gift[n] = (struct gift){ .serial = 0 };
		if (n != GIFT_STRINGS && ask->fd[n] != SETID_PIPE)
			continue;
		if (!o || !client_opens(p->sh->env, (exo_slot)ask->gift[n].slot, o->guard, rights))
			return false;
		gift[n] = (struct gift){ object_id(o), rights & EXO_W ? EXO_W : EXO_R, o->serial };
	}
	return true;
}

long
gift_request(struct proc *p, const struct exo_msg *in, struct exo_msg *out)
{
	struct gift *g = in->rdx < GIFTS ? &p->gift[in->rdx] : NULL;
	struct object *o = g && g->serial ? object_by_id(g->object) : NULL;
	const struct object_place at = {
		.slot = { (exo_slot)in->r8, (exo_slot)in->r9 }, .offset = in->rbx,
		.rights = g ? g->rights : 0,
	};

	if (!o || o->serial != g->serial)
		return -ENXIO;
	if (!object_place_ok(at.offset, o->frames))
		return -EINVAL;
	g->serial = 0;
	out->r8 = o->frames;
	if (object_give(o, p->sh->env, &at))
		return -EINVAL;
	out->rdx = guard_shown(o->guard);
	return object_id(o);
}

static int
start(struct proc *child, const struct proc *p, const struct exo_msg *m,
	const struct setid_ask *ask)
{
	const struct request r = { .env = p->sh->env, .cred = p->cred };
	const struct fs_inode *cwd = sfs_inode(ask->cwd);
	const struct spawn what = {
		.argc = (uint32_t)m->r8, .envc = (uint32_t)(m->r8 >> 32),
		.cwd = cwd && S_ISDIR(cwd->mode) && client_may(&r, cwd, EXO_X) ? ask->cwd
									       : FS_ROOT_INO,
		.setid = ask, .ino = (uint32_t)m->rdx, .argument_bytes = (uint32_t)m->r9,
		.strings = ask->path,
		.strings_bytes = (uint32_t)__builtin_strlen(ask->path) + 1,
	};

	return spawn_library(child, &what);
}

/* At least one argument, for programs rely on it; and none of the strings is without its end. */
static bool
strings_make_sense(const struct exo_msg *m)
{
	const uint64_t argc = (uint32_t)m->r8, envc = m->r8 >> 32;

	return argc > 0 && argc + envc <= m->r9 && m->r9 >> 32 == 0;
}

long
setid_request(struct proc *p, const struct exo_msg *m, const char *comm)
{
	static struct setid_ask ask;
	const struct request r = { .env = p->sh->env, .cred = p->cred };
	const struct fs_inode *node = m->rdx >> 32 ? NULL : sfs_inode((uint32_t)m->rdx);
	struct sh_cred next = *p->cred;
	struct proc *child = NULL;
	int error = EAGAIN;

	ask_read(&ask, comm);
	if (!strings_make_sense(m))
		return -EINVAL;
	if (!node || !S_ISREG(node->mode))
		return -EACCES;
	if (!sfs_may_run(&r, (uint32_t)m->rdx))
		return -EACCES;
	if (!cred_setid(&next, node->mode, node->uid, node->gid))
		return -EINVAL;
	if (limits_fork(p))
		child = proc_create(NULL, p->sh->pid, p->sh->pgid, p->sh->sid, &error);
	if (!child)
		return -error;
	if (!gifts_take(p, &ask, child->gift)) {
		proc_discard(child);
		return -EBADF;
	}
	cred_set(child, &next);
	child->carried = p->carries = true;
	child->sh->tty = p->sh->tty;
	child->sh->nursed = (uint32_t)m->rdx;	/* it is run, whatever becomes of its names */
	__builtin_memcpy(child->sh->name, p->sh->name, sizeof(p->sh->name));
	error = start(child, p, m, &ask);
	if (error) {
		proc_discard(child);
		return error;
	}
	return child->sh->pid;
}
