/* SPDX-License-Identifier: ISC */
/*
 * The server goes through the robust locks of who was killed.  Here these are
 * killed with lists that go round for ever, that lead to where nothing is, to
 * others' memory by others' tables, to what may only be read, and with lists that a
 * relative changes, or takes away, while the server is at it.
 */
#define _GNU_SOURCE
#define CHECK_NAME "robust"
#include "client.h"
#include <thread/futexop.h>

#define ENTRIES 400u
#define AREA (16 * PAGE)

static struct area {			/* shared with the parent */
	struct robust_thread thread[8];
	struct robust_head head[8];
	uint64_t entry[ENTRIES];
	volatile uint32_t word[ENTRIES];
} *area;

static uint64_t state = 88172645463325252ull;

static uint64_t
any(void)
{
	const uint64_t odd[] = { 0, 1, 2, ~0ull, 1ull << 63, 4096, base, base + EXOS_DATA,
		base + EXOS_COMM, base + EXOS_SHARED, 0x400000, EXO_VPT, EXO_TABLES,
		(64ull << 39) - 8, (64ull << 39), (uint64_t)area, (uint64_t)area + AREA - 8,
		(uint64_t)area + AREA, (uint64_t)&area->entry[7], (uint64_t)&area->entry[8] | 1,
		(uint64_t)area->entry + 3, EXO_USER_TOP - 8, EXO_USER_TOP };

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % 3 ? odd[state / 3 % (sizeof(odd) / sizeof(odd[0]))]
				: state >> (state % 60);
}

static volatile struct pub *
published(void)
{
	return (volatile struct pub *)(base + EXOS_PUBLIC);
}

/* The server is to find that as the list of threads. */
static void
threads_are(const struct robust_thread *first)
{
	static uint64_t list;

	list = (uint64_t)first;
	published()->thread_list = (uint64_t)&list;
}

/* A list of one thread with so many locks, the words behind each other. */
static void
list_make(unsigned entries, uint32_t tid)
{
	const uint64_t to_word = (uint64_t)area->word - (uint64_t)area->entry;

	area->thread[0] = (struct robust_thread){ 0, (uint64_t)&area->head[0], tid };
	area->head[0] = (struct robust_head){ (uint64_t)area->entry, (int64_t)to_word, 0 };
	for (unsigned n = 0; n < entries; n++)
		area->entry[n] = (uint64_t)(n + 1 < entries ? (void *)&area->entry[n + 1]
							    : (void *)&area->head[0]);
	threads_are(&area->thread[0]);
}

static void
dies(void)
{
	kill(getpid(), SIGKILL);
	for (;;)
		;
}

/* In a child that is killed where f ends; it is gone, and others are served. */
static void
killed(void (*f)(void))
{
	const int status = in_child(f);
	int fd[2];
	char byte;

	/* Who takes a page from his own library may end by it: the server looks all the same. */
	CHECK(WIFSIGNALED(status) &&
		(WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGSEGV));
	CHECK(pipe(fd) == 0 && write(fd[1], "x", 1) == 1 && read(fd[0], &byte, 1) == 1);
	close(fd[0]);
	close(fd[1]);
}

/* ---- lists ------------------------------------------------------------------------------------- */

/* Words are 32 bits, entries 64: only every other word is one, its place twice as far. */
static void
in_order(void)
{
	list_make(ENTRIES / 2, 4711);
	for (unsigned n = 0; n < ENTRIES; n++)
		area->word[n] = n % 2 ? 4712 : 4711;
	dies();
}

static void
check_in_order(void)
{
	unsigned dead = 0, kept = 0;

	killed(in_order);
	for (unsigned n = 0; n < ENTRIES; n++) {
		dead += area->word[n] == FUTEX_OWNER_DIED;
		kept += area->word[n] == 4712;
	}
	CHECK(dead == ENTRIES / 2 && kept == ENTRIES / 2);
}

static void
round_and_round(void)
{
	list_make(ENTRIES / 2, 4711);
	area->entry[ENTRIES / 2 - 1] = (uint64_t)&area->entry[3];
	area->thread[0].next = (uint64_t)&area->thread[1];
	area->thread[1] = area->thread[0];
	area->thread[1].next = (uint64_t)&area->thread[0];
	for (unsigned n = 0; n < ENTRIES; n++)
		area->word[n] = FUTEX_WAITERS | 4711;
	dies();
}

static void
anywhere(void)
{
	list_make(ENTRIES / 2, 4711);
	for (unsigned n = 0; n < 5; n++) {
		uint64_t *word = (uint64_t *)area + any() % (sizeof(*area) / 8);

		*word = any();
	}
	if (any() % 4 == 0)
		published()->thread_list = any();
	if (any() % 4 == 0)
		for (unsigned n = 0; n < PUB_TABLES; n++) {
			published()->table[n].slot = (uint32_t)any() % 512;
			published()->table[n].pfn = (uint32_t)any() % (uint32_t)exo_info()->frames;
		}
	dies();
}

static void
nothing_published(void)
{
	const exo_pfn frame = EXO_PTE_PFN(exo_pte(base + EXOS_PUBLIC));

	list_make(ENTRIES / 2, 4711);
	exo_frame_release_all(frame, 1, KEY_SELF);
	dies();
}

/* ---- what is not its own ------------------------------------------------------------------------- */

/* Each table of that level there is, named as one of its own: nothing is reached by it. */
static void
by_others_tables(void)
{
	exo_pfn pfn = note[1];

	list_make(ENTRIES / 2, 4711);
	for (unsigned n = 0; n < PUB_TABLES; n++) {
		if (published()->table[n].slot != (uint64_t)area >> 39)
			continue;
		for (; pfn < exo_info()->frames; pfn++)
			if (exo_frame(pfn)->kind == EXO_FRAME_PT3 &&
				exo_frame(pfn)->account != exo_env(exo_self())->account)
				break;
		published()->table[n].pfn = (uint32_t)pfn;
	}
	note[1] = pfn + 1;
	note[2] += pfn < exo_info()->frames;
	for (unsigned n = 0; n < ENTRIES; n++)
		area->word[n] = 4711;
	dies();
}

/* The parent has the same at the same place, and a word that looks like a lock of the dead. */
static void
check_others_tables(void)
{
	unsigned same = 0;

	note[1] = 1;
	note[2] = 0;
	do {
		killed(by_others_tables);
		same = 0;
		for (unsigned n = 0; n < ENTRIES; n++)
			same += area->word[n] == 4711;
		CHECK(same == ENTRIES);
	} while (note[1] < exo_info()->frames);
	CHECK(note[2] >= 3);
}

static const volatile uint32_t *file_words;

static void
only_read(void)
{
	become(NOBODY);
	list_make(1, 4711);
	area->head[0].offset = (int64_t)((uint64_t)file_words - (uint64_t)area->entry);
	dies();
}

static void
check_only_read(void)
{
	const uint32_t word = 4711;
	int fd = open("/tmp/robust.file", O_RDWR | O_CREAT | O_TRUNC, 0644);

	CHECK(write(fd, &word, sizeof(word)) == sizeof(word));
	file_words = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(file_words[0] == 4711);
	killed(only_read);
	CHECK(file_words[0] == 4711);
	close(fd);
	unlink("/tmp/robust.file");
}

/* ---- changed, and taken away, meanwhile ------------------------------------------------------------ */

static int area_fd;

static void
changes(void)
{
	state += 12345;
	for (;;)
		((volatile uint64_t *)area)[any() % (sizeof(*area) / 8)] = any();
}

static void
takes_away(void)
{
	for (;;) {
		ftruncate(area_fd, 0);
		ftruncate(area_fd, AREA);
	}
}

/* Its own memory is gone under its hands. */
static void
no_memory(int sig)
{
	(void)sig;
	dies();
}

static void
meanwhile(void (*f)(void))
{
	pid_t pid;

	signal(SIGBUS, no_memory);
	pid = fork();
	if (pid == 0)
		f();
	for (unsigned n = 0; n < 40; n++) {
		state += n * 7919;
		killed(anywhere);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ftruncate(area_fd, AREA);
}

int
main(void)
{
	if (!CHECK(client_begin()))
		return summary();
	area_fd = memfd_create("area", 0);
	CHECK(ftruncate(area_fd, AREA) == 0);
	area = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_SHARED, area_fd, 0);
	check_in_order();
	killed(round_and_round);
	killed(nothing_published);
	for (unsigned n = 0; n < 150; n++) {
		state += n * 104729;
		killed(anywhere);
	}
	check_others_tables();
	check_only_read();
	meanwhile(changes);
	meanwhile(takes_away);
	check_in_order();
	return summary();
}
