/* SPDX-License-Identifier: ISC */
/* Objects that processes share, for the parts of the server that make them: object.c's story. */
#ifndef EXOS_SERVER_OBJECT_H
#define EXOS_SERVER_OBJECT_H

#include "srv.h"

#define OBJECTS_MAX 4096u

struct object {
	exo_guardref guard;		/* 0: free entry */
	exo_pfn pfn;
	uint32_t frames;
	uint32_t uid;			/* whose bound it counts against */
	uint32_t maker;			/* index of the process that made it, and which one that was */
	uint32_t ino;			/* named pipe: the name it was opened by, or 0 */
	uint32_t sock;			/* index + 1 of the socket that it is, or 0 */
	uint32_t notify;		/* number + 1 of the inotify instance that it is, or 0 */
	uint32_t flying[2];		/* keys of each side that the server holds for letters */
	uint64_t maker_serial;
	uint64_t serial;		/* never used twice */
	uint64_t opens[2];		/* by that name: for reading, for writing */
	uint64_t token;			/* of an open file description (ofd.c), or 0 */
};
extern struct object objects[OBJECTS_MAX];
extern uint32_t object_rows;		/* those behind are free */

struct object_place {			/* named by the caller: where it wants what */
	uint32_t rights;		/* EXO_R, EXO_W: the keys of which sides */
	exo_slot slot[2];
	uint64_t offset;
};

struct object *object_make(const struct proc *p, uint32_t frames);	/* NULL: no room */
/* Then: -ENFILE; -EBUSY: ask again, something is coming back. */
long object_refused(const struct proc *p, uint32_t frames);
void object_release(struct object *o);
uint32_t object_id(const struct object *o);
struct object *object_by_id(uint64_t id);	/* NULL: none */
bool object_held(const struct object *o);
bool object_place_ok(uint64_t offset, uint32_t frames);
int object_key(const struct object *o, uint32_t rights, exo_envid to, exo_slot slot);
int object_map(const struct object *o, exo_envid to, uint64_t offset);
int object_give(const struct object *o, exo_envid to, const struct object_place *at);

#endif
