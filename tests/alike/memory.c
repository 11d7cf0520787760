/* SPDX-License-Identifier: ISC */
/* Address spaces: mmap and its relatives, brk, memory after fork. */
#include "t.h"

#define PAGE 4096ul
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static sigjmp_buf back;

static void
caught(int sig)
{
	siglongjmp(back, sig);
}

/* Can this be done?  1, or -signal. */
static int
reads(volatile const char *p)
{
	int sig = sigsetjmp(back, 1);

	if (sig)
		return -sig;
	(void)*p;
	return 1;
}

static int
writes(volatile char *p)
{
	int sig = sigsetjmp(back, 1);

	if (sig)
		return -sig;
	*p = 'w';
	return 1;
}

static void
basics(void)
{
	char *p = mmap(NULL, 10 * PAGE, PROT_READ | PROT_WRITE, ANON, -1, 0), *q;
	int zero = 1;

	for (size_t i = 0; i < 10 * PAGE; i++)
		zero = zero && p[i] == 0;
	printf("zero %d aligned %d\n", zero, (unsigned long)p % PAGE == 0);
	memset(p, 7, 10 * PAGE);
	SAY(munmap(p + 3 * PAGE, 2 * PAGE));
	printf("%d %d %d %d\n", reads(p + 2 * PAGE), reads(p + 3 * PAGE), reads(p + 5 * PAGE - 1),
		reads(p + 5 * PAGE));
	SAY(mprotect(p, PAGE, PROT_READ));
	printf("%d %d\n", reads(p), writes(p));
	SAY(mprotect(p, PAGE, PROT_NONE));
	printf("%d\n", writes(p));
	SAY(mprotect(p, PAGE, PROT_READ | PROT_WRITE));
	printf("%d %d\n", writes(p), p[1]);
	SAY(mprotect(p, 5 * PAGE, PROT_READ));
	SAY(syscall(SYS_mprotect, p + 1, PAGE, PROT_READ));
	q = mmap(p + 3 * PAGE, PAGE, PROT_READ | PROT_WRITE, ANON | MAP_FIXED, -1, 0);
	printf("fixed %d %d\n", q == p + 3 * PAGE, q[0]);
	SAY((long)mmap(p, PAGE, PROT_READ, ANON | MAP_FIXED_NOREPLACE, -1, 0));
	SAY((long)mmap(p + 1, PAGE, PROT_READ, ANON | MAP_FIXED, -1, 0));
	SAY((long)mmap(NULL, 0, PROT_READ, ANON, -1, 0));
	SAY((long)mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0));
	SAY((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, -1, 0));
	SAY((long)mmap(NULL, 1ul << 47, PROT_READ, ANON, -1, 0));
	SAY(munmap(p, 0));
	SAY(munmap(p + 1, PAGE));
	SAY(munmap(p, 10 * PAGE));
	SAY(munmap(p, 10 * PAGE));
	printf("%d\n", reads(p));
}

static void
files(void)
{
	int fd = open("f", O_CREAT | O_RDWR, 0644), readonly = open("f", O_RDONLY);
	char *priv, *shared, byte;

	for (int i = 0; i < 3000; i++)
		dprintf(fd, "%03d", i % 1000);
	priv = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	shared = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	printf("%.6s %.6s\n", priv, shared + PAGE);
	priv[0] = 'P';
	shared[1] = 'S';
	pread(fd, &byte, 1, 0);
	printf("%c ", byte);
	pread(fd, &byte, 1, 1);
	printf("%c %c %c\n", byte, priv[0], shared[0]);
	pwrite(fd, "W", 1, 2);
	printf("%c\n", shared[2]);
	printf("tail %d %d\n", shared[9000], shared[3 * PAGE - 1]);
	SAY((long)mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, readonly, 0));
	SAY((long)mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 100));
	TRY((long)mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, readonly, 0));
	SAY(msync(shared, 3 * PAGE, MS_SYNC));
	close(fd);
	unlink("f");
	printf("still %.3s\n", shared + 3);
	SAY(munmap(shared, 3 * PAGE));
	fd = open("g", O_CREAT | O_RDWR, 0644);
	ftruncate(fd, (off_t)(2 * PAGE));
	shared = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	printf("%d %d\n", writes(shared + 2 * PAGE - 1), writes(shared + 2 * PAGE));
	shared[5] = 'x';
	ftruncate(fd, (off_t)PAGE);
	printf("%d %d\n", reads(shared), reads(shared + PAGE));
	ftruncate(fd, (off_t)(4 * PAGE));
	printf("%d %d\n", reads(shared + 3 * PAGE), shared[5]);
	close(fd);
}

static void
forks(void)
{
	int *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int *priv = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, ANON, -1, 0);
	int fd = open("h", O_CREAT | O_RDWR, 0644);
	char *file;

	ftruncate(fd, (off_t)PAGE);
	file = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	*priv = 1;
	for (int i = 0; i < 5; i++) {
		if (fork() == 0) {
			__atomic_fetch_add(shared, 10, __ATOMIC_RELAXED);
			*priv = 99;
			file[i] = (char)('a' + i);
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	printf("%d %d %.5s\n", *shared, *priv, file);
	if (fork() == 0) {
		if (fork() == 0) {
			*shared = 7;
			_exit(0);
		}
		wait(NULL);
		_exit(0);
	}
	wait(NULL);
	printf("%d\n", *shared);
}

static void
growing(void)
{
	/* The C library's heap lies before it and stays untouched. */
	char *heap = (char *)(((unsigned long)syscall(SYS_brk, 0) + PAGE - 1) & ~(PAGE - 1)), *p,
	     *q;

	SAY(syscall(SYS_brk, heap + 100 * PAGE) == (long)(heap + 100 * PAGE));
	memset(heap, 1, 100 * PAGE);
	SAY(syscall(SYS_brk, heap) == (long)heap);
	printf("%d\n", reads(heap + 50 * PAGE));
	SAY(syscall(SYS_brk, heap + 100 * PAGE) == (long)(heap + 100 * PAGE));
	printf("%d\n", heap[50 * PAGE]);
	SAY(syscall(SYS_brk, 0x1000) == (long)(heap + 100 * PAGE));
	p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, ANON, -1, 0);
	memcpy(p, "keep", 5);
	q = mremap(p, 4 * PAGE, 4000 * PAGE, MREMAP_MAYMOVE);
	printf("%s %d\n", q, q[3999 * PAGE]);
	SAY(mremap(q, 4000 * PAGE, 2 * PAGE, 0) == q);
	printf("%s %d\n", q, reads(q + 2 * PAGE));
	SAY((long)mremap(q, PAGE, 0, 0));
	SAY(madvise(q, PAGE, MADV_DONTNEED));
	printf("%d\n", q[0]);
	SAY(madvise(q, PAGE, 9999));
	SAY(madvise(q + 1, PAGE, MADV_DONTNEED));
	SAY(mlock(q, PAGE));
}

static void
big(void)
{
	size_t bytes = 24ul << 20;
	unsigned char *p = malloc(bytes);
	unsigned long sum = 0;

	for (size_t i = 0; i < bytes; i += 512)
		p[i] = (unsigned char)i;
	for (size_t i = 0; i < bytes; i += 512)
		sum += p[i];
	printf("%lu\n", sum);
	p = realloc(p, bytes * 2);
	printf("%d\n", p[512] == 0 && p[1024] == 0);
	free(p);
	p = mmap(NULL, 1ul << 36, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);
	printf("reserved %d %d\n", p != MAP_FAILED, reads((char *)p));
	munmap(p, 1ul << 36);
	for (int i = 0; i < 3000; i++) {
		p = malloc((size_t)(i * 37 % 5000));
		if (i % 3)
			free(p);
	}
	printf("done\n");
}

static const unsigned char code[] = { 0xb8, 42, 0, 0, 0, 0xc3 };	/* mov $42, %eax; ret */

static void
running(void)
{
	char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, ANON, -1, 0);

	memcpy(p, code, sizeof(code));
	SAY(mprotect(p, PAGE, PROT_READ | PROT_EXEC));
	printf("%d\n", ((int (*)(void))(unsigned long)p)());
	printf("%d\n", writes(p));
}

static void
pathological(void)
{
	char *p = mmap(NULL, 600 * PAGE, PROT_READ | PROT_WRITE, ANON, -1, 0);
	int there = 0;

	memset(p, 1, 600 * PAGE);
	for (int i = 0; i < 600; i += 2)
		munmap(p + (size_t)i * PAGE, PAGE);
	for (int i = 0; i < 600; i++)
		there += reads(p + (size_t)i * PAGE) == 1;
	printf("%d\n", there);
	if (fork() == 0)
		_exit(reads(p + PAGE) == 1 && reads(p) == -SIGSEGV ? 0 : 1);
	int status;
	wait(&status);
	printf("%d\n", status);
	SAY(munmap(p, 600 * PAGE));
}

/* A file is written from its own mapping, which ends before what is to be written does. */
static void
from_itself(void)
{
	static unsigned char bytes[3 * PAGE], now[PAGE];
	int fd = open("itself", O_RDWR | O_CREAT | O_TRUNC, 0600), moved = 0;
	char *p;

	for (unsigned n = 0; n < sizeof(bytes); n++)
		bytes[n] = (unsigned char)(n * 7 + n / 256);
	write(fd, bytes, sizeof(bytes));
	p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, PAGE);
	munmap(p + PAGE, PAGE);
	SAY(pwrite(fd, p + 1, PAGE, PAGE));
	SAY(pread(fd, now, PAGE, PAGE));
	for (unsigned n = 0; n < PAGE - 1; n++)
		moved += now[n] == bytes[PAGE + n + 1];
	printf("%d moved\n", moved);
	close(fd);
	unlink("itself");
}

int
main(void)
{
	struct sigaction a = { .sa_handler = caught };

	sigaction(SIGSEGV, &a, NULL);
	sigaction(SIGBUS, &a, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	basics();
	files();
	forks();
	growing();
	big();
	running();
	pathological();
	from_itself();
	return 0;
}
