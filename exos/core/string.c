/* SPDX-License-Identifier: ISC */
/* Memory and text as in C; memcpy and memset are arch's. */
#include "exos.h"

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

size_t
strlen(const char *s)
{
	const volatile char *end = s; /* volatile: or the compiler makes a call of strlen of it */

	while (*end)
		end++;
	return (size_t)(end - s);
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
