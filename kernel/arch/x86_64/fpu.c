/* SPDX-License-Identifier: ISC */
/*
 * Vector state.  Who owns what is in the registers is cpu/'s business; here
 * are only the moves.  CR0.TS is clear while any of the first three runs.
 */
#include "machine.h"

#define FCW_INITIAL   0x037fu
#define MXCSR_INITIAL 0x1f80u

/* The state of a program that has not used it: XSTATE_BV 0 means "all initial". */
const struct fpu_clean fpu_clean
	__attribute__((aligned(64))) = { .fcw = FCW_INITIAL, .mxcsr = MXCSR_INITIAL };

void
arch_fpu_save(void *area)
{
	u32 mask = (u32)features.xcr0;

	if (features.xsave)
		__asm__ volatile("xsave64 (%0)" : : "r"(area), "a"(mask), "d"(0) : "memory");
	else
		__asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
}

void
arch_fpu_load(const void *area)
{
	u32 mask = (u32)features.xcr0;

	if (features.xsave)
		__asm__ volatile("xrstor64 (%0)" : : "r"(area), "a"(mask), "d"(0) : "memory");
	else
		__asm__ volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
}

void
arch_fpu_init(void)
{
	arch_fpu_load(&fpu_clean);
}
