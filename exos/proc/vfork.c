/* SPDX-License-Identifier: ISC */
/*
 * vfork: the parent stands still until the child execs or ends, and sees what
 * the child wrote to the part of the stack that is in use.  That is where
 * programs put what the child has to tell (posix_spawn, busybox's spawn: why
 * exec failed).  All other memory is a copy, as after fork; a child that wrote
 * there for its parent to see would find Linux more generous.
 */
#include "proc.h"
#include "../arch/x86_64/arch.h"
#include "../core/self.h"
#include "../linux/errno.h"
#include "../thread/thread.h"
#include "../vm/vm.h"

#define SHARED_MAX 32u			/* pages: above the stack pointer */
#define WRITABLE (EXO_PTE_PRESENT | EXO_PTE_WRITE)
#define RW (EXO_MAP_READ | EXO_MAP_WRITE)

struct span {
	u64 start, end;
};

/* The pages in use, present and ours alone: whoever has them as copy-on-write gets a copy now. */
static struct span
stack_in_use(u64 rsp)
{
	const struct region *r = regions_find(&vm.regions, rsp);
	struct span s = { PAGE_DOWN(rsp), PAGE_DOWN(rsp) };
	u8 byte;

	if (r == NULL || r->flags & REGION_SHARED || !(r->prot & PROT_WRITE))
		return s;
	while (s.end < r->end && s.end - s.start < SHARED_MAX * PAGE) {
		if (copy_in(&byte, s.end, 1) || copy_out(s.end, &byte, 1))
			break;
		s.end += PAGE;
	}
	return s;
}

/* What is marked shared stays writable for both when the kernel clones it; an heir outlives its owner. */
static void
share(const struct span *s)
{
	for (u64 va = s->start; va < s->end; va += PAGE) {
		if ((page_entry(va) & WRITABLE) != WRITABLE)
			continue;
		exo_frame_mark(page_pfn((void *)va), 1, EXO_FRAME_HEIR, 0, KEY_SELF);
		page_protect(va, RW | EXO_MAP_SHARED);
	}
}

static void
unshare(const struct span *s)
{
	for (u64 va = s->start; va < s->end; va += PAGE)
		if ((page_entry(va) & WRITABLE) == WRITABLE)
			page_protect(va, RW);
}

static struct span borrowed;		/* of the parent, in a child that has not exec'd yet */

void
vfork_forget(void)
{
	borrowed = (struct span){ 0, 0 };
}

/*
 * A child that forks: its own child must not share a stack with somebody who
 * will not stand still.  From here on this one has a copy, too.
 */
void
vfork_part(void)
{
	u8 byte;

	for (u64 va = borrowed.start; va < borrowed.end; va += PAGE) {
		if ((page_entry(va) & WRITABLE) != WRITABLE)
			continue;
		page_protect(va, EXO_MAP_READ | EXO_MAP_COW);
		if (copy_in(&byte, va, 1) || copy_out(va, &byte, 1))
			exos_die(SIGKILL, "no memory to part from a vforking parent");
	}
	vfork_forget();
}

static void
wait_for_exec(u32 pid)
{
	const volatile struct sh_proc *child = proc_find(pid);

	while (child && child->pid == pid && child->vforked) {
		struct exo_term t = term_word(&child->vforked, ~0ull, EXO_EQ, 0);

		if (!threads_many())
			park_wait(&t, 1, 0);
		else if (!current->dying)
			thread_wait(&t, 1, 0, false);	/* others go on */
		else
			return;
	}
}

long
proc_vfork(u64 rsp, u32 exit_signal)
{
	struct span s;
	long pid;

	vfork_part();
	s = stack_in_use(rsp);
	share(&s);
	pid = proc_fork(true, exit_signal);
	if (pid == 0) {
		borrowed = s;
		return 0;
	}
	if (pid > 0)
		wait_for_exec((u32)pid);
	unshare(&s);
	return pid;
}
