/* SPDX-License-Identifier: ISC */
/* The stack as it grows and as it does not, and the limits of an address space. */
#include "t.h"
#include <stdint.h>

#define PAGE 4096ul
#define MB (1ul << 20)
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static sigjmp_buf back;
static siginfo_t last;
static char *on_stack;

static void
caught(int sig, siginfo_t *info, void *context)
{
	char here;

	(void)sig;
	(void)context;
	last = *info;
	on_stack = &here;
	siglongjmp(back, 1);
}

static int
fails(volatile char *p, int write)
{
	if (sigsetjmp(back, 1))
		return last.si_signo * 100 + last.si_code;
	if (write)
		*p = 1;
	else
		(void)*p;
	return 0;
}

/* `left` bytes of stack, a page at a time; returns how the bottom was. */
static int __attribute__((noinline))
dive(size_t left)
{
	volatile char frame[PAGE];

	frame[0] = (char)left;
	if (left < PAGE)
		return frame[0] == (char)left;
	return dive(left - PAGE) + (frame[0] == (char)left ? 0 : 100);
}

static volatile int for_ever = 1;

static int __attribute__((noinline))
dive_for_ever(int depth)
{
	volatile char frame[PAGE];

	frame[0] = (char)depth;
	return for_ever ? dive_for_ever(depth + 1) + frame[0] : 0;
}

/* In a child: what wait tells. */
#define CHILD(what, ...)                                                                            \
	do {                                                                                       \
		int status_;                                                                       \
		fflush(stdout);                                                                    \
		if (fork() == 0) {                                                                 \
			__VA_ARGS__;                                                               \
			fflush(stdout);                                                            \
			_exit(0);                                                                  \
		}                                                                                  \
		wait(&status_);                                                                    \
		printf("%s: status %x\n", what, status_ & 0xff7f);                                 \
	} while (0)

static void
limit(int which, rlim_t soft)
{
	struct rlimit l;

	getrlimit(which, &l);
	l.rlim_cur = soft;
	if (setrlimit(which, &l))
		printf("setrlimit: %s\n", error_name(errno));
}

static void
overflow(void)
{
	static char other[64 << 10];
	stack_t s = { .ss_sp = other, .ss_size = sizeof(other) };
	volatile char here = 0;

	sigaltstack(&s, NULL);
	if (sigsetjmp(back, 1) == 0)
		dive_for_ever(here);
	printf("overflow: signal %d code %d, on the other stack %d\n", last.si_signo, last.si_code,
		on_stack >= other && on_stack < other + sizeof(other));
	printf("below this %d\n",
		(char *)&here > (char *)last.si_addr
			&& (uintptr_t)&here - (uintptr_t)last.si_addr < 9 * MB);
	printf("again: %d\n", sigsetjmp(back, 1) ? last.si_code : dive_for_ever(1));
}

static void
far_below(void)
{
	char here, *p = (char *)((uintptr_t)&here & ~(PAGE - 1));

	printf("1 MiB below: %d\n", fails(p - MB, 1));
	printf("between: %d\n", fails(p - MB / 2, 0));
	printf("9 MiB below: %d\n", fails(p - 9 * MB, 1));
	printf("read() there: %ld\n", (long)read(open("/dev/zero", O_RDONLY), p - 2 * MB, 100000));
	SAY((long)read(open("/dev/zero", O_RDONLY), p - 12 * MB, 10));
}

/* A mapping a little below, within the limit: the stack keeps its distance. */
static void
guarded(void)
{
	char here, *p = (char *)(((uintptr_t)&here & ~(PAGE - 1)) - 4 * MB);
	char *q = mmap(p, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0);

	printf("mapped in its way %d\n", q == p);
	printf("one page above: %d\n", fails(p + PAGE, 1));
	printf("255 pages above: %d\n", fails(p + 255 * PAGE, 1));
	printf("257 pages above: %d\n", fails(p + 257 * PAGE, 1));
	mprotect(p, PAGE, PROT_NONE);
	printf("none: %d\n", fails(p + PAGE, 1));
}

static void
growing_map(void)
{
	char *room = mmap(NULL, 1024 * PAGE, PROT_NONE, ANON, -1, 0), *p;

	munmap(room, 1024 * PAGE);
	p = mmap(room + 1000 * PAGE, 2 * PAGE, RW, ANON | MAP_GROWSDOWN | MAP_FIXED, -1, 0);
	printf("growsdown %d\n", p == room + 1000 * PAGE);
	printf("below: %d\n", fails(p - PAGE, 1));
	printf("far below: %d\n", fails(p - 300 * PAGE, 1));
	SAY(mprotect(p, PAGE, 0x01000000 | PROT_READ));
	printf("write: %d %d\n", fails(p - 300 * PAGE, 1), fails(p + PAGE, 1));
	SAY(munmap(p - 300 * PAGE, 302 * PAGE));
}

/* The C library's own part of the address space is not the same on both: only well below and above. */
static void
address_space(void)
{
	char *p;

	limit(RLIMIT_AS, 64 * MB);
	SAY((long)mmap(NULL, 64 * MB, PROT_NONE, ANON, -1, 0));
	p = mmap(NULL, 32 * MB, PROT_NONE, ANON, -1, 0);
	printf("half %d\n", p != MAP_FAILED);
	SAY((long)mmap(NULL, 40 * MB, RW, ANON, -1, 0));
	SAY((long)mremap(p, 32 * MB, 65 * MB, MREMAP_MAYMOVE));
	printf("over it %d\n", mmap(p, 32 * MB, RW, ANON | MAP_FIXED, -1, 0) == p);
	printf("malloc %d\n", malloc(40 * MB) == NULL);
	SAY(munmap(p, 32 * MB));
	printf("again %d\n", mmap(NULL, 50 * MB, RW, ANON, -1, 0) != MAP_FAILED);
}

static void
data(void)
{
	unsigned long brk = (unsigned long)syscall(SYS_brk, 0);
	char *p;

	limit(RLIMIT_DATA, 16 * MB);
	printf("brk +4 %d\n", (unsigned long)syscall(SYS_brk, brk + 4 * MB) == brk + 4 * MB);
	printf("brk +20 %d\n", (unsigned long)syscall(SYS_brk, brk + 20 * MB) == brk + 4 * MB);
	SAY((long)mmap(NULL, 16 * MB, RW, ANON, -1, 0));
	p = mmap(NULL, 64 * MB, PROT_READ, ANON, -1, 0);
	printf("readable %d\n", p != MAP_FAILED);
	SAY(mprotect(p, 64 * MB, RW));
	SAY(mprotect(p, 2 * MB, RW));
	printf("shared %d\n",
		mmap(NULL, 20 * MB, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
}

static void
many(void)
{
	size_t pages = 140000;
	char *p = mmap(NULL, pages * PAGE, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);
	long made = 0;

	for (size_t i = 1; i < pages; i += 2, made++)
		if (mprotect(p + i * PAGE, PAGE, PROT_READ))
			break;
	printf("mprotect: %s at a number that fits %d\n", error_name(errno),
		made > 32700 && made < 32766);
	TRY((long)mmap(NULL, PAGE, RW, ANON, -1, 0));
	SAY(munmap(p + 20 * PAGE, 11 * PAGE));
	SAY(munmap(p, pages * PAGE));
	TRY((long)mmap(NULL, PAGE, RW, ANON, -1, 0));
}

static void
locked(void)
{
	limit(RLIMIT_MEMLOCK, 64 << 10);
	setuid(1000);
	char *p = mmap(NULL, MB, RW, ANON, -1, 0);
	SAY(mlock(p, 32 << 10));
	SAY(mlock(p, MB));
	SAY(mlockall(MCL_CURRENT));
	SAY((long)mmap(NULL, MB, RW, ANON | MAP_LOCKED, -1, 0));
	limit(RLIMIT_MEMLOCK, 0);
	SAY(mlock(p, PAGE));
	SAY((long)mmap(NULL, PAGE, RW, ANON | MAP_LOCKED, -1, 0));
	SAY(munlock(p, MB));
}

/* Where a program finds itself: the same each time, if that was asked for. */
static void
layout(const char *self)
{
	static char text[2][200];
	int ends[2];

	for (int i = 0; i < 2; i++) {
		pipe(ends);
		if (fork() == 0) {
			dup2(ends[1], 1);
			execl(self, self, "where", NULL);
		}
		close(ends[1]);
		read(ends[0], text[i], sizeof(text[i]) - 1);
		wait(NULL);
	}
	printf("alike %d\n", strcmp(text[0], text[1]) == 0);
}

static void
readable_runs(void)
{
	static const unsigned char code[] = { 0xb8, 42, 0, 0, 0, 0xc3 };
	char *p = mmap(NULL, PAGE, RW, ANON, -1, 0);

	memcpy(p, code, sizeof(code));
	printf("executed: %d\n",
		sigsetjmp(back, 1) ? -last.si_code : ((int (*)(void))(uintptr_t)p)());
}

int
main(int argc, char **argv)
{
	struct sigaction a = { .sa_sigaction = caught, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	struct rlimit l;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1 && strcmp(argv[1], "where") == 0) {
		printf("%p %p %p\n", (void *)&l, mmap(NULL, PAGE, RW, ANON, -1, 0), sbrk(0));
		return 0;
	}
	if (argc > 1) {
		printf("after exec: %d\n", dive((size_t)atol(argv[1]) << 10));
		return 0;
	}
	getrlimit(RLIMIT_STACK, &l);
	printf("limit %lu\n", (unsigned long)l.rlim_cur);
	CHILD("deep", printf("%d\n", dive(7 * MB)));
	CHILD("too deep", dive_for_ever(0));
	sigaction(SIGSEGV, &a, NULL);
	sigaction(SIGBUS, &a, NULL);
	CHILD("overflow", overflow());
	CHILD("far", far_below());
	CHILD("guard", guarded());
	CHILD("growsdown", growing_map());
	CHILD("small", limit(RLIMIT_STACK, MB); far_below());
	CHILD("large", limit(RLIMIT_STACK, 32 * MB); printf("%d\n", dive(24 * MB)));
	CHILD("exec", limit(RLIMIT_STACK, 20 * MB); execl(argv[0], argv[0], "16000", NULL));
	CHILD("exec small", limit(RLIMIT_STACK, MB); execl(argv[0], argv[0], "2000", NULL));
	CHILD("anywhere", layout(argv[0]));
	CHILD("fixed", syscall(SYS_personality, 0x40000l); layout(argv[0]));
	CHILD("data", readable_runs());
	CHILD("code", syscall(SYS_personality, 0x400000l); readable_runs());
	CHILD("as", address_space());
	CHILD("data", data());
	CHILD("many", many());
	CHILD("locked", locked());
	return 0;
}
