/* SPDX-License-Identifier: ISC */
/*
 * Signals.  A signal is queued by the server, or one that the process
 * raises itself.  Dispositions, masks and delivery are the
 * library's; SIGKILL and SIGSTOP never reach it.
 *
 *   server's queue (rung for by a post) -> pending -> (not blocked, not ignored) -> delivered
 *
 * Delivery changes the program's registers in the save slot, before the
 * library leaves.  What is pending, with its details: sigqueue.h.
 */
#ifndef EXOS_SIGNAL_H
#define EXOS_SIGNAL_H

#include "../core/exos.h"
#include "../linux/abi.h"
#include "sigqueue.h"

#define SIGNALS 64

#define SIG_DFL_ 0ull
#define SIG_IGN_ 1ull

#define SA_NOCLDSTOP_ 0x00000001ull
#define SA_NOCLDWAIT_ 0x00000002ull
#define SA_RESTORER_  0x04000000ull
#define SA_ONSTACK_   0x08000000ull
#define SA_RESTART_   0x10000000ull
#define SA_NODEFER_   0x40000000ull
#define SA_RESETHAND_ 0x80000000ull
#define SA_KNOWN      0xdc000807ull	/* those, and one that means nothing here; others are not kept */

#define SS_ONSTACK_ 1u
#define SS_DISABLE_ 2u
#define SS_AUTODISARM_ 0x80000000u

#define SI_USER_   SIG_BY_USER
#define SI_KERNEL_ SIG_BY_KERNEL
#define SI_TIMER_  (-2)
#define SI_TKILL_  SIG_BY_TKILL

struct linux_sigaction {		/* as rt_sigaction passes it */
	u64 handler, flags, restorer, mask;
};

struct linux_stack {
	u64 sp;
	u32 flags, pad;
	u64 bytes;
};

struct linux_siginfo {			/* 128 bytes */
	int signo, error, code, pad;
	union {
		struct {
			u32 pid, uid;
			int status;
			int pad2;
			u64 utime, stime;
		} child; /* kill: pid, uid */
		u64 addr;
		u8 room[112];
	};
};
_Static_assert(sizeof(struct linux_siginfo) == 128, "siginfo");

/* A fault, as the program finds it in its handler's context; the last one stays. */
struct trap {
	u16 vector;
	u32 error;
	u64 addr;
};

struct signals {			/* of the process */
	struct linux_sigaction action[SIGNALS + 1];
	struct sigqueue queue;		/* any thread may take these */
	u64 arrivals;			/* only grows: a word to wait on */
	u64 stops;			/* how often the process stopped and went on */
	u32 held;			/* with details, in all queues */
};
extern struct signals signals;

struct thread_signals {			/* of one thread: current->sig */
	struct sigqueue directed;	/* at it; they come first */
	u64 blocked;
	u64 awaited;			/* were blocked, and sigtimedwait opens them: kept though nobody handles them */
	u64 saved_mask;			/* of sigsuspend and its like, put back after delivery */
	bool mask_saved;
	struct linux_stack stack;
	struct trap trap;
};

void signal_init(void);
void signal_defaults(void);		/* handlers go, what is ignored stays ignored */
void signal_exec(void);			/* handlers go, what is ignored stays ignored */
u64 signals_waiting(void);		/* bits of what is pending for this thread, blocked or not */
u64 signals_due(void);			/* and is this thread's to take now */
struct thread;
void signal_thread_ended(struct thread *t);	/* what was pending at it goes */
void signal_stopped(void);		/* until SIGCONT, if it is; memory is given back meanwhile */
void signal_fork_child(void);		/* what was pending was the parent's */
void signal_changed(void);		/* dispositions, for the public page */
int signal_arrived(const struct sig_detail *d);	/* 0, or -EAGAIN: cannot be queued */
struct sig_detail signal_own(int sig, int code);	/* from this process */
void signal_drop(u64 which);
/* The lowest pending signal of a set, with its details: its number, or 0. */
int signal_take(u64 set, struct sig_detail *d);
/* A fault: cannot be blocked or ignored. */
void signal_force(int sig, int code, u64 addr);
void signal_fault(struct exo_save *regs, int sig, int code,
	u64 addr); /* of the program, which stands there */
void signal_info(struct linux_siginfo *info, const struct sig_detail *d);
void signal_block(u64 mask);		/* the new mask */
bool signal_ignored(int sig);

/* arch: sigframe.c */
/* False: bad stack */
bool sigframe_push(struct exo_save *regs, const struct sig_detail *d, u64 mask);
bool sigframe_pop(struct exo_save *regs);
u64 sigframe_bytes(void);		/* at most, for AT_MINSIGSTKSZ */
long stack_change(u64 rsp, const struct linux_stack *new);	/* sigaltstack: 0 or -errno */
struct linux_stack stack_now(u64 rsp);

/* restart.c: what becomes of a call whose waiting a signal ended (-EINTR) */
struct restart {			/* where it goes on, when no handler ran */
	long (*again)(struct restart *);
	u64 deadline;
	u64 arg[3];
};
void restart_never(void);		/* the call in progress: EINTR, whatever SA_RESTART says */
long restart_from(const struct restart *r);	/* it goes on there; gives -EINTR */
/* The call in progress: EINTR when the process stopped and went on */
bool restart_ends_by_stop(void);
void restart_handled(struct exo_save *regs, u64 action_flags);	/* a handler is about to run */
void restart_unhandled(struct exo_save *regs);	/* none did */

#endif
