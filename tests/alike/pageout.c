/* SPDX-License-Identifier: ISC */
/* Pages that were put away come back as they were, whatever happens to their mapping meanwhile. */
#include "t.h"
#include <stdint.h>

#define PAGE 4096ul
#define PAGES 300ul
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

/* Of all kinds: empty, easily made small, hardly, not at all. */
static unsigned char
byte(unsigned long page, unsigned long at)
{
	unsigned long word = (page * PAGE + at / 8) * 0x9e3779b97f4a7c15ul;

	switch (page % 5) {
	case 0: return 0;
	case 1: return (unsigned char)page;
	case 2: return (unsigned char)(at % 16 ? at >> 6 : page);
	case 3: return at % 2 ? 0 : (unsigned char)(word >> 40);
	default: return (unsigned char)(word >> 32 >> at % 8 * 3);
	}
}

static void
fill(unsigned char *p, unsigned long from, unsigned long pages)
{
	for (unsigned long n = 0; n < pages; n++)
		for (unsigned long at = 0; at < PAGE; at++)
			p[n * PAGE + at] = byte(from + n, at);
}

static unsigned long
wrong(const unsigned char *p, unsigned long from, unsigned long pages)
{
	unsigned long count = 0;

	for (unsigned long n = 0; n < pages; n++)
		for (unsigned long at = 0; at < PAGE; at++)
			count += p[n * PAGE + at] != byte(from + n, at);
	return count;
}

static void
away(void *p, unsigned long pages)
{
	if (madvise(p, pages * PAGE, MADV_PAGEOUT))
		printf("MADV_PAGEOUT: %s\n", error_name(errno));
}

static unsigned char *
filled(unsigned long pages)
{
	unsigned char *p = mmap(NULL, pages * PAGE, RW, ANON, -1, 0);

	fill(p, 0, pages);
	away(p, pages);
	return p;
}

static void
plain(void)
{
	unsigned char *p = filled(PAGES);

	printf("back: %lu wrong\n", wrong(p, 0, PAGES));
	away(p, PAGES);
	for (unsigned long n = 0; n < PAGES; n += 7)
		p[n * PAGE + 5] ^= 0xff;
	away(p, PAGES);
	for (unsigned long n = 0; n < PAGES; n += 7)
		p[n * PAGE + 5] ^= 0xff;
	printf("changed twice: %lu wrong\n", wrong(p, 0, PAGES));
	for (int round = 0; round < 5; round++) {
		away(p + round * PAGE, PAGES - 5);
		printf("again: %lu wrong\n", wrong(p, 0, PAGES));
	}
	SAY(munmap(p, PAGES * PAGE));
}

/* Those that go, and those that come in their place. */
static void
unmapped(void)
{
	unsigned char *p = filled(PAGES), *q;

	SAY(munmap(p + 100 * PAGE, 50 * PAGE));
	q = mmap(p + 100 * PAGE, 50 * PAGE, RW, ANON | MAP_FIXED, -1, 0);
	printf("new: %d %d\n", q[PAGE], q[49 * PAGE + 77]);
	printf("beside: %lu %lu wrong\n", wrong(p, 0, 100), wrong(p + 150 * PAGE, 150, 150));
	away(p, PAGES);
	SAY(madvise(p + 10 * PAGE, 10 * PAGE, MADV_DONTNEED));
	printf("not needed: %d %d\n", p[11 * PAGE], p[12 * PAGE + 9]);
	printf("beside: %lu %lu wrong\n", wrong(p, 0, 10), wrong(p + 20 * PAGE, 20, 80));
	SAY(munmap(p, PAGES * PAGE));
	p = mmap(p, PAGES * PAGE, RW, ANON | MAP_FIXED, -1, 0);
	printf("all new: %d %d\n", p[PAGE], p[200 * PAGE + 1]);
	munmap(p, PAGES * PAGE);
}

static void
moved(void)
{
	unsigned char *p = filled(PAGES), *q, *r;

	q = mmap(NULL, 2 * PAGES * PAGE, PROT_NONE, ANON, -1, 0);
	r = mremap(p, PAGES * PAGE, PAGES * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q);
	printf("moved: %d, %lu wrong\n", r == q, wrong(r, 0, PAGES));
	away(r, PAGES);
	r = mremap(r, PAGES * PAGE, PAGES * PAGE / 2, 0);
	printf("shorter: %lu wrong\n", wrong(r, 0, PAGES / 2));
	away(r, PAGES / 2);
	p = mremap(r, PAGES * PAGE / 2, 4 * PAGES * PAGE, MREMAP_MAYMOVE);
	printf("longer: %lu wrong, then %d\n", wrong(p, 0, PAGES / 2), p[PAGES * PAGE]);
	munmap(p, 4 * PAGES * PAGE);
	munmap(q, 2 * PAGES * PAGE);
}

static void
protected(void)
{
	unsigned char *p = filled(PAGES);
	int fds[2];

	SAY(mprotect(p, PAGES * PAGE, PROT_READ));
	printf("read-only: %lu wrong\n", wrong(p, 0, PAGES));
	away(p, PAGES);
	pipe(fds);
	errno = 0;
	SAY(read(fds[0], p, 0));
	write(fds[1], p + PAGE, 8);
	errno = 0;
	SAY(read(fds[0], p + 2 * PAGE, 8));
	SAY(mprotect(p, PAGES * PAGE, PROT_NONE));
	away(p, PAGES);
	SAY(mprotect(p, PAGES * PAGE, RW));
	printf("shown again: %lu wrong\n", wrong(p, 0, PAGES));
	away(p, PAGES);
	SAY(mlock(p, 10 * PAGE));
	SAY(madvise(p, 10 * PAGE, MADV_PAGEOUT));
	SAY(munlock(p, 10 * PAGE));
	printf("locked: %lu wrong\n", wrong(p, 0, PAGES));
	munmap(p, PAGES * PAGE);
}

static int
child_of(pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	return status;
}

static void
forked(void)
{
	unsigned char *p = filled(PAGES);
	pid_t pid;

	SAY(madvise(p + 280 * PAGE, 20 * PAGE, MADV_WIPEONFORK));
	SAY(madvise(p + 260 * PAGE, 20 * PAGE, MADV_DONTFORK));
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		printf("child: %lu wrong, wiped %d\n", wrong(p, 0, 260), p[281 * PAGE]);
		away(p, 260);
		fill(p, 1000, 200);
		away(p, 260);
		printf("child: %lu %lu wrong\n", wrong(p, 1000, 200),
			wrong(p + 200 * PAGE, 200, 60));
		fflush(stdout);
		_exit(0);
	}
	printf("status %d\n", child_of(pid));
	printf("parent: %lu wrong\n", wrong(p, 0, PAGES));
	away(p, PAGES);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		execl("/proc/self/exe", "pageout", "again", (char *)NULL);
		_exit(1);
	}
	printf("status %d\n", child_of(pid));
	printf("parent: %lu wrong\n", wrong(p, 0, PAGES));
	munmap(p, PAGES * PAGE);
}

/* Private pages of a file: what was written is kept, what was not is the file's. */
static void
of_files(void)
{
	unsigned char *p;
	int fd;

	in_memory();
	fd = open("f", O_RDWR | O_CREAT, 0600);
	ftruncate(fd, PAGES * PAGE);
	p = mmap(NULL, PAGES * PAGE, RW, MAP_SHARED, fd, 0);
	fill(p, 0, PAGES);
	away(p, PAGES);
	printf("shared: %lu wrong\n", wrong(p, 0, PAGES));
	munmap(p, PAGES * PAGE);
	p = mmap(NULL, PAGES * PAGE, RW, MAP_PRIVATE, fd, 0);
	fill(p, 7, 100);
	memset(p + 50 * PAGE, 0, PAGE);
	away(p, PAGES);
	printf("private: %lu %lu %lu wrong, %d\n", wrong(p, 7, 50), wrong(p + 51 * PAGE, 58, 49),
		wrong(p + 100 * PAGE, 100, 200), p[50 * PAGE + 3]);
	munmap(p, PAGES * PAGE);
}

static void
stack(void)
{
	unsigned char here[64 * PAGE],
		*p = (unsigned char *)(((uintptr_t)here + PAGE) & ~(PAGE - 1));

	fill(p, 3, 60);
	away(p, 60);
	printf("stack: %lu wrong\n", wrong(p, 3, 60));
}

int
main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) {
		plain();
		return 0;
	}
	plain();
	unmapped();
	moved();
	protected();
	forked();
	of_files();
	stack();
	return 0;
}
