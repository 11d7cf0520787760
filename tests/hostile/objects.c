/* SPDX-License-Identifier: ISC */
/*
 * Processes that take all the objects, sockets and letters there are, or leave them
 * where nobody can get at them.  Others find some, and all of it comes back.
 */
#define _GNU_SOURCE
#define CHECK_NAME "objects"
#include "attack.h"

/* ---- all there is ---- */

static int fill_p[2];

static void
fills(void)
{
	struct rlimit most = { 4096, 4096 };
	int p[2], made = 0;
	char byte = 1;

	setrlimit(RLIMIT_NOFILE, &most);
	while (socketpair(AF_UNIX, SOCK_STREAM, 0, p) == 0)
		made++;
	while (pipe(p) == 0)
		made++;
	while (eventfd(0, 0) >= 0)
		made++;
	while (socket(AF_UNIX, SOCK_DGRAM, 0) >= 0)
		made++;
	write(fill_p[1], &byte, 1);
	for (;;)
		pause();
}

/* Two that take all that they can, while others go on. */
static void
exhausted(void)
{
	pid_t child[2];
	char byte;

	pipe(fill_p);
	for (int n = 0; n < 2; n++) {
		child[n] = fork();
		if (child[n] == 0)
			fills();
		read(fill_p[0], &byte, 1);
	}
	others_fine();
	note[0] = note[1];
	for (int n = 0; n < 2; n++) {
		kill(child[n], SIGKILL);
		waitpid(child[n], NULL, 0);
	}
	_exit(0);
}

/* Datagrams that nobody takes, descriptors that nobody takes, drafts that are never sent. */
static void
letters(void)
{
	int p[2], sent = 0;

	for (int n = 0; n < 40; n++) {
		socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, p);
		while (send_fd(p[0], p[n % 2]) == 2)
			sent++;
		while (write(p[0], bytes, 5000) == 5000)
			sent++;
	}
	for (int n = 0; n < 50; n++)
		request(OP_LETTER_NEW, 100000, 0, 0, 0, 0);
	others_fine();
	note[0] = sent > 200 && note[1];
	_exit(0);
}

/* Sockets sent over themselves and over each other: nobody can ever take them out. */
static void
cycles(void)
{
	for (int n = 0; n < 500; n++) {
		int p[2], q[2];

		if (socketpair(AF_UNIX, SOCK_STREAM, 0, p) ||
			socketpair(AF_UNIX, SOCK_DGRAM, 0, q)) {
			nap(20);
			continue;
		}
		send_fd(p[0], p[0]);
		send_fd(p[0], p[1]);
		send_fd(p[0], q[1]);
		send_fd(q[0], p[1]);
		send_fd(q[0], q[1]);
		close(p[0]);
		close(p[1]);
		close(q[0]);
		close(q[1]);
	}
	nap(50);
	others_fine();
	note[0] = note[1];
	_exit(0);
}

/* Names of open files: as many as there can be descriptors, and gone with who said them. */
static void
says_many(void)
{
	uint64_t said = 0;

	for (uint64_t ino = 2; request(OP_HOLD, ino, 0, 0, 0, 0) == 0; ino++)
		said++;
	_exit(said == 4096 && request(OP_HOLD, 1ull << 32, 0, 0, 0, 0) < 0 &&
				request(OP_HOLD, 5, 1, 0, 0, 0) == 0 &&
				request(OP_HOLD, 5, 1, 0, 0, 0) < 0
			? 0
			: 1);
}

static void
holds(void)
{
	note[0] = 1;
	for (int n = 0; n < 6; n++)
		note[0] &= in_child(says_many) == 0;
	_exit(0);
}

static const struct attack attacks[] = {
	ATTACK(exhausted), ATTACK(letters), ATTACK(cycles), ATTACK(holds),
};

int
main(int argc, char **argv)
{
	return attack_all(argc, argv, attacks, sizeof(attacks) / sizeof(attacks[0]));
}
