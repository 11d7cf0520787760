/* SPDX-License-Identifier: ISC */
/*
 * The only instructions of the library that touch the program's memory.  All
 * functions here are leaves that push nothing, so that the fixup for a fault
 * that cannot be served is "return -EFAULT".
 */
#define EFAULT 14
#define ENAMETOOLONG 36

	.text
	.globl	exos_copy_begin, exos_copy_end, exos_copy_fault
exos_copy_begin:

/* long exos_copy(dst rdi, src rsi, bytes rdx) */
	.globl	exos_copy
	.type	exos_copy, @function
exos_copy:
	mov	%rdx, %rcx
	shr	$3, %rcx
	rep movsq
	mov	%edx, %ecx
	and	$7, %ecx
	rep movsb
	xor	%eax, %eax
	ret
	.size	exos_copy, . - exos_copy

/* long exos_copy_text(dst rdi, src rsi, room rdx): length without the NUL */
	.globl	exos_copy_text
	.type	exos_copy_text, @function
exos_copy_text:
	xor	%eax, %eax
1:	cmp	%rdx, %rax
	jae	2f
	movb	(%rsi,%rax), %cl
	movb	%cl, (%rdi,%rax)
	test	%cl, %cl
	jz	3f
	inc	%rax
	jmp	1b
2:	mov	$-ENAMETOOLONG, %rax
3:	ret
	.size	exos_copy_text, . - exos_copy_text

/* long exos_exchange(word rdi, seen rsi, new rdx): 1, or 0 and what was there instead is stored in *seen */
	.globl	exos_exchange
	.type	exos_exchange, @function
exos_exchange:
	mov	(%rsi), %eax
	lock cmpxchgl %edx, (%rdi)
	mov	%eax, (%rsi)
	sete	%al
	movzbl	%al, %eax
	ret
	.size	exos_exchange, . - exos_exchange

/*
 * long exos_xsave(area rdi, mask rsi) and its kin.  The fnstsw first: QEMU's
 * xsave and xrstor do not look at CR0.TS, so that they would save or load
 * registers that are another program's; fnstsw traps, and makes them ours (as
 * fnop would; but that also raises an exception that is waiting in the x87).
 */
	.globl	exos_xsave
	.type	exos_xsave, @function
exos_xsave:
	fnstsw	%ax
	mov	%esi, %eax
	mov	%rsi, %rdx
	shr	$32, %rdx
	xsave64	(%rdi)
	xor	%eax, %eax
	ret
	.size	exos_xsave, . - exos_xsave

	.globl	exos_fxsave
	.type	exos_fxsave, @function
exos_fxsave:
	fxsave64 (%rdi)
	xor	%eax, %eax
	ret
	.size	exos_fxsave, . - exos_fxsave

	.globl	exos_xrstor
	.type	exos_xrstor, @function
exos_xrstor:
	fnstsw	%ax
	mov	%esi, %eax
	mov	%rsi, %rdx
	shr	$32, %rdx
	xrstor64 (%rdi)
	xor	%eax, %eax
	ret
	.size	exos_xrstor, . - exos_xrstor

	.globl	exos_fxrstor
	.type	exos_fxrstor, @function
exos_fxrstor:
	fxrstor64 (%rdi)
	xor	%eax, %eax
	ret
	.size	exos_fxrstor, . - exos_fxrstor

exos_copy_end:
exos_copy_fault:
	mov	$-EFAULT, %rax
	ret

	.section .note.GNU-stack, "", @progbits
