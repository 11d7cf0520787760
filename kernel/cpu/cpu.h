/* SPDX-License-Identifier: ISC */
/*
 * Processors: per-CPU state, the vector of time slices, the dispatcher,
 * predicates.  cpu.c tells the story.
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
	u32 in_grace;			/* the slice is over: epilogue delivered, or deferred by a critical section */
	u64 head;			/* environment whose chain of transfers runs: owner, or given the rest by a yield */
	u64 slice_end;			/* ns */
	u64 grace_end;			/* ns, while in_grace */
	u64 told;			/* environment that the epilogue was meant for, while in_grace */
	u64 timer_at;			/* ns the one-shot timer is set to, 0: off */
	struct act *fpu;		/* whose vector state is in the registers; NULL: they are clean */
	struct act *fs;			/* whose FS base is in the register */
	u32 trapping;			/* CR0.TS as it stands (arch) */
	u64 scratch[2];			/* of transfer.S */
	u64 entered;			/* since when the present act is charged for time, ns */
	u64 loaded_cr3;
	u64 occupied[EXO_SLICES_CPU / 64];	/* [env_lock] slices that have an owner */
};

extern struct cpu cpus[CPUS_MAX];
extern u32 cpus_count;			/* [I] */
extern struct exo_slice *slices;	/* [env_lock] the exposed table, EXO_SLICES_CPU for each CPU */
extern struct exo_cpu *cpus_pub;	/* the exposed table */

struct cpu *this_cpu(void);		/* arch */

/* Run whoever is next (or sleep until somebody is).  `to` is tried first, on the present slice. */
noreturn_ void cpu_dispatch(exo_envid to);

/*
 * Timer interrupt: slice end, grace end, predicate deadlines.  regs: the
 * interrupted user context, NULL from idle.  May change regs, may not return.
 */
void cpu_timer(struct regs *regs);

/* After any other interrupt that found user mode: what was posted to the running act is delivered. */
void cpu_events(struct regs *regs);

/* Have an interrupt right behind the present call: it delivers what the caller posted to itself. */
void cpu_kick(void);

/* Take the running act off by force: its context is kept and resumed transparently. */
void cpu_force(struct cpu *cpu, const struct regs *regs);

/* The running act gives the processor up, keeping nothing. */
void cpu_park(struct act *act);

/* #NM in user mode: the vector registers change hands. */
void fpu_trap(void);
void fpu_switch(struct act *act);	/* act is about to run: nobody else's vector state stays behind */

/* An activation dies: its registers are nobody's. */
void cpu_forget(struct act *act) REQUIRES(env_lock);

/* Slices of a dead environment are freed. */
void cpu_slices_free(exo_envid owner) REQUIRES(env_lock);
void cpu_slice_set(u32 cpu, u32 index, exo_envid owner) REQUIRES(env_lock);	/* 0: free it */

/*
 * Try an asynchronous upcall into the context just interrupted.  If the
 * library may not be disturbed, the pending bit is set and false returned.
 * On true, regs have been moved to a save slot and now describe the entry.
 */
bool upcall_async(struct act *act, struct regs *regs, enum exo_entry entry);

/* The same for whatever is due. */
void upcalls_due(struct act *act, struct regs *regs);

/* A synchronous upcall; kills the environment (does not return) where it cannot be delivered. */
void upcall_sync(struct act *act, struct regs *regs, u64 addr);

/* A user address at which an upcall may enter? */
static inline bool
entry_valid(u64 rip)
{
	return rip != 0 && rip < EXO_USER_TOP;
}

/* Number of transfers from first to target along the chain; -1: not on it. */
int chain_distance(const struct act *first, const struct act *target) REQUIRES(env_lock);

/* Charge the time since the last charge to whoever has the processor. */
void cpu_charge(struct cpu *cpu, u64 now);

/* First true product: the tag of its first term; or -1.  A term whose frame is lost is true. */
int predicate_holds(const struct act *act);

/* Check and compile one term for env.  0 or an error. */
int predicate_compile(const struct env *env, const struct exo_term *src, struct term *dst)
	REQUIRES(mem_lock);

void cpu_init(u32 count);		/* boot: slices, cpus_pub (which core then exposes) and struct cpu */
void cpu_check(void);

#endif
