/* SPDX-License-Identifier: ISC */
/*
 * Memory is asked back from processes that say nothing, lie, hide what they
 * have, die or fork when they are asked, or never stop asking themselves: a
 * neighbour gets what it needs, after so many waits, and keeps what it has.  Most of
 * the machine's memory is taken away first by one that is never asked.
 */
#define _GNU_SOURCE
#define CHECK_NAME "arbiter"
#include <sys/mman.h>
#include <sys/resource.h>
#include "client.h"

#define MB (1ul << 20)
#define LEFT (24 * MB)			/* what is left for all of them, */
#define FILES (24 * MB)			/* besides what is kept for files */
#define SPARED (1 * MB)			/* of that, what the attackers do not take, */
#define NEEDED (3 * MB)			/* ... and what a neighbour needs then */
#define LONGEST 4000			/* waits of 5 ms: asked, warned, searched, some of them one after the other */
#define RW (PROT_READ | PROT_WRITE)

static pid_t locker;

static void *
anon(size_t bytes)
{
	return mmap(NULL, bytes, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

static size_t
free_bytes(void)
{
	char line[128];
	long kib = 0;
	FILE *f = fopen("/proc/meminfo", "r");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "MemFree: %ld", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return (size_t)kib * 1024;
}

static bool
take_away(void)
{
	note[2] = 0;
	locker = fork();
	if (locker == 0) {
		const size_t bytes = free_bytes() - LEFT - FILES;

		request(OP_TUNE, (uint64_t)getpid(), TUNE_OOM, (uint64_t)-1000, 0, 0);
		note[2] = mlock(anon(bytes), bytes) == 0 ? 1 : 2;
		for (;;)
			pause();
	}
	while (!note[2])
		nap(1);
	return note[2] == 1;
}

/* ---- attackers ---- */

static const volatile struct exo_revocation *
revocation(void)
{
	return &((const struct exo_uarea *)(base + EXOS_UAREA))->revocation;
}

/* From now on the library is not entered of the kernel's own accord. */
static void
alone(void)
{
	/* The first one, and that of the processor where it has gone since. */
	const uint64_t at[] = { base + EXOS_UAREA, exo_gs_first() };

	for (unsigned n = 0; n < 2; n++) {
		volatile struct exo_uarea *u = (struct exo_uarea *)at[n];

		u->entry[EXO_ENTRY_EVENT] = u->entry[EXO_ENTRY_EPILOGUE] =
			u->entry[EXO_ENTRY_REVOKE] = 0;
	}
	__atomic_add_fetch(&note[3], 1, __ATOMIC_RELAXED);
}

static void
silent(size_t bytes)
{
	noise(anon(bytes), bytes);
	alone();
	for (;;)
		exo_relax();
}

/* Whatever is taken of it two have. */
static void
conspires(size_t bytes)
{
	noise(anon(bytes), bytes);
	fork();
	alone();
	for (;;)
		exo_relax();
}

/* Two hold what one pays for: when that one goes the other has it, above its limit. */
static void
heirs(size_t bytes)
{
	noise(anon(bytes), bytes);
	fork();
	alone();
	for (;;)
		exo_relax();
}

/* In frames that cannot be taken by name. */
static void
regions(size_t bytes)
{
	const exo_pfn account = (exo_pfn)row_of((uint32_t)getpid())->account;

	for (size_t n = 0; n < bytes / PAGE;) {
		exo_pfn pfn = exo_frame_find(0, 1);

		if (exo_frame_claim(pfn, 1, account, 0, KEY_SELF, 0) != 1) {
			if (request(OP_MEMORY, 64, account, 0, 0, 0) == -ENOMEM)
				break;
			continue;
		}
		CHECK(exo_region_guard(pfn, 0, 1, 0, KEY_SELF, 0) >= 0);
		n++;
	}
	alone();
	for (;;)
		exo_relax();
}

static void
stopped(size_t bytes)
{
	noise(anon(bytes), bytes);
	__atomic_add_fetch(&note[3], 1, __ATOMIC_RELAXED);
	raise(SIGSTOP);
	_exit(0);
}

static void
liar(size_t bytes)
{
	uint64_t asked = revocation()->debt.asked;

	noise(anon(bytes), bytes);
	alone();
	for (;; exo_relax()) {
		if (revocation()->debt.asked == asked)
			continue;
		asked = revocation()->debt.asked;
		request(OP_MEMORY, 0, row_of((uint32_t)getpid())->account, 0, 0, 0);
		note[4]++;
	}
}

/* Asked, it has children that hold what it has; each of them says that it gave. */
static void
forks(size_t bytes)
{
	uint64_t asked = revocation()->debt.asked;

	noise(anon(bytes), bytes);
	__atomic_add_fetch(&note[3], 1, __ATOMIC_RELAXED);
	for (;; exo_relax()) {
		if (revocation()->debt.asked == asked)
			continue;
		if (fork() >= 0)
			request(OP_MEMORY, 0, row_of((uint32_t)getpid())->account, 0, 0, 0);
		asked = revocation()->debt.asked;
	}
}

static void
dies(size_t bytes)
{
	uint64_t asked = revocation()->debt.asked;

	noise(anon(bytes), bytes);
	alone();
	while (revocation()->debt.asked == asked)
		exo_relax();
	kill(getpid(), SIGKILL);
}

/* As fast as it can, for itself, with nothing to show for it. */
static void
floods(size_t bytes)
{
	const exo_pfn account = (exo_pfn)row_of((uint32_t)getpid())->account;

	noise(anon(bytes), bytes);
	alone();
	for (uint64_t n = 1;; n = n % 4096 + 1)
		request(OP_MEMORY, n, account, 0, 0, 0);
}

/*
 * Too late: it hears nothing until a few of its frames were taken by name.  They
 * are back when it looks, and it answers then: its pages get smaller.
 */
static void
late(size_t bytes)
{
	volatile struct exo_uarea *u = (struct exo_uarea *)(base + EXOS_UAREA);
	const struct exo_uarea was = *(struct exo_uarea *)(base + EXOS_UAREA);
	unsigned char *p = anon(bytes);
	size_t wrong = 0;

	for (size_t n = 0; n < bytes; n++)
		p[n] = (unsigned char)(n / PAGE + n / 64);
	alone();
	while (revocation()->lost == 0)
		exo_relax();
	u->entry[EXO_ENTRY_EPILOGUE] = was.entry[EXO_ENTRY_EPILOGUE];
	u->entry[EXO_ENTRY_REVOKE] = was.entry[EXO_ENTRY_REVOKE];
	u->entry[EXO_ENTRY_EVENT] = was.entry[EXO_ENTRY_EVENT];
	for (size_t n = 0; n < bytes; n++)
		wrong += p[n] != (unsigned char)(n / PAGE + n / 64);
	note[4] = wrong ? 2 : 1;
	for (;;)
		getppid();
}

/* Just enough, just in time, behind its library's back: it is not robbed, and holds nobody up for long. */
static void
slow(size_t bytes)
{
	const volatile struct exo_revocation *r = revocation();
	uint64_t asked = r->debt.asked, until = 0, part = 0;
	char *p = anon(bytes);

	noise(p, bytes);
	alone();
	for (;; exo_relax()) {
		if (r->debt.asked != asked) {
			asked = r->debt.asked;
			until = r->debt.deadline_ns;
			part = r->debt.frames / 4 + 8; /* it may be above its limit */
		}
		note[4] = r->lost ? 2 : 1;
		if (part == 0 || exo_now_ns() + 900000000 < until)
			continue;
		for (uint64_t n = 0; n < part; p += PAGE) {
			struct exo_map m = { .va = (uint64_t)p,
				.op = EXO_OP_UNMAP | EXO_MAP_RELEASE, .key = KEY_SELF };

			n += exo_pte(m.va) & EXO_PTE_PRESENT; /* some may have been put away */
			exo_map(exo_self(), &m, 1, KEY_SELF);
		}
		until += 1000000000;
	}
}

/* ---- the neighbour ---- */

static bool
right(const uint64_t *p, size_t words)
{
	uint64_t word = 88172645463325252ull;

	for (size_t n = 0; n < words; n++) {
		word ^= word << 13;
		word ^= word >> 7;
		word ^= word << 17;
		if (p[n] != word)
			return false;
	}
	return true;
}

static size_t needed = NEEDED;

static void
neighbour(void)
{
	uint64_t *p = anon(needed);
	struct rusage used;

	noise(p, needed);
	getrusage(RUSAGE_SELF, &used);
	note[5] = (uint64_t)used.ru_nvcsw;
	_exit(right(p, needed / 8) ? 0 : 1);
}

typedef void attacker(size_t bytes);

static void
against(attacker *const *them, unsigned count, const char *who)
{
	size_t each;
	pid_t first = 0;
	bool over = false;
	int status;

	CHECK(take_away());
	each = (free_bytes() - FILES - SPARED) / count;
	note[3] = note[5] = 0;
	for (unsigned n = 0; n < count; n++) {
		pid_t pid = fork();

		if (pid == 0) {
			setpgid(0, getppid());
			them[n](each);
		}
		first = first ? first : pid;
	}
	PATIENTLY (note[3] < count)
		nap(1);
	CHECK(note[3] >= count);
	status = in_child(neighbour);
	if (!CHECK(status == 0 && note[5] < LONGEST))
		printf("%s: the neighbour of %u, status %x\n", who, count, (unsigned)status);
	printf("%s: it waited %lu times\n", who, note[5]);
	/* Who is late for long, as on a busy host, loses more than comes back, and ends; it never goes on with it. */
	PATIENTLY (them[0] == late && note[4] == 0 && !over)
		nap(1), over = waitpid(first, &status, WNOHANG) == first;
	CHECK((them[0] != late && them[0] != slow) || note[4] == 1 ||
		(them[0] == late && over && note[4] == 0 && status == SIGKILL));
	note[0] = failed == 0;
	fflush(stdout);
	kill(0, SIGKILL);
}

static void
gang(void)
{
	static attacker *const them[] = { silent, conspires, regions, stopped };

	setpgid(0, 0);
	against(them, 4, "silent ones");
}

static void
liars(void)
{
	static attacker *const them[] = { liar, liar };

	setpgid(0, 0);
	against(them, 2, "liars");
}

static void
restless(void)
{
	static attacker *const them[] = { forks, dies, floods };

	setpgid(0, 0);
	against(them, 3, "restless ones");
}

static void
inherited(void)
{
	static attacker *const them[] = { heirs };

	setpgid(0, 0);
	needed = 6 * MB;
	against(them, 1, "heirs");
}

static void
survives(void)
{
	static attacker *const them[] = { late };

	setpgid(0, 0);
	note[4] = 0;
	against(them, 1, "one who was late");
}

static void
in_time(void)
{
	static attacker *const them[] = { slow };

	setpgid(0, 0);
	against(them, 1, "one who is slow");
}

static void
alive(void)
{
	CHECK(in_child(neighbour) == 0);
}

/* What cannot be taken by name comes back with its owner's end all the same. */
static void
ended(void)
{
	pid_t pid;

	note[3] = 0;
	pid = fork();
	if (pid == 0)
		regions(4 * MB);
	while (!note[3])
		nap(1);
	CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
	note[0] = failed == 0;
	_exit(0);
}

static const struct attack attacks[] = {
	ATTACK(ended),
	ATTACK(gang),
	ATTACK(liars),
	ATTACK(restless),
	ATTACK(inherited),
	ATTACK(survives),
	ATTACK(in_time),
};

int
main(int argc, char **argv)
{
	return attack_each(argc, argv, attacks, sizeof(attacks) / sizeof(attacks[0]), alive, 0);
}
