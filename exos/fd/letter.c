/* SPDX-License-Identifier: ISC */
/*
 * Letters: a datagram goes through the server, in pieces of the comm page; so
 * do descriptors and who sent them (server/letter.c).
 */
#include "socket.h"
#include "../thread/thread.h"

static u32
piece(u64 left, u64 room)
{
	return (u32)(left < room ? left : room);
}

/* ---- sending ---------------------------------------------------------------------------- */

/* The bytes from `offset` on. */
static long
put_rest(struct spans *s, u64 offset, u64 bytes)
{
	long error = 0;

	while (!error && offset < bytes) {
		u32 n = piece(bytes - offset, EXO_PAGE_BYTES);

		error = spans_in(s, COMM, n);
		if (!error)
			error = server_call(OP_LETTER_PUT, offset, n, 0, 0, 0, NULL);
		offset += n;
	}
	return error;
}

/* Most datagrams fit into the first request. */
static long
draft(struct spans *s, u64 bytes)
{
	u32 n = piece(bytes, EXO_PAGE_BYTES);
	long error = spans_in(s, COMM, n);

	if (!error)
		error = server_call(OP_LETTER_NEW, bytes, n, 0, 0, 0, NULL);
	return error ? error : put_rest(s, n, bytes);
}

long
letter_draft(u64 bytes)
{
	return server_call(OP_LETTER_NEW, bytes, 0, 0, 0, 0, NULL);
}

long
letter_attach(const struct file *f)
{
	return server_call(OP_LETTER_SEND, f->object->id, f->key, WHERE_PEER, 0, 0, NULL);
}

static const volatile struct sh_sock *
row_at(u64 offset)
{
	return (const volatile struct sh_sock *)((const volatile char *)SHARED + offset);
}

static int
wait_for_room(const struct file *f, const struct message *m, const struct answer *full,
	u64 deadline)
{
	struct exo_term t = term_word(&row_at(full->rdx)->taken, ~0ull, EXO_NE, full->r9);

	return socket_block(f, m->flags, &t, 1, deadline);
}

/* LETTER_LOST: there was no room, and while it was waited for another thread may have begun a letter. */
static long
post(const struct file *f, const struct message *m, u64 deadline)
{
	for (;;) {
		struct answer answer = { 0 };
		long error;

		memcpy(COMM + COMM_NAME, &m->name, sizeof(m->name));
		error = server_call(OP_LETTER_SEND, f->object->id, f->key, m->where, m->ino, 0,
			&answer);
		if (error > 0)
			return 0;
		if (error == -EAGAIN)
			error = wait_for_room(f, m, &answer, deadline);
		if (!error && threads_many())
			return LETTER_LOST;
		if (error)
			return error;
	}
}

long
letter_send(struct file *f, struct spans *s, struct message *m)
{
	const u64 bytes = s->left, deadline = socket_deadline(socket_of(f)->send_ns);
	const struct spans all = *s;
	long error;

	if (bytes > LETTER_BYTES_MAX)
		return -EMSGSIZE;
	do {
		*s = all;
		/* With descriptors the draft is begun already. */
		error = m->has_letter ? put_rest(s, 0, bytes) : draft(s, bytes);
		if (!error)
			error = post(f, m, deadline);
	} while (error == LETTER_LOST && !m->has_letter);
	if (error == -EPIPE && !(m->flags & MSG_NOSIGNAL_))
		signal_raise(SIGPIPE);
	if (error)
		letter_end();
	return error ? error : (long)bytes;
}

/* ---- receiving ------------------------------------------------------------------------------- */

static long
take(const struct file *f, u64 ticket, bool keep, struct letter_info *info)
{
	long error = server_call(OP_LETTER_TAKE, f->object->id, f->key, ticket, keep, 0, NULL);

	if (!error)
		memcpy(info, COMM, sizeof(*info));
	return error;
}

static void
tell(struct message *m, const struct letter_info *info)
{
	m->cred = info->cred;
	m->has_cred = m->has_letter = true;
	m->rights = info->rights;
	m->name = info->from;
	m->length = info->bytes;
}

long
letter_open(const struct file *f, u64 ticket, bool keep, struct message *m)
{
	struct letter_info info;
	long error = take(f, ticket, keep, &info);

	if (!error)
		tell(m, &info);
	return error;
}

void
letter_end(void)
{
	server_call(OP_LETTER_END, 0, 0, 0, 0, 0, NULL);
}

static long
copy_bytes(struct spans *s, const struct letter_info *info)
{
	u64 bytes = info->bytes < s->left ? info->bytes : s->left;
	u64 offset = info->first < bytes ? info->first : bytes;
	long n = spans_out(s, COMM + COMM_BYTES, offset);

	while (!n && offset < bytes) {
		n = server_call(OP_LETTER_GET, offset, 0, 0, 0, 0, NULL);
		if (n <= 0)
			return n ? n : -EIO;
		n = (u64)n < bytes - offset ? n : (long)(bytes - offset);
		offset += (u64)n;
		n = spans_out(s, COMM, (u64)n);
	}
	return n ? n : (long)bytes;
}

static int
wait_for_letter(const struct file *f, const struct message *m, u64 seen, u64 deadline)
{
	const volatile struct sh_sock *row = socket_of(f)->row;
	struct exo_term t[2];

	t[0] = term_word(&row->arrived, ~0ull, EXO_NE, seen);
	t[1] = term_word(&row->shut, SOCK_SHUT_READ, EXO_NE, 0);
	t[1].flags = EXO_TERM_OR;
	return socket_block(f, m->flags, t, 2, deadline);
}

long
letter_receive(struct file *f, struct spans *s, struct message *m)
{
	u64 deadline = socket_deadline(socket_of(f)->receive_ns);
	struct letter_info info;
	long n;

	for (;;) {
		const volatile struct sh_sock *row = socket_of(f)->row;
		bool over = row->shut & SOCK_SHUT_READ;
		u64 arrived = row->arrived;

		n = take(f, 0, m->flags & MSG_PEEK_, &info);
		if (n != -EAGAIN)
			break;
		if (over)
			return 0;
		n = wait_for_letter(f, m, arrived, deadline);
		if (n < 0)
			return n;
	}
	if (n < 0)
		return n;
	tell(m, &info);
	if (info.bytes > s->left)
		m->told |= MSG_TRUNC_;
	return copy_bytes(s, &info);
}

u64
letter_pending(const struct file *f)
{
	struct letter_info info;

	if (socket_of(f)->row->arrived == socket_of(f)->row->taken || take(f, 0, true, &info))
		return 0;
	return info.bytes;
}
