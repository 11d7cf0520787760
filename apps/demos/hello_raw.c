/* SPDX-License-Identifier: ISC */
/*
 * A program with no operating system: no library OS, no libc, no heap.  What
 * runs here is this file, the stubs of the kernel calls, and the processor.
 */
#include <exo/lib.h>
#include <exo/read.h>

EXO_NATIVE_NOTE;

int
exo_main(const struct exo_start *start)
{
	const volatile struct exo_env *me = exo_env(exo_self());

	exo_print("hello, world\n");
	exo_printf("I am environment 0x%lx, in account 0x%x.\n", exo_self(), me->account);
	exo_printf("%lu of %lu frames are free, %lu ms since boot.\n", exo_info()->free_frames,
		exo_info()->frames, exo_now_ns() / 1000000);
	for (uint32_t n = 0; start && n < start->argc; n++)
		exo_printf("argument %u: %s\n", n, exo_arg(start, n));
	return 0;
}
