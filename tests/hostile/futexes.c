/* SPDX-License-Identifier: ISC */
/*
 * Attacks by way of futexes in shared memory: waiting for, and waking at, words
 * of files that one may not use; forged and foreign tickets; all tickets taken;
 * dying with them; numbers that mean nothing.
 */
#define _GNU_SOURCE
#define CHECK_NAME "futexes"
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include "ask.h"

#define MINE 4				/* places in note: words that honest ones wait for */

static long
futex(volatile void *word, int op, unsigned value, const struct timespec *limit)
{
	return syscall(SYS_futex, word, op, value, limit, NULL, 0);
}

static uint32_t
ino_of(const char *path)
{
	struct stat s;

	return stat(path, &s) == 0 ? (uint32_t)s.st_ino : 0;
}

/* Until the child waits: its row says so by not running any more; it has said so itself first. */
static void
settle(void)
{
	struct timespec t = { 0, 20000000 };

	nanosleep(&t, NULL);
}

/* Until there is somebody: the host may have kept him from waiting yet. */
static long
wakes(volatile void *word, unsigned count)
{
	long woken = 0;

	PATIENTLY (!woken) {
		settle();
		woken = futex(word, FUTEX_WAKE, count, NULL);
	}
	return woken;
}

/* ---- an honest pair works, whatever else goes on ------------------------------------------------- */

static void
honest(void)
{
	struct timespec limit = { 60, 0 };
	int status;
	pid_t child = fork();

	if (child == 0)
		_exit(futex(&note[MINE], FUTEX_WAIT, 0, &limit) != 0);
	CHECK(wakes(&note[MINE], 5) == 1);
	CHECK(waitpid(child, &status, 0) == child && status == 0);
}

/* ---- whose file it is ----------------------------------------------------------------------------- */

static void
foreign(void)
{
	int status, fd = open("secret", O_RDWR | O_CREAT, 0600);
	volatile unsigned *word;
	uint32_t ino = ino_of("secret");
	pid_t waits, child;

	CHECK(fd >= 0 && ftruncate(fd, PAGE) == 0 && ino != 0);
	word = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(word != MAP_FAILED);
	waits = fork();
	if (waits == 0) {
		struct timespec limit = { 1, 0 };

		_exit(futex(word, FUTEX_WAIT, 0, &limit) == 0 ? 1 : 2);
	}
	settle();
	child = fork();
	if (child == 0) {
		note[1] = 0;
		munmap((void *)word, PAGE);	/* what is open or mapped stays usable */
		close(fd);
		if (setgid(1000) || setuid(1000))
			_exit(1);
		note[1] += request(OP_FUTEX_WAKE, ino, 0, ~0u, 0, 100) == -EACCES;
		note[1] += request(OP_FUTEX_WAIT, ino, 0, ~0u, 0, 0) == -EACCES;
		for (unsigned slot = 0; slot < 64; slot++)
			note[1] += request(OP_FUTEX_WAKE, ino, 0, ~0u, slot, 100) == -EACCES;
		note[1] += request(OP_FUTEX_WAKE, 1ull << 40 | ino, 0, ~0u, 0, 100) == -EACCES;
		note[1] += request(OP_FUTEX_WAKE, 0xffffffff, 0, ~0u, 0, 100) == -EACCES;
		note[1] += request(OP_FUTEX_WAIT, 0, 0, ~0u, 0, 0) == -EACCES;
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	CHECK(note[1] == 69);
	CHECK(waitpid(waits, &status, 0) == waits && WEXITSTATUS(status) == 2);	/* nobody woke it */
	munmap((void *)word, PAGE);
	close(fd);
	unlink("secret");
}

/* ---- tickets that are not one's own ------------------------------------------------------------------ */

static void
tickets(void)
{
	struct timespec limit = { 1, 0 };
	struct exo_msg m = { .rsi = OP_FUTEX_WAIT, .r9 = ~0u };
	uint32_t ino;
	int status, fd = open("shared", O_RDWR | O_CREAT, 0666);
	pid_t waits, child;
	volatile unsigned *word;
	long ticket;

	CHECK(fd >= 0 && ftruncate(fd, PAGE) == 0);
	ino = ino_of("shared");
	word = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	m.rdx = ino;
	ticket = ask(&m);
	CHECK(ticket >= 0 && m.rdx + 8 < 1ull << 30);
	CHECK(*(const volatile uint64_t *)((uint64_t)shared + m.rdx) == m.r8);
	waits = fork();
	if (waits == 0)
		_exit(futex(word, FUTEX_WAIT, 0, &limit) == 0 ? 1 : 2);
	settle();
	child = fork();
	if (child == 0) {		/* it ends none of them: not by number, nor by what it sees */
		note[2] = 0;
		for (uint64_t n = 0; n < SH_FUTEXES + 8; n++)
			for (uint64_t serial = 0; serial < 4; serial++)
				note[2] += request(OP_FUTEX_END, n, serial, 0, 0, 0) == 0;
		note[2] += request(OP_FUTEX_END, (uint64_t)ticket, m.r8, 0, 0, 0) == 0;
		note[2] += request(OP_FUTEX_END, ~0ull, m.r8, 0, 0, 0) == 0;
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child && status == 0 && note[2] == 0);
	CHECK(request(OP_FUTEX_END, (uint64_t)ticket, m.r8 + 1, 0, 0, 0) == 1);
	CHECK(request(OP_FUTEX_END, (uint64_t)ticket, m.r8, 0, 0, 0) == 0);
	CHECK(request(OP_FUTEX_END, (uint64_t)ticket, m.r8, 0, 0, 0) == 1);	/* once */
	CHECK(waitpid(waits, &status, 0) == waits && WEXITSTATUS(status) == 2);
	CHECK(request(OP_FUTEX_WAIT, ino, 0, 0, 0, 0) == -EINVAL);	/* no bits */
	CHECK(request(OP_FUTEX_WAKE, ino, 0, ~0u, 0, 0) == 0);
	CHECK(request(OP_FUTEX_WAKE, ino, ~0ull, ~0u, 0, ~0ull) == 0);
	munmap((void *)word, PAGE);
	close(fd);
	unlink("shared");
}

/* ---- all of them ---------------------------------------------------------------------------------------- */

/* A user who takes what he can get leaves others some, and his end gives all back. */
static void
greedy(void)
{
	for (unsigned round = 0; round < 3; round++) {
		int status, fd = open("many", O_RDWR | O_CREAT, 0666);
		uint32_t ino = ino_of("many");
		pid_t child;

		CHECK(fd >= 0 && fchmod(fd, 0666) == 0 && ftruncate(fd, PAGE) == 0);
		child = fork();
		if (child == 0) {
			uint64_t taken = 0;

			if (setgid(1000) || setuid(1000))
				_exit(1);
			while (taken < SH_FUTEXES &&
				request(OP_FUTEX_WAIT, ino, taken % 3, 1, 0, 0) >= 0)
				taken++;
			note[3] = taken;
			if (fork() == 0) {	/* another of his processes gets none either */
				note[3] += request(OP_FUTEX_WAIT, ino, 0, 1, 0, 0) >= 0;
				_exit(0);
			}
			wait(NULL);
			pause();
		}
		PATIENTLY (note[3] == 0)
			settle();
		settle();
		CHECK(note[3] > 0 && note[3] < SH_FUTEXES);
		honest();
		if (round == 1)		/* woken, they are free */
			CHECK(request(OP_FUTEX_WAKE, ino, 0, 1, 0, ~0ull) == FUTEX_WAKES);
		kill(child, SIGKILL);
		CHECK(waitpid(child, &status, 0) == child);
		CHECK(request(OP_FUTEX_WAKE, ino, 0, 1, 0, ~0ull) == 0);
		note[3] = 0;
		close(fd);
		unlink("many");
	}
}

/* ---- dying while one waits and wakes ------------------------------------------------------------------------ */

static void *
waiter(void *arg)
{
	for (;;)
		futex(&note[MINE + 1], FUTEX_WAIT, 0, NULL);
	return arg;
}

static void
dying(void)
{
	for (unsigned n = 0; n < 10; n++) {
		struct timespec t = { 0, 1000000 * (long)n };
		int status;
		pid_t child = fork();

		if (child == 0) {
			pthread_t t2;

			for (unsigned k = 0; k < 4; k++)
				pthread_create(&t2, NULL, waiter, NULL);
			for (;;)
				futex(&note[MINE + 1], FUTEX_WAKE, 2, NULL);
		}
		nanosleep(&t, NULL);
		kill(child, SIGKILL);
		CHECK(waitpid(child, &status, 0) == child && WTERMSIG(status) == SIGKILL);
	}
	CHECK(futex(&note[MINE + 1], FUTEX_WAKE, 1000, NULL) == 0);
	honest();
}

/* What wakes are spared by: nobody is counted who was killed, woken or gave up. */
static void
counted(void)
{
	const volatile struct sh_info *info = (const volatile struct sh_info *)shared;

	for (unsigned n = 0; n < FUTEX_GROUPS; n++)
		CHECK(info->futex_waiters[n] == 0);
}

/* ---- nonsense ---------------------------------------------------------------------------------------------------- */

static void
nonsense(void)
{
	uint64_t state = 88172645463325252ull;

	for (unsigned n = 0; n < 3000; n++) {
		uint64_t a[5];

		for (unsigned i = 0; i < 5; i++) {
			state ^= state << 13, state ^= state >> 7, state ^= state << 17;
			a[i] = state >> (state % 64);
		}
		request(OP_FUTEX_WAIT + n % 3, a[0], a[1], a[2], a[3], a[4]);
	}
	honest();
}

int
main(void)
{
	CHECK(client_begin());
	honest();
	foreign();
	tickets();
	greedy();
	dying();
	counted();
	nonsense();
	return summary();
}
