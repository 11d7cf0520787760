/* SPDX-License-Identifier: ISC */
/*
 * Random memory calls in an arena of some pages: what each returns, and what
 * every page is like afterwards: its contents, or the signal that a touch
 * gives.  With arguments: another seed, more rounds.  No file is cut short:
 * Linux shows zeroes behind the end of one that it keeps in large pieces.
 */
#include "t.h"

#define PAGE 4096ul
#define PAGES 48ul
#define RW (PROT_READ | PROT_WRITE)
#define FIXED (MAP_FIXED | MAP_PRIVATE)

static char *arena;
static int files[3];				/* the last is never mapped: who copies what to itself? */
static char digits[16 * 4096];
static sigjmp_buf back;
static unsigned long seed = 88172645463325252ul;

static void
caught(int sig, siginfo_t *info, void *context)
{
	(void)context;
	siglongjmp(back, sig * 16 + info->si_code);
}

static unsigned
draw(unsigned below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)((seed >> 20) % below);
}

static int
look(volatile char *p)
{
	int sig = sigsetjmp(back, 1);

	return sig ? -sig : (unsigned char)*p;
}

static int
change(volatile char *p, char value)
{
	int sig = sigsetjmp(back, 1);

	if (sig)
		return -sig;
	*p = value;
	return 0;
}

/* Of pages [from, from + count). */
static unsigned
state(unsigned from, unsigned count)
{
	unsigned sum = 2166136261u;

	for (unsigned n = from; n < from + count && n < PAGES; n++)
		sum = (sum ^ (unsigned)look(arena + n * PAGE + n % 7)) * 16777619u;
	return sum;
}

struct op {
	unsigned page, count, to, more;
	char *at;
	size_t bytes;
};

static long
map(const struct op *o, char *what)
{
	static const int prots[] = { PROT_NONE, PROT_READ, RW, RW, RW, PROT_READ | PROT_EXEC,
		PROT_WRITE };
	const int prot = prots[draw(7)], kind = (int)draw(6), file = files[draw(2)];
	const off_t offset = (off_t)(draw(8) * 4096);

	sprintf(what, "map %d prot %d", kind, prot);
	switch (kind) {
	case 0:
		return (long)mmap(o->at, o->bytes, prot, FIXED, file, offset);
	case 1:
		return (long)mmap(o->at, o->bytes, prot, MAP_FIXED | MAP_SHARED, file, offset);
	case 2:
		return (long)mmap(o->at, o->bytes, prot, MAP_FIXED | MAP_SHARED | MAP_ANONYMOUS, -1,
			0);
	case 3:
		return (long)mmap(o->at, o->bytes, prot,
			FIXED | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	default:
		return (long)mmap(o->at, o->bytes, prot, FIXED | MAP_ANONYMOUS | MAP_NORESERVE, -1,
			0);
	}
}

static long
remap(const struct op *o, char *what)
{
	const unsigned kind = draw(4), count = 1 + draw(6);
	const size_t old = kind == 3 ? 0 : o->bytes;
	const int how = MREMAP_MAYMOVE | MREMAP_FIXED | (kind == 2 ? 4 : 0);

	sprintf(what, "remap %u to %u+%u", kind, o->to, kind == 2 ? o->count : count);
	if (o->to + count > PAGES || (kind == 2 && o->to + o->count > PAGES))
		return -2;
	if (kind == 0)
		return (long)mremap(o->at, old, count * PAGE, 0);
	return (long)mremap(o->at, old, kind == 2 ? o->bytes : count * PAGE, how,
		arena + o->to * PAGE);
}

static long
advise(const struct op *o, char *what)
{
	static const int all[] = { MADV_DONTNEED, MADV_DONTNEED, 9, 10, 11, 18, 19, 22, 23, 0 };
	const int advice = all[draw(10)];

	sprintf(what, "advise %d", advice);
	return madvise(o->at, o->bytes, advice);
}

/* A child that sees and changes what it may; the parent's own is as it was. */
static long
child(char *what)
{
	unsigned before = state(0, PAGES);
	int status, ends[2];
	long seen = 0;

	pipe(ends);
	if (fork() == 0) {
		seen = state(0, PAGES);
		for (unsigned n = 0; n < PAGES; n += 3)
			change(arena + n * PAGE + 100, (char)n);
		mprotect(arena, PAGE, RW);
		munmap(arena + 5 * PAGE, PAGE);
		write(ends[1], &seen, sizeof(seen));
		_exit(0);
	}
	read(ends[0], &seen, sizeof(seen));
	wait(&status);
	close(ends[0]);
	close(ends[1]);
	sprintf(what, "fork %d", state(0, PAGES) == before);
	return seen;
}

static long
store(const struct op *o, char *what)
{
	long sum = 0;

	sprintf(what, "store");
	for (unsigned n = 0; n < o->count; n++)
		sum = sum * 31 + change(o->at + n * PAGE + (o->page + n) % 7, (char)draw(256));
	return sum;
}

static long
transfer(const struct op *o, char *what)
{
	const unsigned how = draw(2);
	const off_t offset = (off_t)(draw(14) * 4096 + draw(2) * 77);

	sprintf(what, "%s", how ? "write" : "read");
	return how ? pwrite(files[2], o->at + 50, o->bytes - 100, offset)
		   : pread(files[2], o->at + 50, o->bytes - 100, offset);
}

static void
step(unsigned round)
{
	struct op o = { .page = draw(PAGES), .to = draw(PAGES) };
	char what[80] = "";
	long result;

	o.count = 1 + draw(PAGES - o.page < 8 ? PAGES - o.page : 8);
	o.at = arena + o.page * PAGE;
	o.bytes = o.count * PAGE;
	errno = 0;
	switch (draw(12)) {
	case 0: case 1: case 2: result = map(&o, what); break;
	case 3: result = munmap(o.at, o.bytes); break;
	case 4: case 5:
		result = mprotect(o.at, o.bytes, (int)draw(4));
		sprintf(what, "protect");
		break;
	case 6:
		o.count = 1; /* several regions at a time: not on every Linux */
		o.bytes = PAGE;
		result = remap(&o, what);
		break;
	case 7: result = advise(&o, what); break;
	case 8: result = draw(6) ? store(&o, what) : child(what); break;
	case 9: result = transfer(&o, what); break;
	default: result = store(&o, what); break;
	}
	if (result >= (long)arena && result < (long)(arena + PAGES * PAGE))
		result -= (long)arena;
	printf("%u: %u+%u %s = %ld %s, %08x\n", round, o.page, o.count, what, result,
		result == -1 ? error_name(errno) : "",
		round % 16 ? state(o.page, o.count) : state(0, PAGES));
}

int
main(int argc, char **argv)
{
	struct sigaction a = { .sa_sigaction = caught, .sa_flags = SA_SIGINFO };
	unsigned rounds = argc > 2 ? (unsigned)atoi(argv[2]) : 1500;

	seed += argc > 1 ? strtoul(argv[1], NULL, 0) * 0x9e3779b97f4a7c15ul : 0;
	sigaction(SIGSEGV, &a, NULL);
	sigaction(SIGBUS, &a, NULL);
	arena = mmap(NULL, (PAGES + 2) * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	arena += PAGE;
	for (int i = 0; i < 3; i++) {
		char name[] = { (char)('0' + i), '\0' };

		files[i] = open(name, O_CREAT | O_RDWR | O_TRUNC, 0644);
		for (unsigned n = 0; n < sizeof(digits); n++)
			digits[n] = (char)('0' + n * (3 + (unsigned)i) % 10);
		write(files[i], digits, sizeof(digits));
	}
	for (unsigned round = 0; round < rounds; round++)
		step(round);
	return 0;
}
