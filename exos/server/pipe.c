/* SPDX-License-Identifier: ISC */
/*
 * Pipes: the server makes them and buries them, and has no part in their
 * use.  A pipe is PIPE_FRAMES contiguous frames (indices, then the ring) of the
 * session's account and a guard of its own.  Whoever holds a descriptor holds
 * a key bound on that guard; when the guard has no holders, nobody can come
 * back to the pipe and its frames are free again, however its holders died.
 */
#include "srv.h"
#include <errno.h>

#define PIPES_MAX 1024u
#define PIPE_FRAMES 17u

static struct pipe {
	exo_pfn pfn;			/* 0: free entry */
	exo_guardref guard;
} pipes[PIPES_MAX];

static void
pipe_release(struct pipe *p)
{
	frames_release(p->pfn, PIPE_FRAMES);
	guard_put(p->guard);
	p->pfn = 0;
}

/* Bind the frames into the caller and mint its two keys; it named the slots and the place. */
static int
pipe_give(struct pipe *p, struct proc *to, exo_slot read_slot, exo_slot write_slot, uint64_t va)
{
	const exo_slot mine =
		KEY_FIRST_FREE; /* a slot of the server's ring, empty between requests */
	const struct {
		uint32_t rights;
		exo_slot slot;
	} ends[] = {
		{ EXO_R, read_slot },
		{ EXO_R | EXO_W, write_slot },
	};
	struct exo_map vec[PIPE_FRAMES];
	int64_t error = 0;

	for (unsigned i = 0; i < PIPE_FRAMES; i++)
		vec[i] = (struct exo_map){
			.va = va + i * EXO_PAGE_BYTES, .pfn = p->pfn + i, .key = ROOT_KEY,
			.op = EXO_OP_MAP | EXO_MAP_READ | EXO_MAP_WRITE | EXO_MAP_SHARED,
		};
	error = exo_map_all(to->sh->env, vec, PIPE_FRAMES, ROOT_KEY);
	for (unsigned i = 0; i < 2 && error >= 0; i++) {
		error = exo_key_bind(p->guard, ends[i].rights, ROOT_KEY, mine);
		if (error >= 0)
			error = exo_key_copy(mine, 1, to->sh->env, ends[i].slot, ROOT_KEY);
		exo_key_drop(mine, 1);
	}
	return (int)error;
}

long
pipe_new(struct proc *p, exo_slot read_slot, exo_slot write_slot, uint64_t offset)
{
	static uint64_t serial;
	struct exo_key entries[EXO_GUARD_KEYS] = {
		{ .len = 9, .rights = EXO_RIGHTS_ALL, .name = "i" }
	};
	struct pipe *pipe = NULL;

	if (offset % EXO_PAGE_BYTES || offset < EXOS_PIPES ||
		offset > EXOS_OFDS - PIPE_FRAMES * EXO_PAGE_BYTES)
		return -EINVAL;
	for (unsigned i = 0; i < PIPES_MAX && !pipe; i++)
		if (pipes[i].pfn == 0)
			pipe = &pipes[i];
	if (!pipe)
		return -ENFILE;
	serial++;
	__builtin_memcpy(entries[0].name + 1, &serial, 8);
	pipe->guard = guard_new(entries);
	if (pipe->guard == 0)
		return -ENFILE;
	if (frames_claim(session_account, PIPE_FRAMES, &pipe->pfn)) {
		guard_put(pipe->guard);
		pipe->pfn = 0;
		return -ENFILE;
	}
	exo_frame_guard_all(pipe->pfn, PIPE_FRAMES, pipe->guard, ROOT_KEY, ROOT_KEY);
	if (pipe_give(pipe, p, read_slot, write_slot, image.base + offset) < 0) {
		pipe_release(pipe);
		return -EINVAL;
	}
	return pipe - pipes;
}

long
pipe_free(uint32_t id)
{
	const volatile uint64_t *count;

	if (id >= PIPES_MAX || pipes[id].pfn == 0)
		return -EINVAL;
	count = guard_holders(pipes[id].guard);
	if (!count || count[0] || count[1])
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
