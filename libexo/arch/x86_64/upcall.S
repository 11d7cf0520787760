/* SPDX-License-Identifier: ISC */
/*
 * Upcalls that interrupt a context, and the way back.
 *
 * On entry (exception, epilogue, event): rsp and all registers but rax, rcx,
 * r11 are the interrupted program's; those three, rip, rsp and the flags are
 * in save[depth - 1].  Nothing may be pushed until rsp is ours: the 128 bytes
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
#include "offsets.h"

	.text

/* Find slot (rax) and stack by depth, complete the slot, run \handler(slot), resume. */
.macro INTERRUPTING name, handler
	.globl	\name
	.hidden	\name
	.type	\name, @function
\name:
	movl	%gs:UA_DEPTH, %ecx
	imul	$SAVE_BYTES, %ecx, %eax
	shl	$STACK_SHIFT, %rcx
	add	%gs:UA_SELF, %rax
	add	%gs:UA_STACKS, %rcx
	add	$(UA_SAVE - SAVE_BYTES), %rax
	mov	%rcx, %rsp
	testw	$FLAG_FULL, SAVE_FLAGS(%rax)
	jnz	1f
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
	orw	$FLAG_FULL, SAVE_FLAGS(%rax)
1:	push	%rax
	push	%rax
	mov	%rax, %rdi
	xor	%ebp, %ebp
	call	\handler
	pop	%rdi
	pop	%rdi
	jmp	exo_resume
	.size	\name, . - \name
.endm

INTERRUPTING exo_upcall_exception, exo_serve_exception
INTERRUPTING exo_upcall_epilogue, exo_serve_epilogue
INTERRUPTING exo_upcall_event, exo_serve_event
INTERRUPTING exo_upcall_revoke, exo_serve_revoke

/*
 * Resume the context in the topmost save slot (rdi), on an upcall stack.
 *
 * The window: from the decrement on, the slot is free in the kernel's eyes,
 * so an upcall that finds rip between window_begin and window_end takes the
 * slot again as it stands, and whoever serves it starts this sequence over.
 * Inside, only rax, rcx, r11, rsp and the flags differ from the program's,
 * so that restarting loses nothing.  resume_rip is written inside for the
 * same reason: it is never live across an upcall.
 *
 * Neither iretq nor lret: the emulator pops their frames with kernel rights.
 * Consequence: a program with TF set traps here for ever; debuggers must not
 * single-step through this library.
 */
	.globl	exo_resume, exo_window_begin, exo_window_end
	.hidden	exo_window_begin, exo_window_end
	.type	exo_resume, @function
exo_resume:
	mov	%rdi, %rax
	pushq	SAVE_RFLAGS(%rax)
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
	decl	%gs:UA_DEPTH
exo_window_begin:
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
exo_window_end:
	/* Something arrived meanwhile: serve it as if it had interrupted the same context. */
	mov	%rax, (%rsp)
	push	%rax
	mov	%rax, %rdi
	call	exo_serve_pending
	pop	%rdi
	pop	%rdi
	jmp	exo_resume
	.size	exo_resume, . - exo_resume

/*
 * A reflected system call: no save slot.  rcx is lost, r11 holds the flags,
 * the rest is the program's, also on return (rax: the result; rcx and r11 are
 * the call's to clobber).  `critical` was set by the kernel.
 */
	.globl	exo_upcall_syscall
	.hidden	exo_upcall_syscall
	.type	exo_upcall_syscall, @function
exo_upcall_syscall:
	mov	%rsp, %rcx
	mov	%gs:UA_STACKS, %rsp
	lea	STACK_SYSCALL_TOP(%rsp), %rsp
	push	%rcx
	pushq	%gs:UA_SYS_RIP
	push	%r11
	push	%rax
	push	%rdi
	push	%rsi
	push	%rdx
	push	%r10
	push	%r8
	push	%r9
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	cld
	mov	%rsp, %rdi
	call	exo_serve_syscall
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	pop	%r9
	pop	%r8
	pop	%r10
	pop	%rdx
	pop	%rsi
	pop	%rdi
	pop	%rax
	popfq
	/* From here on an asynchronous upcall is an ordinary interruption of this code. */
	pop	%rcx
	mov	(%rsp), %rsp
	jmp	*%rcx
	.size	exo_upcall_syscall, . - exo_upcall_syscall

	.section .note.GNU-stack, "", @progbits
