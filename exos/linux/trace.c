/* SPDX-License-Identifier: ISC */
/*
 * The tracer: a call's name and arguments are formatted when it begins (it
 * may change the registers, or be the last), and sent with the result when it
 * ends.  The text goes to the host by the server's trace channel.
 */
#include "trace.h"
#include "../core/self.h"
#include "../thread/thread.h"
#include "errno.h"

#define LINE 512u
#define TEXT_MAX 48u

static char line[LINE];
static u32 used;
static u32 whose;			/* tid of the thread whose call the line is; 0: it was sent */

struct row {
	const char *name;
	unsigned arguments;
};

/* clang-format off */
#define X(nr, name, arguments) case nr: return (struct row){ #name, arguments };
#define X_REGS(nr, name) case nr: return (struct row){ #name, 5 };
#define X_REFUSED(nr, name, error) case nr: return (struct row){ #name, 4 };
/* clang-format on */

static struct row
row_of(u64 number)
{
	switch (number) {
#include "table.inc"
	default: return (struct row){ NULL, 6 };
	}
}

/* Which argument is a path: by number, because the table is about values only.  -1: none. */
static int
path_argument(u64 number)
{
	static const u16 first[] = { 2, 4, 6, 21, 59, 76, 80, 82, 83, 84, 85, 86, 87, 88, 89, 90,
		92, 94, 133, 137 };
	static const u16 second[] = { 257, 258, 259, 260, 262, 263, 264, 265, 267, 268, 269, 280,
		322, 332, 439 };

	for (unsigned n = 0; n < sizeof(first) / sizeof(first[0]); n++) {
		if (first[n] == number)
			return 0;
	}
	for (unsigned n = 0; n < sizeof(second) / sizeof(second[0]); n++) {
		if (second[n] == number)
			return 1;
	}
	return -1;
}

__attribute__((format(printf, 1, 2))) static void
add(const char *format, ...)
{
	__builtin_va_list args;

	__builtin_va_start(args, format);
	used += (u32)exo_format(line + used, LINE - used, format, args);
	__builtin_va_end(args);
	if (used >= LINE)
		used = LINE - 1;
}

static void
add_path(u64 address)
{
	char text[TEXT_MAX];
	long length = copy_in_string(text, address, sizeof(text));

	if (length == -EFAULT) {
		add("0x%lx", address);
		return;
	}
	text[TEXT_MAX - 1] = '\0';
	add("\"%s\"%s", text, length < 0 ? "..." : "");
}

static void
add_value(u64 value)
{
	if ((long)value > -4096 && (long)value < 65536)
		add("%ld", (long)value);
	else
		add("0x%lx", value);
}

static void
send(void)
{
	for (;;) {
		const u64 seen = SHARED->trace_taken;
		const struct exo_term more =
			term_word(&SHARED->trace_taken, ~0ull, EXO_NE, seen);
		long error;

		memcpy(COMM, line, used);
		error = server_call(OP_TRACE, used, 0, 0, 0, 0, NULL);
		if (error != -EAGAIN || park_wait(&more, 1, 0) < 0)
			break;
	}
	whose = used = 0;
}

void
trace_enter(u64 number, const struct exo_save *regs)
{
	const u64 value[6] = { regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8, regs->r9 };
	const struct row row = row_of(number);

	if (whose) {			/* another thread's, which waits */
		add(" ...\n");
		send();
	}
	whose = current->tid;
	add("[%u] ", whose);
	if (row.name)
		add("%s(", row.name);
	else
		add("call_%lu(", number);
	for (unsigned n = 0; n < row.arguments; n++) {
		add("%s", n ? ", " : "");
		if ((int)n == path_argument(number))
			add_path(value[n]);
		else
			add_value(value[n]);
	}
	add(")");
	if (number == 60 || number == 231) { /* exit does not come back */
		add(" = ?\n");
		send();
	}
}

void
trace_leave(u64 number, long result)
{
	const struct row row = row_of(number);

	if (whose != current->tid) {
		if (whose) {
			add(" ...\n");
			send();
		}
		add("[%u] ... %s", current->tid, row.name ? row.name : "call");
	}
	add(" = ");
	add_value((u64)result);
	add("\n");
	send();
}
