/* SPDX-License-Identifier: ISC */
/*
 * What a handler's frame is written and read by, straight from and to the save
 * slot (sigframe.c tells its story), and vector registers by moves.
 *
 *   at -> |   0 restorer                   |
 *         |   8 ucontext: flags, link      |
 *         |  24   the alternate stack      |
 *         |  48   registers (sigcontext)   |
 *         | 304   mask                     |
 *         | 312 siginfo                    |
 *         +-- 440 -------------------------+
 *
 * All memory but the slot may be the program's: as in copy.S everything here
 * is a leaf that pushes nothing, and a fault that cannot be served is "return
 * -EFAULT" (exception.c).
 */
#include "../../../libexo/arch/x86_64/offsets.h"
#include "frame.h"

#define UCONTEXT 8			/* in the frame */
#define FLAGS_AT 8
#define LINK_AT 16
#define STACK_AT 24
#define ERROR_AT 200
#define FPSTATE_AT 232
#define OLDMASK_AT 216
#define MASK_AT 304
#define INFO_AT 312
#define INFO_KNOWN 48			/* of its 128 bytes */

	.section .text.exos_frame, "ax", @progbits
	.globl	exos_frame_begin, exos_frame_end
exos_frame_begin:

.macro MOVE from, to
	mov	\from, %rax
	mov	%rax, \to
.endm

/* Registers that stand in both: register, place in the frame. */
.macro REGISTERS do
	\do	SAVE_R8, 48
	\do	SAVE_R9, 56
	\do	SAVE_R10, 64
	\do	SAVE_R11, 72
	\do	SAVE_R12, 80
	\do	SAVE_R13, 88
	\do	SAVE_R14, 96
	\do	SAVE_R15, 104
	\do	SAVE_RDI, 112
	\do	SAVE_RSI, 120
	\do	SAVE_RBP, 128
	\do	SAVE_RBX, 136
	\do	SAVE_RDX, 144
	\do	SAVE_RAX, 152
	\do	SAVE_RCX, 160
	\do	SAVE_RSP, 168
	\do	SAVE_RIP, 176
	\do	SAVE_RFLAGS, 184
.endm

.macro OUT slot, place
	MOVE	\slot(%rsi), \place(%rdi)
.endm

/* The frame is read by way of its ucontext. */
.macro IN slot, place
	MOVE	(\place - UCONTEXT)(%rsi), \slot(%rdi)
.endm

/* long exos_frame_out(at rdi, slot rsi, const struct frame_rest * rdx, const struct sig_detail * rcx) */
	.globl	exos_frame_out
	.type	exos_frame_out, @function
exos_frame_out:
	MOVE	REST_RESTORER(%rdx), (%rdi)
	MOVE	REST_FLAGS(%rdx), FLAGS_AT(%rdi)
	xor	%r8d, %r8d
	mov	%r8, LINK_AT(%rdi)
	.irp	n, 0, 8, 16
	MOVE	(REST_STACK + \n)(%rdx), (STACK_AT + \n)(%rdi)
	.endr
	REGISTERS OUT
	movq	$0x002b000000000033, %rax	/* cs, gs, fs, ss */
	mov	%rax, (ERROR_AT - 8)(%rdi)
	MOVE	REST_ERROR(%rdx), ERROR_AT(%rdi)
	MOVE	(REST_ERROR + 8)(%rdx), (ERROR_AT + 8)(%rdi)
	MOVE	REST_CR2(%rdx), (OLDMASK_AT + 8)(%rdi)
	MOVE	REST_FPSTATE(%rdx), FPSTATE_AT(%rdi)
	MOVE	REST_MASK(%rdx), OLDMASK_AT(%rdi)
	mov	%rax, MASK_AT(%rdi)
	MOVE	(%rcx), INFO_AT(%rdi)
	mov	8(%rcx), %eax			/* what lies beside the code is the library's */
	mov	%rax, (INFO_AT + 8)(%rdi)
	.irp	n, 16, 24, 32, 40
	MOVE	\n(%rcx), (INFO_AT + \n)(%rdi)
	.endr
	.irp	n, 0, 8, 16, 24, 32, 40, 48, 56, 64, 72
	mov	%r8, (INFO_AT + INFO_KNOWN + \n)(%rdi)
	.endr
	xor	%eax, %eax
	ret
	.size	exos_frame_out, . - exos_frame_out

/* long exos_frame_in(slot rdi, ucontext rsi, struct frame_rest * rdx): all of it, or nothing. */
	.globl	exos_frame_in
	.type	exos_frame_in, @function
exos_frame_in:
	MOVE	(MASK_AT - UCONTEXT)(%rsi), REST_MASK(%rdx)	/* its ends first: a page each, at the most */
	MOVE	(FLAGS_AT - UCONTEXT)(%rsi), REST_FLAGS(%rdx)
	.irp	n, 0, 8, 16
	MOVE	(STACK_AT - UCONTEXT + \n)(%rsi), (REST_STACK + \n)(%rdx)
	.endr
	MOVE	(FPSTATE_AT - UCONTEXT)(%rsi), REST_FPSTATE(%rdx)
	REGISTERS IN
	xor	%eax, %eax
	ret
	.size	exos_frame_in, . - exos_frame_in

/* ---- vector registers --------------------------------------------------------------------- */

/* long exos_frame_mark(area rdi, const struct fp_mark * rsi, bytes rdx): how Linux says what there is. */
	.globl	exos_frame_mark
	.type	exos_frame_mark, @function
exos_frame_mark:
	.irp	n, 0, 8, 16, 24, 32, 40
	MOVE	\n(%rsi), (FP_MARK_AT + \n)(%rdi)
	.endr
	movl	$FP_MAGIC2, (%rdi,%rdx)
	xor	%eax, %eax
	ret
	.size	exos_frame_mark, . - exos_frame_mark

#define FCW_INITIAL 0x37f
#define FSW_AT 2
#define MXCSR_AT 24
#define ST_AT 32
#define ENV_TAGS 8			/* in what fnstenv stores */
#define ENV_RIP 12			/* of the last instruction, */
#define ENV_RDP 20			/* and its operand */
#define MXCSR_RESERVED 0xffff0000
#define XMM_AT 160
#define HEADER_AT 512
#define YMM_AT 576
#define X87 1				/* in XSTATE_BV, */
#define BY_MOVES 6			/* and SSE and AVX */

.macro EACH do, at
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	\do	\n, \at
	.endr
.endm

.macro STORE n, at
	vmovdqu	%xmm\n, (XMM_AT + 16 * \n)(%rdi)
	vextractf128 $1, %ymm\n, (YMM_AT + 16 * \n)(%rdi)
.endm

/*
 * Eight bytes at a time: sixteen the emulator brings in as two stores, and reads
 * as one again at once, which the host's processor has to wait for.
 */
.macro LOAD_HALVES n, at
	movlps	(\at + 16 * \n)(%rdi), %xmm\n
	movhps	(\at + 16 * \n + 8)(%rdi), %xmm\n
.endm

.macro RAISE n, at
	vinsertf128 $1, %xmm\n, %ymm\n, %ymm\n
.endm

/*
 * long exos_vectors_save(area rdi), exos_vectors_load(area rdi): what xsave and
 * xrstor do of x87, SSE and AVX (FPU_MOVABLE_BYTES), by moves but for the x87,
 * because the emulator takes each of their words by its slowest way.  What is as
 * at the start is saved like the rest.  The header is xrstor's, which refuses
 * what is wrong in it.  It and xsave do not ask whose the registers are (copy.S);
 * the instructions before them do.
 *
 * exos_vectors_keep is for memory of the library's alone, to be loaded again:
 * of an x87 where nothing was computed, all registers are empty and what MMX
 * instructions left there is all that there is to keep.  XSTATE_BV has no x87 then.
 */
	.globl	exos_vectors_keep
	.type	exos_vectors_keep, @function
exos_vectors_keep:
	fnstcw	(%rdi)
	fnstsw	FSW_AT(%rdi)		/* to ax it would count as the last instruction under the emulator */
	cmpl	$FCW_INITIAL, (%rdi)
	jne	exos_vectors_save
	fnstenv	ST_AT(%rdi)		/* would mask exceptions, but these are */
	cmpw	$0xffff, (ST_AT + ENV_TAGS)(%rdi)
	jne	exos_vectors_save
	mov	(ST_AT + ENV_RIP)(%rdi), %eax
	or	(ST_AT + ENV_RDP)(%rdi), %eax
	jnz	exos_vectors_save
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7
	movq	%mm\n, (ST_AT + 16 * \n)(%rdi)
	.endr
	emms
	xor	%r8d, %r8d
	jmp	1f
	.size	exos_vectors_keep, . - exos_vectors_keep

	.globl	exos_vectors_save
	.type	exos_vectors_save, @function
exos_vectors_save:
	mov	$X87, %r8d
1:	EACH	STORE
	xor	%edx, %edx
	stmxcsr	MXCSR_AT(%rdi)
	movl	$0xffff, (MXCSR_AT + 4)(%rdi)
	movq	$BY_MOVES, HEADER_AT(%rdi)
	.irp	n, 1, 2, 3, 4, 5, 6, 7
	mov	%rdx, (HEADER_AT + 8 * \n)(%rdi)
	.endr
	test	%r8d, %r8d
	jz	1f
	mov	%r8d, %eax
	xsave64	(%rdi)
1:	xor	%eax, %eax
	ret
	.size	exos_vectors_save, . - exos_vectors_save

/* long exos_vectors_take(area rdi, bytes rsi): the same of a frame; 1: not such as exos_vectors_save made. */
	.globl	exos_vectors_take
	.type	exos_vectors_take, @function
exos_vectors_take:
	cmpl	$FP_MAGIC1, FP_MARK_AT(%rdi)
	jne	1f
	cmp	%esi, (FP_MARK_AT + 16)(%rdi)
	jne	1f
	cmpl	$FP_MAGIC2, (%rdi,%rsi)
	jne	1f
	mov	HEADER_AT(%rdi), %eax
	not	%eax
	test	$BY_MOVES, %eax
	jnz	1f
	mov	$X87, %r8d
	testl	$MXCSR_RESERVED, MXCSR_AT(%rdi)
	jz	2f
1:	mov	$1, %eax
	ret
	.size	exos_vectors_take, . - exos_vectors_take

	.globl	exos_vectors_load
	.type	exos_vectors_load, @function
exos_vectors_load:
	mov	HEADER_AT(%rdi), %r8d
2:	EACH	LOAD_HALVES YMM_AT
	EACH	RAISE
	EACH	LOAD_HALVES XMM_AT
	ldmxcsr	MXCSR_AT(%rdi)
	mov	$X87, %eax
	test	%eax, %r8d
	jz	1f
	xor	%edx, %edx
	xrstor64 (%rdi)
	xor	%eax, %eax
	ret
1:	fninit
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7
	movq	(ST_AT + 16 * \n)(%rdi), %mm\n
	.endr
	emms
	xor	%eax, %eax
	ret
	.size	exos_vectors_load, . - exos_vectors_load

exos_frame_end:

	.section .note.GNU-stack, "", @progbits
