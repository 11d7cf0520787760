/* SPDX-License-Identifier: ISC */
/*
 * The short way of call and return (kernel/ipc/ipc.h says exactly what they
 * may do).  Anything out of the ordinary goes to C with all registers as they
 * were: nothing that counts is changed before the last test.
 *
 * At entry, from entry_syscall: all registers the user's (rax the number, rcx
 * = rip, r11 = flags), but rsp, which serves as a register until user mode.
 *
 *	rsp	the activation that runs now		rcx	the one that will
 *	rax	where that goes on			r11	scratch
 *
 * env_lock is not taken: interrupts are off and there is one CPU.  Processor
 * time is not charged: it goes to whoever runs when the clock is next read.
 */
#include <exo/callnr.h>
#include "layout.h"
#include "asmdefs.h"

	/* rip and flags are put in the activation, where they will stay or mean nothing. */
	.macro begin slow
	mov	%gs:CPU_ACT, %rsp
	mov	%rcx, ACT_CALL_RIP(%rsp)
	mov	%r11, ACT_CALL_RFLAGS(%rsp)
	cmpb	$0, features + FEATURES_TRANSFER(%rip)
	je	\slow
	/* A data segment left behind would be a message. */
	mov	%ds, %eax
	mov	%es, %ecx
	or	%ecx, %eax
	mov	%fs, %ecx
	or	%ecx, %eax
	mov	%gs, %ecx
	or	%ecx, %eax
	jnz	\slow
	.endm

	/* rcx = the activation on this CPU of the live environment named in rdi */
	.macro find_act slow
	movzwl	%di, %eax
	cmp	envs_count(%rip), %eax
	jae	\slow
	shl	$ENV_SHIFT, %eax
	add	envs(%rip), %rax
	cmp	%rdi, PUB_ID(%rax)
	jne	\slow
	cmpq	$ENV_ALIVE, PUB_STATE(%rax)
	jne	\slow
	mov	PUB_ENV_FRAME(%rax), %ecx
	shl	$12, %rcx
	add	direct_base(%rip), %rcx
	mov	%gs:CPU_ID, %r11d
	mov	ENV_ACT(%rcx, %r11, 8), %rcx
	test	%rcx, %rcx
	jz	\slow
	.endm

	/*
	 * The processor becomes rcx's (named in rdi).  Afterwards rcx = rax, r11 = GS base.
	 * Whose the vector registers are: cpu/cpu.c; here cpu.fpu is rsp or nobody.
	 */
	.macro switch_acts name
	mov	%rcx, %gs:CPU_ACT
	mov	%gs:CPU_PUB, %r11
	mov	%rdi, CPUPUB_RUNNING(%r11)
	incq	CPUPUB_SWITCHES(%r11)
	rdfsbase %r11
	mov	%r11, ACT_FS_BASE(%rsp)
	mov	ACT_FS_BASE(%rcx), %r11
	wrfsbase %r11
	mov	%rcx, %gs:CPU_FS
	cmpq	$0, %gs:CPU_FPU
	jnz	vectors_\name
	cmpl	$0, ACT_FPU_VALID(%rcx)
	jnz	vectors_\name
vectors_done_\name:
	mov	ACT_CR3(%rcx), %r11
	mov	%r11, %gs:CPU_LOADED_CR3
	mov	%r11, %cr3
	mov	ACT_UA_VA(%rcx), %r11
	mov	%rax, %rcx
	.endm

	/* fpu_switch in cpu/cpu.c, without a stack. */
	.macro vectors name
vectors_\name:
	mov	%rax, %gs:CPU_SCRATCH
	mov	%rdx, %gs:CPU_SCRATCH + 8
	clts
	movl	$0, %gs:CPU_TRAPPING
	mov	features + FEATURES_XCR0(%rip), %eax
	xor	%edx, %edx
	cmpq	$0, %gs:CPU_FPU
	je	1f
	xsave64	ACT_VECTOR_STATE(%rsp)
	movl	$1, ACT_FPU_VALID(%rsp)
1:	cmpl	$0, ACT_FPU_VALID(%rcx)
	je	2f
	xrstor64 ACT_VECTOR_STATE(%rcx)
	mov	%rcx, %gs:CPU_FPU
	jmp	3f
2:	xrstor64 fpu_clean(%rip)
	movq	$0, %gs:CPU_FPU
	movl	$1, %gs:CPU_TRAPPING
	mov	%cr0, %rdx
	or	$CR0_TS, %rdx
	mov	%rdx, %cr0
3:	mov	%gs:CPU_SCRATCH, %rax
	mov	%gs:CPU_SCRATCH + 8, %rdx
	jmp	vectors_done_\name
	.endm

	.text
	.balign 64
	.globl	transfer_call
transfer_call:
	begin	call_slow
	find_act call_slow
	cmpl	$STATE_PARKED, ACT_STATE(%rcx)
	jne	call_slow
	mov	ACT_UA(%rcx), %r11
	cmpl	$0, UA_GATE(%r11)
	je	call_slow
	cmpl	$0, UA_CRITICAL(%r11)
	jne	call_slow
	cmpl	$CHAIN_LIMIT - 1, %gs:CPU_CHAIN
	jae	call_slow
	mov	UA_ENTRY_CALL(%r11), %rax
	dec	%rax
	cmp	user_last(%rip), %rax
	jae	call_slow

	inc	%rax
	movl	$0, UA_GATE(%r11)
	movl	$1, UA_CRITICAL(%r11)
	movl	$STATE_CALLING, ACT_STATE(%rsp)
	mov	%rdi, ACT_WAITING_ON(%rsp)
	mov	%r10, ACT_CALL_DEADLINE(%rsp)
	mov	%gs:CPU_USER_RSP, %r11
	mov	%r11, ACT_CALL_RSP(%rsp)
	mov	ACT_PUB(%rsp), %r11
	mov	%rdi, PUB_WAITING_ON(%r11)
	incq	PUB_CALLS(%r11)
	movl	$STATE_RUNNING, ACT_STATE(%rcx)
	mov	ACT_PUB(%rcx), %r11
	incq	PUB_TRANSFERS(%r11)
	incl	%gs:CPU_CHAIN
	switch_acts call
	mov	ACT_ID(%rsp), %rax
	swapgs
	wrgsbase %r11
	mov	$FLAGS_USER, %r11d
	xor	%esp, %esp
	sysretq

	.balign 64
	.globl	transfer_return
transfer_return:
	begin	return_slow
	cmp	%gs:CPU_HEAD, %rdi
	jne	return_slow
	find_act return_slow
	cmpl	$STATE_CALLING, ACT_STATE(%rcx)
	jne	return_slow
	mov	ACT_ID(%rsp), %r11
	cmp	%r11, ACT_WAITING_ON(%rcx)
	jne	return_slow
	cmpl	$0, ACT_EVENT_DUE(%rcx)
	jne	return_slow

	movl	$STATE_PARKED, ACT_STATE(%rsp)
	movl	$0, ACT_STRIKES(%rsp)
	movl	$0, ACT_EVENT_DUE(%rsp)
	mov	ACT_PUB(%rsp), %r11
	incq	PUB_CALLS(%r11)
	mov	ACT_UA(%rsp), %r11
	movl	$1, UA_GATE(%r11)
	movl	$0, UA_CRITICAL(%r11)
	movl	$STATE_RUNNING, ACT_STATE(%rcx)
	movq	$0, ACT_WAITING_ON(%rcx)
	movq	$0, ACT_CALL_DEADLINE(%rcx)
	mov	ACT_PUB(%rcx), %r11
	movq	$0, PUB_WAITING_ON(%r11)
	movl	$0, %gs:CPU_CHAIN
	mov	ACT_CALL_RIP(%rcx), %rax
	mov	%rcx, %r10
	switch_acts return
	swapgs
	wrgsbase %r11
	mov	ACT_CALL_RFLAGS(%r10), %r11
	mov	ACT_CALL_RSP(%r10), %rsp
	xor	%eax, %eax
	xor	%r10d, %r10d
	sysretq

	vectors	call
	vectors	return

call_slow:
	mov	$EXO_NR_call, %eax
	jmp	1f
return_slow:
	mov	$EXO_NR_return, %eax
1:	mov	ACT_CALL_RIP(%rsp), %rcx
	mov	ACT_CALL_RFLAGS(%rsp), %r11
	jmp	entry_special

	.section .rodata
	.balign 8
direct_base:
	.quad	DIRECT_BASE

	.section .note.GNU-stack, "", @progbits
