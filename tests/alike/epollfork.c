/* SPDX-License-Identifier: ISC */
/* An epoll set is one for all who have it after a fork: what one adds, changes and removes the others find. */
#include "t.h"
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

static int turn[2][2];			/* whose it is: pipes to the child, to the parent */

static void
give(int to)
{
	fflush(stdout);
	write(turn[to][1], "g", 1);
}

static void
take(int from)
{
	char byte;

	read(turn[from][0], &byte, 1);
}

static int
add(int set, int op, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event e = { .events = events, .data.u64 = data };

	return epoll_ctl(set, op, fd, &e);
}

/* What is told now, lowest data first: Linux and we look in different orders. */
static void
told(const char *who, int set, int timeout)
{
	struct epoll_event e[16];
	int n = epoll_wait(set, e, 16, timeout);

	printf("%s: %d", who, n);
	for (uint64_t data = 0; data < 1000; data++)
		for (int i = 0; i < n; i++)
			if (e[i].data.u64 == data)
				printf(" %x/%d", e[i].events, (int)data);
	printf("\n");
}

/* Both take turns; ends with both at the end. */
static void
changes(void)
{
	int set = epoll_create1(0), a[2], b[2], e = eventfd(0, 0), status;
	char byte;

	pipe(a);
	pipe(b);
	SAY(add(set, EPOLL_CTL_ADD, a[0], EPOLLIN, 1));
	if (fork() == 0) {
		told("child", set, 0);
		SAY(add(set, EPOLL_CTL_ADD, a[0], EPOLLIN, 1));
		SAY(add(set, EPOLL_CTL_ADD, b[0], EPOLLIN, 2));
		SAY(add(set, EPOLL_CTL_ADD, e, EPOLLIN | EPOLLOUT, 3));
		give(1);
		take(0);
		told("child", set, 0);
		SAY(add(set, EPOLL_CTL_MOD, b[0], EPOLLIN, 22));
		SAY(add(set, EPOLL_CTL_DEL, e, 0, 0));
		give(1);
		take(0);
		SAY(add(set, EPOLL_CTL_MOD, a[0], EPOLLIN, 11));
		told("child", set, 0);
		/* It waits for what the parent is about to add. */
		read(a[0], &byte, 1);
		give(1);
		told("child", set, -1);
		give(1);
		close(set);
		_exit(0);
	}
	take(1);
	told("parent", set, 0);
	write(a[1], "a", 1);
	write(b[1], "b", 1);
	told("parent", set, 0);
	give(0);
	take(1);
	told("parent", set, 0);
	SAY(add(set, EPOLL_CTL_MOD, e, EPOLLIN, 3));
	SAY(add(set, EPOLL_CTL_DEL, b[0], 0, 0));
	give(0);
	take(1);
	SAY(add(set, EPOLL_CTL_DEL, a[0], 0, 0));
	told("parent", set, 0);
	fflush(stdout);
	add(set, EPOLL_CTL_ADD, e, EPOLLOUT, 33);
	take(1);
	wait(&status);
	told("parent", set, 0);
	close(set);
	close(e);
	for (int i = 0; i < 2; i++) {
		close(a[i]);
		close(b[i]);
	}
}

/* An edge and a single shot are told once, to one of both. */
static void
once(void)
{
	int set = epoll_create1(0), e = eventfd(0, 0), f = eventfd(0, EFD_NONBLOCK), status;
	uint64_t one = 1;

	add(set, EPOLL_CTL_ADD, e, EPOLLIN | EPOLLET, 1);
	add(set, EPOLL_CTL_ADD, f, EPOLLIN | EPOLLONESHOT, 2);
	if (fork() == 0) {
		take(0);
		told("child", set, 0);
		told("child", set, 0);
		give(1);
		take(0);
		told("child", set, 0);
		SAY(add(set, EPOLL_CTL_MOD, f, EPOLLIN | EPOLLONESHOT, 4));
		give(1);
		_exit(0);
	}
	write(e, &one, 8);
	write(f, &one, 8);
	give(0);
	take(1);
	told("parent", set, 0);
	write(e, &one, 8);
	write(f, &one, 8);
	told("parent", set, 0);
	give(0);
	take(1);
	told("parent", set, 0);
	told("parent", set, 0);
	wait(&status);
	close(set);
	close(e);
	close(f);
}

/* Who closes his descriptor takes nothing from the other; who closes the last one does. */
static void
closing(void)
{
	int set = epoll_create1(0), a = eventfd(1, 0), b = eventfd(1, 0), c = eventfd(1, 0), status;

	add(set, EPOLL_CTL_ADD, a, EPOLLIN, 1);
	add(set, EPOLL_CTL_ADD, b, EPOLLIN, 2);
	if (fork() == 0) {
		close(a);
		give(1);
		take(0);
		told("child", set, 0);
		SAY(add(set, EPOLL_CTL_ADD, c, EPOLLIN, 3));
		SAY(add(set, EPOLL_CTL_DEL, a, 0, 0));
		close(b);
		give(1);
		_exit(0);
	}
	take(1);
	told("parent", set, 0);
	close(a);
	told("parent", set, 0);
	give(0);
	take(1);
	wait(&status);
	told("parent", set, 0);
	close(b);
	told("parent", set, 0);
	/* The other has gone: what comes now is ours alone, and again another's. */
	a = eventfd(2, 0);
	SAY(add(set, EPOLL_CTL_ADD, a, EPOLLIN, 4));
	if (fork() == 0) {
		told("child", set, 0);
		SAY(add(set, EPOLL_CTL_MOD, a, EPOLLIN, 44));
		fflush(stdout);
		_exit(0);
	}
	wait(&status);
	told("parent", set, 0);
	close(set);
	close(a);
	close(c);
}

/* Sets in sets, and whoever polls one. */
static void
nested(void)
{
	int outer = epoll_create1(0), inner = epoll_create1(0), e = eventfd(0, 0), status;
	struct pollfd p = { .fd = outer, .events = POLLIN };
	uint64_t one = 1;

	SAY(add(outer, EPOLL_CTL_ADD, inner, EPOLLIN, 1));
	if (fork() == 0) {
		SAY(add(inner, EPOLL_CTL_ADD, outer, EPOLLIN, 1));
		SAY(add(inner, EPOLL_CTL_ADD, e, EPOLLIN, 2));
		SAY(poll(&p, 1, 0));
		give(1);
		SAY(poll(&p, 1, -1));
		told("child", outer, 0);
		told("child", inner, 0);
		fflush(stdout);
		_exit(0);
	}
	take(1);
	SAY(poll(&p, 1, 0));
	fflush(stdout);
	write(e, &one, 8);
	wait(&status);
	SAY(poll(&p, 1, 0));
	told("parent", inner, 0);
	close(inner);
	told("parent", outer, 0);
	close(outer);
	close(e);
}

/* Many, a grandchild, and a set that survives who made it. */
static void
many(void)
{
	int set = epoll_create1(0), fd[300], status, p[2];
	struct epoll_event got[400];

	for (int n = 0; n < 300; n++)
		fd[n] = eventfd(n < 250, 0);
	for (int n = 0; n < 200; n++)
		add(set, EPOLL_CTL_ADD, fd[n], EPOLLIN, (uint64_t)n);
	pipe(p);
	if (fork() == 0) {
		for (int n = 200; n < 300; n++)
			add(set, EPOLL_CTL_ADD, fd[n], EPOLLIN, (uint64_t)n);
		if (fork() == 0) {
			for (int n = 0; n < 100; n++)
				epoll_ctl(set, EPOLL_CTL_DEL, fd[n], NULL);
			SAY(epoll_wait(set, got, 400, 0));
			fflush(stdout);
			_exit(0);
		}
		wait(&status);
		_exit(0);
	}
	wait(&status);
	SAY(epoll_wait(set, got, 400, 0));
	for (int n = 0; n < 300; n++)
		close(fd[n]);
	SAY(epoll_wait(set, got, 400, 0));
	/* Room is found again: as many times as it takes. */
	for (int n = 0; n < 2000; n++) {
		int e = eventfd(1, 0);

		if (add(set, EPOLL_CTL_ADD, e, EPOLLIN, 1) || epoll_wait(set, got, 400, 0) != 1)
			printf("round %d\n", n);
		close(e);
	}
	SAY(epoll_wait(set, got, 400, 0));
	close(set);
	close(p[0]);
	close(p[1]);
}

/* One thread waits; another adds what is ready to the set, to one inside it, and changes it. */
static int waited_set;

static void *
waiter(void *arg)
{
	struct epoll_event e;
	struct pollfd p = { .fd = waited_set, .events = POLLIN };

	(void)arg;
	for (int n = 0; n < 3; n++) {
		int got = epoll_wait(waited_set, &e, 1, -1);

		printf("waiter: %d, %d\n", got, (int)e.data.u64);
		fflush(stdout);
		give(1);
		take(0);
	}
	SAY(poll(&p, 1, -1));
	return NULL;
}

static void
threads(void)
{
	int e = eventfd(1, 0), inner = epoll_create1(0), many[20];
	pthread_t t;

	waited_set = epoll_create1(0);
	add(waited_set, EPOLL_CTL_ADD, inner, EPOLLIN, 1);
	pthread_create(&t, NULL, waiter, NULL);
	usleep(5000);
	add(waited_set, EPOLL_CTL_ADD, e, EPOLLIN, 2);
	take(1);
	epoll_ctl(waited_set, EPOLL_CTL_DEL, e, NULL);
	give(0);
	usleep(5000);
	add(inner, EPOLL_CTL_ADD, e, EPOLLIN, 3);
	take(1);
	add(inner, EPOLL_CTL_MOD, e, EPOLLPRI, 3);
	for (int n = 0; n < 20; n++)
		add(waited_set, EPOLL_CTL_ADD, many[n] = eventfd(0, 0), EPOLLIN, 4);
	give(0);
	usleep(5000);
	add(waited_set, EPOLL_CTL_ADD, e, EPOLLIN, 5);
	take(1);
	add(waited_set, EPOLL_CTL_MOD, e, EPOLLPRI, 5);
	give(0);
	usleep(5000);
	add(inner, EPOLL_CTL_MOD, e, EPOLLIN, 6);
	pthread_join(t, NULL);
}

int
main(void)
{
	setvbuf(stdout, NULL, _IOFBF, 8192);
	pipe(turn[0]);
	pipe(turn[1]);
	changes();
	once();
	closing();
	nested();
	many();
	threads();
	return 0;
}
