/* SPDX-License-Identifier: ISC */
/*
 * Threads of a process: contexts that the library switches between, on the
 * process's own time.  The kernel knows nothing of them, and no switch enters it.
 *
 * One thread at a time is in the library: `current`.  The program runs on each CPU
 * that the process has (act.h), one thread on each.  A thread gives way where a
 * Linux call has to wait (core/wait.c), where it yields or ends, and at the end of
 * a time slice; nowhere else, so that between two such places the library's data
 * are its own.  What is held over one of them, in a static buffer, the comm page
 * or a pointer to a file, is another thread's when it comes back: keep it on the
 * stack, or hold it (thread_use).
 *
 *   the program's registers    save[0] of the u-area while it runs, else regs
 *   the library's stack        its own, there when touched; the first thread has
 *                              the stack of depth 1
 *   deeper upcalls             common stacks: nothing waits there
 *
 *	ready -> runs -> waits (terms, deadline, futex, signal) -> ready
 */
#ifndef EXOS_THREAD_H
#define EXOS_THREAD_H

#include "../core/exos.h"
#include "../proc/signal.h"

#define THREADS_MAX 4095u
#define THREAD_NAME 16u
#define THREAD_FILES 4u			/* held by a call that may wait */
#define THREAD_SCRATCH 65536u

enum thread_state { THREAD_READY, THREAD_WAITS, THREAD_ENDED };

struct futex_key {			/* a private word: 0 and its address; a shared one: its file and place */
	u64 file, at;
};

struct thread {
	struct thread *next;		/* all, the oldest first */
	u64 robust;			/* head of the list of locks that it holds; 0 */
	u32 tid;			/* up to here as struct robust_thread has it (futexop.h) */
	u8 state;			/* enum thread_state */
	bool outside;			/* waits for what other threads need not bring about */
	bool dying;			/* ends when it leaves the library */
	u32 slot;			/* of EXOS_THREADS; 0: the first thread */
	struct thread *before;
	struct thread *run_next;	/* while ready */
	char name[THREAD_NAME];		/* the leader's is the process's: thread_name */

	u64 stack_top, parked;		/* library stack; where it stands while another runs */
	struct exo_save regs;
	u64 fs;
	void *vectors;			/* the registers', while another runs */

	struct thread_signals sig;
	struct restart restart;
	u64 clear_tid;			/* word to clear and wake at the end; 0 */

	struct thread *out_next, *out_before;	/* while outside */
	const struct exo_term *terms;
	unsigned count;
	u64 until;			/* 0: no deadline */
	bool by_wall;			/* or when the time of day is set */

	struct futex_key futex;
	struct thread *futex_next;	/* of its bucket, in order of arrival */
	u32 futex_bits;			/* 0: not queued */

	bool holds;			/* the call in progress does: files, or a large buffer */
	unsigned held;
	struct file *files[THREAD_FILES];
	char *scratch;
	u64 run_ns;			/* up to when it last began to run */
};

extern struct thread *current;
extern struct thread *thread_leader;	/* its tid is the process's; it may have ended */
extern u32 threads_alive;

/* Something is to be done before the thread goes on; whether a signal is its own, signals_due knows better. */
static inline bool
thread_detained(void)
{
	const struct thread *t = current;
	const u64 signalled = (t->sig.directed.set | signals.queue.set) & ~t->sig.blocked;

	return (signalled | t->sig.mask_saved | t->dying | t->holds) != 0;
}

static inline bool
threads_many(void)
{
	return threads_alive > 1;
}

/* ---- thread.c: their life ------------------------------------------------------------------ */
void thread_init(void);
struct thread_start {
	u64 stack, tls;			/* 0: as its maker's */
	u64 clear_tid;
	bool has_tls;
};
/* A copy of the context of this call, with rax 0: its tid, or -errno. */
long thread_new(const struct exo_save *regs, const struct thread_start *how);
noreturn_ void thread_exit(int status);	/* the last one takes the process along */
struct thread *thread_find(u32 tid);	/* NULL: none of this process */
/* The process that has a thread of that number: any by its pid, our own by any; NULL. */
const volatile struct sh_proc *thread_process(u32 tid);
struct thread *thread_first(void);	/* of all that have not ended; then ->next */
u64 thread_list(void);			/* where a pointer to the first lies: for others who look */
void threads_end_others(void);		/* exec: each leaves the library in good order */
void threads_exec(void);		/* who is left is the leader */
void threads_fork_child(void);
/*
 * For the rest of this Linux call: the file stays, whoever closes it meanwhile;
 * THREAD_SCRATCH bytes that are this thread's, NULL: no memory.  Both are given
 * back when the call ends, and by a child of fork for the threads it has not.
 */
void thread_hold(struct file *f);	/* NULL: nothing */
char *thread_scratch(void);
void thread_lets_go(void);

static inline void
thread_call_ends(void)
{
	if (current->holds)
		thread_lets_go();
}

/* Nobody closes it where there is one thread. */
static inline struct file *
thread_use(struct file *f)
{
	if (threads_many())
		thread_hold(f);
	return f;
}

/* ---- schedule.c ------------------------------------------------------------------------------- */
void thread_ready(struct thread *t);	/* if it waits: it looks again */
void thread_wait(const struct exo_term *terms, unsigned count, u64 until_ns, bool by_wall);
/* False: nobody else can run.  When a slice is over those outside are looked after. */
bool thread_yield(bool slice_over);
void thread_slice_over(void);		/* the program was told */
void thread_give_cpu(void);		/* acts_many: its activation does something else */
/* Slices that end while the library is at work end without a word: whose turn is it now? */
void thread_slice_over_inside(void);
u64 thread_run_ns(const struct thread *t);
void thread_name(const struct thread *t, char name[THREAD_NAME]);

#endif
