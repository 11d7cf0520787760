/* SPDX-License-Identifier: ISC */
/*
 * Frames taken by name from a process that has spare frames: its pages come
 * back, whatever it does with them next.  The taking is played by the program
 * itself, which writes to its own u-area and its library's vector what the
 * kernel would, between any two Linux calls; arbiter.c has the real one.  What
 * was lost, or was the library's, ends it.
 */
#define _GNU_SOURCE
#define CHECK_NAME "taken"
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include "client.h"

#define PAGES 2048ul			/* for so many there is a vector, with spare frames */
#define RW (PROT_READ | PROT_WRITE)

static uint64_t *area;
static char window[PAGE] __attribute__((aligned(4096)));

static volatile struct exo_vector *
vector(void)
{
	return (volatile struct exo_vector *)(base + EXOS_STORE + PAGE);
}

static void
map(uint64_t va, exo_pfn pfn, uint32_t op)
{
	struct exo_map m = { .va = va, .pfn = pfn, .op = op, .key = KEY_SELF };

	CHECK(exo_map(exo_self(), &m, 1, KEY_SELF) == 1);
}

static void
record(uint64_t va, exo_pfn pfn, exo_pfn saved, uint32_t how)
{
	volatile struct exo_vector *v = vector();
	volatile struct exo_revocation *r = &exo_uarea()->revocation;

	v->loss[v->lost % EXO_LOSSES].pfn = pfn;
	v->loss[v->lost % EXO_LOSSES].va = va;
	v->loss[v->lost % EXO_LOSSES].saved = saved;
	v->loss[v->lost % EXO_LOSSES].kind = EXO_FRAME_DATA;
	v->loss[v->lost % EXO_LOSSES].how = how;
	v->lost++;
	r->loss[r->lost % EXO_REVOKES] = pfn;
	r->lost++;
}

/* As kernel/mem/loss.c does it. */
static void
take(void *page)
{
	volatile struct exo_vector *v = vector();
	const uint64_t va = (uint64_t)page;
	const exo_pfn pfn = EXO_PTE_PFN(exo_pte(va));
	exo_pfn spare;

	CHECK(v->used < v->named);
	spare = v->spare[v->used++ % EXO_SPARES];
	window[0] = 1;
	map((uint64_t)window, 0, EXO_OP_UNMAP | EXO_MAP_RELEASE);
	map((uint64_t)window, spare, EXO_OP_MAP | EXO_MAP_READ | EXO_MAP_WRITE);
	memcpy(window, page, PAGE);
	map((uint64_t)window, 0, EXO_OP_UNMAP);
	map(va, 0, EXO_OP_UNMAP | EXO_MAP_RELEASE);
	record(va, pfn, spare, EXO_LOSS_SAVED);
}

static uint64_t *
at(unsigned long page)
{
	return area + page * (PAGE / 8);
}

static bool
is(const uint64_t *p, uint64_t page)
{
	for (unsigned n = 0; n < PAGE / 8; n++)
		if (p[n] != page * 1000003 + n)
			return false;
	return true;
}

static void
fill(void)
{
	area = mmap(NULL, PAGES * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (unsigned long page = 0; page < PAGES; page++)
		for (unsigned n = 0; n < PAGE / 8; n++)
			at(page)[n] = page * 1000003 + n;
}

/* ---- what a process does next ------------------------------------------------------------------- */

static void
touched(void)
{
	for (unsigned n = 0; n < 8; n++)
		take(at(3 * n));
	for (unsigned n = 0; n < 24; n++)
		CHECK(is(at(n), n));
}

static void
written(void)
{
	take(at(5));
	at(5)[0] = 7;
	CHECK(at(5)[0] == 7 && at(5)[1] == 5 * 1000003 + 1);
}

/* By the library, for the program. */
static void
in_a_call(void)
{
	static uint64_t copy_of[2 * PAGE / 8];
	int to[2];

	CHECK(pipe(to) == 0);
	take(at(1));
	take(at(2));
	CHECK(write(to[1], at(1), 2 * PAGE) == 2 * PAGE);
	CHECK(read(to[0], copy_of, 2 * PAGE) == 2 * PAGE);
	CHECK(is(copy_of, 1) && is(copy_of + PAGE / 8, 2));
	CHECK(write(to[1], at(9), PAGE) == PAGE);
	take(at(1));
	CHECK(read(to[0], at(1) + 1, PAGE / 2) == PAGE / 2);
	CHECK(at(1)[0] == 1000003 && at(1)[1] == 9 * 1000003 && at(1)[511] == 1000003 + 511);
	close(to[0]);
	close(to[1]);
}

static void
forked(void)
{
	pid_t pid;
	int status = -1;

	take(at(40));
	take(at(41));
	pid = fork();
	if (pid == 0)
		_exit(is(at(40), 40) && is(at(41), 41) && is(at(42), 42) ? 0 : 1);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(is(at(40), 40) && is(at(41), 41));
	pid = fork();
	if (pid == 0) {
		at(50)[0] = 1;		/* its own, and it has no spare frames */
		_exit(vector()->named == 0 && vector()->lost == 0 ? 0 : 1);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static void
unmapped(void)
{
	const uint64_t free_now = exo_info()->free_frames;

	take(at(60));
	CHECK(munmap(at(60), PAGE) == 0);
	CHECK(exo_info()->free_frames >= free_now);
	CHECK(mmap(at(60), PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at(60));
	CHECK(at(60)[0] == 0 && is(at(61), 61));
	take(at(61));
	CHECK(mmap(at(61), PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at(61));
	CHECK(at(61)[0] == 0);
	take(at(62));
	CHECK(madvise(at(62), PAGE, MADV_DONTNEED) == 0 && at(62)[0] == 0);
}

static void
moved(void)
{
	uint64_t *to;

	take(at(70));
	take(at(72));
	to = mremap(at(70), 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE);
	CHECK(to != MAP_FAILED && to != at(70));
	for (unsigned n = 0; n < 4; n++)
		CHECK(is(to + n * (PAGE / 8), 70 + n));
}

static void
protected(void)
{
	static const int prots[] = { PROT_READ, PROT_NONE, PROT_READ | PROT_EXEC };

	for (unsigned n = 0; n < 3; n++) {
		take(at(80 + n));
		CHECK(mprotect(at(80 + n), PAGE, prots[n]) == 0);
		CHECK(prots[n] == PROT_NONE || is(at(80 + n), 80 + n));
		CHECK(mprotect(at(80 + n), PAGE, RW) == 0);
		CHECK(is(at(80 + n), 80 + n));
		at(80 + n)[1]++;
	}
}

static void
put_away(void)
{
	take(at(90));
	CHECK(madvise(at(89), 3 * PAGE, MADV_PAGEOUT) == 0);
	take(at(92));
	CHECK(mlock(at(90), 3 * PAGE) == 0);
	CHECK(is(at(89), 89) && is(at(90), 90) && is(at(91), 91) && is(at(92), 92));
	CHECK(munlock(at(90), 3 * PAGE) == 0);
}

/* Copied when it is written, though the file has it, too. */
static void
of_a_file(void)
{
	int fd = open("taken.file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	uint64_t *p;

	CHECK(fd >= 0 && write(fd, at(100), 2 * PAGE) == 2 * PAGE);
	p = mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE, fd, 0);
	CHECK(p != MAP_FAILED);
	p[0] = 1;
	take(p);
	CHECK(p[0] == 1 && p[1] == 100 * 1000003 + 1 && is(p + PAGE / 8, 101));
	take(p);
	CHECK(munmap(p, 2 * PAGE) == 0 && close(fd) == 0 && unlink("taken.file") == 0);
}

/* Asked for memory in a hurry it gives the spare frames, too, and has others when it is given more. */
static void
asked(void)
{
	volatile struct exo_revocation *r = &exo_uarea()->revocation;
	uint64_t named = vector()->named - vector()->used;

	CHECK(named > 0);
	r->debt.account = exo_env(exo_self())->account;
	r->debt.frames = named + 64;	/* before them, what the library has no need of */
	r->debt.deadline_ns = exo_now_ns() + 1000000;
	r->debt.asked++;
	getppid();
	CHECK(vector()->named == vector()->used);
	CHECK(is(at(110), 110) && is(at(PAGES - 1), PAGES - 1));
}

/* One process, so that what is done with a page that was taken harms no later one. */
static void
survives(void)
{
	fill();
	if (!CHECK(vector()->named - vector()->used == 32))
		_exit(1);
	touched();
	written();
	in_a_call();
	forked();
	unmapped();
	moved();
	protected();
	put_away();
	of_a_file();
	asked();
	_exit(failed != 0);
}

/* ---- what it cannot survive ----------------------------------------------------------------------- */

static void
ends(void (*by)(void))
{
	fill();
	by();
	getppid();
	_exit(0);
}

static void
gone(void)
{
	record((uint64_t)at(1), 77, 0, EXO_LOSS_GONE);
}

static void
shared_one(void)
{
	record((uint64_t)at(1), 77, 0, EXO_LOSS_SHARED);
}

static void
librarys(void)
{
	record(base + EXOS_HEAP, 77, vector()->spare[0], EXO_LOSS_SAVED);
}

static void
not_ours(void)
{
	map((uint64_t)at(1), 0, EXO_OP_UNMAP | EXO_MAP_RELEASE);
	record((uint64_t)at(1), 77, exo_info()->root_account, EXO_LOSS_SAVED);
}

static void
in_use(void)
{
	map((uint64_t)at(1), 0, EXO_OP_UNMAP | EXO_MAP_RELEASE);
	record((uint64_t)at(1), 77, EXO_PTE_PFN(exo_pte((uint64_t)at(2))), EXO_LOSS_SAVED);
}

static void
too_many(void)
{
	vector()->lost += EXO_LOSSES + 1;
	exo_uarea()->revocation.lost++;
}

/* The kernel told, and the vector knows nothing of it. */
static void
not_noted(void)
{
	exo_uarea()->revocation.lost++;
}

static void
every_end(void)
{
	static void (*const ways[])(
		void) = { gone, shared_one, librarys, not_ours, in_use, too_many, not_noted };

	for (unsigned n = 0; n < sizeof(ways) / sizeof(ways[0]); n++) {
		pid_t pid = fork();
		int status = 0;

		if (pid == 0)
			ends(ways[n]);
		if (!CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) &&
			    WTERMSIG(status) == SIGKILL))
			printf("way %u: %x\n", n, status);
	}
	note[0] = failed == 0;
	_exit(0);
}

static void
back(void)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0)
		survives();
	note[0] = waitpid(pid, &status, 0) == pid && status == 0;
	_exit(0);
}

static void
alive(void)
{
	CHECK(getppid() > 0);
}

static const struct attack attacks[] = {
	ATTACK(back),
	ATTACK(every_end),
};

int
main(int argc, char **argv)
{
	return attack_each(argc, argv, attacks, sizeof(attacks) / sizeof(attacks[0]), alive, 1);
}
