/* SPDX-License-Identifier: ISC */
/*
 * The one place where the kernel touches user addresses.
 *
 *	int user_copy(void *dst, const void *src, size_t bytes)
 *
 * Copies, 0; or stops at a page that is not there, nonzero.  The instructions
 * that may fault are listed in .extable as {where, go on at}.  The caller has
 * checked that src .. src + bytes lies in the user half.
 */
#include "layout.h"
#include "asmdefs.h"

	.text
	.globl	user_copy
user_copy:
	mov	%rdx, %rcx
	shr	$3, %rcx
	cmpb	$0, features + FEATURES_SMAP(%rip)
	je	1f
	stac
1:	rep movsq
	mov	%edx, %ecx
	and	$7, %ecx
2:	rep movsb
	xor	%eax, %eax
3:	cmpb	$0, features + FEATURES_SMAP(%rip)
	je	4f
	clac
4:	ret

5:	mov	$1, %eax
	jmp	3b

	.section .extable, "a"
	.quad	1b, 5b
	.quad	2b, 5b

	.section .note.GNU-stack, "", @progbits
