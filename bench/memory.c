/* SPDX-License-Identifier: ISC */
/*
 * What it costs a process under ExOS to give memory back: a Linux program that
 * writes to its own u-area what the kernel would (it is its own), and then makes
 * a Linux call, from which its library does not return before it has answered.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <exo/lib.h>
#include <exo/read.h>
#include "cost.h"

#define PAGES 4096ul
#define ASKED 256u
#define UNUSED 8u			/* of the library's own */
#define FAR_NS 3000000000ull
#define NEAR_NS 100000000ull

static char *area;

static void
row(const char *name, uint64_t took)
{
	printf("bench %s %lu\n", name, (unsigned long)took);
}

static void
null_call(void)
{
	exo_null();
}

/* Half of it like text: it gets about half as large. */
static void
fill(unsigned long page)
{
	char *p = area + page * EXO_PAGE_BYTES;

	for (unsigned n = 0; n < EXO_PAGE_BYTES; n++)
		p[n] = n % 64 < 32 ? "memory that is asked back and giv"[n % 32]
				   : (char)(page * 31 + n * n);
}

static void
touch(unsigned long from, unsigned long count)
{
	for (unsigned long page = from; page < from + count; page++)
		++*(volatile char *)(area + page * EXO_PAGE_BYTES);
}

static void
asked(uint64_t frames, uint64_t ahead_ns)
{
	volatile struct exo_revocation *r = &exo_uarea()->revocation;

	r->debt.account = exo_env(exo_self())->account;
	r->debt.frames = frames;
	r->debt.deadline_ns = exo_now_ns() + ahead_ns;
	r->debt.asked++;
}

static void
answer(const char *name, unsigned long hot, uint64_t ahead_ns)
{
	uint64_t from, took;

	touch(0, PAGES);
	if (hot < PAGES) {		/* who was asked before knows what was touched since */
		asked(ASKED, FAR_NS);
		syscall(SYS_getpid);
		touch(0, hot);
	}
	asked(ASKED, ahead_ns);
	from = now();
	syscall(SYS_getpid);
	took = now() - from;
	row(name, took / ASKED);
}

/* Calls by path leave buffers behind, which the library has no need of until the next. */
static void
unused(void)
{
	char text[64];
	uint64_t from;

	access("/proc/self/stat", R_OK);
	readlink("/proc/self/exe", text, sizeof(text));
	asked(UNUSED, FAR_NS);
	from = now();
	syscall(SYS_getpid);
	row("answer-unused", (now() - from) / UNUSED);
}

int
main(void)
{
	baseline();
	unused();
	area = mmap(NULL, PAGES * EXO_PAGE_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (unsigned long page = 0; page < PAGES; page++)
		fill(page);
	COST("page-away", touch(0, 1), madvise(area, EXO_PAGE_BYTES, MADV_PAGEOUT), );
	COST("page-back", madvise(area, EXO_PAGE_BYTES, MADV_PAGEOUT), touch(0, 1), );
	answer("answer-fast", PAGES, NEAR_NS);
	answer("answer-careful-all-hot", PAGES, FAR_NS);
	answer("answer-careful", PAGES / 2, FAR_NS);
	return 0;
}
