/* SPDX-License-Identifier: ISC */
/*
 * Parking that returns, and control transfer.
 *
 * The kernel keeps nothing of a parked activation.  The context waits on its
 * own stack; `parked` in the u-area points at the innermost, each keeps the
 * one outside of it:
 *
 *   +----------------+
 *   | return address |
 *   | rbx .. r15     |
 *   | critical       |
 *   | outer `parked` |  <- parked
 *   +----------------+
 */
#include <exo/callnr.h>
#include "context.h"

	.text

/* Make the context findable by the prologue.  May be interrupted by a handler that parks itself. */
.macro PARK_HERE
	SAVE_CALLEE
	mov	%gs:UA_CRITICAL, %eax
	push	%rax
	pushq	%gs:UA_PARKED
	mov	%rsp, %gs:UA_PARKED
.endm

/* exo_wait_for and exo_yield without their epilogue. */
PARKING exo_park_until, exo_park_to, unpark

/* A slice begins: rax says why.  Nothing else is ours but GS. */
FUNCTION exo_upcall_prologue
	mov	%gs:UA_PARKED, %rsp
unpark:
	popq	%gs:UA_PARKED
	pop	%rcx
	mov	%ecx, %gs:UA_CRITICAL	/* C looks at `pending` */
	RESTORE_CALLEE
	ret
	.size	exo_upcall_prologue, . - exo_upcall_prologue

CALLING exo_call_once, STORE_MSG

/* int64_t exo_acall_park(exo_envid env rdi, const struct exo_msg *message rsi) */
FUNCTION exo_acall_park
	PARK_HERE
	mov	%rsi, %rax
	LOAD_MSG %rax
	mov	$(EXO_CALL | EXO_NR_acall), %eax
	syscall
	jmp	unpark			/* refused */
	.size	exo_acall_park, . - exo_acall_park

/*
 * A transfer arrives: rax is the caller's name, the rest its message.  The
 * kernel closed the gate and set `critical`, so this stack is free; a handler
 * that opens the gate early must not return before it is done with it.
 *
 *   +-----------------+ top
 *   | caller          |
 *   | (alignment)     |
 *   | struct exo_msg  |
 *   +-----------------+ handler(caller, &message)
 */
.macro TRANSFER_ENTRY handler
	mov	%gs:UA_STACKS, %rsp
	lea	(STACK_CALL_TOP - 96)(%rsp), %rsp
	mov	%rax, 88(%rsp)
	STORE_MSG %rsp
	cld
	mov	%rax, %rdi
	mov	%rsp, %rsi
	xor	%ebp, %ebp
	call	\handler
.endm

FUNCTION exo_upcall_call
	TRANSFER_ENTRY exo_serve_call
	mov	88(%rsp), %rdi
	mov	%rsp, %rax
	LOAD_MSG %rax
	mov	$(EXO_CALL | EXO_NR_return), %eax
	syscall
	jmp	give_up			/* the caller is dead or gave up waiting: nobody to tell */
	.size	exo_upcall_call, . - exo_upcall_call

FUNCTION exo_upcall_acall
	TRANSFER_ENTRY exo_serve_acall
give_up:
	movl	$1, %gs:UA_GATE
	xor	%edi, %edi
	mov	$(EXO_CALL | EXO_NR_park), %eax
	syscall
	ud2
	.size	exo_upcall_acall, . - exo_upcall_acall

	.section .note.GNU-stack, "", @progbits
