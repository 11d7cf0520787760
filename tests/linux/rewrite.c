/* SPDX-License-Identifier: ISC */
/*
 * Call sites that are rewritten do without the kernel: the exposed environment
 * table says how many calls were reflected.  And what the program does with
 * the pages of stubs, which it finds in its maps, is its right: its calls stay
 * what they are.
 */
#define _GNU_SOURCE
#define CHECK_NAME "rewrite"
#include <exo/lib.h>
#include <exo/read.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include "check.h"

#define OFTEN 500

static volatile long sink;

static uint64_t
reflected(void)
{
	return exo_env(exo_self())->reflected;
}

/* So many calls of each, by way of the kernel: how many of 2 * OFTEN. */
static uint64_t
calls(int fd)
{
	uint64_t before = reflected();

	for (int i = 0; i < OFTEN; i++) {
		sink = syscall(SYS_getpid);
		sink = lseek(fd, i, SEEK_SET) == i ? 1 : -1;
		if (sink < 0)
			break;
	}
	return sink < 0 ? ~0ull : reflected() - before;
}

/* The page of stubs; NULL: there is none. */
static char *
stubs(void)
{
	static char text[16384];
	unsigned long start = 0;
	int fd = open("/proc/self/maps", O_RDONLY);
	long bytes = 0, n;
	char *at;

	while ((n = read(fd, text + bytes, sizeof(text) - 1 - (size_t)bytes)) > 0)
		bytes += n;
	close(fd);
	text[bytes] = '\0';
	at = strstr(text, "[stubs]");
	while (at && at > text && at[-1] != '\n')
		at--;
	if (at)
		start = strtoul(at, NULL, 16);
	return (char *)start;
}

/* Pages of address space that it is said to have: stubs do not count. */
static long
size(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	long pages = -1;

	if (f) {
		if (fscanf(f, "%ld", &pages) != 1)
			pages = -1;
		fclose(f);
	}
	return pages;
}

static void
direct(void)
{
	int fd = open("/dev/zero", O_RDONLY),
	    file = open("/tmp/rewrite", O_RDWR | O_CREAT | O_TRUNC, 0600);
	long pid = getpid(), pages = size();

	CHECK(pages > 0 && calls(file) < OFTEN);
	CHECK(calls(file) == 0);
	CHECK(stubs() != NULL && size() == pages);
	for (int i = 0; i < OFTEN; i++)
		CHECK(syscall(SYS_getpid) == pid && syscall(SYS_getppid) == getppid());
	close(fd);
	close(file);
}

/* In a child: something happens to the stubs, and the calls go on; reflected, and then not. */
static void (*happens)(char *page);

static void
survives(void)
{
	int file = open("/tmp/rewrite", O_RDWR | O_CREAT | O_TRUNC, 0600);
	char *page;

	calls(file);
	page = stubs();
	if (!page || calls(file) != 0)
		_exit(1);
	happens(page);
	if (calls(file) >= 2 * OFTEN + 1 || calls(file) != 0 || syscall(SYS_getpid) != getpid())
		_exit(2);
	_exit(0);
}

static void
unmapped(char *page)
{
	munmap(page, 4096);
}

static void
replaced(char *page)
{
	char *p = mmap(page, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		-1, 0);

	if (p != page)
		_exit(3);
	memset(p, 0xf4, 4096);
}

static void
written(char *page)
{
	if (mprotect(page, 4096, PROT_READ | PROT_WRITE))
		_exit(3);
	memset(page, 0xf4, 4096);
}

static void
forbidden(char *page)
{
	if (mprotect(page, 4096, PROT_NONE))
		_exit(3);
}

static void
dropped(char *page)
{
	if (madvise(page, 4096, MADV_DONTNEED))
		_exit(3);
}

static void
moved(char *page)
{
	char *to = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mremap(page, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, to) != to)
		_exit(3);
}

/* All of the code becomes writable, and not any more. */
static void
writable(char *page)
{
	extern char __executable_start[], etext[];
	char *from = (char *)((unsigned long)__executable_start & ~4095ul) + 4096;
	size_t bytes = (size_t)(etext - from) & ~4095ul;

	(void)page;
	if (mprotect(from, bytes, PROT_READ | PROT_WRITE | PROT_EXEC) ||
		mprotect(from, bytes, PROT_READ | PROT_EXEC))
		_exit(3);
}

int
main(void)
{
	static void (*const all[])(
		char *) = { unmapped, replaced, written, forbidden, dropped, moved, writable };
	struct utsname name;

	uname(&name);
	if (!strstr(name.release, "exos"))
		return summary();
	for (unsigned n = 0; n < sizeof(all) / sizeof(all[0]); n++) {
		happens = all[n];
		CHECK(in_child(survives) == 0);
	}
	direct();
	for (unsigned n = 0; n < sizeof(all) / sizeof(all[0]); n++) {
		happens = all[n];
		CHECK(in_child(survives) == 0);
	}
	CHECK(calls(open("/tmp/rewrite", O_RDWR)) == 0);
	unlink("/tmp/rewrite");
	return summary();
}
