/* SPDX-License-Identifier: ISC */
/*
 * From a Linux call's number to the function that serves it.  A number that
 * nobody serves gives -ENOSYS and one line in the log for each program.
 */
#include "../core/exos.h"
#include "calls.h"
#include "errno.h"
#include "trace.h"

#define NUMBERS 512u

static u64 complained[NUMBERS / 64];

static long
unknown(u64 number)
{
	if (number >= NUMBERS)
		return -ENOSYS;
	if (!(complained[number / 64] >> (number % 64) & 1)) {
		complained[number / 64] |= 1ull << (number % 64);
		exos_log("%s: Linux call %lu is not served", (const char *)(u64)PROC->name, number);
	}
	return -ENOSYS;
}

#define ARGUMENTS_0(r)
#define ARGUMENTS_1(r) (long)(r)->rdi
#define ARGUMENTS_2(r) ARGUMENTS_1(r), (long)(r)->rsi
#define ARGUMENTS_3(r) ARGUMENTS_2(r), (long)(r)->rdx
#define ARGUMENTS_4(r) ARGUMENTS_3(r), (long)(r)->r10
#define ARGUMENTS_5(r) ARGUMENTS_4(r), (long)(r)->r8
#define ARGUMENTS_6(r) ARGUMENTS_5(r), (long)(r)->r9

/* A row of the table as a case; the switch below is nothing else. */
/* clang-format off */
#define X(nr, name, arguments) case nr: return sys_##name(ARGUMENTS_##arguments(regs));
#define X_REGS(nr, name) case nr: return sys_##name(regs);
#define X_REFUSED(nr, name, error) case nr: return -(error);
/* clang-format on */

static long
serve(u64 number, struct exo_save *regs)
{
	switch (number) {
#include "table.inc"
	default: return unknown(number);
	}
}

void
linux_dispatch(struct exo_save *regs)
{
	u64 number = (u32)regs->rax;	/* Linux looks at no more */

	REGS_CALL(regs) = number;
	if (SHARED->trace)
		trace_enter(number, regs);
	regs->rax = (u64)serve(number, regs);
	if (SHARED->trace)
		trace_leave(number, (long)regs->rax);
}
