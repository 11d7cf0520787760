/* SPDX-License-Identifier: ISC */
/*
 * The first instructions: the PVH entry (32-bit protected mode, no paging,
 * ebx = physical address of hvm_start_info) to C in the upper half.
 *
 * Early tables map the first GiB three times: identically (for this code), at
 * DIRECT_BASE, and at KERNEL_BASE; paging.c replaces them.
 */
#include "layout.h"
#include "asmdefs.h"

#define PHYS(symbol) ((symbol) - KERNEL_BASE)
#define XEN_ELFNOTE_PHYS32_ENTRY 18

	.section .note.pvh, "a", @note
	.balign 4
	.long 4, 8, XEN_ELFNOTE_PHYS32_ENTRY
	.asciz "Xen"
	.quad PHYS(pvh_entry)

	.section .text.boot, "ax"
	.code32
	.globl pvh_entry
pvh_entry:
	cld
	/* The loader need not have cleared .bss. */
	mov	$PHYS(bss_start), %edi
	mov	$PHYS(kernel_end), %ecx
	sub	%edi, %ecx
	shr	$2, %ecx
	xor	%eax, %eax
	rep stosl

	/* early_pd: 512 pages of 2 MiB, writable */
	mov	$PHYS(early_pd), %edi
	mov	$0x83, %eax
	mov	$512, %ecx
1:	mov	%eax, (%edi)
	add	$0x200000, %eax
	add	$8, %edi
	loop	1b

	movl	$PHYS(early_pd) + 3, PHYS(early_low)
	movl	$PHYS(early_pd) + 3, PHYS(early_high) + 510 * 8
	movl	$PHYS(early_low) + 3, PHYS(early_pml4)
	movl	$PHYS(early_low) + 3, PHYS(early_pml4) + 256 * 8
	movl	$PHYS(early_high) + 3, PHYS(early_pml4) + 511 * 8

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
	lgdt	PHYS(early_gdtr)
	ljmp	$SEL_KCODE, $PHYS(1f)

	.code64
1:	movabs	$2f, %rax
	jmp	*%rax
2:	xor	%eax, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %fs
	mov	%eax, %gs
	mov	%eax, %ss
	lea	cpus + CPU_WORDS(%rip), %rsp
	mov	%ebx, %edi
	xor	%ebp, %ebp
	call	kernel_main
	ud2

	.section .rodata
	.balign 8
	.globl	early_gdt
early_gdt:
	.quad 0
	.quad 0x00af9b000000ffff		/* 64-bit code */
early_gdtr:
	.word . - early_gdt - 1
	.long PHYS(early_gdt)

	.section .bss.early, "aw", @nobits
	.balign 4096
	.globl	early_pml4
early_pml4:	.skip 4096
early_low:	.skip 4096
early_high:	.skip 4096
early_pd:	.skip 4096

	.section .note.GNU-stack, "", @progbits
