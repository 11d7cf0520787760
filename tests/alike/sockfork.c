/* SPDX-License-Identifier: ISC */
/* What a socket that was nothing yet at the fork, or when it was passed, has become by one who has it. */
#include "t.h"
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

static int
named(int fd, const char *path, int (*what)(int, const struct sockaddr *, socklen_t))
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	strcpy(a.sun_path, path);
	return what(fd, (struct sockaddr *)&a,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1));
}

static void
say_own(int fd)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	socklen_t bytes = sizeof(a);

	SAY(getsockname(fd, (struct sockaddr *)&a, &bytes));
	printf("%s, %d\n", a.sun_path, (int)bytes);
}

static int
revents(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };

	poll(&p, 1, 0);
	return p.revents;
}

/* In the child, and then go on here. */
#define CHILD(body)                                                                                \
	do {                                                                                       \
		int status_;                                                                       \
		fflush(stdout);		\
		if (fork() == 0) {                                                                 \
			body;                                                                      \
			fflush(stdout);                                                            \
			_exit(0);                                                                  \
		}                                                                                  \
		wait(&status_);                                                                    \
	} while (0)

/* The child binds and listens; the parent accepts. */
static void
listened(int type)
{
	int s = socket(AF_UNIX, type, 0), c = socket(AF_UNIX, type, 0), got, on = 0;
	socklen_t bytes = sizeof(on);
	char text[8] = { 0 };

	printf("listened %d\n", type);
	SAY(revents(s));
	CHILD(SAY(named(s, "listened", bind)));
	say_own(s);
	SAY(named(s, "again", bind));
	CHILD(SAY(listen(s, 5)));
	SAY(getsockopt(s, SOL_SOCKET, SO_ACCEPTCONN, &on, &bytes));
	SAY(on);
	SAY(named(s, "listened", connect));
	CHILD(SAY(named(c, "listened", connect)); SAY(write(c, "hello", 5)));
	SAY(revents(s));
	got = accept(s, NULL, NULL);
	SAY(read(got, text, 8));
	printf("%s\n", text);
	/* The child that connected has gone; the connection is the parent's, too. */
	SAY(named(c, "listened", connect));
	SAY(write(c, "more", 4));
	SAY(read(got, text, 8));
	close(c);
	SAY(read(got, text, 8));
	close(got);
	close(s);
	unlink("listened");
}

/* One that was bound is connected, several have it, each does its part. */
static void
connected(void)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0), got, fd;
	int set = epoll_create1(0);
	struct epoll_event e = { .events = EPOLLIN }, out;
	char text[8] = { 0 };

	named(s, "server", bind);
	listen(s, 5);
	named(c, "client", bind);
	epoll_ctl(set, EPOLL_CTL_ADD, c, &e);
	SAY(read(c, text, 8));
	CHILD(SAY(named(c, "server", connect)); close(c));
	got = accept(s, NULL, NULL);
	SAY(revents(c));
	SAY(write(got, "abc", 3));
	SAY(epoll_wait(set, &out, 1, -1));
	CHILD(SAY(read(c, text, 1)); SAY(shutdown(c, SHUT_WR)));
	SAY(read(got, text, 8));
	SAY(read(c, text, 8));
	say_own(c);
	CHILD(close(s));
	fd = dup(c);
	close(c);
	CHILD(SAY(revents(got) & POLLHUP));
	close(fd);
	SAY(read(got, text, 8));
	SAY(write(got, "x", 1));
	close(got);
	close(s);
	close(set);
	unlink("server");
	unlink("client");
}

/* Nobody has come for it when the one who connected it has ended. */
static void
left(void)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0), got;
	char text[8] = { 0 };

	named(s, "server", bind);
	listen(s, 5);
	CHILD(named(c, "server", connect); SAY(write(c, "left", 4)); raise(SIGKILL));
	got = accept(s, NULL, NULL);
	SAY(read(got, text, 8));
	SAY(revents(got));
	close(c);			/* without having looked at it */
	SAY(revents(got) & POLLHUP);
	SAY(read(got, text, 8));
	close(got);
	close(s);
	unlink("server");
}

static void
pass(int to, int fd)
{
	union { struct cmsghdr head; char room[64]; } c = { .room = { 0 } };
	struct iovec v = { "x", 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c,
		.msg_controllen = CMSG_SPACE(sizeof(int)) };

	c.head.cmsg_level = SOL_SOCKET;
	c.head.cmsg_type = SCM_RIGHTS;
	c.head.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&c.head), &fd, sizeof(fd));
	SAY(sendmsg(to, &m, 0));
}

static int
receive(int from)
{
	union { struct cmsghdr head; char room[64]; } c;
	char text[8];
	struct iovec v = { text, sizeof(text) };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c,
		.msg_controllen = sizeof(c) };
	int fd = -1;

	if (recvmsg(from, &m, 0) >= 0)
		memcpy(&fd, CMSG_DATA(&c.head), sizeof(fd));
	return fd;
}

static void
passed(void)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0), p[2], got, in;
	char text[8] = { 0 };

	socketpair(AF_UNIX, SOCK_STREAM, 0, p);
	pass(p[0], s);
	got = receive(p[1]);
	SAY(named(got, "passed", bind));
	SAY(listen(got, 1));
	say_own(s);
	close(got);
	pass(p[0], c);
	got = receive(p[1]);
	SAY(named(c, "passed", connect));
	in = accept(s, NULL, NULL);
	SAY(write(got, "by it", 5));
	close(c);
	SAY(read(in, text, 8));
	SAY(write(in, "back", 4));
	SAY(read(got, text, 8));
	close(got);
	SAY(read(in, text, 8));
	close(in);
	close(s);
	close(p[0]);
	close(p[1]);
	unlink("passed");
}

int
main(void)
{
	setvbuf(stdout, NULL, _IOFBF, 8192);
	signal(SIGPIPE, SIG_IGN);
	in_memory();
	listened(SOCK_STREAM);
	listened(SOCK_SEQPACKET);
	connected();
	left();
	passed();
	return 0;
}
