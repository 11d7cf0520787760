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
 * There is at most one parked context, whichever thread it is, and `critical`
 * is set whenever it parks.
 */
#include <exo/callnr.h>
#include "../../../libexo/arch/x86_64/context.h"
#include "stacks.h"

	.text

.macro PARK_HERE
	SAVE_CALLEE
	push	%rax
	mov	%rsp, %gs:UA_PARKED
.endm

/* A slice begins: rax says why.  Nothing else is ours but GS. */
FUNCTION exos_upcall_prologue
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
	add	$(STACKS + (1 << STRIDE_SHIFT)), %rsp
	mov	%rsp, %gs:UA_STACK_FIRST
	movl	$1, %gs:UA_DEPTH
	xor	%ebp, %ebp
	call	exos_begin
	ud2
	.size	exos_upcall_prologue, . - exos_upcall_prologue

PARKING exos_park_until, exos_park_to, unpark

FUNCTION exos_fork_point
	PARK_HERE
	mov	%rdi, %rax
	mov	%rsi, %rdi
	mov	%rsp, %rsi
	call	*%rax
	jmp	unpark			/* the child gets here by its prologue, rax = EXO_WOKE_SLICE = 0 */
	.size	exos_fork_point, . - exos_fork_point

/*
 * long exos_move_point(leave rdi, arg rsi, OP_MOVE edx): leave(arg, parked) has made
 * the activation of another CPU find the parked context, and gives the server's
 * name, or -errno.  The server then has that one run at once, on this very
 * stack: from there on nothing is left to do here but to park, without it.
 * 0: this is the other CPU.  What else comes back is a refusal.
 */
FUNCTION exos_move_point
	PARK_HERE
	mov	%edx, %ebx
	mov	%rdi, %rax
	mov	%rsi, %rdi
	mov	%rsp, %rsi
	call	*%rax
	test	%rax, %rax
	js	unpark
	mov	%rax, %rdi
	mov	%ebx, %esi
	xor	%r10d, %r10d
	mov	$(EXO_CALL | EXO_NR_call), %eax
	syscall
	test	%rax, %rax
	jnz	unpark
	mov	%rsi, %rax
	test	%rax, %rax
	jnz	unpark
go_away:
	xor	%edi, %edi
	mov	$(EXO_CALL | EXO_NR_park), %eax
	syscall
	ud2
	.size	exos_move_point, . - exos_move_point

/*
 * Prologues of a process that has activations on several CPUs: one for each,
 * because nothing but the entry says which CPU this is (GS leads to the u-area
 * of where the process is).  Somebody may give the rest of a slice to one that
 * it has left, or is not on yet: that one parks again, touching nothing.
 */
	.balign 1 << ARRIVAL_SHIFT
FUNCTION exos_arrivals
	.irp	cpu, 0, 1, 2, 3, 4, 5, 6, 7
	.balign 1 << ARRIVAL_SHIFT
	mov	$\cpu, %ecx
	jmp	arrive
	.endr
arrive:
	mov	self_proc(%rip), %rdx
	cmp	%ecx, PROC_CPU(%rdx)
	je	exos_upcall_prologue
	jmp	go_away
	.size	exos_arrivals, . - exos_arrivals

CALLING exos_transfer, STORE_ANSWER

	.section .note.GNU-stack, "", @progbits
