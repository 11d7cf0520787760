/* SPDX-License-Identifier: ISC */
/* Call sites of all kinds, called often enough to be rewritten where that is done. */
#ifndef ALIKE_SITES_H
#define ALIKE_SITES_H

#include "t.h"
#include <sys/mman.h>

#define OFTEN 500

/* What a call site is found by must lie in a row before it. */
#define LEAD ".rept 12\n nopl 0x0(%rax,%rax,1)\n .endr\n"

/* long NAME(void): code that makes a call and returns. */
#define SITE(name, text) \
	long name(void); \
	CODE(name, text)
#define CODE(name, text) \
	__asm__(".text\n" LEAD ".globl " #name "\n" #name ":\n" text "\n ret\n")

/* A long nop, whose operands mean nothing. */
#define NOP8 ".byte 0x0f,0x1f,0x84,0,0,0,0,0\n"

/* Code for pages of a test's own: mov $number,%eax; syscall; ret, at offset `at` of a file's page. */
#define CODE_BYTES 8192

static inline void
code_put(unsigned char *page, unsigned at, unsigned char number)
{
	const unsigned char code[8] = { 0xb8, number, 0, 0, 0, 0x0f, 0x05, 0xc3 };

	memset(page, 0x90, CODE_BYTES);
	memcpy(page + at, code, sizeof(code));
}

/* An open file of two pages, with such code in it. */
static inline int
code_file(const char *name, unsigned at, unsigned char number)
{
	static unsigned char page[CODE_BYTES];
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0755);

	code_put(page, at, number);
	if (fd < 0 || write(fd, page, sizeof(page)) != sizeof(page))
		perror(name);
	return fd;
}

static inline unsigned char *
code_map(int fd, int flags)
{
	void *at = mmap(NULL, CODE_BYTES, PROT_READ | PROT_EXEC, flags, fd, 0);

	if (at == MAP_FAILED)
		perror("mmap");
	return at;
}

typedef long routine(void);

/* What it gives, if it is the same each time; -2: it is not. */
static inline long
often(routine *f)
{
	long first = f();

	for (int i = 0; i < OFTEN; i++) {
		if (f() != first)
			return -2;
	}
	return first;
}

/* Whose number that is. */
static inline const char *
whose(long id)
{
	return id == getpid()     ? "own"
		: id == getppid() ? "parent's"
		: id == -2        ? "changing"
				  : "other";
}

#endif
