/* SPDX-License-Identifier: ISC */
/*
 * Pipes: the server makes them and buries them, and has no part in their
 * use.  A pipe is PIPE_FRAMES contiguous frames (indices, then the ring) of the
 * session's account and a guard of its own.  Whoever holds a descriptor holds
 * a key bound on that guard; when the guard has no holders, nobody can come
 * back to the pipe and its frames are free again, however its holders died.
 */
#include "srv.h"
#include "fsnode.h"
#include <errno.h>

#define PIPES_MAX 1024u
#define PIPE_FRAMES 17u

static struct pipe {
	exo_pfn pfn;			/* 0: free entry */
	exo_guardref guard;
	uint32_t ino;			/* the name it was opened by, or 0 */
	uint64_t opens[2];		/* by that name: for reading, for writing */
} pipes[PIPES_MAX];

static void
pipe_release(struct pipe *p)
{
	frames_release(p->pfn, PIPE_FRAMES);
	guard_put(p->guard);
	p->pfn = 0;
}

/* Bind the frames into the caller and mint its keys; it named the slots and the place. */
static int
pipe_give(const struct pipe *p, exo_envid to, const struct pipe_place *at)
{
	const exo_slot mine =
		KEY_FIRST_FREE; /* a slot of the server's ring, empty between requests */
	const struct {
		uint32_t rights, when;
		exo_slot slot;
	} ends[] = {
		{ EXO_R, EXO_R, at->read_slot },
		{ EXO_R | EXO_W, EXO_W, at->write_slot },
	};
	struct exo_map vec[PIPE_FRAMES];
	int64_t error = 0;

	for (unsigned i = 0; i < PIPE_FRAMES; i++)
		vec[i] = (struct exo_map){
			.va = image.base + at->offset + i * EXO_PAGE_BYTES, .pfn = p->pfn + i,
			.key = ROOT_KEY,
			.op = EXO_OP_MAP | EXO_MAP_READ | EXO_MAP_WRITE | EXO_MAP_SHARED,
		};
	error = exo_map_all(to, vec, PIPE_FRAMES, ROOT_KEY);
	for (unsigned i = 0; i < 2 && error >= 0; i++) {
		if (!(at->rights & ends[i].when))
			continue;
		error = exo_key_bind(p->guard, ends[i].rights, ROOT_KEY, mine);
		if (error >= 0)
			error = exo_key_copy(mine, 1, to, ends[i].slot, ROOT_KEY);
		exo_key_drop(mine, 1);
	}
	return (int)error;
}

static bool
place_ok(uint64_t offset)
{
	return offset % EXO_PAGE_BYTES == 0 && offset >= EXOS_PIPES
		&& offset <= EXOS_OFDS - PIPE_FRAMES * EXO_PAGE_BYTES;
}

/* NULL: no room. */
static struct pipe *
pipe_make(void)
{
	static uint64_t serial;
	struct exo_key entries[EXO_GUARD_KEYS] = {
		{ .len = 9, .rights = EXO_RIGHTS_ALL, .name = "i" }
	};
	struct pipe *pipe = NULL;

	for (unsigned i = 0; i < PIPES_MAX && !pipe; i++)
		if (pipes[i].pfn == 0)
			pipe = &pipes[i];
	if (!pipe)
		return NULL;
	serial++;
	__builtin_memcpy(entries[0].name + 1, &serial, 8);
	pipe->ino = 0;
	pipe->opens[0] = pipe->opens[1] = 0;
	pipe->guard = guard_new(entries);
	if (pipe->guard == 0)
		return NULL;
	if (frames_claim(session_account, PIPE_FRAMES, &pipe->pfn)) {
		guard_put(pipe->guard);
		pipe->pfn = 0;
		return NULL;
	}
	exo_frame_guard_all(pipe->pfn, PIPE_FRAMES, pipe->guard, ROOT_KEY, ROOT_KEY);
	return pipe;
}

long
pipe_new(const struct proc *p, const struct pipe_place *at)
{
	struct pipe *pipe = place_ok(at->offset) ? pipe_make() : NULL;

	if (!pipe)
		return place_ok(at->offset) ? -ENFILE : -EINVAL;
	if (pipe_give(pipe, p->sh->env, at) < 0) {
		pipe_release(pipe);
		return -EINVAL;
	}
	return pipe - pipes;
}

static bool
is_held(const struct pipe *p)
{
	const volatile uint64_t *count = guard_holders(p->guard);

	return count && (count[0] || count[1]);
}

/* ---- named pipes: the inode is a name and no more ----------------------------------------- */

static struct pipe *
pipe_of(uint32_t ino)
{
	for (unsigned i = 0; i < PIPES_MAX; i++)
		if (pipes[i].pfn && pipes[i].ino == ino)
			return &pipes[i];
	return NULL;
}

/* What nobody has open any more is lost, as is what a pipe of the inode's former life has. */
static void
fifo_forget(uint32_t ino)
{
	struct pipe *p = pipe_of(ino);

	if (p)
		p->ino = 0;
}

/* What the caller needs to know of the other side, as of now: is it there, how often was it, which am I? */
static void
fifo_count(struct pipe *p, uint32_t rights, struct request *r)
{
	unsigned own = rights & EXO_W ? 1 : 0, other = !own;

	r->rdx = guard_holders(p->guard)[other] != 0;
	r->r8 = p->opens[other];
	r->r9 = ++p->opens[own];
}

static long
fifo_open(struct request *r)
{
	const struct pipe_place at = {
		.rights = (uint32_t)r->b & (EXO_R | EXO_W),
		.read_slot = (exo_slot)r->c,
		.write_slot = (exo_slot)r->d,
		.offset = r->e,
	};
	const struct fs_inode *node = r->a >> 32 ? NULL : sfs_inode((uint32_t)r->a);
	struct pipe *p;

	if (!place_ok(at.offset) || !at.rights)
		return -EINVAL;
	if (!node || (node->mode & 0170000) != 0010000)
		return -ENXIO;
	if (!client_may(r, node, at.rights))
		return -EACCES;
	p = pipe_of((uint32_t)r->a);
	if (p && !is_held(p)) {
		fifo_forget((uint32_t)r->a);
		p = NULL;
	}
	if (!p)
		p = pipe_make();
	if (!p)
		return -ENFILE;
	p->ino = (uint32_t)r->a;
	fifo_count(p, at.rights, r);
	return pipe_give(p, r->env, &at) < 0 ? -EINVAL : p - pipes;
}

long
fifo_request(struct request *r, uint32_t op, long result)
{
	if (op == OP_FS_FIFO)
		return fifo_open(r);
	if (op == OP_FS_CREATE && result > 0)
		fifo_forget((uint32_t)result);
	return result;
}

/* ---- the end ------------------------------------------------------------------------------------ */

long
pipe_free(uint32_t id)
{
	if (id >= PIPES_MAX || pipes[id].pfn == 0)
		return -EINVAL;
	if (is_held(&pipes[id]))
		return -EBUSY;
	pipe_release(&pipes[id]);
	return 0;
}

void
pipe_sweep(void)
{
	for (uint32_t i = 0; i < PIPES_MAX; i++)
		if (pipes[i].pfn)
			pipe_free(i);
}
