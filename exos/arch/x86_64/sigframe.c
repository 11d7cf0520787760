/* SPDX-License-Identifier: ISC */
/*
 * The frame a handler finds on its stack: Linux's rt_sigframe for x86-64.
 *
 *   higher   +--------------------+ program's rsp - 128 (red zone), or the alternate stack's top
 *            | vector state       | 64-aligned, XSAVE layout, end mark behind
 *            | struct frame       |   siginfo
 *            |                    |   ucontext
 *   rsp ->   |                    |   return address: the restorer
 *            +--------------------+ 16-aligned + 8, as behind a call
 */
#include "arch.h"
#include "frame.h"
#include "../../linux/errno.h"
#include "../../proc/signal.h"
#include "../../thread/thread.h"

#define RED_ZONE 128u
#define MINSIGSTKSZ_ 2048u
#define FP_LEGACY 3u /* components that FXSAVE has */
#define FXSAVE_BYTES 512u

#define FLAG_TF 0x100ull
#define FLAG_DF 0x400ull
#define FLAG_RF 0x10000ull
#define FLAGS_PROGRAM 0x240dd5ull	/* what sigreturn may set */
#define FLAGS_FIXED 0x202ull

#define UC_FP_XSTATE 1u
#define UC_SIGCONTEXT_SS 2u
#define UC_STRICT_RESTORE_SS 4u

#define FRAME_BYTES 440u
#define FRAME_UCONTEXT 8u
#define FRAME_INFO 312u

static u8 fp_area[FPU_AREA_MAX] TRANSIENT __attribute__((aligned(64)));

/* ---- the alternate stack ------------------------------------------------------------ */

static bool
within_stack(u64 rsp)
{
	return rsp > current->sig.stack.sp &&
		rsp - current->sig.stack.sp <= current->sig.stack.bytes;
}

/* One that disarms itself is never "on": nested handlers may change it. */
static bool
on_stack(u64 rsp)
{
	return !(current->sig.stack.flags & SS_AUTODISARM_) && within_stack(rsp);
}

struct linux_stack
stack_now(u64 rsp)
{
	struct linux_stack s = current->sig.stack;

	s.flags &= SS_AUTODISARM_;
	s.flags |= s.bytes == 0 ? SS_DISABLE_ : on_stack(rsp) ? SS_ONSTACK_ : 0;
	return s;
}

long
stack_change(u64 rsp, const struct linux_stack *new)
{
	u32 mode = new->flags & ~SS_AUTODISARM_;

	if (on_stack(rsp))
		return -EPERM;
	if (mode > SS_DISABLE_)
		return -EINVAL;
	if (mode != SS_DISABLE_ && new->bytes < MINSIGSTKSZ_)
		return -ENOMEM;
	current->sig.stack = (struct linux_stack){ .flags = new->flags };
	if (mode != SS_DISABLE_) {
		current->sig.stack.sp = new->sp;
		current->sig.stack.bytes = new->bytes;
	}
	return 0;
}

static u64
stack_top(u64 rsp, u64 flags)
{
	if (flags & SA_ONSTACK_ && current->sig.stack.bytes && !on_stack(rsp))
		return current->sig.stack.sp + current->sig.stack.bytes;
	return rsp - RED_ZONE;
}

/* A frame that begins on the alternate stack must end there, too. */
static bool
overflows(u64 rsp, u64 flags, u64 at)
{
	bool entering = flags & SA_ONSTACK_ && current->sig.stack.bytes && !on_stack(rsp);

	return (entering || on_stack(rsp)) && !within_stack(at);
}

u64
sigframe_bytes(void)
{
	return FRAME_BYTES + fpu.bytes + sizeof(u32) + 64 + 16 + 8;
}

/* Vector state at `at` in the program's memory, with the marks that Linux puts there. */
static bool
vector_push(u64 at)
{
	if (fpu_save((void *)at))
		return false;
	return !fpu.mark.magic1 || exos_frame_mark(at, &fpu.mark, fpu.bytes) == 0;
}

bool
sigframe_push(struct exo_save *regs, const struct sig_detail *d, u64 mask)
{
	const struct linux_sigaction *action = &signals.action[d->signo];
	const struct trap *trap = &current->sig.trap;
	u64 top = stack_top(regs->rsp, action->flags);
	u64 fp = (top - fpu.bytes - sizeof(u32)) & ~63ull;
	u64 at = ((fp - FRAME_BYTES) & ~15ull) - 8;
	const struct frame_rest rest = {
		.restorer = action->restorer,
		.flags = UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS |
			(fpu.mark.magic1 ? UC_FP_XSTATE : 0),
		.stack = current->sig.stack,
		.error = trap->error,
		.vector = trap->vector,
		.mask = mask,
		.cr2 = trap->addr,
		.fpstate = fp,
	};

	if (!(action->flags & SA_RESTORER_) || top > EXO_USER_TOP || at > top ||
		overflows(regs->rsp, action->flags, at))
		return false;
	if (!vector_push(fp) || exos_frame_out(at, regs, &rest, d))
		return false;
	fpu_reset();
	regs->rdi = (u64)d->signo;
	regs->rsi = at + FRAME_INFO;
	regs->rdx = at + FRAME_UCONTEXT;
	regs->rax = 0;
	regs->rip = action->handler;
	regs->rsp = at;
	regs->rflags &= ~(FLAG_TF | FLAG_DF | FLAG_RF);
	if (current->sig.stack.flags & SS_AUTODISARM_)
		current->sig.stack = (struct linux_stack){ .flags = SS_DISABLE_ };
	return true;
}

/* The marks say whether there is more than FXSAVE's part; what is not there is as at the start. */
static bool
vector_pop_copy(u64 from)
{
	struct fp_mark mark;
	u32 end = 0;

	/* What lies behind the legacy part from before is not looked at unless the header, written below, says so. */
	if (copy_in(fp_area, from, FXSAVE_BYTES))
		return false;
	memcpy(&mark, fp_area + FP_MARK_AT, sizeof(mark));
	if (mark.magic1 == FP_MAGIC1 && mark.state_bytes == fpu.bytes &&
		copy_in(&end, from + fpu.bytes, sizeof(end)) == 0 && end == FP_MAGIC2) {
		if (from % 64 || copy_in(fp_area, from, fpu.bytes))
			return false;
	} else {
		*(u64 *)(fp_area + FXSAVE_BYTES) = FP_LEGACY;
	}
	return fpu_load_any(fp_area) == 0;
}

static bool
vector_pop(u64 from)
{
	long done = 1;

	if (from == 0) {
		fpu_reset();
		return true;
	}
	if (from % 64 == 0 && from < EXO_USER_TOP)
		done = fpu_take((const void *)from);
	if (done == 0 || (done == 1 && vector_pop_copy(from)))
		return true;
	fpu_reset();			/* some of it may have been loaded */
	return false;
}

static bool
same_stack(const struct linux_stack *a, const struct linux_stack *b)
{
	return a->sp == b->sp && a->flags == b->flags && a->bytes == b->bytes;
}

bool
sigframe_pop(struct exo_save *regs)
{
	/* the handler's return popped the restorer's address */
	const u64 context = regs->rsp - 8 + FRAME_UCONTEXT;
	struct frame_rest rest;

	if (context >= EXO_USER_TOP || exos_frame_in(regs, context, &rest))
		return false;
	regs->rflags = (regs->rflags & FLAGS_PROGRAM) | FLAGS_FIXED;
	signal_block(rest.mask);
	if (!vector_pop(rest.fpstate))
		return false;
	if (!same_stack(&rest.stack, &current->sig.stack))
		stack_change(regs->rsp, &rest.stack); /* as Linux: what it refuses stays as it is */
	return true;
}
