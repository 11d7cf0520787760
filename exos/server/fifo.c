/* SPDX-License-Identifier: ISC */
/*
 * Named pipes: the inode is a name and no more.  Behind it is the object of
 * whoever has it open; who is admitted by the inode's guard gets the keys of
 * the ends asked for.
 */
#include "object.h"
#include "fsnode.h"
#include <errno.h>

static struct object *
pipe_of(uint32_t ino)
{
	for (unsigned i = 0; i < object_rows; i++)
		if (objects[i].guard && objects[i].ino == ino)
			return &objects[i];
	return NULL;
}

/* What nobody has open any more is lost, as is what a pipe of the inode's former life has. */
static void
fifo_forget(uint32_t ino)
{
	struct object *o = pipe_of(ino);

	if (o)
		o->ino = 0;
}

/* What the caller needs to know of the other side, as of now: is it there, how often was it, which am I? */
static void
fifo_count(struct object *o, uint32_t rights, struct request *r)
{
	unsigned own = rights & EXO_W ? 1 : 0, other = !own;

	r->rdx = (guard_holders(o->guard)[other] != 0) | guard_shown(o->guard) << 1;
	r->r8 = o->opens[other];
	r->r9 = ++o->opens[own];
}

static long
fifo_open(struct request *r)
{
	const struct object_place at = {
		.rights = (uint32_t)r->b & (EXO_R | EXO_W),
		.slot = { (exo_slot)r->c, (exo_slot)r->d },
		.offset = r->e,
	};
	const struct fs_inode *node = r->a >> 32 ? NULL : sfs_inode((uint32_t)r->a);
	struct object *o;

	if (!object_place_ok(at.offset, PIPE_FRAMES) || !at.rights)
		return -EINVAL;
	if (!node || (node->mode & 0170000) != 0010000)
		return -ENXIO;
	if (!client_may(r, node, at.rights))
		return -EACCES;
	o = pipe_of((uint32_t)r->a);
	if (o && !object_held(o)) {
		fifo_forget((uint32_t)r->a);
		o = NULL;
	}
	if (!o)
		o = object_make(proc_by_env(r->env), PIPE_FRAMES);
	if (!o)
		return object_refused(proc_by_env(r->env), PIPE_FRAMES);
	o->ino = (uint32_t)r->a;
	fifo_count(o, at.rights, r);
	if (object_give(o, r->env, &at) == 0)
		return object_id(o);
	objects_due();
	return -EINVAL;
}

long
fifo_request(struct request *r, uint32_t op, long result)
{
	if (op == OP_FS_FIFO)
		return fifo_open(r);
	if (op == OP_FS_CREATE && result > 0) {
		fifo_forget((uint32_t)result);
		sock_inode_new((uint32_t)result);
	}
	return result;
}
