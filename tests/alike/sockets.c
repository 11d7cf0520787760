/* SPDX-License-Identifier: ISC */
/* UNIX sockets: pairs, options, edges, life and death. */
#include "socket.h"

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

#define GET(fd, o)                                                                                 \
	(v = 77, n = sizeof(v), SAY(getsockopt(fd, SOL_SOCKET, o, &v, &n)), printf("%d %d\n", v, n))
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
	edges(SOCK_STREAM);
	edges(SOCK_SEQPACKET);
	edges(SOCK_DGRAM);
	lifetimes();
	interrupted();
	waitall();
	return 0;
}
