/* SPDX-License-Identifier: ISC */
/* Sockets for datagrams: where what is sent goes when nothing is said, and whether there is room. */
#include "sock.h"
#include <errno.h>

#define DATAGRAMS_MAX 64u		/* that wait at one socket */
#define DATAGRAMS_BYTES (2 * LETTER_BYTES_MAX)

struct sock *
sock_peer(const struct sock *s)
{
	struct sock *peer = s->peer ? &socks[s->peer - 1] : NULL;

	return peer && peer->serial == s->peer_serial && peer->state != SOCK_FREE ? peer : NULL;
}

bool
sock_full(const struct sock *s)
{
	return s->queued >= DATAGRAMS_MAX || s->queued_bytes >= DATAGRAMS_BYTES;
}

static void
peer_show(const struct sock *s)
{
	const struct sock *peer = sock_peer(s);

	const uint64_t now = s->peer && !peer ? SOCK_NOBODY
		: peer && sock_full(peer)     ? SOCK_FULL
					      : 0;
	struct sh_sock *row = sock_row(s);

	if ((row->full & SOCK_FULL_STATE) != now)
		row->full = (row->full & ~(uint64_t)SOCK_FULL_STATE) + now
			+ (now == SOCK_FULL ? 0 : SOCK_FULL_STATE + 1);
}

void
sock_peers_tell(const struct sock *s)
{
	for (uint32_t i = 0; i < sock_rows; i++)
		if (socks[i].state == SOCK_ENDPOINT && socks[i].peer == (uint32_t)(s - socks) + 1)
			peer_show(&socks[i]);
}

long
sock_peer_set(struct request *r, struct sock *s)
{
	struct sock *peer = NULL;
	int error;

	if (s->type != SOCK_TYPE_DGRAM)
		return -EINVAL;
	error = r->c == WHERE_NOWHERE ? 0 : sock_find(r, r->c, r->d, &peer);
	if (error)
		return error;
	if (peer && peer->type != SOCK_TYPE_DGRAM)
		return -EPROTOTYPE;
	if (peer && sock_peer(peer) && sock_peer(peer) != s)
		return -EPERM;
	s->peer = peer ? (uint32_t)(peer - socks) + 1 : 0;
	s->peer_serial = peer ? peer->serial : 0;
	s->name[1] = peer ? peer->name[0] : (struct sock_name){ .bytes = 0 };
	peer_show(s);
	return 0;
}

long
sock_peers_join(const struct proc *p, struct request *r, struct sock *a)
{
	struct sock *b = sock_asked(p, (uint32_t)r->d, r->d >> 32);

	if (!b || a == b || a->type != SOCK_TYPE_DGRAM || b->type != SOCK_TYPE_DGRAM)
		return -EINVAL;
	a->peer = (uint32_t)(b - socks) + 1;
	b->peer = (uint32_t)(a - socks) + 1;
	a->paired = b->paired = true;
	a->cred[1] = b->cred[0];
	b->cred[1] = a->cred[0];
	a->peer_serial = b->serial;
	b->peer_serial = a->serial;
	return 0;
}
