/* SPDX-License-Identifier: ISC */
/*
 * The general registers of a struct regs, pushed below vector and error:
 *
 * Gates leave the direction flag as the program had it: C wants it clear.
 *
 *	ss rsp rflags cs rip | error vector | rax rcx r11 rbx rdx rsi rdi rbp r8 r9 r10 r12..r15
 *	by the processor       by the stub    push_general
 */
	.macro push_general
	push	%rax
	push_rest
	.endm
	.macro push_rest
	cld
	push	%rcx
	push	%r11
	push	%rbx
	push	%rdx
	push	%rsi
	push	%rdi
	push	%rbp
	push	%r8
	push	%r9
	push	%r10
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	.endm

	/* ... and off again, with error and vector; rip .. ss are left for iretq */
	.macro pop_general
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rbp
	pop	%rdi
	pop	%rsi
	pop	%rdx
	pop	%rbx
	pop	%r11
	pop	%rcx
	pop	%rax
	add	$16, %rsp
	.endm
