/* SPDX-License-Identifier: ISC */
/* What attacks by way of objects and sockets have in common; the includer names itself (CHECK_NAME) and its attacks. */
#ifndef TESTS_HOSTILE_ATTACK_H
#define TESTS_HOSTILE_ATTACK_H

#include <fcntl.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <server/sockproto.h>
#include "ask.h"

#define EMPTY_SLOT 1500u		/* of the key ring, far behind those in use */

static char bytes[100000] __attribute__((unused));

static inline volatile char *
comm(void)
{
	return (volatile char *)(base + EXOS_COMM);
}

static uint64_t state = 88172645463325252ull;

static inline uint64_t
any(void)
{
	static const uint64_t odd[] = { 0, 1, 2, 3, 5, 16, 17, ~0ull, 1ull << 63, 1ull << 32,
		0xffffffff, 4096, 512, EXOS_OBJECTS, EXOS_OBJECTS_END - 4096 };

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % 3 ? odd[state / 3 % (sizeof(odd) / sizeof(odd[0]))] : state >> (state % 60);
}

/* ---- others notice nothing ---- */

static inline struct sockaddr_un
named(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	strcpy(a.sun_path, path);
	return a;
}

static inline ssize_t
send_fd(int s, int fd)
{
	union { struct cmsghdr head; char room[64]; } c = { .room = { 0 } };
	struct iovec v = { "fd", 2 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c,
		.msg_controllen = CMSG_SPACE(sizeof(int)) };

	c.head.cmsg_level = SOL_SOCKET;
	c.head.cmsg_type = SCM_RIGHTS;
	c.head.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&c.head), &fd, sizeof(fd));
	return sendmsg(s, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static inline int
receive_fd(int s)
{
	union { struct cmsghdr head; char room[64]; } c;
	char text[8];
	struct iovec v = { text, sizeof(text) };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c,
		.msg_controllen = sizeof(c) };
	int fd = -1;

	if (recvmsg(s, &m, MSG_DONTWAIT) >= 0 && m.msg_controllen >= CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(&c.head), sizeof(fd));
	return fd;
}

static inline void
check_alive(void)
{
	struct sockaddr_un a = named("alive");
	char byte = 0;
	int p[2], s = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0);
	int fd = -1, got = -1;

	unlink("alive");
	CHECK(bind(s, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(s, 1) == 0);
	CHECK(connect(c, (struct sockaddr *)&a, sizeof(a)) == 0 &&
		(fd = accept(s, NULL, NULL)) >= 0);
	CHECK(write(c, "x", 1) == 1 && read(fd, &byte, 1) == 1 && byte == 'x');
	CHECK(pipe(p) == 0 && send_fd(fd, p[1]) == 2 && (got = receive_fd(c)) >= 0);
	CHECK(write(got, "y", 1) == 1 && read(p[0], &byte, 1) == 1 && byte == 'y');
	close(got);
	close(p[0]);
	close(p[1]);
	close(fd);
	close(c);
	close(s);
	CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, p) == 0 && write(p[0], "z", 1) == 1
		&& read(p[1], &byte, 1) == 1 && byte == 'z');
	close(p[0]);
	close(p[1]);
}

/* Somebody else's child: what this process may have itself is used up. */
static inline void
others_fine(void)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		failed = 0;
		check_alive();
		_exit(failed != 0);
	}
	waitpid(pid, &status, 0);
	note[1] = status == 0;
}

static inline int
attack_all(int argc, char **argv, const struct attack *attacks, unsigned count)
{
	return attack_each(argc, argv, attacks, count, check_alive, 0);
}

#endif
