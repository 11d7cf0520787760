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
#include "offsets.h"

	.text

.macro SAVE_CALLEE
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
.endm

.macro RESTORE_CALLEE
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
.endm

/* Make the context findable by the prologue.  May be interrupted by a handler that parks itself. */
.macro PARK_HERE
	SAVE_CALLEE
	mov	%gs:UA_CRITICAL, %eax
	push	%rax
	pushq	%gs:UA_PARKED
	mov	%rsp, %gs:UA_PARKED
.endm

/* int64_t exo_park_until(terms rdi, count rsi, deadline rdx, to rcx); exo_wait_for without its epilogue. */
	.globl	exo_park_until
	.hidden	exo_park_until
	.type	exo_park_until, @function
exo_park_until:
	PARK_HERE
	mov	%rcx, %r10
	mov	$(EXO_CALL | EXO_NR_wait), %eax
	syscall
	jmp	unpark			/* it held already, or was refused */
	.size	exo_park_until, . - exo_park_until

/* int64_t exo_park_to(exo_envid to) */
	.globl	exo_park_to
	.hidden	exo_park_to
	.type	exo_park_to, @function
exo_park_to:
	PARK_HERE
	mov	$(EXO_CALL | EXO_NR_park), %eax
	syscall
	ud2				/* park does not return */
	.size	exo_park_to, . - exo_park_to

/* A slice begins: rax says why.  Nothing else is ours but GS. */
	.globl	exo_upcall_prologue
	.hidden	exo_upcall_prologue
	.type	exo_upcall_prologue, @function
exo_upcall_prologue:
	mov	%gs:UA_PARKED, %rsp
unpark:
	popq	%gs:UA_PARKED
	pop	%rcx
	mov	%ecx, %gs:UA_CRITICAL	/* C looks at `pending` */
	RESTORE_CALLEE
	ret
	.size	exo_upcall_prologue, . - exo_upcall_prologue

/* Message registers from and to a struct exo_msg at \base (none of them). */
.macro LOAD_MSG base
	mov	0(\base), %rsi
	mov	8(\base), %rdx
	mov	16(\base), %r8
	mov	24(\base), %r9
	mov	32(\base), %rbx
	mov	40(\base), %rbp
	mov	48(\base), %r12
	mov	56(\base), %r13
	mov	64(\base), %r14
	mov	72(\base), %r15
.endm

.macro STORE_MSG base
	mov	%rsi, 0(\base)
	mov	%rdx, 8(\base)
	mov	%r8, 16(\base)
	mov	%r9, 24(\base)
	mov	%rbx, 32(\base)
	mov	%rbp, 40(\base)
	mov	%r12, 48(\base)
	mov	%r13, 56(\base)
	mov	%r14, 64(\base)
	mov	%r15, 72(\base)
.endm

/* int64_t exo_call_once(exo_envid env rdi, struct exo_msg *message rsi, uint64_t deadline rdx) */
	.globl	exo_call_once
	.type	exo_call_once, @function
exo_call_once:
	SAVE_CALLEE
	push	%rsi
	mov	%rsi, %rax
	mov	%rdx, %r10
	LOAD_MSG %rax
	mov	$(EXO_CALL | EXO_NR_call), %eax
	syscall
	pop	%rcx
	test	%rax, %rax
	jnz	1f			/* refused or lost: the message stays as it was */
	STORE_MSG %rcx
1:	RESTORE_CALLEE
	ret
	.size	exo_call_once, . - exo_call_once

/* int64_t exo_acall_park(exo_envid env rdi, const struct exo_msg *message rsi) */
	.globl	exo_acall_park
	.hidden	exo_acall_park
	.type	exo_acall_park, @function
exo_acall_park:
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

	.globl	exo_upcall_call
	.hidden	exo_upcall_call
	.type	exo_upcall_call, @function
exo_upcall_call:
	TRANSFER_ENTRY exo_serve_call
	mov	88(%rsp), %rdi
	mov	%rsp, %rax
	LOAD_MSG %rax
	mov	$(EXO_CALL | EXO_NR_return), %eax
	syscall
	jmp	give_up			/* the caller is dead or gave up waiting: nobody to tell */
	.size	exo_upcall_call, . - exo_upcall_call

	.globl	exo_upcall_acall
	.hidden	exo_upcall_acall
	.type	exo_upcall_acall, @function
exo_upcall_acall:
	TRANSFER_ENTRY exo_serve_acall
give_up:
	movl	$1, %gs:UA_GATE
	xor	%edi, %edi
	mov	$(EXO_CALL | EXO_NR_park), %eax
	syscall
	ud2
	.size	exo_upcall_acall, . - exo_upcall_acall

	.section .note.GNU-stack, "", @progbits
