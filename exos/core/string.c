/* SPDX-License-Identifier: ISC */
/* Memory and text as in C; memcpy and memset are arch's. */
#include "exos.h"

#define LOW_BITS 0x0101010101010101ull
#define HIGH_BITS 0x8080808080808080ull

void *
memmove(void *dst, const void *src, size_t bytes)
{
	volatile char *to = dst;
	const volatile char *from = src;

	if ((size_t)(to - from) >= bytes)
		return memcpy(dst, src, bytes);
	while (bytes--)
		to[bytes] = from[bytes];
	return dst;
}

int
memcmp(const void *a, const void *b, size_t bytes)
{
	const u8 *x = a, *y = b;

	for (; bytes; bytes--, x++, y++) {
		if (*x != *y)
			return *x - *y;
	}
	return 0;
}

/* By words, where they begin: such a word lies in one page with its first byte. */
size_t
strlen(const char *s)
{
	const volatile char *end = s; /* volatile: or the compiler makes a call of strlen of it */

	for (; (u64)end % sizeof(u64); end++)
		if (!*end)
			return (size_t)(end - s);
	for (;; end += sizeof(u64)) {
		const u64 word = *(const volatile u64 *)end;
		const u64 zeroes = (word - LOW_BITS) & ~word & HIGH_BITS;

		if (zeroes)
			return (size_t)(end - s) + (unsigned)__builtin_ctzll(zeroes) / 8;
	}
}

int
strcmp(const char *a, const char *b)
{
	for (; *a && *a == *b; a++, b++)
		;
	return (u8)*a - (u8)*b;
}

int
strncmp(const char *a, const char *b, size_t bytes)
{
	for (; bytes && *a && *a == *b; a++, b++, bytes--)
		;
	return bytes ? (u8)*a - (u8)*b : 0;
}

char *
strchr(const char *s, int c)
{
	for (; *s != (char)c; s++) {
		if (*s == '\0')
			return NULL;
	}
	return (char *)s;
}
