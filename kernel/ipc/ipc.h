/* SPDX-License-Identifier: ISC */
/*
 * Protected control transfer: call, acall, return.
 *
 * The relation is kept on the caller's activation alone: ACT_CALLING with
 * waiting_on = the callee's name, so an activation waits for at most one
 * other, several may wait for the same, and the dispatcher follows the
 * pointers from a slice's owner to whoever can run.  The callee keeps no list
 * of its callers; return checks that the environment named waits on it.
 *
 * entry.S has a fast path of call and return.  It may only do what these
 * functions do; whatever it does not understand it hands to them with all
 * registers of the user in *regs (rax the call number, rcx = rip, r11 =
 * rflags).  None returns: they enter an activation or dispatch.
 *
 * Fast call, exactly: the live environment of this id has an activation on
 * this CPU, which is PARKED, ua->gate != 0, ua->critical == 0,
 * cpu->chain + 1 < CHAIN_MAX, entry[CALL] is a user address other than 0.  Then
 *   caller: state CALLING, call_rip/rsp/rflags, waiting_on = id, call_deadline = r10
 *   callee: state RUNNING, ua->gate = 0, ua->critical = 1; waiting and its terms stay
 *   cpu:    act = callee, chain + 1; callee's pub->transfers + 1, caller's pub->calls + 1
 *   enter:  rip = entry[CALL], rflags 0x202, rax = caller's id, rsp = 0, rcx = r11 = 0
 *
 * Fast return, exactly: cpu->head == the caller named, which is alive, its
 * activation CALLING and waiting_on == the callee's id, event_due == 0.  Then
 *   callee: state PARKED, event_due = strikes = 0, ua->gate = 1, ua->critical = 0
 *   caller: state RUNNING, waiting_on = 0
 *   cpu:    act = caller, chain = 0
 *   enter:  call_rip, call_rsp, call_rflags; rax = 0, r10 = rcx = r11 = 0, message registers and rdi as they are
 *
 * Fast park(to), exactly: the live environment of that id has an activation on
 * this CPU, PARKED, which waits for nothing and owes no slices, and for which no
 * event is due; the slice is not in its grace; entry[PROLOGUE] is a user address
 * other than 0.  Then
 *   self:   state PARKED, event_due = strikes = waiting = 0, ua->critical = 0; pub->calls + 1
 *   to:     state RUNNING, ua->critical = 1, ua->slice_end_ns set; pub->upcalls + 1
 *   cpu:    act = head = to, chain = 0
 *   enter:  rip = entry[PROLOGUE], rflags 0x202, all registers 0
 * It does not look at the clock: past the slice's end the timer comes at once.
 *
 * The vector registers change hands as fpu_switch (cpu/cpu.c) has it: the
 * old act's are saved if it used any, the new act's loaded, or clean and trapping.
 *
 * All of it is under env_lock; the fast path takes none, because what it changes
 * is this CPU's alone (transfer.S says why that is enough).
 */
#ifndef KERNEL_IPC_H
#define KERNEL_IPC_H

#include "../env/env.h"

noreturn_ void ipc_call(struct regs *regs) EXCLUDES(env_lock);
noreturn_ void ipc_acall(struct regs *regs) EXCLUDES(env_lock);
noreturn_ void ipc_return(struct regs *regs) EXCLUDES(env_lock);

/* A caller's wait ends: it becomes FORCED behind its call with rax = result and all else zero. */
void ipc_wait_end(struct act *caller, i64 result) REQUIRES(env_lock);

/* Would from, or anyone it waits on in CHAIN_MAX steps, wait on this environment? */
bool ipc_leads_to(const struct act *from, exo_envid target) REQUIRES(env_lock);

#endif
