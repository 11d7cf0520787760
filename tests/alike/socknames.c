/* SPDX-License-Identifier: ISC */
/* UNIX sockets with names: binding, connecting, datagrams. */
#include "socket.h"

static char abstract[32],
	abstract_part[32]; /* names that another run of this program does not use */

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
	SAY(bind_to(s, "sock"));
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
	close(s);
	close(t);
	unlink("names_file");
}

static void
abstract_names(void)
{
	int s, t = socket(AF_UNIX, SOCK_STREAM, 0), u;
	struct sockaddr_un a;
	socklen_t n;

	SAY(connect_to(t, abstract));
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
			if (write(c, &n, sizeof(n)) != sizeof(n) ||
				read(c, &n, sizeof(n)) != sizeof(n) || n != i * 100 + round + 1)
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

	printf("%d %.*s from %d %s\n", (int)got, got > 0 ? (int)got : 0, buf, n,
		n > 2 ? a.sun_path : "-");
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

int
main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	snprintf(abstract, sizeof(abstract), "@test-%07d", getpid());
	snprintf(abstract_part, sizeof(abstract_part), "@test-%06d", getpid());
	names();
	abstract_names();
	queues();
	server_of_many();
	datagrams();
	return 0;
}
