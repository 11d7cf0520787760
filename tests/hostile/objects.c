/* SPDX-License-Identifier: ISC */
/*
 * Processes that take all the objects, sockets and letters there are, or leave them
 * where nobody can get at them.  Others find some, and all of it comes back.
 */
#define _GNU_SOURCE
#define CHECK_NAME "objects"
#include "attack.h"
#include <poll.h>
#include <sys/inotify.h>

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

/* A socket that keeps a connection for others who have it, sent over that connection: nobody is left. */
static void
kept_for_nobody(void)
{
	struct sockaddr_un a = named("kept");
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), p[2];

	unlink("kept");
	bind(listener, (struct sockaddr *)&a, sizeof(a));
	listen(listener, 100);
	socketpair(AF_UNIX, SOCK_STREAM, 0, p);
	note[0] = 1;
	for (int n = 0; n < 150; n++) {
		int s = socket(AF_UNIX, SOCK_STREAM, 0), same = -1, other = -1;

		note[0] &= send_fd(p[0], s) == 2 && (same = receive_fd(p[1])) >= 0;
		note[0] &= connect(s, (struct sockaddr *)&a, sizeof(a)) == 0;
		note[0] &= (other = accept(listener, NULL, NULL)) >= 0;
		/* What it still is for others. */
		note[0] &= send_fd(other, same) == 2;
		if (n % 3 == 0)
			send_fd(s, other);
		close(same);
		close(s);
		close(other);
	}
	nap(50);
	others_fine();
	note[0] &= note[1];
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

/* ---- as one user ---- */

static unsigned
eventfds(void)
{
	unsigned made = 0;

	while (eventfd(0, 0) >= 0)
		made++;
	return made;
}

static unsigned
endpoints(void)
{
	unsigned made = 0;
	int p[2];

	while (socketpair(AF_UNIX, SOCK_DGRAM, 0, p) == 0)
		made += 2;
	return made;
}

static unsigned
held(void)
{
	unsigned said = 0;

	for (uint64_t ino = 2; request(OP_HOLD, ino, 0, 0, 0, 0) == 0; ino++)
		said++;
	return said;
}

/* Processes of one user take all that they get and keep it: how much was that? */
static uint64_t
taken_by(uid_t uid, unsigned (*take)(void), pid_t pid[5])
{
	struct rlimit most = { 4096, 4096 };

	note[2] = 0;
	for (unsigned n = 0; n < 5; n++) {
		note[3] = 0;
		pid[n] = fork();
		if (pid[n] == 0) {
			setrlimit(RLIMIT_NOFILE, &most);
			if (setgid(uid) || setuid(uid))
				_exit(1);
			note[2] += take();
			note[3] = 1;
			for (;;)
				pause();
		}
		while (!note[3])
			nap(5);
	}
	return note[2];
}

static bool
leaves_some(unsigned (*take)(void), unsigned least)
{
	pid_t pid[5], more[5], other;
	int status = -1;
	uint64_t taken = taken_by(1000, take, pid), others;

	/* Whose number is like his in the last bits is not him; and both together leave root some. */
	others = taken_by(1064, take, more);
	other = fork();
	if (other == 0)
		_exit(take() >= 100 ? 0 : 1);
	waitpid(other, &status, 0);
	for (unsigned n = 0; n < 5; n++) {
		kill(pid[n], SIGKILL);
		kill(more[n], SIGKILL);
		waitpid(pid[n], NULL, 0);
		waitpid(more[n], NULL, 0);
	}
	if (taken < least || others < 100 || status)
		printf("%lu and %lu taken, status %x\n", taken, others, (unsigned)status);
	return taken >= least && others >= 100 && status == 0;
}

static void
one_user(void)
{
	note[0] = leaves_some(eventfds, 3000);
	nap(200);
	note[0] &= leaves_some(endpoints, 700);
	nap(200);
	note[0] &= leaves_some(held, 12000);
	_exit(0);
}

/* ---- what the dead had made ---- */

/* Sockets that somebody else keeps count for who made them, not for who has his place in the table. */
static void
place_again(void)
{
	const volatile struct sh_proc *rows =
		(const volatile struct sh_proc *)((uint64_t)shared + shared->procs_off);
	unsigned row = 0;
	pid_t pid;

	note[2] = 0;
	pid = fork();
	if (pid == 0) {
		pid_t keeper;

		endpoints();
		keeper = fork();
		if (keeper == 0)
			for (;;)
				pause();
		note[2] = (uint64_t)keeper;
		_exit(0);
	}
	while (rows[row].pid != (uint32_t)pid)
		row++;
	waitpid(pid, NULL, 0);
	for (int try = 0; try < 50; try++) {
		pid = fork();
		if (pid == 0)
			_exit(rows[row].pid == (uint32_t)getpid() ? endpoints() > 200 : 2);
		waitpid(pid, &fill_p[0], 0);
		if (WEXITSTATUS(fill_p[0]) != 2)
			break;
		nap(5);
	}
	note[0] = WEXITSTATUS(fill_p[0]) == 1;
	kill((pid_t)note[2], SIGKILL);
	_exit(0);
}

/* Whoever else watches what the dead watched goes on being told. */
static void
watched_still(void)
{
	struct pollfd p = { .events = POLLIN };
	char name[32];
	int fd[3];

	for (unsigned n = 0; n < 3; n++)
		fd[n] = inotify_init();
	for (unsigned n = 0; n < 300; n++) {
		snprintf(name, sizeof(name), "watched%u", n);
		close(open(name, O_WRONLY | O_CREAT, 0600));
		for (unsigned i = 0; i < 3; i++)
			inotify_add_watch(fd[i], name, n % 3 == i ? IN_OPEN : IN_MODIFY);
	}
	close(fd[1]);
	nap(20);
	note[0] = 1;
	for (unsigned n = 0; n < 300; n++) {
		int file;

		snprintf(name, sizeof(name), "watched%u", n);
		p.fd = fd[n % 3 == 0 ? 2 : 0];
		while (poll(&p, 1, 0) == 1)
			read(p.fd, bytes, 4096);
		file = open(name, O_WRONLY);
		note[0] &= write(file, "x", 1) == 1 && poll(&p, 1, 0) == 1;
		close(file);
		unlink(name);
	}
	_exit(0);
}

static const struct attack attacks[] = {
	ATTACK(exhausted),
	ATTACK(letters),
	ATTACK(cycles),
	ATTACK(kept_for_nobody),
	ATTACK(holds),
	ATTACK(one_user),
	ATTACK(place_again),
	ATTACK(watched_still),
};

int
main(int argc, char **argv)
{
	return attack_all(argc, argv, attacks, sizeof(attacks) / sizeof(attacks[0]));
}
