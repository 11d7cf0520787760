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

CALLING exos_transfer, STORE_ANSWER

	.section .note.GNU-stack, "", @progbits
