/* SPDX-License-Identifier: ISC */
/*
 * Processes that ask for objects, sockets and letters of others, scribble over what
 * they share, and die in the middle.  Others go on.
 */
#define _GNU_SOURCE
#define CHECK_NAME "sockets"
#include "attack.h"
#include <sys/ioctl.h>
#include <sys/time.h>
#include <sys/timerfd.h>

/* ---- what is others' ---- */

/* Of objects that we have no key of nothing is told and nothing taken. */
static void
not_ours(void)
{
	note[0] = 1;
	for (uint64_t id = 0; id < 64; id++) {
		struct passed p = { .kind = 5, .object = (uint32_t)id,
			.ofd = PASSED_NOTHING, .sides = EXO_R | EXO_W };

		for (uint64_t slot = 0; slot < 16; slot++) {
			note[0] &= request(OP_SOCK_INFO, id, slot, 0, 0, 0) < 0;
			note[0] &= request(OP_SOCK_ACCEPT, id, slot, EMPTY_SLOT,
					   EXOS_OBJECTS + (1 << 20), 0) < 0;
			note[0] &= request(OP_LETTER_TAKE, id, slot, 0, 0, 0) < 0;
			note[0] &= request(OP_SOCK_SHUT, id, slot, 2, 0, 0) < 0;
			note[0] &= request(OP_SOCK_JOIN, id, slot, EMPTY_SLOT,
					   EXOS_OBJECTS + (1 << 20), 0) < 0;
			request(OP_LETTER_NEW, 0, 0, 0, 0, 0);
			memcpy((void *)comm(), &p, sizeof(p));
			note[0] &= request(OP_LETTER_RIGHT, slot, slot, 0, 0, 0) < 0;
		}
	}
	_exit(0);
}

/* A file that may not be read is not read by way of a letter. */
static void
files_of_others(void)
{
	struct passed p = { .kind = 1,
		.object = PASSED_NOTHING,
		.ofd = PASSED_NOTHING,
		.sides = EXO_R };
	struct stat st;
	int fd = open("secret", O_RDWR | O_CREAT, 0600);

	fstat(fd, &st);
	close(fd);
	p.ino = (uint32_t)st.st_ino;
	note[0] = setgid(1000) == 0 && setuid(1000) == 0;
	note[0] &= request(OP_LETTER_NEW, 0, 0, 0, 0, 0) == 0;
	memcpy((void *)comm(), &p, sizeof(p));
	note[0] &= request(OP_LETTER_RIGHT, 0, 0, 0, 0, 0) < 0;
	for (uint32_t line = 1; line < 20; line++) {
		p = (struct passed){ .kind = 4,
			.object = PASSED_NOTHING, .ofd = PASSED_NOTHING,
			.sides = EXO_W,
			.line = line };
		memcpy((void *)comm(), &p, sizeof(p));
		note[0] &= request(OP_LETTER_RIGHT, 3, 0, 0, 0, 0) < 0;
	}
	_exit(0);
}

/* Whose name says 0600 is connected to by its owner. */
static void
names_of_others(void)
{
	struct sockaddr_un a = named("private");
	int s = socket(AF_UNIX, SOCK_STREAM, 0), c;
	struct stat st;

	unlink("private");
	bind(s, (struct sockaddr *)&a, sizeof(a));
	listen(s, 5);
	chmod("private", 0600);
	stat("private", &st);
	note[0] = setgid(1000) == 0 && setuid(1000) == 0;
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	note[0] &= connect(c, (struct sockaddr *)&a, sizeof(a)) < 0 && errno == EACCES;
	note[0] &= request(OP_SOCK_CONNECT, WHERE_INODE | SOCK_TYPE_STREAM << 8, st.st_ino,
			   EMPTY_SLOT, EXOS_OBJECTS + (1 << 20), ~0ull) == -EACCES;
	_exit(0);
}

/* ---- descriptors that are not what they are said to be ---- */

#define OWN_SLOT 120u			/* of the key ring: the library takes the lowest free */
#define OFD_SLOT 121u

/* Straight from the server, to the one who has that name. */
static void
send_raw(const struct passed *what, uint64_t slot)
{
	struct sock_name name = { .bytes = 7, .path = "\0victim" };
	long id = request(OP_SOCK_NEW, SOCK_TYPE_DGRAM, OWN_SLOT, 0, 0, 0);
	struct passed p = *what;

	p.ofd = (uint32_t)request(OP_OFD_NEW, OFD_SLOT, EXOS_OBJECTS + (1 << 20), 0, 0, 0);
	request(OP_LETTER_NEW, 0, 0, 0, 0, 0);
	memcpy((void *)comm(), &p, sizeof(p));
	note[3] = request(OP_LETTER_RIGHT, slot, 0, OFD_SLOT, 0, 0) == 0;
	memcpy((void *)(comm() + COMM_NAME), &name, sizeof(name));
	if (note[3])
		request(OP_LETTER_SEND, (uint64_t)id, OWN_SLOT, WHERE_ABSTRACT, 0, 0);
	exo_key_drop(OWN_SLOT, 1);
	exo_key_drop(OFD_SLOT, 1);
}

/* Somebody who is nobody sends it; what we have then, by whatever we may ourselves. */
static int
sent(const struct passed *what, bool master)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "\0victim" };
	int s = socket(AF_UNIX, SOCK_DGRAM, 0), fd;
	pid_t pid;

	bind(s, (struct sockaddr *)&a, offsetof(struct sockaddr_un, sun_path) + 7);
	pid = fork();
	if (pid == 0) {
		struct passed mine = *what;
		int m = master ? open("/dev/ptmx", O_RDWR | O_NOCTTY) : -1;
		unsigned number = 0;
		int table[2];

		pipe(table);		/* a table for what is mapped beside it */
		if (setgid(1000) || setuid(1000))
			_exit(1);
		ioctl(m, TIOCGPTN, &number);
		mine.line = master ? number + 2 : 0;
		for (uint64_t slot = 0; slot < (master ? 100 : 1); slot++) {
			send_raw(&mine, slot);
			if (note[3])
				break;
		}
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	alarm(5);
	fd = receive_fd(s);
	alarm(0);
	close(s);
	return fd;
}

static struct passed
said_to_be(uint32_t kind, const char *path)
{
	struct passed p = { .kind = kind, .object = PASSED_NOTHING, .ofd = PASSED_NOTHING };
	struct stat st;

	note[0] &= stat(path, &st) == 0;
	p.ino = (uint32_t)st.st_ino;
	return p;
}

static bool
reads(int fd)
{
	char byte;

	return fd >= 0 && read(fd, &byte, 1) > 0;
}

/* By our rights he gets nothing opened, waited for, or changed. */
static void
lies(void)
{
	struct passed p;
	struct stat st;
	int fd;

	note[0] = 1;
	fd = open("secret", O_RDWR | O_CREAT | O_TRUNC, 0600);
	write(fd, "secret", 6);
	mkfifo("fifo", 0666);
	for (uint32_t access = O_RDONLY; access <= O_RDWR; access++) {
		p = said_to_be(1, "secret");
		p.access = access;
		note[0] &= sent(&p, false) < 0;
	}
	p = said_to_be(1, "fifo");
	note[0] &= sent(&p, false) < 0;
	for (uint32_t kind = 1; kind < 14; kind += kind == 7 ? 3 : 1) {	/* inodes, and objects */
		p = said_to_be(kind, "/proc/self/environ");
		note[0] &= !reads(sent(&p, false));
		p = said_to_be(kind, "/dev/tty");
		note[0] &= sent(&p, false) < 0;
	}
	p = said_to_be(4, "secret");
	p.sides = EXO_R | EXO_P;
	fd = sent(&p, true);
	note[0] &= note[3] && (fd < 0 || (fstat(fd, &st) == 0 && st.st_ino != p.ino));
	p = said_to_be(4, "/dev/ptmx");
	p.sides = EXO_R | EXO_P;
	note[0] &= sent(&p, true) >= 0 && note[3];	/* what is true is believed */
	unlink("secret");
	unlink("fifo");
	_exit(0);
}

/* ---- requests with anything in them ---- */

static void
requests(void)
{
	int p[2], q[2];

	socketpair(AF_UNIX, SOCK_STREAM, 0, p);
	socketpair(AF_UNIX, SOCK_DGRAM, 0, q);
	for (int n = 0; n < 20000; n++) {
		uint64_t op = OP_SOCK_NEW + any() % (OP_LETTER_END - OP_SOCK_NEW + 2);

		for (int i = 0; i < 8; i++)
			((volatile uint64_t *)comm())[any() % 512] = any();
		request(op, any(), any() % 3 ? 16 + any() % 8 : any(), any(), any(), any());
	}
	note[0] = 1;
	_exit(0);
}

/* ---- scribbling over what is shared ---- */

static void
scribble(void)
{
	for (int n = 0; n < 100000; n++) {
		uint64_t va = base + EXOS_OBJECTS + any() % 200 * PAGE;

		if (exo_pte_at(va, 2) & EXO_PTE_PRESENT && exo_pte(va) & EXO_PTE_PRESENT)
			*(volatile uint64_t *)(va + any() % 512 * 8 % (n % 2 ? 256 : PAGE)) = any();
	}
}

/* The other end of all that it has is wild; it must not hang, either: nothing here waits. */
static void
wild_peer(void)
{
	struct timespec quick = { 0, 0 };
	int s[2], q[2], p[2], e = eventfd(0, EFD_NONBLOCK);
	pid_t child;

	socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s);
	socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, q);
	pipe2(p, O_NONBLOCK);
	signal(SIGPIPE, SIG_IGN);
	for (int round = 0; round < 10; round++) {
		child = fork();
		if (child == 0) {
			state += (uint64_t)round * 7919;
			scribble();
			_exit(0);
		}
		for (int n = 0; n < 200; n++) {
			uint64_t value = 1;

			/* A lock of somebody alive who never lets go would be waited for: so only this for writes. */
			alarm(30);
			write(s[0], bytes, any() % 3000);
			write(q[0], bytes, any() % 3000);
			write(p[1], bytes, any() % 3000);
			write(e, &value, 8);
			read(s[1], bytes, any() % 3000);
			read(q[1], bytes, any() % 3000);
			read(p[0], bytes, any() % 3000);
			read(e, &value, 8);
			nanosleep(&quick, NULL);
		}
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	note[0] = 1;
	_exit(0);
}

/* Into every word that may be a lock its own name goes, and it lives. */
static void
sits_on_locks(void)
{
	for (uint64_t va = base + EXOS_OBJECTS; va < base + EXOS_OBJECTS + 400 * PAGE; va += PAGE) {
		if (!(exo_pte_at(va, 2) & EXO_PTE_PRESENT && exo_pte(va) & EXO_PTE_PRESENT))
			continue;
		for (unsigned n = 1; n < 32; n++)
			if (((volatile uint64_t *)va)[n] == 0)
				((volatile uint64_t *)va)[n] = exo_self();
	}
	note[1] = 1;
	for (;;)
		nap(100);
}

static void
rung(int sig)
{
	note[2] += (uint64_t)sig != 0;
}

/* Ends by a signal, or at once where nothing is waited for. */
static bool
ends_soon(int fd, bool writes)
{
	uint64_t begin = exo_now_ns();

	if (writes)
		write(fd, bytes, 100);
	else
		read(fd, bytes, 100);
	return exo_now_ns() - begin < 30000000000ull;
}

static void
sat_on(void)
{
	const struct itimerval every = { { 0, 300000 }, { 0, 300000 } };
	struct sigaction act = { .sa_handler = rung };
	int fd[6], e = timerfd_create(CLOCK_MONOTONIC, 0);
	pid_t pid;

	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGALRM, &act, NULL);
	socketpair(AF_UNIX, SOCK_STREAM, 0, fd);
	socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd + 2);
	pipe(fd + 4);
	note[1] = note[2] = 0;
	pid = fork();
	if (pid == 0)
		sits_on_locks();
	while (!note[1])
		nap(5);
	note[0] = 1;
	setitimer(ITIMER_REAL, &every, NULL);
	for (int round = 0; round < 2; round++) {
		for (int n = 0; n < 4; n++)
			note[0] &= ends_soon(fd[n], false) && ends_soon(fd[n], true);
		note[0] &= ends_soon(fd[4], false) && ends_soon(fd[5], true) && ends_soon(e, false);
		note[0] &= round || note[2];
		setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
		for (int n = 0; n < 6; n++)
			fcntl(fd[n], F_SETFL, O_NONBLOCK);
		fcntl(e, F_SETFL, O_NONBLOCK);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	_exit(0);
}

/* ---- dying in the middle ---- */

static void
passes(int s)
{
	for (;;) {
		int p[2];

		if (pipe(p) == 0) {
			send_fd(s, p[any() % 2]);
			close(p[0]);
			close(p[1]);
		}
		for (int fd; (fd = receive_fd(s)) >= 0;)
			close(fd);
	}
}

static void
storm(void)
{
	for (int round = 0; round < 12; round++) {
		pid_t pid[8];
		int p[2];

		for (int n = 0; n < 8; n++) {
			if (n % 2 == 0)
				socketpair(AF_UNIX, n % 4 ? SOCK_DGRAM : SOCK_STREAM, 0, p);
			pid[n] = fork();
			if (pid[n] == 0) {
				state += (uint64_t)(round * 8 + n);
				passes(p[n % 2]);
			}
			if (n % 2) {
				close(p[0]);
				close(p[1]);
			}
		}
		nap(5 + round % 5 * 4);
		for (int n = 0; n < 8; n++) {
			if (!CHECK(pid[n] > 0))
				_exit(1);
			kill(pid[n], SIGKILL);
			waitpid(pid[n], NULL, 0);
		}
	}
	note[0] = 1;
	_exit(0);
}

static const struct attack attacks[] = {
	ATTACK(not_ours),
	ATTACK(files_of_others),
	ATTACK(names_of_others),
	ATTACK(lies),
	ATTACK(requests),
	ATTACK(wild_peer),
	ATTACK(sat_on),
	ATTACK(storm),
};

int
main(int argc, char **argv)
{
	return attack_all(argc, argv, attacks, sizeof(attacks) / sizeof(attacks[0]));
}
