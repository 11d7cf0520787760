/* SPDX-License-Identifier: ISC */
/* Sockets and letters inside the server: sockproto.h's story. */
#ifndef EXOS_SERVER_SOCK_H
#define EXOS_SERVER_SOCK_H

#include "object.h"
#include "sockproto.h"

struct sock {				/* of an object */
	uint32_t state;			/* enum sock_state; SOCK_FREE: free entry */
	uint32_t type;
	uint32_t object;
	uint32_t ino;			/* that it is bound to, or 0 */
	uint32_t backlog;
	uint32_t queued;		/* letters that wait here */
	uint64_t queued_bytes;
	uint32_t first, last;		/* of them: numbers of letters, 0 none */
	uint32_t peer;			/* datagrams go to this one, if it is still that: index + 1 */
	uint64_t serial, peer_serial;
	bool paired;			/* made with it */
	uint32_t became;		/* object + 1: the connection that one of those who have it made of it, */
	exo_slot became_key;		/* a key of whose side 0 is kept for the others */
	struct sock_name name[2];
	struct sock_cred cred[2];
};
extern struct sock socks[SH_SOCKS];
extern uint32_t sock_rows;		/* of them: those behind are free */

struct sock *sock_of(const struct object *o);	/* NULL: it is none */
struct sock *sock_new(struct object *o, uint32_t type, enum sock_state state);	/* NULL: no room */
struct sh_sock *sock_row(const struct sock *s);
/* The socket whose key of either side the caller has in that slot; NULL. */
struct sock *sock_asked(const struct proc *p, uint64_t id, uint64_t slot);
/* Whom an address means: 0 or -errno. */
int sock_find(struct request *r, uint64_t where, uint64_t ino, struct sock **s);
struct sock_cred cred_shown(const struct proc *p);

/* ---- sockdgram.c */
struct sock *sock_peer(const struct sock *s);	/* NULL: not connected, or gone */
bool sock_full(const struct sock *s);
void sock_peers_tell(const struct sock *s);	/* those whose datagrams go there: is there room? */
long sock_peer_set(struct request *r, struct sock *s);
/* The two halves of a socketpair, each of which the caller has. */
long sock_peers_join(const struct proc *p, struct request *r, struct sock *a);

/* ---- post.c */
/* A letter that is a wish to connect: it keeps a key of side 1.  -errno. */
long letter_connect(struct proc *p, struct sock *listener, struct object *connection);
/* The connection that waits longest, and its key to an acceptor; NULL. */
struct object *letter_accept(struct sock *listener, exo_envid env, exo_slot slot);
void letters_drop(uint32_t object);		/* all for that object */
long letter_request(struct proc *p, struct request *r, uint32_t op);

/* ---- flight.c: keys that the server holds for letters */
int flight_key(exo_guardref guard, uint32_t allowed);	/* a slot, or -errno */
void flight_drop(exo_slot slot);
/* The same of an object's side, which is found out when only letters have it. */
int flight_keep(struct object *o, uint32_t side);	/* a slot, or -errno */
void flight_end(struct object *o, uint32_t side, exo_slot slot);

#endif
