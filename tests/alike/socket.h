/* SPDX-License-Identifier: ISC */
/* What the programs about sockets have in common. */
#ifndef ALIKE_SOCKET_H
#define ALIKE_SOCKET_H

#include "t.h"
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

static char buf[300000];

static inline short
ready(int fd)
{
	struct pollfd p = { fd, POLLIN | POLLOUT | POLLRDHUP, 0 };

	poll(&p, 1, 0);
	return p.revents;
}

static inline struct sockaddr_un
address(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	if (path[0] == '@')
		memcpy(a.sun_path + 1, path + 1, strlen(path) - 1);
	else
		strcpy(a.sun_path, path);
	return a;
}

static inline socklen_t
length(const char *path)
{
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) +
		(path[0] != '@'));
}

static inline int
bind_to(int fd, const char *path)
{
	struct sockaddr_un a = address(path);

	return bind(fd, (struct sockaddr *)&a, length(path));
}

static inline int
connect_to(int fd, const char *path)
{
	struct sockaddr_un a = address(path);

	return connect(fd, (struct sockaddr *)&a, length(path));
}

static inline void
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

#endif
