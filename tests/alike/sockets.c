/* SPDX-License-Identifier: ISC */
/* UNIX sockets. */
#include "t.h"
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

static char buf[300000];
static char abstract[32], abstract_part[32];	/* names that another run of this program does not use */

static short
ready(int fd)
{
	struct pollfd p = { fd, POLLIN | POLLOUT | POLLRDHUP, 0 };

	poll(&p, 1, 0);
	return p.revents;
}

static struct sockaddr_un
address(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	if (path[0] == '@')
		memcpy(a.sun_path + 1, path + 1, strlen(path) - 1);
	else
		strcpy(a.sun_path, path);
	return a;
}

static socklen_t
length(const char *path)
{
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + (path[0] != '@'));
}

static int
bind_to(int fd, const char *path)
{
	struct sockaddr_un a = address(path);

	return bind(fd, (struct sockaddr *)&a, length(path));
}

static int
connect_to(int fd, const char *path)
{
	struct sockaddr_un a = address(path);

	return connect(fd, (struct sockaddr *)&a, length(path));
}

static void
say_name(const char *what, int fd, int peer)
{
	struct sockaddr_un a = { .sun_family = 99 };
	socklen_t n = sizeof(a);
	int r = (peer ? getpeername : getsockname)(fd, (struct sockaddr *)&a, &n);

	if (r)
		printf("%s: %s\n", what, error_name(errno));
	else
		printf("%s: %d %d %s\n", what, a.sun_family, n,
			n <= 2 ? "-" : a.sun_path[0] ? a.sun_path : "abstract");
}

/* ---- pairs ---- */

static void
pairs(int type)
{
	int p[2];
	ssize_t n;

	printf("type %d\n", type);
	SAY(socketpair(AF_UNIX, type, 0, p));
	printf("%x %x\n", ready(p[0]), ready(p[1]));
	SAY(write(p[0], "hello", 5));
	SAY(send(p[0], "world!", 6, 0));
	printf("%x\n", ready(p[1]));
	SAY(ioctl(p[1], FIONREAD, &n));
	printf("%d\n", (int)n);
	n = recv(p[1], buf, 3, MSG_PEEK);
	printf("%d %.3s\n", (int)n, buf);
	n = recv(p[1], buf, 3, MSG_TRUNC | MSG_PEEK);
	printf("%d %.3s\n", (int)n, buf);
	n = recv(p[1], buf, 100, 0);
	printf("%d %.*s\n", (int)n, (int)n, buf);
	n = recv(p[1], buf, 3, MSG_DONTWAIT);
	printf("%d %.*s\n", (int)n, n > 0 ? (int)n : 0, buf);
	SAY(recv(p[1], buf, 100, MSG_DONTWAIT));
	SAY(send(p[1], "", 0, 0));
	SAY(recv(p[0], buf, 10, MSG_DONTWAIT));
	SAY(recv(p[0], buf, 0, MSG_DONTWAIT));
	SAY(lseek(p[0], 0, SEEK_SET));
	SAY(pread(p[0], buf, 1, 0));
	say_name("name", p[0], 0);
	say_name("peer", p[0], 1);
	SAY(shutdown(p[0], 7));
	SAY(shutdown(p[0], SHUT_WR));
	printf("%x %x\n", ready(p[0]), ready(p[1]));
	SAY(send(p[0], "x", 1, MSG_NOSIGNAL));
	if (type != SOCK_DGRAM)
		SAY(read(p[1], buf, 1));
	SAY(write(p[1], "back", 4));
	SAY(read(p[0], buf, 10));
	SAY(shutdown(p[0], SHUT_RD));
	printf("%x %x\n", ready(p[0]), ready(p[1]));
	SAY(read(p[0], buf, 10));
	SAY(send(p[1], "x", 1, MSG_NOSIGNAL));
	close(p[0]);
	printf("%x\n", ready(p[1]));
	close(p[1]);
	SAY(socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, p));
	SAY(fcntl(p[0], F_GETFL));
	SAY(fcntl(p[1], F_GETFD));
	SAY(read(p[0], buf, 1));
	write(p[0], "unread", 6);
	write(p[1], "left", 4);
	close(p[1]);
	printf("%x\n", ready(p[0]));
	SAY(send(p[0], "x", 1, MSG_NOSIGNAL));
	SAY(read(p[0], buf, 10));
	if (type != SOCK_DGRAM) {
		SAY(read(p[0], buf, 10));
		SAY(read(p[0], buf, 10));
	}
	close(p[0]);
}

/* More than fits at a time. */
static void
bulk(int type, size_t piece)
{
	static char in[300000];
	size_t got = 0;
	int p[2], bad = 0, status;

	socketpair(AF_UNIX, type, 0, p);
	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = (char)(i * 7 + i / 256);
	if (fork() == 0) {
		close(p[1]);
		for (size_t at = 0; at < sizeof(buf);) {
			size_t n = sizeof(buf) - at < piece ? sizeof(buf) - at : piece;

			if (write(p[0], buf + at, n) != (ssize_t)n)
				_exit(1);
			at += n;
		}
		_exit(0);
	}
	close(p[0]);
	while (got < sizeof(in)) {
		ssize_t n = read(p[1], in + got, sizeof(in) - got);

		if (n <= 0)
			break;
		got += (size_t)n;
	}
	wait(&status);
	for (size_t i = 0; i < sizeof(in); i++)
		bad += in[i] != buf[i];
	printf("bulk %d: %zu %d %d\n", type, got, bad, status);
	close(p[1]);
}

static void
full(int type)
{
	int p[2];
	long n = 0;

	socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, p);
	while (write(p[0], buf, 1000) == 1000)
		n++;
	printf("full %d: %s, %d, %x\n", type, error_name(errno), n > 5, ready(p[0]) & POLLOUT);
	if (fork() == 0) {
		usleep(10000);
		while (read(p[1], buf, 1000) > 0)
			;
		_exit(0);
	}
	struct pollfd w = { p[0], POLLOUT, 0 };
	SAY(poll(&w, 1, 5000));
	wait(NULL);
	SAY(write(p[0], buf, 1000));
	close(p[0]);
	close(p[1]);
}

/* ---- options ---- */

static void
options(void)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0), p[2];
	struct timeval t = { 0, 20000 };
	struct { int pid, uid, gid; } c;
	socklen_t n = sizeof(int);
	int v = 77;

#define GET(fd, o) (v = 77, n = sizeof(v), SAY(getsockopt(fd, SOL_SOCKET, o, &v, &n)), printf("%d %d\n", v, n))
	SAY(socket(AF_UNIX, 77, 0));
	SAY(socket(AF_UNIX, SOCK_RDM, 0));
	SAY(socket(AF_UNIX, SOCK_STREAM, 5));
	SAY(socket(-1, SOCK_STREAM, 0));
	SAY(socketpair(AF_UNIX, SOCK_STREAM, 0, nowhere));
	GET(s, SO_TYPE);
	GET(s, SO_DOMAIN);
	GET(s, SO_PROTOCOL);
	GET(s, SO_ERROR);
	GET(s, SO_ACCEPTCONN);
	GET(s, SO_REUSEADDR);
	GET(s, SO_PASSCRED);
	GET(s, SO_RCVLOWAT);
	GET(s, 9999);
	v = 1;
	SAY(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &v, sizeof(v)));
	GET(s, SO_REUSEADDR);
	SAY(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &v, 1));
	SAY(setsockopt(s, SOL_SOCKET, 9999, &v, sizeof(v)));
	SAY(setsockopt(s, 6, 1, &v, sizeof(v)));
	SAY(getsockopt(s, 6, 1, &v, &n));
	SAY(setsockopt(0, SOL_SOCKET, SO_REUSEADDR, &v, sizeof(v)));
	SAY(setsockopt(99, SOL_SOCKET, SO_REUSEADDR, &v, sizeof(v)));
	v = 10000;
	SAY(setsockopt(s, SOL_SOCKET, SO_SNDBUF, &v, sizeof(v)));
	GET(s, SO_SNDBUF);
	printf("%x\n", ready(s));
	SAY(recv(s, buf, 1, 0));
	SAY(send(s, buf, 1, MSG_NOSIGNAL));
	SAY(listen(s, 1));
	SAY(accept(s, NULL, NULL));
	say_name("peer", s, 1);
	SAY(shutdown(s, SHUT_RD));
	close(s);
	s = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	SAY(recv(s, buf, 1, 0));
	SAY(send(s, buf, 1, MSG_NOSIGNAL));
	close(s);
	s = socket(AF_UNIX, SOCK_DGRAM, 0);
	SAY(recv(s, buf, 1, MSG_DONTWAIT));
	SAY(send(s, buf, 1, MSG_NOSIGNAL));
	SAY(listen(s, 1));
	SAY(accept(s, NULL, NULL));
	say_name("peer", s, 1);
	printf("%x\n", ready(s));
	close(s);
	socketpair(AF_UNIX, SOCK_STREAM, 0, p);
	SAY(setsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)));
	SAY(recv(p[0], buf, 1, 0));
	t.tv_usec = 2000000;
	SAY(setsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)));
	n = sizeof(c);
	SAY(getsockopt(p[0], SOL_SOCKET, SO_PEERCRED, &c, &n));
	printf("%d %d %d\n", c.pid == getpid(), c.uid == (int)getuid(), c.gid == (int)getgid());
	SAY(send(p[0], "x", 1, MSG_OOB | MSG_NOSIGNAL) >= -1);
	SAY(sendto(p[0], "x", 1, 0, (void *)&(struct sockaddr_un){ AF_UNIX, "/x" }, 5));
	SAY(connect_to(p[0], "/tmp"));
	close(p[0]);
	close(p[1]);
}

/* ---- names ---- */

static void
names(void)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0), t = socket(AF_UNIX, SOCK_STREAM, 0), u;
	struct sockaddr_un a = address("sock");
	struct stat st;
	socklen_t n;

	say_name("unbound", s, 0);
	SAY(bind(s, (void *)&a, 1));
	SAY(bind(s, (void *)&a, 200));
	SAY(bind(s, nowhere, 20));
	a.sun_family = 7;
	SAY(bind(s, (void *)&a, sizeof(a)));
	SAY(bind_to(s, "none/sock"));
	SAY(bind_to(s, "/tmp"));
	SAY(connect_to(t, "sock"));
	SAY(bind_to(s, "sock"));
	say_name("bound", s, 0);
	SAY(stat("sock", &st));
	printf("%o\n", st.st_mode);
	SAY(bind_to(s, "other"));
	SAY(bind_to(t, "sock"));
	SAY(open("sock", O_RDWR));
	SAY(connect_to(t, "sock"));
	SAY(listen(s, 1));
	SAY(connect_to(t, "sock"));
	printf("%x %x\n", ready(s), ready(t));
	say_name("client", t, 0);
	say_name("client's peer", t, 1);
	SAY(connect_to(t, "sock"));
	SAY(listen(t, 1));
	SAY(connect_to(s, "sock"));
	SAY(write(t, "early", 5));
	a = (struct sockaddr_un){ 0 };
	n = sizeof(a);
	u = accept(s, (void *)&a, &n);
	printf("%d, %d %d\n", u > 0, n, a.sun_family);
	say_name("accepted", u, 0);
	say_name("its peer", u, 1);
	printf("%x\n", ready(u));
	SAY(recv(u, buf, 10, 0));
	close(u);
	SAY(read(t, buf, 1));
	printf("%x\n", ready(t));
	close(t);
	t = socket(AF_UNIX, SOCK_DGRAM, 0);
	SAY(connect_to(t, "sock"));
	close(t);
	t = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	SAY(connect_to(t, "sock"));
	close(t);
	t = socket(AF_UNIX, SOCK_STREAM, 0);
	SAY(connect_to(t, "names_file"));
	close(open("names_file", O_CREAT | O_RDWR, 0600));
	SAY(connect_to(t, "names_file"));
	unlink("sock");
	SAY(connect_to(t, "sock"));
	SAY(connect_to(t, abstract));
	close(s);
	s = socket(AF_UNIX, SOCK_STREAM, 0);
	SAY(bind_to(s, abstract));
	SAY(bind_to(t, abstract));
	say_name("abstract", s, 0);
	listen(s, 5);
	SAY(connect_to(t, abstract_part));
	SAY(connect_to(t, abstract));
	SAY(syscall(SYS_accept4, s, NULL, NULL, 0x123));
	u = accept4(s, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	SAY(fcntl(u, F_GETFL));
	SAY(fcntl(u, F_GETFD));
	close(u);
	close(t);
	close(s);
	/* A name of its own choice: five digits. */
	s = socket(AF_UNIX, SOCK_DGRAM, 0);
	a = address("");
	SAY(bind(s, (void *)&a, 2));
	n = sizeof(a);
	SAY(getsockname(s, (void *)&a, &n));
	printf("%d %d\n", n, a.sun_path[0]);
	close(s);
	unlink("names_file");
}

/* Who waits in the queue of a listener that goes; a full queue. */
static void
queues(void)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0), c[4];

	bind_to(s, "queue");
	listen(s, 0);
	for (int i = 0; i < 3; i++) {
		c[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		SAY(connect_to(c[i], "queue"));
	}
	if (fork() == 0) {
		fcntl(c[2], F_SETFL, 0);
		if (connect_to(c[2], "queue"))
			_exit(1);
		_exit(read(c[2], buf, 1) != 1);
	}
	usleep(10000);
	close(accept(s, NULL, NULL));
	int u = accept(s, NULL, NULL), status;
	write(u, "x", 1);
	wait(&status);
	printf("%d\n", status);
	close(u);
	SAY(read(c[0], buf, 1));
	c[3] = socket(AF_UNIX, SOCK_STREAM, 0);
	SAY(connect_to(c[3], "queue"));
	write(c[3], "lost", 4);
	close(s);
	SAY(read(c[3], buf, 1));
	SAY(read(c[3], buf, 1));
	SAY(send(c[3], buf, 1, MSG_NOSIGNAL));
	SAY(connect_to(c[1], "queue"));
	for (int i = 0; i < 4; i++)
		close(c[i]);
	unlink("queue");
}

static void
server_of_many(void)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0), set = epoll_create1(0), alive = 8, sum = 0;
	struct epoll_event e = { .events = EPOLLIN, .data.fd = s };
	struct { int pid, uid, gid; } cred;

	bind_to(s, "many");
	listen(s, 16);
	epoll_ctl(set, EPOLL_CTL_ADD, s, &e);
	for (int i = 0; i < 8; i++) {
		if (fork())
			continue;
		int c = socket(AF_UNIX, SOCK_STREAM, 0), n;

		if (connect_to(c, "many"))
			_exit(1);
		for (int round = 0; round < 20; round++) {
			n = i * 100 + round;
			if (write(c, &n, sizeof(n)) != sizeof(n) || read(c, &n, sizeof(n)) != sizeof(n)
				|| n != i * 100 + round + 1)
				_exit(2);
		}
		_exit(0);
	}
	while (alive) {
		int fd, n;

		if (epoll_wait(set, &e, 1, 5000) != 1)
			break;
		fd = e.data.fd;
		if (fd == s) {
			socklen_t bytes = sizeof(cred);

			fd = accept(s, NULL, NULL);
			getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &bytes);
			sum += cred.pid > getpid() || cred.pid < getpid();
			e = (struct epoll_event){ .events = EPOLLIN, .data.fd = fd };
			epoll_ctl(set, EPOLL_CTL_ADD, fd, &e);
			continue;
		}
		if (read(fd, &n, sizeof(n)) != sizeof(n)) {
			close(fd);
			alive--;
			continue;
		}
		n++;
		write(fd, &n, sizeof(n));
	}
	int status, bad = 0;
	while (wait(&status) > 0)
		bad += status != 0;
	printf("%d alive, %d bad, %d of others\n", alive, bad, sum);
	close(s);
	close(set);
	unlink("many");
}

/* ---- datagrams ---- */

static void
say_from(int fd)
{
	struct sockaddr_un a = { 0 };
	socklen_t n = sizeof(a);
	ssize_t got = recvfrom(fd, buf, 100, MSG_DONTWAIT, (void *)&a, &n);

	printf("%d %.*s from %d %s\n", (int)got, got > 0 ? (int)got : 0, buf, n, n > 2 ? a.sun_path : "-");
}

static void
datagrams(void)
{
	int a = socket(AF_UNIX, SOCK_DGRAM, 0), b = socket(AF_UNIX, SOCK_DGRAM, 0);
	int c = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct sockaddr_un to = address("da");
	struct iovec v[3] = { { "one", 3 }, { NULL, 0 }, { "two", 3 } };
	static char big[150000], back[150000];

	bind_to(a, "da");
	bind_to(b, "db");
	SAY(sendto(c, "anon", 4, 0, (void *)&to, length("da")));
	SAY(sendto(b, "named", 5, 0, (void *)&to, length("da")));
	SAY(writev(b, v, 3));
	SAY(connect_to(b, "da"));
	say_name("peer", b, 1);
	SAY(writev(b, v, 3));
	SAY(send(b, "", 0, 0));
	printf("%x\n", ready(a));
	for (int i = 0; i < 5; i++)
		say_from(a);
	SAY(connect_to(c, "db"));
	SAY(connect_to(a, "db"));
	SAY(connect_to(c, "da"));
	SAY(sendto(c, "x", 1, 0, (void *)&to, length("da")));
	SAY(send(a, "pong", 4, 0));
	say_from(b);
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 31 + i / 1000);
	SAY(send(a, big, sizeof(big), 0));
	SAY(recv(b, back, 10, MSG_PEEK));
	SAY(recv(b, back, 10, MSG_PEEK | MSG_TRUNC));
	SAY(recv(b, back, sizeof(back), 0));
	printf("%d\n", memcmp(big, back, sizeof(big)));
	to = address("none");
	SAY(sendto(c, "x", 1, 0, (void *)&to, length("none")));
	close(b);
	SAY(send(a, "gone", 4, 0));
	printf("%x\n", ready(a));
	to = address("db");
	SAY(sendto(c, "x", 1, 0, (void *)&to, length("db")));
	unlink("db");
	SAY(sendto(c, "x", 1, 0, (void *)&to, length("db")));
	to.sun_family = AF_UNSPEC;
	SAY(connect(a, (void *)&to, sizeof(to)));
	SAY(send(a, "x", 1, 0));
	SAY(shutdown(a, SHUT_RD));
	to = address("da");
	SAY(sendto(c, "x", 1, MSG_NOSIGNAL, (void *)&to, length("da")));
	SAY(recv(a, buf, 1, 0));
	close(a);
	close(c);
	unlink("da");
}

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
			printf("from %s %d %d\n", cred.pid == getpid() ? "self"
				: cred.pid == getppid() ? "parent" : cred.pid ? "other" : "nobody",
				cred.uid == (int)getuid() ? 0 : cred.uid, cred.gid == (int)getgid() ? 0 : cred.gid);
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

static int set;

static void
events(const char *what)
{
	struct epoll_event e[4];
	int n = epoll_wait(set, e, 4, 0);

	printf("%s:", what);
	for (int i = 0; i < n; i++)
		printf(" %x", e[i].events);
	printf("\n");
}

static void
edges(int type)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET };
	int p[2];

	set = epoll_create1(0);
	socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, p);
	epoll_ctl(set, EPOLL_CTL_ADD, p[0], &e);
	events("new");
	events("again");
	write(p[1], "x", 1);
	events("bytes");
	events("again");
	write(p[1], "y", 1);
	events("more bytes");
	read(p[0], buf, 1);
	events("read some");
	while (write(p[0], buf, 1000) > 0)
		;
	events("full");
	while (read(p[1], buf, sizeof(buf)) > 0)
		;
	events("emptied");
	if (type != SOCK_DGRAM) {
		shutdown(p[1], SHUT_WR);
		events("shut");
		close(p[1]);
		events("closed");
		events("again");
	} else {
		close(p[1]);
	}
	close(p[0]);
	close(set);
}

/* Open as long as anybody has it, whoever; a peer that is killed is gone. */
static void
lifetimes(void)
{
	struct pollfd p[40];
	int pairs_of[40][2], one[2], status;
	pid_t pid;

	socketpair(AF_UNIX, SOCK_STREAM, 0, one);
	pid = fork();
	if (pid == 0) {
		close(one[0]);
		read(one[1], buf, 1);
		write(one[1], "child", 5);
		_exit(0);
	}
	close(one[1]);
	SAY(recv(one[0], buf, 1, MSG_DONTWAIT));
	write(one[0], "!", 1);
	SAY(recv(one[0], buf, 10, MSG_WAITALL));
	SAY(recv(one[0], buf, 10, 0));
	waitpid(pid, &status, 0);
	close(one[0]);
	for (int i = 0; i < 40; i++) {
		socketpair(AF_UNIX, i % 2 ? SOCK_STREAM : SOCK_SEQPACKET, 0, pairs_of[i]);
		p[i] = (struct pollfd){ pairs_of[i][0], POLLIN | POLLRDHUP, 0 };
	}
	pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	for (int i = 0; i < 40; i++)
		if (i == 21)
			close(pairs_of[i][1]);
	SAY(poll(p, 40, 20));
	if (fork() == 0) {
		usleep(10000);
		kill(pid, SIGKILL);
		_exit(0);
	}
	SAY(poll(p, 40, 5000));
	printf("%x %x\n", p[21].revents, p[22].revents);
	while (wait(NULL) > 0)
		;
	for (int i = 0; i < 40; i++) {
		close(pairs_of[i][0]);
		if (i != 21)
			close(pairs_of[i][1]);
	}
}

static volatile sig_atomic_t alarms;

static void
on_alarm(int sig)
{
	alarms += sig == SIGALRM;
}

/* Interrupted: with a time limit a call is never begun anew. */
static void
interrupted(void)
{
	struct sigaction a = { .sa_handler = on_alarm };
	struct itimerval soon = { .it_value.tv_usec = 20000 };
	struct timeval t = { 5, 0 };
	int p[2], s = socket(AF_UNIX, SOCK_STREAM, 0);

	socketpair(AF_UNIX, SOCK_STREAM, 0, p);
	bind_to(s, "interrupted");
	listen(s, 1);
	for (int flags = 0; flags < 2; flags++) {
		a.sa_flags = flags ? SA_RESTART : 0;
		sigaction(SIGALRM, &a, NULL);
		if (flags)
			setsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
		setitimer(ITIMER_REAL, &soon, NULL);
		SAY(recv(p[0], buf, 1, 0));
		if (flags == 0) {
			setitimer(ITIMER_REAL, &soon, NULL);
			SAY(accept(s, NULL, NULL));
		}
	}
	t.tv_sec = 0;
	setsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	if (fork() == 0) {
		usleep(60000);
		write(p[1], "x", 1);
		_exit(0);
	}
	setitimer(ITIMER_REAL, &soon, NULL);
	SAY(recv(p[0], buf, 1, 0));
	wait(NULL);
	printf("%d\n", (int)alarms);
	unlink("interrupted");
	close(s);
	close(p[0]);
	close(p[1]);
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

static void
waitall(void)
{
	int p[2];

	socketpair(AF_UNIX, SOCK_STREAM, 0, p);
	if (fork() == 0) {
		for (int i = 0; i < 4; i++) {
			write(p[0], "abc", 3);
			usleep(2000);
		}
		_exit(0);
	}
	SAY(recv(p[1], buf, 12, MSG_WAITALL));
	wait(NULL);
	write(p[0], "rest", 4);
	close(p[0]);
	SAY(recv(p[1], buf, 12, MSG_WAITALL));
	close(p[1]);
}

int
main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	snprintf(abstract, sizeof(abstract), "@test-%07d", getpid());
	snprintf(abstract_part, sizeof(abstract_part), "@test-%06d", getpid());
	pairs(SOCK_STREAM);
	pairs(SOCK_SEQPACKET);
	pairs(SOCK_DGRAM);
	bulk(SOCK_STREAM, 300000);
	bulk(SOCK_SEQPACKET, 5000);
	bulk(SOCK_DGRAM, 50000);
	full(SOCK_STREAM);
	full(SOCK_SEQPACKET);
	full(SOCK_DGRAM);
	options();
	names();
	queues();
	server_of_many();
	datagrams();
	rights(SOCK_STREAM);
	rights(SOCK_SEQPACKET);
	rights(SOCK_DGRAM);
	ancillary();
	many_messages();
	users();
	edges(SOCK_STREAM);
	edges(SOCK_SEQPACKET);
	edges(SOCK_DGRAM);
	lifetimes();
	interrupted();
	waitall();
	return 0;
}
