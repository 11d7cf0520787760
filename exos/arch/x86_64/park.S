/* SPDX-License-Identifier: ISC */
/*
 * Giving the processor up, and coming back.  The kernel keeps nothing of a
 * parked activation; the context waits on its own stack:
 *
 *   +----------------+
 *   | return address |
 *   | rbx .. r15     |
 *   | (alignment)    |  <- parked, in the u-area
 *   +----------------+
 *
 * A library without threads has at most one parked context, and `critical` is
 * set whenever it parks.
 */
#include <exo/callnr.h>
#include "../../../libexo/arch/x86_64/offsets.h"

#define STACKS 0x100000
#define STRIDE 0x10000

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

.macro PARK_HERE
	SAVE_CALLEE
	push	%rax
	mov	%rsp, %gs:UA_PARKED
.endm

/* A slice begins: rax says why.  Nothing else is ours but GS. */
	.globl	exos_upcall_prologue
	.type	exos_upcall_prologue, @function
exos_upcall_prologue:
	movl	$1, %gs:UA_CRITICAL
	mov	%gs:UA_PARKED, %rsp
	test	%rsp, %rsp
	jz	begin
unpark:
	pop	%rcx
	RESTORE_CALLEE
	ret
begin:					/* the very first: as if a call had come from the program */
	mov	%gs:UA_SELF, %rsp
	add	$(STACKS + STRIDE), %rsp
	movl	$1, %gs:UA_DEPTH
	xor	%ebp, %ebp
	call	exos_begin
	ud2
	.size	exos_upcall_prologue, . - exos_upcall_prologue

	.globl	exos_park_until
	.type	exos_park_until, @function
exos_park_until:
	PARK_HERE
	mov	%rcx, %r10
	mov	$(EXO_CALL | EXO_NR_wait), %eax
	syscall
	jmp	unpark			/* it held already, or was refused */
	.size	exos_park_until, . - exos_park_until

	.globl	exos_park_to
	.type	exos_park_to, @function
exos_park_to:
	PARK_HERE
	mov	$(EXO_CALL | EXO_NR_park), %eax
	syscall
	ud2				/* park does not return */
	.size	exos_park_to, . - exos_park_to

	.globl	exos_fork_point
	.type	exos_fork_point, @function
exos_fork_point:
	PARK_HERE
	mov	%rdi, %rax
	mov	%rsi, %rdi
	mov	%rsp, %rsi
	call	*%rax
	jmp	unpark			/* the child gets here by its prologue, rax = EXO_WOKE_SLICE = 0 */
	.size	exos_fork_point, . - exos_fork_point

/* long exos_transfer(env rdi, struct exo_msg *rsi, deadline rdx): one attempt */
	.globl	exos_transfer
	.type	exos_transfer, @function
exos_transfer:
	SAVE_CALLEE
	push	%rsi
	mov	%rsi, %rax
	mov	%rdx, %r10
	mov	0(%rax), %rsi
	mov	8(%rax), %rdx
	mov	16(%rax), %r8
	mov	24(%rax), %r9
	mov	32(%rax), %rbx
	mov	40(%rax), %rbp
	mov	48(%rax), %r12
	mov	56(%rax), %r13
	mov	64(%rax), %r14
	mov	72(%rax), %r15
	mov	$(EXO_CALL | EXO_NR_call), %eax
	syscall
	pop	%rcx
	test	%rax, %rax
	jnz	1f			/* refused or lost: the message stays as it was */
	mov	%rsi, 0(%rcx)
	mov	%rdx, 8(%rcx)
	mov	%r8, 16(%rcx)
	mov	%r9, 24(%rcx)
1:	RESTORE_CALLEE
	ret
	.size	exos_transfer, . - exos_transfer

	.section .note.GNU-stack, "", @progbits
