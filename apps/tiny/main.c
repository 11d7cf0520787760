/* SPDX-License-Identifier: ISC */
/* Tiny starts: handlers, then the program that was given, or a few tasks of our own. */
#include "tiny.h"

EXO_NATIVE_NOTE;

#define FAULT 14u

const struct exo_start *given;
exo_slot k_account;

/* A page that may be there comes; else the task that did it ends, and the others go on. */
static void
on_exception(struct exo_save *context)
{
	if (context->vector == FAULT && region_fault(context->addr, context->error))
		return;
	exo_printf("tiny: task %u: exception %u at 0x%lx, address 0x%lx\n",
		task_now() ? task_id(task_now()) : 0, context->vector, context->rip, context->addr);
	if (!task_now())
		exo_exit(1);
	task_end(task_now(), TINY_EFAULT);
	task_next();
}

/* ---- without a program ---- */

static volatile uint64_t counted[3];

static void
counts(uint64_t which)
{
	for (counted[which] = 0; counted[which] < 1000 * (which + 1); counted[which]++)
		if (counted[which] % 100 == 0)
			tiny_call(TINY_YIELD, 0, 0, 0);
	tiny_call(TINY_END, which + 1, 0, 0);
}

static void
wild(uint64_t address)
{
	*(volatile uint64_t *)address = 1;
	tiny_call(TINY_END, 0, 0, 0);
}

static void
own_tasks(uint64_t argument)
{
	int64_t sum = 0, task[4];

	for (uint64_t n = 0; n < 3; n++)
		task[n] = tiny_call(TINY_TASK, (uint64_t)counts, n, 16384);
	task[3] = tiny_call(TINY_TASK, (uint64_t)wild, argument, 16384);
	for (unsigned n = 0; n < 4; n++)
		sum += tiny_call(TINY_JOIN, (uint64_t)task[n], 0, 0);
	exo_printf("tiny: %lu + %lu + %lu counted, %ld pages\n", counted[0], counted[1], counted[2],
		tiny_call(TINY_PAGES, 0, 0, 0));
	tiny_call(TINY_END, sum == 1 + 2 + 3 + TINY_EFAULT ? 0 : 1, 0, 0);
}

int
exo_main(const struct exo_start *start)
{
	const char *wrong = NULL;
	int64_t stack;

	given = start;
	if (!start)
		return 2;
	k_account = start->k_account;
	exo_critical_enter();
	exo_on_exception(on_exception);
	if (start->program_bytes > 0) {
		wrong = program_load();
	} else {
		stack = region_make(0, 65536, EXO_MAP_WRITE);
		task_make((uint64_t)own_tasks, (uint64_t)stack, (uint64_t)stack + 65536 - 8, 8);
	}
	if (wrong) {
		exo_printf("tiny: %s %s\n", exo_arg(start, 0), wrong);
		return 126;
	}
	exo_on_syscall(call_serve);
	exo_on_epilogue(task_slice_over);
	task_next();
}
