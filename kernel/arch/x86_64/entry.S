/* SPDX-License-Identifier: ISC */
/*
 * `syscall`, and the ways out to user mode.
 *
 *	eax bit 30 set	a kernel call: C through call_table, back by sysret
 *	else		reflected: the program's registers stay, only rcx changes
 *
 * At entry: rcx = user rip, r11 = user flags, rsp and GS still the user's,
 * interrupts off.  Interrupts stay off in the kernel, and what can come anyway
 * (NMI, machine check, a deferred debug exception) has a stack of its own, so
 * rsp may serve as a register until the stack is set.
 *
 * Why sysret needs no check of rcx here: an instruction that ran in user mode
 * ended at or below EXO_USER_TOP, which is canonical.  Entries are checked.
 */
#include "layout.h"
#include "asmdefs.h"
#include "frame.h"

	.text
	.globl	entry_syscall
	.balign 64
entry_syscall:
	swapgs
	mov	%rsp, %gs:CPU_USER_RSP
	btr	$CALL_BIT, %rax
	jnc	reflect

	mov	%gs:CPU_KSTACK_TOP, %rsp
	push	%rcx
	push	%r11
	cmp	call_count(%rip), %rax
	jae	no_call
	/* C's order: self, five arguments, the sixth on the stack */
	push	%r9
	mov	%r8, %r9
	mov	%r10, %r8
	mov	%rdx, %rcx
	mov	%rsi, %rdx
	mov	%rdi, %rsi
	mov	%gs:CPU_ACT, %rdi
	mov	ACT_PUB(%rdi), %r11
	incq	PUB_CALLS(%r11)
	mov	ACT_ENV(%rdi), %rdi
	call	*call_table(, %rax, 8)
	after_call
	pop	%r9
call_out:
	pop	%r11
	pop	%rcx
	/* nothing of the kernel's goes out */
	xor	%edi, %edi
	xor	%esi, %esi
	xor	%edx, %edx
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	mov	%gs:CPU_USER_RSP, %rsp
	swapgs
	sysretq

no_call:
	mov	$-ENOCALL, %rax
	jmp	call_out

	/* critical = 1, sys_rip = where the program goes on, to the library's entry. */
	.balign 16
reflect:
	mov	%gs:CPU_ACT, %rsp
	mov	ACT_UA(%rsp), %rsp
	mov	%rcx, UA_SYS_RIP(%rsp)
	mov	UA_ENTRY_SYSCALL(%rsp), %rcx
	dec	%rcx
	cmp	user_last(%rip), %rcx		/* 0 became the largest number */
	jae	reflect_nowhere
	inc	%rcx
	movl	$1, UA_CRITICAL(%rsp)
	mov	%gs:CPU_ACT, %rsp
	mov	ACT_PUB(%rsp), %rsp
	incq	PUB_REFLECTED(%rsp)
	mov	%gs:CPU_USER_RSP, %rsp
	swapgs
	sysretq

	/* A struct regs of the user at the stack's top; rcx = rip, r11 = flags, rsp in the cpu. */
	.macro push_user_regs vector
	mov	%gs:CPU_KSTACK_TOP, %rsp
	pushq	$SEL_UDATA
	pushq	%gs:CPU_USER_RSP
	push	%r11
	pushq	$SEL_UCODE
	push	%rcx
	pushq	$0
	pushq	$\vector
	push_general
	.endm

reflect_nowhere:
	mov	UA_SYS_RIP(%rsp), %rcx
	push_user_regs 0
	call	trap_nowhere

	/*
	 * call, acall and return come here through call_table: the shuffle of
	 * arguments is undone, and C gets all registers as the user had them.
	 */
	.globl	entry_special
entry_special:
	mov	%rsi, %rdi
	mov	%rdx, %rsi
	mov	%rcx, %rdx
	mov	%r9, %r8
	mov	8(%rsp), %r9
	mov	16(%rsp), %r11
	mov	24(%rsp), %rcx
	push_user_regs 0
	mov	%rsp, %rdi
	call	trap_special

/* ---- ways out; C has made the activation current ------------------------------------ */

	/* entry_upcall(rip, rax): nothing but these two goes along. */
	.globl	entry_upcall
entry_upcall:
	mov	%rdi, %rcx
	mov	%rsi, %rax
	xor	%ebx, %ebx
	xor	%edx, %edx
	xor	%esi, %esi
	xor	%edi, %edi
	xor	%ebp, %ebp
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r12d, %r12d
	xor	%r13d, %r13d
	xor	%r14d, %r14d
	xor	%r15d, %r15d
	xor	%esp, %esp
	mov	$FLAGS_USER, %r11d
	swapgs
	sysretq

	/* entry_regs(regs): a whole context, wherever it lies. */
	.globl	entry_regs
entry_regs:
	mov	%rdi, %rsp
	jmp	trap_return_user

	/* entry_idle(stack): nothing runs; the next interrupt may change that. */
	.globl	entry_idle
entry_idle:
	mov	%rdi, %rsp
	sti
	hlt
	cli
	xor	%edi, %edi
	call	cpu_dispatch

	.section .rodata
	.balign 8
user_last:
	.quad	USER_LAST

	.section .note.GNU-stack, "", @progbits
