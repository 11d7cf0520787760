/* SPDX-License-Identifier: ISC */
/*
 * Connections: an object of a page of indices and two rings, one for each
 * direction.  What a side writes is records (messages.h): messages of a
 * seqpacket, pieces of a stream.  Descriptors and who sent them are in a letter
 * that the server keeps; its ticket lies in the record's head.
 *
 * The other side can write all of it, and so make of its bytes what it likes:
 * every word is read once and masked.
 */
#include "socket.h"
#include "messages.h"

#define ENOUGH 4096u			/* room that makes it writable */

struct half {				/* what one side writes and the other reads */
	u64 head, tail;
	u64 wlock, rlock;
	u64 taken;			/* bytes read of the record at tail */
	u64 put, got;			/* bytes ever written, read */
	u64 state;			/* HALF_* */
};
#define HALF_SHUT 1u			/* no more is to be written */
#define HALF_CRED 2u			/* its reader wants to know who writes */

struct indices {
	struct object_head object;
	struct half half[2];
};
_Static_assert(CONNECTION_FRAMES == 1 + 2 * RING_BYTES / EXO_PAGE_BYTES, "a page and two rings");

static volatile struct half *
half(const struct file *f, u32 side)
{
	return &((volatile struct indices *)f->object->page)->half[side];
}

static char *
ring(const struct file *f, u32 side)
{
	return (char *)f->object->page + EXO_PAGE_BYTES + side * RING_BYTES;
}

static u32
side_of(const struct file *f)
{
	return socket_of(f)->side & 1;
}

static bool
alone(const struct file *f)
{
	return f->object->holders[!side_of(f)] == 0;
}

static bool
shut(const struct file *f, u32 side)
{
	return half(f, side)->state & HALF_SHUT || alone(f);
}

static bool
waits(const struct file *f, const struct message *m)
{
	return !(m->flags & MSG_DONTWAIT_) && !(f->shared->flags & O_NONBLOCK);
}

/* Until the word is another, the other side has gone, or this half is shut. */
static int
wait_for(const struct file *f, u32 flags, const volatile u64 *word, u64 seen, u32 side,
	u64 deadline)
{
	struct exo_term t[3];

	object_use(f->object, side_of(f));
	if (!(flags & MSG_DONTWAIT_) && !(f->shared->flags & O_NONBLOCK) &&
		object_turn(f->object, side_of(f), word, seen))
		return 0;
	t[0] = object_term(f->object, word, seen, f->key);
	t[1] = object_gone_term(f->object, !side_of(f));
	t[2] = term_word(&half(f, side)->state, HALF_SHUT, EXO_NE, 0);
	t[2].key = f->key;
	t[1].flags = t[2].flags = EXO_TERM_OR;
	return socket_block(f, flags, t, 3, deadline);
}

/* ---- writing --------------------------------------------------------------------------------- */

static int
ring_put(char *to, u64 at, struct spans *s, u64 bytes)
{
	u64 first = ring_first(at, bytes);
	int error = spans_in(s, to + ring_offset(at), first);

	return error || first == bytes ? error : spans_in(s, to, bytes - first);
}

/* One record, with the lock held: bytes written, -EAGAIN: no room while *tail is what it is. */
static long
record_put(const struct file *f, struct spans *s, u64 ticket, u64 *tail)
{
	volatile struct half *h = half(f, side_of(f));
	u64 head = record_at(h->head), room, n;
	int error;

	*tail = __atomic_load_n(&h->tail, __ATOMIC_ACQUIRE);
	room = ring_room(head, record_at(*tail));
	n = record_fits(room);
	if (room < RECORD_HEAD || (s->left && n == 0))
		return -EAGAIN;
	if (socket_of(f)->type == SOCK_TYPE_SEQPACKET && n < s->left)
		return -EAGAIN;
	n = n < s->left ? n : s->left;
	*(volatile struct record *)(ring(f, side_of(f)) + ring_offset(head)) =
		(struct record){ .bytes = (u32)n, .ticket = ticket };
	error = ring_put(ring(f, side_of(f)), head + RECORD_HEAD, s, n);
	if (error)
		return error;
	h->put += n;
	__atomic_store_n(&h->head, head + record_span(n), __ATOMIC_RELEASE);
	return (long)n;
}

static long
broken(const struct message *m)
{
	if (!(m->flags & MSG_NOSIGNAL_))
		signal_raise(SIGPIPE);
	return -EPIPE;
}

/* The other side has gone, with bytes of ours that it never read: told once. */
static bool
was_reset(const struct file *f)
{
	volatile struct half *h = half(f, side_of(f));
	struct socket *k = socket_of(f);

	if (k->reset_told || !alone(f) || h->head == h->tail)
		return false;
	k->reset_told = true;
	return true;
}

/* Who we are, where somebody wants to know, and the descriptors: a letter's ticket, 0: none. */
static long
ticket_for(const struct file *f, const struct message *m)
{
	bool asked = half(f, side_of(f))->state & HALF_CRED || socket_of(f)->pass_cred;
	long error;

	if (!m->has_letter && !m->has_cred && !asked)
		return 0;
	error = m->has_letter ? 0 : letter_draft(0);
	return error ? error : letter_attach(f);
}

/* Where too many are on the way, one is waited for to be read. */
static long
ticket_await(const struct file *f, const struct message *m)
{
	volatile struct half *h = half(f, side_of(f));
	u64 deadline = socket_deadline(socket_of(f)->send_ns);

	for (;;) {
		u64 tail = h->tail;
		long ticket = ticket_for(f, m);

		if (ticket != -ETOOMANYREFS || m->has_letter)
			return ticket;
		ticket = wait_for(f, m->flags, &h->tail, tail, side_of(f), deadline);
		if (ticket || shut(f, side_of(f)))
			return ticket ? ticket : -EPIPE;
	}
}

static long
put_all(struct file *f, struct spans *s, struct message *m, u64 ticket)
{
	volatile struct half *h = half(f, side_of(f));
	bool packet = socket_of(f)->type == SOCK_TYPE_SEQPACKET;
	u64 deadline = socket_deadline(socket_of(f)->send_ns), done = 0;

	do {
		u64 tail;
		long n;

		if (shut(f, side_of(f)))
			return done ? (long)done : broken(m);
		n = object_lock(&h->wlock, waits(f, m));
		if (n)
			return done ? (long)done : n;
		n = record_put(f, s, ticket, &tail);
		object_unlock(&h->wlock);
		if (n == -EAGAIN) {
			n = wait_for(f, m->flags, &h->tail, tail, side_of(f), deadline);
			if (n == 0)
				continue;
		}
		if (n < 0)
			return done ? (long)done : n;
		object_changed(f->object);
		done += (u64)n;
		ticket = 0;
		if (packet)
			break;
	} while (s->left);
	return (long)done;
}

long
stream_send(struct file *f, struct spans *s, struct message *m)
{
	bool packet = socket_of(f)->type == SOCK_TYPE_SEQPACKET;
	long ticket;

	if (packet && record_span(s->left) > RING_BYTES)
		return -EMSGSIZE;
	if (packet && was_reset(f))
		return -ECONNRESET;
	if (shut(f, side_of(f)))
		return broken(m);
	if (s->left == 0 && !packet)
		return 0;
	ticket = ticket_await(f, m);
	return ticket < 0 ? ticket : put_all(f, s, m, (u64)ticket);
}

/* ---- reading ------------------------------------------------------------------------------------ */

static int
ring_get(const char *from, u64 at, struct spans *s, u64 bytes)
{
	u64 first = ring_first(at, bytes);
	int error = spans_out(s, from + ring_offset(at), first);

	return error || first == bytes ? error : spans_out(s, from, bytes - first);
}

/* Where reading stands; what is looked at moves on, what is taken stays so. */
struct reader {
	u64 tail, taken;
	u64 done;
	bool any;			/* a record was there */
};

/* The letter of a record.  True: nothing may be added to what was read before. */
static bool
record_letter(const struct file *f, volatile struct record *at, u64 ticket, const struct reader *r,
	struct message *m)
{
	bool first = !r->any, peek = m->flags & MSG_PEEK_;
	struct message now = { .flags = m->flags };

	if (ticket == 0)
		return !first && m->has_cred && socket_of(f)->pass_cred;
	if (letter_open(f, ticket, !first || peek, &now) < 0)
		return false;		/* it went with somebody who took it before */
	if (!first && socket_of(f)->pass_cred
		&& (!m->has_cred || memcmp(&now.cred, &m->cred, sizeof(now.cred))))
		return true;
	if (!first && !peek && letter_open(f, ticket, false, &now) < 0)
		return false;
	m->cred = now.cred;
	m->has_cred = true;
	m->has_letter = true;
	m->rights = now.rights;
	if (!peek)
		at->ticket = 0;
	return false;
}

/* One record or a part of it.  1: there may be more, 0: that is all, -errno. */
static int
record_get(const struct file *f, struct spans *s, struct message *m, struct reader *r, u64 head)
{
	u32 side = !side_of(f);
	bool packet = socket_of(f)->type == SOCK_TYPE_SEQPACKET;
	u64 used = ring_used(head, r->tail) & ~15ull;
	volatile struct record *at =
		(volatile struct record *)(ring(f, side) + ring_offset(r->tail));
	struct record now;
	u64 bytes, n;
	int error;

	if (used < RECORD_HEAD)
		return 0;
	now = *at;
	bytes = record_bytes(used, now.bytes);
	r->taken = r->taken < bytes || packet ? r->taken : bytes;
	if (packet)
		r->taken = 0;
	if (record_letter(f, at, now.ticket, r, m))
		return 0;
	r->any = true;
	n = bytes - r->taken < s->left ? bytes - r->taken : s->left;
	error = ring_get(ring(f, side), r->tail + RECORD_HEAD + r->taken, s, n);
	if (error)
		return error;
	r->done += n;
	r->taken += n;
	m->length = bytes;
	if (packet && n < bytes)
		m->told |= MSG_TRUNC_;
	if (packet || r->taken == bytes) {
		r->tail += record_span(bytes);
		r->taken = 0;
	}
	return !packet && !m->rights && s->left;
}

/* What is there, with the lock held: bytes, -EAGAIN: nothing while the head is *head. */
static long
records_get(const struct file *f, struct spans *s, struct message *m, u64 *head)
{
	volatile struct half *h = half(f, !side_of(f));
	struct reader r = { .tail = record_at(h->tail), .taken = h->taken };
	int more;

	*head = __atomic_load_n(&h->head, __ATOMIC_ACQUIRE);
	do
		more = record_get(f, s, m, &r, *head);
	while (more > 0);		/* bound: each is a record of the ring, or fills the spans */
	if (more < 0 && r.done == 0)
		return more;
	if (!r.any)
		return -EAGAIN;
	if (!(m->flags & MSG_PEEK_)) {
		h->got += r.done;
		h->taken = r.taken;
		__atomic_store_n(&h->tail, r.tail, __ATOMIC_RELEASE);
	}
	return (long)r.done;
}

static long
receive_some(struct file *f, struct spans *s, struct message *m, u64 deadline)
{
	volatile struct half *h = half(f, !side_of(f));

	for (;;) {
		bool over = shut(f, !side_of(f));	/* before the head: then what they left is seen */
		u64 head;
		long n;

		n = object_lock(&h->rlock, waits(f, m));
		if (n)
			return n;
		n = records_get(f, s, m, &head);
		object_unlock(&h->rlock);
		if (n != -EAGAIN) {
			object_changed(f->object);
			return n;
		}
		if (was_reset(f))
			return -ECONNRESET;
		if (over)
			return 0;
		n = wait_for(f, m->flags, &h->head, head, !side_of(f), deadline);
		if (n < 0)
			return n;
	}
}

long
stream_receive(struct file *f, struct spans *s, struct message *m)
{
	bool packet = socket_of(f)->type == SOCK_TYPE_SEQPACKET;
	u64 deadline = socket_deadline(socket_of(f)->receive_ns), done = 0;

	for (;;) {
		long n = receive_some(f, s, m, deadline);

		if (n <= 0)
			return done ? (long)done : n;
		done += (u64)n;
		if (packet || s->left == 0 || m->flags & MSG_PEEK_ || m->rights ||
			(!(m->flags & MSG_WAITALL_) && done >= (u64)socket_of(f)->least))
			return (long)done;
	}
}

/* ---- the rest -------------------------------------------------------------------------------------- */

u32
stream_poll(struct file *f, u32 events, struct exo_term *terms, unsigned *nterms)
{
	u32 me = side_of(f);
	volatile struct half *in = half(f, !me), *out = half(f, me);
	bool gone = alone(f), in_shut = gone || in->state & HALF_SHUT;
	bool out_shut = gone || out->state & HALF_SHUT;
	u64 head = in->head, tail = out->tail;
	u32 now = 0;

	if (in_shut || head != in->tail)
		now |= POLLIN | POLLRDNORM;
	if (in_shut)
		now |= POLLRDHUP;
	if (ring_room(record_at(out->head), record_at(tail)) >= ENOUGH)
		now |= POLLOUT | POLLWRNORM | POLLWRBAND;
	now &= events;
	if (in_shut && out_shut)
		now |= POLLHUP;
	if (gone && !socket_of(f)->reset_told && out->head != tail)
		now |= POLLERR;
	terms[0] = events & (POLLOUT | POLLWRNORM | POLLWRBAND) && !(events & (POLLIN | POLLRDNORM))
		? object_term(f->object, &out->tail, tail, f->key)
		: object_term(f->object, &in->head, head, f->key);
	terms[1] = object_gone_term(f->object, !me);
	terms[2] = object_term(f->object, &in->state, in->state, f->key);
	terms[1].flags = terms[2].flags = EXO_TERM_OR;
	*nterms = 3;
	if (events & (POLLOUT | POLLWRNORM | POLLWRBAND) && events & (POLLIN | POLLRDNORM)) {
		terms[3] = object_term(f->object, &out->tail, tail, f->key);
		terms[3].flags = EXO_TERM_OR;
		*nterms = 4;
	}
	return now;
}

u64
stream_version(struct file *f, u32 events)
{
	u64 version = 0;

	if (events & (POLLIN | POLLRDNORM))
		version += half(f, !side_of(f))->head;
	if (events & (POLLOUT | POLLWRNORM))
		version += half(f, side_of(f))->tail;
	return version;
}

u64
stream_pending(const struct file *f, u32 side)
{
	volatile struct half *h = half(f, side);
	u64 bytes = h->put - h->got;

	return bytes < RING_BYTES ? bytes : RING_BYTES;
}

void
stream_shutdown(struct file *f, u32 how)
{
	if (how != 1)
		__atomic_fetch_or(&half(f, !side_of(f))->state, HALF_SHUT, __ATOMIC_ACQ_REL);
	if (how != 0)
		__atomic_fetch_or(&half(f, side_of(f))->state, HALF_SHUT, __ATOMIC_ACQ_REL);
	object_changed(f->object);
}

/* Nobody has accepted it yet who could say whether he wants to know who writes. */
void
stream_connected(struct file *f)
{
	__atomic_fetch_or(&half(f, side_of(f))->state, HALF_CRED, __ATOMIC_ACQ_REL);
}

void
stream_option(struct file *f)
{
	volatile struct half *h = half(f, !side_of(f));

	if (socket_of(f)->pass_cred)
		__atomic_fetch_or(&h->state, HALF_CRED, __ATOMIC_ACQ_REL);
	else
		__atomic_fetch_and(&h->state, ~(u64)HALF_CRED, __ATOMIC_ACQ_REL);
}
