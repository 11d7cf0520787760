/* SPDX-License-Identifier: ISC */
/* Upcalls that interrupt, the way back (context.h tells the story), and reflected calls. */
#include "context.h"

	.text

INTERRUPTING exo_upcall_exception, *%gs:UA_ON_EXCEPTION, exo_resume, STACK_SHIFT
INTERRUPTING exo_upcall_epilogue, *%gs:UA_ON_EPILOGUE, exo_resume, STACK_SHIFT
INTERRUPTING exo_upcall_event, *%gs:UA_ON_EVENT, exo_resume, STACK_SHIFT
INTERRUPTING exo_upcall_revoke, *%gs:UA_ON_REVOKE, exo_resume, STACK_SHIFT

RESUMING exo_resume, exo_window_begin, exo_window_end, exo_serve_pending

/*
 * A reflected system call: no save slot.  rcx is lost, r11 holds the flags,
 * the rest is the program's, also on return (rax: the result; rcx and r11 are
 * the call's to clobber).  `critical` was set by the kernel.
 */
FUNCTION exo_upcall_syscall
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
	SAVE_CALLEE
	cld
	mov	%rsp, %rdi
	call	exo_serve_syscall
	RESTORE_CALLEE
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
