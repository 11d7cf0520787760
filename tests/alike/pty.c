/* SPDX-License-Identifier: ISC */
/* Pseudo-terminals: both sides, the line discipline, flow, packets, hanging up. */
#include "t.h"
#include <stdbool.h>
#include <termios.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441
#endif

static int master, slave;
static char name[40];

static void
print(const char *what, const unsigned char *bytes, long n)
{
	printf("%s:", what);
	for (long i = 0; i < n; i++)
		printf(bytes[i] > 32 && bytes[i] < 127 && bytes[i] != '\\' ? " %c" : " \\%02x",
			bytes[i]);
	printf(n < 0 ? " %s\n" : "\n", error_name(errno));
	fflush(stdout);
}

/* What is typed is worked on by another thread of Linux's. */
static void
settle(void)
{
	struct pollfd p = { slave, POLLIN, 0 };

	poll(&p, 1, 0);
	usleep(10000);
	poll(&p, 1, 0);
}

static void
screen(void)
{
	unsigned char bytes[9000];
	long n;

	settle();
	n = read(master, bytes, sizeof(bytes));
	print("screen", bytes, n);
}

static void
type(const char *text)
{
	write(master, text, strlen(text));
	screen();
}

static void
get(size_t max)
{
	unsigned char bytes[5000];

	print("read", bytes, read(slave, bytes, max));
}

static void
pending(void)
{
	int n = -1;

	ioctl(slave, FIONREAD, &n);
	printf("pending %d\n", n);
}

static void
modes(tcflag_t iflag, tcflag_t oflag, tcflag_t lflag)
{
	struct termios t;

	tcgetattr(slave, &t);
	t.c_iflag = iflag;
	t.c_oflag = oflag;
	t.c_lflag = lflag;
	if (tcsetattr(slave, TCSANOW, &t))
		say("tcsetattr", -1);
	settle();
}

#define IN (ICRNL | IXON)
#define OUT (OPOST | ONLCR)
#define LOCAL (ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN)

static void
open_pair(bool nonblock)
{
	master = posix_openpt(O_RDWR | O_NOCTTY);
	grantpt(master);
	unlockpt(master);
	ptsname_r(master, name, sizeof(name));
	slave = open(name, O_RDWR | O_NOCTTY | (nonblock ? O_NONBLOCK : 0));
	if (nonblock)
		fcntl(master, F_SETFL, O_NONBLOCK);
	if (master < 0 || slave < 0)
		say("open_pair", -1);
}

static void
close_pair(void)
{
	close(master);
	close(slave);
}

static void
polls(int fd)
{
	struct pollfd p = { fd, POLLIN | POLLOUT | POLLPRI, 0 };

	poll(&p, 1, 0);
	printf("poll %x\n", p.revents);
}

/* ---- names and locks ---- */

static void
names(void)
{
	struct stat by_name, by_fd;
	char link[40] = "", path[64];
	unsigned number = 0;
	int lock = -1, peer;

	master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	SAY(ioctl(master, TIOCGPTN, &number));
	SAY(isatty(master));
	snprintf(path, sizeof(path), "/dev/pts/%u", number);
	printf("ptsname %d\n", strcmp(ptsname(master), path));
	SAY(ioctl(master, TIOCGPTLCK, &lock));
	printf("locked %d\n", lock);
	SAY(open(path, O_RDWR | O_NOCTTY));
	SAY(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY));
	SAY(unlockpt(master));
	SAY(grantpt(master));
	slave = open(path, O_RDWR | O_NOCTTY);
	TRY(slave);
	SAY(isatty(slave));
	SAY(stat(path, &by_name));
	SAY(fstat(slave, &by_fd));
	printf("same %d char %d major %u minor %d mode %o owner %d\n",
		by_name.st_ino == by_fd.st_ino && by_name.st_rdev == by_fd.st_rdev,
		S_ISCHR(by_fd.st_mode), major(by_fd.st_rdev), minor(by_fd.st_rdev) == number,
		by_fd.st_mode & 0757, by_fd.st_uid == getuid());
	printf("ttyname %d\n", strcmp(ttyname(slave), path));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", slave);
	readlink(path, link, sizeof(link) - 1);
	printf("link %d\n", strcmp(link, ttyname(slave)));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", master);
	memset(link, 0, sizeof(link));
	readlink(path, link, sizeof(link) - 1);
	printf("master %d\n", strstr(link, "ptmx") != NULL);
	peer = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	TRY(peer);
	TRY(write(peer, "x", 1));
	screen();
	SAY(ioctl(slave, TIOCGPTN, &number));
	SAY(ioctl(slave, TIOCPKT, &lock));
	SAY(lseek(slave, 0, SEEK_SET));
	SAY(pread(slave, link, 1, 0));
	SAY(ioctl(slave, TIOCEXCL));
	SAY(ioctl(slave, TIOCGEXCL, &lock));
	printf("exclusive %d\n", lock);
	SAY(ioctl(slave, TIOCNXCL));
	SAY(ioctl(slave, 0x5499, 0));
	close(peer);
	snprintf(path, sizeof(path), "/dev/pts/%u", number);
	close_pair();
	SAY(access(path, F_OK));
}

/* ---- lines ---- */

static void
lines(void)
{
	open_pair(true);
	type("abc");
	get(100);
	type("\r");
	get(100);
	type("xy\177\177\177z\n");
	get(100);
	type("one two  \027X\025kept\n");
	get(100);
	type("tab\tb\177\177\177\n");
	get(100);
	type("\001\002\177\n");
	get(100);
	type("\026\003\026\n\n");
	pending();
	get(100);
	type("again\022more\n");
	get(100);
	type("abc\004");
	pending();
	get(3);
	pending();
	get(3);
	type("\004");
	polls(slave);
	get(3);
	get(3);
	type("line1\nline2\n");
	pending();
	get(3);
	get(100);
	get(100);
	type("junk\003next\n");
	get(100);
	type("\034\032after\n");
	get(100);
	write(slave, "a\tb\nc\b\r\001", 9);
	screen();
	close_pair();
}

static void
flags(void)
{
	open_pair(true);
	modes(IN | IUTF8, OUT, LOCAL);
	type("\303\244\342\202\254\177\177x\n");
	get(100);
	modes(IN, OUT, LOCAL & ~(ECHOE | ECHOKE));
	type("abc\177\025x\n");
	get(100);
	modes(IN, OUT, LOCAL | ECHOPRT);
	type("abc\177\177d\n");
	get(100);
	modes(IN, OUT, (LOCAL | ECHONL) & ~ECHO);
	type("secret\n");
	get(100);
	modes(INLCR | ISTRIP | IUCLC, OPOST | OCRNL | OLCUC, LOCAL);
	type("AbC\341\r\n\004");
	get(100);
	write(slave, "up\r\n", 4);
	screen();
	modes(IGNCR, OPOST | ONLCR | XTABS, LOCAL);
	type("a\rb\n");
	get(100);
	write(slave, "1\t2\n\t3\n", 7);
	screen();
	modes(IN, OPOST | ONOCR | ONLRET, LOCAL);
	write(slave, "\rx\r\rn\n\r", 7);
	screen();
	modes(IN, 0, LOCAL & ~ECHOCTL);
	type("\001\n");
	get(100);
	write(slave, "raw\n", 4);
	screen();
	modes(IN | PARMRK, OUT, LOCAL);
	type("\377\n");
	get(100);
	close_pair();
}

static void
raw(void)
{
	struct termios t;

	open_pair(true);
	type("half");
	modes(0, 0, 0);
	get(100);
	type("\r\003\004\021\023\n");
	pending();
	get(2);
	get(100);
	get(100);
	modes(0, 0, ECHO | ECHOCTL);
	type("\r\n\001");
	modes(IN, OUT, LOCAL);
	pending();
	get(100);
	tcgetattr(slave, &t);
	cfmakeraw(&t);
	printf("%x %x %x %x\n", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag);
	t.c_cc[VMIN] = 3;
	tcsetattr(slave, TCSANOW, &t);
	polls(slave);
	type("ab");
	polls(slave);
	get(10);
	type("abc");
	polls(slave);
	get(10);
	t.c_cc[VMIN] = 0;
	tcsetattr(slave, TCSANOW, &t);
	get(10);
	type("ab");
	get(1);
	get(10);
	get(10);
	close_pair();
}

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

static void
sizes(void)
{
	struct winsize w = { 24, 80, 3, 4 };

	open_pair(true);
	SAY(ioctl(slave, TIOCGWINSZ, &w));
	printf("%u %u %u %u\n", w.ws_row, w.ws_col, w.ws_xpixel, w.ws_ypixel);
	w = (struct winsize){ 50, 132, 7, 8 };
	SAY(ioctl(master, TIOCSWINSZ, &w));
	memset(&w, 0, sizeof(w));
	SAY(ioctl(slave, TIOCGWINSZ, &w));
	printf("%u %u %u %u\n", w.ws_row, w.ws_col, w.ws_xpixel, w.ws_ypixel);
	close_pair();
}

int
main(void)
{
	alarm(60);
	signal(SIGHUP, SIG_IGN);
	names();
	lines();
	flags();
	raw();
	waits();
	stops();
	full();
	packets();
	ends();
	sizes();
	return 0;
}
