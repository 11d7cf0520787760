/* SPDX-License-Identifier: ISC */
/* Addresses, selectors and bits that C, assembly and the linker script share. */
#ifndef KERNEL_ARCH_LAYOUT_H
#define KERNEL_ARCH_LAYOUT_H

#define KERNEL_BASE   0xffffffff80000000	/* the kernel's image: virtual = physical + this */
#define KERNEL_LOAD   0x100000
#define AP_TRAMPOLINE 0x8000			/* physical; a page below 1 MiB, where processors can start */
#define DIRECT_BASE   0xffff800000000000	/* all physical memory */

/*
 * Order demanded by syscall and sysret: kernel data behind kernel code, user
 * code behind user data.  The user's come last: segments_cpu puts them in a page of
 * their own.
 */
#define SEL_KCODE 0x08
#define SEL_KDATA 0x10
#define SEL_TSS   0x18		/* two entries */
#define SEL_UDATA 0x2b
#define SEL_UCODE 0x33
#define SEL_END   0x38

#define IST_BYTES    4096

/* Interrupt stack table slots. */
#define IST_DF  1
#define IST_NMI 2
#define IST_MC  3
#define IST_DB  4

#define VEC_DB  1
#define VEC_NMI 2
#define VEC_NM  7
#define VEC_DF  8
#define VEC_PF  14
#define VEC_MC  18
#define VEC_IRQ 32		/* interrupt line n comes as vector 32 + n */
#define VEC_TIMER    0xf0
#define VEC_POKE     0xf1		/* from another CPU: look around */
#define VEC_SPURIOUS 0xff

#define FLAGS_USER 0x202	/* interrupts on, nothing else: how an upcall begins */
#define FLAGS_TF   0x100
#define CR0_TS     0x8

#define MSR_EFER      0xc0000080
#define MSR_STAR      0xc0000081
#define MSR_LSTAR     0xc0000082
#define MSR_FMASK     0xc0000084
#define MSR_GS_BASE   0xc0000101
#define MSR_KGS_BASE  0xc0000102
#define MSR_APIC_BASE 0x1b

#define USER_LAST 0x00007f7fffffffff	/* EXO_USER_TOP - 1 */

#define CALL_BIT   30		/* of rax: EXO_CALL */

#endif
