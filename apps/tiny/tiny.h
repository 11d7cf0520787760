/* SPDX-License-Identifier: ISC */
/*
 * Tiny: a library OS that is not Unix.  It has tasks, memory and a console,
 * and nothing else: no processes, files, signals or users.
 *
 * It is a native program.  Given another program's file (exo run --libos) it
 * loads that beside itself, into the same address space, and serves its system
 * calls; without one it runs a few tasks of its own.  The kernel protects it
 * from other environments, nobody protects it from its program: what ExOS
 * does, too, and here as there only the program's own life hangs on it.
 *
 * Tasks share all memory.  A task runs until its time is over (the kernel says
 * so at the end of each slice) or it waits; both only swap the context that is
 * resumed next.  Everything here runs in a critical section or before there
 * are tasks, so there are no locks.
 */
#ifndef TINY_H
#define TINY_H

#include <exo/lib.h>
#include <exo/read.h>
#include "call.h"

#define TASKS 32u
#define REGIONS 64u
#define VECTORS 512u			/* of FXSAVE; who needs more registers needs another library */

enum state { FREE, READY, SLEEPING, JOINING, ENDED };

struct task {
	struct exo_save context;
	uint64_t fs;
	uint64_t until;			/* SLEEPING: ns */
	uint32_t state, joining;	/* JOINING: whose end it waits for */
	int64_t code;			/* ENDED */
	uint64_t stack;			/* its region */
	_Alignas(16) uint8_t vectors[VECTORS];
};

extern const struct exo_start *given;	/* what we were started with */
extern exo_slot k_account;

/* tasks.c */
/* On a stack that is a region of its own, from the word at `top` on; it goes with the task. */
int64_t task_make(uint64_t entry, uint64_t stack, uint64_t top, uint64_t argument);
struct task *task_now(void);
uint32_t task_id(const struct task *task);
const struct task *task_at(uint64_t id);	/* NULL: there is none */
void task_keep(const struct exo_sysframe *frame, int64_t result);	/* the one that calls, for later */
__attribute__((noreturn)) void task_next(void);	/* whoever can run; the end of all when nobody lives */
void task_end(struct task *task, int64_t code);
void task_slice_over(struct exo_save *context);

/* memory.c */
int64_t region_make(uint64_t at, uint64_t bytes, uint32_t perms);	/* at 0: anywhere; its address */
int64_t region_free(uint64_t at);
bool region_fault(uint64_t va, uint32_t error);	/* true: the page is there now */
bool page_bind(uint64_t va, exo_pfn pfn, uint32_t op);
uint64_t pages_used(void);

/* load.c: the program given, loaded; its first task.  0 or what is wrong with it. */
const char *program_load(void);

/* calls.c */
void call_serve(struct exo_sysframe *frame);
void console_write(const char *text, uint64_t bytes);

#endif
