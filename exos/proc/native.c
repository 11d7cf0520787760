/* SPDX-License-Identifier: ISC */
/* exec of a program that runs without ExOS: it becomes a child, and what it prints is carried (carry.c). */
#include "carry.h"
#include "../core/keys.h"

long
native_run(u32 ino, const char *path, const struct arguments *args)
{
	struct carry c = { .ring = NULL };
	struct object *o;
	exo_slot keys[2];
	long pid;
	int error;

	if (args->bytes > EXO_PAGE_BYTES)
		return -E2BIG;
	error = object_new(&o, 1, EXO_W, keys);
	if (error)
		return error;
	c.key = keys[1];
	c.ring = (volatile struct exo_ring *)o->page;
	memcpy(COMM, args->strings, args->bytes);
	pid = server_call(OP_EXEC_NATIVE, ino, args->argc | (u64)args->envc << 32, args->bytes,
		o->id, c.key, NULL);
	if (pid < 0) {
		key_slot_put(c.key);
		object_drop(o);
		return pid;
	}
	c.pid = (u32)pid;
	carry_begin(ino, path, args);
	carry(&c);
}
