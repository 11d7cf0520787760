/* SPDX-License-Identifier: ISC */
/*
 * From one thread's library stack to another's.  Where a thread stands while
 * it does not run:
 *
 *   +----------------+
 *   | return address |
 *   | rbx .. r15     |  <- what is kept
 *   +----------------+
 */
#include "../../../libexo/arch/x86_64/context.h"

	.text

/* void exos_thread_switch(u64 *keep rdi, u64 to rsi) */
FUNCTION exos_thread_switch
	SAVE_CALLEE
	mov	%rsp, (%rdi)
	mov	%rsi, %rsp
	RESTORE_CALLEE
	ret
	.size	exos_thread_switch, . - exos_thread_switch

	.section .note.GNU-stack, "", @progbits
