/* SPDX-License-Identifier: ISC */
/*
 * Output to the machine's console.
 *
 * Output goes straight from a frame of this process to the device, under the
 * key of that queue, and the write returns when the device has it: so nothing
 * is lost when the process exits, and the exit status never overtakes output.
 * Input is the server's, who owns the receive queue and the line discipline.
 */
#include <exo/control.h>
#include "tty.h"
#include "../core/self.h"
#include "../arch/x86_64/arch.h"

#define PAGES 4u
#define PAGE_ROOM 4080u
#define DONE_OFFSET 4088u
#define PAGE_FIRST (WINDOW_FS + 128u)	/* behind the file windows */

static char *
page(unsigned i)
{
	return AT(char, EXOS_WINDOW + (PAGE_FIRST + i) * EXO_PAGE_BYTES);
}

static volatile u64 *
done_word(unsigned i)
{
	return (volatile u64 *)(page(i) + DONE_OFFSET);
}

/* The window's table is not inherited: a child makes pages of its own when it first writes. */
static bool
pages_make(void)
{
	for (unsigned i = 0; i < PAGES; i++)
		if (!(page_entry((u64)page(i)) & EXO_PTE_PRESENT)
			&& page_map_new((u64)page(i), EXO_MAP_READ | EXO_MAP_WRITE))
			return false;
	return true;
}

/* ---- output ------------------------------------------------------------------------------- */

/* NL becomes CR NL, in place, from the back: `newlines` more bytes. */
static void
expand(char *text, u32 bytes, u32 newlines)
{
	char *to = text + bytes + newlines;

	for (const char *from = text + bytes; from != to;) {
		*--to = *--from;
		if (*to == '\n')
			*--to = '\r';
	}
}

static u32
newlines_in(const char *text, u32 bytes)
{
	u32 n = 0;

	for (u32 i = 0; i < bytes; i++)
		n += text[i] == '\n';
	return n;
}

/* Fill a page with what the program wrote: bytes taken, or -EFAULT; *out: bytes to send. */
static long
page_fill(unsigned i, u64 buf, u64 bytes, bool cook, u32 *out)
{
	u32 part = bytes < PAGE_ROOM ? (u32)bytes : PAGE_ROOM;
	u32 newlines;

	if (cook && part > PAGE_ROOM / 2)
		part = PAGE_ROOM / 2;
	if (copy_in(page(i), buf, part))
		return -EFAULT;
	newlines = cook ? newlines_in(page(i), part) : 0;
	if (newlines)
		expand(page(i), part, newlines);
	*out = part + newlines;
	return part;
}

static exo_slot
queue_key(const struct file *f)
{
	return f->queue == 2 * EXO_PORT_STDERR + 1 ? KEY_ERR : KEY_OUT;
}

/* Hand `count` filled pages over and wait for each; signals have to wait, too. */
static long
pages_send(const struct file *f, struct exo_io *io, unsigned count)
{
	unsigned sent = 0;

	while (sent < count) {
		long n = exo_io_submit(0, f->queue, io + sent, count - sent, queue_key(f));

		if (n == -EXO_EBUSY)
			exos_park_to(0);
		else if (n <= 0)
			return -EIO;
		else
			sent += (unsigned)n;
	}
	for (unsigned i = 0; i < count; i++) {
		while (!(*done_word(i) & EXO_IO_DONE)) {
			struct exo_term t = term_word(done_word(i), EXO_IO_DONE, EXO_NE, 0);

			park_wait(&t, 1, 0);
		}
		if (*done_word(i) & EXO_IO_ERROR)
			return -EIO;
	}
	return 0;
}

long
console_put(const struct file *f, u64 buf, u64 bytes)
{
	bool cook = f->tty && (tty_termios(f)->oflag & (OPOST | ONLCR)) == (OPOST | ONLCR);
	u64 done = 0;

	if (!pages_make())
		return -ENOMEM;
	while (done < bytes) {
		struct exo_io io[PAGES];
		unsigned count = 0;
		u64 taken = done;
		long n = 0;

		while (count < PAGES && taken < bytes) {
			u32 out;

			n = page_fill(count, buf + taken, bytes - taken, cook, &out);
			if (n < 0)
				break;
			*done_word(count) = 0;
			io[count] = (struct exo_io){ .pfn = page_pfn(page(count)),
				.bytes = out,
				.done_offset = DONE_OFFSET,
				.key = KEY_SELF };
			count++;
			taken += (u64)n;
		}
		if (count == 0)
			return done ? (long)done : n;
		n = pages_send(f, io, count);
		if (n < 0)
			return done ? (long)done : n;
		done = taken;
	}
	return (long)bytes;
}
