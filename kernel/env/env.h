/* SPDX-License-Identifier: ISC */
/*
 * Environments and activations.  struct env lies in the env frame, struct act
 * in the activation frame of each CPU; both are the caller's frames, typed.
 * env.c tells their life.  The exposed table, and how activations relate to
 * each other, are under env_lock, the first of all locks.
 */
#ifndef KERNEL_ENV_H
#define KERNEL_ENV_H

#include <exo/stlb.h>
#include "../core/core.h"

#define CPUS_MAX 8u

/* A full user context, in the order entry.S pushes it. */
struct regs {
	u64 r15, r14, r13, r12, r10, r9, r8, rbp, rdi, rsi, rdx, rbx;
	u64 r11, rcx, rax;
	u64 vector, error;
	u64 rip, cs, rflags, rsp, ss;
};

/*
 * What an activation is doing.  PARKED keeps nothing in the kernel: entering
 * it is always an upcall.  CALLING waits in a control transfer: rip, rsp and
 * flags behind the call are kept.  FORCED was taken off by force, or returned
 * to off its slice: all registers are kept.
 */
enum act_state { ACT_PARKED, ACT_RUNNING, ACT_CALLING, ACT_FORCED };

/* One compiled term of a predicate. */
struct term {
	const volatile u64 *word;
	u64 mask, value;
	u32 pfn, generation;		/* of the frame watched; pfn 0: an exposed table, never lost */
	u8 cmp, flags;
	u16 tag;
	u32 spare;
};

/* Asynchronous upcalls to be delivered at the next chance. */
#define DUE_EVENT  1u
#define DUE_REVOKE 2u

struct env;

/* offsets of the first words are known to entry.S (asmdefs) */
struct act {
	u64 cr3;			/* [I] */
	struct exo_uarea *ua;		/* [I] the kernel's alias */
	u64 ua_va;			/* [I] GS base in user mode */
	struct env *env;		/* [I] */
	struct exo_env *pub;		/* [I] public entry */
	u64 id;				/* [I] the environment's name */
	u32 state;			/* [env_lock] enum act_state; the next two are tested with it, as one word */
	u16 event_due;			/* DUE_*: not yet delivered or left pending */
	u16 fpu_valid;			/* vector_state below holds this activation's */
	u32 cpu;			/* [I] */
	u32 strikes;			/* slices in a row that were overrun */
	/* ACT_CALLING: */
	u64 call_rip, call_rsp, call_rflags;
	u64 waiting_on;			/* callee, 0: none */
	u64 call_deadline;		/* ns, 0: none */
	/* predicate, while PARKED */
	u64 deadline;			/* ns, 0: none */
	u32 waiting;			/* a predicate or deadline is installed; tested with the next, as one word */
	u32 overrun;			/* slices to be forfeited */
	u32 nterms;
	u32 stlb;			/* [mem_lock] not 0: page faults look into env->stlb first */
	u64 fs_base;			/* while it is not in the register */
	u32 spare;
	u32 frame;			/* pfn of this */
	u64 asked, lost;		/* [env_lock] revocations recorded in the u-area */
	struct term term[EXO_TERMS_MAX];
	struct regs forced;		/* ACT_FORCED */
	u8 vector_state[] __attribute__((aligned(64)));	/* XSAVE area to the end of the frame */
};
_Static_assert(sizeof(struct act) <= 1024, "room for XSAVE");

/* The software TLB offered: frames in a row, and which generation of each was meant. */
struct stlb {				/* all [mem_lock] */
	u32 pfn;
	u32 frames;			/* 0: none */
	u32 generation[EXO_STLB_FRAMES];
};

/*
 * The refill pool: page tables in the order in which they are reused (mem/pool.c).
 * Named by frame and generation; `at` and va say where each was entered last.
 */
struct pool_place {			/* all [mem_lock] */
	u64 at;				/* binding */
	u64 va;				/* first address that it covers there */
	u32 pfn;			/* 0: empty */
	u32 generation;
};
struct pool {
	struct pool_place place[EXO_POOL_TABLES];
	u32 end;			/* behind the last that is filled */
	u32 hand;			/* whose turn it is */
};

/* Which CPUs may not have left a dead environment yet. */
struct leaving {
	u32 cpus;			/* bit n: CPU n was asked, */
	u32 until[CPUS_MAX];		/* ... and has left when its leave_done is here */
};

/*
 * The last yes to this environment: with which key, about which account (or
 * guard), so that asking again is a compare.  What may turn one into a no takes
 * all back, by drawing a new epoch: the end of a key, a change or the end of a
 * guard, the end of an account.
 */
struct grant {				/* all [mem_lock] */
	u64 epoch;			/* as long as this is grants_epoch */
	u64 about;			/* pfn of the account; guard_grant: serial of the guard, which no other has */
	exo_slot key;
	u32 others;			/* rights that were not asked for: what must not be asked now */
};

/* A walk down a tree of page tables. */
struct walk {
	exo_pfn table;			/* the table reached */
	u64 *entries;			/* its entries */
	unsigned gap;			/* the walk ended early: level of the absent entry, else 0 */
	bool write;			/* every entry on the way allows writing */
	bool shared;			/* some table on the way is bound more than once */
};

/*
 * The last walk to a page's table in its address space.  It holds until any
 * entry above level 1 changes, in whatever tree: rare, next to page faults in the
 * same 2 MiB.
 */
struct recent {				/* all [mem_lock] */
	struct walk walk;
	u64 epoch;			/* as long as this is walks_epoch */
	u64 region;			/* va >> 21 */
};

struct env {
	u64 id;				/* [I] */
	u32 slot;			/* [I] index in the environment table */
	u32 frame;			/* [I] pfn of this */
	u32 root;			/* [I] pfn of the top-level page table */
	u32 account;			/* [I] pfn */
	exo_guardref guard;		/* [I] 0: the account's holder */
	u64 guard_serial;		/* [I] */
	u32 ring[EXO_RING_FRAMES];	/* [env_lock] pfn of each ring frame, 0: none */
	struct act *act[CPUS_MAX];	/* [env_lock] */
	u32 dismantled;			/* [env_lock] how far that got: key slots, then slices */
	struct leaving leaving;		/* [env_lock] once it is dead */
	struct grant grant, guard_grant;
	struct recent recent;
	struct stlb stlb;
	struct pool pool;
};
_Static_assert(sizeof(struct env) <= EXO_PAGE_BYTES, "an env frame");

/* A key-slot argument as it came in a register: what does not fit is outside every ring. */
static inline exo_slot
slot_arg(u64 value)
{
	return value > UINT32_MAX ? UINT32_MAX : (exo_slot)value;
}

extern struct exo_env *envs;		/* [env_lock] the exposed table */
extern u32 envs_count;			/* [I] */

/* The live environment of that name, or NULL; *error is -EXO_ESTALE or -EXO_EDEAD. */
struct env *env_find(exo_envid id, int *error) REQUIRES(env_lock);

/* May self act on env through this key slot?  Self always may.  0 or an error. */
int env_allows(const struct env *self, exo_slot key, const struct env *env, u32 rights)
	REQUIRES(mem_lock);

/*
 * O(1): ends the generation, wakes whoever waits.  Does not return if env is
 * running here; other CPUs that run it leave it when the interrupt reaches them.
 */
void env_kill(struct env *env, u64 reason) REQUIRES(env_lock);

/*
 * Used by account_reap on an ENV frame of a dead environment: one bounded
 * step; true when env/ has let go of everything.  Only then are its other
 * frames (ROOT, RING, UAREA, ACT) reaped, in any order, and the ENV frame last.
 */
bool env_dismantle(exo_pfn frame) REQUIRES(env_lock, mem_lock);

/*
 * Boot: the first environment.  Its frames lie in the root account and are
 * free to be typed; uarea is filled in.  Slot 1, the root key in slot 0 of its
 * ring, its activation on CPU 0, slice 0 of CPU 0.
 */
struct env_boot {
	exo_pfn account, env_frame, root, root_links, ring, uarea, act;
	u64 uarea_va;
};
struct env *env_boot(const struct env_boot *frames);

/* The flags a user context may have, and those it always has. */
#define RFLAGS_TF    0x100ull
#define RFLAGS_USER  0x240dd5ull	/* arithmetic, TF, DF, AC, ID; never IOPL, NT, RF, VM */
/* IF and the bit that is always one: also the flags of every upcall */
#define RFLAGS_FIXED 0x202ull

/* Boot: makes the environment table, which core then exposes.  Before env_boot. */
#define ENVS_MAX 10240u
void env_init(void);

void env_check(void);

#endif
