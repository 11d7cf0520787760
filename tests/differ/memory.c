/* SPDX-License-Identifier: ISC */
/*
 * Memory: a range of pages at a fixed address where nothing else is, the
 * break, and regions that the system placed.  ADDRESS is a page of the range
 * ("12"), of what was placed last ("m2") or behind the first break ("B3"),
 * and perhaps bytes behind it ("12+100").
 */
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include "differ.h"

#define PAGE 4096ul
#define ARENA 0x200000000000ul
#define PAGES 48

static sigjmp_buf landing;
static volatile sig_atomic_t code;
static char *volatile faulted;
static char *placed = (char *)ARENA, *first_break;
static size_t placed_bytes = PAGE;

static void
fault(int sig, siginfo_t *info, void *context)
{
	(void)context;
	code = info->si_code;
	faulted = info->si_addr;
	siglongjmp(landing, sig);
}

void
memory_begin(void)
{
	struct sigaction act = { .sa_sigaction = fault, .sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &act, NULL);
	sigaction(SIGBUS, &act, NULL);
	first_break = (char *)syscall(SYS_brk, 0l);
}

static char *
address(const char *word)
{
	const char *plus = strchr(word, '+');
	char *base = (char *)ARENA;

	if (*word == 'm')
		base = placed, word++;
	else if (*word == 'B')
		base = (char *)(((uintptr_t)first_break + PAGE - 1) & -PAGE), word++;
	return base + strtol(word, NULL, 0) * PAGE + (plus ? atol(plus + 1) : 0);
}

static size_t
length(const char *word)		/* pages, or b and bytes */
{
	return *word == 'b' ? strtoul(word + 1, NULL, 0) : strtoul(word, NULL, 0) * PAGE;
}

/* What lies behind a place that the system chose may be the interpreter's own. */
static size_t
within(const char *word, size_t bytes)
{
	char *at = address(word), *end = placed + placed_bytes;

	return *word != 'm'                  ? bytes
		: at >= end                  ? 0
		: bytes < (size_t)(end - at) ? bytes
					     : (size_t)(end - at);
}

/* Where something was placed is random. */
static void
say_place(long r, char *asked, size_t bytes)
{
	if (r == -1)
		say_result(r);
	else if ((char *)r == asked)
		say(" same");
	else if ((unsigned long)r >= ARENA && (unsigned long)r < ARENA + PAGES * PAGE)
		say(" page %lu", (r - ARENA) / PAGE);
	else
		say(" placed"), placed = (char *)r, placed_bytes = (bytes + PAGE - 1) & -PAGE;
}

static void
do_map(char **w)
{
	char *at = address(w[0]);

	say_place(syscall(SYS_mmap, at, length(w[1]), num(w[2]), num(w[3]) | MAP_FIXED, num(w[4]),
			  num(w[5])),
		at, 0);
}

static void
do_mapany(char **w)
{
	say_place(syscall(SYS_mmap, NULL, length(w[0]), num(w[1]), num(w[2]), num(w[3]), num(w[4])),
		NULL, length(w[0]));
}

static void
do_munmap(char **w)
{
	say_result(syscall(SYS_munmap, address(w[0]), within(w[0], length(w[1]))));
}

static void
do_mprotect(char **w)
{
	say_result(syscall(SYS_mprotect, address(w[0]), within(w[0], length(w[1])), num(w[2])));
}

static void
do_mremap(char **w)
{
	say_place(syscall(SYS_mremap, address(w[0]), length(w[1]), length(w[2]), num(w[3]),
			  address(w[4])),
		address(w[0]), length(w[2]));
}

static void
do_madvise(char **w)
{
	say_result(syscall(SYS_madvise, address(w[0]), length(w[1]), num(w[2])));
}

static void
do_msync(char **w)
{
	say_result(syscall(SYS_msync, address(w[0]), length(w[1]), num(w[2])));
}

static void
do_mlock(char **w)
{
	say_result(syscall(SYS_mlock, address(w[0]), length(w[1])));
}

static void
do_munlock(char **w)
{
	say_result(syscall(SYS_munlock, address(w[0]), length(w[1])));
}

static void
do_brk(char **w)
{
	long r = syscall(SYS_brk, first_break + num(w[0]));

	say(" = first%+ld", r - (long)first_break);
}

/* f(at, value): 0, or the signal that ended it. */
static int
try(long (*f)(char *, long), char *at, long value, long *result)
{
	int sig = sigsetjmp(landing, 1);

	if (sig)
		return sig;
	*result = f(at, value);
	return 0;
}

static long
peek(char *at, long value)
{
	(void)value;
	return *(volatile char *)at;
}

static long
poke(char *at, long value)
{
	*(volatile char *)at = value;
	return value;
}

static long
fill(char *at, long bytes)
{
	for (long i = 0; i < bytes; i += 61)
		((volatile char *)at)[i] = 1 + i / 61 % 100;
	return bytes;
}

static long
run(char *at, long value)
{
	return ((long (*)(long))at)(value);
}

static long
rewrite(char *at, long value)
{
	(void)value;
	*(volatile char *)at = *(volatile char *)at;
	return 0;
}

static void
try_say(long (*f)(char *, long), char *at, long value)
{
	long result = 0;
	int sig = try(f, at, value, &result);

	if (sig)
		say(" signal %d code %d at %+ld", sig, (int)code, (long)(faulted - at));
	else
		say(" = %ld", result);
}

static void
do_peek(char **w)
{
	if (within(w[0], 1))
		try_say(peek, address(w[0]), 0);
}

static void
do_poke(char **w)
{
	if (within(w[0], 1))
		try_say(poke, address(w[0]), num(w[1]));
}

static void
do_fill(char **w)
{
	try_say(fill, address(w[0]), within(w[0], length(w[1])));
}

/* A function that returns its argument, and a call of it. */
static void
do_call(char **w)
{
	static const char code_bytes[] = { (char)0x48, (char)0x89, (char)0xf8, (char)0xc3 };
	char *at = address(w[0]);
	long there = 0;

	if (within(w[0], 4) < 4)
		return;

	for (int i = 0; i < 4; i++) {
		long result = 0;

		if (try(poke, at + i, code_bytes[i], &result)) {
			say(" not written");
			if (try(peek, at, 0, &result) == 0 && result != code_bytes[0])
				return;		/* what is there would be run */
			break;
		}
	}
	if (try(peek, at, 0, &there) !=
		SIGBUS) /* behind the file's end x86's Linux does not look at PROT_EXEC */
		try_say(run, at, 77);
}

/* In a child: what it sees, and that it changes nothing here. */
static void
do_memory_child(char **w)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		say(" (");
		do_peek(w);
		do_poke(w);
		say(")");
		_exit(0);
	}
	waitpid(pid, &status, 0);
	say(" %x", status);
	do_peek(w);
}

static void
do_readinto(char **w)
{
	say_result(
		syscall(SYS_pread64, num(w[0]), address(w[1]), within(w[1], num(w[2])), num(w[3])));
}

/* Some versions of Linux let a tmpfs file grow to where nothing could be written then. */
static bool
grows_for_nothing(int fd, char *from, long at)
{
	struct stat st;
	long result;

	return fstat(fd, &st) == 0 && at > st.st_size && try(peek, from, 0, &result);
}

static void
do_writefrom(char **w)
{
	if (grows_for_nothing(num(w[0]), address(w[1]), num(w[3])))
		return;
	say_result(syscall(SYS_pwrite64, num(w[0]), address(w[1]), within(w[1], num(w[2])),
		num(w[3])));
}

static void
do_bytes(char **w)			/* of a file: what stores through a mapping left there */
{
	static char data[65536];
	long got = pread(num(w[0]), data, sizeof(data), 0);

	say(" %ld %08x", got, got > 0 ? hash(0, data, got) : 0);
}

static long
page_hash(char *at, long value)
{
	return hash(value, at, PAGE);
}

void
memory_say(void)
{
	char line[96], last[96] = "";

	for (int page = 0; page <= PAGES; page++) {
		char *at = (char *)ARENA + page * PAGE;
		long result, sum = 0;
		int sig = try(page_hash, at, 0, &sum);

		if (sig)
			snprintf(line, sizeof(line), "signal %d code %d", sig, (int)code);
		else
			snprintf(line, sizeof(line), "%08lx %s", sum,
				try(rewrite, at, 0, &result) ? "read-only" : "writable");
		if (strcmp(line, last))
			say("page %d on: %s\n", page, line);
		strcpy(last, line);
	}
}

const struct op memory_ops[] = {
	{ "map", 6, do_map },
	{ "mapany", 5, do_mapany },
	{ "munmap", 2, do_munmap },
	{ "mprotect", 3, do_mprotect },
	{ "mremap", 5, do_mremap },
	{ "madvise", 3, do_madvise },
	{ "msync", 3, do_msync },
	{ "mlock", 2, do_mlock },
	{ "munlock", 2, do_munlock },
	{ "brk", 1, do_brk },
	{ "peek", 1, do_peek },
	{ "poke", 2, do_poke },
	{ "fill", 2, do_fill },
	{ "call", 1, do_call },
	{ "child", 2, do_memory_child },
	{ "readinto", 4, do_readinto },
	{ "writefrom", 4, do_writefrom },
	{ "bytes", 1, do_bytes },
	{ NULL, 0, NULL },
};
