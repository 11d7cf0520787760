/* SPDX-License-Identifier: ISC */
/* For tests that use memory up: what is free, and pages whose contents can be known again. */
#ifndef TESTS_LINUX_HOG_H
#define TESTS_LINUX_HOG_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>

#define PAGE 4096ul
#define MB (1ul << 20)
#define RW (PROT_READ | PROT_WRITE)

static inline long
free_kib(void)
{
	char line[128];
	long kib = -1;
	FILE *f = fopen("/proc/meminfo", "r");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "MemFree: %ld", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib;
}

/* kind: MAP_PRIVATE or MAP_SHARED; NULL: there is none. */
static inline void *
anon(size_t bytes, int kind)
{
	void *p = mmap(NULL, bytes, RW, kind | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* Pages of which a library can make less than half. */
static inline unsigned long
hog_word(unsigned long who, unsigned long n)
{
	return n % 16 ? n / 512 * (who + 3) + n / 16 : 0;
}

static inline void
fill(unsigned long *p, size_t bytes, unsigned long who)
{
	for (size_t n = 0; n < bytes / sizeof(*p); n++)
		p[n] = hog_word(who, n);
}

static inline bool
right(const unsigned long *p, size_t bytes, unsigned long who)
{
	for (size_t n = 0; n < bytes / sizeof(*p); n++)
		if (p[n] != hog_word(who, n))
			return false;
	return true;
}

#endif
