/* SPDX-License-Identifier: ISC */
/* Flags of calls about descriptors that the other programs leave out. */
#include "t.h"
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>

#ifndef F_GETSIG
#define F_GETSIG 11
#endif
#ifndef RWF_HIPRI
#define RWF_HIPRI 1
#endif
#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE 2
#endif
#define preadv2(fd, v, n, at, flags)                                                               \
	syscall(SYS_preadv2, fd, v, (long)(n), (long)(at), 0L, (long)(flags))
#define close_range(from, to, flags) syscall(SYS_close_range, from, to, flags)

static int
flags_of(int fd)
{
	int flags = (fcntl(fd, F_GETFL) & (O_NONBLOCK | O_APPEND | O_ACCMODE)) |
		(fcntl(fd, F_GETFD) & FD_CLOEXEC) << 20;

	close(fd);
	return flags;
}

static void
made_with(void)
{
	int p[2];

	SAY(flags_of(eventfd(0, EFD_NONBLOCK)));
	SAY(flags_of(eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE)));
	SAY(flags_of(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)));
	SAY(flags_of(inotify_init1(IN_NONBLOCK)));
	SAY(flags_of(inotify_init1(IN_CLOEXEC)));
	sigset_t set;
	sigemptyset(&set);
	SAY(flags_of(signalfd(-1, &set, SFD_NONBLOCK)));
	SAY(flags_of(signalfd(-1, &set, SFD_CLOEXEC)));
	SAY(flags_of(memfd_create("x", MFD_CLOEXEC)));
	SAY(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, p));
	SAY(flags_of(p[0]));
	SAY(flags_of(p[1]));
	SAY(flags_of(open("x", O_RDWR | O_CREAT | O_APPEND, 0600)));
}

static void
counted(void)
{
	int e = eventfd(3, EFD_SEMAPHORE | EFD_NONBLOCK);
	uint64_t value = 0;

	for (int n = 0; n < 4; n++) {
		SAY(read(e, &value, 8));
		SAY(value);
	}
	close(e);
}

/* F_OFD_SETLKW waits, and a signal ends that. */
static void
nothing(int sig)
{
	(void)sig;
}

static void
locks(void)
{
	int a = open("locks", O_RDWR | O_CREAT, 0600), b = open("locks", O_RDWR), go[2], status;
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10 };
	struct itimerval soon = { .it_value = { 0, 30000 } };
	struct sigaction act = { .sa_handler = nothing };
	char byte;

	pipe(go);
	SAY(fcntl(a, F_OFD_SETLKW, &l));
	SAY(fcntl(b, F_OFD_SETLK, &l));
	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	SAY(fcntl(b, F_OFD_SETLKW, &l));
	l.l_pid = 5;
	SAY(fcntl(b, F_OFD_SETLKW, &l));
	l.l_pid = 0;
	if (fork() == 0) {
		write(go[1], "g", 1);
		_exit(fcntl(b, F_OFD_SETLKW, &l) != 0);
	}
	read(go[0], &byte, 1);
	l.l_type = F_UNLCK;
	SAY(fcntl(a, F_OFD_SETLKW, &l));
	wait(&status);
	SAY(status);
	/* It is the description's: the child that took it has ended. */
	l.l_type = F_RDLCK;
	SAY(fcntl(a, F_OFD_SETLK, &l));
	l.l_type = F_UNLCK;
	SAY(fcntl(b, F_OFD_SETLK, &l));
	SAY(flock(a, LOCK_EX));
	SAY(flock(b, LOCK_SH | LOCK_NB));
	SAY(flock(a, LOCK_UN));
	SAY(flock(b, LOCK_SH | LOCK_NB));
	close(a);
	close(b);
	close(go[0]);
	close(go[1]);
}

/* Whom and how to tell is kept. */
static void
owners(void)
{
	struct { int type, pid; } who = { 1, getpid() };	/* F_OWNER_PID */
	int fd = open("/dev/null", O_RDWR);

	SAY(fcntl(fd, F_GETSIG));
	SAY(fcntl(fd, F_SETSIG, SIGUSR1));
	SAY(fcntl(fd, F_GETSIG));
	SAY(fcntl(fd, F_SETSIG, 65));
	SAY(fcntl(fd, F_SETOWN_EX, &who));
	who.pid = 0;
	SAY(fcntl(fd, F_GETOWN_EX, &who));
	SAY(who.type);
	SAY(who.pid == getpid());
	SAY(fcntl(fd, F_SETFL, O_NOATIME | O_APPEND));
	SAY(fcntl(fd, F_GETFL));
	close(fd);
}

/* ---- messages ---- */

union control {
	struct cmsghdr head;
	char bytes[128];
};

static void
say_control(int s, size_t room, int flags)
{
	union control c;
	char text[8] = { 0 };
	struct iovec v = { text, 4 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = room ? &c : NULL,
		.msg_controllen = room };
	int got[4] = { -1, -1, -1, -1 }, count = 0;

	SAY(recvmsg(s, &m, flags));
	printf("%s, flags %x%s%s, %d\n", text, m.msg_flags & ~(MSG_CMSG_CLOEXEC),
		m.msg_flags & MSG_CTRUNC ? ", MSG_CTRUNC" : "",
		m.msg_flags & MSG_TRUNC ? ", MSG_TRUNC" : "", (int)m.msg_controllen);
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h && room >= sizeof(*h);
		h = CMSG_NXTHDR(&m, h)) {
		if (h->cmsg_type != SCM_RIGHTS)
			continue;
		count = (int)((h->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(got, CMSG_DATA(h), sizeof(int) * (size_t)count);
	}
	SAY(count);
	for (int n = 0; n < count; n++)
		close(got[n]);
}

static void
send_fds(int s, int count)
{
	int fds[3] = { 0, 1, 2 };
	union control c = { .bytes = { 0 } };
	struct iovec v = { "message", 7 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c,
		.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)count) };

	c.head.cmsg_level = SOL_SOCKET;
	c.head.cmsg_type = SCM_RIGHTS;
	c.head.cmsg_len = CMSG_LEN(sizeof(int) * (size_t)count);
	memcpy(CMSG_DATA(&c.head), fds, sizeof(int) * (size_t)count);
	SAY(sendmsg(s, &m, 0));
}

static void
cut(int type)
{
	static const size_t rooms[] = { 0, 8, CMSG_LEN(0), CMSG_LEN(sizeof(int)),
		CMSG_LEN(2 * sizeof(int)), CMSG_SPACE(3 * sizeof(int)), sizeof(union control) };
	int p[2];

	printf("cut %d\n", type);
	socketpair(AF_UNIX, type, 0, p);
	for (size_t n = 0; n < sizeof(rooms) / sizeof(rooms[0]); n++) {
		send_fds(p[0], 3);
		say_control(p[1], rooms[n], n % 2 ? MSG_CMSG_CLOEXEC : 0);
		if (type == SOCK_STREAM)
			say_control(p[1], sizeof(union control), 0);
	}
	send_fds(p[0], 2);
	say_control(p[1], CMSG_LEN(sizeof(int)), MSG_PEEK);
	say_control(p[1], sizeof(union control), 0);
	close(p[0]);
	close(p[1]);
}

static void
hints(void)
{
	int p[2];
	char text[16];

	socketpair(AF_UNIX, SOCK_STREAM, 0, p);
	SAY(send(p[0], "a", 1, MSG_MORE));
	SAY(send(p[0], "b", 1, MSG_DONTROUTE));
	SAY(send(p[0], "c", 1, MSG_CONFIRM));
	SAY(recv(p[1], text, 16, MSG_DONTWAIT));
	SAY(recv(p[1], text, 16, MSG_DONTWAIT));
	close(p[0]);
	close(p[1]);
	socketpair(AF_UNIX, SOCK_SEQPACKET, 0, p);
	SAY(send(p[0], "record", 6, MSG_EOR));
	SAY(recv(p[1], text, 16, 0));
	close(p[0]);
	close(p[1]);
}

static void
options(void)
{
	static const struct { int option; const char *name; } all[] = {
#define O(name) { name, #name }
		O(SO_BROADCAST), O(SO_DONTROUTE), O(SO_OOBINLINE), O(SO_KEEPALIVE), O(SO_REUSEADDR),
	};
	int p[2], on = 1;
	socklen_t bytes = sizeof(on);
	struct linger l = { 1, 5 }, got = { 0, 0 };

	socketpair(AF_UNIX, SOCK_STREAM, 0, p);
	for (size_t n = 0; n < sizeof(all) / sizeof(all[0]); n++) {
		int is = 7;

		on = 1;
		printf("%s %d", all[n].name, setsockopt(p[0], SOL_SOCKET, all[n].option, &on, 4));
		getsockopt(p[0], SOL_SOCKET, all[n].option, &is, &bytes);
		printf(" %d\n", is);
	}
	SAY(getsockopt(p[0], SOL_SOCKET, SO_PROTOCOL, &on, &bytes));
	SAY(on);
	SAY(setsockopt(p[0], SOL_SOCKET, SO_LINGER, &l, sizeof(l)));
	bytes = sizeof(got);
	SAY(getsockopt(p[0], SOL_SOCKET, SO_LINGER, &got, &bytes));
	printf("%d %d\n", got.l_onoff, got.l_linger);
	on = 3;
	SAY(setsockopt(p[0], SOL_SOCKET, SO_SNDBUFFORCE, &(int){ 10000 }, 4));
	bytes = sizeof(on);
	SAY(getsockopt(p[0], SOL_SOCKET, SO_SNDBUF, &on, &bytes));
	SAY(on);
	close(p[0]);
	close(p[1]);
}

/* ---- from pipes ---- */

static long
left_in(int fd)
{
	int bytes = -1;

	ioctl(fd, FIONREAD, &bytes);
	return bytes;
}

/* What the sink does not take is still there. */
static void
refused_sinks(void)
{
	int p[2], q[2], s[2], file = open("sink", O_RDWR | O_CREAT | O_TRUNC, 0600), full = 0;
	struct rlimit small, before;
	char text[16] = { 0 };
	long n;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	pipe(p);
	pipe(q);
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	write(p[1], "0123456789", 10);
	close(q[0]);
	SAY(splice(p[0], NULL, q[1], NULL, 10, SPLICE_F_MOVE));
	SAY(left_in(p[0]));
	close(s[1]);
	SAY(splice(p[0], NULL, s[0], NULL, 10, SPLICE_F_MORE));
	SAY(left_in(p[0]));
	getrlimit(RLIMIT_FSIZE, &before);
	small = (struct rlimit){ 4, before.rlim_max };
	setrlimit(RLIMIT_FSIZE, &small);
	lseek(file, 4, SEEK_SET);
	SAY(splice(p[0], NULL, file, NULL, 10, 0));
	SAY(left_in(p[0]));
	setrlimit(RLIMIT_FSIZE, &before);
	close(q[1]);
	close(s[0]);
	pipe2(q, O_NONBLOCK);
	while ((n = write(q[1], text, 16)) > 0)
		full++;
	SAY(splice(p[0], NULL, q[1], NULL, 10, 0));
	SAY(left_in(p[0]));
	lseek(file, 0, SEEK_SET);
	SAY(splice(p[0], NULL, file, NULL, 3, 0));
	SAY(left_in(p[0]));
	close(p[1]);
	SAY(splice(p[0], NULL, file, NULL, 1, 0));
	SAY(read(p[0], text, 16));
	printf("%s\n", text);
	SAY(splice(p[0], NULL, file, NULL, 1, 0));
	SAY(pread(file, text, 16, 0));
	close(p[0]);
	close(q[0]);
	close(q[1]);
	close(file);
}

/* Who waits for the sink's room gets it. */
static void
patient_sink(void)
{
	int p[2], q[2], s[2], status;
	static char text[70000];
	long got = 0, n;

	pipe(p);
	pipe(q);
	while (got < 65536)
		got += write(q[1], text, 4096);
	write(p[1], "later", 5);
	if (fork() == 0) {
		usleep(20000);
		SAY(read(q[0], text, 60000));
		fflush(stdout);
		_exit(0);
	}
	n = splice(p[0], NULL, q[1], NULL, 10, 0);
	wait(&status);
	SAY(n);
	SAY(left_in(q[0]));
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	write(p[1], text, 60000);
	if (fork() == 0) {
		long all = 0;

		close(s[0]);
		while ((n = read(s[1], text, sizeof(text))) > 0)
			all += n;
		SAY(all);
		fflush(stdout);
		_exit(0);
	}
	close(s[1]);
	for (int round = 0; round < 8; round++) {
		for (got = 0; got < 60000; got += n)
			n = splice(p[0], NULL, s[0], NULL, 70000, 0);
		if (round < 7)
			write(p[1], text, 60000);
	}
	close(s[0]);
	wait(&status);
	SAY(left_in(p[0]));
	close(p[0]);
	close(p[1]);
	close(q[0]);
	close(q[1]);
}

static void
moved(void)
{
	int p[2], q[2];
	char text[16];
	struct iovec v = { "gift", 4 };

	pipe(p);
	pipe(q);
	SAY(tee(p[0], q[1], 4, SPLICE_F_NONBLOCK));
	SAY(vmsplice(p[1], &v, 1, SPLICE_F_NONBLOCK));
	SAY(tee(p[0], q[1], 2, SPLICE_F_NONBLOCK));
	v = (struct iovec){ text, 16 };
	SAY(vmsplice(q[0], &v, 1, 0));
	SAY(vmsplice(q[0], &v, 1, SPLICE_F_NONBLOCK));
	SAY(vmsplice(p[0], &v, 1, 16));
	close(p[0]);
	close(p[1]);
	close(q[0]);
	close(q[1]);
}

static void
at_once(void)
{
	int file = open("sink", O_RDWR | O_CREAT, 0600), p[2];
	char text[4];
	struct iovec v = { text, 4 };

	pipe(p);
	pwrite(file, "text", 4, 0);
	SAY(preadv2(file, &v, 1, 0, RWF_HIPRI));
	SAY(preadv2(file, &v, 1, 0, 128));
	SAY(lseek(file, 2, SEEK_SET));
	SAY(lseek(file, 1, SEEK_CUR));
	SAY(lseek(file, -1, SEEK_END));
	SAY(lseek(file, -5, SEEK_CUR));
	SAY(lseek(file, 0, 5));
	close(file);
	close(p[0]);
	close(p[1]);
}

static void
polled(void)
{
	int p[2], set = epoll_create1(0);
	struct pollfd q = { .events = POLLRDNORM | POLLWRNORM | POLLRDBAND | POLLWRBAND };
	struct epoll_event e = { .events = EPOLLRDNORM | EPOLLWRNORM | EPOLLPRI | EPOLLET };

	pipe(p);
	q.fd = p[1];
	SAY(poll(&q, 1, 0));
	SAY(q.revents);
	close(p[0]);
	SAY(poll(&q, 1, 0));
	SAY(q.revents & POLLERR);
	SAY(epoll_ctl(set, EPOLL_CTL_ADD, p[1], &e));
	SAY(epoll_wait(set, &e, 1, 0));
	SAY(e.events & EPOLLERR);
	SAY(close_range((unsigned)p[1], (unsigned)p[1], CLOSE_RANGE_UNSHARE));
	SAY(fcntl(p[1], F_GETFD));
	close(set);
}

int
main(void)
{
	setvbuf(stdout, NULL, _IOFBF, 16384);
	in_memory();
	made_with();
	counted();
	locks();
	owners();
	cut(SOCK_STREAM);
	cut(SOCK_SEQPACKET);
	cut(SOCK_DGRAM);
	hints();
	options();
	refused_sinks();
	patient_sink();
	moved();
	at_once();
	polled();
	return 0;
}
