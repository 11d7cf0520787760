/* SPDX-License-Identifier: ISC */
/* What inline functions of libexo ask of the machine. */
#ifndef EXO_ARCH_H
#define EXO_ARCH_H

#include <stdint.h>

/* The first word of the u-area, which GS points at. */
static inline uint64_t
exo_gs_first(void)
{
	uint64_t word;

	__asm__ volatile("movq %%gs:0, %0" : "=r"(word));
	return word;
}

/* What is above stays above, what is below stays below. */
static inline void
exo_compiler_barrier(void)
{
	__asm__ volatile("" ::: "memory");
}

/* In a loop that waits for another CPU. */
static inline void
exo_relax(void)
{
	__asm__ volatile("pause");
}

static inline uint64_t
exo_rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (uint64_t)hi << 32 | lo;
}

#endif
