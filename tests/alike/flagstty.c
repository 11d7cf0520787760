/* SPDX-License-Identifier: ISC */
/* Flags and options of terminals that no other program here names. */
#include "t.h"
#include <pty.h>
#include <termios.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441
#endif

struct termio_ {			/* the old one, 16 bits each */
	unsigned short iflag, oflag, cflag, lflag;
	unsigned char line, cc[8];
};

static void
settings(int slave)
{
	struct { unsigned iflag, oflag, cflag, lflag; unsigned char line, cc[19]; } t, back;
	struct termio_ old, again;

	memset(&back, 0, sizeof(back));
	memset(&again, 0, sizeof(again));
	SAY(ioctl(slave, TCGETS, &t));
	t.lflag &= ~(unsigned)ECHO;
	t.cc[VEOF] = 5;
	SAY(ioctl(slave, TCSETS, &t));
	SAY(ioctl(slave, TCGETS, &back));
	printf("kept %d\n", memcmp(&t, &back, sizeof(t)) == 0);
	SAY(ioctl(slave, TCGETA, &old));
	old.lflag |= ECHO;
	old.cc[VERASE] = 8;
	SAY(ioctl(slave, TCSETA, &old));
	SAY(ioctl(slave, TCGETS, &back));
	printf("echo %d erase %d eof %d\n", (back.lflag & ECHO) != 0, back.cc[VERASE],
		back.cc[VEOF]);
	old.lflag &= (unsigned short)~ECHO;
	SAY(ioctl(slave, TCSETAW, &old));
	SAY(ioctl(slave, TCGETA, &again));
	printf("kept %d\n", memcmp(&old, &again, sizeof(old)) == 0);
	SAY(ioctl(slave, TCSETAF, &old));
	SAY(ioctl(slave, TCSETS, NULL));
	SAY(ioctl(slave, TCSETA, NULL));
}

/* TCSETAF throws away what was typed; TCSETAW does not. */
static void
typed(int master, int slave)
{
	struct termio_ old;
	int n = -1;

	SAY(ioctl(slave, TCGETA, &old));
	write(master, "line\n", 5);
	poll(&(struct pollfd){ slave, POLLIN, 0 }, 1, 2000);
	SAY(ioctl(slave, TCSETAW, &old));
	SAY(ioctl(slave, FIONREAD, &n));
	printf("%d typed\n", n);
	SAY(ioctl(slave, TCSETAF, &old));
	SAY(ioctl(slave, FIONREAD, &n));
	printf("%d typed\n", n);
}

static void
lines(int master, int slave)
{
	unsigned device = 0;
	int number = -1, on = 1, off = 0, held = -1;

	SAY(ioctl(slave, TIOCSBRK, 0));
	SAY(ioctl(slave, TIOCCBRK, 0));
	SAY(ioctl(slave, TCSBRKP, 0));
	SAY(ioctl(slave, TIOCGETD, &number));
	printf("line %d\n", number);
	SAY(ioctl(slave, TIOCGDEV, &device));
	printf("device of major %u\n", device >> 8 & 0xff);
	SAY(ioctl(master, TIOCSPTLCK, &on));
	SAY(ioctl(master, TIOCGPTLCK, &held));
	printf("locked %d\n", held);
	SAY(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY) < 0 ? -1 : 0);
	SAY(ioctl(master, TIOCSPTLCK, &off));
	SAY(ioctl(master, TIOCGPTLCK, &held));
	printf("locked %d\n", held);
	SAY(ioctl(slave, TIOCSPTLCK, &on));
	SAY(ioctl(slave, TIOCGEXCL, &held));
	SAY(ioctl(slave, TCFLSH, TCIFLUSH));
	SAY(ioctl(slave, TCFLSH, TCOFLUSH));
	SAY(ioctl(slave, TCFLSH, TCIOFLUSH));
	SAY(ioctl(slave, TCFLSH, 3));
	SAY(ioctl(slave, TCXONC, TCOOFF));
	SAY(ioctl(slave, TCXONC, TCOON));
	SAY(ioctl(slave, TCXONC, 4));
	SAY(ioctl(slave, TIOCSPGRP, &number));
}

/* What the other side did, told in packets. */
static void
packets(int master, int slave)
{
	unsigned char byte[16];
	int on = 1, off = 0;
	struct termios t;

	SAY(ioctl(master, TIOCPKT, &on));
	tcflush(slave, TCIFLUSH);
	SAY(read(master, byte, sizeof(byte)));
	printf("%s\n", byte[0] & TIOCPKT_FLUSHREAD ? "TIOCPKT_FLUSHREAD" : "none");
	tcflush(slave, TCOFLUSH);
	SAY(read(master, byte, sizeof(byte)));
	printf("%s\n", byte[0] & TIOCPKT_FLUSHWRITE ? "TIOCPKT_FLUSHWRITE" : "none");
	tcflow(slave, TCOOFF);
	SAY(read(master, byte, sizeof(byte)));
	printf("%s\n", byte[0] & TIOCPKT_STOP ? "TIOCPKT_STOP" : "none");
	tcflow(slave, TCOON);
	SAY(read(master, byte, sizeof(byte)));
	printf("%s\n", byte[0] & TIOCPKT_START ? "TIOCPKT_START" : "none");
	tcgetattr(slave, &t);
	t.c_iflag ^= IXON;
	tcsetattr(slave, TCSANOW, &t);
	SAY(read(master, byte, sizeof(byte)));
	printf("%s\n", byte[0] & TIOCPKT_NOSTOP ? "TIOCPKT_NOSTOP" : "none");
	t.c_iflag ^= IXON;
	tcsetattr(slave, TCSANOW, &t);
	SAY(read(master, byte, sizeof(byte)));
	printf("%s\n", byte[0] & TIOCPKT_DOSTOP ? "TIOCPKT_DOSTOP" : "none");
	SAY(ioctl(master, TIOCPKT, &off));
}

int
main(void)
{
	int master, slave;

	setvbuf(stdout, NULL, _IONBF, 0);
	if (openpty(&master, &slave, NULL, NULL, NULL))
		return 1;
	settings(slave);
	typed(master, slave);
	lines(master, slave);
	packets(master, slave);
	close(slave);
	close(master);
	return 0;
}
