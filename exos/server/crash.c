/* SPDX-License-Identifier: ISC */
/*
 * The server's end, made for tests (`exo run --kill-server=EVERY,STRIDE`): in
 * each EVERYth request, or round of the loop, it single-steps itself and ends
 * before some instruction, STRIDE further on than the last time.
 */
#include "srv.h"
#include "crash.h"
#include "../arch/x86_64/step.h"

#define SPAN 8192u			/* instructions; then from the first again */

#define SPAN_AGAIN 16384u	/* the same of beginning anew */

static uint64_t completed, due, next, left, next_again;

/* Who asks again after an end is not ended again: what takes longer than SPAN would never be done. */
void
crash_begin(uint32_t op)
{
	if (!run.crash_every || (run.crash_op && run.crash_op != op) || completed < due)
		return;
	due = completed + run.crash_every;
	next = (next + run.crash_stride) % SPAN;
	left = next + 1;
	step_on();
}

void
crash_end(void)
{
	completed++;
	if (!left)
		return;
	step_off();
	left = 0;
}

/* Two of three times that it begins anew it ends again, further on each time. */
void
crash_recovers(void)
{
	static uint64_t times;

	if (!run.crash_again || times++ % 3 == 2)
		return;
	next_again = (next_again + run.crash_again) % SPAN_AGAIN;
	left = next_again + 1;
	step_on();
}

void
crash_recovered(void)
{
	if (left)
		step_off();
	left = 0;
}

void
crash_rests(bool rests)
{
	if (left && rests)
		step_off();
	else if (left)
		step_on();
}

__attribute__((noreturn)) static void
hang(void)
{
	for (;;)
		exo_relax();
}

/* One more instruction.  A fault instead: there is nothing at address 0. */
bool
crash_stepped(struct exo_save *context)
{
	if (context->vector != STEP_VECTOR || !run.crash_every)
		return false;
	if (!left || --left)
		return true;
	if (!run.crash_fault)
		exo_env_destroy(exo_self(), CRASH_REASON, ROOT_KEY);
	context->rflags &= ~STEP_FLAG;
	context->rip = run.crash_fault == CRASH_HANGS ? (uint64_t)hang : 0;
	return true;
}
