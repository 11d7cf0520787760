/* SPDX-License-Identifier: ISC */
/* Sockets as files, and the pieces of memory that messages come from and go to. */
#include "socket.h"

/* ---- pieces of memory ------------------------------------------------------------------- */

struct spans
spans_one(struct linux_iovec *v, u64 at, u64 bytes)
{
	*v = (struct linux_iovec){ at, bytes };
	return (struct spans){ .v = v, .count = 1, .left = bytes };
}

static int
spans_move(struct spans *s, char *at, u64 bytes, bool in)
{
	int error = 0;

	s->left -= bytes;
	while (bytes && !error) {
		u64 part = s->v->bytes - s->offset;

		if (part == 0) {
			s->v++;
			s->count--;
			s->offset = 0;
			continue;
		}
		part = part < bytes ? part : bytes;
		error = in ? copy_in(at, s->v->base + s->offset, part)
			   : copy_out(s->v->base + s->offset, at, part);
		s->offset += part;
		at += part;
		bytes -= part;
	}
	return error;
}

int
spans_in(struct spans *s, void *to, u64 bytes)
{
	return spans_move(s, to, bytes, true);
}

int
spans_out(struct spans *s, const void *from, u64 bytes)
{
	return spans_move(s, (char *)from, bytes, false);
}

static long
socket_read(struct file *f, u64 buf, u64 bytes, u64 *pos)
{
	struct message m = { .flags = 0 };
	struct linux_iovec v;
	struct spans s = spans_one(&v, buf, bytes);
	long n;

	(void)pos;
	socket_follow(f);
	n = socket_receive(f, &s, &m);
	if (m.has_letter)
		letter_end();		/* descriptors that nobody asked for are closed */
	return n;
}

static long
socket_write(struct file *f, u64 buf, u64 bytes, u64 *pos)
{
	struct message m = { .where = WHERE_PEER };
	struct linux_iovec v;
	struct spans s = spans_one(&v, buf, bytes);

	(void)pos;
	socket_follow(f);
	return socket_send(f, &s, &m);
}

static long
socket_vector(struct file *f, bool write, const struct linux_iovec *v, u32 count, u64 bytes)
{
	struct message m = { .where = WHERE_PEER };
	struct spans s = { .v = v, .count = count, .left = bytes };
	long n;

	socket_follow(f);
	n = write ? socket_send(f, &s, &m) : socket_receive(f, &s, &m);
	if (!write && m.has_letter)
		letter_end();
	return n;
}

/* Until others who have it make something of it. */
static u32
unconnected_poll(const struct socket *k, u32 events, struct exo_term *terms, unsigned *nterms)
{
	*nterms = 0;
	if (k->row)
		terms[(*nterms)++] =
			term_word(&k->row->shut, SOCK_LISTENS | SOCK_BECAME, EXO_NE, 0);
	return (events & (POLLOUT | POLLWRNORM | POLLWRBAND)) | POLLHUP;
}

/* Endpoints, and sockets that are nothing yet. */
static u32
socket_poll(struct file *f, u32 events, struct exo_term *terms, unsigned *nterms)
{
	const struct socket *k = socket_of(f);
	const volatile struct sh_sock *row = k->row;
	bool datagrams = k->type == SOCK_TYPE_DGRAM;
	u64 arrived;
	u32 now = 0;

	socket_follow(f);
	if (k->state == SOCKET_CONNECTED)
		return stream_poll(f, events, terms, nterms);
	if (!datagrams && k->state != SOCKET_LISTENING)
		return unconnected_poll(k, events, terms, nterms);
	arrived = row->arrived;
	if (arrived != row->taken || row->shut & SOCK_SHUT_READ)
		now |= POLLIN | POLLRDNORM;
	if (row->shut & SOCK_SHUT_READ)
		now |= POLLRDHUP;
	if (datagrams && (row->full & SOCK_FULL_STATE) != SOCK_FULL)
		now |= POLLOUT | POLLWRNORM | POLLWRBAND;
	now &= events;
	if ((row->shut & SOCK_SHUT_BOTH) == SOCK_SHUT_BOTH)
		now |= POLLHUP;
	terms[0] = term_word(&row->arrived, ~0ull, EXO_NE, arrived);
	terms[1] = term_word(&row->shut, ~0ull, EXO_NE, row->shut);
	terms[2] = term_word(&row->full, ~0ull, EXO_NE, row->full);
	terms[1].flags = terms[2].flags = EXO_TERM_OR;
	*nterms = datagrams ? 3 : 2;
	return now;
}

static u64
socket_version(struct file *f, u32 events)
{
	const struct socket *k = socket_of(f);

	socket_follow(f);
	if (k->state == SOCKET_CONNECTED)
		return stream_version(f, events);
	return k->row ? k->row->arrived + (k->row->full & ~(u64)SOCK_FULL_STATE) : 0;
}

static long
socket_ioctl(struct file *f, u32 cmd, u64 arg)
{
	const struct socket *k = socket_of(f);
	u32 bytes;

	if (cmd != FIONREAD && cmd != TIOCOUTQ)
		return -ENOTTY;
	socket_follow(f);
	if (k->state == SOCKET_LISTENING)
		return -EINVAL;
	if (cmd == FIONREAD)
		bytes = (u32)socket_pending(f);
	else
		bytes = k->state == SOCKET_CONNECTED ? (u32)stream_pending(f, k->side & 1) : 0;
	return copy_out(arg, &bytes, sizeof(bytes));
}

static void
socket_close(struct file *f)
{
	if (f->object)
		file_close_object(f);
	xfree(socket_of(f));
}

const struct file_ops socket_ops = {
	.name = "socket", .mode = S_IFSOCK | 0777, .read = socket_read, .write = socket_write,
	.vector = socket_vector, .ioctl = socket_ioctl, .poll = socket_poll,
	.version = socket_version, .close = socket_close, .fork = socket_share,
};
