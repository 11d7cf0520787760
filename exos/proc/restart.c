/* SPDX-License-Identifier: ISC */
/*
 * Calls that a signal interrupted: begun anew, continued, or ended with EINTR.
 * signal(7) says which; what a call adds about itself lies beside its number
 * in the save slot, so that the next call starts without it.
 */
#include "signal.h"
#include "../linux/calls.h"
#include "../thread/thread.h"

#define NEVER (1ull << 32)	/* in REGS_CALL */
#define CONTINUE (1ull << 33)
#define NONE (~0ull)
#define NR_RESTART 219u
#define SYSCALL_BYTES 2u

static u64 *
call_in_progress(void)
{
	return &REGS_CALL(&UAREA->save[0]);
}

void
restart_never(void)
{
	*call_in_progress() |= NEVER;
}

long
restart_from(const struct restart *r)
{
	current->restart = *r;
	*call_in_progress() |= CONTINUE;
	return -EINTR;
}

long
sys_restart_syscall(void)
{
	struct restart r = current->restart;

	return r.again ? r.again(&r) : -EINTR;
}

/* Even when the process only stopped and went on: sigtimedwait, epoll, semop. */
static bool
always_ends(u32 number)
{
	static const u16 list[] = { 65, 128, 220, 232, 281, 441 };

	for (unsigned n = 0; n < sizeof(list) / sizeof(list[0]); n++) {
		if (list[n] == number)
			return true;
	}
	return false;
}

bool
restart_ends_by_stop(void)
{
	return always_ends((u32)*call_in_progress());
}

/* By any handler, whatever its flags: poll, select, pause, nanosleep, msgsnd, msgrcv and their like. */
static bool
ends_by_handler(u32 number)
{
	static const u16 list[] = { 7, 23, 34, 35, 69, 70, 130, 230, 270, 271 };

	for (unsigned n = 0; n < sizeof(list) / sizeof(list[0]); n++) {
		if (list[n] == number)
			return true;
	}
	return always_ends(number);
}

static bool
interrupted(const struct exo_save *regs)
{
	return REGS_CALL(regs) != NONE && (long)regs->rax == -EINTR;
}

static void
again(struct exo_save *regs, u64 number)
{
	regs->rax = number;
	regs->rip -= SYSCALL_BYTES;
	REGS_CALL(regs) = NONE;
}

void
restart_handled(struct exo_save *regs, u64 action_flags)
{
	u64 call = REGS_CALL(regs);

	if (interrupted(regs) && action_flags & SA_RESTART_ && !(call & (NEVER | CONTINUE)) &&
		!ends_by_handler((u32)call))
		again(regs, (u32)call);
	REGS_CALL(regs) = NONE;
}

void
restart_unhandled(struct exo_save *regs)
{
	u64 call = REGS_CALL(regs);

	if (!interrupted(regs) || call & NEVER || always_ends((u32)call))
		return;
	again(regs, call & CONTINUE ? NR_RESTART : (u32)call);
}
