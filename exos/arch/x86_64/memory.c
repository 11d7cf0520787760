/* SPDX-License-Identifier: ISC */
/* Copying and filling by string instructions, because vector registers are the program's. */
#include "arch.h"

void *
memcpy(void *dst, const void *src, size_t bytes)
{
	void *to = dst;
	size_t words = bytes / 8, rest = bytes % 8;

	__asm__ volatile("rep movsq" : "+D"(to), "+S"(src), "+c"(words) : : "memory");
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(src), "+c"(rest) : : "memory");
	return dst;
}

void *
memset(void *dst, int value, size_t bytes)
{
	u64 pattern = (u8)value * 0x0101010101010101ull;
	void *to = dst;
	size_t words = bytes / 8, rest = bytes % 8;

	__asm__ volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(pattern) : "memory");
	__asm__ volatile("rep stosb" : "+D"(to), "+c"(rest) : "a"(pattern) : "memory");
	return dst;
}
