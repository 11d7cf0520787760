/* SPDX-License-Identifier: ISC */
/*
 * Looking into other processes: by who may not, by who wants more than to
 * look, into who lies about everything, and into who dies meanwhile.
 */
#define _GNU_SOURCE
#define CHECK_NAME "looks"
#include "client.h"
#include <dirent.h>
#include <sys/uio.h>

#define WINDOW (100ull << 39)		/* a top slot that nobody uses */
#define TOP 3u				/* level of the tables that are shared */

static uint64_t state = 88172645463325252ull;

static uint64_t
any(void)
{
	const uint64_t odd[] = { 0, 1, 2, ~0ull, 1ull << 63, 1ull << 32, 4096, base,
		base + EXOS_DATA, base + EXOS_HEAP, base + EXOS_OFDS, 0x400000, EXO_VPT, EXO_TABLES,
		65530, 0x7f0000000000 };

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % 3 ? odd[state / 3 % (sizeof(odd) / sizeof(odd[0]))]
				: state >> (state % 60);
}

static void
alive(void)
{
	char text[64] = "";
	int fd = open("/proc/self/comm", O_RDONLY);

	CHECK(read(fd, text, sizeof(text)) > 1);
	close(fd);
	fd = open("/proc/self/maps", O_RDONLY);
	CHECK(read(fd, text, sizeof(text)) == sizeof(text));
	close(fd);
}

/* A process that does nothing; its pid. */
static pid_t
victim(uid_t uid)
{
	volatile uint64_t *ready = &note[10];
	pid_t pid;

	*ready = 0;
	pid = fork();
	if (pid == 0) {
		if (uid)
			become(uid);
		*ready = 1;
		for (;;)
			pause();
	}
	PATIENTLY (!*ready)
		nap(1);
	return pid;
}

static void
finish(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	CHECK(waitpid(pid, &status, 0) == pid);
}

static const volatile struct pub *
published(void)
{
	return (const volatile struct pub *)comm();
}

static void
verdict(void)
{
	note[0] = failed == 0;
}

/* ---- who may not ---- */

static void
stranger_tries(void)
{
	uint32_t pid = (uint32_t)note[5], table = (uint32_t)note[6];

	become(NOBODY);
	CHECK(request(OP_LOOK, pid, FREE_SLOT, 0, 0, 0) == -EACCES);
	CHECK(request(OP_LOOK, 1, FREE_SLOT, 0, 0, 0) < 0);
	CHECK(request(OP_LOOK, pid | 1ull << 32, FREE_SLOT, 0, 0, 0) == -ESRCH);
	for (int n = 0; n < 300; n++)
		CHECK(request(OP_LOOK, any(), any(), any(), any(), any()) < 0);
	CHECK(request(OP_PUBLISHED, pid, 0, 0, 0, 0) == 0 && published()->table[0].pfn == 0);
	for (exo_slot slot = 0; slot < SLOTS; slot++)
		CHECK(exo_pt_install(exo_self(), WINDOW | TOP, table, 0, KEY_SELF, slot) < 0);
	_exit(failed != 0);
}

static void
strangers(void)
{
	pid_t pid = victim(0);

	CHECK(request(OP_LOOK, (uint64_t)pid, FREE_SLOT, 0, 0, 0) == 0);
	exo_key_drop(FREE_SLOT, 1);
	note[5] = (uint64_t)pid;
	note[6] = published()->table[0].pfn;
	CHECK(note[6] != 0);
	note[0] = in_child(stranger_tries) == 0;
	finish(pid);
}

/* ---- who wants more ---- */

static void
more(void)
{
	pid_t pid = victim(0);
	const volatile struct sh_proc *row = row_of((uint32_t)pid);
	uint64_t window = WINDOW + base % (1ull << 39) + EXOS_PUBLIC;
	struct exo_map m = { .va = (uint64_t)note, .key = FREE_SLOT };
	uint32_t table = 0;

	CHECK(request(OP_LOOK, (uint64_t)pid, FREE_SLOT, 0, 0, 0) == 0);
	CHECK(request(OP_LOOK, (uint64_t)pid, FREE_SLOT, 0, 0, 0) < 0);	/* full */
	CHECK(request(OP_LOOK, (uint64_t)pid, ~0ull, 0, 0, 0) < 0);
	for (unsigned n = 0; n < PUB_TABLES; n++)
		if (published()->table[n].slot == base >> 39)
			table = published()->table[n].pfn;
	CHECK(exo_pt_install(exo_self(), WINDOW | TOP | EXO_PT_WRITE, table, 0, KEY_SELF,
		      FREE_SLOT) < 0);
	CHECK(exo_pt_install(exo_self(), WINDOW | TOP, table, 0, KEY_SELF, FREE_SLOT) == 0);
	m.pfn = EXO_PTE_PFN(exo_pte(window));
	CHECK(exo_frame(m.pfn)->account == row->account);
	m.op = EXO_OP_MAP | EXO_MAP_READ | EXO_MAP_WRITE;
	CHECK(exo_map(exo_self(), &m, 1, KEY_SELF) < 0);
	m.op = EXO_OP_PROTECT | EXO_MAP_READ | EXO_MAP_WRITE;
	m.va = window;
	CHECK(exo_map(exo_self(), &m, 1, KEY_SELF) < 0);
	m.op = EXO_OP_UNMAP | EXO_MAP_RELEASE;
	CHECK(exo_map(exo_self(), &m, 1, KEY_SELF) < 0);
	CHECK(exo_frame_release(m.pfn, 1, FREE_SLOT) < 0 &&
		exo_frame_release(table, 1, FREE_SLOT) < 0);
	CHECK(exo_frame_mark(m.pfn, 1, EXO_FRAME_PUBLIC, 0, FREE_SLOT) < 0);
	CHECK(exo_frame_unbind(m.pfn, 1, FREE_SLOT) < 0 &&
		exo_frame_guard(m.pfn, 1, 0, FREE_SLOT, 0) < 0);
	CHECK(exo_env_destroy(row->env, 0, FREE_SLOT) < 0 && exo_post(row->env, 1, FREE_SLOT) < 0);
	CHECK(exo_account_reap(row->account, 1, FREE_SLOT) < 0);
	CHECK(exo_key_copy(KEY_SELF, 1, row->env, 100, FREE_SLOT) < 0);
	CHECK(exo_guard_revoke(exo_frame(row->account)->guard, FREE_SLOT) < 0);
	CHECK(exo_pt_remove(exo_self(), WINDOW | TOP, KEY_SELF) == 0);
	exo_key_drop(FREE_SLOT, 1);
	CHECK(kill(pid, 0) == 0 && row->state == PROC_RUNNING);
	finish(pid);
	verdict();
}

/* ---- who lies ---- */

static void
read_all(pid_t pid)
{
	static const char *const names[] = { "environ", "auxv", "maps", "smaps", "smaps_rollup",
		"cmdline", "io", "stat", "status", "fdinfo/3", "fd/3" };
	static char text[1 << 16], path[100];

	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
		int fd;

		snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, names[n]);
		fd = open(path, O_RDONLY | O_NONBLOCK);
		while (fd >= 0 && read(fd, text, sizeof(text)) == sizeof(text))
			;
		close(fd);
	}
	for (int info = 0; info < 2; info++) {
		struct dirent *e;
		DIR *d;

		snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, info ? "fdinfo" : "fd");
		d = opendir(path);
		for (int n = 0; d && n < 20 && (e = readdir(d)); n++) {
			char name[200];

			snprintf(name, sizeof(name), "%.80s/%.40s", path, e->d_name);
			CHECK(readlink(name, text, sizeof(text)) < (long)sizeof(text));
		}
		if (d)
			closedir(d);
	}
}

/* Nothing of its library's data is what it was; it is not entered any more. */
static void
scribble(unsigned round)
{
	struct pub *pub = (struct pub *)(base + EXOS_PUBLIC);

	state += round * 0x9e3779b97f4a7c15ull;
	for (uint64_t va = base + EXOS_DATA; va < base + EXOS_STACKS && round % 3; va += PAGE) {
		uint64_t entry = exo_pte(va);

		for (unsigned n = 0;
			n < PAGE / 8 && entry & EXO_PTE_PRESENT && entry & EXO_PTE_WRITE; n++)
			if (round % 3 == 1 || any() % 16 == 0)
				((volatile uint64_t *)va)[n] = any();
	}
	for (unsigned n = 0; n < PUB_TABLES && round % 3 != 1; n++) {
		uint64_t level = any() % 4 + 1,
			 pfn = EXO_PTE_PFN(exo_pte_at(base + EXOS_DATA, (unsigned)level));

		pub->table[n].slot = any() % 2 ? (uint32_t)(base >> 39) : (uint32_t)any() % 256;
		pub->table[n].pfn =
			any() % 2 ? (uint32_t)pfn : (uint32_t)(any() % exo_info()->frames);
	}
	note[11] = 1;
	for (;;)
		;
}

static void
liars(void)
{
	for (unsigned round = 0; round < 24; round++) {
		pid_t pid;

		note[11] = 0;
		fflush(stdout);
		pid = fork();
		if (pid == 0)
			scribble(round);
		while (!note[11])
			nap(1);
		read_all(pid);
		finish(pid);
	}
	verdict();
}

/* ---- who dies: the one that is looked at, the one that looks ---- */

static void
loop_reading(void)
{
	note[11] = 1;
	for (;;)
		read_all((pid_t)note[5]);
}

static void
deaths(void)
{
	for (unsigned round = 0; round < 24; round++) {
		pid_t pid = victim(0), reader;

		note[5] = (uint64_t)pid;
		note[11] = 0;
		fflush(stdout);
		reader = fork();
		if (reader == 0)
			loop_reading();
		while (!note[11])
			nap(1);
		usleep(round * 700);
		finish(round % 2 ? pid : reader);
		read_all(pid);
		finish(round % 2 ? reader : pid);
	}
	verdict();
}

/* It forks, maps and gives back while its tables are shown elsewhere. */
static void
changes(void)
{
	uint64_t sum = 0;
	pid_t pid;
	int status;

	note[5] = (uint64_t)getpid();
	note[11] = 0;
	pid = fork();
	if (pid == 0)
		loop_reading();
	while (!note[11])
		nap(1);
	for (int n = 0; n < 150; n++) {
		size_t bytes = (size_t)(n % 7 + 1) << 20;
		volatile char *p =
			mmap(n % 3 ? NULL : (void *)(WINDOW + (uint64_t)n * (1ull << 39) / 8),
				bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		for (size_t at = 0; at < bytes; at += 3 * PAGE)
			p[at] = (char)n;
		if (n % 20 == 0 && in_child(alive) != 0)
			failed++;
		for (size_t at = 0; at < bytes; at += 3 * PAGE)
			sum += p[at] != (char)n;
		munmap((void *)p, bytes);
	}
	CHECK(sum == 0);
	kill(pid, SIGKILL);
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) &&
		WTERMSIG(status) == SIGKILL);
	verdict();
}

static const struct attack attacks[] = {
	ATTACK(strangers),
	ATTACK(more),
	ATTACK(liars),
	ATTACK(deaths),
	ATTACK(changes),
};

int
main(int argc, char **argv)
{
	return attack_each(argc, argv, attacks, sizeof(attacks) / sizeof(attacks[0]), alive, 0);
}
