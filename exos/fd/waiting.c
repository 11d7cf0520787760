/* SPDX-License-Identifier: ISC */
/* Waiting for several files: the header's story. */
#include "epoll.h"
#include "waiting.h"
#include "../thread/thread.h"

#define TERMS (EXO_TERMS_MAX - 1)	/* one is block_on's own */

#define NESTED_MOST 16384u
u32 waiting_nested;

void
waiting_begin(struct waiting *w)
{
	waiting_nested = NESTED_MOST;
	w->count = 0;
	w->changes = SHARED->changes;
	w->set_changes = epoll_changes;
	w->watched = w->many;
}

void
waiting_terms(struct waiting *w, struct exo_term *terms, unsigned count)
{
	if (w->many || count > FILE_TERMS || w->count + count > TERMS) {
		w->many = true;
		return;
	}
	for (unsigned i = 0; i < count; i++) {
		terms[i].flags = w->count ? EXO_TERM_OR : 0;
		w->terms[w->count++] = terms[i];
	}
}

u32
waiting_look(struct waiting *w, struct file *f, u32 events)
{
	struct exo_term terms[FILE_TERMS];
	unsigned count = FILE_TERMS;
	u32 ready;

	if (w->watched && f->object)
		object_watch(f->object);
	w->sets |= f->ops == &epoll_ops;
	ready = f->ops->poll(f, events, terms, &count);
	waiting_terms(w, terms, count);
	return ready;
}

int
waiting_block(struct waiting *w, u64 deadline_ns)
{
	const bool sets = w->sets && threads_many();

	w->many |= sets && w->count == TERMS;
	if (w->many && !w->watched)
		return 0;		/* look again, watching */
	if (w->many) {
		w->terms[0] = term_word(&SHARED->changes, ~0ull, EXO_NE, w->changes);
		w->count = 1;
	}
	if (sets) {
		w->terms[w->count] =
			term_word(&epoll_changes, ~0ull, EXO_NE, w->set_changes);
		w->terms[w->count].flags = w->count ? EXO_TERM_OR : 0;
		w->count++;
	}
	return block_on(w->terms, w->count, deadline_ns);
}
