/* SPDX-License-Identifier: ISC */
/*
 * Asked for a little memory, a library gives what it does not need itself, and
 * the program keeps all of its own; whatever it calls next finds it again.  The
 * asking is played by the program itself, which writes to its own u-area what
 * the kernel would.
 */
#define _GNU_SOURCE
#define CHECK_NAME "asked"
#include <dirent.h>
#include <pthread.h>
#include "client.h"

#define PAGES 64ul
#define THREADS 8u
#define LONG_NS 3000000000ull		/* a request; less than half of it: a warning */
#define SHORT_NS 100000000ull
#define RW (PROT_READ | PROT_WRITE)

static char *area;
static __thread volatile int signalled;

static unsigned long
frames(void)
{
	const uint64_t account = exo_env(exo_self())->account, all = exo_info()->frames;
	unsigned long count = 0;

	for (exo_pfn pfn = 0; pfn < all; pfn++)
		count += exo_frame(pfn)->account == account;
	return count;
}

/* How many it had less when the next call was over. */
static unsigned long
given(unsigned long asked, uint64_t ahead_ns)
{
	volatile struct exo_revocation *r = &exo_uarea()->revocation;
	const unsigned long before = frames();

	r->debt.account = exo_env(exo_self())->account;
	r->debt.frames = asked;
	r->debt.deadline_ns = exo_now_ns() + ahead_ns;
	r->debt.asked++;
	getppid();
	return before - frames();
}

static void
on_signal(int sig)
{
	(void)sig;
	signalled++;
}

static void
nothing(void)
{
}

/* Calls that need buffers, stack and tables of the library's. */
static bool
calls_work(void)
{
	char path[4096], text[64];
	const int before = signalled;
	unsigned names = 0;
	DIR *d;

	memset(path, '/', 3000);
	strcpy(path + 3000, "proc/self/stat");
	if (access(path, R_OK) || readlink("/proc/self/exe", text, sizeof(text)) <= 0)
		return false;
	d = opendir("/proc/1/");
	for (; d && readdir(d); names++)
		;
	if (d)
		closedir(d);
	raise(SIGUSR1);
	return names > 5 && signalled == before + 1 && in_child(nothing) == 0;
}

/* All of its own, there still. */
static bool
has_all(void)
{
	for (unsigned long n = 0; n < PAGES; n++)
		if (!(exo_pte((uint64_t)area + n * PAGE) & EXO_PTE_PRESENT) || area[n * PAGE] != 7)
			return false;
	return true;
}

static void
one(void)
{
	unsigned long some;

	for (unsigned turn = 0; turn < 4; turn++) {
		CHECK(calls_work());
		some = given(6, turn % 2 ? SHORT_NS : LONG_NS);
		if (!CHECK(some >= 6 && some < 60))
			printf("%lu given\n", some);
		CHECK(has_all());
	}
	CHECK(given(0, LONG_NS) < 60 && has_all() && calls_work());
	_exit(failed != 0);
}

/* Page tables of pages that are gone: three frames each. */
static void
sparse(void)
{
	const size_t span = 512 * PAGE;
	char *p = mmap(NULL, 6 * span, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	calls_work();
	given(1, LONG_NS);
	for (unsigned n = 0; n < 6; n++)
		p[n * span] = (char)n;
	CHECK(madvise(p, 5 * span, MADV_DONTNEED) == 0);
	CHECK(given(1, LONG_NS) >= 4 * 3 && has_all());
	for (unsigned n = 0; n < 6; n++)
		CHECK(p[n * span] == (n < 5 ? 0 : 5));
	CHECK(mprotect(p, 6 * span, PROT_NONE) == 0 && given(1, LONG_NS) < 60);
	CHECK(mprotect(p, 6 * span, RW) == 0 && p[5 * span] == 5 && has_all());
	_exit(failed != 0);
}

/* ---- threads: one is asked while the others wait, in the middle of a call or between two ---- */

static int to[2];
static unsigned ready;

static void *
waits(void *arg)
{
	char c = 0;

	CHECK(calls_work());
	__atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
	CHECK(read(to[0], &c, 1) == 1);
	CHECK(calls_work());
	return c == 'x' ? arg : NULL;
}

static void
many(void)
{
	pthread_t t[THREADS];
	unsigned long with_all, rest;
	void *got;

	CHECK(pipe(to) == 0);
	for (unsigned n = 0; n < THREADS; n++)
		CHECK(pthread_create(&t[n], NULL, waits, area + n) == 0);
	PATIENTLY (__atomic_load_n(&ready, __ATOMIC_SEQ_CST) < THREADS)
		nap(1);
	nap(10);
	with_all = given(6, LONG_NS);
	if (!CHECK(with_all >= 6 && has_all()))
		printf("%ld given\n", (long)with_all);
	CHECK(write(to[1], "xxxxxxxx", THREADS) == THREADS);
	for (unsigned n = 0; n < THREADS; n++)
		CHECK(pthread_join(t[n], &got) == 0 && got == area + n);
	rest = given(6, LONG_NS);
	if (!CHECK(rest >= 6 && has_all() && calls_work()))
		printf("%lu, then %lu\n", with_all, rest);
	_exit(failed != 0);
}

static void
quiet(void (*f)(void))
{
	area = mmap(NULL, PAGES * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (unsigned long n = 0; n < PAGES; n++)
		area[n * PAGE] = 7;
	signal(SIGUSR1, on_signal);
	note[0] = in_child(f) == 0;
	_exit(0);
}

static void
alone(void)
{
	quiet(one);
}

static void
tables(void)
{
	quiet(sparse);
}

static void
threads(void)
{
	quiet(many);
}

static void
alive(void)
{
	CHECK(getppid() > 0);
}

static const struct attack attacks[] = {
	ATTACK(alone),
	ATTACK(tables),
	ATTACK(threads),
};

int
main(int argc, char **argv)
{
	return attack_each(argc, argv, attacks, sizeof(attacks) / sizeof(attacks[0]), alive, 1);
}
