/* SPDX-License-Identifier: ISC */
/*
 * Before a `rep stos` or `rep movs` of the server: what it is about to overwrite
 * is noted.  Called where a compiler expects no call, so every register is kept,
 * and the flags.
 */
	.text

.macro STRING name, count
	.globl	undo_string_\name
undo_string_\name:
	pushfq
	.irp	reg, rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11, rbp
	push	%\reg
	.endr
	mov	%rsp, %rbp
	and	$-16, %rsp
	\count
	mov	%rcx, %rsi
	call	undo_range
	mov	%rbp, %rsp
	.irp	reg, rbp, r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax
	pop	%\reg
	.endr
	popfq
	ret
.endm

STRING	b, nop
STRING	w, "shl $1, %rcx"
STRING	l, "shl $2, %rcx"
STRING	q, "shl $3, %rcx"
STRING	b_one, "mov $1, %ecx"
STRING	w_one, "mov $2, %ecx"
STRING	l_one, "mov $4, %ecx"
STRING	q_one, "mov $8, %ecx"

	.section .note.GNU-stack, "", @progbits
