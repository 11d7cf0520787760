/* SPDX-License-Identifier: ISC */
/* Touching memory that may fault: the exception handler moves rip to t_fixup. */
	.text
	.globl	t_touch_read, t_touch_write, t_touch_exec, t_touch_called, t_fixup
	.globl	t_read_at, t_write_at, t_exec_at

/* uint64_t t_touch_read(uint64_t va, uint64_t *value): 0, or what the handler put into rax */
t_touch_read:
	xor	%eax, %eax
t_read_at:
	mov	(%rdi), %rdx
	mov	%rdx, (%rsi)
	ret

t_touch_write:
	xor	%eax, %eax
t_write_at:
	mov	%rsi, (%rdi)
	ret

t_touch_exec:
	xor	%eax, %eax
	push	%rbx
	mov	%rsp, %rbx
t_exec_at:
	call	*%rdi
t_touch_called:
	pop	%rbx
	ret

/* The faulting call had pushed its return address or nothing: rbx knows. */
	.globl	t_fixup_exec
t_fixup_exec:
	mov	%rbx, %rsp
	pop	%rbx
	ret

t_fixup:
	ret

/* Where a child begins: u-area scratch words 0..2 are stack, function, argument. */
	.globl	t_child_entry
t_child_entry:
	mov	%gs:144, %rsp
	mov	%gs:152, %rdi
	mov	%gs:160, %rsi
	xor	%ebp, %ebp
	call	t_child_main
	ud2

	.section .note.GNU-stack, "", @progbits
