/* SPDX-License-Identifier: ISC */
/*
 * Letters: what goes from process to process through the server, because
 * nobody else can vouch for it or keep it meanwhile: datagrams (a receiver's
 * ring that many senders could write would let each harm the others), wishes to
 * connect, descriptors, and who sent them.
 *
 * A letter's bytes lie in frames of the session's account; its descriptors are
 * described by the sender and carry keys that the server made after asking the
 * kernel about the sender's.  The tables are bounded, and so is what one user and
 * one receiver may have of them.
 */
#include "letter.h"
#include "fsnode.h"
#include <errno.h>

/* Of each, what one user but root may have on the way, and one process. */
#define USER_SHARE(all) ((all) - (all) / 4)
#define PROCESS_SHARE(all) ((all) / 4)
#define USER_FRAMES 4u			/* of all frames, for the bytes: one part in so many */
#define PROCESS_FRAMES 16u

struct letter letters[LETTERS_MAX + 1];
struct right rights[RIGHTS_MAX + 1];
uint32_t letters_used;

/* ---- descriptors in letters ---------------------------------------------------------------- */

void
right_drop(struct right *t)
{
	struct object *o = t->what.object == PASSED_NOTHING ? NULL : object_by_id(t->what.object);

	for (uint32_t side = 0; side < 2; side++)
		if (t->key[side] >= 0 && o)
			flight_end(o, side, (exo_slot)t->key[side]);
	if (t->key[0] >= 0 && t->what.line) {
		flight_drop((exo_slot)t->key[0]);
		pty_sweep();
	}
	if (t->ofd >= 0 && object_by_id(t->what.ofd))
		flight_end(object_by_id(t->what.ofd), 0, (exo_slot)t->ofd);
	if (t->owner >= 0) {
		flight_drop((exo_slot)t->owner);
		lock_owner_closed(t->what.owner);
	}
	if (t->what.ino)
		sfs_sweep_due();
	t->used = false;
}

struct right *
right_find(const struct letter *l, uint64_t which)
{
	uint32_t n = l->rights;

	for (uint64_t i = 0; n && i < which; i++)
		n = rights[n].next;
	return n ? &rights[n] : NULL;
}

bool
letters_name(uint32_t ino)
{
	for (uint32_t n = 1; n <= RIGHTS_MAX && letters_used; n++)
		if (rights[n].used && rights[n].what.ino == ino)
			return true;
	return false;
}

/* ---- letters ---------------------------------------------------------------------------------- */

uint64_t
ticket_of(const struct letter *l)
{
	return (uint64_t)l->serial << 32 | (uint64_t)(l - letters);
}

struct letter *
letter_by_ticket(uint64_t ticket)
{
	uint32_t n = (uint32_t)ticket;

	if (n == 0 || n > LETTERS_MAX || letters[n].state == LETTER_FREE ||
		letters[n].serial != ticket >> 32)
		return NULL;
	return &letters[n];
}

void
letter_free(struct letter *l)
{
	struct object *o = l->connection ? object_by_id(l->connection - 1) : NULL;

	while (l->rights) {
		struct right *t = &rights[l->rights];

		l->rights = t->next;
		right_drop(t);
	}
	if (o)
		flight_end(o, 1, l->connection_key);
	if (l->frames)
		frames_release(l->pfn, l->frames);
	l->state = LETTER_FREE;
	letters_used--;
}

struct burden {				/* what somebody has on the way */
	uint32_t letters, rights;
	uint64_t frames;
};

static void
burden_add(struct burden *b, const struct letter *l)
{
	b->letters++;
	b->rights += l->nrights;
	b->frames += l->frames;
}

/* May it have one letter more, of so many frames, or so many descriptors? */
bool
letter_within_bounds(const struct sock_cred *c, uint32_t frames, uint32_t more)
{
	struct burden user = { 0, more, frames }, process = user;
	const uint64_t all = server_shared_info()->memory_frames;

	for (uint32_t i = 1; i <= LETTERS_MAX; i++) {
		if (letters[i].state == LETTER_FREE)
			continue;
		if (letters[i].cred.uid == c->uid)
			burden_add(&user, &letters[i]);
		if (letters[i].cred.pid == c->pid)
			burden_add(&process, &letters[i]);
	}
	if (process.letters >= PROCESS_SHARE(LETTERS_MAX) ||
		process.rights >= PROCESS_SHARE(RIGHTS_MAX) ||
		process.frames > all / PROCESS_FRAMES)
		return false;
	return c->uid == 0
		|| (user.letters < USER_SHARE(LETTERS_MAX) && user.rights < USER_SHARE(RIGHTS_MAX)
			&& user.frames <= all / USER_FRAMES);
}

struct letter *
letter_make(const struct proc *p, uint32_t bytes)
{
	static uint32_t serial;
	uint32_t frames = (bytes + EXO_PAGE_BYTES - 1) / EXO_PAGE_BYTES, n = 1;
	const struct sock_cred cred = cred_shown(p);
	struct letter *l;

	while (n <= LETTERS_MAX && letters[n].state != LETTER_FREE)
		n++;
	if (n > LETTERS_MAX || !letter_within_bounds(&cred, frames, 0))
		return NULL;
	l = &letters[n];
	serial++;
	*l = (struct letter){ .serial = serial, .cred = cred, .bytes = bytes,
		.frames = frames, .holder = (uint16_t)(proc_index(p) + 1) };
	if (frames && frames_claim(session_account, frames, &l->pfn))
		return NULL;
	l->state = LETTER_DRAFT;
	letters_used++;
	return l;
}

/* Between a letter's frames and the comm page: a part that lies in both. */
void
letter_move(const struct letter *l, uint32_t offset, char *comm, uint32_t bytes, bool out)
{
	while (bytes) {			/* bound: the comm page */
		uint32_t in = offset % EXO_PAGE_BYTES, part = (uint32_t)EXO_PAGE_BYTES - in;
		char *page = scratch_map(l->pfn + offset / EXO_PAGE_BYTES);

		part = part < bytes ? part : bytes;
		if (page && out)
			__builtin_memcpy(comm, page + in, part);
		else if (page)
			__builtin_memcpy(page + in, comm, part);
		offset += part;
		comm += part;
		bytes -= part;
	}
	scratch_unmap();
}

struct tty *
right_tty(const struct right *t)
{
	uint32_t n = t->what.line - 1;

	return n < SH_TTYS && ttys[n].guard ? &ttys[n] : NULL;
}
