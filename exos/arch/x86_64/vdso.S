/* SPDX-License-Identifier: ISC */
/*
 * A small ELF file inside the library image: what C libraries look for behind
 * AT_SYSINFO_EHDR, to read the clock without a Linux call.  All addresses are
 * relative to its first byte, so the bytes are the same at any base; it has no
 * sections, and symbols and their version (LINUX_2.6) named as Linux names
 * them.  The functions, in core/vdso.c, lie right behind.
 */

	.section .vdso.head, "a", @progbits
	.globl	exos_vdso
exos_vdso:
	.byte	0x7f, 'E', 'L', 'F', 2, 1, 1, 0	/* 64 bits, little endian, version 1, System V */
	.quad	0
	.short	3, 62				/* ET_DYN, x86-64 */
	.long	1
	.quad	0				/* no entry */
	.quad	programs - exos_vdso
	.quad	0				/* no sections */
	.long	0
	.short	64, 56, 2, 0, 0, 0
programs:
	.long	1, 5				/* PT_LOAD, readable and executable */
	.quad	0, 0, 0				/* offset, address */
	.quad	exos_vdso_end - exos_vdso, exos_vdso_end - exos_vdso
	.quad	4096
	.long	2, 4				/* PT_DYNAMIC, readable */
	.quad	dynamic - exos_vdso, dynamic - exos_vdso, dynamic - exos_vdso
	.quad	dynamic_end - dynamic, dynamic_end - dynamic
	.quad	8

dynamic:
	.quad	14, name_self - names		/* DT_SONAME */
	.quad	4, hash - exos_vdso		/* DT_HASH */
	.quad	5, names - exos_vdso		/* DT_STRTAB */
	.quad	6, symbols - exos_vdso		/* DT_SYMTAB */
	.quad	10, names_end - names		/* DT_STRSZ */
	.quad	11, 24				/* DT_SYMENT */
	.quad	0x6ffffff0, versions - exos_vdso	/* DT_VERSYM */
	.quad	0x6ffffffc, definitions - exos_vdso	/* DT_VERDEF */
	.quad	0x6ffffffd, 2			/* DT_VERDEFNUM */
	.quad	0, 0
dynamic_end:

/* A name, and the function's place.  Section 1, that there is none of: not undefined, not absolute. */
.macro SYMBOL name, function
	.long	\name - names
	.byte	0x12, 0				/* global function */
	.short	1
	.quad	\function - exos_vdso
	.quad	16				/* bytes; nobody counts */
.endm

symbols:
	.quad	0, 0, 0
	SYMBOL	name_clock_gettime, vdso_clock_gettime
	SYMBOL	name_gettimeofday, vdso_gettimeofday
	SYMBOL	name_time, vdso_time
	SYMBOL	name_getcpu, vdso_getcpu
	SYMBOL	name_clock_getres, vdso_clock_getres
symbols_end:

/* One bucket, and all symbols in its chain. */
hash:
	.long	1, 6
	.long	1
	.long	0, 2, 3, 4, 5, 0

versions:
	.short	0, 2, 2, 2, 2, 2

	.balign	4
definitions:
	.short	1, 1, 1, 1			/* version of the format, base, index 1, one name */
	.long	0x0deebfa1			/* SysV hash of the name */
	.long	20, 28				/* from here to the name, to the next definition */
	.long	name_self - names, 0
	.short	1, 0, 2, 1
	.long	0x03ae75f6
	.long	20, 0
	.long	name_version - names, 0

names:
	.byte	0
name_self:
	.asciz	"linux-vdso.so.1"
name_version:
	.asciz	"LINUX_2.6"
name_clock_gettime:
	.asciz	"__vdso_clock_gettime"
name_gettimeofday:
	.asciz	"__vdso_gettimeofday"
name_time:
	.asciz	"__vdso_time"
name_getcpu:
	.asciz	"__vdso_getcpu"
name_clock_getres:
	.asciz	"__vdso_clock_getres"
names_end:
	.balign	16

	.section .note.GNU-stack, "", @progbits
