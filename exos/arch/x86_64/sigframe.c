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
#include "../../linux/errno.h"
#include "../../proc/signal.h"
#include "../../thread/thread.h"

#define RED_ZONE 128u
#define MINSIGSTKSZ_ 2048u
#define FP_MAGIC1 0x46505853u
#define FP_MAGIC2 0x46505845u
#define FP_MARK_AT 464u /* in the FXSAVE area: bytes for software */
#define FP_LEGACY 3u /* components that FXSAVE has */
#define FXSAVE_BYTES 512u

#define FLAG_TF 0x100ull
#define FLAG_DF 0x400ull
#define FLAG_RF 0x10000ull
#define FLAGS_PROGRAM                                                                              \
	0x240dd5ull /* what sigreturn may set */
#define FLAGS_FIXED 0x202ull

#define UC_FP_XSTATE 1u
#define UC_SIGCONTEXT_SS 2u
#define UC_STRICT_RESTORE_SS 4u

struct sigcontext {
	u64 r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip,
		rflags;
	u16 cs, gs, fs, ss;
	u64 error, vector, oldmask, cr2;
	u64 fpstate;
	u64 reserved[8];
};
_Static_assert(sizeof(struct sigcontext) == 256, "sigcontext");

struct ucontext {
	u64 flags, link;
	struct linux_stack stack;
	struct sigcontext regs;
	u64 mask;
};

struct frame {
	u64 restorer;
	struct ucontext uc;
	struct linux_siginfo info;
};
_Static_assert(sizeof(struct frame) == 440, "rt_sigframe");

struct fp_mark { /* struct _fpx_sw_bytes */
	u32 magic1, extended_bytes;
	u64 features;
	u32 state_bytes;
	u32 pad[7];
};
_Static_assert(sizeof(struct fp_mark) == 48, "_fpx_sw_bytes");

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
	return sizeof(struct frame) + fpu_bytes() + sizeof(u32) + 64 + 16 + 8;
}

/* Vector state at `at` in the program's memory, with the marks that Linux puts there. */
static bool
vector_push(u64 at)
{
	const u32 end = FP_MAGIC2;
	struct fp_mark mark = { .magic1 = FP_MAGIC1,
		.features = exo_info()->fpu_mask,
		.state_bytes = (u32)fpu_bytes() };

	mark.extended_bytes = mark.state_bytes + sizeof(end);
	if (fpu_save((void *)at))
		return false;
	if (exo_info()->fpu_mask == 0)
		return true;
	return copy_out(at + FP_MARK_AT, &mark, sizeof(mark)) == 0 &&
		copy_out(at + fpu_bytes(), &end, sizeof(end)) == 0;
}

static void
context_fill(struct ucontext *uc, const struct exo_save *regs, u64 mask, u64 fpstate)
{
	uc->flags =
		UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS | (exo_info()->fpu_mask ? UC_FP_XSTATE : 0);
	uc->stack = current->sig.stack;
	uc->mask = mask;
	uc->regs = (struct sigcontext){
		.r8 = regs->r8,
		.r9 = regs->r9,
		.r10 = regs->r10,
		.r11 = regs->r11,
		.r12 = regs->r12,
		.r13 = regs->r13,
		.r14 = regs->r14,
		.r15 = regs->r15,
		.rdi = regs->rdi,
		.rsi = regs->rsi,
		.rbp = regs->rbp,
		.rbx = regs->rbx,
		.rdx = regs->rdx,
		.rax = regs->rax,
		.rcx = regs->rcx,
		.rsp = regs->rsp,
		.rip = regs->rip,
		.rflags = regs->rflags,
		.cs = 0x33,
		.ss = 0x2b,
		.error = current->sig.trap.error,
		.vector = current->sig.trap.vector,
		.oldmask = mask,
		.cr2 = current->sig.trap.addr,
		.fpstate = fpstate,
	};
}

bool
sigframe_push(struct exo_save *regs, int sig, const struct linux_siginfo *info, u64 mask)
{
	const struct linux_sigaction *action = &signals.action[sig];
	u64 top = stack_top(regs->rsp, action->flags);
	u64 fp = (top - fpu_bytes() - sizeof(u32)) & ~63ull;
	u64 at = ((fp - sizeof(struct frame)) & ~15ull) - 8;
	struct frame frame = { .restorer = action->restorer, .info = *info };

	if (!(action->flags & SA_RESTORER_) || top > EXO_USER_TOP || at > top ||
		overflows(regs->rsp, action->flags, at))
		return false;
	context_fill(&frame.uc, regs, mask, fp);
	if (!vector_push(fp) || copy_out(at, &frame, sizeof(frame)))
		return false;
	fpu_reset();
	regs->rdi = (u64)sig;
	regs->rsi = at + __builtin_offsetof(struct frame, info);
	regs->rdx = at + __builtin_offsetof(struct frame, uc);
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
vector_pop(u64 from)
{
	struct fp_mark mark;
	u32 end = 0;

	if (from == 0) {
		fpu_reset();
		return true;
	}
	/* What lies behind the legacy part from before is not looked at unless the header, written below, says so. */
	if (copy_in(fp_area, from, FXSAVE_BYTES))
		return false;
	memcpy(&mark, fp_area + FP_MARK_AT, sizeof(mark));
	if (mark.magic1 == FP_MAGIC1 && mark.state_bytes == fpu_bytes() &&
		copy_in(&end, from + fpu_bytes(), sizeof(end)) == 0 && end == FP_MAGIC2) {
		if (from % 64 || copy_in(fp_area, from, fpu_bytes()))
			return false;
	} else {
		*(u64 *)(fp_area + FXSAVE_BYTES) = FP_LEGACY;
	}
	return fpu_loadable(fp_area) && fpu_load(fp_area) == 0;
}

bool
sigframe_pop(struct exo_save *regs)
{
	struct ucontext uc;
	const struct sigcontext *c = &uc.regs;

	/* the handler's return popped the restorer's address */
	if (copy_in(&uc, regs->rsp - 8 + __builtin_offsetof(struct frame, uc), sizeof(uc)))
		return false;
	if (!vector_pop(c->fpstate))
		return false;
	regs->r8 = c->r8, regs->r9 = c->r9, regs->r10 = c->r10, regs->r11 = c->r11;
	regs->r12 = c->r12, regs->r13 = c->r13, regs->r14 = c->r14, regs->r15 = c->r15;
	regs->rdi = c->rdi, regs->rsi = c->rsi, regs->rbp = c->rbp, regs->rbx = c->rbx;
	regs->rdx = c->rdx, regs->rax = c->rax, regs->rcx = c->rcx, regs->rsp = c->rsp;
	regs->rip = c->rip;
	regs->rflags = (c->rflags & FLAGS_PROGRAM) | FLAGS_FIXED;
	signal_block(uc.mask);
	stack_change(regs->rsp, &uc.stack); /* as Linux: what it refuses stays as it is */
	return true;
}
