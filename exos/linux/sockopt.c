/* SPDX-License-Identifier: ISC */
/* Options of sockets. */
#include "sockets.h"

#define NS 1000000000ull

enum option {
	OPT_DEBUG = 1, OPT_REUSEADDR = 2, OPT_TYPE = 3, OPT_ERROR = 4, OPT_DONTROUTE = 5,
	OPT_BROADCAST = 6, OPT_SNDBUF = 7, OPT_RCVBUF = 8, OPT_KEEPALIVE = 9, OPT_OOBINLINE = 10,
	OPT_PRIORITY = 12, OPT_LINGER = 13, OPT_REUSEPORT = 15, OPT_PASSCRED = 16,
	OPT_PEERCRED = 17, OPT_RCVLOWAT = 18, OPT_SNDLOWAT = 19, OPT_RCVTIMEO = 20,
	OPT_SNDTIMEO = 21, OPT_ACCEPTCONN = 30, OPT_PEERSEC = 31, OPT_SNDBUFFORCE = 32,
	OPT_RCVBUFFORCE = 33, OPT_PROTOCOL = 38, OPT_DOMAIN = 39, OPT_PEERGROUPS = 59,
};

#define PRIORITY_MOST 6			/* that anybody may ask for; it means nothing */

/* On or off, told as they were set, and without meaning between processes of one machine. */
#define IDLE_OPTIONS                                                                               \
	(1u << OPT_REUSEADDR | 1u << OPT_BROADCAST | 1u << OPT_KEEPALIVE | 1u << OPT_OOBINLINE |   \
		1u << OPT_DONTROUTE | 1u << OPT_DEBUG)
#define BUFFER_LEAST_SEND 4608u
#define BUFFER_LEAST_RECEIVE 2304u
#define BUFFER_MOST 425984u		/* twice net.core.wmem_max */

static bool
idle(long option)
{
	return option > 0 && option < 32 && IDLE_OPTIONS >> option & 1;
}

/* ---- told ------------------------------------------------------------------------------------- */

static int
put(u64 user, u64 bytes_at, const void *value, u32 whole)
{
	int room;

	if (copy_in(&room, bytes_at, sizeof(room)))
		return -EFAULT;
	if (room < 0)
		return -EINVAL;
	whole = (u32)room < whole ? (u32)room : whole;
	if (copy_out(user, value, whole))
		return -EFAULT;
	return copy_out(bytes_at, &whole, sizeof(whole));
}

static int
put_time(u64 user, u64 bytes_at, u64 ns)
{
	const struct linux_timeval t = { (int64_t)(ns / NS), (int64_t)(ns % NS / 1000) };

	return put(user, bytes_at, &t, sizeof(t));
}

static int
put_peer(const struct file *f, u64 user, u64 bytes_at)
{
	struct sock_cred cred = { 0, ~0u, ~0u };
	struct sock_info info;

	if (socket_of(f)->state == SOCKET_CONNECTED && socket_info(f, &info) == 0)
		cred = info.cred[!(socket_of(f)->side & 1)];
	else if (socket_of(f)->type == SOCK_TYPE_DGRAM && socket_info(f, &info) == 0 && info.paired)
		cred = info.cred[1];
	return put(user, bytes_at, &cred, sizeof(cred));
}

static long
number_of(struct file *f, long option)
{
	struct socket *k = socket_of(f);
	long value;

	switch (option) {
	case OPT_TYPE: return (long)k->type;
	case OPT_ERROR:
		value = k->error;
		k->error = 0;
		return value;
	case OPT_SNDBUF: return k->send_bytes;
	case OPT_RCVBUF: return k->receive_bytes;
	case OPT_PRIORITY: return k->priority;
	case OPT_REUSEPORT: return 0;
	case OPT_PASSCRED: return k->pass_cred;
	case OPT_RCVLOWAT: return k->least ? k->least : 1;
	case OPT_SNDLOWAT: return 1;
	case OPT_ACCEPTCONN: return k->state == SOCKET_LISTENING;
	case OPT_PROTOCOL: return 0;
	case OPT_DOMAIN: return AF_UNIX_;
	default: return idle(option) ? (long)(k->flags >> option & 1) : -ENOPROTOOPT;
	}
}

long
sys_getsockopt(long fd, long level, long option, long user, long bytes_at)
{
	int error, value;
	struct file *f = socket_get((int)fd, &error);
	long number;

	if (!f)
		return error;
	if ((int)level != SOL_SOCKET_)
		return -EOPNOTSUPP;
	switch ((int)option) {
	case OPT_RCVTIMEO: return put_time((u64)user, (u64)bytes_at, socket_of(f)->receive_ns);
	case OPT_SNDTIMEO: return put_time((u64)user, (u64)bytes_at, socket_of(f)->send_ns);
	case OPT_LINGER: return put((u64)user, (u64)bytes_at, &socket_of(f)->linger, 8);
	case OPT_PEERCRED: return put_peer(f, (u64)user, (u64)bytes_at);
	}
	number = number_of(f, (int)option);
	value = (int)number;
	return number < 0 ? number : put((u64)user, (u64)bytes_at, &value, sizeof(value));
}

/* ---- set --------------------------------------------------------------------------------------- */

static int
get_time(u64 user, long bytes, u64 *ns)
{
	struct linux_timeval t;

	if ((u64)bytes < sizeof(t))
		return -EINVAL;
	if (copy_in(&t, user, sizeof(t)))
		return -EFAULT;
	if (t.usec < 0 || t.usec >= 1000000)
		return -EDOM;
	*ns = t.sec < 0 ? 0 : (u64)t.sec * NS + (u64)t.usec * 1000;
	return 0;
}

static u32
buffer(int asked, u32 least)
{
	u64 twice = 2 * (u64)(u32)(asked < 0 ? 0x7fffffff : asked);

	return twice < least ? least : twice > BUFFER_MOST ? BUFFER_MOST : (u32)twice;
}

static long
set_number(struct file *f, long option, int value)
{
	struct socket *k = socket_of(f);

	if ((option == OPT_SNDBUFFORCE || option == OPT_RCVBUFFORCE || option == OPT_PRIORITY) &&
		!(option == OPT_PRIORITY && value >= 0 && value <= PRIORITY_MOST) &&
		!cred_can((const struct sh_cred *)(u64)CRED, CAP_NET_ADMIN))
		return -EPERM;
	switch (option) {
	case OPT_SNDBUF:
	case OPT_SNDBUFFORCE: k->send_bytes = buffer(value, BUFFER_LEAST_SEND); return 0;
	case OPT_RCVBUF:
	case OPT_RCVBUFFORCE: k->receive_bytes = buffer(value, BUFFER_LEAST_RECEIVE); return 0;
	case OPT_PASSCRED:
		k->pass_cred = value != 0;
		if (k->state == SOCKET_CONNECTED)
			stream_option(f);
		return 0;
	case OPT_PRIORITY: k->priority = value; return 0;
	case OPT_RCVLOWAT: k->least = value < 0 ? 0x7fffffff : value; return 0;
	}
	if (!idle(option))
		return -ENOPROTOOPT;
	k->flags = (k->flags & ~(1u << option)) | (u32)(value != 0) << option;
	return 0;
}

long
sys_setsockopt(long fd, long level, long option, long user, long bytes)
{
	int error, value;
	struct file *f = socket_get((int)fd, &error);

	if (!f)
		return error;
	if ((int)bytes < 0)
		return -EINVAL;
	if ((int)level != SOL_SOCKET_)
		return -EOPNOTSUPP;
	switch ((int)option) {
	case OPT_RCVTIMEO: return get_time((u64)user, (int)bytes, &socket_of(f)->receive_ns);
	case OPT_SNDTIMEO: return get_time((u64)user, (int)bytes, &socket_of(f)->send_ns);
	case OPT_LINGER:
		return (u64)bytes < 8 ? -EINVAL : copy_in(&socket_of(f)->linger, (u64)user, 8);
	}
	if ((u64)bytes < sizeof(value))
		return -EINVAL;
	if (copy_in(&value, (u64)user, sizeof(value)))
		return -EFAULT;
	return set_number(f, (int)option, value);
}
