/* SPDX-License-Identifier: ISC */
/*
 * UNIX sockets, as processes ask the server for them.
 *
 * A socket that has a name, listens, or takes datagrams is an endpoint: an
 * object without frames, whose key (of side 0) says who has it.  Two connected
 * ones of a stream or seqpacket are the two sides of one object, a connection:
 * bytes go through its frames and never through the server.  A socket that
 * relatives have is an endpoint from the fork on; when one of them connects it,
 * it says so, and holds the connection for the others until they have come for it.
 *
 * A letter is what the server itself carries: a datagram, a request to connect,
 * descriptors, and in each case who sent it.  It is drafted by a process (one
 * at a time), sent, and taken by another onto its desk (one at a time); bytes
 * go through the comm page in pieces.  To a connection it is attached: the
 * ticket goes with the bytes, in the ring, and says which letter to ask for.
 */
#ifndef EXOS_SOCKPROTO_H
#define EXOS_SOCKPROTO_H

#include "proto.h"

#define SH_SOCKS 1024u
#define SOCKS_OFF 0x000a0000ull		/* of sh_sock[SH_SOCKS] in the shared region */
#define CONNECTION_FRAMES 33u		/* a page of indices, a ring for each direction */

enum sock_where { WHERE_INODE, WHERE_ABSTRACT, WHERE_AUTO, WHERE_PEER, WHERE_NOWHERE };

enum sock_type { SOCK_TYPE_STREAM = 1, SOCK_TYPE_DGRAM = 2, SOCK_TYPE_SEQPACKET = 5 };

struct sh_sock {			/* words to wait on, written by the server */
	uint64_t arrived;		/* letters that came */
	uint64_t taken;			/* and went, or were let in as connections */
	/* Where its datagrams go: SOCK_FULL, SOCK_NOBODY; and how often they could again */
	uint64_t full;
	uint64_t shut;			/* SOCK_SHUT_*; and what it has become: SOCK_LISTENS, SOCK_BECAME */
};
#define SOCK_FULL 1u			/* there is no room */
#define SOCK_NOBODY 2u			/* nobody is there */
#define SOCK_FULL_STATE 3u
#define SOCK_SHUT_READ  1u
#define SOCK_SHUT_WRITE 2u
#define SOCK_SHUT_BOTH  3u
#define SOCK_LISTENS    4u
#define SOCK_BECAME     8u		/* a connection: OP_SOCK_JOIN */

#define SOCK_PATH_BYTES 108u
#define COMM_NAME 1024u			/* sock_name's place in the comm page */
struct sock_name {
	uint16_t bytes;			/* of path; 0: no name */
	char path[SOCK_PATH_BYTES];	/* a NUL first: abstract */
};

struct sock_cred {			/* a process as it was, by the server's word */
	uint32_t pid, uid, gid;
};

enum sock_state { SOCK_FREE, SOCK_ENDPOINT, SOCK_LISTENING, SOCK_CONNECTED };
struct sock_info {
	uint32_t type, state;		/* enum sock_type, enum sock_state */
	uint32_t peer;			/* an endpoint whose datagrams have a place to go */
	uint32_t paired;		/* that was made with its peer, who is cred[1] */
	struct sock_cred cred[2];	/* of each side; a listener's: [0] */
	/* Of each side; an endpoint's own: [0], where its datagrams go: [1] */
	struct sock_name name[2];
};

/* A descriptor on its way.  What the sender says of it is believed only as far as it could do it itself. */
#define PASSED_NOTHING (~0u)
struct passed {
	uint32_t kind;			/* enum file_kind, the libraries' */
	uint32_t access;
	uint32_t ino, dir;		/* 0: not in the file system */
	uint32_t object;		/* PASSED_NOTHING: none */
	/* EXO_R, EXO_W: keys of which sides, in the slots given; of a file or terminal: the key's rights */
	uint32_t sides;
	uint32_t line;			/* terminal: its number + 1; 0: none */
	uint32_t ofd;			/* object of what it shares with the sender's, PASSED_NOTHING: none */
	uint32_t owner;			/* number of OP_LOCK_OWNER, 0: none */
	uint64_t own[2];
};

/* Of what is passed, which part is wanted: OP_LETTER_GIVE. */
enum passed_part { PASSED_ITSELF, PASSED_OFD, PASSED_OWNER };

struct letter_info {
	uint64_t ticket;
	uint32_t bytes, rights;		/* in all */
	uint32_t first;			/* bytes that follow here, at COMM_BYTES */
	struct sock_cred cred;
	struct sock_name from;
};
#define COMM_BYTES 512u
#define LETTER_BYTES_MAX 212960u	/* as much as Linux lets a datagram have */
#define LETTER_RIGHTS_MAX 253u

#endif
