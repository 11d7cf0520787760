/* SPDX-License-Identifier: ISC */
/* The end of a process, by its own will or a signal's default action. */
#include "proc.h"
#include "../thread/futex.h"

noreturn_ void
proc_exit(int wait_status)
{
	const u32 zero = 0;

	for (struct thread *t = thread_first(); t; t = t->next)
		robust_end(t);
	if (current->clear_tid)
		copy_out(current->clear_tid, &zero, sizeof(zero));
	fd_exit();
	server_call(OP_EXIT, (u64)wait_status, 0, 0, 0, 0, NULL);
	__builtin_trap(); /* the server does not return to the dead */
}
