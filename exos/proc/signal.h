/* SPDX-License-Identifier: ISC */
/*
 * Signals.  A signal is a bit posted to the u-area by the server, or one
 * that the process raises itself.  Dispositions, masks and delivery are the
 * library's; SIGKILL and SIGSTOP never reach it.
 *
 *   posted (kernel ORs) -> pending -> (not blocked, not ignored) -> delivered
 *
 * Delivery changes the program's registers in the save slot, before the
 * library leaves.  Of several of one kind the last one's details are kept.
 */
#ifndef EXOS_SIGNAL_H
#define EXOS_SIGNAL_H

#include "../core/exos.h"
#include "../linux/abi.h"

#define SIGNALS 64
#define SIG_BIT(n) (1ull << ((n) - 1))

#define SIG_DFL_ 0ull
#define SIG_IGN_ 1ull

#define SA_NOCLDSTOP_ 0x00000001ull
#define SA_NOCLDWAIT_ 0x00000002ull
#define SA_SIGINFO_   0x00000004ull
#define SA_RESTORER_  0x04000000ull
#define SA_ONSTACK_   0x08000000ull
#define SA_RESTART_   0x10000000ull
#define SA_NODEFER_   0x40000000ull
#define SA_RESETHAND_ 0x80000000ull

#define SS_ONSTACK_ 1u
#define SS_DISABLE_ 2u
#define SS_AUTODISARM_ 0x80000000u

#define SI_USER_   0
#define SI_KERNEL_ 0x80
#define SI_TIMER_  (-2)
#define SI_TKILL_  (-6)

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
		struct { u32 pid, uid; int status; int pad2; u64 utime, stime; } child;	/* kill: pid, uid */
		u64 addr;
		u8 room[112];
	};
};
_Static_assert(sizeof(struct linux_siginfo) == 128, "siginfo");

/* What a pending signal is known to be; zero for those that came by post. */
struct cause {
	int code;
	u32 pid;
	u64 addr;
};

struct signals {
	struct linux_sigaction action[SIGNALS + 1];
	struct cause cause[SIGNALS + 1];
	u64 pending, blocked;
	u64 saved_mask;			/* of sigsuspend and its like, put back after delivery */
	bool mask_saved;
	struct linux_stack stack;
};
extern struct signals signals;

void signal_init(void);
void signal_exec(void);			/* handlers go, what is ignored stays ignored */
void signal_raise_cause(int sig, const struct cause *cause);
/* A fault: cannot be blocked or ignored. */
void signal_force(int sig, int code, u64 addr);
void signal_block(u64 mask);		/* the new mask */
bool signal_ignored(int sig);

/* sigframe.c */
bool sigframe_push(struct exo_save *regs, int sig, const struct linux_siginfo *info, u64 mask);	/* false: bad stack */
bool sigframe_pop(struct exo_save *regs);
bool on_stack(u64 rsp);

#endif
