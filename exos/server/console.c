/* SPDX-License-Identifier: ISC */
/*
 * The machine's console: a terminal, or a stream of bytes.
 *
 * The server alone receives: buffers of its own wait in the console's receive
 * queue, in order.  What arrives goes through the line discipline into a ring
 * that processes read by request; when the ring is full buffers stay as they
 * are and the host has to wait, so nothing of a stream is lost.  Echo goes out
 * from here, too; programs' output does not (they hold the key of that queue),
 * unless a terminal's settings ask for more than they do themselves.
 */
#include "tty.h"
#include "srv.h"
#include "undo.h"
#include <exo/control.h>

#define DEVICE 0u
#define QUEUE_IN (2u * EXO_PORT_STDIO)
#define QUEUE_OUT (2u * EXO_PORT_STDIO + 1u)
#define RX_BUFFERS 4u
#define BUFFER_BYTES 4080u
#define DONE_OFFSET 4088u

static struct ldisc line;
static struct buffer {
	volatile uint8_t *page;
	exo_pfn pfn;
	uint32_t used;			/* bytes handed on already */
} rx[RX_BUFFERS], tx;
static unsigned rx_next;		/* the buffer that is filled next */
static bool tx_busy, tx_waits;		/* it is on its way; or has yet to be sent */
static uint64_t received, consumed, ended_at = ~0ull;
static uint64_t in_seen, out_seen;	/* the queues' completion counts before the last look */

static volatile uint64_t *
done_word(const struct buffer *b)
{
	return (volatile uint64_t *)(b->page + DONE_OFFSET);
}

static void
show_end(void)
{
	struct sh_tty *s = tty_shown(CONSOLE);

	if (s->eof || received < ended_at)
		return;
	s->eof = 1;
	s->slave_news++;
	server_changed();
}

/* ---- receiving --------------------------------------------------------------------------- */

static void
rx_submit(struct buffer *b)
{
	*done_word(b) = 0;
	b->used = 0;
	later(LATER_TYPED, (uint64_t)(b - rx), 0);
}

void
console_receive(unsigned n)
{
	const struct buffer *b = &rx[n];
	struct exo_io io = {
		.pfn = b->pfn, .bytes = BUFFER_BYTES, .done_offset = DONE_OFFSET, .key = ROOT_KEY,
	};

	if (!later_with_device(b->page, done_word(b)))
		exo_io_submit(DEVICE, QUEUE_IN, &io, 1, ROOT_KEY);
}

/* False: the ring is full, or nothing more has come. */
static bool
rx_take(struct buffer *b)
{
	uint64_t done = *done_word(b);
	uint32_t bytes = (uint32_t)(done & 0xffffffff);

	if (!(done & EXO_IO_DONE))
		return false;
	if (bytes > BUFFER_BYTES || done & EXO_IO_ERROR)
		bytes = 0;
	while (line.tty && b->used < bytes && ldisc_room(&line)) {
		tty_type(CONSOLE, b->page[b->used++]);
		received++;
	}
	if (!line.tty) {
		uint32_t n =
			ldisc_stream(&line, (const uint8_t *)b->page + b->used, bytes - b->used);

		b->used += n;
		received += n;
	}
	if (b->used < bytes)
		return false;
	rx_submit(b);
	rx_next = (rx_next + 1) % RX_BUFFERS;
	return true;
}

/* ---- output ---------------------------------------------------------------------------------- */

/* The queue may have had no room for it. */
static void
tx_send(void)
{
	if (tx_busy && *done_word(&tx) & EXO_IO_DONE)
		tx_busy = false;
	if (tx_busy && tx_waits)
		later(LATER_SHOWN, 0, 0);
	if (tx_busy)
		return;
	tx.used = ldisc_take(&line, (uint8_t *)tx.page, BUFFER_BYTES);
	if (tx.used == 0)
		return;
	*done_word(&tx) = 0;
	tx_busy = true;
	later(LATER_SHOWN, 0, 0);
}

void
console_send(void)
{
	struct exo_io io = {
		.pfn = tx.pfn, .bytes = tx.used, .done_offset = DONE_OFFSET, .key = ROOT_KEY,
	};

	tx_waits = false;
	if (!later_with_device(tx.page, done_word(&tx)))
		tx_waits = exo_io_submit(DEVICE, QUEUE_OUT, &io, 1, ROOT_KEY) < 1;
}

/* ---- the main loop's side ---------------------------------------------------------------------- */

void
console_poll(void)
{
	const volatile struct exo_device *console = exo_device(DEVICE);

	if (!tx.page)
		return;
	in_seen = console->completed[QUEUE_IN];
	out_seen = console->completed[QUEUE_OUT];
	while (rx_take(
		&rx[rx_next])) /* bound: the host fills no faster than we hand back, 4 a round */
		;
	ldisc_show(&line);
	tx_send();
	tty_show(CONSOLE);
	show_end();
}

/*
 * On the exposed counts, not on completion words: a request may look at the
 * buffers while the loop waits, and then the loop's terms must still be right.
 */
static struct exo_term
count_term(unsigned queue, uint64_t seen)
{
	return (struct exo_term){
		.where = (uint64_t)&exo_device(DEVICE)->completed[queue],
		.mask = ~0ull,
		.value = seen,
		.cmp = EXO_NE,
		.flags = EXO_TERM_OR,
	};
}

unsigned
console_terms(struct exo_term *terms)
{
	unsigned n = 0;

	if (tx.page)
		terms[n++] = count_term(QUEUE_IN, in_seen);
	if (tx_busy && ldisc_out_bytes(&line))
		terms[n++] = count_term(QUEUE_OUT, out_seen);
	return n;
}

static bool
buffer_make(struct buffer *b)
{
	b->page = mem_new(1);
	if (b->page)
		b->pfn = mem_pfn((const void *)b->page);
	return b->page != NULL;
}

const char *
console_boot(bool is_tty, uint16_t rows, uint16_t cols)
{
	struct ktermios t;
	long ino = sfs_lookup("/dev/console");

	CONSOLE->l = &line;
	CONSOLE->guard = tty_guard();
	CONSOLE->ino = ino > 0 ? (uint32_t)ino : 0;
	tty_init(CONSOLE, is_tty);
	t = line.t;
	t.iflag |= IUTF8;		/* the host's terminals speak it */
	t.cflag |= HUPCL;
	tty_set(CONSOLE, &t);
	tty_shown(CONSOLE)->rows = rows;
	tty_shown(CONSOLE)->cols = cols;
	for (unsigned i = 0; i < RX_BUFFERS; i++)
		if (!buffer_make(&rx[i]))
			return "no memory for the console";
	if (CONSOLE->guard == 0 || !buffer_make(&tx))
		return "no memory for the console";
	for (unsigned i = 0; i < RX_BUFFERS; i++)
		rx_submit(&rx[i]);
	return NULL;
}

void
console_ended(uint64_t bytes)
{
	ended_at = bytes;
	show_end();
}

void
console_winsize(uint16_t rows, uint16_t cols)
{
	tty_resize(CONSOLE, rows | (uint32_t)cols << 16, 0);
}

void
console_read(uint32_t bytes)
{
	consumed += bytes;
}

/* Before the machine stops, which is to overtake nothing. */
void
console_drain(void)
{
	struct exo_term t = count_term(QUEUE_OUT, 0);

	for (console_poll(); tx_busy; console_poll()) {
		later_run(false);
		t.value = out_seen;
		exo_wait_for(&t, 1, 0, 0);
	}
}

uint64_t
console_consumed(void)
{
	return consumed;
}

int
server_tty_give_console(exo_envid env)
{
	return client_bind(env, KEY_TTY, CONSOLE->guard, EXO_R | EXO_P);
}
