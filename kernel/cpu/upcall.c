/* SPDX-License-Identifier: ISC */
/*
 * Upcalls: the interrupted context goes to a save slot of the u-area, and the
 * user's registers are turned into an entry of its library.
 *
 * The u-area is the user's memory: depth, entries, window and `critical` are
 * each read once and checked; nothing the kernel later relies on is read back.
 * The other registers go in as they were (the library saves them), and nothing
 * is written below the user's stack pointer.
 *
 * The resume window: between `decl depth` and the jump the library runs on
 * behalf of the context in save[depth], which is complete there.  An upcall
 * that interrupts the window takes that slot again and keeps its registers, so
 * the window is left as if it had never been entered.
 */
#include "cpu_priv.h"

static u64
read_once(const u64 *word)
{
	return *(const volatile u64 *)word;
}

static void
save_all(struct exo_save *save, const struct regs *regs)
{
	save->rbx = regs->rbx;
	save->rdx = regs->rdx;
	save->rsi = regs->rsi;
	save->rdi = regs->rdi;
	save->rbp = regs->rbp;
	save->r8 = regs->r8;
	save->r9 = regs->r9;
	save->r10 = regs->r10;
	save->r12 = regs->r12;
	save->r13 = regs->r13;
	save->r14 = regs->r14;
	save->r15 = regs->r15;
}

static void
save_context(struct exo_save *save, const struct regs *regs, u32 flags)
{
	save->rip = regs->rip;
	save->rsp = regs->rsp;
	save->rflags = regs->rflags;
	save->rax = regs->rax;
	save->rcx = regs->rcx;
	save->r11 = regs->r11;
	save->flags = (uint16_t)flags;
	if ((flags & EXO_SAVE_FULL) != 0)
		save_all(save, regs);
}

/* Both kinds of upcall; depth and entry have been checked. */
static void
upcall_enter(struct act *act, struct regs *regs, u32 depth, u64 rip, u32 flags)
{
	struct exo_uarea *ua = act->ua;
	u64 begin = read_once(&ua->window_begin);
	u64 end = read_once(&ua->window_end);

	if (regs->rip < begin || regs->rip >= end)
		save_context(&ua->save[depth], regs, flags);
	ua->depth = depth + 1;
	ua->critical = 1;
	regs->rip = rip;
	regs->rflags = RFLAGS_FIXED;
}

static noreturn_ void
upcall_dies(struct act *act, u64 reason, const struct regs *regs)
{
	lock_acquire(&env_lock);
	env_kill(act->env, reason | (regs->vector & 0xff) << 16);
	panic("a dead environment runs on");
}

void
upcall_sync(struct act *act, struct regs *regs, u64 addr)
{
	struct exo_uarea *ua = act->ua;
	u32 depth = *(volatile u32 *)&ua->depth;
	u64 rip = read_once(&ua->entry[EXO_ENTRY_EXCEPTION]);
	u32 flags = *(volatile u32 *)&ua->critical != 0 ? EXO_SAVE_CRITICAL : 0;

	trace(TRACE_WHAT(EXO_TRACE_EXCEPTION, regs->vector, regs->error), regs->rip, addr);
	if (rip == 0)
		upcall_dies(act, EXO_DEAD_NOENTRY, regs);
	if (!entry_valid(rip))
		upcall_dies(act, EXO_DEAD_STATE, regs);
	if (depth >= EXO_SAVE_SLOTS)
		upcall_dies(act, EXO_DEAD_NESTING, regs);

	ua->save[depth].addr = addr;
	ua->save[depth].error = (uint32_t)regs->error;
	ua->save[depth].vector = (uint16_t)regs->vector;
	if (regs->vector == 14)
		count_up(&act->pub->faults);
	else
		count_up(&act->pub->upcalls);
	upcall_enter(act, regs, depth, rip, flags);
}

/*
 * A debug exception in the window is due to the flags of the context that is
 * resumed there, which are loaded a few instructions early.  What is left of the
 * window is done here, or a library could let no program step.  `critical` is by
 * then as the context had it; if it is not, somebody stepped into the window.
 */
bool
upcall_step(struct act *act, struct regs *regs)
{
	const volatile struct exo_uarea *ua = act->ua;
	u32 depth = ua->depth;
	u64 rip, rflags;

	if (regs->rip < ua->window_begin || regs->rip >= ua->window_end || depth >= EXO_SAVE_SLOTS)
		return false;
	if (ua->critical != 0 && !(ua->save[depth].flags & EXO_SAVE_CRITICAL))
		return false;
	rip = ua->save[depth].rip;
	rflags = ua->save[depth].rflags;
	if (!entry_valid(rip) || !(rflags & RFLAGS_TF))
		return false;

	regs->rip = rip;
	regs->rflags = (rflags & RFLAGS_USER) | RFLAGS_FIXED;
	regs->rsp = ua->save[depth].rsp;
	regs->rax = ua->save[depth].rax;
	regs->rcx = ua->save[depth].rcx;
	regs->r11 = ua->save[depth].r11;
	return true;
}

bool
upcall_async(struct act *act, struct regs *regs, enum exo_entry entry)
{
	struct exo_uarea *ua = act->ua;
	u32 depth = *(volatile u32 *)&ua->depth;
	u64 rip = read_once(&ua->entry[entry]);
	bool full = regs == &act->forced;

	if (entry == EXO_ENTRY_EVENT)
		__atomic_fetch_and(&act->event_due, (u16)~DUE_EVENT, __ATOMIC_SEQ_CST);
	if (entry == EXO_ENTRY_REVOKE)
		__atomic_fetch_and(&act->event_due, (u16)~DUE_REVOKE, __ATOMIC_SEQ_CST);
	if (*(volatile u32 *)&ua->critical != 0 || depth >= EXO_SAVE_SLOTS || !entry_valid(rip)) {
		__atomic_fetch_or(&ua->pending, 1u << entry, __ATOMIC_RELAXED);
		return false;
	}

	__atomic_fetch_and(&ua->pending, ~(1u << entry), __ATOMIC_RELAXED);
	ua->save[depth].addr = 0;
	ua->save[depth].error = 0;
	ua->save[depth].vector = (uint16_t)(0x100 + entry);
	trace(TRACE_WHAT(EXO_TRACE_UPCALL, entry, 0), regs->rip, 0);
	count_up(&act->pub->upcalls);
	upcall_enter(act, regs, depth, rip, full ? EXO_SAVE_FULL : 0);
	return true;
}

/* The one with the deadline first; the other then waits in `pending`. */
void
upcalls_due(struct act *act, struct regs *regs)
{
	if (act->event_due & DUE_REVOKE)
		upcall_async(act, regs, EXO_ENTRY_REVOKE);
	if (act->event_due & DUE_EVENT)
		upcall_async(act, regs, EXO_ENTRY_EVENT);
}
