/* SPDX-License-Identifier: ISC */
/* A pty in one program's hands: type at the one side, read and write at the other. */
#ifndef ALIKE_PTY_H
#define ALIKE_PTY_H

#include "t.h"
#include <stdbool.h>
#include <termios.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441
#endif

static int master, slave;
static char name[40];

static inline void
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
static inline void
settle(void)
{
	struct pollfd p = { slave, POLLIN, 0 };

	poll(&p, 1, 0);
	usleep(10000);
	poll(&p, 1, 0);
}

static inline void
screen(void)
{
	unsigned char bytes[9000];
	long n;

	settle();
	n = read(master, bytes, sizeof(bytes));
	print("screen", bytes, n);
}

static inline void
type(const char *text)
{
	write(master, text, strlen(text));
	screen();
}

static inline void
get(size_t max)
{
	unsigned char bytes[5000];

	print("read", bytes, read(slave, bytes, max));
}

static inline void
pending(void)
{
	int n = -1;

	ioctl(slave, FIONREAD, &n);
	printf("pending %d\n", n);
}

static inline void
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

static inline void
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

static inline void
close_pair(void)
{
	close(master);
	close(slave);
}

static inline void
polls(int fd)
{
	struct pollfd p = { fd, POLLIN | POLLOUT | POLLPRI, 0 };

	poll(&p, 1, 0);
	printf("poll %x\n", p.revents);
}

#endif
