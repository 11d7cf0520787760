/* SPDX-License-Identifier: ISC */
/*
 * `syscall`, and the ways out to user mode.
 *
 *	rax = EXO_CALL + 0..63	a kernel call: a stub for its number of arguments, C, sysret
 *	else			reflected: the program's registers stay, only rcx changes
 *
 * At entry: rcx = user rip, r11 = user flags, rsp and GS still the user's,
 * interrupts off.  Interrupts stay off in the kernel, and what can come anyway
 * (NMI, machine check, a deferred debug exception) has a stack of its own, so
 * rsp may serve as a register until the stack is set.
 *
 * Why sysret needs no check of rcx here: an instruction that ran in user mode
 * ended at or below EXO_USER_TOP, which is canonical.  Entries are checked.
 */
#include <exo/callnr.h>
#include "layout.h"
#include "asmdefs.h"
#include "frame.h"

	/* C's order: self, five arguments, the sixth on the stack; only as many as there are */
	.macro call_stub nr, name, nargs
	.balign 16
	.ifc	\name, park
	.globl	stub_park
	.endif
stub_\name:
	mov	%gs:CPU_KSTACK_TOP, %rsp
	push	%rcx
	push	%r11
	.if	\nargs > 5
	push	%r9
	.endif
	.if	\nargs > 4
	mov	%r8, %r9
	.endif
	.if	\nargs > 3
	mov	%r10, %r8
	.endif
	.if	\nargs > 2
	mov	%rdx, %rcx
	.endif
	.if	\nargs > 1
	mov	%rsi, %rdx
	.endif
	.if	\nargs > 0
	mov	%rdi, %rsi
	.endif
	mov	%gs:CPU_ACT, %rdi
	mov	ACT_PUB(%rdi), %rax
	lock incq PUB_CALLS(%rax)
	mov	ACT_ENV(%rdi), %rdi
	call	sys_\name
	.if	\nargs > 5
	pop	%r9
	.endif
	.ifc	\name, post
	mov	%gs:CPU_ACT, %rdi
	cmpw	$0, ACT_EVENT_DUE(%rdi)
	jne	call_due
	.endif
	call_out
	.endm

	/* nothing of the kernel's goes out */
	.macro call_clear
	pop	%r11
	pop	%rcx
	xor	%edi, %edi
	xor	%esi, %esi
	xor	%edx, %edx
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	.endm
	.macro call_out
	call_clear
	mov	%gs:CPU_USER_RSP, %rsp
	swapgs
	sysretq
	.endm

	/* rax becomes the number of a kernel call; all others leave, with rax as it was */
	.macro call_number
	btr	$CALL_BIT, %rax
	jnc	reflect
	cmp	$EXO_CALL_NUMBERS, %rax
	jae	reflect_other
	.endm

	.text
	.globl	entry_syscall
	.balign 64
entry_syscall:
	swapgs
	mov	%rsp, %gs:CPU_USER_RSP
	call_number
	jmp	*stub_table(, %rax, 8)

stub_none:
	mov	%gs:CPU_KSTACK_TOP, %rsp
	push	%rcx
	push	%r11
	mov	$-ENOCALL, %rax
	call_out

	/* Apart, so that what every entry passes lies in one page (kernel.ld.S). */
	.section .text.stubs, "ax", @progbits
#define X(nr, name, nargs) call_stub nr, name, nargs
#include <kernel/calls.inc>
	.text

	/* The bit was set, but the number is one that a Linux program made up, or an x32 call. */
reflect_other:
	bts	$CALL_BIT, %rax
	.balign 16
reflect:
	mov	%gs:CPU_UA, %rsp
	mov	%rcx, UA_SYS_RIP(%rsp)
	mov	UA_ENTRY_SYSCALL(%rsp), %rcx
	dec	%rcx
	cmp	user_last(%rip), %rcx		/* 0 became the largest number */
	jae	reflect_nowhere
	inc	%rcx
	movl	$1, UA_CRITICAL(%rsp)
	mov	%gs:CPU_ACT, %rsp
	mov	ACT_PUB(%rsp), %rsp
	lock incq PUB_REFLECTED(%rsp)
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

	/* A caller has posted to itself: as if it were interrupted right behind the call. */
call_due:
	call_clear
	push_user_regs 0
	mov	%rsp, %rdi
	call	trap_due
	jmp	trap_return_user

reflect_nowhere:
	mov	UA_SYS_RIP(%rsp), %rcx
	push_user_regs 0
	call	trap_nowhere

	/* acall, and what transfer.S leaves of call and return: C gets all registers. */
	.globl	entry_special
entry_special:
	push_user_regs 0
	mov	%rsp, %rdi
	call	trap_special

	/*
	 * Instead of entry_syscall where calls are traced, and in the debug kernel:
	 * everything but reflection by way of C.
	 */
	.globl	entry_traced
	.balign 16
entry_traced:
	swapgs
	mov	%rsp, %gs:CPU_USER_RSP
	call_number
	push_user_regs 0
	mov	%rsp, %rdi
	call	trap_call
	jmp	trap_return_user

/* ---- ways out; C has made the activation current ------------------------------------ */

	/* entry_upcall(rip, rax): nothing but these two goes along. */
	.globl	entry_upcall
entry_upcall:
	mov	%rdi, %rcx
	mov	%rsi, %rax
	swapgs
	jmp	1f
	/* The same from transfer.S: rcx is set, GS is the user's, and the reason is the slice. */
	.globl	entry_upcall_regs
entry_upcall_regs:
	xor	%eax, %eax
1:	xor	%ebx, %ebx
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
#undef X
#undef X_SPECIAL
	/* park has a short way, too */
	.macro call_row name
	.ifc	\name, park
	.quad	transfer_park
	.else
	.quad	stub_\name
	.endif
	.endm
#define X(nr, name, nargs) call_row name
#define X_SPECIAL(nr, name, nargs) .quad special_##name
	.set	special_call, transfer_call
	.set	special_return, transfer_return
	.set	special_acall, entry_special
stub_table:
#include <kernel/calls.inc>
	.rept	EXO_CALL_NUMBERS - EXO_NR_CALLS
	.quad	stub_none
	.endr

	.globl	user_last
user_last:
	.quad	USER_LAST

	.section .note.GNU-stack, "", @progbits
