/* SPDX-License-Identifier: ISC */
/*
 * Processes that reach for terminals that are not theirs: read what others
 * type, set, hang up or fill them, take all there are, or end with both sides
 * in hand.  What counts is that whose terminal it is notices nothing.
 */
#define _GNU_SOURCE
#define CHECK_NAME "ttys"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include "ask.h"

#define SLOTS 256u
#define FREE_SLOT 120u			/* of the key ring: the library takes the lowest free */
#define STRANGER 1234

static int master, slave;
static char name[32];

static const volatile struct sh_tty *
row(uint32_t line)
{
	return (const volatile struct sh_tty *)((uint64_t)shared + shared->ttys_off) + line;
}

static unsigned
in_use(void)
{
	unsigned count = 0;

	for (uint32_t line = 1; line < SH_TTYS; line++)
		count += row(line)->used;
	return count;
}

static uint32_t
line_of(int fd)
{
	unsigned number = 0;

	ioctl(fd, TIOCGPTN, &number);
	return number + 1;
}

static void
pty(void)
{
	master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
	unlockpt(master);
	snprintf(name, sizeof(name), "/dev/pts/%u", line_of(master) - 1);
	slave = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK);
	CHECK(master >= 0 && slave >= 0);
}

/* Ours works as ever, with nothing in it but what is written now. */
static void
check_alive(void)
{
	char text[32] = "";
	struct termios t;

	CHECK(tcgetattr(slave, &t) == 0 && (t.c_lflag & (ICANON | ECHO)) == (ICANON | ECHO));
	CHECK(write(master, "typed\n", 6) == 6 && read(slave, text, sizeof(text)) == 6);
	CHECK(memcmp(text, "typed\n", 6) == 0);
	CHECK(read(master, text, sizeof(text)) == 7 && memcmp(text, "typed\r\n", 7) == 0);
	CHECK(write(slave, "out", 3) == 3 && read(master, text, sizeof(text)) == 3);
}

static void
stranger(void)
{
	if (setgid(STRANGER) || setuid(STRANGER))
		_exit(1);
}

/* ---- without a key ---- */

/* Every operation, with whatever keys there are: all are refused before anything happens. */
static unsigned
let_in(uint32_t line)
{
	static const uint32_t ops[] = { OP_TTY_READ, OP_TTY_WRITE, OP_TTY_SET, OP_TTY_PGRP,
		OP_TTY_CTTY, OP_PTY_READ, OP_PTY_WRITE };
	unsigned in = 0;

	for (uint32_t slot = 0; slot < SLOTS; slot++)
		for (unsigned n = 0; n < sizeof(ops) / sizeof(ops[0]); n++)
			in += request(ops[n], line, slot, ops[n] == OP_TTY_SET ? TTY_SET_SIZE : 1,
				      1, 1) != -EBADF;
	for (uint32_t slot = 0; slot < SLOTS; slot++)
		in += request(OP_TTY_OPEN, 0, TTY_OPEN_READ | TTY_OPEN_PEER, FREE_SLOT, line,
			      slot) >= 0;
	return in;
}

static void
without_key(void)
{
	uint32_t line = line_of(master);

	for (int fd = 0; fd < 64; fd++)
		if (fd != 1 && fd != 2)
			close(fd);
	note[0] = let_in(line);
	close(1);
	close(2);
	note[1] = let_in(0);
	/* Numbers that are none. */
	for (uint64_t none = SH_TTYS; none; none <<= 1)
		note[1] += request(OP_TTY_READ, none, 0, 1, 0, 0) != -EBADF;
	stranger();
	note[2] = open(name, O_RDWR) < 0 && open(name, O_RDONLY) < 0;
	note[3] = request(OP_TTY_OPEN, 0, TTY_OPEN_READ | TTY_OPEN_OWN, FREE_SLOT, 0, 0) < 0;
	_exit(0);
}

/* A user's key is not the master's; who may only write does not read. */
static void
lesser_key(void)
{
	uint32_t line = line_of(master);
	int wronly;

	close(master);
	close(slave);
	wronly = open(name, O_WRONLY | O_NOCTTY);
	note[0] = 0;
	for (uint32_t slot = 0; slot < SLOTS; slot++) {
		note[0] += request(OP_PTY_READ, line, slot, 100, 0, 0) != -EBADF;
		note[0] += request(OP_PTY_WRITE, line, slot, 100, 0, 0) != -EBADF;
		note[0] += request(OP_TTY_READ, line, slot, 100, 0, 0) != -EBADF;
		note[0] += request(OP_TTY_SET, line, slot, TTY_SET_LOCK, 1, 0) == 0;
		note[0] += request(OP_TTY_SET, line, slot, TTY_SET_SIGNAL, SIGINT, 0) == 0;
	}
	note[1] = wronly >= 0;
	_exit(0);
}

/* ---- sessions of others ---- */

static void
meddles(void)
{
	pid_t parent = getppid();

	setsid();
	note[0] = tcsetpgrp(slave, getpid()) < 0 && errno == ENOTTY;
	note[0] &= ioctl(slave, TIOCNOTTY) < 0;
	note[0] &= tcsetpgrp(slave, getpgid(parent)) < 0;
	note[0] &= ioctl(slave, TIOCSTI, "x") == 0;	/* user 0 may */
	tcflush(slave, TCIFLUSH);
	stranger();
	note[0] &= ioctl(slave, TIOCSTI, "x") < 0;
	note[0] &= ioctl(slave, TIOCSCTTY, 1) < 0;
	_exit(0);
}

/* With a session on it that nobody else may take over. */
static void
owner(void)
{
	setsid();
	if (ioctl(slave, TIOCSCTTY, 0) || in_child(meddles))
		_exit(1);
	note[1] = note[0] && tcgetpgrp(slave) == getpid();
	_exit(0);
}

/* ---- numbers that are used again ---- */

/* Takes what has hung up for its session's and lets go of it; later, whose is it? */
static void
keeps_the_number(void)
{
	uint32_t line;

	stranger();
	setsid();
	pty();
	line = line_of(master);
	close(master);
	PATIENTLY (!row(line)->hung)
		nap(5);
	note[1] = line;
	note[2] = 0;
	for (uint32_t slot = 0; slot < SLOTS; slot++)
		note[2] += request(OP_TTY_CTTY, line, slot, TTY_CTTY_TAKE, 0, 0) == 0;
	close(slave);
	note[0] = 1;
	while (note[0] == 1)
		nap(5);
	note[3] = request(OP_TTY_OPEN, 0, TTY_OPEN_READ | TTY_OPEN_OWN | TTY_OPEN_NOCTTY,
				FREE_SLOT, 0, 0) >= 0;
	note[0] = 3;
	_exit(0);
}

static void
number_again(void)
{
	const int old_master = master, old_slave = slave;
	pid_t pid;

	memset((void *)note, 0, 4 * sizeof(*note));
	pid = fork();
	if (pid == 0)
		keeps_the_number();
	PATIENTLY ((!note[0] || row((uint32_t)note[1])->used))
		nap(5);
	pty();
	CHECK(line_of(master) == note[1]);
	note[0] = 2;
	waitpid(pid, NULL, 0);
	CHECK(note[0] == 3 && note[2] == 0);
	CHECK(note[3] == 0);
	close(slave);
	close(master);
	master = old_master;
	slave = old_slave;
	PATIENTLY (in_use() > 1)
		nap(5);
}

/* ---- all there are ---- */

static void
takes_all(void)
{
	stranger();
	note[0] = 0;
	while (posix_openpt(O_RDWR | O_NOCTTY) >= 0)
		note[0]++;
	note[1] = errno == ENOSPC;
	for (;;)
		pause();
}

static void
all(void)
{
	unsigned before = in_use();
	int mine;
	pid_t pid = fork();

	if (pid == 0)
		takes_all();
	PATIENTLY (!note[1])
		nap(5);
	CHECK(note[0] > 40 && note[0] < SH_TTYS - 4);
	mine = posix_openpt(O_RDWR | O_NOCTTY);
	CHECK(mine >= 0);
	close(mine);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	PATIENTLY (in_use() > before)
		nap(5);
	CHECK(in_use() == before);
}

/* ---- the end of who has it ---- */

static void
dies_with(bool both)
{
	int other;
	pid_t pid;

	note[0] = 0;
	pid = fork();
	if (pid == 0) {
		pty();
		note[1] = line_of(master);
		write(master, "half a line", 11);
		write(slave, "unread", 6);
		note[0] = 1;
		for (;;)
			pause();
	}
	while (!note[0])
		nap(1);
	snprintf(name, sizeof(name), "/dev/pts/%u", (unsigned)note[1] - 1);
	other = both ? -1 : open(name, O_RDWR | O_NOCTTY | O_NONBLOCK);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	PATIENTLY (access(name, F_OK) == 0)
		nap(5);
	CHECK(access(name, F_OK) < 0);
	if (!both) {
		char byte;

		CHECK(read(other, &byte, 1) == 0 && write(other, "x", 1) < 0 && errno == EIO);
		CHECK(row((uint32_t)note[1])->used);
		close(other);
	}
	PATIENTLY (row((uint32_t)note[1])->used)
		nap(5);
	CHECK(!row((uint32_t)note[1])->used);
}

/* ---- more than fits ---- */

static void
floods(void)
{
	static char many[100000];
	int on = 1;

	pty();
	ioctl(master, TIOCPKT, &on);
	memset(many, '\003', sizeof(many) / 2);
	for (int n = 0; n < 50; n++) {
		struct termios t;

		write(master, many, sizeof(many));
		write(slave, many, sizeof(many));
		tcgetattr(slave, &t);
		t.c_lflag ^= ICANON;
		t.c_oflag ^= XTABS;
		tcsetattr(slave, n % 2 ? TCSANOW : TCSAFLUSH, &t);
	}
	note[0] = 1;
	_exit(0);
}

static uint64_t state = 88172645463325252ull;

static uint64_t
any(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % 4 ? state % 300 : state >> state % 60;
}

/* With keys to a pty of its own, and without sense. */
static void
at_random(void)
{
	volatile uint64_t *comm = (volatile uint64_t *)(base + EXOS_COMM);
	uint32_t line;

	pty();
	line = line_of(master);
	for (int n = 0; n < 20000; n++) {
		uint64_t op = OP_TTY_READ + any() % 12;

		comm[any() % 512] = any();
		request(op, op == OP_PTY_NEW || any() % 3 == 0 ? any() : line, any(), any(), any(),
			any());
	}
	_exit(0);
}

/*
 * The group in the foreground is gone, and then all numbers of processes are
 * given out once: nobody else gets this one, to be signalled by what is typed.
 */
static void
stale_foreground(void)
{
	uint32_t line, gone, last = 0;
	unsigned turns = 0;
	pid_t pid;

	setsid();
	pty();
	line = line_of(master);
	CHECK(ioctl(slave, TIOCSCTTY, 0) == 0);
	pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	CHECK(setpgid(pid, pid) == 0 && tcsetpgrp(slave, pid) == 0);
	CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
	gone = (uint32_t)pid;
	CHECK(row(line)->pgrp == gone);
	while (turns < 2) {
		long got = request(OP_FORK_BEGIN, 0, 0, 0, 0, 0);

		if (got < 0) {
			nap(1);
			continue;
		}
		turns += (uint32_t)got < last;
		last = (uint32_t)got;
		note[1] += last == gone;
		request(OP_FORK_ABORT, last, 0, 0, 0, 0);
		if (turns && last > gone)
			break;
	}
	note[0] = 1;
	_exit(0);
}

int
main(void)
{
	char echo;

	if (!CHECK(client_begin()))
		return summary();
	pty();
	in_child(without_key);
	CHECK(note[0] == 0 && note[1] == 0 && note[2] && note[3]);
	check_alive();
	in_child(lesser_key);
	CHECK(note[0] == 0 && note[1]);
	check_alive();
	in_child(owner);
	CHECK(note[1]);
	CHECK(read(master, &echo, 1) == 1);	/* of what user 0 typed for it */
	check_alive();
	number_again();
	check_alive();
	note[1] = 0;
	all();
	check_alive();
	dies_with(true);
	dies_with(false);
	note[0] = 0;
	in_child(floods);
	CHECK(note[0]);
	check_alive();
	in_child(at_random);
	check_alive();
	note[0] = note[1] = 0;
	in_child(stale_foreground);
	CHECK(note[0] && note[1] == 0);
	check_alive();
	PATIENTLY (in_use() > 1)
		nap(5);
	CHECK(in_use() == 1);
	return summary();
}
