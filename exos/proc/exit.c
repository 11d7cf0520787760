/* SPDX-License-Identifier: ISC */
/* The end of a process, by its own will or a signal's default action. */
#include "proc.h"

noreturn_ void
proc_exit(int wait_status)
{
	const u32 zero = 0;

	if (clear_child_tid)
		copy_out(clear_child_tid, &zero, sizeof(zero));
	fd_exit();
	server_call(OP_EXIT, (u64)wait_status, 0, 0, 0, 0, NULL);
	__builtin_trap(); /* the server does not return to the dead */
}
