/* SPDX-License-Identifier: ISC */
/* Linux calls that make, name and connect sockets. */
#include "../thread/thread.h"
#include "sockets.h"

#define TYPE_FLAGS (O_CLOEXEC | O_NONBLOCK)
#define SOCK_RAW_ 3
#define SOCK_TYPES 11

struct file *
socket_get(int fd, int *error)
{
	struct file *f = file_get(fd, error);

	if (!f)
		return NULL;
	*error = -ENOTSOCK;
	if (f->ops != &socket_ops)
		return NULL;
	socket_follow(f);
	return thread_use(f);
}

/* ---- addresses --------------------------------------------------------------------------- */

struct address {
	u16 family;
	char path[126];			/* sockaddr_storage */
};

static int
address_read(u64 user, long bytes, struct address *a)
{
	memset(a, 0, sizeof(*a));
	if ((int)bytes < 0 || (u64)bytes > sizeof(*a))
		return -EINVAL;
	return copy_in(a, user, (size_t)bytes);
}

static void
name_of(const struct address *a, long bytes, struct sock_name *name)
{
	*name = (struct sock_name){ .bytes = (u16)(bytes - SOCKADDR_HEAD) };
	memcpy(name->path, a->path, name->bytes);
	if (name->path[0])		/* a path ends where it ends */
		name->bytes = (u16)(strlen(name->path) < SOCK_PATH_BYTES ? strlen(name->path) + 1
									 : SOCK_PATH_BYTES);
}

static int
address_ok(const struct address *a, long bytes)
{
	return a->family == AF_UNIX_ && (u64)bytes > SOCKADDR_HEAD
			&& (u64)bytes <= SOCKADDR_HEAD + SOCK_PATH_BYTES
		? 0 : -EINVAL;
}

/* As a C string, which the path may fill to the last byte. */
static void
path_text(const struct sock_name *name, char text[SOCK_PATH_BYTES + 1])
{
	memcpy(text, name->path, SOCK_PATH_BYTES);
	text[name->bytes] = '\0';
}

int
address_get(u64 user, long bytes, struct message *m)
{
	char path[SOCK_PATH_BYTES + 1];
	struct fs_inode node;
	struct address a;
	long ino;
	int error;

	m->where = WHERE_PEER;
	if (user == 0 || (int)bytes == 0)
		return 0;
	error = address_read(user, bytes, &a);
	if (!error)
		error = address_ok(&a, bytes);
	if (error)
		return error;
	name_of(&a, bytes, &m->name);
	m->where = m->name.path[0] ? WHERE_INODE : WHERE_ABSTRACT;
	if (m->where == WHERE_ABSTRACT)
		return 0;
	path_text(&m->name, path);
	ino = fs_lookup(AT_FDCWD, path, 0);
	if (ino < 0)
		return (int)ino;
	m->ino = (u32)ino;
	if (fs_stat(m->ino, &node) || !fs_may(&node, W_OK))
		return -EACCES;
	return (node.mode & S_IFMT) == S_IFSOCK ? 0 : -ECONNREFUSED;
}

u32
address_bytes(const struct sock_name *name)
{
	return SOCKADDR_HEAD + name->bytes;
}

int
address_put(u64 user, u64 bytes_at, const struct sock_name *name)
{
	struct address a = { .family = AF_UNIX_ };
	u32 whole = address_bytes(name);
	int room;

	if (user == 0)
		return 0;
	if (copy_in(&room, bytes_at, sizeof(room)))
		return -EFAULT;
	if (room < 0)
		return -EINVAL;
	memcpy(a.path, name->path, name->bytes);
	if (copy_out(user, &a, (u32)room < whole ? (u32)room : whole))
		return -EFAULT;
	return copy_out(bytes_at, &whole, sizeof(whole));
}

/* ---- making ---------------------------------------------------------------------------------- */

/* The type that is meant, or -errno. */
static long
type_of(long domain, long type, long protocol)
{
	long kind = (u32)type & ~(u32)TYPE_FLAGS;

	if (kind < 0 || kind >= SOCK_TYPES || (int)domain < 0 || (int)domain > 45)
		return (int)domain < 0 || (int)domain > 45 ? -EAFNOSUPPORT : -EINVAL;
	if ((int)domain != AF_UNIX_)
		return -EAFNOSUPPORT;	/* until there is a network */
	if ((int)protocol != 0 && (int)protocol != AF_UNIX_)
		return -EPROTONOSUPPORT;
	if (kind == SOCK_RAW_)
		return SOCK_TYPE_DGRAM;
	return kind == SOCK_TYPE_STREAM || kind == SOCK_TYPE_DGRAM || kind == SOCK_TYPE_SEQPACKET
		? kind : -ESOCKTNOSUPPORT;
}

long
sys_socket(long domain, long type, long protocol)
{
	long kind = type_of(domain, type, protocol);
	struct file *f = NULL;
	int error;

	if (kind < 0)
		return kind;
	error = socket_new(&f, (u32)kind, (u32)type & O_NONBLOCK);
	return error ? error : fd_install(f, 0, type & O_CLOEXEC);
}

long
sys_socketpair(long domain, long type, long protocol, long user)
{
	long kind = type_of(domain, type, protocol);
	struct file *ends[2];
	int fds[2], error;

	if (kind < 0)
		return kind;
	error = socket_pair(ends, (u32)kind, (u32)type & O_NONBLOCK);
	if (error)
		return error;
	fds[0] = fd_install(ends[0], 0, type & O_CLOEXEC);
	fds[1] = fd_install(ends[1], 0, type & O_CLOEXEC);
	error = fds[0] < 0 ? fds[0] : fds[1] < 0 ? fds[1] : copy_out((u64)user, fds, sizeof(fds));
	if (error) {
		fd_close(fds[0]);
		fd_close(fds[1]);
	}
	return error;
}

/* ---- names ------------------------------------------------------------------------------------- */

static long
bind_path(struct file *f, const struct sock_name *name)
{
	char path[SOCK_PATH_BYTES + 1];
	struct place at;
	int error;

	path_text(name, path);
	error = fs_walk_at(AT_FDCWD, path, WALK_NOFOLLOW, &at);
	if (error)
		return error;
	if (at.ino || at.name_bytes == 0)
		return -EADDRINUSE;
	if (at.slash)
		return -ENOENT;
	if (at.dir >= PROCFS)
		return -EPERM;
	error = comm_names(at.name, NULL);
	if (error)
		return error;
	memcpy(COMM + COMM_NAME, name, sizeof(*name));
	return server_call(OP_SOCK_BIND, f->object->id, f->key, WHERE_INODE, at.dir,
		0777 & ~PUB->umask, NULL);
}

static long
bind_other(struct file *f, u32 where, const struct sock_name *name)
{
	memcpy(COMM + COMM_NAME, name, sizeof(*name));
	return server_call(OP_SOCK_BIND, f->object->id, f->key, where, 0, 0, NULL);
}

long
sys_bind(long fd, long user, long bytes)
{
	struct address a;
	struct sock_name name;
	struct sock_info info;
	bool chosen;
	int error;
	struct file *f = socket_get((int)fd, &error);

	if (!f)
		return error;
	error = address_read((u64)user, bytes, &a);
	chosen = (int)bytes == SOCKADDR_HEAD && a.family == AF_UNIX_;
	if (!error && !chosen)
		error = address_ok(&a, bytes);
	if (!error && socket_of(f)->state == SOCKET_CONNECTED)
		error = -EINVAL;
	if (!error)
		error = socket_endpoint(f);
	if (!error)
		error = (int)socket_info(f, &info);
	if (error)
		return error;
	name_of(&a, chosen ? (long)SOCKADDR_HEAD : bytes, &name);
	if (chosen)
		return info.name[0].bytes ? 0 : bind_other(f, WHERE_AUTO, &name);
	/* A second name is refused by the server: what is already at the path comes first. */
	return name.path[0] ? bind_path(f, &name) : bind_other(f, WHERE_ABSTRACT, &name);
}

long
sys_getsockname(long fd, long user, long bytes_at)
{
	struct sock_info info;
	int error;
	struct file *f = socket_get((int)fd, &error);
	long result = f ? socket_info(f, &info) : error;

	return result ? result
		      : address_put((u64)user, (u64)bytes_at, &info.name[socket_of(f)->side & 1]);
}

long
sys_getpeername(long fd, long user, long bytes_at)
{
	struct sock_info info;
	int error;
	struct file *f = socket_get((int)fd, &error);
	long result = f ? socket_info(f, &info) : error;

	if (result)
		return result;
	if (socket_of(f)->type == SOCK_TYPE_DGRAM ? !info.peer
						  : socket_of(f)->state != SOCKET_CONNECTED)
		return -ENOTCONN;
	return address_put((u64)user, (u64)bytes_at, &info.name[!(socket_of(f)->side & 1)]);
}

/* ---- connecting --------------------------------------------------------------------------------- */

long
sys_listen(long fd, long backlog)
{
	int error;
	struct file *f = socket_get((int)fd, &error);
	long result;

	if (!f)
		return error;
	if (socket_of(f)->type == SOCK_TYPE_DGRAM)
		return -EOPNOTSUPP;
	if (socket_of(f)->state == SOCKET_CONNECTED || !f->object)
		return -EINVAL;
	result = server_call(OP_SOCK_LISTEN, f->object->id, f->key, (u64)(u32)backlog, 0, 0, NULL);
	if (result == 0)
		socket_of(f)->state = SOCKET_LISTENING;
	return result;
}

long
sys_connect(long fd, long user, long bytes)
{
	struct message to = { .flags = 0 };
	struct address a;
	int error;
	struct file *f = socket_get((int)fd, &error);

	if (!f)
		return error;
	error = address_read((u64)user, bytes, &a);
	if (error)
		return error;
	if ((u64)bytes >= SOCKADDR_HEAD && a.family == AF_UNSPEC_ &&
		socket_of(f)->type == SOCK_TYPE_DGRAM)
		return socket_disconnect(f);
	error = address_ok(&a, bytes);
	if (!error)
		error = address_get((u64)user, bytes, &to);
	return error ? error : socket_connect(f, &to);
}

long
sys_accept4(long fd, long user, long bytes_at, long flags)
{
	struct sock_info info = { .type = 0 };
	struct file *f, *made;
	int error, got;

	if (flags & ~(long)TYPE_FLAGS)
		return -EINVAL;
	f = socket_get((int)fd, &error);
	if (!f)
		return error;
	error = socket_accept(f, (u32)flags & O_NONBLOCK, &made);
	if (error)
		return error;
	error = user ? (int)socket_info(made, &info) : 0;
	if (!error)
		error = address_put((u64)user, (u64)bytes_at, &info.name[0]);
	if (error) {
		file_drop(made);
		return error;
	}
	got = fd_install(made, 0, flags & O_CLOEXEC);
	return got;
}

long
sys_accept(long fd, long user, long bytes_at)
{
	return sys_accept4(fd, user, bytes_at, 0);
}

long
sys_shutdown(long fd, long how)
{
	int error;
	struct file *f = socket_get((int)fd, &error);

	if (!f)
		return error;
	return (u32)how > 2 ? -EINVAL : socket_shutdown(f, (u32)how);
}
