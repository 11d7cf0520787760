/* SPDX-License-Identifier: ISC */
/*
 * UNIX sockets: names, listening, connecting.  What is said of a process to
 * its peer, its pid and who it is, is what the process table says; whether it
 * may connect to a name is what its keys open.
 */
#include "sock.h"
#include "fsnode.h"
#include <errno.h>

#define BACKLOG_MAX 128u
#define PROCESS_SOCKS (SH_SOCKS / 4)	/* that one process may make */
#define USER_SOCKS (SH_SOCKS - SH_SOCKS / 4)	/* and those of one user but root */
#define USERS_SOCKS (SH_SOCKS - SH_SOCKS / 8)	/* of all these together */
#define AUTO_NAMES 0x100000u

struct sock socks[SH_SOCKS];
uint32_t sock_rows;
static uint64_t serials;

struct sh_sock *
sock_row(const struct sock *s)
{
	return (struct sh_sock *)shared_at(SOCKS_OFF) + (s - socks);
}

struct sock *
sock_of(const struct object *o)
{
	return o->sock ? &socks[o->sock - 1] : NULL;
}

struct sock_cred
cred_shown(const struct proc *p)
{
	return (struct sock_cred){ p->sh->pid, p->cred->uid[CRED_EFFECTIVE],
		p->cred->gid[CRED_EFFECTIVE] };
}

static bool
rows_ready(void)
{
	static bool ready;

	if (!ready)
		ready = shared_back(SOCKS_OFF,
				SH_SOCKS * sizeof(struct sh_sock) / EXO_PAGE_BYTES) == 0;
	return ready;
}

static bool
within_bounds(const struct object *o)
{
	uint32_t process = 0, user = 0, users = 0;

	for (uint32_t i = 0; i < sock_rows; i++) {
		const struct object *other = &objects[socks[i].object];

		if (socks[i].state == SOCK_FREE)
			continue;
		process += other->maker_serial == o->maker_serial;
		user += other->uid == o->uid;
		users += other->uid != 0;
	}
	return process < PROCESS_SOCKS &&
		(o->uid == 0 || (user < USER_SOCKS && users < USERS_SOCKS));
}

struct sock *
sock_new(struct object *o, uint32_t type, enum sock_state state)
{
	if (!rows_ready() || !within_bounds(o))
		return NULL;
	for (uint32_t i = 0; i < SH_SOCKS; i++) {
		if (socks[i].state != SOCK_FREE)
			continue;
		socks[i] = (struct sock){ .state = state, .type = type, .object = object_id(o),
			.serial = ++serials };
		*sock_row(&socks[i]) = (struct sh_sock){ .full = 0 };
		o->sock = i + 1;
		sock_rows = sock_rows > i ? sock_rows : i + 1;
		return &socks[i];
	}
	return NULL;
}

/* Its object is about to go. */
void
sock_gone(struct object *o)
{
	struct sock *s = sock_of(o);

	letters_drop(object_id(o));
	if (s->became)
		flight_end(&objects[s->became - 1], 0, s->became_key);
	s->state = SOCK_FREE;
	while (sock_rows && socks[sock_rows - 1].state == SOCK_FREE)
		sock_rows--;
	sock_row(s)->shut = SOCK_SHUT_READ | SOCK_SHUT_WRITE;
	sock_row(s)->taken++;		/* whoever waits for room here is to look again */
	sock_peers_tell(s);
	server_changed();
}

struct sock *
sock_asked(const struct proc *p, uint64_t id, uint64_t slot)
{
	struct object *o = object_by_id(id);

	if (!o || !o->sock || !client_opens(p->sh->env, (exo_slot)slot, o->guard, EXO_R))
		return NULL;
	return sock_of(o);
}

/* ---- names ------------------------------------------------------------------------------------ */

/* Each byte is read once. */
static void
name_read(const char *comm, struct sock_name *n)
{
	*n = (struct sock_name){ .bytes = *(const volatile uint16_t *)(comm + COMM_NAME) };
	if (n->bytes > SOCK_PATH_BYTES)
		n->bytes = SOCK_PATH_BYTES;
	for (unsigned i = 0; i < n->bytes; i++)
		n->path[i] = ((const volatile struct sock_name *)(comm + COMM_NAME))->path[i];
}

static struct sock *
by_name(const struct sock_name *n)
{
	for (uint32_t i = 0; i < sock_rows; i++) {
		struct sock *s = &socks[i];

		if ((s->state == SOCK_ENDPOINT || s->state == SOCK_LISTENING) && s->ino == 0
			&& s->name[0].bytes == n->bytes
			&& __builtin_memcmp(s->name[0].path, n->path, n->bytes) == 0)
			return s;
	}
	return NULL;
}

static struct sock *
by_inode(uint32_t ino)
{
	for (uint32_t i = 0; i < sock_rows && ino; i++)
		if ((socks[i].state == SOCK_ENDPOINT || socks[i].state == SOCK_LISTENING)
			&& socks[i].ino == ino)
			return &socks[i];
	return NULL;
}

void
sock_inode_new(uint32_t ino)
{
	struct sock *s = by_inode(ino);

	if (s)
		s->ino = ~0u;		/* its name was removed, and the number is another's now */
}

int
sock_find(struct request *r, uint64_t where, uint64_t ino, struct sock **s)
{
	const struct fs_inode *node;
	struct sock_name n;

	if (where == WHERE_ABSTRACT) {
		name_read(r->comm, &n);
		*s = n.bytes ? by_name(&n) : NULL;
		return *s ? 0 : -ECONNREFUSED;
	}
	node = ino >> 32 || where != WHERE_INODE ? NULL : sfs_inode((uint32_t)ino);
	if (!node || (node->mode & S_IFMT) != S_IFSOCK)
		return -ECONNREFUSED;
	if (!client_may(r, node, EXO_W))
		return -EACCES;
	*s = by_inode((uint32_t)ino);
	return *s ? 0 : -ECONNREFUSED;
}

static int
name_draw(struct sock_name *n)
{
	static const char digits[] = "0123456789abcdef";
	static uint32_t next;

	n->bytes = 6;
	n->path[0] = '\0';
	for (uint32_t try = 0; try < AUTO_NAMES; try++) {
		next = (next + 1) % AUTO_NAMES;
		for (unsigned i = 0; i < 5; i++)
			n->path[1 + i] = digits[next >> (16 - 4 * i) & 15];
		if (!by_name(n))
			return 0;
	}
	return -ENOSPC;
}

static long
bind_inode(struct request *r, struct sock *s, const struct sock_name *n)
{
	struct request make = *r;
	long ino;

	make.a = r->d;
	make.b = 0140000 | (r->e & 0777);
	make.c = make.d = 0;
	ino = fs_request(&make, OP_FS_CREATE);
	if (ino < 0)
		return ino == -EEXIST ? -EADDRINUSE : ino;
	sock_inode_new((uint32_t)ino);
	s->ino = (uint32_t)ino;
	s->name[0] = *n;
	return 0;
}

static long
bind_name(struct request *r, struct sock *s)
{
	struct sock_name n;
	int error;

	if (s->state != SOCK_ENDPOINT || s->name[0].bytes)
		return -EINVAL;
	name_read(r->comm, &n);
	if (r->c == WHERE_INODE)
		return n.bytes ? bind_inode(r, s, &n) : -EINVAL;
	if (r->c != WHERE_AUTO && (r->c != WHERE_ABSTRACT || n.bytes == 0))
		return -EINVAL;
	error = r->c == WHERE_AUTO ? name_draw(&n) : by_name(&n) ? -EADDRINUSE : 0;
	if (!error)
		s->name[0] = n;
	return error;
}

/* ---- making ------------------------------------------------------------------------------------ */

static bool
type_ok(uint64_t type, bool connects)
{
	return type == SOCK_TYPE_STREAM || type == SOCK_TYPE_SEQPACKET
		|| (type == SOCK_TYPE_DGRAM && !connects);
}

static long
endpoint_new(const struct proc *p, struct request *r)
{
	struct object *o = type_ok(r->a, false) ? object_make(p, 0) : NULL;
	struct sock *s = o ? sock_new(o, (uint32_t)r->a, SOCK_ENDPOINT) : NULL;

	if (!s || object_key(o, EXO_R, p->sh->env, (exo_slot)r->b)) {
		if (o)
			object_release(o);
		return type_ok(r->a, false) ? object_refused(p, 0) : -EINVAL;
	}
	s->cred[0] = cred_shown(p);
	r->rdx = SOCKS_OFF + (uint64_t)(s - socks) * sizeof(struct sh_sock);
	r->r8 = guard_shown(o->guard);
	return object_id(o);
}

static struct object *
connection_new(const struct proc *p, uint32_t type, struct sock **s)
{
	struct object *o = object_make(p, CONNECTION_FRAMES);

	*s = o ? sock_new(o, type, SOCK_CONNECTED) : NULL;
	if (o && !*s)
		object_release(o);
	return *s ? o : NULL;
}

static long
pair_new(const struct proc *p, struct request *r)
{
	const struct object_place at = { .rights = EXO_R | EXO_W,
		.slot = { (exo_slot)r->b, (exo_slot)r->c }, .offset = r->d };
	struct object *o;
	struct sock *s;

	if (!type_ok(r->a, true) || !object_place_ok(at.offset, CONNECTION_FRAMES))
		return -EINVAL;
	o = connection_new(p, (uint32_t)r->a, &s);
	if (!o)
		return object_refused(p, CONNECTION_FRAMES);
	s->cred[0] = s->cred[1] = cred_shown(p);
	if (object_give(o, p->sh->env, &at)) {
		object_release(o);
		return -EINVAL;
	}
	r->r8 = guard_shown(o->guard);
	return object_id(o);
}

/* ---- connecting -------------------------------------------------------------------------------- */

static long
listen_at(const struct proc *p, struct sock *s, uint64_t backlog)
{
	if (s->type == SOCK_TYPE_DGRAM)
		return -EOPNOTSUPP;
	if (s->state == SOCK_CONNECTED || s->name[0].bytes == 0)
		return -EINVAL;
	s->state = SOCK_LISTENING;
	s->backlog = backlog < BACKLOG_MAX ? (uint32_t)backlog : BACKLOG_MAX;
	s->cred[0] = cred_shown(p);
	sock_row(s)->shut |= SOCK_LISTENS;
	server_changed();
	return 0;
}

/* Who else has the endpoint is to find the connection there. */
static int
becomes(struct sock *own, struct object *o)
{
	const volatile uint64_t *holders = guard_holders(objects[own->object].guard);
	int slot;

	if (holders && holders[0] < 2)
		return 0;
	slot = flight_keep(o, 0);
	if (slot < 0)
		return -ENOBUFS;
	own->became = object_id(o) + 1;
	own->became_key = (exo_slot)slot;
	sock_row(own)->shut |= SOCK_BECAME;
	server_changed();
	return 0;
}

static int
may_connect(struct request *r, struct sock **listener)
{
	int error = sock_find(r, r->a & 0xff, r->b, listener);

	if (error)
		return error;
	if ((*listener)->type != (r->a >> 8 & 0xff))
		return -EPROTOTYPE;
	if ((*listener)->state != SOCK_LISTENING || sock_row(*listener)->shut & SOCK_SHUT_READ)
		return -ECONNREFUSED;
	if ((*listener)->queued <= (*listener)->backlog)
		return 0;
	r->rdx = SOCKS_OFF + (uint64_t)(*listener - socks) * sizeof(struct sh_sock);
	r->r9 = sock_row(*listener)->taken;
	return -EAGAIN;
}

static long
connect_to(struct proc *p, struct request *r)
{
	const struct object_place at = { .rights = EXO_R, .slot = { (exo_slot)r->c },
		.offset = r->d };
	struct sock *own = r->e + 1 ? sock_asked(p, (uint32_t)r->e, r->e >> 32) : NULL;
	struct sock *listener, *s;
	struct object *o;
	long error;

	if (!object_place_ok(at.offset, CONNECTION_FRAMES))
		return -EINVAL;
	if (own && (own->became || own->state != SOCK_ENDPOINT))
		return own->became ? -EISCONN : -EINVAL;
	error = may_connect(r, &listener);
	if (error)
		return error;
	o = connection_new(p, listener->type, &s);
	if (!o)
		return object_refused(p, CONNECTION_FRAMES);
	s->cred[0] = cred_shown(p);
	s->cred[1] = listener->cred[0];
	if (own)
		s->name[0] = own->name[0];
	s->name[1] = listener->name[0];
	r->r8 = guard_shown(o->guard);
	error = object_give(o, p->sh->env, &at);
	if (!error)
		error = letter_connect(p, listener, o);
	if (!error)
		error = own ? becomes(own, o) : 0;
	if (!error)
		return object_id(o);
	object_release(o);
	return error;
}

static long
accept_from(const struct proc *p, struct sock *s, struct request *r)
{
	struct object *o;

	if (s->state != SOCK_LISTENING || !object_place_ok(r->d, CONNECTION_FRAMES))
		return -EINVAL;
	o = letter_accept(s, p->sh->env, (exo_slot)r->c);
	if (!o)
		return sock_row(s)->shut & SOCK_SHUT_READ ? -EINVAL : -EAGAIN;
	r->r8 = guard_shown(o->guard);
	return object_map(o, p->sh->env, r->d) ? -EINVAL : (long)object_id(o);
}

static long
join(const struct proc *p, const struct sock *s, struct request *r)
{
	const struct object_place at = { .rights = EXO_R, .slot = { (exo_slot)r->c },
		.offset = r->d };
	struct object *o = s->became ? &objects[s->became - 1] : NULL;

	if (!o || !object_place_ok(at.offset, CONNECTION_FRAMES))
		return -EINVAL;
	r->r8 = guard_shown(o->guard);
	return object_give(o, p->sh->env, &at) ? -EINVAL : (long)object_id(o);
}

/* ---- the rest --------------------------------------------------------------------------------- */

static long
shut(struct sock *s, uint64_t how)
{
	if (s->state == SOCK_CONNECTED || how > 2)
		return -EINVAL;
	sock_row(s)->shut |= how == 0 ? SOCK_SHUT_READ
		: how == 1            ? SOCK_SHUT_WRITE
				      : SOCK_SHUT_READ | SOCK_SHUT_WRITE;
	server_changed();
	return 0;
}

static long
tell(const struct sock *s, char *comm)
{
	const struct sock_info info = {
		.type = s->type,
		.state = s->state,
		.peer = sock_peer(s) != NULL,
		.paired = s->paired,
		.cred = { s->cred[0], s->cred[1] },
		.name = { s->name[0], s->name[1] },
	};

	__builtin_memcpy(comm, &info, sizeof(info));
	return 0;
}

/* ---- requests ---------------------------------------------------------------------------------- */

static long
sock_request(struct proc *p, struct request *r, uint32_t op)
{
	struct sock *s;

	switch (op) {
	case OP_SOCK_NEW: return endpoint_new(p, r);
	case OP_SOCK_PAIR: return pair_new(p, r);
	case OP_SOCK_CONNECT: return connect_to(p, r);
	}
	s = sock_asked(p, r->a, r->b);
	if (!s)
		return -EBADF;
	switch (op) {
	case OP_SOCK_BIND: return bind_name(r, s);
	case OP_SOCK_LISTEN: return listen_at(p, s, r->c);
	case OP_SOCK_ACCEPT: return accept_from(p, s, r);
	case OP_SOCK_INFO: return tell(s, r->comm);
	case OP_SOCK_PEER:
		return r->c == WHERE_PEER ? sock_peers_join(p, r, s) : sock_peer_set(r, s);
	case OP_SOCK_SHUT: return shut(s, r->c);
	case OP_SOCK_JOIN: return join(p, s, r);
	default: return -ENOSYS;
	}
}

long
sock_requests(struct proc *p, struct request *r, uint32_t op)
{
	if (op > OP_SOCK_JOIN)
		return -ENOSYS;
	return op >= OP_LETTER_NEW && op <= OP_LETTER_END ? letter_request(p, r, op)
							  : sock_request(p, r, op);
}
