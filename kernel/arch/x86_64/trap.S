/* SPDX-License-Identifier: ISC */
/*
 * Exceptions and interrupts.
 *
 * An exception of a program goes to its library by the shortest way: the
 * processor's frame moves into the next save slot of the u-area, and sysret
 * enters ENTRY_EXCEPTION.  Whatever is not plain (no free slot, the resume
 * window, no entry) is built into a struct regs for trap_user.
 *
 * The stack after a fault stub, from rsp:  error | vector << 32, rip, cs, rflags, rsp, ss
 * and behind it the words of the CPU (struct cpu from `self` on): GS stays the
 * user's on the short way.
 */
#include "layout.h"
#include "asmdefs.h"
#include "frame.h"

	.macro fault vector, code=0
	.balign 16
stub_\vector:
	.if	\code == 0
	pushq	word_\vector(%rip)
	.pushsection .rodata
	.balign	8
word_\vector:
	.quad	\vector << 32
	.popsection
	.else
	movl	$\vector, 4(%rsp)
	.endif
	jmp	exception
	.endm

	/*
	 * The error code names a selector.  No library needs to know which, but for
	 * `int n` (bit 1); and the emulator reports one that a far return of a program
	 * found in memory that is not the program's.
	 */
	.macro selector_fault vector
	.balign 16
stub_\vector:
	movl	$\vector, 4(%rsp)
	testb	$2, (%rsp)
	jnz	exception
	movl	$0, (%rsp)
	jmp	exception
	.endm

	/*
	 * The short way.  page: CR2 goes along (of others it may be another program's).
	 *
	 * After the two pushes, from rsp:
	 *	rcx 0, rax 8, word 16, rip 24, cs 32, rflags 40, rsp 48, ss 56, struct cpu 64
	 */
	.macro deliver page
	testb	$3, 16(%rsp)
	jz	from_kernel
	push	%rax
	push	%rcx
	.if	\page
	mov	64 + CPU_ACT(%rsp), %rax
	cmpl	$0, ACT_STLB(%rax)
	jne	perhaps_stlb
no_stlb:
	.endif
	mov	64 + CPU_UA(%rsp), %rax
	mov	24(%rsp), %rcx
	cmp	UA_WINDOW_BEGIN(%rax), %rcx
	jae	1f
0:	mov	UA_DEPTH(%rax), %rcx		/* and, above it, critical: 0 most of the time */
	cmp	$SAVE_SLOTS, %rcx
	jae	2f
3:	imul	$SAVE_BYTES, %ecx, %ecx
	add	%rax, %rcx			/* rcx + UA_SAVE_...: the slot */
	mov	%r11, UA_SAVE_R11(%rcx)
	mov	UA_ENTRY_EXCEPTION(%rax), %r11
	dec	%r11
	cmp	exception_last(%rip), %r11
	jae	slow_r11

	/* From here on nothing fails.  r11 + 1: the entry. */
	popq	UA_SAVE_RCX(%rcx)
	popq	UA_SAVE_RAX(%rcx)
	popq	UA_SAVE_ERROR(%rcx)		/* and vector and flags */
	popq	UA_SAVE_RIP(%rcx)
	popq	UA_SAVE_ADDR(%rcx)		/* cs: overwritten below */
	popq	UA_SAVE_RFLAGS(%rcx)
	popq	UA_SAVE_RSP(%rcx)
	movl	$1, UA_CRITICAL(%rax)
	incl	UA_DEPTH(%rax)
	mov	8 + CPU_ACT(%rsp), %rax
	mov	ACT_UA_VA(%rax), %rsp
	wrgsbase %rsp
	mov	ACT_PUB(%rax), %rax
	.if	\page
	lock incq PUB_FAULTS(%rax)
	mov	%cr2, %rax
	mov	%rax, UA_SAVE_ADDR(%rcx)
	.else
	lock incq PUB_UPCALLS(%rax)
	movq	$0, UA_SAVE_ADDR(%rcx)
	.endif
	mov	UA_SAVE_RAX(%rcx), %rax
	mov	UA_SAVE_RSP(%rcx), %rsp
	lea	1(%r11), %rcx
	mov	$FLAGS_USER, %r11d
	sysretq

	/* Perhaps in the resume window. */
1:	cmp	UA_WINDOW_END(%rax), %rcx
	jae	0b
	jmp	slow

	/* No slot, or in a critical section: the flag goes along, and the slot's index stays in ecx. */
2:	mov	%ecx, %ecx
	cmp	$SAVE_SLOTS, %ecx
	jae	slow
	movw	$SAVE_CRITICAL, 22(%rsp)
	jmp	3b
	.endm

	.text
	fault	0
	fault	3
	fault	4
	fault	5
	fault	6
	fault	9
	selector_fault 10
	selector_fault 11
	selector_fault 12
	selector_fault 13
	fault	15
	fault	16
	fault	17, 1
	fault	19
	fault	20
	fault	21, 1

	.balign 64
stub_14:
	movl	$VEC_PF, 4(%rsp)
	deliver	1

	.balign 64
exception:
	deliver	0

	/*
	 * A software TLB was offered.  If it has the page, the program goes on with
	 * all as it was, GS too; else this is an exception like any other.
	 */
perhaps_stlb:
	swapgs
	push	%rdx
	push	%rsi
	push	%rdi
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	mov	%cr2, %rdi
	mov	72(%rsp), %esi
	cld
	call	trap_stlb
	test	%al, %al
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rdi
	pop	%rsi
	pop	%rdx
	jz	1f
	pop	%rcx
	pop	%rax
	add	$8, %rsp
	jmp	iret_user
1:	swapgs
	jmp	no_stlb

slow_r11:
	mov	UA_SAVE_R11(%rcx), %r11
slow:
	swapgs
	pop	%rcx
	/* vector and error become words of their own: rax error|vector -> rax vector error */
	movzwl	12(%rsp), %eax
	movl	$0, 12(%rsp)
	xchg	%rax, (%rsp)
	push	%rax
	push_rest
	mov	%rsp, %rdi
	call	trap_user
	.globl	trap_return_user
trap_return_user:
	pop_general
iret_user:
	cmpb	$0, features + FEATURES_HIDDEN(%rip)
	je	1f
	stac				/* the user's segments: segments_cpu */
1:	swapgs
	iretq

	/* The kernel's own: in the copy from user memory, or a bug. */
from_kernel:
	push	%rax
	mov	12(%rsp), %eax
	movl	$0, 12(%rsp)
	xchg	%rax, (%rsp)
	push	%rax
	push_rest
	mov	%rsp, %rdi
	call	trap_kernel
	pop_general
	iretq

/* ---- exceptions that C takes whole ---------------------------------------------------- */

	/* A program's first use of vector registers: until then it has none. */
	.balign 16
stub_7:
	pushq	$0
	movl	$VEC_NM, 4(%rsp)
	testb	$3, 16(%rsp)
	jz	from_kernel
	push	%rax
	push	%rcx
	jmp	slow

	/*
	 * Debug, on a stack of its own.  From user mode: on to the normal stack and
	 * the normal way.  From kernel mode it is what a program left pending over
	 * `mov ss; syscall`, before a stack was set: nothing to do but go on.
	 */
	.balign 16
stub_1:
	pushq	$0
	movl	$VEC_DB, 4(%rsp)
	testb	$3, 16(%rsp)
	jz	debug_kernel
	swapgs
	mov	%rax, %gs:CPU_USER_RSP
	mov	%gs:CPU_KSTACK_TOP, %rax
	sub	$48, %rax
	popq	(%rax)
	popq	8(%rax)
	popq	16(%rax)
	popq	24(%rax)
	popq	32(%rax)
	popq	40(%rax)
	mov	%rax, %rsp
	mov	%gs:CPU_USER_RSP, %rax
	swapgs
	jmp	exception
debug_kernel:
	andl	$~FLAGS_TF, 24(%rsp)
	add	$8, %rsp
	iretq

	/* The end: GS may be anybody's, so it comes from the word above the frame. */
	.macro fatal vector, code=0
	.balign 16
stub_\vector:
	.if	\code == 0
	pushq	$0
	.endif
	pushq	$\vector
	jmp	fatal
	.endm
	fatal	2
	fatal	8, 1
	fatal	18
fatal:
	push_general
	mov	REGS_BYTES(%rsp), %rax
	mov	%rax, %rdx
	shr	$32, %rdx
	mov	$MSR_GS_BASE, %ecx
	wrmsr
	mov	%rsp, %rdi
	call	trap_fatal

/* ---- interrupts ----------------------------------------------------------------------- */

	.balign 16
interrupt:
	testb	$3, 24(%rsp)
	jz	interrupt_idle
	swapgs
	push_general
	mov	%rsp, %rdi
	call	trap_interrupt
	jmp	trap_return_user
interrupt_idle:
	push_general
	mov	%rsp, %rdi
	call	trap_interrupt
	pop_general
	iretq

	.altmacro
	.macro interrupt_stub vector
	.balign 16
stub_\vector:
	pushq	$0
	pushq	$\vector
	jmp	interrupt
	.endm
	.macro table_entry vector
	.quad	stub_\vector
	.endm

	vector = 22
	.rept	256 - 22
	interrupt_stub %vector
	vector = vector + 1
	.endr

	.section .rodata
	.balign 8
	.globl	trap_stubs
trap_stubs:
	vector = 0
	.rept	256
	table_entry %vector
	vector = vector + 1
	.endr

	/* As user_last; 0 where exceptions are traced, so that all take the slow way. */
	.data
	.balign 8
	.globl	exception_last
exception_last:
	.quad	USER_LAST

	.section .note.GNU-stack, "", @progbits
