/* SPDX-License-Identifier: ISC */
/*
 * Processors: per-CPU state, the vector of time slices, the dispatcher,
 * predicates.  cpu.c tells the story.
 */
#ifndef KERNEL_CPU_H
#define KERNEL_CPU_H

#include "../arch/x86_64/arch.h"
#include "../core/remote.h"

#define SLICE_NS     5000000ull		/* length of a slice */
#define GRACE_NS     2000000ull		/* end-of-slice grace */
#define FORFEITS_MAX 16u
#define CHAIN_MAX    8u			/* length of a chain of control transfers */

#define KSTACK_BYTES 16384

/*
 * One for each CPU: its kernel stack, and right behind it its words, so that
 * both the kernel's GS (which points at `self`) and the frame of an exception
 * lead to them.  Offsets known to arch/.
 */
struct cpu {
	u8 kstack_guard[EXO_PAGE_BYTES];	/* not mapped: below it the stack ends */
	u8 kstack[KSTACK_BYTES];
	struct cpu *self;
	u64 kstack_top;			/* address of the word above */
	u64 user_rsp;			/* scratch of the entry path */
	struct act *act;		/* whose address space is loaded and who runs; NULL when idle */
	struct exo_uarea *ua;		/* act's, the kernel's alias */
	/* [env_lock] by the slot of an environment's name: its activation here */
	struct act **acts;
	u32 chain;			/* control transfers between the slice's owner and act */
	u32 fpu_on;			/* arch: vector registers do not trap; tested with chain, as one word */
	struct exo_cpu *pub;
	u32 id;
	u32 slice;			/* index of the slice being run */
	u32 in_grace;			/* the slice is over: epilogue delivered, or deferred by a critical section */
	u64 head;			/* environment whose chain runs: owner, or given the rest by a yield; 0: slice is over */
	u64 slice_end;			/* ns */
	u64 grace_end;			/* ns, while in_grace */
	u64 told;			/* environment that the epilogue was meant for, while in_grace */
	u64 timer_at;			/* ns the one-shot timer is set to, 0: off */
	struct act *fpu;		/* whose vector state is in the registers; NULL: they are clean */
	struct act *fs;			/* while act is NULL: whose FS base is in the register */
	u64 entered;			/* since when the present act is charged for time, ns */
	u64 entry_tsc;			/* arch: when the kernel was entered by way of C, 0: by a short way */
	u64 occupied[EXO_SLICES_CPU / 64];	/* [env_lock] slices that have an owner */
	bool online;			/* it has come as far as the dispatcher */
	/* What other CPUs ask (remote.c): counted by who asks, and by this CPU when it is done. */
	u32 flush_wanted;		/* [flush_lock] */
	u32 flush_done;
	u32 leave_wanted;		/* [env_lock] */
	u32 leave_done;
	u32 stopped;			/* at which stop it was last */
} __attribute__((aligned(4096)));

extern struct cpu cpus[CPUS_MAX];
extern struct exo_slice *slices;	/* [env_lock] the exposed table, EXO_SLICES_CPU for each CPU */
extern struct exo_cpu *cpus_pub;	/* the exposed table */

/* In every place of cpu.acts where nobody is: it has no name, and nothing can be done with it. */
#define ENV_SLOTS 16384u		/* a power of two, ENVS_MAX at least: any name leads into the array */
_Static_assert(ENV_SLOTS >= ENVS_MAX, "a place for every slot");
extern struct act nobody;

/* The activation on this CPU of the live environment of that name, or NULL. */
static inline struct act *
act_find(const struct cpu *cpu, exo_envid id) REQUIRES(env_lock)
{
	struct act *act = cpu->acts[id % ENV_SLOTS];

	return act->id == id && act != &nobody ? act : NULL;
}

/* ---- what CPUs ask of each other: remote.c, and remote.h for the rest of it ---- */

static inline bool
act_alive(const struct act *act)
{
	return *(volatile u64 *)&act->pub->state == EXO_ENV_ALIVE;
}

/* While waiting for anything: what this CPU is asked to do at once. */
void cpu_serve_flush(struct cpu *cpu);
static inline void
cpu_serve(struct cpu *cpu)
{
	if (__atomic_load_n(&cpu->flush_wanted, __ATOMIC_ACQUIRE) != cpu->flush_done)
		cpu_serve_flush(cpu);
}

/* Every other CPU that may run a dead environment, or be about to, is asked to leave it. */
void cpus_ask_leave(struct leaving *leaving, const struct env *env) REQUIRES(env_lock);
bool cpus_left(const struct leaving *leaving);
void cpus_wait_left(const struct leaving *leaving) EXCLUDES(env_lock, mem_lock);

/* In an interrupt: this CPU holds nothing but its act, if any.  Does not return to a dead one. */
void cpu_at_rest(struct cpu *cpu) EXCLUDES(env_lock);

/* All other CPUs at rest, until cpus_go; false: not now.  With no lock held, in a call. */
bool cpus_stop(void);
void cpus_go(void);
void cpu_stop_asked(struct cpu *cpu);

void cpu_poke(u32 cpu);			/* it looks around: events due to who runs, predicates if nobody does */

/* The act that runs here is dead: on to the next.  `asked`: what this CPU was asked to leave by then. */
noreturn_ void cpu_leave(struct cpu *cpu, u32 asked) EXCLUDES(env_lock);

/* A CPU's first steps, from arch/: it has nobody to run. */
noreturn_ void cpu_enter(struct cpu *cpu);

/* Run whoever is next (or sleep until somebody is).  `to` is tried first, on the present slice. */
noreturn_ void cpu_dispatch(exo_envid to);

/*
 * Timer interrupt: slice end, grace end, predicate deadlines.  regs: the
 * interrupted user context, NULL from idle.  May change regs, may not return.
 */
void cpu_timer(struct regs *regs);

/* After any other interrupt that found user mode: what was posted to the running act is delivered. */
void cpu_events(struct regs *regs);

/* A user address at which an upcall may enter? */
static inline bool
entry_valid(u64 rip)
{
	return rip != 0 && rip < EXO_USER_TOP;
}

/* Would an asynchronous upcall have to wait, in `pending`? */
static inline bool
upcall_waits(const struct exo_uarea *ua, enum exo_entry entry)
{
	const volatile struct exo_uarea *u = ua;

	return u->critical != 0 || u->depth >= EXO_SAVE_SLOTS || !entry_valid(u->entry[entry]);
}

/* Have an interrupt right behind the present call: it delivers what is due to the caller. */
void cpu_kick(void);

/* Take the running act off by force: its context is kept and resumed transparently. */
void cpu_force(struct cpu *cpu, const struct regs *regs);

/* The running act gives the processor up, keeping nothing. */
void cpu_park(struct act *act);

/* #NM in user mode: the vector registers change hands. */
void fpu_trap(void);
void fpu_switch(struct act *act);	/* act is about to run: nobody else's vector state stays behind */
void fpu_unload(void);			/* nobody is */

/* An activation dies: nobody finds it any more, and here its registers are nobody's. */
void cpu_forget(struct act *act) REQUIRES(env_lock);

/* Some slices of a dead environment are freed, from this number on, over all CPUs: the number to go on with. */
u32 cpu_slices_free(exo_envid owner, u32 from) REQUIRES(env_lock);
/* May it be charged to who pays for the owner's slices?  0 or -EXO_EQUOTA. */
int cpu_slice_room(u32 cpu, u32 index, exo_envid owner) REQUIRES(env_lock);
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

/* A debug exception: true if it came in the resume window, of the context resumed there, which goes on. */
bool upcall_step(struct act *act, struct regs *regs);

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
void cpu_limit(u32 count);		/* boot: so many came */
void cpu_check(void);

#endif
