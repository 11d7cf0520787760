/* SPDX-License-Identifier: ISC */
/* What the compiler calls by name: by eightbytes, for byte moves are slow under emulation. */
#include "../../core/core.h"

void *
(memset)(void *dst, int value, size_t bytes)
{
	u64 pattern = 0x0101010101010101ull * (u8)value;
	size_t words = bytes / 8, rest = bytes % 8;
	void *to = dst;

	__asm__ volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(pattern) : "memory");
	__asm__ volatile("rep stosb" : "+D"(to), "+c"(rest) : "a"(pattern) : "memory");
	return dst;
}

void *
(memcpy)(void *dst, const void *src, size_t bytes)
{
	size_t words = bytes / 8, rest = bytes % 8;
	void *to = dst;

	__asm__ volatile("rep movsq" : "+D"(to), "+S"(src), "+c"(words) : : "memory");
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(src), "+c"(rest) : : "memory");
	return dst;
}

void *
memmove(void *dst, const void *src, size_t bytes)
{
	u8 *to = dst;
	const u8 *from = src;

	if (to <= from || to >= from + bytes)
		return memcpy(dst, src, bytes);
	while (bytes-- > 0) {
		to[bytes] = from[bytes];
		__asm__ volatile("" : : : "memory");	/* or it becomes a call of itself */
	}
	return dst;
}

int
memcmp(const void *a, const void *b, size_t bytes)
{
	const u8 *p = a, *q = b;

	for (size_t n = 0; n < bytes; n++)
		if (p[n] != q[n])
			return p[n] - q[n];
	return 0;
}
