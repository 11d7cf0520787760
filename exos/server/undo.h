/* SPDX-License-Identifier: ISC */
/*
 * Requests happen wholly or not at all, also when the server ends in the middle.
 *
 * The server is compiled so that each store is preceded by a note of what it
 * overwrites (tools/undo.py), but for the stack, and for files that work without
 * the server's lock (mk/exos.mk, INIT_PLAIN).  What is done by kernel calls and
 * can be taken back is noted by hand, before it is done; what cannot be taken
 * back waits until the request is over (later).  When it is, undo_commit forgets
 * the notes.  If the server ends before, the next one goes through them from the
 * last to the first (undo_all): its memory is what it was when the request came,
 * and whoever had sent it sends it again.
 */
#ifndef UNDO_H
#define UNDO_H

#include <stdbool.h>
#include <stdint.h>

#define UNDO_AT 0x0000005000000000ull	/* the notes, in the server's memory */

struct undo {				/* a note: 16 bytes, in front of it the bytes that belong to it */
	/* Address or argument; in the last byte an enum undo_kind, or bytes 1, 2, 4 */
	uint64_t what;
	uint64_t value;
};
extern struct undo *undo_end;		/* known to tools/undo.py */

enum undo_kind {
	UNDO_WORD = 0,			/* address; eight bytes, as `value` says */
	UNDO_BYTES = 16,		/* address, number of bytes in front */
	UNDO_CLAIM,			/* first frame, count | account << 32 */
	UNDO_GUARD_NEW,			/* guard */
	UNDO_GUARD,			/* guard, number of bytes in front: its entries */
	UNDO_FRAMES,			/* first frame, count; in front the guard that they were under */
	UNDO_WINDOW,			/* frame that it showed before */
	UNDO_LIMIT,			/* account, frames to raise its limit by; in front the limit before */
	UNDO_MAP,			/* page, frame that was bound there */
	UNDO_KEY,			/* slot, environment that is given a key there */
};

void undo_note(enum undo_kind kind, uint64_t what, uint64_t value);
void undo_note_bytes(enum undo_kind kind, uint64_t what, const void *from, uint64_t bytes);
/* Memory that was nobody's when the request came, and whose contents nobody will miss, is zeroed. */
void undo_zero(void *at, uint64_t bytes);
void undo_reuse(void);			/* some was let go of: from here on that need not be so */
bool undo_grow(uint64_t address);	/* a fault: there is room for notes now */
bool limit_move(exo_pfn account, int64_t frames);	/* noted */
void undo_commit(void);			/* what was done stays; and what waited for that is done */
void undo_forget(void);			/* the first half of that */
void undo_begin(void);			/* room for as many as requests make */
void undo_trim(void);			/* between requests */
void undo_all(uint64_t asked);		/* by whom what is taken back was asked for; 0: the loop */
unsigned long undo_noted(void);		/* notes there are */
bool undo_lost(void);			/* there was more than can be noted */

/* ---- later.c: what cannot be taken back ----------------------------------------------------------- */
enum later_kind {
	LATER_RELEASE,			/* first frame, count: of our account */
	LATER_RELEASE_SESSION,		/* the same of the session's */
	LATER_DESTROY,			/* environment, reason */
	LATER_GUARD,			/* guard, to be used again */
	LATER_UNLEND,			/* page of a client's, bound at that address */
	LATER_TYPED,			/* a buffer of the console's, to be filled again: its number */
	LATER_SHOWN,			/* what the console has to say */
	LATER_TOLD,			/* what the host is told */
	LATER_HEARD,			/* the buffer for what the host says */
	LATER_KINDS
};
void later(enum later_kind kind, uint64_t a, uint64_t b);
bool later_with_device(const volatile void *page, const volatile uint64_t *done);
void later_run(bool again);		/* again: some of it may be done already */

#endif
