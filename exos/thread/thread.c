/* SPDX-License-Identifier: ISC */
/*
 * Threads come and go.  Each has a slot of EXOS_THREADS: at its upper end a
 * page for the vector registers, below that its library stack.  The first
 * thread's stack is that of depth 1, and of slot 0 it has the vectors' page.
 */
#include "thread.h"
#include "act.h"
#include "futex.h"
#include "number.h"
#include "schedule.h"
#include "../arch/x86_64/arch.h"
#include "../core/header.h"
#include "../core/self.h"
#include "../linux/files.h"
#include "../proc/proc.h"
#include "../proc/rlimit.h"
#include "../proc/timer.h"

#define PAGE EXO_PAGE_BYTES
#define RW (EXO_MAP_READ | EXO_MAP_WRITE)
#define SLOTS_KEPT 16u			/* with what they have, when there is one thread again */
#define STACK_END (EXOS_THREAD_STRIDE - PAGE)

_Static_assert(FPU_AREA_MAX <= PAGE, "vectors have a page");

static struct thread first = { .state = THREAD_READY, .sig.stack.flags = SS_DISABLE_ };
struct thread *current = &first;
struct thread *thread_leader = &first;
u32 threads_alive = 1;

static struct thread *all = &first, *last = &first;
static u64 taken[(THREADS_MAX + 64) / 64] = { 1 };	/* slots */
static u32 slots_used = 1;		/* those from here on were never touched */

/* ---- places ------------------------------------------------------------------------------- */

static u64
slot_address(u32 slot)
{
	return (u64)AT(char, EXOS_THREADS) + slot * EXOS_THREAD_STRIDE;
}

static bool
page_ready(u64 va)
{
	return page_entry(va) & EXO_PTE_PRESENT || page_map_new(va, RW) == 0;
}

/* 0: there is none. */
static u32
slot_take(void)
{
	for (u32 n = 0; n < sizeof(taken) / sizeof(taken[0]); n++) {
		u32 slot = n * 64 + (u32)__builtin_ctzll(~taken[n]);

		if (~taken[n] == 0 || slot > THREADS_MAX)
			continue;
		if (!page_ready(slot_address(slot) + STACK_END) ||
			!page_ready(slot_address(slot) + STACK_END - PAGE))
			return 0;
		taken[n] |= 1ull << (slot % 64);
		slots_used = slot < slots_used ? slots_used : slot + 1;
		return slot;
	}
	return 0;
}

static void
slot_put(u32 slot)
{
	taken[slot / 64] &= ~(1ull << (slot % 64));
}

/* But the slot of who runs. */
static void
slots_empty(u32 from)
{
	for (u32 slot = from; slot < slots_used; slot++) {
		if (slot != current->slot)
			page_unmap(slot_address(slot), EXOS_THREAD_STRIDE / PAGE);
	}
	slots_used = current->slot < from ? from : current->slot + 1;
}

void
threads_trim(void)
{
	if (slots_used > SLOTS_KEPT && current->slot < SLOTS_KEPT)
		slots_empty(SLOTS_KEPT);
}

#define READY 2u			/* pages of a stack that the thread finds when it comes back */

u64
threads_trim_stacks(void)
{
	u64 count = 0;

	for (u32 slot = 1; slot < slots_used; slot++) {
		const u64 end = slot_address(slot) + STACK_END;

		if (!(taken[slot / 64] & 1ull << (slot % 64)) && slot != current->slot)
			count += lazy_trim_stack(end, end, READY);
	}
	for (const struct thread *t = all; t; t = t->next)
		if (t != current && t->stack_top)
			count += lazy_trim_stack(t->stack_top, t->parked, READY);
	return count;
}

/* The first thread's vectors have a place from when it needs one. */
static bool
leader_ready(void)
{
	first.stack_top = (u64)AT(char, EXOS_STACKS) + EXOS_STACK_STRIDE;
	first.vectors = (void *)(slot_address(0) + STACK_END);
	return page_ready((u64)first.vectors);
}

/* ---- all of them ------------------------------------------------------------------------------ */

struct thread *
thread_first(void)
{
	return all;
}

u64
thread_list(void)
{
	return (u64)&all;
}

struct thread *
thread_find(u32 tid)
{
	struct thread *t = all;

	while (t && t->tid != tid)
		t = t->next;
	return t;
}

const volatile struct sh_proc *
thread_process(u32 tid)
{
	return tid && thread_find(tid) ? PROC : proc_find(tid);
}

void
thread_name(const struct thread *t, char name[THREAD_NAME])
{
	for (unsigned n = 0; n < THREAD_NAME; n++)
		name[n] = n == THREAD_NAME - 1 ? '\0'
			: t == thread_leader   ? PROC->name[n]
					       : t->name[n];
}

static void
list_add(struct thread *t)
{
	t->before = last;
	t->next = NULL;
	*(last ? &last->next : &all) = t;
	last = t;
}

static void
list_drop(struct thread *t)
{
	*(t->before ? &t->before->next : &all) = t->next;
	*(t->next ? &t->next->before : &last) = t->before;
}

static void
count_set(u32 alive)
{
	threads_alive = alive;
	PUB->threads = alive;
	timer_threads();
}

void
thread_init(void)
{
	first.tid = PROC->pid;
	PUB->threads = 1;
	PUB->thread_list = thread_list();
	leader_ready();			/* or when there are to be more */
}

/* ---- making one ------------------------------------------------------------------------------- */

static bool
allowed(void)
{
	const volatile struct sh_proc *table = proc_table();
	const u64 limit = limit_soft(LIMIT_NPROC);
	u64 count = threads_alive;

	if (CRED->uid[0] == 0 || limit == LIMIT_NONE)
		return true;
	for (unsigned row = 0; row < proc_rows(); row++)
		count += &table[row] != PROC && table[row].uid == PROC->uid &&
			table[row].state != PROC_FREE;
	return count < limit;
}

static void
copy_of_current(struct thread *t, const struct exo_save *regs, const struct thread_start *how)
{
	t->regs = *regs;
	t->regs.rax = 0;
	if (how->stack)
		t->regs.rsp = how->stack;
	REGS_CALL(&t->regs) = ~0ull;
	t->fs = how->has_tls ? how->tls : fs_base();
	t->clear_tid = how->clear_tid;
	t->sig.blocked = current->sig.blocked;
	t->sig.stack.flags = SS_DISABLE_;
	thread_name(current, t->name);
	fpu_save(t->vectors);
}

/* Details of signals are looked at where the queue has them: most of the structure need not be cleared. */
static struct thread *
struct_new(void)
{
	const size_t before = offsetof(struct thread, sig.directed.ordinary),
		     behind = before + sizeof(((struct thread *)0)->sig.directed.ordinary);
	struct thread *t = xalloc_dirty(sizeof(*t));

	if (t) {
		memset(t, 0, before);
		memset((char *)t + behind, 0, sizeof(*t) - behind);
	}
	return t;
}

long
thread_new(const struct exo_save *regs, const struct thread_start *how)
{
	struct thread *t;
	long tid;
	u32 slot;

	if (threads_alive >= THREADS_MAX || !allowed())
		return -EAGAIN;
	if (!leader_ready())
		return -ENOMEM;
	t = struct_new();
	slot = t ? slot_take() : 0;
	tid = slot ? number_take() : -ENOMEM;
	if (tid < 0) {
		if (slot)
			slot_put(slot);
		xfree(t);
		return tid;
	}
	t->slot = slot;
	t->tid = (u32)tid;
	t->stack_top = slot_address(slot) + STACK_END;
	t->vectors = (void *)t->stack_top;
	copy_of_current(t, regs, how);
	t->parked = stack_begin(t->stack_top, exos_go);
	list_add(t);
	count_set(threads_alive + 1);
	thread_add(t);
	return tid;
}

/* ---- the end ------------------------------------------------------------------------------------ */

static void
forget(struct thread *t)
{
	list_drop(t);
	number_put(t->tid);
	if (t->slot)
		slot_put(t->slot);
	if (t != &first)
		xfree(t);
}

void
thread_exit(int status)
{
	struct thread *t = current;
	const u32 zero = 0;

	if (!threads_many())
		proc_exit(status);
	robust_end(t);
	if (t->clear_tid && copy_out(t->clear_tid, &zero, sizeof(zero)) == 0)
		futex_wake_word(t->clear_tid, 1);
	count_set(threads_alive - 1);
	t->state = THREAD_ENDED;
	signal_thread_ended(t);
	if (t != thread_leader)		/* whose number stays, it is the process's */
		forget(t);
	thread_leave();
}

/* The only one left is the process. */
static void
lead(void)
{
	all = last = current;
	current->next = current->before = NULL;
	current->tid = PROC->pid;
	current->dying = false;
	thread_leader = current;
	memset(taken, 0, sizeof(taken));
	taken[0] = 1;
	taken[current->slot / 64] |= 1ull << (current->slot % 64);
	count_set(1);
}

/*
 * Each of the others is told that it is to end, and does when it leaves the
 * library: what it holds there it gives back on its way.
 */
void
threads_end_others(void)
{
	for (struct thread *t = all; t; t = t->next) {
		if (t == current)
			continue;
		t->dying = true;
		thread_ready(t);
	}
	while (threads_many()) {
		acts_interrupt(NULL);
		if (!thread_yield(false))
			act_yield();
	}
	if (thread_leader != current && thread_leader != &first)
		xfree(thread_leader);
	lead();
}

/* The new program has nothing of the old one's threads; the slot of who runs stays. */
void
threads_exec(void)
{
	slots_empty(1);
	current->clear_tid = 0;
	current->robust = 0;
	current->restart.again = NULL;
}

/* ---- what a call holds ------------------------------------------------------------------------------ */

static bool scratch_taken;		/* the pages in the window; others are allocated */

void
thread_hold(struct file *f)
{
	struct thread *t = current;

	for (unsigned n = 0; f && n < t->held; n++) {
		if (t->files[n] == f)
			return;
	}
	if (!f || t->held == THREAD_FILES)
		return;
	file_hold(f);
	t->holds = true;
	t->files[t->held++] = f;
}

char *
thread_scratch(void)
{
	struct thread *t = current;

	if (!t->scratch && scratch_taken)
		t->scratch = xalloc(THREAD_SCRATCH);
	else if (!t->scratch)
		t->scratch = scratch_pages();
	scratch_taken |= t->scratch == SCRATCH_PAGES;
	t->holds = true;
	return t->scratch;
}

static void
let_go(struct thread *t)
{
	while (t->held)
		file_drop(t->files[--t->held]);
	if (t->scratch == SCRATCH_PAGES)
		scratch_taken = false;
	else
		xfree(t->scratch);
	t->scratch = NULL;
	t->holds = false;
}

void
thread_lets_go(void)
{
	let_go(current);
}

/* ---- a child of fork --------------------------------------------------------------------------------- */

/* Only the caller is here; what the others held was copied with the library's memory. */
void
threads_fork_child(void)
{
	struct thread *next;

	for (struct thread *t = all; t; t = next) {
		next = t->next;
		if (t == current)
			continue;
		let_go(t);
		if (t != &first)
			xfree(t);
	}
	current->clear_tid = current->robust = 0;
	numbers_forget();
	slots_used = current->slot + 1;
	lead();
	schedule_reset();
	futex_fork_child();
}
