/* SPDX-License-Identifier: ISC */
/* For Linux programs that ask the kernel and the server behind their library's back; the includer names itself (CHECK_NAME). */
#ifndef TESTS_HOSTILE_ASK_H
#define TESTS_HOSTILE_ASK_H

#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <time.h>
#include <exo/lib.h>
#include <exo/read.h>
#include <exo/tag.h>
#include <server/proto.h>
#include "../linux/check.h"

#define PAGE EXO_PAGE_BYTES

static uint64_t base;
static const volatile struct sh_info *shared;
static volatile uint64_t *note;		/* a page that parent and children share */
#define TABLES_GROW 64u			/* frames: what the server's other tables may grow by, once */
#define SETTLED_NS 60000000000ull

/* Pages that nothing makes smaller. */
static inline void
noise(void *p, size_t bytes)
{
	uint64_t word = 88172645463325252ull;

	for (size_t n = 0; n < bytes / sizeof(word); n++) {
		word ^= word << 13;
		word ^= word >> 7;
		word ^= word << 17;
		((uint64_t *)p)[n] = word;
	}
}

/* Where the library is; false: it is not ExOS. */
static inline bool
client_begin(void)
{
	base = exo_gs_first() & -EXOS_SHARED;	/* whichever processor's u-area it is */
	shared = (const volatile struct sh_info *)(base + EXOS_SHARED);
	note = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return shared->magic == SH_MAGIC && note != MAP_FAILED;
}

static inline void
nap(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

/* A request that the server took back: the slots in which it gave keys are to be empty. */
static inline void
slots_empty(const struct exo_msg *m)
{
	for (unsigned slot = 0; slot < 64; slot++)
		if (m->rdx >> slot & 1)
			exo_key_drop(slot, 1);
	for (unsigned n = 0; n < 64; n += 16) {
		if (m->r8 >> n & 0xffff)
			exo_key_drop((exo_slot)(m->r8 >> n & 0xffff), 1);
		if (m->r9 >> n & 0xffff)
			exo_key_drop((exo_slot)(m->r9 >> n & 0xffff), 1);
	}
}

/*
 * The message becomes the answer: its result, or -1000 and the kernel's error.
 * As the library asks, also where the server ends meanwhile; by numbers that the
 * library does not use.
 */
static inline long
ask(struct exo_msg *m)
{
	static uint64_t numbers = 1ull << 48;
	struct exo_msg asked = *m;
	long error;

	for (asked.r12 = numbers += 2;;) {
		const exo_envid server = shared->server;

		*m = asked;
		error = exo_call_once(server, m, 0);
		if (error == -EXO_EDEAD || error == -EXO_ESTALE) {
			asked.r12 |= SERVER_ASKED;
			while (shared->server == server)
				nap(1);
		} else if (!error && (long)m->rsi == SERVER_UNDONE) {
			slots_empty(m);
			asked.r12 &= ~SERVER_ASKED;
		} else if (error != -EXO_EBUSY && (error || (long)m->rsi != SERVER_BUSY)) {
			return error ? -1000 + error : (long)m->rsi;
		}
	}
}

static inline long
request(uint64_t op, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	return ask(&(struct exo_msg){
		.rsi = op, .rdx = a, .r8 = b, .r9 = c, .rbx = d, .rbp = e });
}

static inline const volatile struct sh_proc *
row_of(uint32_t pid)
{
	const volatile struct sh_proc *row =
		(const volatile struct sh_proc *)((uint64_t)shared + shared->procs_off);

	for (unsigned n = 0; n < SH_PROCS; n++)
		if (row[n].pid == pid)
			return &row[n];
	return NULL;
}

/* As long as that holds, but not for ever: long past what the slowest host needs. */
#define PATIENTLY(condition)                                                                       \
	for (uint64_t until_ = exo_now_ns() + SETTLED_NS; (condition) && exo_now_ns() < until_;)

/* ---- memory comes back ---- */

struct census {
	uint64_t spare, kind[32], tag[EXO_TAGS];	/* tags: of data frames */
};

/*
 * Spare are frames that are free, or hold guards and keys of the server's: it keeps those and uses them again, as
 * many as there ever were at once, which is a matter of timing (and bounded: server/guard.c, flight.c).
 */
static inline struct census
frames_count(void)
{
	const uint64_t count = exo_info()->frames, server = exo_info()->root_account;
	struct census c = { .spare = exo_info()->free_frames };

	for (exo_pfn pfn = 0; pfn < count; pfn++) {
		const volatile struct exo_frame *f = exo_frame(pfn);

		c.spare += (f->kind == EXO_FRAME_GUARD || f->kind == EXO_FRAME_RING) &&
			f->account == server;
		c.kind[f->kind % 32]++;
		if (f->kind == EXO_FRAME_DATA)
			c.tag[f->tag % EXO_TAGS]++;
	}
	return c;
}

static inline void
census_print(const struct census *before, const struct census *after)
{
	for (unsigned n = 0; n < 32; n++)
		if (before->kind[n] != after->kind[n])
			printf("kind %u: %lu, then %lu\n", n, before->kind[n], after->kind[n]);
	for (unsigned n = 0; n < EXO_TAGS; n++)
		if (before->tag[n] != after->tag[n])
			printf("data of tag %u: %lu, then %lu\n", n, before->tag[n], after->tag[n]);
}

/* All that the dead had is free again, but for `slack` frames; waits for it. */
static inline bool
frames_back(const struct census *before, uint64_t slack, const char *what)
{
	const uint64_t until = exo_now_ns() + SETTLED_NS;
	struct census after = frames_count();

	while (after.spare + slack < before->spare && exo_now_ns() < until) {
		nap(20);
		after = frames_count();
	}
	if (CHECK(after.spare + slack >= before->spare))
		return true;
	printf("%s: %lu frames are gone\n", what, before->spare - after.spare);
	census_print(before, &after);
	return false;
}

/* ---- attacks that leave a verdict in note[0], which is 1 when they succeeded in nothing ---- */

struct attack {
	const char *name;
	void (*f)(void);
};
#define ATTACK(f) { #f, f }

/* In a child; afterwards others are served as ever, and no memory is gone. */
static inline void
attack(const struct attack *a, void (*alive)(void))
{
	const int failures = failed;
	struct census before;

	nap(50);
	before = frames_count();
	in_child(a->f);
	alive();
	if (failed != failures)
		printf("%s: others are not served\n", a->name);
	frames_back(&before, TABLES_GROW, a->name);
	if (!CHECK(note[0] == 1))
		printf("%s\n", a->name);
}

/* Without arguments all, else those named.  note[0] is `silent` if an attack says nothing. */
static inline int
attack_each(int argc, char **argv, const struct attack *attacks, unsigned count,
	void (*alive)(void), uint64_t silent)
{
	if (!CHECK(client_begin()))
		return summary();
	for (unsigned n = 0; n < count; n++) {
		bool wanted = argc < 2;

		for (int a = 1; a < argc; a++)
			wanted |= strcmp(argv[a], attacks[n].name) == 0;
		if (!wanted)
			continue;
		note[0] = silent;
		attack(&attacks[n], alive);
	}
	return summary();
}

#endif
