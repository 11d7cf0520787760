/* SPDX-License-Identifier: ISC */
/*
 * What is on its way to the host's command: a ring of bytes, of which a page
 * at a time is with the device.  Who has something to say puts a whole message
 * in or is told that there is no room; nobody waits for the host here, but at
 * the very end (outbox_flush), when the last messages must arrive before the
 * machine stops.
 */
#include "srv.h"
#include "undo.h"
#include <exo/control.h>

#define QUEUE_OUT (2 * EXO_PORT_CONTROL + 1)
#define DONE_AT 4088u
#define ROOM (32u << 10)		/* several of the longest messages */

static unsigned char page[EXO_PAGE_BYTES] __attribute__((aligned(4096)));
static unsigned char ring[ROOM];
static uint64_t put, taken;		/* bytes ever */
static unsigned flying;			/* of them with the device, */
static bool waits;			/* ... or it had no room for them */

static volatile uint64_t *
done(void)
{
	return (volatile uint64_t *)(page + DONE_AT);
}

static struct exo_term
term_done(void)
{
	return (struct exo_term){
		.where = server_phys(done()), .mask = ~0ull, .value = 0, .key = ROOT_KEY,
		.cmp = EXO_NE,
	};
}

void
outbox_poll(void)
{
	if (flying && waits)
		later(LATER_TOLD, 0, 0);
	if (flying && !*done())
		return;
	if (flying) {
		taken += flying;
		flying = 0;
		server_shared_info()->trace_taken++;
		server_told();
	}
	for (; put - taken > flying && flying < DONE_AT; flying++)
		page[flying] = ring[(taken + flying) % ROOM];
	if (flying == 0)
		return;
	*done() = 0;
	later(LATER_TOLD, 0, 0);
}

void
outbox_send(void)
{
	struct exo_io io = {
		.pfn = server_phys(page) / EXO_PAGE_BYTES, .bytes = flying, .done_offset = DONE_AT,
		.key = ROOT_KEY,
	};

	waits = false;
	if (!later_with_device(page, done()))
		waits = exo_io_submit(0, QUEUE_OUT, &io, 1, ROOT_KEY) != 1;
}

static void
append(const unsigned char *from, unsigned bytes)
{
	for (unsigned n = 0; n < bytes; n++, put++)
		ring[put % ROOM] = from[n];
}

bool
outbox_put(unsigned type, const struct outbox_part part[2])
{
	const unsigned bytes = part[0].bytes + part[1].bytes;
	const unsigned char head[4] = { (unsigned char)type, 0, (unsigned char)bytes,
		(unsigned char)(bytes >> 8) };

	if (put - taken + sizeof(head) + bytes > ROOM)
		return false;
	append(head, sizeof(head));
	append(part[0].at, part[0].bytes);
	append(part[1].at, part[1].bytes);
	outbox_poll();
	return true;
}

/* As long as there is something that waits and the device has none of it. */
bool
outbox_stuck(void)
{
	return waits || (!flying && put != taken);
}

unsigned
outbox_terms(struct exo_term *t)
{
	if (!flying)
		return 0;
	t[0] = term_done();
	t[0].flags = EXO_TERM_OR;
	t[0].tag = 4;
	return 1;
}

void
outbox_flush(void)
{
	while (put != taken) {
		const struct exo_term sent = term_done();

		outbox_poll();
		later_run(false);
		if (!flying || waits)
			exo_yield(0);
		else if (!*done())
			exo_wait_for(&sent, 1, 0, 0);
	}
}
