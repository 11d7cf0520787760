/* SPDX-License-Identifier: ISC */
// sources: exos/server/ldisc.c exos/server/ldedit.c exos/server/ldout.c
/*
 * The line discipline against the host's: random settings, keys and output are
 * given to both, and what is read, echoed and pending has to be the same.  The
 * host works in threads of its own; a difference counts when it is there again
 * with more time to settle.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../../exos/server/ldisc.h"

/* The C library's headers and ExOS's cannot both be read. */
int open(const char *path, int flags, ...);
int ioctl(int fd, unsigned long request, ...);

#define RUNS 150u
#define STEPS 25u
#define PATIENCE_US 300u

static struct ldisc l;
static int master, slave;
static unsigned patience;
static uint8_t host[9000], ours[9000];

static const uint8_t keys[] = { 3, 4, 8, 127, 21, 23, 22, 18, 17, 19, 13, 10, 9, 10, 13, 26, 28, 0,
	255, 0xc3, 0xa4, 'q', 'z', ' ', '_', 1, 0xe2, 0x82, 0xac };
static const char letters[] = "abAB 12xyz\t", printed[] = "ab\tc\n\r\b\001Z\303\244";

static void
settle(void)
{
	struct pollfd p = { slave, POLLIN, 0 };

	poll(&p, 1, 0);
	usleep(patience);
	p.fd = master;
	poll(&p, 1, 0);
}

/* Some of these bits. */
static uint32_t
some(uint32_t bits)
{
	return bits & ((uint32_t)rand() << 16 ^ (uint32_t)rand());
}

static void
step_settings(void)
{
	struct ktermios t = l.t;

	if (rand() % 2)
		t.iflag = some(ISTRIP | INLCR | IGNCR | ICRNL | IUCLC | IXON | IXANY | IUTF8 |
				  PARMRK) |
			(rand() % 2 ? IUTF8 | ICRNL : 0);
	if (rand() % 2)
		t.oflag = some(OPOST | OLCUC | ONLCR | OCRNL | ONOCR | ONLRET | XTABS)
			| (rand() % 2 ? OPOST : 0);
	if (rand() % 2)
		t.lflag = some(ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHONL | NOFLSH | ECHOCTL |
				  ECHOPRT | ECHOKE | IEXTEN) |
			(rand() % 2 ? ICANON | ECHO : 0);
	if (rand() % 6 == 0)
		t.cc[VEOL] = 'q';
	if (rand() % 6 == 0)
		t.cc[VEOL2] = 'z';
	if (rand() % 8 == 0)
		t.cc[rand() % 5] = 0;
	t.cc[VMIN] = 1;
	t.cc[VTIME] = 0;
	ioctl(slave, TCSETS, &t);
	ioctl(slave, TCGETS, &t);
	ldisc_set(&l, &t);
}

static int
step_keys(void)
{
	uint8_t typed[20];
	unsigned count = (unsigned)rand() % 20 + 1;

	for (unsigned i = 0; i < count; i++)
		typed[i] = rand() % 2 ? keys[(unsigned)rand() % sizeof(keys)]
				      : (uint8_t)letters[(unsigned)rand() % (sizeof(letters) - 1)];
	if (write(master, typed, count) != (long)count)
		return 1;
	for (unsigned i = 0; i < count; i++)
		ldisc_input(&l, typed[i]);
	ldisc_show(&l);
	return 0;
}

static int
step_output(void)
{
	uint8_t text[15];
	unsigned count = (unsigned)rand() % 15 + 1;
	long n;

	for (unsigned i = 0; i < count; i++)
		text[i] = (uint8_t)printed[(unsigned)rand() % (sizeof(printed) - 1)];
	n = write(slave, text, count);
	return (n < 0 ? 0 : n) != (long)ldisc_write(&l, text, count);
}

static int
step_read(void)
{
	unsigned max = rand() % 3 ? 4096 : (unsigned)rand() % 8 + 1;
	long theirs = read(slave, host, max);
	long mine = ldisc_available(&l) ? (long)ldisc_read(&l, ours, max) : -1;

	return theirs != mine || (mine > 0 && memcmp(host, ours, (size_t)mine));
}

/* What is on the screen, and how much could be read. */
static int
differs(void)
{
	long count = 0, n;
	int pending = -1;

	ioctl(slave, FIONREAD, &pending);
	while ((n = read(master, host + count, sizeof(host) - (size_t)count)) > 0)
		count += n;
	n = ldisc_take(&l, ours, sizeof(ours));
	return pending != (int)ldisc_pending(&l) || n != count || memcmp(host, ours, (size_t)n);
}

static int
run(unsigned seed)
{
	int bad = 0;

	srand(seed);
	ldisc_init(&l, true);
	for (unsigned step = 0; step < STEPS && !bad; step++) {
		switch (rand() % 10) {
		case 0: step_settings(); break;
		case 1: case 2: case 3: case 4: case 5: bad = step_keys(); break;
		case 6: bad = step_output(); break;
		case 7: bad = step_read(); break;
		default: break;
		}
		settle();
		bad |= differs();
	}
	return bad;
}

static int
pair(void)
{
	char name[40];
	int number, off = 0;

	master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
	if (master < 0 || ioctl(master, TIOCSPTLCK, &off) || ioctl(master, TIOCGPTN, &number))
		return -1;
	snprintf(name, sizeof(name), "/dev/pts/%d", number);
	slave = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK);
	return slave;
}

static int
run_on_new(unsigned seed, unsigned us)
{
	int bad;

	patience = us;
	if (pair() < 0)
		return -1;
	bad = run(seed);
	close(slave);
	close(master);
	return bad;
}

int
main(void)
{
	unsigned failed = 0;

	signal(SIGHUP, SIG_IGN);
	if (access("/dev/ptmx", R_OK | W_OK)) {
		printf("no ptys here\n0 passed, 0 failed\n");
		return 0;
	}
	for (unsigned seed = 1; seed <= RUNS; seed++) {
		int bad = run_on_new(seed, PATIENCE_US);

		for (unsigned longer = 10; bad && longer <= 1000; longer *= 10)
			bad = run_on_new(seed, PATIENCE_US * longer);
		if (bad) {
			printf("FAIL seed %u: not as the host's\n", seed);
			failed++;
		}
	}
	printf("%u passed, %u failed\n", RUNS - failed, failed);
	return failed != 0;
}
