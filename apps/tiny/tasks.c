/* SPDX-License-Identifier: ISC */
/* Tasks: contexts, and who is next. */
#include "tiny.h"

static struct task tasks[TASKS];
static struct task *now;

struct task *
task_now(void)
{
	return now;
}

uint32_t
task_id(const struct task *task)
{
	return (uint32_t)(task - tasks);
}

const struct task *
task_at(uint64_t id)
{
	return id < TASKS && tasks[id].state != FREE ? &tasks[id] : NULL;
}

int64_t
task_make(uint64_t entry, uint64_t stack, uint64_t top, uint64_t argument)
{
	struct task *t = tasks;

	while (t < tasks + TASKS && t->state != FREE)
		t++;
	if (t == tasks + TASKS)
		return TINY_EFULL;
	*t = (struct task){ .state = READY, .stack = stack };
	t->context = (struct exo_save){ .rip = entry, .rsp = top, .rflags = 0x202,
		.rdi = argument, .flags = EXO_SAVE_FULL };
	/* As the processor finds them: control words, no values. */
	*(uint16_t *)t->vectors = 0x37f;
	*(uint32_t *)(t->vectors + 24) = 0x1f80;
	return task_id(t);
}

/* What belongs to a task and lies in the processor. */
static void
registers_keep(struct task *t)
{
	__asm__ volatile("fxsave64 %0" : "=m"(t->vectors));
	if (exo_info()->features & EXO_FEAT_FSGSBASE)
		__asm__ volatile("rdfsbase %0" : "=r"(t->fs));
}

static void
registers_load(const struct task *t)
{
	__asm__ volatile("fxrstor64 %0" : : "m"(t->vectors));
	if (exo_info()->features & EXO_FEAT_FSGSBASE)
		__asm__ volatile("wrfsbase %0" : : "r"(t->fs));
}

void
task_keep(const struct exo_sysframe *f, int64_t result)
{
	now->context = (struct exo_save){ .rip = f->rip, .rsp = f->rsp, .rflags = f->rflags,
		.rax = (uint64_t)result, .rcx = f->rip, .r11 = f->rflags, .flags = EXO_SAVE_FULL,
		.rbx = f->rbx, .rdx = f->rdx, .rsi = f->rsi, .rdi = f->rdi, .rbp = f->rbp,
		.r8 = f->r8, .r9 = f->r9, .r10 = f->r10, .r12 = f->r12, .r13 = f->r13,
		.r14 = f->r14, .r15 = f->r15 };
	registers_keep(now);
}

/* The next behind this one that can run, going round; NULL: *wakes says when somebody can (0: never). */
static struct task *
pick(uint64_t *wakes)
{
	uint32_t from = now ? task_id(now) + 1 : 0;
	uint64_t time = exo_now_ns();

	*wakes = 0;
	for (uint32_t n = 0; n < TASKS; n++) {
		struct task *t = &tasks[(from + n) % TASKS];

		if (t->state == SLEEPING && time >= t->until)
			t->state = READY;
		if (t->state == READY)
			return t;
		if (t->state == SLEEPING && (*wakes == 0 || t->until < *wakes))
			*wakes = t->until;
	}
	return NULL;
}

__attribute__((noreturn)) void
task_next(void)
{
	struct exo_uarea *u = exo_uarea();
	struct task *next;
	uint64_t wakes;

	while ((next = pick(&wakes)) == NULL) {
		if (wakes == 0)			/* the others wait for each other */
			exo_exit((int)tasks[0].code & 0xff);
		exo_wait_for(NULL, 0, wakes, 0);
	}
	now = next;
	registers_load(now);
	u->save[0] = now->context;
	*(volatile uint32_t *)&u->depth = 1;
	exo_resume(&u->save[0]);
}

void
task_end(struct task *task, int64_t code)
{
	task->state = ENDED;
	task->code = code;
	region_free(task->stack);
	for (struct task *t = tasks; t < tasks + TASKS; t++) {
		if (t->state != JOINING || t->joining != task_id(task))
			continue;
		t->context.rax = (uint64_t)code;
		t->state = READY;
		task->state = FREE;
	}
	/* The first one's code is the program's: it is kept. */
	if (task == tasks)
		task->state = ENDED;
}

/* The slice is over.  context NULL: we were at work for a task, which goes on afterwards. */
void
task_slice_over(struct exo_save *context)
{
	struct task *next;
	uint64_t wakes;

	if (context && context == &exo_uarea()->save[0] && now) {
		next = pick(&wakes);
		if (next && next != now) {
			now->context = *context;
			registers_keep(now);
			now = next;
			registers_load(now);
			*context = now->context;
		}
	}
	exo_yield(0);
}
