/* SPDX-License-Identifier: ISC */
/* The long way of control transfer: every case; ipc.h has the story, and the short way's share. */
#include "ipc.h"
#include "../arch/x86_64/arch.h"
#include "../cpu/cpu.h"

/* A refusal: the caller goes on behind its call with all registers as they were. */
static noreturn_ void
refuse(struct act *self, struct regs *regs, int error)
{
	trace(TRACE_WHAT(EXO_TRACE_RESULT, regs->rax, 0), (u64)(i64)error, 0);
	regs->rax = (u64)(i64)error;
	regs->rip = regs->rcx;
	regs->rflags = (regs->r11 & RFLAGS_USER) | RFLAGS_FIXED;
	arch_enter_regs(self, regs);
}

bool
ipc_leads_to(const struct act *from, exo_envid target)
{
	for (u32 step = 0; step <= CHAIN_MAX; step++) {
		struct env *env;
		int error;

		if (from->id == target)
			return true;
		if (from->state != ACT_CALLING)
			return false;
		env = env_find(from->waiting_on, &error);
		if (env == NULL)
			return false;
		from = env->act[from->cpu];
	}
	return true;			/* too deep to know: refused as a cycle is */
}

/* May self enter env's activation on this CPU through this entry?  0 or an error. */
static int
callee_check(const struct act *self, exo_envid id, enum exo_entry entry, struct act **callee,
	u64 *rip) REQUIRES(env_lock)
{
	int error;
	struct env *env = env_find(id, &error);
	struct act *act;

	if (env == NULL)
		return error;
	act = env->act[self->cpu];
	if (act == NULL)
		return -EXO_EBUSY;
	if (ipc_leads_to(act, self->id))
		return -EXO_ECYCLE;
	*callee = act;
	*rip = *(volatile u64 *)&act->ua->entry[entry];
	if (act->state != ACT_PARKED || *(volatile u32 *)&act->ua->gate == 0 ||
		*(volatile u32 *)&act->ua->critical != 0 || !entry_valid(*rip))
		return -EXO_EBUSY;
	return 0;
}

/* The callee's context: behind a closed gate, with the caller's message registers. */
static void
callee_context(const struct act *self, struct act *callee, u64 rip, struct regs *regs)
	REQUIRES(env_lock)
{
	callee->ua->gate = 0;
	callee->ua->critical = 1;
	count_up(&callee->pub->transfers);
	trace(TRACE_WHAT(EXO_TRACE_TRANSFER, regs->rax, 0), self->id, callee->id);
	regs->rip = rip;
	regs->rflags = RFLAGS_FIXED;
	regs->rsp = 0;
	regs->rax = self->id;
	regs->rcx = 0;
	regs->r11 = 0;
}

static noreturn_ void
callee_enter(struct act *callee, const struct regs *regs) RELEASE(env_lock)
{
	callee->state = ACT_RUNNING;
	this_cpu()->pub->running = callee->id;
	lock_release(&env_lock);
	arch_enter_regs(callee, regs);
}

noreturn_ void
ipc_call(struct regs *regs)
{
	struct cpu *cpu = this_cpu();
	struct act *self = cpu->act;
	struct act *callee = NULL;
	u64 rip = 0;
	int error;

	lock_acquire(&env_lock);
	error = callee_check(self, regs->rdi, EXO_ENTRY_CALL, &callee, &rip);
	if (error == 0 && cpu->chain >= CHAIN_MAX)
		error = -EXO_ECYCLE;
	if (error != 0) {
		lock_release(&env_lock);
		refuse(self, regs, error);
	}

	cpu_charge(cpu, now_ns());
	self->state = ACT_CALLING;
	self->call_rip = regs->rcx;
	self->call_rsp = regs->rsp;
	self->call_rflags = regs->r11;
	self->call_deadline = regs->r10;
	self->waiting_on = callee->id;
	self->pub->waiting_on = callee->id;
	cpu->chain++;
	callee_context(self, callee, rip, regs);
	callee_enter(callee, regs);
}

noreturn_ void
ipc_acall(struct regs *regs)
{
	struct cpu *cpu = this_cpu();
	struct act *self = cpu->act;
	struct act *callee = NULL;
	u64 rip = 0;
	int error;

	lock_acquire(&env_lock);
	error = callee_check(self, regs->rdi, EXO_ENTRY_ACALL, &callee, &rip);
	if (error != 0) {
		lock_release(&env_lock);
		refuse(self, regs, error);
	}

	cpu_charge(cpu, now_ns());
	cpu_park(self);
	callee_context(self, callee, rip, regs);
	if (cpu->in_grace) {
		/* There is no rest of the slice to give: it runs when its own comes. */
		callee->forced = *regs;
		callee->state = ACT_FORCED;
		lock_release(&env_lock);
		cpu_dispatch(0);
	}
	cpu->head = callee->id;
	cpu->chain = 0;
	callee_enter(callee, regs);
}

/* The activation that a return to env would resume, or NULL and an error. */
static struct act *
caller_of(const struct act *self, exo_envid id, int *error) REQUIRES(env_lock)
{
	struct env *env = env_find(id, error);
	struct act *act = env != NULL ? env->act[self->cpu] : NULL;

	if (act != NULL && act->state == ACT_CALLING && act->waiting_on == self->id)
		return act;
	if (env != NULL)
		*error = -EXO_EOWNER;
	return NULL;
}

static void
wait_over(struct act *caller) REQUIRES(env_lock)
{
	caller->waiting_on = 0;
	caller->pub->waiting_on = 0;
	caller->call_deadline = 0;
}

/* What the caller finds: its own rip, rsp and flags, 0, and the message registers as they stand. */
static void
regs_returned(struct regs *regs, const struct act *caller)
{
	regs->rip = caller->call_rip;
	regs->rsp = caller->call_rsp;
	regs->rflags = (caller->call_rflags & RFLAGS_USER) | RFLAGS_FIXED;
	regs->rax = 0;
	regs->rcx = 0;
	regs->r10 = 0;
	regs->r11 = 0;
}

void
ipc_wait_end(struct act *caller, i64 result)
{
	caller->forced = (struct regs){ 0 };
	regs_returned(&caller->forced, caller);
	caller->forced.rax = (u64)result;
	caller->state = ACT_FORCED;
	wait_over(caller);
}

/* The callee parks, but what it waits for stays: it was interrupted by the call, not done waiting. */
static void
callee_park(struct act *self) REQUIRES(env_lock)
{
	self->state = ACT_PARKED;
	self->strikes = 0;
	self->event_due = 0;
	self->ua->gate = 1;
	self->ua->critical = 0;
}

noreturn_ void
ipc_return(struct regs *regs)
{
	struct cpu *cpu = this_cpu();
	struct act *self = cpu->act;
	struct act *caller;
	struct env *head;
	int error, distance = -1;

	lock_acquire(&env_lock);
	caller = caller_of(self, regs->rdi, &error);
	if (caller == NULL) {
		lock_release(&env_lock);
		refuse(self, regs, error);
	}

	head = env_find(cpu->head, &error);
	if (head != NULL && head->act[cpu->id] != NULL)
		distance = chain_distance(head->act[cpu->id], caller);
	cpu_charge(cpu, now_ns());
	trace(TRACE_WHAT(EXO_TRACE_TRANSFER, regs->rax, 0), self->id, caller->id);
	callee_park(self);
	regs_returned(regs, caller);
	wait_over(caller);
	if (distance < 0) {
		/* Not this slice's: it runs when its own comes. */
		caller->forced = *regs;
		caller->state = ACT_FORCED;
		lock_release(&env_lock);
		cpu_dispatch(cpu->chain != 0 ? cpu->head : 0);
	}
	caller->state = ACT_RUNNING;
	cpu->chain = (u32)distance;
	cpu->pub->running = caller->id;
	if (caller->event_due)
		upcalls_due(caller, regs);
	lock_release(&env_lock);
	arch_enter_regs(caller, regs);
}
