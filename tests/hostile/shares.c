/* SPDX-License-Identifier: ISC */
/*
 * Open file descriptions and epoll sets that several have: whoever scribbles over
 * what is shared of them, or forges the way to where they moved, gets at nothing
 * more than that, and takes nobody down.
 */
#define _GNU_SOURCE
#define CHECK_NAME "shares"
#include "attack.h"
#include <poll.h>
#include <sys/epoll.h>

#define SLOT 120u			/* of the key ring: the library takes the lowest free */
#define PLACE (EXOS_OBJECTS + (1 << 20))

/* exos/fd/file.h's, as who wants to spoil it would know it. */
struct ofd {
	uint64_t pos;
	uint32_t flags, locked;
	uint64_t moved, id;
	uint32_t processes, spare[7];
};

static bool
is_mapped(uint64_t va)
{
	return exo_pte_at(va, 2) & EXO_PTE_PRESENT && exo_pte(va) & EXO_PTE_PRESENT;
}

/* All that lie in pages of relatives. */
static void
each_ofd(void (*what)(volatile struct ofd *o))
{
	for (uint64_t va = base + EXOS_OFDS; va < base + EXOS_OFDS + 8 * PAGE; va += PAGE)
		for (unsigned n = 0; is_mapped(va) && n < PAGE / sizeof(struct ofd); n++)
			what((volatile struct ofd *)va + n);
}

/* ---- tokens ---- */

/* Nobody finds what he was not told of. */
static void
tokens(void)
{
	struct exo_msg m = { .rsi = OP_OFD_NEW, .rdx = SLOT, .r8 = PLACE };
	long id, found;
	uint64_t token;
	int p[2];

	pipe(p);			/* there is a table for what lies beside it */
	id = ask(&m);
	token = m.r8;
	note[0] = id >= 0 && token % 4096 == (uint64_t)id;
	for (uint64_t n = 0; n < 4096; n++) {
		note[0] &= request(OP_OFD_FIND, n, SLOT + 1, PLACE + PAGE, 0, 0) == -EBADF;
		note[0] &= request(OP_OFD_FIND, any() << 12 | n, SLOT + 1, PLACE + PAGE, 0, 0) < 0;
	}
	for (unsigned bit = 0; bit < 64; bit++)
		note[0] &= request(OP_OFD_FIND, token ^ 1ull << bit, SLOT + 1, PLACE + PAGE, 0, 0) <
			0;
	note[0] &= request(OP_OFD_FIND, token, SLOT + 1, EXOS_OFDS, 0, 0) == -EINVAL;
	note[0] &= request(OP_OFD_FIND, token, SLOT + 1, PLACE + 1, 0, 0) == -EINVAL;
	note[0] &= request(OP_OFD_FIND, token, SLOT, PLACE + PAGE, 0, 0) == -EINVAL;
	note[0] &= request(OP_OFD_NEW, SLOT + 1, EXOS_OBJECTS - PAGE, 0, 0, 0) == -EINVAL;
	found = request(OP_OFD_FIND, token, SLOT + 1, PLACE + PAGE, 0, 0);
	note[0] &= found == id && is_mapped(base + PLACE) &&
		EXO_PTE_PFN(exo_pte(base + PLACE)) == EXO_PTE_PFN(exo_pte(base + PLACE + PAGE));
	/* With its last key it is gone, token and all. */
	exo_key_drop(SLOT, 2);
	request(OP_OBJECT_FREE, (uint64_t)id, 0, 0, 0, 0);
	note[0] &= request(OP_OFD_FIND, token, SLOT + 1, PLACE + PAGE, 0, 0) == -EBADF;
	_exit(0);
}

/* Descriptions that are not the sender's do not go with his letter. */
static void
not_his(void)
{
	int pair[2];
	long id;

	pipe(pair);
	id = request(OP_OFD_NEW, SLOT, PLACE, 0, 0, 0);
	note[0] = id >= 0;
	for (uint32_t n = 0; n < 200; n++) {
		struct passed p = { .kind = 10, .object = PASSED_NOTHING, .ofd = n };

		if (n == (uint32_t)id)
			continue;
		request(OP_LETTER_NEW, 0, 0, 0, 0, 0);
		memcpy((void *)comm(), &p, sizeof(p));
		note[0] &= request(OP_LETTER_RIGHT, 0, 0, SLOT, 0, 0) < 0;
		p.ofd = PASSED_NOTHING;
		p.owner = n + 1;
		request(OP_LETTER_NEW, 0, 0, 0, 0, 0);
		memcpy((void *)comm(), &p, sizeof(p));
		note[0] &= request(OP_LETTER_RIGHT, 0, 0, (uint64_t)SLOT << 32, 0, 0) < 0;
	}
	_exit(0);
}

/* ---- the way to where it moved ---- */

static void
mislead(volatile struct ofd *o)
{
	o->moved = any();
	o->pos = any();
	o->processes = (uint32_t)any();
}

static void
restore(volatile struct ofd *o)
{
	o->moved = 0;
	o->flags = 0;
}

/* A relative forges it over and over: his parent's files are what they were, but for the offset. */
static void
forged(void)
{
	int fd = open("forged", O_RDWR | O_CREAT | O_TRUNC, 0600), p[2];
	char text[8];
	pid_t child;

	write(fd, "contents", 8);
	pipe(p);
	child = fork();
	if (child == 0)
		for (;;)
			each_ofd(mislead);
	note[0] = 1;
	for (unsigned n = 0; n < 300; n++) {
		note[0] &= pread(fd, text, 8, 0) == 8 && memcmp(text, "contents", 8) == 0;
		note[0] &= fcntl(fd, F_GETFL) >= 0 && fcntl(p[0], F_GETFD) == 0;
		lseek(fd, 0, SEEK_CUR);
		if (n % 30 == 0) {
			close(dup(p[1]));
			nap(1);
		}
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	each_ofd(restore);
	note[0] &= write(p[1], "x", 1) == 1 && read(p[0], text, 8) == 1;
	others_fine();
	note[0] &= note[1];
	_exit(0);
}

/* Two pass the same at once: it moves to one place. */
static void
race(void)
{
	note[0] = 1;
	for (unsigned round = 0; round < 40; round++) {
		int fd = open("race", O_RDWR | O_CREAT, 0600), s[2], got[2];
		pid_t child;

		socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
		child = fork();
		for (uint64_t until = exo_now_ns() + any() % 4000000; exo_now_ns() < until;)
			;
		note[0] &= send_fd(s[0], fd) == 2;
		if (child == 0)
			_exit(lseek(fd, 1, SEEK_CUR) < 0);
		waitpid(child, NULL, 0);
		for (unsigned n = 0; n < 2; n++)
			got[n] = receive_fd(s[1]);
		lseek(got[0], 10 + round, SEEK_SET);
		note[0] &= lseek(got[1], 0, SEEK_CUR) == 10 + round &&
			lseek(fd, 0, SEEK_CUR) == 10 + round;
		close(got[0]);
		close(got[1]);
		close(fd);
		close(s[0]);
		close(s[1]);
	}
	_exit(0);
}

/* One dies with letters on their way; what he moved is his relatives' still. */
static void
dies_moving(void)
{
	int fd = open("dies", O_RDWR | O_CREAT, 0600), s[2], got;
	pid_t child;

	note[0] = 1;
	socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
	for (unsigned n = 0; n < 20; n++) {
		child = fork();
		if (child == 0)
			for (unsigned i = 0; i < 100; i++) {
				send_fd(s[0], fd);
				close(receive_fd(s[1]));
			}
		nap(1 + n % 3);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		while ((got = receive_fd(s[1])) >= 0)
			close(got);
		note[0] &= lseek(fd, 5 + n, SEEK_SET) == 5 + n && lseek(fd, 0, SEEK_CUR) == 5 + n;
	}
	_exit(0);
}

/* ---- sets ---- */

static uint64_t set_id;

static void
last_id(volatile struct ofd *o)
{
	if (o->id)
		set_id = o->id;
}

/* Sets in themselves, files that are none, data of anybody: over all that there is of objects. */
static void
scribble(void)
{
	for (;;)
		for (uint64_t va = base + EXOS_OBJECTS; va < base + EXOS_OBJECTS + 64 * PAGE;
			va += PAGE)
			for (unsigned n = 0; is_mapped(va) && n < 512; n++)
				((volatile uint64_t *)va)[n] = n % 3 ? any() : set_id;
}

static void
wild_sets(void)
{
	int set = epoll_create1(0), inner = epoll_create1(0), e = eventfd(1, EFD_NONBLOCK);
	struct epoll_event event = { .events = EPOLLIN }, got[8];
	struct pollfd p = { .fd = inner, .events = POLLIN };
	pid_t child;

	epoll_ctl(inner, EPOLL_CTL_ADD, e, &event);
	epoll_ctl(set, EPOLL_CTL_ADD, inner, &event);
	child = fork();
	if (child == 0) {
		each_ofd(last_id);
		scribble();
	}
	for (unsigned n = 0; n < 300; n++) {
		epoll_wait(set, got, 8, 0);
		epoll_wait(inner, got, 8, 0);
		poll(&p, 1, 0);
		event.events = EPOLLIN | (n % 2 ? EPOLLET : EPOLLONESHOT);
		epoll_ctl(inner, EPOLL_CTL_MOD, e, &event);
		epoll_ctl(inner, EPOLL_CTL_DEL, e, NULL);
		epoll_ctl(inner, EPOLL_CTL_ADD, e, &event);
		if (n % 50 == 0) {
			close(dup(set));
			nap(1);
		}
		if (n % 100 == 99 && fork() == 0)
			_exit(0);
	}
	kill(child, SIGKILL);
	while (wait(NULL) > 0)
		;
	close(set);
	close(inner);
	others_fine();
	note[0] = note[1];
	_exit(0);
}

/* All entries of all sets are one and the same set: who looks is through with it soon. */
static void
set_in_itself(void)
{
	int set = epoll_create1(0), e = eventfd(0, EFD_NONBLOCK);
	struct epoll_event event = { .events = EPOLLIN }, got[8];
	struct pollfd p = { .fd = set, .events = POLLIN };
	pid_t child;

	epoll_ctl(set, EPOLL_CTL_ADD, e, &event);
	each_ofd(
		last_id); /* fork gives ids to nothing new: those of set and eventfd are next to each other */
	child = fork();
	if (child == 0) {
		for (uint64_t va = base + EXOS_OBJECTS; va < base + EXOS_OBJECTS + 64 * PAGE;
			va += PAGE)
			for (unsigned n = 0; is_mapped(va) && n < 512; n++)
				((volatile uint64_t *)va)[n] = set_id - 1;
		_exit(0);
	}
	waitpid(child, NULL, 0);
	alarm(60);
	for (unsigned n = 0; n < 3; n++) {
		int more = epoll_create1(0);

		poll(&p, 1, 0);
		epoll_wait(set, got, 8, 0);
		epoll_ctl(more, EPOLL_CTL_ADD, set, &event);
		epoll_wait(more, got, 8, 0);
		epoll_ctl(set, EPOLL_CTL_ADD, more, &event);
	}
	note[0] = 1;
	_exit(0);
}

/* What was added after the fork, of what he does not have, he cannot change. */
static void
not_common(void)
{
	int set = epoll_create1(0), e = eventfd(1, EFD_NONBLOCK), own, back[2];
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = 1 }, got[8];
	pid_t child;
	char byte;

	pipe(back);
	epoll_ctl(set, EPOLL_CTL_ADD, e, &event);
	child = fork();
	if (child == 0) {
		nap(2);
		for (uint64_t va = base + EXOS_OBJECTS; va < base + EXOS_OBJECTS + 64 * PAGE;
			va += PAGE)
			for (unsigned n = 8; is_mapped(va) && n < 512; n++)
				if (((volatile uint64_t *)va)[n] == 77)
					((volatile uint64_t *)va)[n] = 66;
		write(back[1], "d", 1);
		for (;;)
			pause();
	}
	own = eventfd(1, EFD_NONBLOCK);
	event.data.u64 = 77;
	epoll_ctl(set, EPOLL_CTL_ADD, own, &event);
	epoll_ctl(set, EPOLL_CTL_DEL, e, NULL);
	read(back[0], &byte, 1);
	note[0] = epoll_wait(set, got, 8, 0) == 1 && got[0].data.u64 == 77;
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	_exit(0);
}

static const struct attack attacks[] = {
	ATTACK(tokens),
	ATTACK(not_his),
	ATTACK(forged),
	ATTACK(race),
	ATTACK(dies_moving),
	ATTACK(wild_sets),
	ATTACK(set_in_itself),
	ATTACK(not_common),
};

int
main(int argc, char **argv)
{
	return attack_all(argc, argv, attacks, sizeof(attacks) / sizeof(attacks[0]));
}
