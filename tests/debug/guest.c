/* SPDX-License-Identifier: ISC */
/*
 * What the debugger's commands are tried on: known objects, and a place where
 * gdb stops with all of them there.  debug_names tells it their names.
 */
#include "t.h"

struct names {
	exo_envid child;
	exo_pfn account, frame;
	exo_guardref guard;
} debug_names;

void debug_here(void);

__attribute__((noinline)) void
debug_here(void)
{
	__asm__ volatile("" : : "r"(&debug_names) : "memory");
}

/* Waits for a word of its own to change, which it never does. */
static void
child(uint64_t arg)
{
	struct exo_term term = {
		.where = EXO_INFO + offsetof(struct exo_info, deaths), .mask = ~0ull, .value = arg,
		.cmp = EXO_EQ, .tag = 7,
	};

	exo_wait_for(&term, 1, 0, 0);
	t_exit(0);
}

TEST(debug)
{
	const struct exo_key entries[EXO_GUARD_KEYS] = { t_key(EXO_R | EXO_W | EXO_C, "Xyz") };
	exo_pfn pfn = t_claim(2);
	struct t_child c;

	if (!t_child(&c, child, 1000, 0))
		return;
	debug_names.child = c.id;
	debug_names.account = c.account;
	debug_names.frame = pfn;
	debug_names.guard = EXO_GUARD(pfn + 1, 3);
	OK(exo_guard_create(debug_names.guard, entries, K_ROOT));
	IS(exo_frame_guard(pfn, 1, debug_names.guard, K_ROOT, K_ROOT), 1);
	OK(exo_key_bind(debug_names.guard, EXO_R, K_ROOT, K_FREE));
	IS(exo_frame_mark(pfn, 1, EXO_FRAME_PUBLIC, 0, K_ROOT), 1);
	IS(t_map(T_VA, pfn, EXO_MAP_READ), 1);
	t_start(&c);
	exo_yield(0);
	exo_yield(0);
	debug_here();
	IS(t_unmap(T_VA), 1);
	exo_key_drop(K_FREE, 1);
	t_reap(&c);
	OK(exo_guard_free(debug_names.guard, K_ROOT));
	t_release(pfn, 2);
}
