/* SPDX-License-Identifier: ISC */
/* Pseudo-terminals: waiting, flow, what fills up, packets, and the other side that goes. */
#include "pty.h"

/* ---- waiting: the slave blocks, a child types ---- */

static void
later(const char *text, int ms)
{
	if (fork() == 0) {
		for (; *text; text++) {
			usleep(ms * 1000u);
			write(master, text, 1);
		}
		_exit(0);
	}
}

static void
timed(int min, int time, size_t max, const char *text, int ms, bool expires)
{
	struct timespec begin, end;
	struct termios t;
	long tenths;

	tcgetattr(slave, &t);
	cfmakeraw(&t);
	t.c_cc[VMIN] = (cc_t)min;
	t.c_cc[VTIME] = (cc_t)time;
	tcsetattr(slave, TCSAFLUSH, &t);
	later(text, ms);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	get(max);
	clock_gettime(CLOCK_MONOTONIC, &end);
	tenths = (end.tv_sec - begin.tv_sec) * 10 + (end.tv_nsec - begin.tv_nsec) / 100000000;
	/* How fast it is otherwise depends on the machine. */
	printf("min %d time %d%s\n", min, time, expires && tenths < time ? ": too soon" : "");
	wait(NULL);
}

static void
waits(void)
{
	open_pair(false);
	timed(3, 0, 10, "abc", 5, false);
	timed(3, 0, 2, "ab", 5, false);
	timed(5, 1, 10, "ab", 5, true);
	timed(1, 1, 10, "a", 5, false);
	timed(0, 1, 10, "", 0, true);
	timed(0, 4, 10, "a", 5, false);
	timed(0, 0, 10, "", 0, false);
	modes(IN, OUT, LOCAL);
	later("li\n", 3);
	get(100);
	wait(NULL);
	close_pair();
}

/* ---- flow ---- */

static void
stops(void)
{
	unsigned char byte;

	open_pair(true);
	type("\023");
	SAY(write(slave, "held", 4));
	polls(slave);
	type("typed");
	SAY(read(master, &byte, 1));
	type("\021");
	SAY(write(slave, "goes", 4));
	screen();
	modes(IN | IXANY, OUT, LOCAL);
	type("\023");
	SAY(write(slave, "held", 4));
	type("x");
	SAY(write(slave, "any", 3));
	screen();
	SAY(tcflow(slave, TCOOFF));
	SAY(write(slave, "held", 4));
	type("\021");
	SAY(write(slave, "held", 4));
	SAY(tcflow(slave, TCOON));
	SAY(write(slave, "on", 2));
	screen();
	SAY(tcflow(slave, TCIOFF));
	SAY(tcflow(slave, TCION));
	screen();
	SAY(tcflow(slave, 9));
	type("lost\n");
	SAY(tcflush(slave, TCIFLUSH));
	get(10);
	SAY(tcflush(slave, TCOFLUSH));
	SAY(tcflush(slave, 7));
	SAY(tcdrain(slave));
	SAY(tcsendbreak(slave, 0));
	SAY(ioctl(slave, TIOCSTI, "s"));
	SAY(ioctl(slave, TIOCSTI, "\n"));
	screen();
	get(10);
	close_pair();
}

/* More than either side keeps: both say so, and nothing is lost. */
static void
full(void)
{
	static char out[100000];
	unsigned char in[4096];
	long total = 0, n;

	open_pair(true);
	modes(0, 0, 0);
	n = write(slave, out, sizeof(out));
	printf("slave takes some %d\n", n > 2000 && n < 70000);
	SAY(write(slave, out, 1));
	while ((n = read(master, in, sizeof(in))) > 0 ||
		(usleep(2000), n = read(master, in, sizeof(in))) > 0)
		total += n;
	printf("again %d\n", total > 2000);
	TRY(write(slave, out, 1));
	screen();
	n = write(master, out, sizeof(out));
	printf("master takes some %d\n", n > 4000 && n < 90000);
	settle();
	for (total = 0; (total += n = read(slave, in, sizeof(in))) >= 0 && n > 0;)
		settle();
	printf("and it comes %d\n", total > 4000);
	modes(IN, OUT, LOCAL & ~ECHO);
	for (int i = 0; i < 4200; i++)
		out[i] = (char)('a' + i % 26);
	out[4200] = '\n';
	write(master, out, 4201);
	settle();
	pending();
	n = read(slave, in, sizeof(in));
	printf("line %ld, ends %d %d\n", n, in[n - 2], in[n - 1]);
	close_pair();
}

/* ---- packets ---- */

static void
packets(void)
{
	int on = 1;

	open_pair(true);
	SAY(ioctl(master, TIOCPKT, &on));
	write(slave, "data", 4);
	screen();
	screen();
	tcflow(slave, TCOOFF);
	polls(master);
	screen();
	tcflow(slave, TCOON);
	screen();
	tcflush(slave, TCIFLUSH);
	screen();
	tcflush(slave, TCOFLUSH);
	screen();
	modes(ICRNL, OUT, LOCAL);
	screen();
	modes(IN, OUT, LOCAL);
	screen();
	type("junk\003");
	screen();
	on = 0;
	SAY(ioctl(master, TIOCPKT, &on));
	SAY(ioctl(master, TIOCGPKT, &on));
	printf("packets %d\n", on);
	close_pair();
}

/* ---- the other side goes ---- */

static void
ends(void)
{
	struct winsize w = { 0 };
	struct termios t;

	open_pair(true);
	polls(master);
	polls(slave);
	write(slave, "last", 4);
	close(slave);
	settle();
	polls(master);
	screen();
	screen();
	polls(master);
	slave = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK);
	polls(master);
	screen();
	SAY(tcgetattr(slave, &t));
	write(master, "unread\n", 7);
	settle();
	close(master);
	polls(slave);
	get(100);
	get(100);
	SAY(write(slave, "x", 1));
	SAY(tcgetattr(slave, &t));
	SAY(ioctl(slave, TIOCGWINSZ, &w));
	SAY(tcsetpgrp(slave, 1));
	SAY(open(name, O_RDWR | O_NOCTTY));
	close(slave);
	/* Never opened: nobody has gone. */
	master = posix_openpt(O_RDWR | O_NOCTTY);
	fcntl(master, F_SETFL, O_NONBLOCK);
	polls(master);
	screen();
	SAY(write(master, "early\n", 6));
	close(master);
}

int
main(void)
{
	alarm(60);
	signal(SIGHUP, SIG_IGN);
	waits();
	stops();
	full();
	packets();
	ends();
	return 0;
}
