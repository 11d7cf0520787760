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
unknown(u32 number)
{
	if (number >= NUMBERS)
		return -ENOSYS;
	if (!(complained[number / 64] >> (number % 64) & 1)) {
		complained[number / 64] |= 1ull << (number % 64);
		exos_log("%s: Linux call %u is not served", (const char *)(u64)PROC->name, number);
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
serve(struct exo_save *regs)
{
	switch ((u32)regs->rax) {	/* Linux looks at no more of it */
#include "table.inc"
	default: return unknown((u32)regs->rax);
	}
}

/* What waited may go on at another CPU: the result goes where the program's registers are then. */
void
linux_dispatch(struct exo_save *regs)
{
	const u64 number = (u32)regs->rax;
	const bool traced = SHARED->trace;
	long result;

	REGS_CALL(regs) = number;
	if (traced)
		trace_enter(number, regs);
	result = serve(regs);
	program_regs()->rax = (u64)result;
	if (traced)
		trace_leave(number, result);
}
