/* SPDX-License-Identifier: ISC */
/* pidfd: a process by its row in the table and the moment when it started, which no other of its number shares. */
#include "file.h"
#include "../core/self.h"

#define PID(f) ((u32)(f)->own[0])
#define START_NS(f) ((f)->own[1])

/* NULL: it is gone, collected. */
static const volatile struct sh_proc *
row(const struct file *f)
{
	const volatile struct sh_proc *p = proc_find(PID(f));

	return p && p->start_ns == START_NS(f) ? p : NULL;
}

static const volatile u64 *
word_of(const volatile u32 *half)
{
	return (const volatile u64 *)((u64)half & ~7ull);
}

/* The row's words of pid and state. */
static u32
pidfd_poll(struct file *f, u32 events, struct exo_term *terms, unsigned *nterms)
{
	const volatile struct sh_proc *p = row(f);

	_Static_assert(offsetof(struct sh_proc, pid) % 8 == 0, "the lower half of a word");
	_Static_assert(offsetof(struct sh_proc, state) % 8 == 0, "the lower half of a word");
	*nterms = 0;
	if (!p || p->state == PROC_ZOMBIE)
		return (events & (POLLIN | POLLRDNORM)) | (p ? 0 : POLLHUP);
	terms[0] = term_word(word_of(&p->state), 0xffffffff, EXO_EQ, PROC_ZOMBIE);
	terms[1] = term_word(word_of(&p->pid), 0xffffffff, EXO_NE, PID(f));
	*nterms = 2;
	return 0;
}

static u64
pidfd_version(struct file *f, u32 events)
{
	(void)f;
	(void)events;
	return 0;
}

const struct file_ops pidfd_ops = {
	.name = "anon_inode:[pidfd]", .mode = 0600, .poll = pidfd_poll,
	.version = pidfd_version,
};

int
pidfd_new(struct file **f, u32 pid, u32 flags)
{
	const volatile struct sh_proc *p = proc_find(pid);

	if (!p || p->state == PROC_BUILDING)
		return -ESRCH;
	*f = file_new(&pidfd_ops, flags | O_RDWR);
	if (!*f)
		return -ENOMEM;
	(*f)->own[0] = pid;
	(*f)->own[1] = p->start_ns;
	return 0;
}

long
pidfd_pid(int fd)
{
	struct file *f = fd_get(fd);

	if (!f || f->ops != &pidfd_ops)
		return -EBADF;
	return row(f) ? (long)PID(f) : -ESRCH;
}
