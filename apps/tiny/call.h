/* SPDX-License-Identifier: ISC */
/*
 * What a program asks of Tiny: `syscall` with a number of these in rax and
 * arguments in rdi, rsi, rdx.  Results below 0 are errors.
 */
#ifndef TINY_CALL_H
#define TINY_CALL_H

#include <stdint.h>

enum tiny_call {
	TINY_WRITE = 0x2000,		/* text, bytes */
	TINY_TASK,			/* entry, argument, bytes of stack: its number */
	TINY_END,			/* code: of this task */
	TINY_JOIN,			/* task: its code, when it has ended */
	TINY_YIELD,
	TINY_SLEEP,			/* ns */
	TINY_MEMORY,			/* bytes: an address; pages come when they are touched */
	TINY_FREE,			/* address */
	TINY_PAGES,			/* frames in use for the program */
	TINY_TIME,			/* ns since the machine started */
	TINY_CALLS
};

enum { TINY_EARG = -1, TINY_EFULL = -2, TINY_ENONE = -3, TINY_EFAULT = -4 };

static inline int64_t
tiny_call(uint64_t number, uint64_t a, uint64_t b, uint64_t c)
{
	int64_t result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return result;
}

#endif
