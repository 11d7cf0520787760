/* SPDX-License-Identifier: ISC */
/*
 * Where a native program begins: its first prologue, all registers zero but
 * rax.  The stacks lie in the program's own .bss, so starting allocates
 * nothing.
 */
#include "offsets.h"

#define MAIN_STACK 65536

	.text
	.globl	exo_start, _start
	.type	exo_start, @function
exo_start:
_start:				/* the name that linkers look for */
	lea	exo_main_stack + MAIN_STACK(%rip), %rsp
	lea	exo_upcall_stacks(%rip), %rdi
	xor	%ebp, %ebp
	call	exo_start_main
	ud2
	.size	exo_start, . - exo_start

	.bss
	.balign	4096
exo_main_stack:
	.skip	MAIN_STACK
exo_upcall_stacks:
	.skip	10 << STACK_SHIFT

	.section .note.GNU-stack, "", @progbits
