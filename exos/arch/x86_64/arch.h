/* SPDX-License-Identifier: ISC */
/*
 * What the rest of ExOS asks of the machine: coming in, going out, and the
 * few places where vector state and the program's memory are touched.
 */
#ifndef EXOS_ARCH_H
#define EXOS_ARCH_H

#include "../../core/exos.h"
#include "random.h"
#include "stacks.h"

/* What a page fault's error code says. */
#define FAULT_PRESENT 1u
#define FAULT_WRITE 2u
#define FAULT_FETCH 16u

/* ---- upcall.S calls these, on the stack of the upcall's depth */
/* Each gives the slot to go on with: it may be another CPU's by then. */
struct exo_save *exos_serve_syscall(struct exo_save *regs);
struct exo_save *exos_serve_exception(struct exo_save *regs);
struct exo_save *exos_serve_event(struct exo_save *regs);	/* also: something waited in `pending` */
noreturn_ void exos_go(void);		/* from depth 1 on, as behind any of them */
noreturn_ void exos_begin(void);		/* the very first entry */

/* exception.c */
bool exception_steps(const struct exo_save *regs);	/* true: the program goes on, and comes again */
bool exception_passes(struct exo_save *regs);	/* true: nothing is to be done about it */
void exception_serve(struct exo_save *regs);

/* Continue the context in the topmost save slot. */
noreturn_ void exos_resume(struct exo_save *regs);

/* ---- park.S */
long exos_park_until(const struct exo_term *terms, u64 count, u64 deadline_ns, exo_envid to);
long exos_park_to(exo_envid to);
/*
 * Run clone(arg, parked) with a parked context on the stack, which a copy of
 * this address space finds when it is entered first, if its u-area says so.
 * Returns clone's result here, and 0 in the copy.
 */
long exos_fork_point(long (*clone)(void *, u64 parked), void *arg);
extern const char exos_upcall_prologue[] __attribute__((visibility("hidden")));
/* thread.S: *keep: where the one that runs stands; to: where the other did */
void exos_thread_switch(u64 *keep, u64 to);
static inline void
stack_set(u64 top)			/* of depth 1 */
{
	*(u64 *)((char *)UAREA + UA_STACK_FIRST) = top;
}

/* stacks.c */
/* A stack on which a switch finds a thread that begins at entry; where it stands. */
u64 stack_begin(u64 top, void (*entry)(void));
u64 stack_parked(u64 top, void (*entry)(void));	/* the same, for a prologue to find */
long exos_transfer(exo_envid env, struct exo_msg *message, u64 deadline_ns);

/* ---- copy.S: may fault on the program's memory; then -EFAULT.  Everything in this range is a leaf. */
#include "copy.h"
long exos_xsave(void *area, u64 mask);
long exos_fxsave(void *area);
long exos_xrstor(const void *area, u64 mask);
long exos_fxrstor(const void *area);

/* ---- fpu.c: vector state in Linux's layout */
#define FPU_AREA_MAX 4096u
struct fp_mark {			/* struct _fpx_sw_bytes */
	u32 magic1, extended_bytes;
	u64 features;
	u32 state_bytes;
	u32 pad[7];
};
_Static_assert(sizeof(struct fp_mark) == 48, "_fpx_sw_bytes");
extern struct fpu {			/* as the machine is, from fpu_begin on */
	u32 bytes;
	bool xsave;
	bool moves;			/* there are x87, SSE and AVX, and nothing else */
	struct fp_mark mark;		/* of signal frames; magic1 0: none */
} fpu;
void fpu_begin(void);
long fpu_save(void *area);			/* 64-aligned, maybe the program's: 0 or -EFAULT */
void fpu_keep(void *area);		/* of library memory, for fpu_load alone */
void fpu_load(const void *area);	/* what fpu_save or fpu_keep made, in library memory */
/* What a signal frame has, 64-aligned, the program's: 0; -EFAULT; 1: it was changed so that a copy of it is to be loaded. */
long fpu_take(const void *area);
long fpu_load_any(
	void *area); /* a copy, of whole FPU_AREA_MAX, made safe first: 0; -EFAULT: Linux would not take it */
void fpu_reset(void);
int fpu_error_code(void);		/* FPE_* of a vector 16 or 19; 0: nothing is raised */

/* ---- FS base: the program's, only with EXO_FEAT_FSGSBASE; the kernel keeps it over parking */
static inline u64
fs_base(void)
{
	u64 base = 0;

	if (exo_info()->features & EXO_FEAT_FSGSBASE)
		__asm__ volatile("rdfsbase %0" : "=r"(base));
	return base;
}

static inline void
fs_base_set(u64 base)
{
	if (exo_info()->features & EXO_FEAT_FSGSBASE)
		__asm__ volatile("wrfsbase %0" : : "r"(base));
}

/* ---- enter.S: Linux calls from stubs (site.h), which the program may stand before */
extern const char exos_site_enter[] __attribute__((visibility("hidden")));

/* ---- vdso.S: an ELF file in the image, whole pages, for programs */
extern const char exos_vdso[] __attribute__((visibility("hidden")));
extern const char exos_vdso_end[] __attribute__((visibility("hidden")));

/* A Linux call as the program makes it: in code that runs as the program only. */
static inline long
program_call(long number, long a, long b)
{
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b)
			 : "rcx", "r11", "memory");
	return result;
}

u32 cpu_features(void);			/* AT_HWCAP: edx of cpuid leaf 1 */

/* Where the stacks' ends are, from the header. */
extern const struct exos_header exos_header;

#endif
