/* SPDX-License-Identifier: ISC */
/* What goes beside the bytes of messages: descriptors, who sent them. */
#include "socket.h"

/* ---- descriptors and credentials ---- */

union control {
	struct cmsghdr head;
	char bytes[512];
};

static ssize_t
send_fds(int s, const int *fds, int count, const char *text)
{
	union control c = { .bytes = { 0 } };
	struct iovec v = { (void *)text, strlen(text) };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c,
		.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)count) };

	c.head.cmsg_level = SOL_SOCKET;
	c.head.cmsg_type = SCM_RIGHTS;
	c.head.cmsg_len = CMSG_LEN(sizeof(int) * (size_t)count);
	memcpy(CMSG_DATA(&c.head), fds, sizeof(int) * (size_t)count);
	return sendmsg(s, &m, MSG_NOSIGNAL);
}

/* What comes with a message: descriptors to fds[], how many. */
static int
receive(int s, int *fds, size_t room, int flags)
{
	union control c;
	char text[64];
	struct iovec v = { text, sizeof(text) };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c,
		.msg_controllen = room };
	ssize_t n = recvmsg(s, &m, flags);
	int count = 0;

	if (n < 0) {
		printf("recvmsg: %s\n", error_name(errno));
		return 0;
	}
	printf("%d %.*s, flags %x, control %zu\n", (int)n, (int)n, text,
		m.msg_flags & ~MSG_CMSG_CLOEXEC, (size_t)m.msg_controllen);
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
		size_t bytes = h->cmsg_len - CMSG_LEN(0);

		if (h->cmsg_type == SCM_RIGHTS) {
			count = (int)(bytes / sizeof(int));
			memcpy(fds, CMSG_DATA(h), bytes);
			printf("%d descriptors\n", count);
		} else if (h->cmsg_type == SCM_CREDENTIALS) {
			struct { int pid, uid, gid; } cred;

			memcpy(&cred, CMSG_DATA(h), sizeof(cred));
			printf("from %s %d %d\n",
				cred.pid == getpid()            ? "self"
					: cred.pid == getppid() ? "parent"
					: cred.pid              ? "other"
								: "nobody",
				cred.uid == (int)getuid() ? 0 : cred.uid,
				cred.gid == (int)getgid() ? 0 : cred.gid);
		}
	}
	return count;
}

static void
rights(int type)
{
	int p[2], q[2], fds[4], got[8], other[2], count;
	int file = open("rights", O_RDWR | O_CREAT | O_TRUNC, 0600), e = eventfd(0, EFD_NONBLOCK);
	uint64_t value = 5;

	printf("rights by %d\n", type);
	socketpair(AF_UNIX, type, 0, p);
	socketpair(AF_UNIX, SOCK_STREAM, 0, other);
	pipe(q);
	write(file, "contents", 8);
	lseek(file, 3, SEEK_SET);
	fds[0] = file;
	fds[1] = q[1];
	fds[2] = e;
	fds[3] = other[0];
	SAY(send_fds(p[0], fds, 4, "four"));
	SAY(send_fds(p[0], (int[]){ 99 }, 1, "bad"));
	close(file);
	unlink("rights");
	close(q[1]);
	close(e);
	close(other[0]);
	SAY(write(other[1], "answer", 6));
	if (fork() == 0) {
		close(p[0]);
		close(q[0]);
		close(other[1]);
		count = receive(p[1], got, 512, MSG_CMSG_CLOEXEC);
		SAY(read(got[0], buf, 10));
		SAY(fcntl(got[1], F_GETFD));
		SAY(write(got[1], "by pipe", 7));
		SAY(write(got[2], &value, 8));
		SAY(write(got[3], "by socket", 9));
		SAY(read(got[3], buf, 100));
		say_name("passed", got[3], 1);
		SAY(send_fds(p[1], &got[2], 1, "back"));
		_exit(count != 4);
	}
	close(p[1]);
	int status;
	wait(&status);
	printf("%d\n", status);
	SAY(read(q[0], buf, 100));
	SAY(read(other[1], buf, 100));
	receive(p[0], got, 512, 0);
	SAY(read(got[0], &value, 8));
	printf("%d\n", (int)value);
	SAY(fcntl(got[0], F_GETFD));
	SAY(read(q[0], buf, 1));
	SAY(read(other[1], buf, 1));
	close(p[0]);
	close(q[0]);
	close(other[1]);
	close(got[0]);
}

static void
ancillary(void)
{
	int p[2], q[2], got[8], one = 1;
	struct { int pid, uid, gid; } cred = { getpid(), (int)getuid(), (int)getgid() };
	union control c = { .bytes = { 0 } };
	struct iovec v = { "cred", 4 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c,
		.msg_controllen = CMSG_SPACE(sizeof(cred)) };

	socketpair(AF_UNIX, SOCK_STREAM, 0, p);
	pipe(q);
	/* Bytes before, with, and after descriptors. */
	write(p[0], "before", 6);
	send_fds(p[0], q, 2, "with");
	write(p[0], "after", 5);
	receive(p[1], got, 512, 0);
	close(got[0]);
	close(got[1]);
	receive(p[1], got, 512, 0);
	/* Too little room: what does not fit is closed. */
	send_fds(p[0], q, 2, "cut");
	receive(p[1], got, CMSG_LEN(sizeof(int)), 0);
	close(got[0]);
	send_fds(p[0], q, 2, "none");
	receive(p[1], got, 0, 0);
	/* Read as mere bytes. */
	send_fds(p[0], q, 1, "plain");
	SAY(read(p[1], buf, 2));
	SAY(read(p[1], buf, 10));
	/* Looked at. */
	send_fds(p[0], q, 1, "peek");
	receive(p[1], got, 512, MSG_PEEK);
	close(got[0]);
	receive(p[1], got, 512, 0);
	close(got[0]);
	SAY(close(q[1]));
	SAY(read(q[0], buf, 1));
	/* Who sent it. */
	SAY(setsockopt(p[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)));
	write(p[0], "a", 1);
	write(p[0], "b", 1);
	receive(p[1], got, 512, 0);
	if (fork() == 0) {
		write(p[0], "child", 5);
		_exit(0);
	}
	wait(NULL);
	write(p[0], "parent", 6);
	receive(p[1], got, 512, 0);
	receive(p[1], got, 512, 0);
	c.head.cmsg_level = SOL_SOCKET;
	c.head.cmsg_type = SCM_CREDENTIALS;
	c.head.cmsg_len = CMSG_LEN(sizeof(cred));
	memcpy(CMSG_DATA(&c.head), &cred, sizeof(cred));
	SAY(sendmsg(p[0], &m, 0));
	receive(p[1], got, 512, 0);
	c.head.cmsg_len = 4;
	SAY(sendmsg(p[0], &m, 0));
	c.head.cmsg_len = CMSG_LEN(sizeof(cred));
	c.head.cmsg_type = 77;
	SAY(sendmsg(p[0], &m, 0));
	close(p[0]);
	close(p[1]);
	close(q[0]);
}

/* Over itself; by datagram. */
static void
odd_ways(void)
{
	int p[2], q[2], got[8], one = 1;

	/* A socket sent over itself. */
	socketpair(AF_UNIX, SOCK_STREAM, 0, p);
	SAY(send_fds(p[0], p, 2, "self"));
	close(p[0]);
	close(p[1]);
	/* By datagram, with a name. */
	socketpair(AF_UNIX, SOCK_DGRAM, 0, p);
	SAY(setsockopt(p[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)));
	pipe(q);
	SAY(send_fds(p[0], q, 2, "datagram"));
	receive(p[1], got, 512, 0);
	SAY(write(got[1], "x", 1));
	SAY(read(q[0], buf, 1));
	close(got[0]);
	close(got[1]);
	close(q[0]);
	close(q[1]);
	close(p[0]);
	close(p[1]);
}

/* Somebody else may use what he could not open, as it was opened; and connects where he may write. */
static void
users(void)
{
	int p[2], s = socket(AF_UNIX, SOCK_STREAM, 0), got[4], file, status, one = 1;
	struct { int pid, uid, gid; } cred;
	socklen_t n = sizeof(cred);

	file = open("secret", O_RDWR | O_CREAT | O_TRUNC, 0600);
	write(file, "secret contents", 15);
	close(file);
	socketpair(AF_UNIX, SOCK_STREAM, 0, p);
	file = open("secret", O_RDONLY);
	send_fds(p[0], &file, 1, "to read");
	close(file);
	file = open("secret", O_RDWR);
	send_fds(p[0], &file, 1, "to write");
	close(file);
	bind_to(s, "private");
	chmod("private", 0600);
	listen(s, 5);
	setsockopt(s, SOL_SOCKET, SO_PASSCRED, &one, sizeof(one));
	chmod(".", 0755);
	if (fork() == 0) {
		char *map;
		int c = socket(AF_UNIX, SOCK_STREAM, 0);

		SAY(setgid(1000));
		SAY(setuid(1000));
		SAY(open("secret", O_RDONLY));
		receive(p[1], got, 512, 0);
		SAY(read(got[0], buf, 6));
		SAY(write(got[0], "x", 1));
		SAY(fchmod(got[0], 0666));
		map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, got[0], 0);
		printf("%s\n", map == MAP_FAILED ? "no" : map[0] == 's' ? "mapped" : "other");
		receive(p[1], got + 1, 512, 0);
		SAY(pwrite(got[1], "public", 6, 0));
		SAY(pread(got[0], buf, 6, 0));
		printf("%.6s\n", buf);
		SAY(connect_to(c, "private"));
		write(p[1], "?", 1);
		read(p[1], buf, 1);
		SAY(connect_to(c, "private"));
		write(c, "hello", 5);
		_exit(0);
	}
	read(p[0], buf, 1);
	chmod("private", 0666);
	write(p[0], "!", 1);
	wait(&status);
	file = accept(s, NULL, NULL);
	SAY(getsockopt(file, SOL_SOCKET, SO_PEERCRED, &cred, &n));
	printf("%d %d %d\n", status, cred.uid, cred.gid);
	receive(file, got, 512, 0);
	file = open("secret", O_RDONLY);
	SAY(read(file, buf, 15));
	printf("%.15s\n", buf);
	unlink("secret");
	unlink("private");
}

static void
many_messages(void)
{
	int p[2];
	char in[4][8];
	struct iovec v[4], w[4];
	struct mmsghdr m[4], r[4];

	socketpair(AF_UNIX, SOCK_DGRAM, 0, p);
	memset(m, 0, sizeof(m));
	memset(r, 0, sizeof(r));
	for (int i = 0; i < 4; i++) {
		v[i] = (struct iovec){ "abcdefgh", (size_t)i + 2 };
		w[i] = (struct iovec){ in[i], 4 };
		m[i].msg_hdr.msg_iov = &v[i];
		m[i].msg_hdr.msg_iovlen = r[i].msg_hdr.msg_iovlen = 1;
		r[i].msg_hdr.msg_iov = &w[i];
	}
	SAY(sendmmsg(p[0], m, 3, 0));
	SAY(recvmmsg(p[1], r, 4, MSG_DONTWAIT, NULL));
	for (int i = 0; i < 3; i++)
		printf("%u %u %x\n", m[i].msg_len, r[i].msg_len, r[i].msg_hdr.msg_flags);
	SAY(recvmmsg(p[1], r, 4, MSG_DONTWAIT, NULL));
	SAY(sendmmsg(p[0], m, 1, 0));
	SAY(recvmmsg(p[1], r, 4, MSG_WAITFORONE, NULL));
	close(p[0]);
	close(p[1]);
}

int
main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	rights(SOCK_STREAM);
	rights(SOCK_SEQPACKET);
	rights(SOCK_DGRAM);
	ancillary();
	odd_ways();
	many_messages();
	users();
	return 0;
}
