/* SPDX-License-Identifier: ISC */
/*
 * exec of a program that runs without ExOS.  It knows nothing of descriptors,
 * so it becomes a child, and this process stays, without a program: it carries
 * what the other puts into a ring that the two share to wherever descriptor 1
 * leads, and ends as the other ends.  Signals have their default actions here,
 * and whatever ends this process ends the child.
 */
#include "proc.h"
#include "signal.h"
#include "../core/keys.h"
#include "../core/self.h"
#include "../fd/file.h"
#include "../fd/object.h"
#include "../linux/calls.h"
#include "../linux/errno.h"

#define OUT 1

struct relay {
	struct object *object;
	volatile struct exo_ring *ring;
	exo_slot key;
	u32 pid;
};

/* What is in the ring goes out; nobody to take it is the end by SIGPIPE, where no other is. */
static void
carry(struct relay *r)
{
	static char text[EXO_RING_BYTES] TRANSIENT;
	const u64 put = r->ring->put, taken = r->ring->taken;
	u64 bytes = put - taken, done = 0;

	bytes = bytes < EXO_RING_BYTES ? bytes : EXO_RING_BYTES;
	for (u64 n = 0; n < bytes; n++)
		text[n] = r->ring->data[(taken + n) % EXO_RING_BYTES];
	while (done < bytes) {
		const long n = sys_write(OUT, (long)text + (long)done, (long)(bytes - done));

		if (n == -EINTR)
			signal_deliver(&UAREA->save[0]);
		else if (n <= 0)
			break;
		done += n > 0 ? (u64)n : 0;
	}
	r->ring->taken = put;
}

static long
status_of(u32 pid)
{
	long status;

	do {
		status = server_call(OP_REAP, pid, 0, 0, 0, 0, NULL);
	} while (status == -EAGAIN); /* bound: each time some of its memory is freed */
	return status;
}

static noreturn_ void
relay(struct relay *r)
{
	for (;;) {
		const volatile struct sh_proc *p = proc_find(r->pid);
		const bool ended = !p || p->state == PROC_ZOMBIE;
		const u64 put = r->ring->put, events = PROC->child_events;
		struct exo_term terms[2] = {
			object_term(&r->ring->put, put, r->key),
			term_word(&PROC->child_events, ~0ull, EXO_NE, events),
		};

		carry(r);
		if (ended)
			proc_exit((int)status_of(r->pid));
		terms[1].flags = EXO_TERM_OR;
		if (r->ring->put == put && !(proc_find(r->pid) && p->state == PROC_ZOMBIE) &&
			block_on(terms, 2, 0) == -EINTR)
			signal_deliver(&UAREA->save[0]);
	}
}

long
native_run(u32 ino, const char *path, const struct arguments *args)
{
	struct relay r = { .ring = NULL };
	exo_slot keys[2];
	long pid;
	int error;

	if (args->bytes > EXO_PAGE_BYTES)
		return -E2BIG;
	error = object_new(&r.object, 1, EXO_W, keys);
	if (error)
		return error;
	r.key = keys[1];
	r.ring = (volatile struct exo_ring *)r.object->page;
	memcpy(COMM, args->strings, args->bytes);
	pid = server_call(OP_EXEC_NATIVE, ino, args->argc | (u64)args->envc << 32, args->bytes,
		r.object->id, r.key, NULL);
	if (pid < 0) {
		key_slot_put(r.key);
		object_drop(r.object);
		return pid;
	}
	r.pid = (u32)pid;
	exec_gone(ino, path);
	fd_exec();
	signal_exec();
	exec_publish(path, args);
	arguments_end();
	relay(&r);
}
