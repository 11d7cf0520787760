/* SPDX-License-Identifier: ISC */
/*
 * Processors: per-CPU state, the vector of time slices, the dispatcher,
 * predicates.
 */
#ifndef KERNEL_CPU_H
#define KERNEL_CPU_H

#include "../env/env.h"

#define SLICE_NS     5000000ull		/* length of a slice */
#define GRACE_NS     2000000ull		/* end-of-slice grace */
#define FORFEITS_MAX 16u
#define CHAIN_MAX    8u			/* length of a chain of control transfers */

/* One for each CPU, reached by the kernel's GS.  First words known to entry.S. */
struct cpu {
	struct cpu *self;
	u64 user_rsp;			/* scratch of the entry path */
	u64 kstack_top;
	struct act *act;		/* whose address space is loaded and who runs; NULL when idle */
	u32 id;
	u32 chain;			/* control transfers between the slice's owner and act */
	struct exo_cpu *pub;
	u32 slice;			/* index of the slice being run */
	u32 in_grace;			/* epilogue delivered, or deferred by a critical section */
	u64 slice_end;			/* ns */
	u64 timer_at;			/* ns the one-shot timer is set to, 0: off */
	struct act *fpu;		/* whose vector state is in the registers */
	u64 entered;			/* when the present act was entered, ns */
	u64 loaded_cr3;
};

struct cpu *this_cpu(void);

/* Run whoever is next (or sleep until somebody is).  `to` is tried first, on the present slice. */
noreturn_ void cpu_dispatch(exo_envid to);

/* Enter this activation, according to its state: prologue, forced registers. */
noreturn_ void cpu_enter(struct act *act, u64 woke);

/* Timer interrupt: slice end, grace end, predicate deadlines.  regs: the interrupted user context, NULL from idle. */
void cpu_timer(struct regs *regs);

/*
 * Try an asynchronous upcall into the context just interrupted.  If the
 * library may not be disturbed, the pending bit is set and false returned.
 * On true, regs have been moved to a save slot and now describe the entry.
 */
bool upcall_async(struct act *act, struct regs *regs, enum exo_entry entry);

/* A synchronous upcall; kills the environment (does not return) where it cannot be delivered. */
void upcall_sync(struct act *act, struct regs *regs, u64 addr);

/* First true product: its tag; or -1.  Also true (tag of the product) when a watched frame is lost. */
int predicate_holds(const struct act *act);

void cpu_boot(void);			/* slice vectors, this CPU */
void cpu_check(void);

#endif
