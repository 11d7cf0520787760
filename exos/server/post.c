/* SPDX-License-Identifier: ISC */
/* Letters sent, waiting at sockets, and taken. */
#include "letter.h"
#include "fsnode.h"
#include <errno.h>

#define ATTACHED_MAX 64u		/* letters to one side of a connection, not yet taken */

/* ---- queues ------------------------------------------------------------------------------------ */

static void
enqueue(struct sock *s, struct letter *l)
{
	uint32_t n = (uint32_t)(l - letters);

	l->state = LETTER_QUEUED;
	l->to = s->object;
	if (s->last)
		letters[s->last].next = n;
	else
		s->first = n;
	s->last = n;
	s->queued++;
	s->queued_bytes += l->bytes;
	sock_row(s)->arrived++;
	if (sock_full(s))
		sock_peers_tell(s);
	server_changed();
}

static struct letter *
dequeue(struct sock *s)
{
	bool full = sock_full(s);
	struct letter *l = &letters[s->first];

	s->first = l->next;
	if (!s->first)
		s->last = 0;
	l->next = 0;
	l->kept = false;
	s->queued--;
	s->queued_bytes -= l->bytes;
	sock_row(s)->taken++;
	if (full)
		sock_peers_tell(s);
	server_changed();
	return l;
}

void
letters_drop(uint32_t object)
{
	struct sock *s = sock_of(&objects[object]);

	while (s && s->first)
		letter_free(dequeue(s));
	for (uint32_t n = 1; n <= LETTERS_MAX && letters_used; n++)
		if (letters[n].state == LETTER_ATTACHED && letters[n].to == object)
			letter_free(&letters[n]);
}

/* ---- connecting ---------------------------------------------------------------------------------- */

long
letter_connect(struct proc *p, struct sock *listener, struct object *connection)
{
	struct letter *l = letter_make(p, 0);
	int slot = l ? flight_keep(connection, 1) : -ENOBUFS;

	if (slot < 0) {
		if (l)
			letter_free(l);
		return slot;
	}
	l->connection = object_id(connection) + 1;
	l->connection_key = (exo_slot)slot;
	enqueue(listener, l);
	return 0;
}

struct object *
letter_accept(struct sock *listener, exo_envid env, exo_slot slot)
{
	struct object *o;
	struct letter *l;

	if (!listener->first)
		return NULL;
	l = dequeue(listener);
	o = object_by_id(l->connection - 1);
	if (o && object_key(o, EXO_R | EXO_W, env, slot))
		o = NULL;
	letter_free(l);
	return o;
}

/* ---- sending ------------------------------------------------------------------------------------ */

static uint32_t
attached_to(uint32_t object, uint8_t side)
{
	uint32_t n = 0;

	for (uint32_t i = 1; i <= LETTERS_MAX; i++)
		n += letters[i].state == LETTER_ATTACHED && letters[i].to == object &&
			letters[i].to_side == side;
	return n;
}

/* To the other side of a connection: the ticket goes in the ring. */
static long
attach(const struct proc *p, const struct request *r, struct sock *s, struct letter *l)
{
	struct object *o = &objects[s->object];

	const uint8_t side = !client_opens(p->sh->env, (exo_slot)r->b, o->guard, EXO_R | EXO_W);

	if (attached_to(s->object, side) >= ATTACHED_MAX)
		return -ETOOMANYREFS;
	l->to_side = side;
	l->to = s->object;
	l->state = LETTER_ATTACHED;
	return (long)ticket_of(l);
}

static int
receiver_find(struct request *r, struct sock *from, struct sock **to)
{
	int error = 0;

	*to = sock_peer(from);
	if (r->c == WHERE_PEER && !*to && from->peer) {
		from->peer = 0;		/* as Linux: with the peer goes what it had sent */
		letters_drop(from->object);
		return -ECONNREFUSED;
	}
	if (r->c == WHERE_PEER)
		return *to ? 0 : -ENOTCONN;
	error = sock_find(r, r->c, r->d, to);
	if (error)
		return error;
	if ((*to)->type != SOCK_TYPE_DGRAM)
		return -EPROTOTYPE;
	return sock_peer(*to) && sock_peer(*to) != from ? -EPERM : 0;
}

static long
letter_send(struct proc *p, struct request *r)
{
	struct sock *from = sock_asked(p, r->a, r->b), *to;
	struct letter *l = draft_of(p);
	long error;

	if (!from || !l)
		return -EINVAL;
	if (from->state == SOCK_CONNECTED)
		return attach(p, r, from, l);
	error = receiver_find(r, from, &to);
	if (error)
		return error;
	if (sock_row(from)->shut & SOCK_SHUT_WRITE || sock_row(to)->shut & SOCK_SHUT_READ)
		return -EPIPE;
	if (sock_full(to)) {
		r->rdx = SOCKS_OFF + (uint64_t)(to - socks) * sizeof(struct sh_sock);
		r->r9 = sock_row(to)->taken;
		return -EAGAIN;
	}
	l->from = from->name[0];
	enqueue(to, l);
	p->draft = 0;
	return (long)ticket_of(l);
}

/* ---- taking -------------------------------------------------------------------------------------- */

static struct letter *
letter_meant(const struct proc *p, const struct request *r, struct sock *s)
{
	struct letter *l = r->c ? letter_by_ticket(r->c) : NULL;
	const uint32_t side = l && l->to_side ? EXO_R | EXO_W : EXO_R;

	if (r->c == 0)
		return s->state == SOCK_ENDPOINT && s->first ? &letters[s->first] : NULL;
	if (!l || l->state != LETTER_ATTACHED || l->to != s->object
		|| !client_opens(p->sh->env, (exo_slot)r->b, objects[s->object].guard, side))
		return NULL;
	return l;
}

static void
letter_show(const struct letter *l, char *comm)
{
	struct letter_info info = {
		.ticket = ticket_of(l), .bytes = l->bytes, .rights = l->nrights, .cred = l->cred,
		.from = l->from,
		.first = l->bytes < EXO_PAGE_BYTES - COMM_BYTES
			? l->bytes
			: (uint32_t)EXO_PAGE_BYTES - COMM_BYTES,
	};

	_Static_assert(sizeof(info) <= COMM_BYTES, "the head of a letter");
	letter_move(l, 0, comm + COMM_BYTES, info.first, true);
	__builtin_memcpy(comm, &info, sizeof(info));
}

static long
letter_take(struct proc *p, struct request *r)
{
	struct sock *s = sock_asked(p, r->a, r->b);
	struct letter *l = s ? letter_meant(p, r, s) : NULL;

	if (!l)
		return s ? -EAGAIN : -EBADF;
	desk_clear(p);
	if (r->d) {
		l->kept = true;
	} else {
		if (l->state == LETTER_QUEUED)
			dequeue(s);
		l->state = LETTER_TAKEN;
		l->kept = false;
	}
	p->desk = ticket_of(l);
	l->holder = (uint16_t)(proc_index(p) + 1);
	letter_show(l, r->comm);
	return 0;
}

static long
desk_get(const struct proc *p, const struct request *r)
{
	struct letter *l = desk_of(p);
	uint32_t bytes;

	if (!l || r->a > l->bytes)
		return -EINVAL;
	bytes = l->bytes - (uint32_t)r->a;
	bytes = bytes < EXO_PAGE_BYTES ? bytes : (uint32_t)EXO_PAGE_BYTES;
	letter_move(l, (uint32_t)r->a, r->comm, bytes, true);
	return bytes;
}

static int
object_pass(const struct proc *p, const struct right *t, struct object *o, const exo_slot slot[2],
	uint64_t offset)
{
	const struct object_place at = { .rights = t->what.sides & (EXO_R | EXO_W),
		.slot = { slot[0], slot[1] }, .offset = offset };

	if (!object_place_ok(offset, o->frames))
		return -EINVAL;
	return object_give(o, p->sh->env, &at);
}

/* What holders of the description share. */
static long
ofd_pass(const struct proc *p, struct request *r, const struct right *t)
{
	struct object *o = t->ofd < 0 ? NULL : object_by_id(t->what.ofd);
	const struct object_place at = { .rights = EXO_R, .slot = { (exo_slot)r->b },
		.offset = r->c };

	if (!o || !object_place_ok(at.offset, o->frames))
		return -EINVAL;
	r->r8 = guard_shown(o->guard);
	return object_give(o, p->sh->env, &at);
}

static long
owner_pass(const struct request *r, const struct right *t)
{
	exo_guardref guard = t->owner < 0 ? 0 : lock_owner_guard(t->what.owner, t->what.ino);

	return guard ? client_bind(r->env, (exo_slot)r->b, guard, EXO_R) : -EINVAL;
}

static long
desk_give(const struct proc *p, struct request *r)
{
	const exo_slot slot[2] = { (exo_slot)r->b, (exo_slot)(r->b >> 32) };
	struct letter *l = desk_of(p);
	struct right *t = l ? right_find(l, r->a) : NULL;
	struct object *o;

	if (!t || r->d > PASSED_OWNER)
		return -EINVAL;
	if (r->d)
		return r->d == PASSED_OFD ? ofd_pass(p, r, t) : owner_pass(r, t);
	__builtin_memcpy(r->comm, &t->what, sizeof(t->what));
	o = t->what.object == PASSED_NOTHING ? NULL : object_by_id(t->what.object);
	if (o) {
		r->r8 = guard_shown(o->guard);
		r->r9 = o->frames;
	}
	if (r->c == 0)
		return 0;
	if (t->what.line && right_tty(t))
		return client_bind(r->env, slot[0], right_tty(t)->guard, t->what.sides);
	return o ? object_pass(p, t, o, slot, r->c)
		 : fs_key_give(r, t->what.ino, t->what.sides, slot[0]);
}

long
letter_request(struct proc *p, struct request *r, uint32_t op)
{
	switch (op) {
	case OP_LETTER_NEW: return draft_new(p, r);
	case OP_LETTER_PUT: return draft_put(p, r);
	case OP_LETTER_RIGHT: return draft_right(p, r);
	case OP_LETTER_SEND: return letter_send(p, r);
	case OP_LETTER_TAKE: return letter_take(p, r);
	case OP_LETTER_GET: return desk_get(p, r);
	case OP_LETTER_GIVE: return desk_give(p, r);
	case OP_LETTER_END: letters_forget(p); return 0;
	default: return -ENOSYS;
	}
}
