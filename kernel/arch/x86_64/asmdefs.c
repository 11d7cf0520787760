/* SPDX-License-Identifier: ISC */
/*
 * Offsets for assembly: compiled to text only; mk/kernel.mk makes asmdefs.h of
 * the marked lines, so that a structure and entry.S cannot disagree.
 */
#include "../../ipc/ipc.h"
#include "machine.h"

#define DEFINE(name, value) __asm__ volatile(".ascii \"->" #name " %c0\"" : : "i"(value))
#define OFFSET(name, type, field) DEFINE(name, offsetof(struct type, field))
/* From where GS points, and where the kernel's stack ends. */
#define CPU_OFFSET(name, field)                                                                    \
	DEFINE(name, offsetof(struct cpu, field) - offsetof(struct cpu, self))

void asmdefs(void);
void asmdefs_tables(void);

void
asmdefs(void)
{
	DEFINE(CPU_WORDS, offsetof(struct cpu, self));
	CPU_OFFSET(CPU_KSTACK_TOP, kstack_top);
	CPU_OFFSET(CPU_USER_RSP, user_rsp);
	CPU_OFFSET(CPU_ACT, act);
	CPU_OFFSET(CPU_UA, ua);
	CPU_OFFSET(CPU_ACTS, acts);
	CPU_OFFSET(CPU_CHAIN, chain);
	CPU_OFFSET(CPU_FPU_ON, fpu_on);
	CPU_OFFSET(CPU_FPU, fpu);
	CPU_OFFSET(CPU_HEAD, head);
	CPU_OFFSET(CPU_IN_GRACE, in_grace);
	CPU_OFFSET(CPU_SLICE_END, slice_end);
	CPU_OFFSET(CPU_PUB, pub);
	OFFSET(CPUPUB_RUNNING, exo_cpu, running);
	OFFSET(CPUPUB_SWITCHES, exo_cpu, switches);

	OFFSET(ACT_CR3, act, cr3);
	OFFSET(ACT_UA, act, ua);
	OFFSET(ACT_UA_VA, act, ua_va);
	OFFSET(ACT_ENV, act, env);
	OFFSET(ACT_PUB, act, pub);
	OFFSET(ACT_STLB, act, stlb);

	OFFSET(ACT_ID, act, id);
	OFFSET(ACT_STATE, act, state);
	OFFSET(ACT_CALL_RIP, act, call_rip);
	OFFSET(ACT_CALL_RSP, act, call_rsp);
	OFFSET(ACT_CALL_RFLAGS, act, call_rflags);
	OFFSET(ACT_WAITING_ON, act, waiting_on);
	OFFSET(ACT_CALL_DEADLINE, act, call_deadline);
	OFFSET(ACT_STRIKES, act, strikes);
	OFFSET(ACT_WAITING, act, waiting);
	OFFSET(ACT_EVENT_DUE, act, event_due);
	OFFSET(ACT_FS_BASE, act, fs_base);
	OFFSET(ACT_FPU_VALID, act, fpu_valid);
	OFFSET(ACT_VECTOR_STATE, act, vector_state);
	DEFINE(STATE_PARKED, ACT_PARKED);
	DEFINE(STATE_RUNNING, ACT_RUNNING);
	DEFINE(STATE_CALLING, ACT_CALLING);
	DEFINE(CHAIN_LIMIT, CHAIN_MAX);
}

void
asmdefs_tables(void)
{
	DEFINE(ACTS_MASK, ENV_SLOTS - 1);
	OFFSET(PUB_WAITING_ON, exo_env, waiting_on);
	OFFSET(PUB_TRANSFERS, exo_env, transfers);
	OFFSET(PUB_CALLS, exo_env, calls);
	OFFSET(PUB_UPCALLS, exo_env, upcalls);
	OFFSET(PUB_FAULTS, exo_env, faults);
	OFFSET(PUB_REFLECTED, exo_env, reflected);

	OFFSET(UA_DEPTH, exo_uarea, depth);
	OFFSET(UA_CRITICAL, exo_uarea, critical);
	OFFSET(UA_SYS_RIP, exo_uarea, sys_rip);
	OFFSET(UA_WINDOW_BEGIN, exo_uarea, window_begin);
	OFFSET(UA_WINDOW_END, exo_uarea, window_end);
	OFFSET(UA_ENTRY_EXCEPTION, exo_uarea, entry[EXO_ENTRY_EXCEPTION]);
	OFFSET(UA_GATE, exo_uarea, gate);
	OFFSET(UA_ENTRY_CALL, exo_uarea, entry[EXO_ENTRY_CALL]);
	OFFSET(UA_ENTRY_PROLOGUE, exo_uarea, entry[EXO_ENTRY_PROLOGUE]);
	OFFSET(UA_SLICE_END, exo_uarea, slice_end_ns);
	OFFSET(UA_ENTRY_SYSCALL, exo_uarea, entry[EXO_ENTRY_SYSCALL]);
	OFFSET(UA_SAVE_RIP, exo_uarea, save[0].rip);
	OFFSET(UA_SAVE_RSP, exo_uarea, save[0].rsp);
	OFFSET(UA_SAVE_RFLAGS, exo_uarea, save[0].rflags);
	OFFSET(UA_SAVE_RAX, exo_uarea, save[0].rax);
	OFFSET(UA_SAVE_RCX, exo_uarea, save[0].rcx);
	OFFSET(UA_SAVE_R11, exo_uarea, save[0].r11);
	OFFSET(UA_SAVE_ADDR, exo_uarea, save[0].addr);
	OFFSET(UA_SAVE_ERROR, exo_uarea, save[0].error);
	OFFSET(UA_SAVE_VECTOR, exo_uarea, save[0].vector);
	OFFSET(UA_SAVE_FLAGS, exo_uarea, save[0].flags);
	DEFINE(SAVE_SLOTS, EXO_SAVE_SLOTS);
	DEFINE(SAVE_BYTES, sizeof(struct exo_save));
	DEFINE(SAVE_CRITICAL, EXO_SAVE_CRITICAL);

	OFFSET(FEATURES_SMAP, features, smap);
	OFFSET(FEATURES_HIDDEN, features, hidden);
	OFFSET(FEATURES_XCR0, features, xcr0);
	DEFINE(REGS_BYTES, sizeof(struct regs));
	OFFSET(REGS_RFLAGS, regs, rflags);
	DEFINE(ENOCALL, EXO_ENOCALL);
}

/* trap.S moves error, vector and flags of a slot as one word. */
#define SAVE_AT(field) offsetof(struct exo_save, field)
_Static_assert(SAVE_AT(vector) == SAVE_AT(error) + 4, "one word");
_Static_assert(SAVE_AT(flags) == SAVE_AT(error) + 6, "one word");
_Static_assert(USER_LAST == EXO_USER_TOP - 1, "entry addresses");
_Static_assert(offsetof(struct exo_uarea, depth) + 4 == offsetof(struct exo_uarea, critical),
	"trap.S reads both at once");
/* The processor aligns the stack before it pushes an exception's frame, which lies right below. */
_Static_assert(offsetof(struct cpu, self) % 16 == 0, "CPU_WORDS");
_Static_assert(offsetof(struct cpu, chain) % 8 == 0, "one word");
_Static_assert(offsetof(struct cpu, fpu_on) == offsetof(struct cpu, chain) + 4, "one word");
_Static_assert(offsetof(struct act, state) % 8 == 0, "one word");
_Static_assert(offsetof(struct act, waiting) % 8 == 0, "one word");
_Static_assert(offsetof(struct act, overrun) == offsetof(struct act, waiting) + 4, "one word");
_Static_assert(EXO_WOKE_SLICE == 0, "transfer_park");
_Static_assert(EXO_VPT == 0xfffffe8000000000 && PTE_USER == 4, "user_copy");
_Static_assert(offsetof(struct act, event_due) == offsetof(struct act, state) + 4, "one word");
_Static_assert(offsetof(struct act, fpu_valid) == offsetof(struct act, state) + 6, "one word");
_Static_assert(offsetof(struct regs, ss) == 21 * 8, "order of pushes");
