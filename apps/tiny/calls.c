/* SPDX-License-Identifier: ISC */
/*
 * The calls of programs.  Beside its own Tiny knows the few of Linux that a
 * program makes which only computes and speaks; others are refused, and said.
 */
#include "tiny.h"

#define STACK_LEAST 4096u
#define LINUX_EBADF 9
#define LINUX_EINVAL 22
#define LINUX_ENOTTY 25
#define LINUX_ENOSYS 38
#define ARCH_SET_FS 0x1002

void
console_write(const char *text, uint64_t bytes)
{
	char part[256];

	while (bytes > 0) {
		uint64_t n = bytes < sizeof(part) - 1 ? bytes : sizeof(part) - 1;

		__builtin_memcpy(part, text, n);
		part[n] = '\0';
		exo_print(part);
		text += n;
		bytes -= n;
	}
}

static int64_t
write_some(uint64_t text, uint64_t bytes)
{
	console_write((const char *)text, bytes);	/* a fault on the way is the task's end */
	return (int64_t)bytes;
}

static int64_t
task_new(uint64_t entry, uint64_t argument, uint64_t stack_bytes)
{
	int64_t stack, id;

	if (stack_bytes < STACK_LEAST)
		return TINY_EARG;
	stack_bytes = (stack_bytes + EXO_PAGE_BYTES - 1) & -EXO_PAGE_BYTES;
	stack = region_make(0, stack_bytes, EXO_MAP_WRITE);
	if (stack < 0)
		return stack;
	/* As if it had been called: nothing to return to. */
	id = task_make(entry, (uint64_t)stack, (uint64_t)stack + stack_bytes - 8, argument);
	if (id < 0)
		region_free((uint64_t)stack);
	return id;
}

__attribute__((noreturn)) static void
put_by(const struct exo_sysframe *f, enum state state, uint64_t what)
{
	struct task *t = task_now();

	task_keep(f, 0);
	t->state = state;
	t->joining = (uint32_t)what;
	t->until = what;
	task_next();
}

static int64_t
join(const struct exo_sysframe *f, uint64_t id)
{
	const struct task *t = task_at(id);
	int64_t code;

	if (!t || t == task_now())
		return TINY_ENONE;
	if (t->state != ENDED)
		put_by(f, JOINING, id);
	code = t->code;
	((struct task *)t)->state = id == 0 ? ENDED : FREE;
	return code;
}

static int64_t
own_call(struct exo_sysframe *f)
{
	switch (f->rax) {
	case TINY_WRITE: return write_some(f->rdi, f->rsi);
	case TINY_TASK: return task_new(f->rdi, f->rsi, f->rdx);
	case TINY_END:
		task_end(task_now(), (int64_t)f->rdi);
		task_next();
	case TINY_JOIN: return join(f, f->rdi);
	case TINY_YIELD: put_by(f, READY, 0);
	case TINY_SLEEP: put_by(f, SLEEPING, exo_now_ns() + f->rdi);
	case TINY_MEMORY: return region_make(0, f->rdi, EXO_MAP_WRITE);
	case TINY_FREE: return region_free(f->rdi);
	case TINY_PAGES: return (int64_t)pages_used();
	case TINY_TIME: return (int64_t)exo_now_ns();
	default: return TINY_EARG;
	}
}

static int64_t
writev(uint64_t fd, const uint64_t *vec, uint64_t count)
{
	int64_t done = 0;

	if (fd != 1 && fd != 2)
		return -LINUX_EBADF;
	for (uint64_t n = 0; n < count && n < 64; n++)
		done += write_some(vec[2 * n], vec[2 * n + 1]);
	return done;
}

static int64_t
fs_set(uint64_t code, uint64_t base)
{
	if (code != ARCH_SET_FS || base >= EXO_USER_TOP ||
		!(exo_info()->features & EXO_FEAT_FSGSBASE))
		return -LINUX_EINVAL;
	__asm__ volatile("wrfsbase %0" : : "r"(base));
	return 0;
}

static int64_t
linux_call(const struct exo_sysframe *f)
{
	switch (f->rax) {
	case 1: return f->rdi == 1 || f->rdi == 2 ? write_some(f->rsi, f->rdx) : -LINUX_EBADF;
	case 16: return -LINUX_ENOTTY;				/* ioctl */
	case 20: return writev(f->rdi, (const uint64_t *)f->rsi, f->rdx);
	case 60: task_end(task_now(), (int64_t)f->rdi);		/* exit */
		task_next();
	case 158: return fs_set(f->rdi, f->rsi);
	case 218: return (int64_t)task_id(task_now()) + 1;	/* set_tid_address */
	case 231: exo_exit((int)f->rdi & 0xff);			/* exit_group */
	}
	exo_printf("tiny: Linux call %lu is not known here\n", f->rax);
	return -LINUX_ENOSYS;
}

void
call_serve(struct exo_sysframe *f)
{
	f->rax = (uint64_t)(f->rax >= TINY_WRITE && f->rax < TINY_CALLS ? own_call(f)
									: linux_call(f));
}
