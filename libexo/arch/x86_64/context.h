/* SPDX-License-Identifier: ISC */
/*
 * How a library is interrupted, resumed, parked and called, as macros: one
 * source for every library (libexo's own upcall.S and transfer.S, ExOS).
 *
 * Upcalls that interrupt a context, and the way back.  On entry (exception,
 * epilogue, event): rsp and all registers but rax, rcx, r11 are the
 * interrupted program's; those three, rip, rsp and the flags are in
 * save[depth - 1].  Nothing may be pushed until rsp is ours: the 128 bytes
 * below the interrupted rsp belong to the program.
 *
 *   upcall stack of this depth        save slot (u-area)
 *   +--------------------+ top        rip rsp rflags rax rcx r11 .. flags
 *   | (alignment)        |            rbx .. r15   stored here by us, unless
 *   | address of slot ---|----------> the kernel did (EXO_SAVE_FULL)
 *   +--------------------+ handler
 *
 * No instruction here touches x87 or vector state: it is the interrupted
 * program's, and using it would cost an environment that has none a trap and
 * a save at every switch.
 */
#ifndef LIBEXO_CONTEXT_H
#define LIBEXO_CONTEXT_H

#include "offsets.h"

.macro LABEL name
	.globl	\name
	.hidden	\name
\name:
.endm

.macro FUNCTION name
	.type	\name, @function
	LABEL	\name
.endm

/* What a C function keeps. */
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

/* All registers but rip rsp rflags rax rcx r11 to the slot at rax, and back. */
.macro SAVE_REST
	mov	%rbx, SAVE_RBX(%rax)
	mov	%rdx, SAVE_RDX(%rax)
	mov	%rsi, SAVE_RSI(%rax)
	mov	%rdi, SAVE_RDI(%rax)
	mov	%rbp, SAVE_RBP(%rax)
	mov	%r8, SAVE_R8(%rax)
	mov	%r9, SAVE_R9(%rax)
	mov	%r10, SAVE_R10(%rax)
	mov	%r12, SAVE_R12(%rax)
	mov	%r13, SAVE_R13(%rax)
	mov	%r14, SAVE_R14(%rax)
	mov	%r15, SAVE_R15(%rax)
.endm

.macro LOAD_REST
	mov	SAVE_RBX(%rax), %rbx
	mov	SAVE_RDX(%rax), %rdx
	mov	SAVE_RSI(%rax), %rsi
	mov	SAVE_RDI(%rax), %rdi
	mov	SAVE_RBP(%rax), %rbp
	mov	SAVE_R8(%rax), %r8
	mov	SAVE_R9(%rax), %r9
	mov	SAVE_R10(%rax), %r10
	mov	SAVE_R12(%rax), %r12
	mov	SAVE_R13(%rax), %r13
	mov	SAVE_R14(%rax), %r14
	mov	SAVE_R15(%rax), %r15
.endm

/*
 * Run \handler(slot rax), a name or *place, on this stack, and go on with what is in the slot then.
 * With SERVE_ANSWERS defined the handler says which slot: it may go on by another u-area.
 */
.macro SERVE handler, resume
	push	%rax
	push	%rax
	mov	%rax, %rdi
	xor	%ebp, %ebp
	call	\handler
	pop	%rdi
	pop	%rdi
	.ifdef SERVE_ANSWERS
	mov	%rax, %rdi
	.endif
	jmp	\resume
.endm

/*
 * Find slot and stack (of 1 << \shift bytes a depth) by depth, complete the slot, serve.
 * first: place in the u-area of another stack for depth 1.
 */
.macro INTERRUPTING name, handler, resume, shift, first
	FUNCTION \name
	movl	%gs:UA_DEPTH, %ecx
	imul	$SAVE_BYTES, %ecx, %eax
	shl	$\shift, %rcx
	add	%gs:UA_SELF, %rax
	add	%gs:UA_STACKS, %rcx
	add	$(UA_SAVE - SAVE_BYTES), %rax
	.ifnb \first
	cmpl	$1, %gs:UA_DEPTH
	cmove	%gs:\first, %rcx
	.endif
	mov	%rcx, %rsp
	testw	$FLAG_FULL, SAVE_FLAGS(%rax)
	jnz	1f
	SAVE_REST
	orw	$FLAG_FULL, SAVE_FLAGS(%rax)
1:	SERVE	\handler, \resume
	.size	\name, . - \name
.endm

/*
 * Resume the context in the topmost save slot (rdi), on an upcall stack.
 *
 * The window: from the decrement on, the slot is free in the kernel's eyes,
 * so an upcall that finds rip between \begin and \end takes the slot again as
 * it stands, and whoever serves it starts this sequence over.  Inside, only
 * rax, rcx, r11, rsp and the flags differ from the program's, so that
 * restarting loses nothing.  resume_rip is written inside for the same reason:
 * it is never live across an upcall.
 *
 * Neither iretq nor lret: the emulator pops their frames with kernel rights.
 * Of a context with TF set popfq loads the flag inside, and the debug exception
 * comes one instruction later: the kernel then does what is left of the window.
 *
 * pending: what serves an arrival in the critical section that ends here, as
 * if it had interrupted the same context.
 */
.macro RESUMING name, begin, end, pending
	FUNCTION \name
	mov	%rdi, %rax
	pushq	SAVE_RFLAGS(%rax)
	LOAD_REST
	decl	%gs:UA_DEPTH
	LABEL	\begin
	testw	$FLAG_CRITICAL, SAVE_FLAGS(%rax)
	jnz	1f
	movl	$0, %gs:UA_CRITICAL
	cmpl	$0, %gs:UA_PENDING
	jne	2f
1:	mov	SAVE_RIP(%rax), %rcx
	mov	%rcx, %gs:UA_RESUME_RIP
	popfq
	mov	SAVE_RCX(%rax), %rcx
	mov	SAVE_R11(%rax), %r11
	mov	SAVE_RSP(%rax), %rsp
	mov	SAVE_RAX(%rax), %rax
	jmp	*%gs:UA_RESUME_RIP
2:	movl	$1, %gs:UA_CRITICAL
	incl	%gs:UA_DEPTH
	LABEL	\end
	pop	%rcx
	SERVE	\pending, \name
	.size	\name, . - \name
.endm

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

/* The first four, which a short answer is. */
.macro STORE_ANSWER base
	mov	%rsi, 0(\base)
	mov	%rdx, 8(\base)
	mov	%r8, 16(\base)
	mov	%r9, 24(\base)
.endm

.macro STORE_MSG base
	STORE_ANSWER \base
	mov	%rbx, 32(\base)
	mov	%rbp, 40(\base)
	mov	%r12, 48(\base)
	mov	%r13, 56(\base)
	mov	%r14, 64(\base)
	mov	%r15, 72(\base)
.endm

/* int64_t \name(exo_envid env rdi, struct exo_msg *message rsi, uint64_t deadline rdx): one attempt */
.macro CALLING name, store
	FUNCTION \name
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
	\store	%rcx
1:	RESTORE_CALLEE
	ret
	.size	\name, . - \name
.endm

/*
 * int64_t \until(terms rdi, count rsi, deadline rdx, to rcx), int64_t \to(exo_envid to).
 * PARK_HERE makes the context findable by the prologue; \unpark comes back from there.
 */
.macro PARKING until, to, unpark
	FUNCTION \until
	PARK_HERE
	mov	%rcx, %r10
	mov	$(EXO_CALL | EXO_NR_wait), %eax
	syscall
	jmp	\unpark			/* it held already, or was refused */
	.size	\until, . - \until

	FUNCTION \to
	PARK_HERE
	mov	$(EXO_CALL | EXO_NR_park), %eax
	syscall
	ud2				/* park does not return */
	.size	\to, . - \to
.endm

#endif
