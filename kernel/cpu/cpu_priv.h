/* SPDX-License-Identifier: ISC */
/* What the files of cpu/ share among themselves. */
#ifndef KERNEL_CPU_PRIV_H
#define KERNEL_CPU_PRIV_H

#include "cpu.h"

/* Where the chain of control transfers from one activation ends. */
struct chain {
	struct act *act;		/* who would run; NULL: nobody on this chain, now */
	u32 length;			/* transfers between the first and act */
	int ends;			/* act is CALLING and its wait is over: this error; else 0 */
	u64 woke;			/* act is PARKED: the prologue's rax */
	u64 wakes_at;			/* nobody: earliest deadline met on the way, 0: none */
};

/* At most CHAIN_MAX steps; a longer chain ends for its head. */
void chain_follow(struct chain *chain, struct act *first, u64 now) REQUIRES(env_lock);

/* The next occupied slice behind index, going round; the same one if it is the only one; -1: none. */
int slice_after(const struct cpu *cpu, u32 index);

/* A slice is freed, or has another owner: a request for it goes, or stands. */
void slice_ask_forget(u32 cpu, u32 index) REQUIRES(env_lock);
void slice_ask_pass(u32 cpu, u32 index) REQUIRES(env_lock);

/* Invariant: an owned slice, and no other, is charged to an account that counts it. */
bool cpu_slice_charged(u32 cpu, u32 index) REQUIRES(env_lock);

/* Have the timer fire at this time or earlier. */
void cpu_timer_by(struct cpu *cpu, u64 at_ns);

#endif
