/* SPDX-License-Identifier: ISC */
/* Linux calls that send and receive messages, and what goes beside their bytes. */
#include "sockets.h"
#include "waits.h"

#define BYTES_MAX 0x7ffff000ull
#define SCM_RIGHTS_ 1
#define SCM_CREDENTIALS_ 2
#define CONTROL_MAX 65536u
#define CMSG_ALIGN_(n) (((n) + 7) & ~7ull)
#define NOBODY 65534u

struct linux_msghdr {
	u64 name;
	u32 name_bytes, pad;
	u64 iov, iovs;
	u64 control, control_bytes;
	u32 flags, pad1;
};
struct linux_cmsg {
	u64 bytes;
	u32 level, type;
};
#define CMSG_HEAD sizeof(struct linux_cmsg)

int
spans_get(struct spans *s, struct linux_iovec **copy, u64 user, u64 count, int too_many)
{
	u64 left = BYTES_MAX;

	*copy = NULL;
	if (count > LINUX_IOV_MAX)
		return too_many;
	*copy = xalloc(count * sizeof(**copy) + 1);
	if (!*copy)
		return -ENOMEM;
	*s = (struct spans){ .v = *copy, .count = (u32)count };
	if (copy_in(*copy, user, count * sizeof(**copy)))
		return -EFAULT;
	for (u64 i = 0; i < count; i++) {
		struct linux_iovec *v = &(*copy)[i];

		if (v->bytes >> 63)
			return -EINVAL;
		v->bytes = v->bytes < left ? v->bytes : left;
		left -= v->bytes;
		s->left += v->bytes;
	}
	return 0;
}

/* ---- control messages, out ---------------------------------------------------------------- */

/* Descriptors: into a draft, which is begun with them. */
static int
rights_out(const int *fds, u64 count, u64 bytes, struct message *m)
{
	int error = 0;

	if (count > LETTER_RIGHTS_MAX)
		return -EINVAL;
	for (u64 i = 0; i < count; i++)
		if (!fd_get(fds[i]))
			return -EBADF;
	if (!m->has_letter && count) {
		error = (int)letter_draft(bytes);
		m->has_letter = !error;
	}
	for (u64 i = 0; i < count && !error; i++)
		error = pass_out(fd_get(fds[i]));
	return error;
}

/* Whoever tells somebody else's is not believed; root is not either. */
static int
credentials_out(const struct sock_cred *c, struct message *m)
{
	bool uid_ok = c->uid == PROC->uid || c->uid == CRED->uid[CRED_EFFECTIVE];
	bool gid_ok = c->gid == PROC->gid || c->gid == CRED->gid[CRED_EFFECTIVE];

	if (c->pid != PROC->pid || !uid_ok || !gid_ok)
		return -EPERM;
	m->has_cred = true;
	return 0;
}

static int
one_out(const struct linux_cmsg *c, const char *data, u64 bytes, struct message *m)
{
	u64 room = c->bytes - CMSG_HEAD;

	if (c->level != SOL_SOCKET_)
		return 0;
	if (c->type == SCM_RIGHTS_)
		return rights_out((const int *)data, room / sizeof(int), bytes, m);
	if (c->type == SCM_CREDENTIALS_)
		return room == sizeof(struct sock_cred)
			? credentials_out((const struct sock_cred *)data, m) : -EINVAL;
	return -EINVAL;
}

static int
control_out(const struct linux_msghdr *h, u64 bytes, struct message *m)
{
	char *copy = h->control_bytes <= CONTROL_MAX ? xalloc(h->control_bytes + 1) : NULL;
	int error = copy ? copy_in(copy, h->control, h->control_bytes) : -ENOBUFS;

	for (u64 at = 0; !error && at + CMSG_HEAD <= h->control_bytes;) {
		const struct linux_cmsg *c = (const struct linux_cmsg *)(copy + at);

		if (c->bytes < CMSG_HEAD || c->bytes > h->control_bytes - at)
			error = -EINVAL;
		else
			error = one_out(c, copy + at + CMSG_HEAD, bytes, m);
		at += error ? 0 : CMSG_ALIGN_(c->bytes);
	}
	xfree(copy);
	return error;
}

/* ---- control messages, in ------------------------------------------------------------------- */

struct control {
	u64 at, left, used;
	bool cut;
};

/* Room for one with so much data: how much fits, 0 where not even the head does. */
static u64
control_room(struct control *c, u64 bytes)
{
	if (c->left < CMSG_HEAD) {
		c->cut = true;
		return 0;
	}
	if (bytes > c->left - CMSG_HEAD)
		c->cut = true;
	return bytes < c->left - CMSG_HEAD ? bytes : c->left - CMSG_HEAD;
}

static int
control_put(struct control *c, u32 type, const void *data, u64 bytes)
{
	struct linux_cmsg head = { CMSG_HEAD + bytes, SOL_SOCKET_, type };
	u64 whole = CMSG_ALIGN_(head.bytes);

	if (copy_out(c->at, &head, CMSG_HEAD) || copy_out(c->at + CMSG_HEAD, data, bytes))
		return -EFAULT;
	whole = whole < c->left ? whole : c->left;
	c->at += whole;
	c->left -= whole;
	c->used += whole;
	return 0;
}

static int
credentials_in(struct control *c, const struct message *m)
{
	const struct sock_cred cred =
		m->has_cred ? m->cred : (struct sock_cred){ 0, NOBODY, NOBODY };
	u64 room = control_room(c, sizeof(cred));

	return c->left < CMSG_HEAD ? 0 : control_put(c, SCM_CREDENTIALS_, &cred, room);
}

/* As many as have room, in the table too; the letter's end closes the others. */
static int
rights_in(struct control *c, const struct message *m)
{
	u64 room = control_room(c, m->rights * sizeof(int)) / sizeof(int);
	int fds[LETTER_RIGHTS_MAX];
	u32 got = 0;

	while (got < room) {
		struct file *f;

		if (pass_in(got, &f))
			break;
		fds[got] = fd_install(f, 0, m->flags & MSG_CMSG_CLOEXEC_);
		if (fds[got] < 0)
			break;
		got++;
	}
	c->cut |= got < m->rights;
	return got ? control_put(c, SCM_RIGHTS_, fds, got * sizeof(int)) : 0;
}

static int
control_in(struct file *f, struct control *c, const struct message *m)
{
	int error = 0;

	if (socket_of(f)->pass_cred)
		error = credentials_in(c, m);
	if (!error && m->rights)
		error = rights_in(c, m);
	return error;
}

/* ---- sending ------------------------------------------------------------------------------------ */

/* To whom: the addressed, unless the socket is connected for good. */
static int
destination(const struct file *f, u64 user, long bytes, struct message *m)
{
	const struct socket *k = socket_of(f);

	m->where = WHERE_PEER;
	if (user == 0 || bytes == 0 || k->type == SOCK_TYPE_SEQPACKET)
		return 0;
	if (k->type == SOCK_TYPE_STREAM)
		return k->state == SOCKET_CONNECTED ? -EISCONN : -EOPNOTSUPP;
	return address_get(user, bytes, m);
}

static long
send_once(struct file *f, const struct linux_msghdr *h, struct spans *s, u32 flags)
{
	struct message m = { .flags = flags };
	long result = destination(f, h->name, (int)h->name_bytes, &m);

	if (!result && h->control && h->control_bytes)
		result = control_out(h, s->left, &m);
	if (!result)
		result = socket_send(f, s, &m);
	if (m.has_letter && result < 0)
		letter_end();
	return result;
}

static long
send_message(struct file *f, const struct linux_msghdr *h, struct spans *s, u32 flags)
{
	const struct spans all = *s;
	long result;

	do {
		*s = all;
		result = send_once(f, h, s, flags);
	} while (result == LETTER_LOST);	/* each time there was room in between */
	return result;
}

static long
send_user(struct file *f, u64 user, u32 flags)
{
	struct linux_msghdr h;
	struct linux_iovec *v;
	struct spans s;
	long result;

	if (copy_in(&h, user, sizeof(h)))
		return -EFAULT;
	result = spans_get(&s, &v, h.iov, h.iovs, -EMSGSIZE);
	if (!result)
		result = send_message(f, &h, &s, flags);
	xfree(v);
	return result;
}

long
sys_sendto(long fd, long buf, long bytes, long flags, long to, long to_bytes)
{
	u64 most = (u64)bytes < BYTES_MAX ? (u64)bytes : BYTES_MAX;
	struct linux_msghdr h = { .name = (u64)to, .name_bytes = (u32)to_bytes };
	struct linux_iovec v;
	struct spans s = spans_one(&v, (u64)buf, most);
	int error;
	struct file *f = socket_get((int)fd, &error);

	return f ? send_message(f, &h, &s, (u32)flags) : error;
}

long
sys_sendmsg(long fd, long user, long flags)
{
	int error;
	struct file *f = socket_get((int)fd, &error);

	return f ? send_user(f, (u64)user, (u32)flags) : error;
}

/* ---- receiving ----------------------------------------------------------------------------------- */

static long
receive_message(struct file *f, struct linux_msghdr *h, struct spans *s, struct message *m)
{
	struct control c = { .at = h->control, .left = h->control ? h->control_bytes : 0 };
	bool datagram = socket_of(f)->type == SOCK_TYPE_DGRAM;
	long result;
	int error = 0;

	result = socket_receive(f, s, m);
	if (result < 0)
		return result;
	if (h->control || m->rights)
		error = control_in(f, &c, m);
	if (m->has_letter)
		letter_end();
	if (error)
		return error;
	h->control_bytes = c.used;
	h->flags = m->told | (c.cut ? MSG_CTRUNC_ : 0) | (m->flags & MSG_CMSG_CLOEXEC_);
	if (!datagram || m->name.bytes == 0)
		m->name.bytes = 0;
	return m->flags & MSG_TRUNC_ && socket_of(f)->type != SOCK_TYPE_STREAM ? (long)m->length
									       : result;
}

/* Where a message says from whom it was: nobody with a name, nothing. */
static int
sender_put(u64 user, u64 bytes_at, const struct sock_name *name)
{
	u32 none = 0;

	if (user == 0)
		return 0;
	return name->bytes ? address_put(user, bytes_at, name)
			   : copy_out(bytes_at, &none, sizeof(none));
}

static long
receive_user(struct file *f, u64 user, u32 flags)
{
	struct message m = { .flags = flags };
	struct linux_msghdr h;
	struct linux_iovec *v;
	struct spans s;
	long result;

	if (copy_in(&h, user, sizeof(h)))
		return -EFAULT;
	result = spans_get(&s, &v, h.iov, h.iovs, -EMSGSIZE);
	if (!result)
		result = receive_message(f, &h, &s, &m);
	xfree(v);
	if (result < 0)
		return result;
	if (sender_put(h.name, user + offsetof(struct linux_msghdr, name_bytes), &m.name) ||
		copy_out(user + offsetof(struct linux_msghdr, control_bytes), &h.control_bytes,
			8) ||
		copy_out(user + offsetof(struct linux_msghdr, flags), &h.flags, 4))
		return -EFAULT;
	if (!h.name)
		copy_out(user + offsetof(struct linux_msghdr, name_bytes), &(u32){ 0 }, 4);
	return result;
}

long
sys_recvfrom(long fd, long buf, long bytes, long flags, long from, long from_bytes)
{
	u64 most = (u64)bytes < BYTES_MAX ? (u64)bytes : BYTES_MAX;
	struct message m = { .flags = (u32)flags };
	struct linux_msghdr h = { .name = 0 };
	struct linux_iovec v;
	struct spans s = spans_one(&v, (u64)buf, most);
	int error;
	struct file *f = socket_get((int)fd, &error);
	long result = f ? receive_message(f, &h, &s, &m) : error;

	if (result >= 0 && from)
		error = sender_put((u64)from, (u64)from_bytes, &m.name);
	else
		error = 0;
	return error ? error : result;
}

long
sys_recvmsg(long fd, long user, long flags)
{
	int error;
	struct file *f = socket_get((int)fd, &error);

	return f ? receive_user(f, (u64)user, (u32)flags) : error;
}

/* ---- many at once ------------------------------------------------------------------------------------ */

#define MMSG_BYTES 64u			/* struct mmsghdr: a msghdr, and how many bytes were moved */

long
sys_sendmmsg(long fd, long user, long count, long flags)
{
	int error;
	struct file *f = socket_get((int)fd, &error);
	u32 most = (u32)count < LINUX_IOV_MAX ? (u32)count : LINUX_IOV_MAX, done = 0;

	for (; f && done < most; done++) {
		u64 at = (u64)user + done * MMSG_BYTES;
		long n = send_user(f, at, (u32)flags);
		u32 bytes = (u32)n;

		if (n >= 0 && copy_out(at + sizeof(struct linux_msghdr), &bytes, sizeof(bytes)))
			n = -EFAULT;
		if (n < 0)
			return done ? (long)done : n;
	}
	return f ? (long)done : error;
}

long
sys_recvmmsg(long fd, long user, long count, long flags, long timeout)
{
	u64 deadline;
	int error = timeout_get((u64)timeout, &deadline);
	struct file *f = error ? NULL : socket_get((int)fd, &error);
	u32 done = 0;

	for (; f && done < (u32)count; done++) {
		u64 at = (u64)user + done * MMSG_BYTES;
		bool wait = !done || !(flags & MSG_WAITFORONE_);
		long n = receive_user(f, at,
			((u32)flags & ~MSG_WAITFORONE_) | (wait ? 0 : MSG_DONTWAIT_));
		u32 bytes = (u32)n;

		if (n >= 0 && copy_out(at + sizeof(struct linux_msghdr), &bytes, sizeof(bytes)))
			n = -EFAULT;
		if (n < 0)
			return done ? (long)done : n;
		if (deadline && clock_ns() >= deadline) {
			done++;
			break;
		}
	}
	return f ? (long)done : error;
}
