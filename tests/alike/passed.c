/* SPDX-License-Identifier: ISC */
/* A descriptor that is passed is the same open file description: offset, status flags, locks. */
#include "t.h"
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/file.h>
#include <sys/socket.h>

union control {
	struct cmsghdr head;
	char bytes[64];
};

static int
send_fd(int s, int fd)
{
	union control c = { .bytes = { 0 } };
	struct iovec v = { "x", 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c,
		.msg_controllen = CMSG_SPACE(sizeof(int)) };

	c.head.cmsg_level = SOL_SOCKET;
	c.head.cmsg_type = SCM_RIGHTS;
	c.head.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&c.head), &fd, sizeof(fd));
	return (int)sendmsg(s, &m, 0);
}

static int
receive_fd(int s)
{
	union control c;
	char text[8];
	struct iovec v = { text, sizeof(text) };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c,
		.msg_controllen = sizeof(c) };
	int fd = -1;

	if (recvmsg(s, &m, 0) >= 0 && m.msg_controllen >= CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(&c.head), sizeof(fd));
	return fd;
}

/* What one of both has done the other may see. */
static void
step(int to)
{
	write(to, "s", 1);
}

static void
await(int from)
{
	char byte;

	read(from, &byte, 1);
}

static long
at(int fd)
{
	return (long)lseek(fd, 0, SEEK_CUR);
}

/* The receiver was there before the file was opened. */
static void
offsets(void)
{
	int s[2], fd, status;
	char text[8] = { 0 };

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	if (fork() == 0) {
		int got = receive_fd(s[1]);

		SAY(at(got));
		SAY(read(got, text, 2));
		printf("%s\n", text);
		step(s[1]);
		await(s[1]);
		SAY(at(got));
		SAY(fcntl(got, F_SETFL, O_APPEND | O_NONBLOCK));
		fflush(stdout);
		step(s[1]);
		await(s[1]);
		SAY(fcntl(got, F_GETFL) & (O_APPEND | O_NONBLOCK));
		SAY(close(got));
		fflush(stdout);
		_exit(0);
	}
	fd = open("offsets", O_RDWR | O_CREAT | O_TRUNC, 0600);
	write(fd, "0123456789", 10);
	lseek(fd, 3, SEEK_SET);
	fflush(stdout);
	send_fd(s[0], fd);
	await(s[0]);
	SAY(at(fd));
	lseek(fd, 7, SEEK_SET);
	fflush(stdout);
	step(s[0]);
	await(s[0]);
	SAY(fcntl(fd, F_GETFL) & (O_APPEND | O_NONBLOCK));
	fcntl(fd, F_SETFL, O_NONBLOCK);
	fflush(stdout);
	step(s[0]);
	wait(&status);
	SAY(write(fd, "x", 1));
	SAY(at(fd));
	close(fd);
	close(s[0]);
	close(s[1]);
}

/* Relatives of who passes it, who had it before, go on having the same. */
static void
relatives(void)
{
	int s[2], go[2], back[2], fd = open("offsets", O_RDWR), got, status;

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	pipe(go);
	pipe(back);
	if (fork() == 0) {
		await(go[0]);
		SAY(at(fd));
		lseek(fd, 6, SEEK_SET);
		fflush(stdout);
		step(back[1]);
		await(go[0]);
		/* A grandchild has it from here. */
		if (fork() == 0) {
			SAY(at(fd));
			lseek(fd, 9, SEEK_SET);
			fflush(stdout);
			_exit(0);
		}
		wait(&status);
		SAY(at(fd));
		fflush(stdout);
		_exit(0);
	}
	lseek(fd, 2, SEEK_SET);
	send_fd(s[0], fd);
	got = receive_fd(s[1]);
	SAY(at(got));
	lseek(got, 4, SEEK_SET);
	fflush(stdout);
	step(go[1]);
	await(back[0]);
	SAY(at(got));
	SAY(at(fd));
	lseek(fd, 8, SEEK_SET);
	close(fd);
	fflush(stdout);
	step(go[1]);
	wait(&status);
	SAY(at(got));
	close(got);
	for (int i = 0; i < 2; i++) {
		close(s[i]);
		close(go[i]);
		close(back[i]);
	}
}

/* Passed on and on, closed on the way: it is still the one. */
static void
chain(void)
{
	int s[2], fd = open("offsets", O_RDONLY), got = -1, last = -1;

	socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
	lseek(fd, 5, SEEK_SET);
	for (int n = 0; n < 20; n++) {
		send_fd(s[0], n ? got : fd);
		if (n > 1)
			close(last);
		last = got;
		got = receive_fd(s[1]);
		lseek(got, 1, SEEK_CUR);
	}
	SAY(at(fd));
	SAY(at(got));
	/* On its way alone. */
	send_fd(s[0], fd);
	close(fd);
	close(got);
	close(last);
	got = receive_fd(s[1]);
	SAY(at(got));
	close(got);
	close(s[0]);
	close(s[1]);
}

/* Of what has no offset: whether it waits. */
static void
flags(void)
{
	int s[2], p[2], e = eventfd(0, 0), got;
	char byte;

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	pipe(p);
	send_fd(s[0], p[0]);
	got = receive_fd(s[1]);
	fcntl(got, F_SETFL, O_NONBLOCK);
	SAY(read(p[0], &byte, 1));
	SAY(fcntl(p[1], F_GETFL) & O_NONBLOCK);
	close(got);
	send_fd(s[0], e);
	got = receive_fd(s[1]);
	fcntl(e, F_SETFL, O_NONBLOCK);
	SAY(read(got, &(long){ 0 }, 8));
	close(got);
	send_fd(s[0], s[1]);
	got = receive_fd(s[1]);
	fcntl(got, F_SETFL, O_NONBLOCK);
	SAY(read(s[1], &byte, 1));
	close(got);
	close(e);
	for (int i = 0; i < 2; i++) {
		close(s[i]);
		close(p[i]);
	}
}

/* A lock is the description's: who got it has it, too, and can give it up. */
static void
locks(void)
{
	int s[2], fd = open("locks", O_RDWR | O_CREAT, 0600), other = open("locks", O_RDWR), got;
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 1, .l_len = 4 };

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	SAY(flock(fd, LOCK_EX));
	send_fd(s[0], fd);
	got = receive_fd(s[1]);
	SAY(flock(other, LOCK_EX | LOCK_NB));
	close(fd);
	SAY(flock(other, LOCK_EX | LOCK_NB));
	SAY(flock(got, LOCK_SH | LOCK_NB));
	SAY(flock(other, LOCK_SH | LOCK_NB));
	SAY(flock(got, LOCK_UN));
	SAY(flock(other, LOCK_EX | LOCK_NB));
	SAY(flock(other, LOCK_UN));
	SAY(fcntl(got, F_OFD_SETLK, &l));
	/* On its way it has them still; and when nobody can have it any more, nobody has. */
	send_fd(s[0], got);
	close(got);
	SAY(fcntl(other, F_OFD_SETLK, &l));
	close(s[0]);
	close(s[1]);
	SAY(fcntl(other, F_OFD_SETLKW, &l));
	close(other);
}

/* Kinds that have something of their own: each is the same for both. */
static int
through(int fd)
{
	int s[2], got;

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	send_fd(s[0], fd);
	got = receive_fd(s[1]);
	close(s[0]);
	close(s[1]);
	return got;
}

static void
kinds(void)
{
	struct itimerspec soon = { .it_value = { 0, 1000000 } };
	int memory = memfd_create("m", MFD_ALLOW_SEALING),
	    timer = timerfd_create(CLOCK_MONOTONIC, 0);
	int watch = inotify_init1(IN_NONBLOCK), got, child, status;
	char text[512] = { 0 };
	uint64_t ticks = 0;
	struct pollfd p = { .events = POLLIN };
	sigset_t set;

	write(memory, "memory", 6);
	got = through(memory);
	SAY(at(got));
	SAY(fcntl(got, F_ADD_SEALS, F_SEAL_WRITE));
	SAY(write(memory, "x", 1));
	SAY(pread(got, text, 8, 0));
	close(got);
	got = through(timer);
	timerfd_settime(timer, 0, &soon, NULL);
	SAY(read(got, &ticks, 8));
	SAY((long)ticks);
	close(got);
	got = through(watch);
	SAY(inotify_add_watch(got, ".", IN_CREATE));
	close(open("watched", O_RDWR | O_CREAT, 0600));
	p.fd = watch;
	SAY(poll(&p, 1, 0));
	SAY(read(watch, text, sizeof(text)) > 0);
	SAY(read(got, text, sizeof(text)));
	close(got);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	got = through(signalfd(-1, &set, SFD_NONBLOCK));
	SAY(read(got, text, sizeof(text)));
	SAY(read(got, text, sizeof(text)));
	close(got);
	child = fork();
	if (child == 0)
		_exit(0);
	got = through((int)syscall(SYS_pidfd_open, child, 0));
	p.fd = got;
	SAY(poll(&p, 1, -1));
	wait(&status);
	SAY((int)syscall(SYS_pidfd_send_signal, got, 0, NULL, 0));
	close(got);
	got = through(open("/dev/zero", O_RDONLY));
	SAY(read(got, text, 5));
	SAY(write(got, text, 5));
	close(got);
	got = through(open(".", O_RDONLY | O_DIRECTORY));
	SAY(openat(got, "watched", O_RDONLY) >= 0);
	close(got);
	got = through(open("watched", O_PATH));
	SAY(read(got, text, 5));
	SAY(fcntl(got, F_GETFL) & O_PATH);
	close(got);
	close(memory);
	close(timer);
	close(watch);
}

int
main(void)
{
	setvbuf(stdout, NULL, _IOFBF, 4096);
	in_memory();
	offsets();
	relatives();
	chain();
	flags();
	locks();
	kinds();
	return 0;
}
