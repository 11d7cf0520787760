/* SPDX-License-Identifier: ISC */
/* Pseudo-terminals: names, locks, the line discipline, sizes. */
#include "pty.h"

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
	sizes();
	return 0;
}
