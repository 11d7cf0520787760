/* SPDX-License-Identifier: ISC */
/* Single steps of the caller itself: each instruction from here on ends in a debug exception (vector 1). */
#include "step.h"

void
step_on(void)
{
	__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq" : : : "memory", "cc");
}

void
step_off(void)
{
	__asm__ volatile("pushfq; andq $~0x100, (%%rsp); popfq" : : : "memory", "cc");
}
