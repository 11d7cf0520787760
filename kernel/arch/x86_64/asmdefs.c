/* SPDX-License-Identifier: ISC */
/*
 * Offsets for assembly: compiled to text only; mk/kernel.mk makes asmdefs.h of
 * the marked lines, so that a structure and entry.S cannot disagree.
 */
#include "../../ipc/ipc.h"
#include "machine.h"

#define DEFINE(name, value) __asm__ volatile(".ascii \"->" #name " %c0\"" : : "i"(value))
#define OFFSET(name, type, field) DEFINE(name, offsetof(struct type, field))

void asmdefs(void);
void asmdefs_tables(void);

void
asmdefs(void)
{
	OFFSET(CPU_USER_RSP, cpu, user_rsp);
	OFFSET(CPU_KSTACK_TOP, cpu, kstack_top);
	OFFSET(CPU_ACT, cpu, act);
	OFFSET(CPU_CHAIN, cpu, chain);
	OFFSET(CPU_HEAD, cpu, head);
	OFFSET(CPU_FPU, cpu, fpu);
	OFFSET(CPU_LOADED_CR3, cpu, loaded_cr3);
	OFFSET(CPU_ID, cpu, id);

	OFFSET(CPU_PUB, cpu, pub);
	OFFSET(CPU_FS, cpu, fs);
	OFFSET(CPU_TRAPPING, cpu, trapping);
	OFFSET(CPU_SCRATCH, cpu, scratch);
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
	OFFSET(PUB_ID, exo_env, id);
	OFFSET(PUB_STATE, exo_env, state);
	OFFSET(PUB_WAITING_ON, exo_env, waiting_on);
	OFFSET(PUB_ENV_FRAME, exo_env, env_frame);
	OFFSET(PUB_TRANSFERS, exo_env, transfers);
	OFFSET(ENV_ACT, env, act[0]);
	DEFINE(ENV_ALIVE, EXO_ENV_ALIVE);
	DEFINE(ENV_SHIFT, 7);
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
	DEFINE(SAVE_CRITICAL, EXO_SAVE_CRITICAL);

	OFFSET(FEATURES_FSGSBASE, features, fsgsbase);
	OFFSET(FEATURES_SMAP, features, smap);
	OFFSET(FEATURES_HIDDEN, features, hidden);
	OFFSET(FEATURES_TRANSFER, features, transfer);
	OFFSET(FEATURES_XCR0, features, xcr0);
	DEFINE(REGS_BYTES, sizeof(struct regs));
	OFFSET(REGS_RFLAGS, regs, rflags);
	DEFINE(ENOCALL, EXO_ENOCALL);
}

/* trap.S moves error, vector and flags of a slot as one word, and multiplies by 192. */
#define SAVE_AT(field) offsetof(struct exo_save, field)
_Static_assert(SAVE_AT(vector) == SAVE_AT(error) + 4, "one word");
_Static_assert(SAVE_AT(flags) == SAVE_AT(error) + 6, "one word");
_Static_assert(sizeof(struct exo_save) == 3 << 6, "slot arithmetic");
_Static_assert(sizeof(struct exo_env) == 1 << 7, "ENV_SHIFT");
_Static_assert(USER_LAST == EXO_USER_TOP - 1, "entry addresses");
_Static_assert(offsetof(struct cpu, self) == 0, "this_cpu");
_Static_assert(offsetof(struct regs, ss) == 21 * 8, "order of pushes");
