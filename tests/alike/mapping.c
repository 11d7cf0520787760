/* SPDX-License-Identifier: ISC */
/* The memory calls one by one: what they refuse, what they leave, which signal a touch gives. */
#include "t.h"
#include <stdint.h>

#define PAGE 4096ul
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

static sigjmp_buf back;
static siginfo_t last;

static void
caught(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	last = *info;
	siglongjmp(back, 1);
}

/* What a touch of p does: the byte there, or the signal, its code, and whether it names the address. */
static void
look(const char *what, volatile char *p, int write)
{
	if (sigsetjmp(back, 1)) {
		printf("%s: signal %d code %d %s\n", what, last.si_signo, last.si_code,
			last.si_addr == (void *)p ? "there" : "elsewhere");
		return;
	}
	if (write)
		*p = 'w';
	printf("%s: %d\n", what, *p);
}

#define READ(p) look("read " #p, p, 0)
#define WRITE(p) look("write " #p, p, 1)

static char *
map(size_t pages, int prot, int flags, int fd, off_t offset)
{
	char *p = mmap(NULL, pages * PAGE, prot, flags, fd, offset);

	if (p == MAP_FAILED)
		printf("mmap: %s\n", error_name(errno));
	return p;
}

/* Only the error, if there is one: addresses differ. */
#define MAPS(...) mapped(#__VA_ARGS__, __VA_ARGS__)

static void
mapped(const char *what, unsigned long at, size_t bytes, long prot, long flags, long fd,
	long offset)
{
	long result = syscall(SYS_mmap, at, bytes, prot, flags, fd, offset);

	printf("mmap(%s): %s\n", what, result == -1 ? error_name(errno) : "mapped");
	if (result != -1 && bytes > 1ul << 40)
		munmap((void *)result, bytes); /* mlockall is to come */
}

static void
arguments(void)
{
	int rw = open("a", O_CREAT | O_RDWR, 0644), ro = open("a", O_RDONLY),
	    wo = open("a", O_WRONLY);
	int dir = open(".", O_RDONLY), null = open("/dev/null", O_RDWR),
	    zero = open("/dev/zero", O_RDWR);
	int path = open("a", O_PATH), ends[2];
	const int prots[] = { PROT_NONE, PROT_READ, PROT_WRITE, PROT_EXEC, RW,
		PROT_READ | PROT_EXEC };
	const int types[] = { 0, MAP_SHARED, MAP_PRIVATE, 3, 4, 15 };

	pipe(ends);
	ftruncate(rw, 4 * 4096);
	for (size_t i = 0; i < 6; i++)
		for (size_t j = 0; j < 6; j++) {
			printf("prot %d type %d: ", prots[i], types[j]);
			MAPS(0, PAGE, prots[i], types[j], rw, 0);
			MAPS(0, PAGE, prots[i], types[j], ro, 0);
			MAPS(0, PAGE, prots[i], types[j], wo, 0);
			MAPS(0, PAGE, prots[i], types[j] | MAP_ANONYMOUS, -1, 0);
		}
	MAPS(0, PAGE, PROT_READ, MAP_PRIVATE, dir, 0);
	MAPS(0, PAGE, PROT_READ, MAP_PRIVATE, path, 0);
	MAPS(0, PAGE, PROT_READ, MAP_PRIVATE, null, 0);
	MAPS(0, PAGE, PROT_READ, MAP_PRIVATE, ends[0], 0);
	MAPS(0, PAGE, PROT_READ, MAP_PRIVATE, ends[1], 0);
	MAPS(0, PAGE, PROT_READ, MAP_PRIVATE, 77, 0);
	MAPS(0, 0, PROT_READ, MAP_PRIVATE, 77, 0);
	MAPS(0, 0, PROT_READ, MAP_PRIVATE, rw, 0);
	MAPS(0, PAGE, RW, MAP_PRIVATE, zero, 0);
	MAPS(0, PAGE, RW, MAP_SHARED, zero, 0);
	MAPS(0, PAGE, PROT_READ, MAP_PRIVATE, rw, 100);
	MAPS(0, PAGE, PROT_READ, ANON, -1, 100);
	MAPS(0, PAGE, PROT_READ, MAP_PRIVATE, rw, 1l << 40);
	MAPS(0, 2 * PAGE, PROT_READ, MAP_PRIVATE, rw, -4096);
	MAPS(0, -1l, PROT_READ, ANON, -1, 0);
	MAPS(0, 1l << 47, PROT_READ, ANON, -1, 0);
	MAPS(0, 1l << 46, RW, ANON, -1, 0);
	MAPS(0, 1l << 46, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	MAPS(0, 1l << 45, PROT_READ, ANON, -1, 0);
	MAPS(0, 1l << 45, RW, ANON | MAP_NORESERVE, -1, 0);
	MAPS(0, PAGE, PROT_READ | 0x100, ANON, -1, 0);
	MAPS(1, PAGE, PROT_READ, ANON | MAP_FIXED, -1, 0);
	MAPS(-PAGE, PAGE, PROT_READ, ANON | MAP_FIXED, -1, 0);
	MAPS(1l << 47, PAGE, PROT_READ, ANON, -1, 0);
	MAPS(0, PAGE, RW, ANON | MAP_GROWSDOWN, -1, 0);
	MAPS(0, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0);
	MAPS(0, PAGE, RW, MAP_PRIVATE | MAP_GROWSDOWN, rw, 0);
	MAPS(0, PAGE, RW, ANON | MAP_LOCKED | MAP_POPULATE | MAP_NORESERVE | MAP_STACK, -1, 0);
	MAPS(0, PAGE, RW, MAP_PRIVATE | MAP_HUGETLB, rw, 0);
	MAPS(0, PAGE, RW, 3 | 0x80000, rw, 0);
	printf("32 bits %d\n", (uintptr_t)map(3, RW, ANON | MAP_32BIT, -1, 0) < 1ul << 31);
	SAY(munmap((void *)-PAGE, PAGE));
	SAY(munmap((void *)PAGE, -PAGE));
	SAY(munmap((void *)(100 * PAGE), 0));
	for (int fd = rw; fd <= ends[1]; fd++)
		close(fd);
}

static void
places(void)
{
	char *p = map(20, RW, ANON, -1, 0), *q;

	munmap(p + 4 * PAGE, 4 * PAGE);
	q = mmap(p + 4 * PAGE, 2 * PAGE, RW, ANON, -1, 0);
	printf("hint %d\n", q == p + 4 * PAGE);
	q = mmap(p + 4 * PAGE, 2 * PAGE, RW, ANON, -1, 0);
	printf("taken hint %d\n", q == p + 4 * PAGE);
	q = mmap(p + 6 * PAGE + 100, PAGE, RW, ANON, -1, 0);
	printf("crooked hint %d\n", q == p + 6 * PAGE);
	SAY((long)mmap(p + 3 * PAGE, 2 * PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0));
	q = mmap(p + 7 * PAGE, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0);
	printf("noreplace %d\n", q == p + 7 * PAGE);
	strcpy(p + 10 * PAGE, "gone");
	q = mmap(p + 9 * PAGE, 3 * PAGE, PROT_READ, ANON | MAP_FIXED, -1, 0);
	printf("fixed %d\n", q == p + 9 * PAGE);
	READ(p + 10 * PAGE);
	WRITE(p + 10 * PAGE);
	SAY(munmap(p + 100, PAGE));
	SAY(munmap(p, 20 * PAGE - 5));
	READ(p + 19 * PAGE);
	SAY(munmap(p, 20 * PAGE));
}

static void
protection(void)
{
	char *p = map(8, RW, ANON, -1, 0);
	int ro;

	strcpy(p, "kept");
	SAY(mprotect(p, PAGE, PROT_NONE));
	READ(p);
	WRITE(p);
	printf("write() %ld %s\n", (long)write(1, p, 4), error_name(errno));
	SAY(mprotect(p, PAGE, PROT_READ));
	READ(p);
	WRITE(p);
	SAY(mprotect(p, PAGE, PROT_NONE));
	if (fork() == 0) {
		READ(p);
		SAY(mprotect(p, PAGE, RW));
		p[0] = 'K';
		printf("child %s\n", p);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	SAY(mprotect(p, PAGE, RW));
	printf("parent %s\n", p);
	SAY(mprotect(p + PAGE, PAGE, PROT_WRITE));
	WRITE(p + PAGE);
	SAY(syscall(SYS_mprotect, p + 1, PAGE, PROT_READ));
	SAY(syscall(SYS_mprotect, p + 1, 0, PROT_READ));
	SAY(syscall(SYS_mprotect, p, 0, 0x1000));
	SAY(syscall(SYS_mprotect, p, PAGE, 0x1000));
	SAY(syscall(SYS_mprotect, p, PAGE, 8 | RW));
	SAY(syscall(SYS_mprotect, p, -PAGE, PROT_READ));
	SAY(syscall(SYS_mprotect, p, PAGE, 0x03000000));
	SAY(syscall(SYS_mprotect, p, PAGE, 0x01000000 | PROT_READ));
	SAY(syscall(SYS_mprotect, 8 * PAGE, PAGE, PROT_READ));
	munmap(p + 4 * PAGE, PAGE);
	SAY(mprotect(p, 8 * PAGE, PROT_READ));
	WRITE(p + 3 * PAGE);
	WRITE(p + 5 * PAGE);
	close(open("r", O_CREAT | O_RDWR, 0644));
	truncate("r", 2 * 4096);
	ro = open("r", O_RDONLY);
	p = map(2, PROT_READ, MAP_SHARED, ro, 0);
	SAY(mprotect(p, PAGE, RW));
	SAY(mprotect(p, PAGE, PROT_NONE));
	READ(p);
	SAY(mprotect(p, PAGE, PROT_READ));
	READ(p);
	p = map(2, PROT_READ, MAP_PRIVATE, ro, 0);
	READ(p);
	SAY(mprotect(p, PAGE, PROT_NONE));
	READ(p);
	SAY(mprotect(p, PAGE, RW));
	WRITE(p);
	close(ro);
}

static void
remapping(void)
{
	char *p = map(4, RW, ANON, -1, 0), *q, *r;
	int fd = open("m", O_CREAT | O_RDWR, 0644);

	strcpy(p, "first");
	strcpy(p + PAGE, "second");
	SAY((long)mremap(p + 1, PAGE, PAGE, 0));
	SAY((long)mremap(p, PAGE, 0, 0));
	SAY((long)syscall(SYS_mremap, p, PAGE, PAGE, 8l, 0l));
	SAY((long)syscall(SYS_mremap, p, PAGE, PAGE, MREMAP_FIXED, p));
	SAY((long)syscall(SYS_mremap, p, 4 * PAGE, 4 * PAGE, MREMAP_FIXED | MREMAP_MAYMOVE,
		p + PAGE));
	SAY((long)syscall(SYS_mremap, p, PAGE, 2 * PAGE, MREMAP_DONTUNMAP | MREMAP_MAYMOVE, 0l));
	SAY((long)mremap(p, 0, PAGE, MREMAP_MAYMOVE));
	SAY((long)mremap(p, 40 * PAGE, 50 * PAGE, MREMAP_MAYMOVE));
	SAY((long)mremap((void *)(16 * PAGE), PAGE, 2 * PAGE, MREMAP_MAYMOVE));
	SAY((long)mremap(p, 2 * PAGE, 3 * PAGE, 0));
	printf("same %d\n", mremap(p, 4 * PAGE, 4 * PAGE, 0) == p);
	q = mremap(p, 2 * PAGE, 200 * PAGE, MREMAP_MAYMOVE);
	printf("grown %s %s %d\n", q, q + PAGE, q[2 * PAGE]);
	READ(p);
	printf("rest %d\n", p[2 * PAGE]);
	r = map(10, PROT_NONE, ANON, -1, 0);
	p = mremap(q, 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, r + PAGE);
	printf("fixed %d %s\n", p == r + PAGE, p + PAGE);
	READ(r);
	READ(q);
	WRITE(r + 3 * PAGE);
	mprotect(p, 3 * PAGE, PROT_NONE);
	q = mremap(p, 3 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, r + 6 * PAGE);
	READ(q);
	mprotect(q, 2 * PAGE, RW);
	printf("unhidden %s\n", q);
	READ(p + 2 * PAGE);

	for (int i = 0; i < 1000; i++)
		dprintf(fd, "%07d\n", i);
	p = map(2, RW, MAP_PRIVATE, fd, 0);
	memcpy(p, "mine", 4);
	q = mremap(p, PAGE, 2 * PAGE, MREMAP_MAYMOVE);
	printf("private %.7s %.7s\n", q, q + PAGE);
	p = map(1, RW, MAP_SHARED, fd, 0);
	memcpy(p, "ours", 4);
	q = mremap(p, 0, 2 * PAGE, MREMAP_MAYMOVE);
	printf("twice %.7s %.7s %d\n", q, q + PAGE, q != p);
	q[0] = 'O';
	printf("%.7s\n", p);
	r = map(9, PROT_NONE, ANON, -1, 0);
	q = mremap(p, PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, r);
	printf("shared %d %.7s\n", q == r, q + PAGE);
	READ(q + 2 * PAGE);
	READ(p);
	p = map(1, RW, ANON, -1, 0);
	strcpy(p, "left");
	q = mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);
	printf("dontunmap %s %d %d\n", q, p[0], p != q);
	close(fd);
}

static void
shared(void)
{
	char *p = map(4, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0), *q;

	strcpy(p, "before");
	if (fork() == 0) {
		strcpy(p + 3 * PAGE, "from below");
		q = mremap(p, 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE);
		printf("child %s %d\n", q, q != MAP_FAILED);
		strcpy(q, "after");
		READ(q + 5 * PAGE);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	printf("%s, %s\n", p, p + 3 * PAGE);
	q = mremap(p, 0, 4 * PAGE, MREMAP_MAYMOVE);
	printf("twice %s\n", q);
	SAY(madvise(p, PAGE, MADV_DONTNEED));
	printf("%s\n", p);
	SAY(mprotect(p, PAGE, PROT_NONE));
	READ(p);
	SAY(mprotect(p, PAGE, RW));
	printf("%s\n", p);
}

static void
advice(void)
{
	static const int all[] = { -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 14, 15, 16, 17, 18, 19,
		20, 21, 26, 99, 12345 };
	char *p = map(8, RW, ANON, -1, 0), *q;
	int fd = open("d", O_CREAT | O_RDWR, 0644), status;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		printf("%d: %d %s\n", all[i], madvise(p, PAGE, all[i]), error_name(errno));
	madvise(p, PAGE, 11);
	memset(p, 1, 8 * PAGE);
	SAY(madvise(p + 1, PAGE, MADV_DONTNEED));
	SAY(madvise(p, 0, MADV_DONTNEED));
	SAY(madvise(p, 0, 4711));
	SAY(madvise(p, -PAGE - 5, MADV_DONTNEED));
	SAY(madvise((void *)(8 * PAGE), PAGE, MADV_DONTNEED));
	munmap(p + 2 * PAGE, PAGE);
	SAY(madvise(p, 4 * PAGE, MADV_DONTNEED));
	printf("%d %d %d\n", p[0], p[3 * PAGE], p[4 * PAGE]);
	SAY(madvise(p + 4 * PAGE, PAGE, 10));
	SAY(madvise(p + 5 * PAGE, PAGE, 18));
	if (fork() == 0) {
		READ(p + 4 * PAGE);
		READ(p + 5 * PAGE);
		READ(p + 6 * PAGE);
		fflush(stdout);
		_exit(0);
	}
	wait(&status);
	printf("%d %d\n", p[4 * PAGE], p[5 * PAGE]);
	ftruncate(fd, 2 * 4096);
	q = map(4, RW, MAP_PRIVATE, fd, 0);
	q[0] = 'x';
	SAY(madvise(q, PAGE, 18));
	SAY(madvise(q, PAGE, MADV_FREE));
	SAY(madvise(q, PAGE, 9));
	SAY(madvise(p, PAGE, 9));
	SAY(madvise(q, PAGE, MADV_DONTNEED));
	printf("%d\n", q[0]);
	SAY(madvise(q, 2 * PAGE, 22));
	SAY(madvise(q, 4 * PAGE, 22));
	SAY(madvise(q, 2 * PAGE, 23));
	mprotect(q, PAGE, PROT_READ);
	SAY(madvise(q, PAGE, 23));
	SAY(madvise(p, 4 * PAGE, 23));
	close(fd);
}

static void
looking(void)
{
	unsigned char there[8];
	char *p = map(8, RW, ANON, -1, 0);

	p[PAGE] = 1;
	p[3 * PAGE] = 1;
	memset(there, 9, sizeof(there));
	SAY(mincore(p, 5 * PAGE - 1, there));
	for (int i = 0; i < 6; i++)
		printf("%d ", there[i]);
	puts("");
	SAY(mincore(p + 1, PAGE, there));
	SAY(mincore(p, PAGE, nowhere));
	SAY(mincore((void *)(8 * PAGE), PAGE, there));
	SAY(mincore(p, 0, there));
	SAY(msync(p, PAGE, MS_SYNC | MS_ASYNC));
	SAY(msync(p, PAGE, 8));
	SAY(msync(p + 1, PAGE, 0));
	SAY(msync(p, PAGE, 0));
	SAY(msync(p, 0, MS_SYNC));
	SAY(msync((void *)(8 * PAGE), PAGE, MS_SYNC));
	SAY(msync(p, -PAGE, MS_SYNC));
	SAY(mlock(p, 2 * PAGE));
	SAY(mincore(p, PAGE, there));
	printf("locked %d\n", there[0] & 1);
	SAY(madvise(p, PAGE, MADV_DONTNEED));
	SAY(madvise(p, PAGE, 20));
	SAY(msync(p, PAGE, MS_INVALIDATE));
	SAY(munlock(p + 100, PAGE));
	SAY(madvise(p, PAGE, MADV_DONTNEED));
	SAY(mlock((void *)(8 * PAGE), PAGE));
	SAY(munlock((void *)(8 * PAGE), PAGE));
	SAY(syscall(SYS_mlock2, p, PAGE, 2));
	SAY(syscall(SYS_mlock2, p, PAGE, 1));
	SAY(mlockall(0));
	SAY(mlockall(8));
	SAY(mlockall(4));
	SAY(mlockall(MCL_CURRENT | MCL_FUTURE));
	p = map(2, RW, ANON, -1, 0);
	SAY(mincore(p, PAGE, there));
	printf("future %d\n", there[0] & 1);
	SAY(munlockall());
	SAY(madvise(p, PAGE, MADV_DONTNEED));
}

static void
past_the_end(void)
{
	int fd = open("e", O_CREAT | O_RDWR, 0644);
	char *priv, *all, byte = 0;

	ftruncate(fd, 5000);
	priv = map(4, RW, MAP_PRIVATE, fd, 0);
	all = map(4, RW, MAP_SHARED, fd, 0);
	READ(priv + 5001);
	READ(all + 2 * PAGE);
	WRITE(priv + 2 * PAGE + 17);
	printf("write() %ld %s\n", (long)write(1, all + 2 * PAGE, 1), error_name(errno));
	WRITE(all + 3);
	WRITE(all + PAGE + 7);
	pread(fd, &byte, 1, 3);
	printf("%c\n", byte);
	SAY(lseek(fd, 0, SEEK_END));
	ftruncate(fd, 4 * 4096);
	READ(all + 2 * PAGE);
	READ(priv + 2 * PAGE);
	ftruncate(fd, 0);
	READ(all);
	READ(priv + PAGE);
	close(fd);
	fd = open("holes", O_CREAT | O_RDWR, 0644);
	ftruncate(fd, 1l << 30);
	all = map(1ul << 18, RW, MAP_SHARED, fd, 0);
	all[700ul << 20] = 'h';
	pread(fd, &byte, 1, 700l << 20);
	printf("hole %c %d\n", byte, all[(1ul << 30) - 1]);
	unlink("holes");
	close(fd);
	READ(all + (700ul << 20));
	SAY(munmap(all, 1ul << 30));
}

static void
odd_calls(void)
{
	char from[8] = "abcdefg", to[8] = "", *p = map(4, RW, ANON, -1, 0);
	struct iovec local[2] = { { to, 3 }, { to + 3, 5 } },
		     remote[2] = { { from, 5 }, { from + 5, 3 } };
	struct iovec bad = { nowhere, 4 };
	int fd = open("o", O_CREAT | O_RDWR, 0644);

	SAY(syscall(SYS_process_vm_readv, getpid(), local, 2l, remote, 2l, 0l));
	printf("%s\n", to);
	SAY(syscall(SYS_process_vm_readv, getpid(), local, 2l, remote, 2l, 1l));
	SAY(syscall(SYS_process_vm_readv, getpid(), local, 2l, &bad, 1l, 0l));
	SAY(syscall(SYS_process_vm_readv, 99999999, local, 2l, remote, 2l, 0l));
	SAY(syscall(SYS_process_vm_writev, getpid(), local, 1l, remote, 1l, 0l));
	printf("%s\n", from);
	SAY(syscall(SYS_pkey_mprotect, p, PAGE, PROT_READ, -1));
	WRITE(p);
	ftruncate(fd, 4 * 4096);
	p = map(4, RW, MAP_SHARED, fd, 0);
	for (int i = 0; i < 4; i++)
		p[(size_t)i * PAGE] = (char)('0' + i);
	SAY(syscall(SYS_remap_file_pages, p, 2 * PAGE, 0l, 2l, 0l));
	printf("%c %c %c\n", p[0], p[PAGE], p[2 * PAGE]);
	SAY(syscall(SYS_remap_file_pages, p, 2 * PAGE, (long)PROT_READ, 2l, 0l));
	SAY(syscall(SYS_remap_file_pages, 8 * PAGE, PAGE, 0l, 0l, 0l));
	close(fd);
}

int
main(void)
{
	struct sigaction a = { .sa_sigaction = caught, .sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &a, NULL);
	sigaction(SIGBUS, &a, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	arguments();
	places();
	protection();
	remapping();
	shared();
	advice();
	looking();
	past_the_end();
	odd_calls();
	return 0;
}
