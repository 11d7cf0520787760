/* SPDX-License-Identifier: ISC */
/* Exceptions that a program handles, and page protection as garbage collectors use it. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
#include "ops.h"

#define PAGES 100u

static volatile char *area;
static unsigned long skip;		/* bytes of the instruction that faults */

static void
step_over(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig, (void)info;
	uc->uc_mcontext.gregs[REG_RIP] += (long)skip;
}

/* appel1: open the page that was touched, protect the next. */
static void
move_on(int sig, siginfo_t *info, void *context)
{
	char *page = (char *)((uintptr_t)info->si_addr & ~(PAGE - 1));
	char *next = page + PAGE < area + PAGES * PAGE ? page + PAGE : (char *)area;

	(void)sig, (void)context;
	mprotect(page, PAGE, PROT_READ | PROT_WRITE);
	mprotect(next, PAGE, PROT_READ);
}

/* appel2: open it. */
static void
open_page(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)context;
	mprotect((char *)((uintptr_t)info->si_addr & ~(PAGE - 1)), PAGE, PROT_READ | PROT_WRITE);
}

static void
handle(int sig, void (*handler)(int, siginfo_t *, void *))
{
	struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };

	sigaction(sig, &sa, NULL);
}

static bool
have_area(void)
{
	if (area)
		return true;
	area = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED)
		return false;
	memset((void *)area, 1, PAGES * PAGE);
	return true;
}

static uint64_t
illegal(unsigned n)
{
	uint64_t from;

	handle(SIGILL, step_over);
	skip = 2;
	from = now();
	for (unsigned i = 0; i < n; i++)
		__asm__ volatile("ud2" : : : "memory");
	return now() - from;
}

/* The processor has gone past the int3 already. */
static uint64_t
breakpoint(unsigned n)
{
	uint64_t from;

	handle(SIGTRAP, step_over);
	skip = 0;
	from = now();
	for (unsigned i = 0; i < n; i++)
		__asm__ volatile("int3" : : : "memory");
	return now() - from;
}

static uint64_t
segment(unsigned n)
{
	volatile char *none = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t from;

	handle(SIGSEGV, step_over);
	skip = 2;
	from = now();
	for (unsigned i = 0; i < n; i++)
		__asm__ volatile("movb (%0), %%al" : : "r"(none) : "rax", "memory");
	from = now() - from;
	munmap((void *)none, PAGE);
	return from;
}

static uint64_t
raise_self(unsigned n)
{
	pid_t pid = getpid();
	uint64_t from;

	handle(SIGUSR1, step_over);
	skip = 0;
	from = now();
	for (unsigned i = 0; i < n; i++)
		kill(pid, SIGUSR1);
	return now() - from;
}

/* A page: fault on it, open it, protect another. */
static uint64_t
appel1(unsigned n)
{
	uint64_t from;

	if (!have_area())
		return CANNOT;
	handle(SIGSEGV, move_on);
	mprotect((void *)area, PAGE, PROT_READ);
	from = now();
	for (unsigned i = 0; i < n; i++)
		area[i % PAGES * PAGE] = 2;
	from = now() - from;
	mprotect((void *)area, PAGES * PAGE, PROT_READ | PROT_WRITE);
	return from;
}

/* A page of a hundred that are protected together, and opened one by one as they are touched. */
static uint64_t
appel2(unsigned n)
{
	uint64_t from;

	if (!have_area())
		return CANNOT;
	handle(SIGSEGV, open_page);
	from = now();
	for (unsigned i = 0; i < n; i++) {
		if (i % PAGES == 0)
			mprotect((void *)area, PAGES * PAGE, PROT_READ);
		area[i % PAGES * PAGE] = 2;
	}
	return now() - from;
}

static uint64_t
protect(unsigned n, unsigned long pages)
{
	uint64_t from;

	if (!have_area())
		return CANNOT;
	from = now();
	for (unsigned i = 0; i < n; i++)
		mprotect((void *)area, pages * PAGE, i % 2 ? PROT_READ | PROT_WRITE : PROT_READ);
	from = now() - from;
	mprotect((void *)area, pages * PAGE, PROT_READ | PROT_WRITE);
	return from;
}

static uint64_t
protect_one(unsigned n)
{
	return protect(n, 1);
}

static uint64_t
protect_hundred(unsigned n)
{
	return protect(n, PAGES);
}

/* Which of a hundred pages were written to: soft-dirty bits, for a page. */
static uint64_t
dirty(unsigned n)
{
	int clear = open("/proc/self/clear_refs", O_WRONLY),
	    map = open("/proc/self/pagemap", O_RDONLY);
	uint64_t entry[PAGES], from, found = 0, rounds = (n + PAGES - 1) / PAGES, took = 0;

	if (clear < 0 || map < 0 || !have_area() || write(clear, "4", 1) != 1)
		goto cannot;
	for (unsigned i = 0; i < PAGES; i += 7)
		area[i * PAGE] = 3;
	from = now();
	for (uint64_t r = 0; r < rounds; r++) {
		if (pread(map, entry, sizeof(entry), (long)((uintptr_t)area / PAGE * 8)) !=
			sizeof(entry))
			goto cannot;
		for (unsigned i = 0; i < PAGES; i++)
			found += entry[i] >> 55 & 1;
	}
	took = (now() - from) * n / (rounds * PAGES);
	if (found == rounds * 15) {
		close(clear);
		close(map);
		return took;
	}
cannot:
	close(clear);
	close(map);
	return CANNOT;
}

const struct op fault_ops[] = {
	{ "sigill", illegal, 16 },
	{ "sigtrap", breakpoint, 16 },
	{ "sigsegv", segment, 16 },
	{ "kill-self", raise_self, 16 },
	{ "appel1", appel1, 100 },
	{ "appel2", appel2, 100 },
	{ "mprotect-1", protect_one, 16 },
	{ "mprotect-100", protect_hundred, 8 },
	{ "dirty", dirty, 100 },
	{ 0 },
};
