/* SPDX-License-Identifier: ISC */
/*
 * A Linux call from a stub (site.h): rax is its number, rcx where it returns
 * to, all else the program's.  From the first instruction on nothing
 * interrupts but faults, and there are none; before it the program stands at
 * the call itself (rewrite_settle).  What follows is exos_upcall_syscall
 * (upcall.S), but that the flags are still in their place: no instruction
 * changes them until they are kept.
 */
#include "../../../libexo/arch/x86_64/context.h"
#include "stacks.h"

	.set	SERVE_ANSWERS, 1
	.text

FUNCTION exos_site_enter
	movl	$1, %gs:UA_CRITICAL
	mov	%rax, %gs:(UA_SAVE + SAVE_RAX)
	mov	%gs:UA_SELF, %rax
	lea	UA_SAVE(%rax), %rax
	mov	%rcx, SAVE_RIP(%rax)
	mov	%rcx, SAVE_RCX(%rax)
	mov	%rsp, SAVE_RSP(%rax)
	mov	%gs:UA_STACK_FIRST, %rsp
	pushfq
	pop	%rcx
	mov	%rcx, SAVE_RFLAGS(%rax)
	mov	%rcx, SAVE_R11(%rax)
	SAVE_REST
	movw	$FLAG_FULL, SAVE_FLAGS(%rax)
	movl	$1, %gs:UA_DEPTH
	cld
	SERVE	exos_serve_site, exos_resume
	.size	exos_site_enter, . - exos_site_enter

	.section .note.GNU-stack, "", @progbits
