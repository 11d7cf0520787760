/* SPDX-License-Identifier: ISC */
/* mmap and its family, page faults, copy on write. */
#define _GNU_SOURCE
#define CHECK_NAME "memory"
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include "check.h"

#define PAGE 4096ul
#define RW (PROT_READ | PROT_WRITE)

static sigjmp_buf back;
static volatile int fault_signal, fault_code;
static void *volatile fault_addr;

static void
on_fault(int sig, siginfo_t *info, void *context)
{
	(void)context;
	fault_signal = sig;
	fault_code = info->si_code;
	fault_addr = info->si_addr;
	siglongjmp(back, 1);
}

/* Does touching it fault, and with what code? 0: no. */
static int
touch(volatile char *at, int write)
{
	fault_code = fault_signal = 0;
	if (sigsetjmp(back, 1))
		return fault_code;
	if (write)
		*at = 7;
	else
		(void)*at;
	return 0;
}

static char *
anon(size_t pages, int prot)
{
	return mmap(NULL, pages * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void
test_anonymous(void)
{
	char *p = anon(16, RW), *q;
	unsigned char there[16];

	CHECK(p != MAP_FAILED);
	for (unsigned n = 0; n < 16; n++)
		CHECK(p[n * PAGE] == 0 && p[n * PAGE + 4095] == 0);
	memset(p, 1, 16 * PAGE);
	CHECK(mincore(p, 16 * PAGE, there) == 0 && there[15] == 1);
	CHECK(madvise(p + PAGE, PAGE, MADV_DONTNEED) == 0);
	CHECK(p[PAGE] == 0 && p[0] == 1 && p[2 * PAGE] == 1);
	CHECK(munmap(p + 4 * PAGE, 4 * PAGE) == 0);
	CHECK(touch(p + 4 * PAGE, 0) == SEGV_MAPERR && fault_addr == p + 4 * PAGE);
	CHECK(touch(p + 7 * PAGE + 5, 1) == SEGV_MAPERR && fault_addr == p + 7 * PAGE + 5);
	CHECK(touch(p + 8 * PAGE, 1) == 0);
	q = mmap(p + 4 * PAGE, 4 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	CHECK(q == p + 4 * PAGE && q[0] == 0);
	CHECK(mmap(p, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) ==
			MAP_FAILED &&
		errno == EEXIST);
	CHECK(munmap(p, 16 * PAGE) == 0);
	CHECK(mmap(NULL, 0, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
		errno == EINVAL);
	CHECK(munmap(p + 1, PAGE) == -1 && errno == EINVAL);
}

static void
test_protection(void)
{
	char *p = anon(4, RW);

	p[0] = 1, p[PAGE] = 2;
	CHECK(mprotect(p, PAGE, PROT_READ) == 0);
	CHECK(touch(p, 1) == SEGV_ACCERR && p[0] == 1);
	CHECK(touch(p + PAGE, 1) == 0);
	CHECK(mprotect(p, PAGE, RW) == 0 && touch(p, 1) == 0 && p[0] == 7);
	CHECK(mprotect(p + 3 * PAGE, PAGE, PROT_NONE) == 0);
	CHECK(touch(p + 3 * PAGE, 0) == SEGV_ACCERR);
	CHECK(mprotect(p + 3 * PAGE, PAGE, RW) == 0 && touch(p + 3 * PAGE, 1) == 0);
	munmap(p + 2 * PAGE, PAGE);
	CHECK(mprotect(p, 4 * PAGE, PROT_READ) == -1 && errno == ENOMEM);
	munmap(p, 4 * PAGE);
	/* code that is written, then run */
	p = anon(1, RW);
	memcpy(p, "\xb8\x2a\x00\x00\x00\xc3", 6);
	CHECK(mprotect(p, PAGE, PROT_READ | PROT_EXEC) == 0);
	CHECK(((int (*)(void))p)() == 42);
	munmap(p, PAGE);
}

static void
test_remap(void)
{
	char *p = anon(4, RW), *q, *wall;

	for (int n = 0; n < 4; n++)
		p[n * PAGE] = (char)n;
	CHECK(mremap(p, 4 * PAGE, 2 * PAGE, 0) == p && touch(p + 2 * PAGE, 0) == SEGV_MAPERR);
	wall = mmap(p + 2 * PAGE, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	CHECK(wall == p + 2 * PAGE);
	mprotect(wall, PAGE, PROT_READ);
	CHECK(mremap(p, 2 * PAGE, 64 * PAGE, 0) == MAP_FAILED && errno == ENOMEM);
	q = mremap(p, 2 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
	CHECK(q != MAP_FAILED && q != p && q[0] == 0 && q[PAGE] == 1 && q[63 * PAGE] == 0);
	CHECK(touch(p, 0) == SEGV_MAPERR);
	munmap(q, 64 * PAGE);
	munmap(wall, PAGE);
}

static void
test_brk(void)
{
	char *start = sbrk(0), *p;

	CHECK(sbrk(64 * PAGE) == start);
	start[64 * PAGE - 1] = 1;
	CHECK(brk(start) == 0 && sbrk(0) == start);
	CHECK(sbrk(64 * PAGE) == start && start[64 * PAGE - 1] == 0);
	brk(start);
	p = malloc(3 << 20);
	memset(p, 5, 3 << 20);
	p = realloc(p, 9 << 20);
	CHECK(p[(3 << 20) - 1] == 5);
	free(p);
}

static void
test_file(void)
{
	char text[3 * PAGE], *p, *q;
	int fd = open("/tmp/mapped", O_RDWR | O_CREAT | O_TRUNC, 0644);

	for (size_t n = 0; n < sizeof(text); n++)
		text[n] = (char)(n / 7);
	CHECK(write(fd, text, sizeof(text) - 100) == (ssize_t)sizeof(text) - 100);
	p = mmap(NULL, 3 * PAGE, RW, MAP_PRIVATE, fd, 0);
	CHECK(p != MAP_FAILED && memcmp(p, text, sizeof(text) - 100) == 0);
	CHECK(p[3 * PAGE - 1] == 0);
	p[PAGE] = 99;
	q = mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, PAGE);
	CHECK(q != MAP_FAILED && q[0] == text[PAGE] && q[0] != 99);
	munmap(q, 2 * PAGE);
	q = mmap(NULL, 3 * PAGE, RW, MAP_SHARED, fd, 0);
	CHECK(q != MAP_FAILED);
	q[5] = 77;
	CHECK(pread(fd, text, 10, 0) == 10 && text[5] == 77);
	CHECK(pwrite(fd, "x", 1, 6) == 1 && q[6] == 'x');
	CHECK(msync(q, PAGE, MS_SYNC) == 0);
	munmap(q, 3 * PAGE);
	CHECK(close(fd) == 0 && p[PAGE] == 99 && p[PAGE + 1] == (char)((PAGE + 1) / 7));
	munmap(p, 3 * PAGE);
	fd = open("/tmp/mapped", O_RDONLY);
	CHECK(mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EACCES);
	p = mmap(NULL, 8 * PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	signal(SIGBUS, SIG_DFL);
	struct sigaction act = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
	sigaction(SIGBUS, &act, NULL);
	CHECK(touch(p + 6 * PAGE, 0) == BUS_ADRERR && fault_signal == SIGBUS);
	munmap(p, 8 * PAGE);
	close(fd);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED && errno == EBADF);
	unlink("/tmp/mapped");
}

static char *shared, *private;

static void
write_both(void)
{
	for (int n = 0; n < 16; n++) {
		shared[n * PAGE] = 2;
		private[n * PAGE] = 2;
	}
	_exit(private[8 * PAGE] == 2 && private[8 * PAGE + 1] == 1 ? 0 : 1);
}

static void
test_fork(void)
{
	int good = 1, status;

	shared = mmap(NULL, 16 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	private = anon(16, RW);
	for (int n = 0; n < 16; n++)
	private[n * PAGE] = private[n * PAGE + 1] = 1;
	for (int round = 0; round < 5; round++) {
		memset(shared, 0, 16 * PAGE);
		status = in_child(write_both);
		good &= status == 0;
		for (int n = 0; n < 16; n++)
			good &= shared[n * PAGE] == 2 && private[n * PAGE] == 1;
		private[round * PAGE + 2] = 3;
	}
	CHECK(good);
	munmap(shared, 16 * PAGE);
	munmap(private, 16 * PAGE);
}

static int
deep(int levels)
{
	volatile char room[1000];

	room[0] = (char)levels;
	return levels ? deep(levels - 1) + room[0] * 0 : 1;
}

static void
test_stack(void)
{
	CHECK(deep(6000) == 1);		/* 6 MB */
}

static void
test_bad_addresses(void)
{
	char *volatile nowhere = NULL;
	char *p = anon(2, RW);
	int fds[2];

	CHECK(pipe(fds) == 0);
	munmap(p + PAGE, PAGE);
	CHECK(write(fds[1], nowhere, 4) == -1 && errno == EFAULT);
	CHECK(write(fds[1], (char *)0xffff800000000000ul, 4) == -1 && errno == EFAULT);
	CHECK(write(fds[1], (char *)0x8000000000001000ul, 4) == -1 && errno == EFAULT);
	CHECK(write(fds[1], "abcd", 4) == 4);
	CHECK(read(fds[0], (void *)test_stack, 4) == -1 && errno == EFAULT);
	CHECK(open(nowhere, O_RDONLY) == -1 && errno == EFAULT);
	strcpy(p + PAGE - 4, "/et");
	p[PAGE - 1] = 'c';
	CHECK(open(p + PAGE - 4, O_RDONLY) == -1 && errno == EFAULT);
	munmap(p, PAGE);
	close(fds[0]);
	close(fds[1]);
}

int
main(void)
{
	struct sigaction act = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &act, NULL);
	test_anonymous();
	test_protection();
	test_remap();
	test_brk();
	test_file();
	test_fork();
	test_stack();
	test_bad_addresses();
	return summary();
}
