/* SPDX-License-Identifier: ISC */
// sources: exos/server/ldisc.c exos/server/ldedit.c exos/server/ldout.c
/* The line discipline: what a reader gets and what is echoed for what is typed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../exos/server/ldisc.h"

static unsigned passed, failed;
static struct ldisc l;

static void
check(const char *name, bool good)
{
	printf(good ? "ok %s\n" : "FAIL %s: see the source\n", name);
	good ? passed++ : failed++;
}

static int
type(const char *text)
{
	int sig = 0;

	for (; *text; text++) {
		int s = ldisc_input(&l, (uint8_t)*text);

		sig = s ? s : sig;
	}
	return sig;
}

/* A read gives exactly this. */
static bool
reads(const char *text)
{
	uint8_t got[LDISC_BYTES];
	uint32_t n = ldisc_read(&l, got, sizeof(got));

	return n == strlen(text) && memcmp(got, text, n) == 0;
}

static bool
echoed(const char *text)
{
	uint8_t got[LDISC_OUT];
	uint32_t n;

	ldisc_show(&l);
	n = ldisc_take(&l, got, sizeof(got));
	return n == strlen(text) && memcmp(got, text, n) == 0;
}

static void
forget_echo(void)
{
	l.echoes = 0;
	l.out_tail = l.out_head;
}

/* As the host's terminals are. */
static void
start(bool tty)
{
	ldisc_init(&l, tty);
	l.t.iflag |= IUTF8;
	l.t.iflag &= ~IXON;
}

static void
lines(void)
{
	start(true);
	type("abc");
	check("nothing to read before the line ends", ldisc_available(&l) == 0 && echoed("abc"));
	type("\rsecond\n");
	check("CR ends a line; a read gives one line", reads("abc\n") && reads("second\n"));
	check("NL is echoed as CR NL", echoed("\r\nsecond\r\n"));
	type("xy\x7f\x7f\x7fz\n");
	check("erase stops at the line's beginning", reads("z\n") && echoed("xy\b \b\b \bz\r\n"));
	type("one two  \x17X\x15kept\n");
	check("word and line erase", reads("kept\n"));
	forget_echo();
	type("\xc3\xa4\x7f"
	     "a\n");
	check("a character of two bytes is erased whole",
		reads("a\n") && echoed("\xc3\xa4\b \ba\r\n"));
	type("\x16\x03\n");
	check("a literal key is data", reads("\x03\n"));
}

static void
ends(void)
{
	uint8_t byte;

	start(true);
	type("\x04");
	check("^D alone is end of file, once",
		ldisc_available(&l) && reads("") && ldisc_available(&l) == 0);
	type("text\x04");
	check("^D behind text hands it over", reads("text") && ldisc_available(&l) == 0);
	type("ab\n");
	check("a line can be read in pieces",
		ldisc_read(&l, &byte, 1) == 1 && byte == 'a' && reads("b\n"));
}

static void
signals(void)
{
	start(true);
	check("^C is a signal and drops the line",
		type("junk\x03") == SIGINT && type("a\n") == 0 && reads("a\n"));
	check("^Z and ^\\", type("\x1a") == SIGTSTP && type("\x1c") == SIGQUIT);
	l.t.lflag &= ~ISIG;
	check("without ISIG they are data", type("\x03\n") == 0 && reads("\x03\n"));
}

static void
raw(void)
{
	struct ktermios t;
	bool good = true;

	start(true);
	type("half");
	t = l.t;
	t.lflag &= ~(ICANON | ECHO | ISIG);
	t.iflag &= ~ICRNL;
	ldisc_set(&l, &t);
	check("what was being edited can be read in raw mode", reads("half"));
	forget_echo();
	type("\r\x03");
	check("raw: every byte as it is, no echo", reads("\r\x03") && echoed(""));
	for (unsigned i = 0; ldisc_room(&l); i++)
		ldisc_input(&l, (uint8_t)i);
	good = ldisc_available(&l) == LDISC_BYTES - 1;
	ldisc_input(&l, 1);
	ldisc_input(&l, 1);
	check("a full ring keeps what it has", good && ldisc_available(&l) == LDISC_BYTES);
}

static void
long_lines(void)
{
	uint8_t got[LDISC_BYTES];
	uint32_t n;

	start(true);
	for (unsigned i = 0; i < 3 * LDISC_BYTES; i++)
		ldisc_input(&l, 'x');
	type("\n");
	n = ldisc_read(&l, got, sizeof(got));
	check("a line too long keeps its beginning and its end",
		n > LDISC_BYTES / 2 && n <= LDISC_BYTES && got[n - 1] == '\n' &&
			ldisc_available(&l) == 0);
	for (unsigned i = 0; i < LDISC_BYTES; i++)
		type("y\n");
	check("a ring full of lines loses later ones",
		reads("y\n") && l.head - l.tail <= LDISC_BYTES);
	while (ldisc_available(&l))
		ldisc_read(&l, got, sizeof(got));
	type("still\n");
	check("and goes on", reads("still\n"));
}

static void
stream(void)
{
	start(false);
	type("a\r\n\x03\x04");
	check("no terminal: every byte as it is", reads("a\r\n\x03\x04") && echoed(""));
}

/* Pieces of any length, in and out: the same bytes, in order. */
static void
pieces(void)
{
	uint8_t in[6000], out[6000];
	unsigned sent = 0, got = 0;
	bool good = true;

	start(false);
	srand(5);
	while (got < 500000 && good) {
		uint32_t want = (uint32_t)rand() % sizeof(in), n;

		for (uint32_t i = 0; i < want; i++)
			in[i] = (uint8_t)((sent + i) * 7);
		n = ldisc_stream(&l, in, want);
		good &= n <= want && l.head - l.tail <= LDISC_BYTES
			&& (n == want || l.head - l.tail == LDISC_BYTES);
		sent += n;
		n = ldisc_read(&l, out, (uint32_t)rand() % sizeof(out));
		for (uint32_t i = 0; i < n; i++)
			good &= out[i] == (uint8_t)((got + i) * 7);
		got += n;
	}
	check("a stream goes through in pieces", good && sent - got == ldisc_available(&l));
}

static void
anything(void)
{
	uint8_t got[256];
	bool good = true;

	srand(3);
	start(true);
	for (unsigned i = 0; i < 400000; i++) {
		ldisc_input(&l, (uint8_t)rand());
		if (rand() % 40 == 0)
			ldisc_read(&l, got, (uint32_t)rand() % sizeof(got));
		if (rand() % 500 == 0) {
			struct ktermios t = l.t;

			t.lflag ^= ICANON;
			ldisc_set(&l, &t);
		}
		forget_echo();
		good &= l.head - l.tail <= LDISC_BYTES && l.canon - l.tail <= LDISC_BYTES
			&& l.head - l.canon <= LDISC_BYTES;
	}
	check("any input: positions stay in order", good);
}

int
main(void)
{
	lines();
	ends();
	signals();
	raw();
	long_lines();
	stream();
	pieces();
	anything();
	printf("%u passed, %u failed\n", passed, failed);
	return failed != 0;
}
