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
#include "sock.h"
#include "tty.h"
#include "fsnode.h"
#include <errno.h>

#define LETTERS_MAX 1024u
#define RIGHTS_MAX 1024u
/* Of each, what one user but root may have on the way, and one process. */
#define USER_SHARE(all) ((all) - (all) / 4)
#define PROCESS_SHARE(all) ((all) / 4)
#define ATTACHED_MAX 64u		/* to one connection, not yet taken */

enum letter_state { FREE, DRAFT, QUEUED, ATTACHED, TAKEN };

static struct letter {
	uint8_t state;			/* enum letter_state */
	bool kept;			/* on a desk only to be looked at: still queued, too */
	uint8_t to_side;		/* ATTACHED: whose it is */
	uint16_t holder;		/* DRAFT, TAKEN, kept: index of the process + 1 */
	uint32_t serial;
	uint32_t next;			/* QUEUED: number of the one behind, 0 none */
	uint32_t to;			/* QUEUED, ATTACHED: object */
	uint32_t connection;		/* QUEUED at a listener: object + 1, whose key of side 1 is kept */
	exo_slot connection_key;
	struct sock_cred cred;
	struct sock_name from;
	exo_pfn pfn;
	uint32_t bytes, frames;
	uint32_t rights, nrights;	/* number of the first, 0 none; in order */
} letters[LETTERS_MAX + 1];		/* number 0 is none */

static struct right {
	bool used;
	uint32_t next;
	struct passed what;
	int key[2];			/* slots of ours, -1: none */
} rights[RIGHTS_MAX + 1];

static uint32_t count;			/* of letters that are not free */

/* ---- descriptors in letters ---------------------------------------------------------------- */

static void
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
	if (t->what.ino)
		sfs_sweep_due();
	t->used = false;
}

static struct right *
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
	for (uint32_t n = 1; n <= RIGHTS_MAX && count; n++)
		if (rights[n].used && rights[n].what.ino == ino)
			return true;
	return false;
}

/* ---- letters ---------------------------------------------------------------------------------- */

static uint64_t
ticket_of(const struct letter *l)
{
	return (uint64_t)l->serial << 32 | (uint64_t)(l - letters);
}

static struct letter *
by_ticket(uint64_t ticket)
{
	uint32_t n = (uint32_t)ticket;

	if (n == 0 || n > LETTERS_MAX || letters[n].state == FREE ||
		letters[n].serial != ticket >> 32)
		return NULL;
	return &letters[n];
}

static void
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
	l->state = FREE;
	count--;
}

/* May it have one letter and so many descriptors more on the way? */
static bool
within_bounds(const struct sock_cred *c, uint32_t more)
{
	uint32_t user[2] = { 0, more }, process[2] = { 0, more };

	for (uint32_t i = 1; i <= LETTERS_MAX; i++) {
		const struct letter *l = &letters[i];

		if (l->state == FREE)
			continue;
		user[0] += l->cred.uid == c->uid;
		user[1] += l->cred.uid == c->uid ? l->nrights : 0;
		process[0] += l->cred.pid == c->pid;
		process[1] += l->cred.pid == c->pid ? l->nrights : 0;
	}
	return process[0] < PROCESS_SHARE(LETTERS_MAX) && process[1] < PROCESS_SHARE(RIGHTS_MAX) &&
		(c->uid == 0 ||
			(user[0] < USER_SHARE(LETTERS_MAX) && user[1] < USER_SHARE(RIGHTS_MAX)));
}

static struct letter *
letter_make(const struct proc *p, uint32_t bytes)
{
	static uint32_t serial;
	uint32_t frames = (bytes + EXO_PAGE_BYTES - 1) / EXO_PAGE_BYTES, n = 1;
	const struct sock_cred cred = cred_shown(p);
	struct letter *l;

	while (n <= LETTERS_MAX && letters[n].state != FREE)
		n++;
	if (n > LETTERS_MAX || !within_bounds(&cred, 0))
		return NULL;
	l = &letters[n];
	*l = (struct letter){ .serial = ++serial, .cred = cred, .bytes = bytes,
		.frames = frames, .holder = (uint16_t)(proc_index(p) + 1) };
	if (frames && frames_claim(session_account, frames, &l->pfn))
		return NULL;
	l->state = DRAFT;
	count++;
	return l;
}

/* Between a letter's frames and the comm page: a part that lies in both. */
static void
bytes_move(const struct letter *l, uint32_t offset, char *comm, uint32_t bytes, bool out)
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

/* ---- drafts and desks ------------------------------------------------------------------------- */

static struct letter *
draft_of(const struct proc *p)
{
	struct letter *l = by_ticket(p->draft);

	return l && l->state == DRAFT && l->holder == proc_index(p) + 1 ? l : NULL;
}

static struct letter *
desk_of(const struct proc *p)
{
	struct letter *l = by_ticket(p->desk);

	return l && (l->state == TAKEN || l->kept) && l->holder == proc_index(p) + 1 ? l : NULL;
}

static void
desk_clear(struct proc *p)
{
	struct letter *l = desk_of(p);

	if (l && l->state == TAKEN)
		letter_free(l);
	p->desk = 0;
}

void
letters_forget(struct proc *p)
{
	struct letter *l = draft_of(p);

	if (l)
		letter_free(l);
	p->draft = 0;
	desk_clear(p);
}

static long
draft_new(struct proc *p, const struct request *r)
{
	struct letter *l;

	letters_forget(p);
	if (r->a > LETTER_BYTES_MAX)
		return -EMSGSIZE;
	if (r->b > r->a || r->b > EXO_PAGE_BYTES)
		return -EINVAL;
	l = letter_make(p, (uint32_t)r->a);
	if (!l)
		return -ENOBUFS;
	p->draft = ticket_of(l);
	bytes_move(l, 0, r->comm, (uint32_t)r->b, false);
	return 0;
}

static long
draft_put(const struct proc *p, const struct request *r)
{
	struct letter *l = draft_of(p);

	if (!l || r->a > l->bytes || r->b > l->bytes - r->a || r->b > EXO_PAGE_BYTES)
		return -EINVAL;
	bytes_move(l, (uint32_t)r->a, r->comm, (uint32_t)r->b, false);
	return 0;
}

/* The sender holds keys of these sides: so do we then. */
static int
keys_keep(const struct proc *p, const struct request *r, struct right *t)
{
	const exo_slot slot[2] = { (exo_slot)r->a, (exo_slot)r->b };
	struct object *o = object_by_id(t->what.object);

	if (!o)
		return -EINVAL;
	for (uint32_t side = 0; side < 2; side++) {
		uint32_t want = side ? EXO_R | EXO_W : EXO_R;

		if (!(t->what.sides & (side ? EXO_W : EXO_R)))
			continue;
		if (!client_opens(p->sh->env, slot[side], o->guard, want))
			return -EACCES;
		t->key[side] = flight_keep(o, side);
		if (t->key[side] < 0)
			return -ETOOMANYREFS;
	}
	return t->key[0] < 0 && t->key[1] < 0 ? -EINVAL : 0;
}

static struct tty *
tty_meant(const struct right *t)
{
	uint32_t n = t->what.line - 1;

	return n < SH_TTYS && ttys[n].guard ? &ttys[n] : NULL;
}

/* A terminal's key has rights of its own kind. */
static int
tty_keep(const struct proc *p, const struct request *r, struct right *t)
{
	struct tty *tty = tty_meant(t);

	t->what.sides &= EXO_R | EXO_P | EXO_W;
	if (!tty || !t->what.sides)
		return -EINVAL;
	if (!client_opens(p->sh->env, (exo_slot)r->a, tty->guard, t->what.sides))
		return -EACCES;
	t->key[0] = flight_key(tty->guard, t->what.sides);
	return t->key[0] < 0 ? -ETOOMANYREFS : 0;
}

/* A regular file is passed with what the sender may do to it. */
static int
file_may(const struct request *r, struct right *t)
{
	const struct fs_inode *node = sfs_inode(t->what.ino);

	t->what.sides &= EXO_R | EXO_W;
	if (!node)
		return -EINVAL;
	if (!S_ISREG(node->mode) || client_may_by(r, node, t->what.sides, r->a))
		return 0;
	return -EACCES;
}

static long
draft_right(const struct proc *p, struct request *r)
{
	struct letter *l = draft_of(p);
	uint32_t n = 1, *at;
	struct right *t;
	int error = 0;

	while (n <= RIGHTS_MAX && rights[n].used)
		n++;
	if (!l || l->nrights == LETTER_RIGHTS_MAX)
		return -EINVAL;
	if (n > RIGHTS_MAX || !within_bounds(&l->cred, 1))
		return -ETOOMANYREFS;
	t = &rights[n];
	*t = (struct right){ .used = true, .key = { -1, -1 } };
	__builtin_memcpy(&t->what, r->comm, sizeof(t->what));
	if (t->what.object != PASSED_NOTHING)
		t->what.line = 0;
	if (t->what.object != PASSED_NOTHING)
		error = keys_keep(p, r, t);
	else if (t->what.line)
		error = tty_keep(p, r, t);
	else if (t->what.ino && t->what.ino < 0x80000000u)
		error = file_may(r, t);
	if (error) {
		right_drop(t);
		return error;
	}
	for (at = &l->rights; *at; at = &rights[*at].next)
		;			/* bound: LETTER_RIGHTS_MAX */
	*at = n;
	l->nrights++;
	return 0;
}

/* ---- queues ------------------------------------------------------------------------------------ */

static void
enqueue(struct sock *s, struct letter *l)
{
	uint32_t n = (uint32_t)(l - letters);

	l->state = QUEUED;
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
	for (uint32_t n = 1; n <= LETTERS_MAX && count; n++)
		if (letters[n].state == ATTACHED && letters[n].to == object)
			letter_free(&letters[n]);
}

/* ---- what can be reached: from objects to the letters that wait there, and what these carry ------- */

static uint16_t waiting[OBJECTS_MAX];		/* number of the first letter at an object */
static uint16_t behind[LETTERS_MAX + 1];	/* and of the one behind each */
static uint16_t todo[OBJECTS_MAX];
static uint32_t todos;

static void
reach(uint64_t *reached, uint32_t object)
{
	if (object >= OBJECTS_MAX || reached[object / 64] >> (object % 64) & 1)
		return;
	reached[object / 64] |= 1ull << (object % 64);
	todo[todos++] = (uint16_t)object;
}

static void
reach_from(uint64_t *reached, const struct letter *l)
{
	if (l->connection)
		reach(reached, l->connection - 1);
	for (uint32_t n = l->rights; n; n = rights[n].next)
		reach(reached, rights[n].what.object);
}

/* Each object and each letter is looked at once. */
void
letters_spread(uint64_t *reached)
{
	__builtin_memset(waiting, 0, sizeof(waiting));
	todos = 0;
	for (uint32_t n = 1; n <= LETTERS_MAX; n++) {
		const struct letter *l = &letters[n];

		if (l->state == DRAFT || l->state == TAKEN)
			reach_from(reached, l);
		if (l->state != QUEUED && l->state != ATTACHED)
			continue;
		behind[n] = waiting[l->to];
		waiting[l->to] = (uint16_t)n;
	}
	todos = 0;
	for (uint32_t id = 0; id < OBJECTS_MAX; id++)
		if (reached[id / 64] >> (id % 64) & 1)
			todo[todos++] = (uint16_t)id;
	while (todos)
		for (uint32_t n = waiting[todo[--todos]]; n; n = behind[n])
			reach_from(reached, &letters[n]);
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
attached_to(uint32_t object)
{
	uint32_t n = 0;

	for (uint32_t i = 1; i <= LETTERS_MAX; i++)
		n += letters[i].state == ATTACHED && letters[i].to == object;
	return n;
}

/* To the other side of a connection: the ticket goes in the ring. */
static long
attach(const struct proc *p, const struct request *r, struct sock *s, struct letter *l)
{
	struct object *o = &objects[s->object];

	if (attached_to(s->object) >= ATTACHED_MAX)
		return -ETOOMANYREFS;
	l->to_side = !client_opens(p->sh->env, (exo_slot)r->b, o->guard, EXO_R | EXO_W);
	l->to = s->object;
	l->state = ATTACHED;
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
	struct letter *l = r->c ? by_ticket(r->c) : NULL;
	const uint32_t side = l && l->to_side ? EXO_R | EXO_W : EXO_R;

	if (r->c == 0)
		return s->state == SOCK_ENDPOINT && s->first ? &letters[s->first] : NULL;
	if (!l || l->state != ATTACHED || l->to != s->object
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
	bytes_move(l, 0, comm + COMM_BYTES, info.first, true);
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
		if (l->state == QUEUED)
			dequeue(s);
		l->state = TAKEN;
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
	bytes_move(l, (uint32_t)r->a, r->comm, bytes, true);
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

static long
desk_give(const struct proc *p, struct request *r)
{
	const exo_slot slot[2] = { (exo_slot)r->b, (exo_slot)(r->b >> 32) };
	struct letter *l = desk_of(p);
	struct right *t = l ? right_find(l, r->a) : NULL;
	struct object *o;

	if (!t)
		return -EINVAL;
	__builtin_memcpy(r->comm, &t->what, sizeof(t->what));
	o = t->what.object == PASSED_NOTHING ? NULL : object_by_id(t->what.object);
	if (o) {
		r->r8 = guard_shown(o->guard);
		r->r9 = o->frames;
	}
	if (r->c == 0)
		return 0;
	if (t->what.line && tty_meant(t))
		return client_bind(r->env, slot[0], tty_meant(t)->guard, t->what.sides);
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
