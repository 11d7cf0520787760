/* SPDX-License-Identifier: ISC */
/*
 * The one place where the kernel touches user addresses.
 *
 *	int user_copy(void *dst, const void *src, size_t bytes)
 *
 * Copies, 0; or stops at a page that is not there, nonzero.  The instructions
 * that may fault are listed in .extable as {where, go on at}.  The caller has
 * checked that src .. src + bytes lies in the user half; bytes is 1..4096.
 *
 * A hidden page (EXO_MAP_HIDDEN) looks like the kernel's own, so that reading
 * it does not fault: the entries of the first and the last page are looked at
 * afterwards, when the tables on the way to them are known to be there.
 */
#include "layout.h"
#include "asmdefs.h"

#define VPT 0xfffffe8000000000		/* EXO_VPT: own page-table entries; asmdefs.c checks it */
#define USER 4				/* PTE_USER */

	.text
	.globl	user_copy
user_copy:
	mov	%rsi, %r8
	mov	%rdx, %rcx
	shr	$3, %rcx
	cmpb	$0, features + FEATURES_SMAP(%rip)
	je	1f
	stac
1:	rep movsq
	mov	%edx, %ecx
	and	$7, %ecx
2:	rep movsb
	dec	%rsi
	movabs	$VPT, %rcx
	shr	$9, %r8
	and	$~7, %r8
	shr	$9, %rsi
	and	$~7, %rsi
3:	mov	(%r8,%rcx), %eax
4:	and	(%rsi,%rcx), %eax
	and	$USER, %eax
	jz	7f
	xor	%eax, %eax
5:	cmpb	$0, features + FEATURES_SMAP(%rip)
	je	6f
	clac
6:	ret

7:	mov	$1, %eax
	jmp	5b

	.section .extable, "a"
	.quad	1b, 7b
	.quad	2b, 7b
	.quad	3b, 7b
	.quad	4b, 7b

	.section .note.GNU-stack, "", @progbits
