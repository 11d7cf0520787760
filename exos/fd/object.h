/* SPDX-License-Identifier: ISC */
/*
 * Objects: frames shared by exactly those who hold a key bound on their guard,
 * made by the server (server/object.c).  A pipe is one, an eventfd, a
 * connection between sockets.
 *
 * An object has two sides: a key without W is of side 0, one with W of side 1,
 * and the counts of who holds which are words to wait on, right even after a
 * crash.  What lies in the frames is as good as the worst of the holders: each
 * word is read once, and whatever it is, what follows from it lies inside.
 */
#ifndef EXOS_FD_OBJECT_H
#define EXOS_FD_OBJECT_H

#include "../core/exos.h"

/*
 * The first words of the first frame.  Who waits for more objects than a
 * predicate has terms sets `watched` in each before it looks at them, and
 * waits on SHARED->changes; who changes something calls object_changed.
 */
struct object_head {
	u64 watched;
	u64 cpus;			/* bit k: somebody on CPU k has waited for a word here */
	exo_envid user[2];		/* who used each side last */
	u64 spare[4];
};

struct object {				/* this process's; one for all descriptors of it */
	volatile struct object_head *page;
	const volatile u64 *holders;	/* [0], [1]: keys that there are of each side */
	u32 id, frames;
	u32 uses;			/* by files of this process */
	struct give give;		/* to the other side */
};

/*
 * A new one, mapped, with a key of each side asked for (EXO_R: 0, EXO_W: 1) in
 * keys[]; one use.  0 or -errno.
 */
int object_new(struct object **o, u32 frames, u32 sides, exo_slot keys[2]);
/* One that the server gives by another request: ask(offset, keys) is to say which (id, or -errno) and where its counts are. */
typedef long object_ask(void *arg, u64 offset, const exo_slot keys[2], u64 *counts);
int object_get(struct object **o, u32 frames, object_ask *ask, void *arg, exo_slot keys[2]);
void object_drop(struct object *o);	/* one use less; after the keys were put back */

/* True when *word is no longer `seen` (a word of o's frames, read by key): o is about to be waited for. */
struct exo_term object_term(struct object *o, const volatile u64 *word, u64 seen, exo_slot key);
/* For the other side to know whom it waits for: this process uses that side. */
static inline void
object_use(struct object *o, unsigned side)
{
	if (o->page->user[side] != UAREA->env)
		o->page->user[side] = UAREA->env;
}

/*
 * Before waiting for *word to be no longer `seen`: those who talk with each other pass the slice
 * to and fro, which is much cheaper than to sleep.  True: it is another.
 */
bool object_turn(struct object *o, unsigned side, const volatile u64 *word, u64 seen);
/* True when nobody holds a key of that side. */
struct exo_term object_gone_term(const struct object *o, unsigned side);

void object_watch_word(u64 va);		/* the same by an address; of no object: nothing */
void object_mark_word(u64 va);		/* somebody on this CPU waits for it, whoever that is */
void object_watch(struct object *o);	/* before it is looked at; SHARED->changes was read before */
/* To be called when a change is stored: wakes those who watch many, and those on processors that sleep. */
void object_changed(struct object *o);

/*
 * A lock in the frames: holds the name of who has it, so that one who died is found out.  Nothing
 * waits with it held; but others can write there what they like, or be stopped.  0; -EINTR: a
 * signal is to be handled; -EAGAIN, where it is not waited for: somebody has had it for long.
 */
int object_lock(volatile u64 *word, bool wait);
void object_unlock(volatile u64 *word);

#endif
