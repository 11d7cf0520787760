/* SPDX-License-Identifier: ISC */
/*
 * UNIX sockets in this process.  server/sockproto.h says what the server
 * makes of them: an endpoint for who has a name, listens or takes datagrams, a
 * connection for two that stream to each other.
 *
 *	socket.c	states, names, options, closing, polling
 *	stream.c	bytes and messages through a connection's rings
 *	letter.c	datagrams, and what else the server carries
 *	pass.c		descriptors on their way
 */
#ifndef EXOS_FD_SOCKET_H
#define EXOS_FD_SOCKET_H

#include "file.h"
#include "../server/sockproto.h"

enum socket_state { SOCKET_NEW, SOCKET_BOUND, SOCKET_LISTENING, SOCKET_CONNECTED };

struct socket {				/* of struct file, in own[0] */
	u32 type;			/* enum sock_type */
	u32 state;			/* enum socket_state; of datagrams always BOUND: they have an endpoint */
	u32 side;			/* CONNECTED: of the connection */
	u32 error;			/* SO_ERROR: told once */
	u32 shut;			/* halves: 1 reading, 2 writing; as long as it is not connected */
	bool reset_told;
	bool pass_cred;			/* SO_PASSCRED */
	u32 flags;			/* options that are on and mean nothing, by number */
	u32 send_bytes, receive_bytes;	/* SO_SNDBUF, SO_RCVBUF: kept, and without meaning */
	int priority, least;		/* SO_PRIORITY: kept; SO_RCVLOWAT: what a read of a stream waits for */
	u64 send_ns, receive_ns;	/* SO_SNDTIMEO, SO_RCVTIMEO; 0: none */
	volatile const struct sh_sock *row;	/* endpoint's */
	u64 linger;
};

/* A message's pieces in the program's memory (or the library's). */
struct spans {
	const struct linux_iovec *v;
	u32 count;
	u64 offset;			/* in the first that is left */
	u64 left;			/* bytes in all that are left */
};

struct message {
	u32 flags;			/* MSG_*, as asked */
	u32 told;			/* MSG_* of what was received */
	bool has_letter;		/* sending: it is drafted, with descriptors; received: it is on the desk */
	bool has_cred;
	u32 rights;			/* on the desk */
	struct sock_cred cred;		/* of the sender */
	struct sock_name name;		/* of the sender, or whom it goes to: */
	u32 where, ino;			/* enum sock_where */
	u64 length;			/* of the whole datagram that was received */
};

static inline struct socket *
socket_of(const struct file *f)
{
	return (struct socket *)f->own[0];
}

int spans_in(struct spans *s, void *to, u64 bytes);	/* 0 or -EFAULT; they are used up */
int spans_out(struct spans *s, const void *from, u64 bytes);
struct spans spans_one(struct linux_iovec *v, u64 at, u64 bytes);

/* ---- socket.c */
/* As yet without object; NULL: no memory */
struct file *socket_file(u32 type, u32 state, u32 flags);
int socket_new(struct file **f, u32 type, u32 flags);
int socket_pair(struct file *ends[2], u32 type, u32 flags);
struct file *socket_connected(u32 type, u32 side, u32 flags, struct object *o,
	exo_slot key); /* NULL: no memory */
int socket_endpoint(struct file *f);	/* make one, if there is none */
int socket_share(struct file *f);	/* others are about to have it, too: 0 or -errno */
void socket_follow(struct file *f);	/* what have they made of it? */
int socket_accept(struct file *f, u32 flags, struct file **made);
int socket_connect(struct file *f, const struct message *to);
int socket_disconnect(struct file *f);	/* datagrams */
long socket_info(const struct file *f, struct sock_info *info);
int socket_shutdown(struct file *f, u32 how);
/* Wait by these terms, or -EAGAIN: nonblocking, MSG_DONTWAIT, or past the deadline (of socket_deadline). */
int
socket_block(const struct file *f, u32 flags, struct exo_term *terms, unsigned count, u64 deadline);
u64 socket_deadline(u64 timeout_ns);
long socket_send(struct file *f, struct spans *s, struct message *m);
long socket_receive(struct file *f, struct spans *s, struct message *m);
u64 socket_pending(const struct file *f);	/* FIONREAD */

/* ---- stream.c: f is connected */
long stream_send(struct file *f, struct spans *s, struct message *m);
long stream_receive(struct file *f, struct spans *s, struct message *m);
u32 stream_poll(struct file *f, u32 events, struct exo_term *terms, unsigned *nterms);
u64 stream_version(struct file *f, u32 events);
u64 stream_pending(const struct file *f, u32 side);	/* bytes that this side wrote and nobody read */
void stream_shutdown(struct file *f, u32 how);
void stream_connected(struct file *f);	/* by asking, not yet accepted */
void stream_option(struct file *f);	/* pass_cred changed */

/* ---- letter.c */
/* A datagram.  LETTER_LOST: begin anew, with its descriptors. */
#define LETTER_LOST (-4096l)
long letter_send(struct file *f, struct spans *s, struct message *m);
long letter_receive(struct file *f, struct spans *s, struct message *m);
u64 letter_pending(const struct file *f);
/* A draft of so many bytes to come, for descriptors and who we are; its ticket, for a stream. */
long letter_draft(u64 bytes);
long letter_attach(const struct file *f);
/* The letter of that ticket, onto the desk; its sender to m.  0 or -errno. */
long letter_open(const struct file *f, u64 ticket, bool keep, struct message *m);
void letter_end(void);

/* ---- pass.c */
int pass_out(struct file *f);		/* into the draft */
int pass_in(u32 which, struct file **f);	/* from the desk */

#define MSG_OOB_      0x1u
#define MSG_PEEK_     0x2u
#define MSG_CTRUNC_   0x8u
#define MSG_TRUNC_    0x20u
#define MSG_DONTWAIT_ 0x40u
#define MSG_WAITALL_  0x100u
#define MSG_NOSIGNAL_ 0x4000u
#define MSG_WAITFORONE_ 0x10000u
#define MSG_CMSG_CLOEXEC_ 0x40000000u

#endif
