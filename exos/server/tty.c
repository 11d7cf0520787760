/* SPDX-License-Identifier: ISC */
/*
 * The machine's console as a terminal, or as a stream of bytes.
 *
 * The server alone receives: buffers of its own wait in the console's receive
 * queue, in order.  What arrives goes through the line discipline into a ring
 * that processes read by request; when the ring is full buffers stay as they
 * are and the host has to wait, so nothing of a stream is lost.  Echo goes out
 * from here, too; programs' output does not (they hold the key of that queue).
 *
 * Whoever reads waits on sh_tty.avail and sh_tty.eof in the shared region.
 */
#include "srv.h"
#include "ldisc.h"
#include <exo/control.h>

#define CONSOLE 0u
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
static bool tx_busy;
static uint64_t received, consumed, ended_at = ~0ull;
static uint64_t in_seen, out_seen;	/* the queues' completion counts before the last look */

static struct sh_tty *
shown(void)
{
	return &server_shared_info()->tty;
}

static volatile uint64_t *
done_word(const struct buffer *b)
{
	return (volatile uint64_t *)(b->page + DONE_OFFSET);
}

static void
show_state(void)
{
	shown()->avail = ldisc_available(&line);
	shown()->eof = received >= ended_at;
	server_shared_info()->changes++;
}

static void
show_termios(void)
{
	__builtin_memcpy(shown()->termios, &line.t, sizeof(line.t));
}

/* ---- receiving --------------------------------------------------------------------------- */

static void
rx_submit(struct buffer *b)
{
	struct exo_io io = {
		.pfn = b->pfn, .bytes = BUFFER_BYTES, .done_offset = DONE_OFFSET, .key = ROOT_KEY,
	};

	*done_word(b) = 0;
	b->used = 0;
	exo_io_submit(CONSOLE, QUEUE_IN, &io, 1, ROOT_KEY);
}

static void
take(uint8_t c)
{
	int sig = ldisc_input(&line, c);

	received++;
	if (sig)
		server_signal_group(shown()->pgrp, sig);
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
	while (b->used < bytes && ldisc_room(&line))
		take(b->page[b->used++]);
	if (b->used < bytes)
		return false;
	rx_submit(b);
	rx_next = (rx_next + 1) % RX_BUFFERS;
	return true;
}

/* ---- echo ------------------------------------------------------------------------------------ */

static void
echo_send(void)
{
	struct exo_io io = {
		.pfn = tx.pfn, .bytes = line.echoes, .done_offset = DONE_OFFSET, .key = ROOT_KEY,
	};

	if (tx_busy && *done_word(&tx) & EXO_IO_DONE)
		tx_busy = false;
	if (tx_busy || line.echoes == 0)
		return;
	if (io.bytes > BUFFER_BYTES)
		io.bytes = BUFFER_BYTES;
	__builtin_memcpy((void *)tx.page, line.echo, io.bytes);
	*done_word(&tx) = 0;
	if (exo_io_submit(CONSOLE, QUEUE_OUT, &io, 1, ROOT_KEY) < 1)
		return;			/* queue full: the next time something arrives */
	tx_busy = true;
	line.echoes -= io.bytes;
	__builtin_memmove(line.echo, line.echo + io.bytes, line.echoes);
}

/* ---- the main loop's side ---------------------------------------------------------------------- */

void
tty_poll(void)
{
	const volatile struct exo_device *console = exo_device(CONSOLE);

	if (!tx.page)
		return;
	in_seen = console->completed[QUEUE_IN];
	out_seen = console->completed[QUEUE_OUT];
	while (rx_take(
		&rx[rx_next])) /* bound: the host fills no faster than we hand back, 4 a round */
		;
	echo_send();
	show_state();
}

/*
 * On the exposed counts, not on completion words: a request may look at the
 * buffers while the loop waits, and then the loop's terms must still be right.
 */
static struct exo_term
count_term(unsigned queue, uint64_t seen)
{
	return (struct exo_term){
		.where = (uint64_t)&exo_device(CONSOLE)->completed[queue],
		.mask = ~0ull,
		.value = seen,
		.cmp = EXO_NE,
		.flags = EXO_TERM_OR,
	};
}

unsigned
tty_terms(struct exo_term *terms)
{
	unsigned n = 0;

	if (tx.page)
		terms[n++] = count_term(QUEUE_IN, in_seen);
	if (tx_busy && line.echoes)
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

void
tty_boot(bool is_tty, uint16_t rows, uint16_t cols)
{
	ldisc_init(&line, is_tty);
	shown()->is_tty = is_tty;
	shown()->rows = rows;
	shown()->cols = cols;
	show_termios();
	for (unsigned i = 0; i < RX_BUFFERS; i++)
		if (!buffer_make(&rx[i]))
			return;
	if (!buffer_make(&tx))
		return;
	for (unsigned i = 0; i < RX_BUFFERS; i++)
		rx_submit(&rx[i]);
}

void
tty_input_ended(uint64_t bytes)
{
	ended_at = bytes;
	show_state();
}

void
tty_winsize(uint16_t rows, uint16_t cols)
{
	if (shown()->rows == rows && shown()->cols == cols)
		return;
	shown()->rows = rows;
	shown()->cols = cols;
	server_signal_group(shown()->pgrp, SIGWINCH);
}

void
server_tty_session(uint32_t sid, uint32_t pgrp)
{
	shown()->session = sid;
	shown()->pgrp = pgrp;
}

uint32_t
server_tty_pgrp(void)
{
	return shown()->pgrp;
}

/* ---- requests ------------------------------------------------------------------------------------ */

static long
read_request(struct request *r)
{
	uint8_t bytes[1024];
	uint32_t max = r->a < EXO_PAGE_BYTES ? (uint32_t)r->a : EXO_PAGE_BYTES, done = 0, n;

	tty_poll();
	if (ldisc_available(&line) == 0)
		return received >= ended_at ? 0 : -EAGAIN;
	do {
		n = ldisc_read(&line, bytes,
			max - done < sizeof(bytes) ? max - done : sizeof(bytes));
		__builtin_memcpy(r->comm + done, bytes, n);
		done += n;
	} while (!line.tty && n && done < max && ldisc_available(&line));
	consumed += done;
	tty_poll();
	return (long)done;
}

uint64_t
tty_consumed(void)
{
	return consumed;
}

static long
set_request(struct request *r)
{
	struct ktermios t;

	switch (r->a) {
	case TTY_SET_SIZE:
		tty_winsize((uint16_t)r->b, (uint16_t)r->c);
		return 0;
	case TTY_SET_DISCARD:
		ldisc_discard(&line);
		show_state();
		return 0;
	case TTY_SET_NOW:
	case TTY_SET_DRAIN:
	case TTY_SET_FLUSH:
		break;
	default:
		return -EINVAL;
	}
	__builtin_memcpy(&t, r->comm, sizeof(t));
	if (r->a == TTY_SET_FLUSH)
		ldisc_discard(&line);
	ldisc_set(&line, &t);
	show_termios();
	show_state();
	return 0;
}

static long
pgrp_request(struct request *r)
{
	const struct sh_proc *table = server_proc_table();

	if (!r->proc->tty || r->proc->sid != shown()->session)
		return -ENOTTY;
	for (unsigned i = 0; i < proc_rows && r->a && r->a >> 32 == 0; i++) {
		if (table[i].state == PROC_FREE || table[i].pgid != r->a)
			continue;
		if (table[i].sid != r->proc->sid)
			return -EPERM;
		shown()->pgrp = (uint32_t)r->a;
		return 0;
	}
	return -EPERM;
}

static long
ctty_request(struct request *r)
{
	const struct sh_proc *table = server_proc_table();

	if (r->a) {
		r->proc->tty = 0;
		return 0;
	}
	if (r->proc->sid != r->proc->pid)
		return -EPERM;
	for (unsigned i = 0; i < proc_rows; i++)
		if (table[i].state != PROC_FREE && table[i].tty && table[i].sid != r->proc->sid)
			return -EPERM;		/* another session has it */
	r->proc->tty = 1;
	server_tty_session(r->proc->sid, r->proc->pgid);
	return 0;
}

long
tty_request(struct request *r, uint32_t op)
{
	switch (op) {
	case OP_TTY_READ: return read_request(r);
	case OP_TTY_SET: return line.tty ? set_request(r) : -ENOTTY;
	case OP_TTY_PGRP: return pgrp_request(r);
	case OP_TTY_CTTY: return line.tty ? ctty_request(r) : -ENOTTY;
	default: return -ENOSYS;
	}
}
