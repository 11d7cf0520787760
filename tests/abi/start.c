/* SPDX-License-Identifier: ISC */
/* A native program that was given start information: its strings, its keys, the console queue. */
#include <exo/control.h>
#include "t.h"

enum { CHILD_ACCOUNT, CHILD_CONSOLE };

static exo_pfn console_pfn;

static void
fill(struct exo_start *start, const struct t_child *c)
{
	static const char strings[] = "prog\0first\0second\0NAME=value";

	*start = (struct exo_start){ .magic = EXO_START_MAGIC, .version = EXO_VERSION, .argc = 3,
		.envc = 1, .strings_bytes = sizeof(strings), .account = c->account,
		.k_account = CHILD_ACCOUNT, .k_env = EXO_NO_SLOT, .k_parent = EXO_NO_SLOT,
		.k_console = CHILD_CONSOLE, .k_log = EXO_NO_SLOT, .console_device = 0,
		.console_out = 2 * EXO_PORT_STDIO + 1, .console_in = 2 * EXO_PORT_STDIO,
		.console_pfn = console_pfn, .console_va = T_VA };
	__builtin_memcpy(start->strings, strings, sizeof(strings));
}

static bool
same(const char *a, const char *b)
{
	if (!a || !b)
		return a == b;
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

static void
native(uint64_t arg)
{
	const struct exo_start *start = exo_start_info();

	(void)arg;
	if (!start || !same(exo_arg(start, 0), "prog") || !same(exo_arg(start, 2), "second") ||
		!same(exo_arg(start, 3), "NAME=value") || exo_arg(start, 4))
		t_exit(1);
	for (unsigned line = 0; line < 40; line++)
		exo_printf("line %02u of 40, %lu %s\n", line, 12345678901234ul,
			"by the console queue");
	exo_exit(7);
}

TEST(start_information)
{
	const volatile struct exo_device *console = exo_device(0);
	struct exo_key key = { .len = 3, .rights = EXO_RIGHTS_ALL,
				.name = { EXO_NAME_DEVICE, 0, 2 * EXO_PORT_STDIO + 1 } };
	uint64_t sent = console ? console->bytes[2 * EXO_PORT_STDIO + 1] : 0;
	struct t_child c;

	if (!CHECK(console && console->class_ == EXO_DEV_CONSOLE))
		return;
	console_pfn = t_claim(1);
	t_children_start = fill;
	OK(t_narrow(K_ROOT, K_FREE, key));
	OK(t_narrow(K_ROOT, K_FREE + 1, t_key(EXO_R | EXO_W, "")));
	if (!t_child(&c, native, 0, 0))
		return;
	t_children_start = NULL;
	IS(t_map_op(c.id, T_VA, console_pfn, EXO_OP_MAP | EXO_MAP_WRITE, K_ROOT, K_ROOT), 1);
	t_give(&c, K_FREE + 1, CHILD_ACCOUNT);	/* for the frame, which is ours */
	t_give(&c, K_FREE, CHILD_CONSOLE);
	t_start(&c);
	IS(t_wait(&c), T_EXIT(7));
	IS(console->bytes[2 * EXO_PORT_STDIO + 1] - sent, 40 * 51);
	t_reap(&c);
	t_release(console_pfn, 1);
}
