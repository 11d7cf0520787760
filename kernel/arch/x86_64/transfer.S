/* SPDX-License-Identifier: ISC */
/*
 * The short way of call, return and park (kernel/ipc/ipc.h says exactly what
 * they may do).  Anything out of the ordinary goes to C with all registers as they
 * were: nothing that counts is changed before the last test.
 *
 * At entry, from entry_syscall: all registers the user's (rax the number, rcx
 * = rip, r11 = flags), but rsp, which serves as a register until user mode.
 *
 *	rsp	the activation that runs now		rcx	the one that will
 *	rax	where that goes on			r11	scratch
 *
 * env_lock is not taken.  All that is changed is this CPU's: its words, and
 * activations on it, whose state no other CPU writes but for event_due, set
 * with an interrupt sent here, and only while it sees them in another state
 * than parked.  An environment found here may be dead before it is entered: then
 * the interrupt that tells this CPU to leave it is on its way, to be taken at its first
 * instruction, and until this CPU has left nothing of it is taken apart
 * (core/remote.c).  So too for whoever it leaves, down to the last word that is
 * stored in it.  The vector state is in memory before anybody else is entered.
 *
 * Processor time is not charged: it goes to whoever runs when the clock is next read.
 * Data segment registers stay: their owner speaks with the other one anyway.
 */
#include <exo/callnr.h>
#include "layout.h"
#include "asmdefs.h"

	/* rip and flags are put in the activation, where they will stay or mean nothing. */
	.macro begin
	mov	%gs:CPU_ACT, %rsp
	mov	%rcx, ACT_CALL_RIP(%rsp)
	mov	%r11, ACT_CALL_RFLAGS(%rsp)
	.endm

	/* rcx = the activation on this CPU of the live environment named in rdi, or `nobody` */
	.macro find_act slow
	mov	%edi, %eax
	and	$ACTS_MASK, %eax
	mov	%gs:CPU_ACTS, %rcx
	mov	(%rcx, %rax, 8), %rcx
	cmp	%rdi, ACT_ID(%rcx)
	jne	\slow
	.endm

	/*
	 * Vector registers, as fpu_switch in cpu/cpu.c: what the one who leaves has
	 * in them is saved and they are clean; what the one who comes has saved is
	 * loaded.  A refusal behind this goes by way of C, which sees to it again.
	 */
	.macro vector_mask
	mov	%rdx, %r11
	mov	features + FEATURES_XCR0(%rip), %eax
	xor	%edx, %edx
	.endm
	.macro vector_off
	vector_mask
	xsave64	ACT_VECTOR_STATE(%rsp)
	movw	$1, ACT_FPU_VALID(%rsp)
	xrstor64 fpu_clean(%rip)
	mov	%r11, %rdx
	movq	$0, %gs:CPU_FPU
	movl	$0, %gs:CPU_FPU_ON
	mov	%cr0, %rax
	or	$CR0_TS, %rax
	mov	%rax, %cr0
	.endm
	.macro vector_on
	clts
	vector_mask
	xrstor64 ACT_VECTOR_STATE(%rcx)
	mov	%r11, %rdx
	mov	%rcx, %gs:CPU_FPU
	movl	$1, %gs:CPU_FPU_ON
	.endm

	/* The processor becomes rcx's (named in rdi).  Afterwards r11 = GS base. */
	.macro switch_acts
	mov	%rcx, %gs:CPU_ACT
	mov	%gs:CPU_PUB, %r11
	mov	%rdi, CPUPUB_RUNNING(%r11)
	incq	CPUPUB_SWITCHES(%r11)
	rdfsbase %r11
	mov	%r11, ACT_FS_BASE(%rsp)
	mov	ACT_FS_BASE(%rcx), %r11
	wrfsbase %r11
	mov	ACT_CR3(%rcx), %r11
	mov	%r11, %cr3
	mov	ACT_UA_VA(%rcx), %r11
	.endm

	.text
	.balign 64
	.globl	transfer_call
transfer_call:
	begin
	find_act call_slow
	cmpq	$CHAIN_LIMIT - 1, %gs:CPU_CHAIN	/* and the caller uses no vector registers */
	jae	.Lcall_chain
1:	cmpq	$STATE_PARKED, ACT_STATE(%rcx)	/* and nor does the callee */
	jne	.Lcall_state
2:	mov	ACT_UA(%rcx), %r11
	cmpl	$0, UA_GATE(%r11)
	je	call_slow
	cmpl	$0, UA_CRITICAL(%r11)
	jne	call_slow
	mov	UA_ENTRY_CALL(%r11), %rax
	dec	%rax
	cmp	user_last(%rip), %rax
	jae	call_slow

	/* rax + 1: the entry */
	movl	$0, UA_GATE(%r11)
	movl	$1, UA_CRITICAL(%r11)
	mov	%r11, %gs:CPU_UA
	movl	$STATE_CALLING, ACT_STATE(%rsp)
	mov	%rdi, ACT_WAITING_ON(%rsp)
	mov	%r10, ACT_CALL_DEADLINE(%rsp)
	mov	%gs:CPU_USER_RSP, %r11
	mov	%r11, ACT_CALL_RSP(%rsp)
	mov	ACT_PUB(%rsp), %r11
	mov	%rdi, PUB_WAITING_ON(%r11)
	lock incq PUB_CALLS(%r11)
	movl	$STATE_RUNNING, ACT_STATE(%rcx)
	mov	ACT_PUB(%rcx), %r11
	lock incq PUB_TRANSFERS(%r11)
	incl	%gs:CPU_CHAIN
	switch_acts
	lea	1(%rax), %rcx
	mov	ACT_ID(%rsp), %rax
	swapgs
	wrgsbase %r11
	mov	$FLAGS_USER, %r11d
	xor	%esp, %esp
	sysretq

.Lcall_chain:
	cmpl	$CHAIN_LIMIT - 1, %gs:CPU_CHAIN
	jae	call_slow
	vector_off
	jmp	1b
.Lcall_state:
	cmpl	$STATE_PARKED, ACT_STATE(%rcx)
	jne	call_slow
	cmpw	$0, ACT_FPU_VALID(%rcx)
	je	2b
	vector_on
	jmp	2b

	.balign 64
	.globl	transfer_return
transfer_return:
	begin
	cmp	%gs:CPU_HEAD, %rdi
	jne	return_slow
	find_act return_slow
	mov	ACT_ID(%rsp), %rax
	cmp	%rax, ACT_WAITING_ON(%rcx)
	jne	return_slow
	cmpl	$0, %gs:CPU_FPU_ON
	jne	.Lreturn_vector
	/* No event is due, and it uses no vector registers either. */
1:	cmpq	$STATE_CALLING, ACT_STATE(%rcx)
	jne	.Lreturn_state

2:	movl	$STATE_PARKED, ACT_STATE(%rsp)
	movw	$0, ACT_EVENT_DUE(%rsp)
	movl	$0, ACT_STRIKES(%rsp)
	mov	ACT_PUB(%rsp), %r11
	lock incq PUB_CALLS(%r11)
	mov	ACT_UA(%rsp), %r11
	movl	$1, UA_GATE(%r11)
	movl	$0, UA_CRITICAL(%r11)
	mov	ACT_UA(%rcx), %r11
	mov	%r11, %gs:CPU_UA
	movl	$STATE_RUNNING, ACT_STATE(%rcx)
	movq	$0, ACT_WAITING_ON(%rcx)
	mov	ACT_PUB(%rcx), %r11
	movq	$0, PUB_WAITING_ON(%r11)
	movl	$0, %gs:CPU_CHAIN
	switch_acts
	swapgs
	wrgsbase %r11
	mov	ACT_CALL_RFLAGS(%rcx), %r11
	mov	ACT_CALL_RSP(%rcx), %rsp
	mov	ACT_CALL_RIP(%rcx), %rcx
	xor	%eax, %eax
	xor	%r10d, %r10d
	sysretq

.Lreturn_vector:
	vector_off
	jmp	1b
.Lreturn_state:
	cmpl	$STATE_CALLING, ACT_STATE(%rcx)
	jne	return_slow
	cmpw	$0, ACT_EVENT_DUE(%rcx)
	jne	return_slow
	vector_on
	jmp	2b

	.balign 64
	.globl	transfer_park
transfer_park:
	begin
	find_act park_slow
	cmpq	$0, ACT_WAITING(%rcx)		/* and it owes no slices */
	jne	park_slow
	cmpl	$0, %gs:CPU_IN_GRACE
	jne	park_slow
	cmpl	$0, %gs:CPU_FPU_ON
	jne	.Lpark_vector
1:	cmpq	$STATE_PARKED, ACT_STATE(%rcx)	/* and no vector registers */
	jne	.Lpark_state
2:	mov	ACT_UA(%rcx), %r11
	mov	UA_ENTRY_PROLOGUE(%r11), %rax
	dec	%rax
	cmp	user_last(%rip), %rax
	jae	park_slow

	movl	$1, UA_CRITICAL(%r11)
	mov	%r11, %gs:CPU_UA
	mov	%gs:CPU_SLICE_END, %r10
	mov	%r10, UA_SLICE_END(%r11)
	mov	ACT_UA(%rsp), %r11
	movl	$0, UA_CRITICAL(%r11)
	movl	$STATE_PARKED, ACT_STATE(%rsp)
	movw	$0, ACT_EVENT_DUE(%rsp)
	movl	$0, ACT_WAITING(%rsp)
	movl	$0, ACT_STRIKES(%rsp)
	mov	ACT_PUB(%rsp), %r11
	lock incq PUB_CALLS(%r11)
	movl	$STATE_RUNNING, ACT_STATE(%rcx)
	mov	ACT_PUB(%rcx), %r11
	lock incq PUB_UPCALLS(%r11)
	movl	$0, %gs:CPU_CHAIN
	mov	%rdi, %gs:CPU_HEAD
	switch_acts
	lea	1(%rax), %rcx
	swapgs
	wrgsbase %r11
	jmp	entry_upcall_regs

.Lpark_vector:
	cmpw	$0, ACT_FPU_VALID(%rcx)
	jne	3f
	vector_off
	jmp	1b
3:	vector_mask				/* from one to the other: nothing has to be clean between them */
	xsave64	ACT_VECTOR_STATE(%rsp)
	movw	$1, ACT_FPU_VALID(%rsp)
	xrstor64 ACT_VECTOR_STATE(%rcx)
	mov	%r11, %rdx
	mov	%rcx, %gs:CPU_FPU
	cmpw	$0, ACT_EVENT_DUE(%rcx)
	jne	park_slow
	cmpl	$STATE_PARKED, ACT_STATE(%rcx)
	je	2b
	jmp	park_slow
.Lpark_state:
	cmpl	$STATE_PARKED, ACT_STATE(%rcx)
	jne	park_slow
	cmpw	$0, ACT_EVENT_DUE(%rcx)
	jne	park_slow
	vector_on
	jmp	2b

park_slow:
	mov	ACT_CALL_RIP(%rsp), %rcx
	mov	ACT_CALL_RFLAGS(%rsp), %r11
	jmp	stub_park

call_slow:
	mov	$EXO_NR_call, %eax
	jmp	1f
return_slow:
	mov	$EXO_NR_return, %eax
1:	mov	ACT_CALL_RIP(%rsp), %rcx
	mov	ACT_CALL_RFLAGS(%rsp), %r11
	jmp	entry_special

	.section .note.GNU-stack, "", @progbits
