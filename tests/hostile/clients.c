/* SPDX-License-Identifier: ISC */
/*
 * Processes that call the kernel and the server behind their library's back.
 * Each attack is a child's; what counts is that the others notice nothing: the
 * parent goes on making processes, files and pipes, and what the child had
 * taken comes back.
 */
#define _GNU_SOURCE
#define CHECK_NAME "clients"
#include <fcntl.h>
#include <sys/stat.h>
#include "ask.h"

#define ANY_SLOT 100u			/* of the key ring: the library takes the lowest free */

static exo_pfn
pfn_at(uint64_t va)
{
	return EXO_PTE_PFN(exo_pte(va));
}

static exo_pfn
account(void)
{
	return row_of((uint32_t)getpid())->account;
}

static void
nothing(void)
{
}

/* Processes, files and pipes as ever. */
static void
check_alive(void)
{
	char byte = 0;
	int fd, p[2];

	CHECK(in_child(nothing) == 0);
	fd = open("/tmp/alive", O_RDWR | O_CREAT | O_TRUNC, 0600);
	CHECK(fd >= 0 && write(fd, "x", 1) == 1 && unlink("/tmp/alive") == 0 && close(fd) == 0);
	CHECK(pipe(p) == 0 && write(p[1], "y", 1) == 1 && read(p[0], &byte, 1) == 1 && byte == 'y');
	close(p[0]);
	close(p[1]);
}

/* ---- pages that the server has mapped, too ---- */

static void
releases(uint64_t va, uint64_t marks)
{
	volatile char *comm = (volatile char *)(base + EXOS_COMM);
	exo_pfn pfn = pfn_at(va);

	strcpy((char *)comm, "hostile");
	request(OP_FS_CREATE, 1, S_IFREG | 0600, 0, 0, 0);
	if (marks)
		exo_frame_mark(pfn, 1, marks, 0, KEY_SELF);
	exo_frame_release(pfn, 1, KEY_SELF);
	exo_frame_unbind(pfn, 100, KEY_SELF);
	/* Whose last name goes: the server looks at all public pages. */
	request(OP_FS_UNLINK, 1, 0, 0, 0, 0);
	request(OP_SETNAME, 0, 0, 0, 0, 0);
	request(OP_FS_CREATE, 1, S_IFREG | 0600, 0, 0, 0);
	_exit(0);
}

static void
comm_released(void)
{
	releases(base + EXOS_COMM, 0);
}

static void
comm_inherited(void)
{
	releases(base + EXOS_COMM, EXO_FRAME_HEIR);
}

static void
public_released(void)
{
	releases(base + EXOS_PUBLIC, 0);
}

/* ---- what is made below a process ---- */

static exo_pfn
claimed(exo_pfn from, uint64_t count)
{
	for (int try = 0; try < 1000; try++) {
		exo_pfn pfn = exo_frame_find(0, count);

		if (exo_frame_claim_all(pfn, count, from, 0, KEY_SELF, 0) == (int64_t)count)
			return pfn;
	}
	_exit(1);
}

/* An environment that nobody but us knows of, and an account with something in it. */
static void
hide(exo_pfn at)
{
	exo_pfn pfn = claimed(at, 5);
	struct exo_env_spec spec = {
		.slot = exo_env_find_slot(), .k_account = KEY_SELF, .account = at, .env_frame = pfn,
		.root_frame = pfn + 1, .root_links = pfn + 2, .ring_frame = pfn + 4,
	};

	note[1] += exo_env_create(&spec) > 0;
}

static void
hidden(void)
{
	exo_pfn outer = account();

	note[0] = note[1] = 0;
	request(OP_MEMORY, 2000, outer, 0, 0, 0);
	hide(outer);
	for (unsigned depth = 0; depth < 4; depth++) {
		exo_pfn inner = claimed(outer, 1), other = claimed(outer, 1);

		exo_account_create(other, outer, 100, 0, KEY_SELF, 0);
		claimed(other, 50);
		exo_account_create(inner, outer, 1000 - depth * 200, 0, KEY_SELF, 0);
		hide(inner);
		outer = inner;
	}
	note[0] = note[1] == 5;
	_exit(0);
}

static void
hoard(void)
{
	for (uint64_t frames = 1 << 15; frames; frames /= 2)
		while (request(OP_MEMORY, frames, account(), 0, 0, 0) > 0)
			;
}

/* All there is to be had, and nothing of it used: others' pipes find memory all the same. */
static void
hoards(void)
{
	int p[2];
	pid_t pid;

	note[1] = 0;
	pid = fork();
	if (pid == 0) {
		hoard();
		note[1] = 1;
		for (;;)
			pause();
	}
	while (!note[1])
		nap(1);
	note[0] = pipe(p) == 0;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	_exit(0);
}

/* So do a hoarder's own children, born before and after. */
static void
hoards_from_child(void)
{
	const pid_t hoarder = fork();
	pid_t pid;

	if (hoarder == 0) {
		int p[2];

		for (unsigned late = 0; late < 2; late++) {
			note[1] = 0;
			if (late)
				hoard();
			pid = fork();
			if (pid == 0) {
				while (!note[1])
					nap(1);
				_exit(pipe(p) == 0 ? 0 : 1);
			}
			if (!late)
				hoard();
			note[1] = 1;
			waitpid(pid, (int *)&note[2 + late], 0);
			note[4 + late] = pid > 0;
		}
		_exit(pipe(p) == 0 ? 0 : 1);
	}
	waitpid(hoarder, (int *)&note[6], 0);
	note[0] = (int)note[2] == 0 && (int)note[3] == 0 && note[4] && note[5] && (int)note[6] == 0;
	if (!note[0])
		printf("early %x, late %x, forked %lu %lu, hoarder %x\n", (int)note[2],
			(int)note[3], note[4], note[5], (int)note[6]);
	fflush(stdout);
	_exit(0);
}

/* Who took all memory is dead: it comes back step by step, and who asks in between gets his. */
static void
after_death(void)
{
	const volatile struct sh_proc *row;
	int p[2], made = 0;
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			noise(mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
				64 * PAGE);
	note[0] = 1;
	row = row_of((uint32_t)pid);
	while (made < 20) {
		const bool dead = row->state == PROC_ZOMBIE;
		const bool got = pipe(p) == 0 || (errno != ENFILE && errno != ENOMEM);

		note[0] &= !dead || got;
		made += dead;
		if (got && !dead) {
			close(p[0]);
			close(p[1]);
		}
	}
	waitpid(pid, NULL, 0);
	_exit(0);
}

/* ---- what is everybody's ---- */

static void
session(void)
{
	exo_pfn pfn = exo_frame_find(0, 1);

	for (exo_slot slot = 0; slot < 16; slot++) {
		note[0] &= exo_frame_claim(pfn, 1, shared->session_account, 0, slot, 0) < 0;
		note[0] &= exo_account_limit(account(), 1, slot) < 0;
		note[0] &= exo_account_reap(shared->session_account, 1, slot) < 0;
	}
	_exit(0);
}

/* ---- slices ---- */

static bool
has_slice(pid_t pid)
{
	const exo_envid env = row_of((uint32_t)pid)->env;

	for (uint32_t n = 0; n < EXO_SLICES_CPU; n++)
		if (exo_slice(0, n)->owner == env)
			return true;
	return false;
}

/* What is left of the slice may be too short for another word to anybody. */
static void
gives_slice_up(void)
{
	for (uint32_t n = 0; n < EXO_SLICES_CPU; n++)
		if (exo_slice(0, n)->owner == row_of((uint32_t)getpid())->env)
			exo_slice_release(0, n, 0);
	for (;;)
		;
}

/* A process without a slice ends; its old one is another's by now. */
static void
slice_of_another(void)
{
	pid_t a, v;

	note[0] = note[1] = 0;
	a = fork();
	if (a == 0)
		gives_slice_up();
	while (has_slice(a))
		nap(1);
	v = fork();
	if (v == 0) {
		for (int n = 0; n < 20; n++)
			nap(5);
		note[1] = 1;
		_exit(0);
	}
	nap(20);
	kill(a, SIGKILL);
	waitpid(a, NULL, 0);
	PATIENTLY (!note[1])
		nap(20);
	note[0] = note[1];
	_exit(0);
}

static unsigned
slices_taken(void)
{
	unsigned count = 0;

	for (uint32_t n = 0; n < EXO_SLICES_CPU; n++)
		count += exo_slice(0, n)->owner != 0;
	return count;
}

static void
passes_slice_on(void)
{
	for (uint32_t n = 0; n < EXO_SLICES_CPU; n++)
		if (exo_slice(0, n)->owner == row_of((uint32_t)getpid())->env)
			exo_slice_pass(0, n, shared->server, 0);
	_exit(0);
}

/* Given to somebody who stays, a slice would outlive the process: there are only so many. */
static void
slices_passed_on(void)
{
	unsigned before = slices_taken();

	for (int n = 0; n < 20; n++) {
		pid_t pid = fork();

		if (pid == 0)
			passes_slice_on();
		nap(10);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	note[0] = slices_taken() <= before;
	_exit(0);
}

/* ---- children that are being built ---- */

/* A key bound to the child's guard while that was open to us. */
static void
keeps_a_key(void)
{
	struct exo_msg answer = { .rsi = OP_FORK_BEGIN };
	long pid = ask(&answer);
	exo_envid env = answer.rdx;
	exo_pfn theirs = answer.r8, pfn = claimed(theirs, 2);

	note[0] &= exo_key_bind(exo_env(env)->guard, EXO_RIGHTS_ALL, KEY_SELF, ANY_SLOT) == 0;
	note[0] &= request(OP_FORK_DONE, pid, pfn, pfn + 1, 0, 0) == 0;
	note[0] &= exo_account_reap(theirs, 1, ANY_SLOT) < 0 &&
		exo_frame_release(pfn, 1, ANY_SLOT) < 0 && exo_env_destroy(env, 0, ANY_SLOT) < 0 &&
		exo_account_reap(theirs, 1, KEY_SELF) < 0;
	kill((pid_t)pid, SIGKILL);
	waitpid((pid_t)pid, NULL, 0);
	_exit(0);
}

/* Pages for the child that are not the child's. */
static void
pages_of_others(void)
{
	const exo_pfn own = pfn_at(base + EXOS_COMM);
	const exo_pfn pages[] = { 0, 1, exo_info()->archive_pfn, shared->session_account, own,
		~0ull };

	for (unsigned n = 0; n < sizeof(pages) / sizeof(pages[0]); n++) {
		long pid = request(OP_FORK_BEGIN, 0, 0, 0, 0, 0);

		note[0] &= pid > 0 && request(OP_FORK_DONE, pid, pages[n], pages[n], 0, 0) < 0;
	}
	_exit(0);
}

static void
begins(void)
{
	uint64_t count = 0;

	while (request(OP_FORK_BEGIN, 0, 0, 0, 0, 0) > 0)
		count++;
	note[0] = count > 100;
	_exit(0);
}

/* ---- requests with anything in them ---- */

static uint64_t state = 88172645463325252ull;

static uint64_t
any(void)
{
	static const uint64_t odd[] = { 0, 1, 2, ~0ull, 1ull << 63, 1ull << 32, 0xffffffff, 4096,
		1ull << 47 };

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % 3 ? odd[state / 3 % (sizeof(odd) / sizeof(odd[0]))] : state >> (state % 60);
}

static void
requests(void)
{
	volatile uint64_t *comm = (volatile uint64_t *)(base + EXOS_COMM);

	for (int n = 0; n < 20000; n++) {
		uint64_t op = any() % 160;

		/*
		 * Not to end, stop, limit, send away or slow down us or the others, as user 0 may, nor to
		 * fill the disk.
		 */
		if (op == OP_EXIT || op == OP_KILL || op == OP_STOPPED || op == OP_FS_EXTEND ||
			op == OP_FORK_BEGIN || op == OP_TTY_SET || op == OP_OBJECT_NEW ||
			op == OP_FS_UNLINK || op == OP_LIMIT || op == OP_PRIORITY ||
			op == OP_CPU_MORE || op == OP_CPU_LESS)
			continue;
		comm[any() % 512] = any();
		request(op, any(), any(), any(), 0, 0);
	}
	_exit(0);
}

/* ---- all of that at once, ended at any moment ---- */

static void
one_of_them(unsigned which)
{
	state ^= which * 0x9e3779b97f4a7c15ull;
	if (which % 7 == 0)
		comm_released();
	if (which % 7 == 1)
		public_released();
	if (which % 7 == 2)
		hidden();
	if (which % 7 == 3)
		begins();
	requests();
}

static void
storm(void)
{
	for (unsigned round = 0; round < 15; round++) {
		pid_t pid[12];

		for (unsigned n = 0; n < 12; n++) {
			pid[n] = fork();
			if (pid[n] == 0)
				one_of_them(round * 13 + n);
		}
		nap(round % 7 * 4);
		for (unsigned n = 0; n < 12; n++) {
			if (pid[n] < 0)
				continue;
			kill(pid[n], SIGKILL);
			waitpid(pid[n], NULL, 0);
		}
	}
	note[0] = 1;
	_exit(0);
}

static const struct attack attacks[] = {
	ATTACK(nothing),
	ATTACK(comm_released),
	ATTACK(comm_inherited),
	ATTACK(public_released),
	ATTACK(hidden),
	ATTACK(hoards),
	ATTACK(hoards_from_child),
	ATTACK(after_death),
	ATTACK(session),
	ATTACK(slice_of_another),
	ATTACK(slices_passed_on),
	ATTACK(keeps_a_key),
	ATTACK(pages_of_others),
	ATTACK(begins),
	ATTACK(requests),
	ATTACK(storm),
};

int
main(int argc, char **argv)
{
	/* An attack that says nothing has succeeded in nothing. */
	return attack_each(argc, argv, attacks, sizeof(attacks) / sizeof(attacks[0]), check_alive,
		1);
}
