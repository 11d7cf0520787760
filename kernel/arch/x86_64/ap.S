/* SPDX-License-Identifier: ISC */
/*
 * The first instructions of every other processor: from real mode, at
 * AP_TRAMPOLINE, to C in the upper half, by way of the tables of boot.S.  The
 * part between ap_begin and ap_end is copied there (smp.c).
 *
 * Whoever comes takes the stack that is on offer.  One that comes when none
 * is, too late or uncalled, stops for good.
 */
#include "layout.h"
#include "asmdefs.h"

#define PHYS(symbol) ((symbol) - KERNEL_BASE)
#define MOVED(label) (label - ap_begin + AP_TRAMPOLINE)

	.section .rodata
	.code16
	.globl	ap_begin, ap_end
ap_begin:
	cli
	cld
	xor	%ax, %ax
	mov	%ax, %ds
	lgdtl	MOVED(gdtr)
	mov	$0x20, %eax			/* PAE */
	mov	%eax, %cr4
	mov	$PHYS(early_pml4), %eax
	mov	%eax, %cr3
	mov	$MSR_EFER, %ecx
	mov	$0x901, %eax			/* NXE, LME, SCE */
	xor	%edx, %edx
	wrmsr
	mov	$0x80010033, %eax		/* PG WP NE ET MP PE */
	mov	%eax, %cr0
	ljmpl	$SEL_KCODE, $MOVED(1f)
	.code64
1:	movabs	$ap_entry, %rax
	jmp	*%rax
	.balign 8
gdtr:
	.word 2 * 8 - 1
	.long PHYS(early_gdt)
ap_end:

	.text
ap_entry:
	xor	%eax, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %fs
	mov	%eax, %gs
	mov	%eax, %ss
	xchg	%rax, ap_stack(%rip)
	test	%rax, %rax
	jz	1f
	mov	%rax, %rsp
	mov	(%rax), %rdi			/* struct cpu's self */
	xor	%ebp, %ebp
	call	ap_main
1:	cli
	hlt
	jmp	1b

	.section .note.GNU-stack, "", @progbits
