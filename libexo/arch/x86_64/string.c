/* SPDX-License-Identifier: ISC */
/* The four functions that compilers call by themselves.  Weak: a libc's own take precedence. */
#include <stddef.h>

#define WEAK __attribute__((weak))

WEAK void *memset(void *to, int value, size_t bytes);
WEAK void *memcpy(void *to, const void *from, size_t bytes);
WEAK void *memmove(void *to, const void *from, size_t bytes);
WEAK int memcmp(const void *a, const void *b, size_t bytes);

void *
memset(void *to, int value, size_t bytes)
{
	void *result = to;

	__asm__ volatile("rep stosb" : "+D"(to), "+c"(bytes) : "a"(value) : "memory");
	return result;
}

/* By words: byte-wise rep is slow under emulation. */
void *
memcpy(void *to, const void *from, size_t bytes)
{
	void *result = to;
	size_t words = bytes / 8;

	bytes %= 8;
	__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
	return result;
}

void *
memmove(void *to, const void *from, size_t bytes)
{
	char *t = to;
	const char *f = from;

	if (t <= f || t >= f + bytes)
		return memcpy(to, from, bytes);
	while (bytes--)
		t[bytes] = f[bytes];
	return to;
}

int
memcmp(const void *a, const void *b, size_t bytes)
{
	const unsigned char *x = a, *y = b;

	for (; bytes; bytes--, x++, y++) {
		if (*x != *y)
			return *x - *y;
	}
	return 0;
}
