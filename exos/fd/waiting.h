/* SPDX-License-Identifier: ISC */
/*
 * Waiting for several files: poll, select, epoll.
 *
 *	struct waiting w = { 0 };
 *	do {
 *		waiting_begin(&w);
 *		ready = waiting_look(&w, file, events) for each of them
 *	} while (none is ready && (error = waiting_block(&w, deadline)) == 0);
 *
 * The words of a few files have room in the kernel's predicate.  With more, one
 * word stands for all: SHARED->changes, which the server bumps with every word
 * of its own that processes wait on, and when told that an object changed which
 * somebody watches (object.h).  Nothing is looked at but after a change.
 */
#ifndef EXOS_FD_WAITING_H
#define EXOS_FD_WAITING_H

#include "file.h"

struct waiting {
	struct exo_term terms[EXO_TERMS_MAX];
	unsigned count;
	bool many;			/* there is no room for all files' terms */
	bool watched;			/* and so objects were watched before they were looked at */
	bool sets;			/* there are epoll sets among them: other threads may change them */
	u64 changes;			/* SHARED->changes, before */
	u64 set_changes;		/* epoll_changes, before */
};

/*
 * What may be looked at in sets inside sets until the next waiting_begin: ways
 * there multiply, and whoever shares a set may write anything into it.
 */
extern u32 waiting_nested;

void waiting_begin(struct waiting *w);
u32 waiting_look(struct waiting *w, struct file *f, u32 events);	/* POLL* that are ready */
void waiting_terms(struct waiting *w, struct exo_term *terms, unsigned count);	/* and these */
/* 0: look again; -ETIMEDOUT: look a last time; -EINTR. */
int waiting_block(struct waiting *w, u64 deadline_ns);

#endif
