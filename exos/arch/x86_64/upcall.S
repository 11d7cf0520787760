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
 * Nothing is pushed until rsp is ours: the 128 bytes below the program's rsp
 * are the program's.  No instruction here touches vector state.
 */
#include "../../../libexo/arch/x86_64/context.h"
#include "stacks.h"

	.set	SERVE_ANSWERS, 1
	.text

INTERRUPTING exos_upcall_exception, exos_serve_exception, exos_resume, STRIDE_SHIFT, UA_STACK_FIRST
INTERRUPTING exos_upcall_event, exos_serve_event, exos_resume, STRIDE_SHIFT, UA_STACK_FIRST

RESUMING exos_resume, exos_window_begin, exos_window_end, exos_serve_event

/*
 * A reflected system call: rcx is lost, r11 holds the flags, sys_rip the
 * return address, `critical` is set; depth is 0, because the library makes no
 * Linux calls itself.
 */
FUNCTION exos_upcall_syscall
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
	mov	%gs:UA_STACK_FIRST, %rsp
	cld
	SERVE	exos_serve_syscall, exos_resume
	.size	exos_upcall_syscall, . - exos_upcall_syscall

	.section .note.GNU-stack, "", @progbits
