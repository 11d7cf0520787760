/* SPDX-License-Identifier: ISC */
/*
 * The control channel: what the host's `exo` command says and is told
 * (docs/console.md).  Messages out are built in one frame, sent, and waited
 * for: they are few, and the last ones must arrive before the machine stops.
 */
#include "srv.h"
#include "fsmeta.h"
#include "crash.h"
#include "keeper.h"
#include "undo.h"
#include <errno.h>
#include <exo/control.h>
#include <exo/trace.h>

#define QUEUE_IN (2 * EXO_PORT_CONTROL)
#define DONE_AT 4088u

static unsigned char in_page[EXO_PAGE_BYTES] __attribute__((aligned(4096)));
static unsigned char pending[EXO_PAGE_BYTES];	/* a message that is not complete yet */
static unsigned pending_bytes;

static volatile uint64_t *
done_word(unsigned char *page)
{
	return (volatile uint64_t *)(page + DONE_AT);
}

static void
listen(void)
{
	*done_word(in_page) = 0;
	later(LATER_HEARD, 0, 0);
}

void
control_receive(void)
{
	struct exo_io io = {
		.pfn = server_phys(in_page) / EXO_PAGE_BYTES, .bytes = 2048, .done_offset = DONE_AT,
		.key = ROOT_KEY,
	};

	if (!later_with_device(in_page, done_word(in_page)))
		exo_io_submit(0, QUEUE_IN, &io, 1, ROOT_KEY);
}

void
control_boot(void)
{
	in_page[0] = 0;			/* touched: bound before it is named to a device */
	listen();
}

unsigned
control_terms(struct exo_term *t)
{
	t[0] = (struct exo_term){
		.where = server_phys(done_word(in_page)),
		.mask = ~0ull,
		.value = 0,
		.key = ROOT_KEY,
		.cmp = EXO_NE,
		.flags = EXO_TERM_OR,
		.tag = 2,
	};
	return 1;
}

/* ---- from the host --------------------------------------------------------------------- */

static uint64_t
number(const unsigned char *p, unsigned bytes)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < bytes; i++)
		n |= (uint64_t)p[i] << (8 * i);
	return n;
}

static void
message(unsigned type, const unsigned char *payload, unsigned bytes)
{
	struct proc *p = proc_by_pid(run_pid);

	if (type == EXO_CONTROL_EOF && bytes >= 8)
		console_ended(number(payload, 8));
	else if (type == EXO_CONTROL_WINSIZE && bytes >= 4)
		console_winsize((uint16_t)number(payload, 2), (uint16_t)number(payload + 2, 2));
	else if (type == EXO_CONTROL_SIGNAL && bytes >= 4 && p && number(payload, 4) - 1 < 64)
		server_signal_group(p->sh->pgid, (int)number(payload, 4));
}

static void
messages(void)
{
	unsigned at = 0;

	while (pending_bytes - at >= 4) {	/* bound: each round consumes a header */
		unsigned bytes = (unsigned)number(pending + at + 2, 2);

		if (bytes > EXO_CONTROL_MAX) {
			at = pending_bytes;	/* not our protocol: start afresh */
			break;
		}
		if (pending_bytes - at < 4 + bytes)
			break;
		message(pending[at], pending + at + 4, bytes);
		at += 4 + bytes;
	}
	pending_bytes -= at;
	__builtin_memmove(pending, pending + at, pending_bytes);
}

void
control_poll(void)
{
	uint64_t done = *done_word(in_page);
	unsigned bytes = (unsigned)(done & 0xffff);

	if (!(done & EXO_IO_DONE))
		return;
	if (bytes > 2048 || bytes > sizeof(pending) - pending_bytes)
		bytes = 0;
	__builtin_memcpy(pending + pending_bytes, in_page, bytes);
	pending_bytes += bytes;
	messages();
	listen();
}

/* ---- to the host --------------------------------------------------------------------------- */

/* At the end, when nobody else is waiting any more. */
static void
send(unsigned type, const void *head, unsigned head_bytes, const void *rest, unsigned rest_bytes)
{
	const struct outbox_part part[2] = { { head, head_bytes }, { rest, rest_bytes } };

	while (!outbox_put(type, part))
		outbox_flush();
	undo_forget();
}

bool
control_ktrace(uint64_t lost, const struct exo_trace *records, unsigned count)
{
	const struct outbox_part part[2] = {
		{ &lost, sizeof(lost) }, { records, count * (unsigned)sizeof(*records) }
	};

	return outbox_put(EXO_CONTROL_KTRACE, part);
}

/* What the kernel recorded before goes first.  False: no room now. */
bool
control_trace(const char *text, uint32_t bytes)
{
	const struct outbox_part part[2] = { { text, bytes }, { NULL, 0 } };

	trace_forward();
	return bytes > EXO_CONTROL_MAX || outbox_put(EXO_CONTROL_TRACE, part);
}

static void
send_contents(uint32_t ino, uint64_t size)
{
	static unsigned char buffer[EXO_PAGE_BYTES];

	for (uint64_t at = 0; at < size;) {
		uint64_t want = size - at < 4000 ? size - at : 4000;
		long got = sfs_read(ino, at, buffer, want);

		if (got <= 0) {			/* announced bytes must come: a hole reads as zero */
			got = (long)want;
			__builtin_memset(buffer, 0, want);
		}
		send(EXO_CONTROL_DATA, buffer, (unsigned)got, NULL, 0);
		at += (uint64_t)got;
	}
}

static void
send_one(uint32_t index, uint32_t ino, const char *name)
{
	const struct fs_inode *node = sfs_inode(ino);
	struct exo_control_file head = { .index = index,
		.mode = node->mode,
		.mtime_ns = node->mtime_ns };
	char text[1300];
	unsigned bytes = (unsigned)exo_snprintf(text, 1000, "%s", name) + 1;
	bool regular = (node->mode & 0170000) == 0100000;

	text[bytes] = 0;
	if ((node->mode & 0170000) == 0120000) {
		long n = sfs_read(ino, 0, text + bytes, 255);

		bytes += n > 0 ? (unsigned)n : 0;
	}
	text[bytes++] = 0;
	head.bytes = regular ? node->size : 0;
	send(EXO_CONTROL_FILE, &head, sizeof(head), text, bytes);
	if (regular)
		send_contents(ino, node->size);
}

#define GET_DEPTH 16

/* A directory sends itself, then what is below it, parents first; recursion-free. */
static void
send_tree(uint32_t index, uint32_t top)
{
	struct { uint32_t ino; uint64_t at; unsigned name_bytes; } stack[GET_DEPTH];
	unsigned depth = 1;
	char name[1000] = "", entry[256];

	stack[0].ino = top;
	stack[0].at = 0;
	stack[0].name_bytes = 0;
	send_one(index, top, "");
	while (depth) {
		uint32_t ino = sfs_next(stack[depth - 1].ino, &stack[depth - 1].at, entry);
		unsigned base = stack[depth - 1].name_bytes;

		if (ino == 0) {
			depth--;
			continue;
		}
		exo_snprintf(name + base, sizeof(name) - base, base ? "/%s" : "%s", entry);
		send_one(index, ino, name);
		if ((sfs_inode(ino)->mode & 0170000) == 0040000 && depth < GET_DEPTH) {
			stack[depth].ino = ino;
			stack[depth].at = 0;
			stack[depth].name_bytes = (unsigned)__builtin_strlen(name);
			depth++;
		}
	}
}

static void
send_gets(void)
{
	for (unsigned i = 0; i < run.gets; i++) {
		long ino = sfs_lookup(run.get[i]);
		uint32_t missing[2] = { i, (uint32_t)-ino };

		if (ino < 0)
			send(EXO_CONTROL_NOFILE, missing, sizeof(missing), NULL, 0);
		else if ((sfs_inode((uint32_t)ino)->mode & 0170000) == 0040000)
			send_tree(i, (uint32_t)ino);
		else
			send_one(i, (uint32_t)ino, "");
	}
}

static void
cpus_sum(struct exo_cpu *sum)
{
	*sum = (struct exo_cpu){ 0 };
	for (uint32_t cpu = 0; cpu < exo_info()->cpus; cpu++) {
		const volatile struct exo_cpu *c = exo_cpu(cpu);

		sum->switches += c->switches;
		sum->interrupts += c->interrupts;
		if (c->entry_max > sum->entry_max)
			sum->entry_max = c->entry_max;
	}
}

static void
send_stats(void)
{
	const volatile struct exo_info *info = exo_info();
	struct proc_counts sum;
	struct exo_cpu cpus;
	static char sites[EXO_CONTROL_MAX];
	char text[1024];
	size_t n;

	proc_count(&sum);
	cpus_sum(&cpus);
	n = exo_snprintf(text, sizeof(text),
		"frames %lu of %lu in use\nslices %lu\nkernel calls %lu\nreflected calls %lu\n"
		"control transfers %lu\nupcalls %lu\npage faults delivered %lu\n",
		server_shared_info()->memory_frames - info->free_frames,
		server_shared_info()->memory_frames, sum.slices, sum.calls,
		sum.reflected, sum.transfers, sum.upcalls, sum.faults);
	n += exo_snprintf(text + n, sizeof(text) - n,
		"address-space switches %lu\ninterrupts %lu\n"
		"longest kernel entry %lu cycles, with what the host did meanwhile\n"
		"time %lu us\n",
		cpus.switches, cpus.interrupts, cpus.entry_max,
		exo_now_ns() / 1000);
	send(EXO_CONTROL_STATS, text, (unsigned)n, NULL, 0);
	send(EXO_CONTROL_STATS, text, stats_frames(text, sizeof(text)), NULL, 0);
	send(EXO_CONTROL_STATS, sites, sites_text(sites, sizeof(sites)), NULL, 0);
}

void
control_finish(uint32_t kind, uint32_t value, const char *why)
{
	const volatile struct exo_device *console = exo_device(0);
	struct exo_control_exit end;

	server_booted = false;		/* this cannot be begun again */
	crash_end();
	console_drain();
	end = (struct exo_control_exit){
		.kind = kind, .value = value,
		.stdout_bytes = console->bytes[2 * EXO_PORT_STDIO + 1],
		.stderr_bytes = console->bytes[2 * EXO_PORT_STDERR + 1],
		.stdin_bytes = console_consumed(),
	};

	trace_forward();
	send(EXO_CONTROL_EXIT, &end, sizeof(end), why, (unsigned)__builtin_strlen(why));
	send_gets();
	if (run.stats)
		send_stats();
	send(EXO_CONTROL_DONE, NULL, 0, NULL, 0);
	outbox_flush();
	exo_machine_off(0, ROOT_KEY);
	for (;;)
		exo_yield(0);
}
