/* SPDX-License-Identifier: ISC */
/*
 * Into the library and out again.
 *
 * However it is entered, the program's registers end up in the save slot of
 * the depth: for exceptions and events the kernel stored the first few, for
 * a reflected system call we store all and take slot 0 ourselves.  So there is
 * one way out, the resume window (libexo/arch tells its story), whatever came
 * in between, and a signal is delivered by changing the slot.
 *
 *   EXOS_STACKS + depth * stride -> +-----------------+
 *                                   | slot, twice     |
 *                                   +-----------------+ handler(slot)
 *
 * Nothing is pushed until rsp is ours: the 128 bytes below the program's rsp
 * are the program's.  No instruction here touches vector state.
 */
#include "../../../libexo/arch/x86_64/offsets.h"

#define STACKS 0x100000			/* EXOS_STACKS - EXOS_UAREA */
#define STRIDE_SHIFT 16			/* EXOS_STACK_STRIDE */

	.text

/* All registers but rip rsp rflags rax rcx r11 to the slot at rax. */
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

.macro SERVE handler
	push	%rax
	push	%rax
	mov	%rax, %rdi
	xor	%ebp, %ebp
	call	\handler
	pop	%rdi
	pop	%rdi
	jmp	exos_resume
.endm

.macro INTERRUPTING name, handler
	.globl	\name
	.type	\name, @function
\name:
	movl	%gs:UA_DEPTH, %ecx
	imul	$SAVE_BYTES, %ecx, %eax
	shl	$STRIDE_SHIFT, %rcx
	add	%gs:UA_SELF, %rax
	add	%gs:UA_SELF, %rcx
	add	$(UA_SAVE - SAVE_BYTES), %rax
	lea	STACKS(%rcx), %rsp
	testw	$FLAG_FULL, SAVE_FLAGS(%rax)
	jnz	1f
	SAVE_REST
	orw	$FLAG_FULL, SAVE_FLAGS(%rax)
1:	SERVE	\handler
	.size	\name, . - \name
.endm

INTERRUPTING exos_upcall_exception, exos_serve_exception
INTERRUPTING exos_upcall_event, exos_serve_event

/*
 * A reflected system call: rcx is lost, r11 holds the flags, sys_rip the
 * return address, `critical` is set; depth is 0, because the library makes no
 * Linux calls itself.
 */
	.globl	exos_upcall_syscall
	.type	exos_upcall_syscall, @function
exos_upcall_syscall:
	mov	%rax, %gs:(UA_SAVE + SAVE_RAX)
	mov	%gs:UA_SELF, %rax
	add	$UA_SAVE, %rax
	mov	%gs:UA_SYS_RIP, %rcx
	mov	%rcx, SAVE_RIP(%rax)
	mov	%rcx, SAVE_RCX(%rax)
	mov	%rsp, SAVE_RSP(%rax)
	mov	%r11, SAVE_RFLAGS(%rax)
	mov	%r11, SAVE_R11(%rax)
	SAVE_REST
	movw	$FLAG_FULL, SAVE_FLAGS(%rax)
	movl	$1, %gs:UA_DEPTH
	lea	(STACKS + (1 << STRIDE_SHIFT) - UA_SAVE)(%rax), %rsp
	cld
	SERVE	exos_serve_syscall
	.size	exos_upcall_syscall, . - exos_upcall_syscall

/*
 * Resume the context in the topmost slot (rdi), on an upcall stack.  From the
 * decrement on the slot is free in the kernel's eyes; an upcall that finds
 * rip inside the window takes it again as it stands.  Inside, only rax, rcx,
 * r11, rsp and the flags differ from the program's.
 */
	.globl	exos_resume, exos_window_begin, exos_window_end
	.type	exos_resume, @function
exos_resume:
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
exos_window_begin:
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
exos_window_end:
	mov	%rax, (%rsp)
	push	%rax
	mov	%rax, %rdi
	call	exos_serve_event
	pop	%rdi
	pop	%rdi
	jmp	exos_resume
	.size	exos_resume, . - exos_resume

	.section .note.GNU-stack, "", @progbits
