/* SPDX-License-Identifier: ISC */
/* Random words: RDRAND, or the clock where there is none.  Free of everything else: the server links it, too. */
#include <stdbool.h>
#include <exo/read.h>
#include "random.h"

static bool
have_rdrand(void)
{
	uint32_t a = 1, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return c >> 30 & 1;
}

uint64_t
random_word(void)
{
	uint64_t word;
	uint8_t ok;

	if (!have_rdrand())
		return exo_rdtsc() * 0x9e3779b97f4a7c15ull;
	for (unsigned attempt = 0; attempt < 64; attempt++) {
		__asm__ volatile("rdrand %0; setc %1" : "=r"(word), "=qm"(ok) : : "cc");
		if (ok)
			return word;
	}
	return exo_rdtsc() * 0x9e3779b97f4a7c15ull;
}
