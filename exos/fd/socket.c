/* SPDX-License-Identifier: ISC */
/*
 * Sockets: what state each is in.  A stream socket begins as nothing but a
 * struct socket; binding gives it an endpoint, and so does a fork or a letter,
 * for whoever has that can find out what the others made of the socket
 * (socket_follow); connecting and accepting give it a connection.
 */
#include "socket.h"
#include "../proc/signal.h"

#define BUFFER_BYTES 212992u		/* what Linux would say */

/* ---- waiting ------------------------------------------------------------------------------ */

u64
socket_deadline(u64 timeout_ns)
{
	if (timeout_ns)
		restart_never();
	return timeout_ns ? clock_ns() + timeout_ns : 0;
}

int
socket_block(const struct file *f, u32 flags, struct exo_term *terms, unsigned count, u64 deadline)
{
	int error = -EAGAIN;

	if (!(flags & MSG_DONTWAIT_) && !(f->shared->flags & O_NONBLOCK))
		error = block_on(terms, count, deadline);
	return error == -ETIMEDOUT ? -EAGAIN : error;
}

/* ---- making ---------------------------------------------------------------------------------- */

struct maker {				/* of what the server is asked */
	u32 type;
	bool wait;
	const struct file *f;		/* listener, or who connects */
	const struct message *to;
	struct answer answer;
};

static long
ask_endpoint(void *arg, u64 offset, const exo_slot keys[2], u64 *counts)
{
	struct maker *a = arg;
	long id = server_call(OP_SOCK_NEW, a->type, keys[0], 0, 0, 0, &a->answer);

	(void)offset;
	*counts = a->answer.r8;
	return id;
}

static long
ask_pair(void *arg, u64 offset, const exo_slot keys[2], u64 *counts)
{
	struct maker *a = arg;
	long id = server_call(OP_SOCK_PAIR, a->type, keys[0], keys[1], offset, 0, &a->answer);

	*counts = a->answer.r8;
	return id;
}

static long
ask_connect(void *arg, u64 offset, const exo_slot keys[2], u64 *counts)
{
	struct maker *a = arg;
	u64 own = a->f->object ? a->f->object->id | (u64)a->f->key << 32 : ~0ull;
	long id;

	memcpy(COMM + COMM_NAME, &a->to->name, sizeof(a->to->name));
	id = server_call(OP_SOCK_CONNECT, a->to->where | a->type << 8, a->to->ino, keys[0], offset,
		own, &a->answer);
	*counts = a->answer.r8;
	return id;
}

static long
ask_accept(void *arg, u64 offset, const exo_slot keys[2], u64 *counts)
{
	struct maker *a = arg;
	long id = server_call(OP_SOCK_ACCEPT, a->f->object->id, a->f->key, keys[1], offset, 0,
		&a->answer);

	*counts = a->answer.r8;
	return id;
}

struct file *
socket_file(u32 type, u32 state, u32 flags)
{
	struct socket *k = xalloc(sizeof(*k));
	struct file *f = k ? file_new(&socket_ops, (flags & O_NONBLOCK) | O_RDWR) : NULL;

	if (!f) {
		xfree(k);
		return NULL;
	}
	*k = (struct socket){ .type = type, .state = state,
		.send_bytes = BUFFER_BYTES, .receive_bytes = BUFFER_BYTES };
	f->own[0] = (u64)k;
	return f;
}

/* From now on the file is this object. */
static void
become(struct file *f, u32 state, u32 side, struct object *o, exo_slot key)
{
	if (f->object)
		file_close_object(f);
	f->object = o;
	f->key = key;
	f->side = (u8)side;
	socket_of(f)->state = state;
	socket_of(f)->side = side;
	if (state == SOCKET_CONNECTED && socket_of(f)->pass_cred)
		stream_option(f);
	for (u32 how = 0; how < 2 && state == SOCKET_CONNECTED; how++)
		if (socket_of(f)->shut & 1u << how)
			stream_shutdown(f, how);
}

int
socket_endpoint(struct file *f)
{
	struct maker ask = { .type = socket_of(f)->type };
	struct object *o;
	exo_slot keys[2];
	int error;

	if (f->object)
		return 0;
	error = object_get(&o, 0, ask_endpoint, &ask, keys);
	if (error)
		return error;
	key_slot_put(keys[1]);
	become(f, SOCKET_BOUND, 0, o, keys[0]);
	socket_of(f)->row =
		(const volatile struct sh_sock *)((const volatile char *)SHARED + ask.answer.rdx);
	return 0;
}

int
socket_share(struct file *f)
{
	return socket_of(f)->state == SOCKET_NEW ? socket_endpoint(f) : 0;
}

static long
ask_join(void *arg, u64 offset, const exo_slot keys[2], u64 *counts)
{
	const struct file *f = arg;
	struct answer answer = { 0 };
	long id = server_call(OP_SOCK_JOIN, f->object->id, f->key, keys[0], offset, 0, &answer);

	*counts = answer.r8;
	return id;
}

void
socket_follow(struct file *f)
{
	struct socket *k = socket_of(f);
	struct object *o;
	exo_slot keys[2];
	u64 is;

	if (k->state != SOCKET_BOUND || k->type == SOCK_TYPE_DGRAM)
		return;
	is = k->row->shut;
	if (is & SOCK_LISTENS)
		k->state = SOCKET_LISTENING;
	if (!(is & SOCK_BECAME) || object_get(&o, CONNECTION_FRAMES, ask_join, f, keys))
		return;
	key_slot_put(keys[1]);
	become(f, SOCKET_CONNECTED, 0, o, keys[0]);
}

int
socket_new(struct file **f, u32 type, u32 flags)
{
	int error;

	*f = socket_file(type, SOCKET_NEW, flags);
	if (!*f)
		return -ENOMEM;
	error = type == SOCK_TYPE_DGRAM ? socket_endpoint(*f) : 0;
	if (error)
		file_drop(*f);
	return error;
}

/* Takes over a use of the object and the key, also when it fails. */
struct file *
socket_connected(u32 type, u32 side, u32 flags, struct object *o, exo_slot key)
{
	struct file *f = socket_file(type, SOCKET_CONNECTED, flags);

	if (f) {
		become(f, SOCKET_CONNECTED, side, o, key);
		return f;
	}
	key_slot_put(key);
	object_drop(o);
	return NULL;
}

static int
datagram_pair(struct file *ends[2], u32 flags)
{
	int error = socket_new(&ends[0], SOCK_TYPE_DGRAM, flags);

	if (error)
		return error;
	error = socket_new(&ends[1], SOCK_TYPE_DGRAM, flags);
	if (error) {
		file_drop(ends[0]);
		return error;
	}
	error = (int)server_call(OP_SOCK_PEER, ends[0]->object->id, ends[0]->key, WHERE_PEER,
		ends[1]->object->id | (u64)ends[1]->key << 32, 0, NULL);
	if (error) {
		file_drop(ends[0]);
		file_drop(ends[1]);
	}
	return error;
}

int
socket_pair(struct file *ends[2], u32 type, u32 flags)
{
	struct maker ask = { .type = type };
	struct object *o;
	exo_slot keys[2];
	int error;

	if (type == SOCK_TYPE_DGRAM)
		return datagram_pair(ends, flags);
	error = object_get(&o, CONNECTION_FRAMES, ask_pair, &ask, keys);
	if (error)
		return error;
	o->uses++;
	ends[0] = socket_connected(type, 0, flags, o, keys[0]);
	ends[1] = socket_connected(type, 1, flags, o, keys[1]);
	return file_both(ends);
}

/* ---- connecting -------------------------------------------------------------------------------- */

static const volatile struct sh_sock *
row_at(u64 offset)
{
	return (const volatile struct sh_sock *)((const volatile char *)SHARED + offset);
}

static int
datagrams_to(struct file *f, const struct message *to)
{
	memcpy(COMM + COMM_NAME, &to->name, sizeof(to->name));
	return (int)server_call(OP_SOCK_PEER, f->object->id, f->key, to->where, to->ino, 0, NULL);
}

int
socket_disconnect(struct file *f)
{
	const struct message to = { .where = WHERE_NOWHERE };

	return socket_of(f)->type == SOCK_TYPE_DGRAM ? datagrams_to(f, &to) : -EINVAL;
}

int
socket_connect(struct file *f, const struct message *to)
{
	struct maker ask = { .type = socket_of(f)->type, .f = f, .to = to };
	u64 deadline;
	struct object *o;
	exo_slot keys[2];
	int error;

	if (socket_of(f)->type == SOCK_TYPE_DGRAM)
		return datagrams_to(f, to);
	if (socket_of(f)->state == SOCKET_CONNECTED)
		return -EISCONN;
	if (socket_of(f)->state == SOCKET_LISTENING)
		return -EINVAL;
	deadline = socket_deadline(socket_of(f)->send_ns);
	while ((error = object_get(&o, CONNECTION_FRAMES, ask_connect, &ask, keys)) == -EAGAIN) {
		struct exo_term t = term_word(&row_at(ask.answer.rdx)->taken, ~0ull, EXO_NE,
			ask.answer.r9);

		error = socket_block(f, 0, &t, 1, deadline);
		if (error)
			return error;
	}
	if (error)
		return error;
	key_slot_put(keys[1]);
	become(f, SOCKET_CONNECTED, 0, o, keys[0]);
	stream_connected(f);
	return 0;
}

static int
wait_for_caller(const struct file *f, u64 seen, u64 deadline)
{
	struct exo_term t[2];

	t[0] = term_word(&socket_of(f)->row->arrived, ~0ull, EXO_NE, seen);
	t[1] = term_word(&socket_of(f)->row->shut, SOCK_SHUT_READ, EXO_NE, 0);
	t[1].flags = EXO_TERM_OR;
	return socket_block(f, 0, t, 2, deadline);
}

int
socket_accept(struct file *f, u32 flags, struct file **made)
{
	struct maker ask = { .f = f };
	struct socket *k = socket_of(f);
	u64 deadline;
	struct object *o;
	exo_slot keys[2];
	int error;

	if (k->type == SOCK_TYPE_DGRAM)
		return -EOPNOTSUPP;
	if (k->state != SOCKET_LISTENING)
		return -EINVAL;
	deadline = socket_deadline(k->receive_ns);
	for (;;) {
		u64 arrived = k->row->arrived;

		error = object_get(&o, CONNECTION_FRAMES, ask_accept, &ask, keys);
		if (error == -EAGAIN)
			error = wait_for_caller(f, arrived, deadline);
		else if (error == 0)
			break;
		if (error)
			return error;
	}
	key_slot_put(keys[0]);
	*made = socket_connected(k->type, 1, flags, o, keys[1]);
	if (!*made)
		return -ENOMEM;
	socket_of(*made)->pass_cred = k->pass_cred;
	stream_option(*made);
	return 0;
}

/* ---- what is said of them --------------------------------------------------------------------------- */

long
socket_info(const struct file *f, struct sock_info *info)
{
	long error;

	*info = (struct sock_info){ .type = socket_of(f)->type };
	if (!f->object)
		return 0;
	error = server_call(OP_SOCK_INFO, f->object->id, f->key, 0, 0, 0, NULL);
	if (!error)
		memcpy(info, COMM, sizeof(*info));
	return error;
}

int
socket_shutdown(struct file *f, u32 how)
{
	struct socket *k = socket_of(f);

	k->shut |= how == 2 ? 3 : 1u << how;
	if (k->state == SOCKET_CONNECTED)
		stream_shutdown(f, how);
	if (k->state == SOCKET_CONNECTED || !f->object)
		return 0;
	return (int)server_call(OP_SOCK_SHUT, f->object->id, f->key, how, 0, 0, NULL);
}

u64
socket_pending(const struct file *f)
{
	if (socket_of(f)->state == SOCKET_CONNECTED)
		return stream_pending(f, !(socket_of(f)->side & 1));
	return socket_of(f)->type == SOCK_TYPE_DGRAM ? letter_pending(f) : 0;
}

/* ---- sending and receiving ------------------------------------------------------------------------------ */

long
socket_send(struct file *f, struct spans *s, struct message *m)
{
	struct socket *k = socket_of(f);

	if (m->flags & MSG_OOB_)
		return -EOPNOTSUPP;
	if (k->type == SOCK_TYPE_DGRAM)
		return letter_send(f, s, m);
	return k->state == SOCKET_CONNECTED ? stream_send(f, s, m) : -ENOTCONN;
}

long
socket_receive(struct file *f, struct spans *s, struct message *m)
{
	struct socket *k = socket_of(f);

	if (m->flags & MSG_OOB_)
		return -EOPNOTSUPP;
	if (k->type == SOCK_TYPE_DGRAM)
		return letter_receive(f, s, m);
	if (k->state != SOCKET_CONNECTED)
		return k->type == SOCK_TYPE_STREAM ? -EINVAL : -ENOTCONN;
	return stream_receive(f, s, m);
}
