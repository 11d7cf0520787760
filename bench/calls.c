/* SPDX-License-Identifier: ISC */
/*
 * Linux calls as a program sees them: an ordinary static Linux binary that
 * reads the time stamp counter around each call.  On Linux in the same QEMU
 * the same binary gives the other column (there, a null call of the kernel is
 * one that it refuses).
 *
 *   calls		instructions, under -icount
 *   calls timed	ticks of the time stamp counter
 *   calls row NAME	instructions, of one row alone
 *   calls exit		nothing: what fork and exec start
 *   calls exec T FD	how long after T this is, to FD
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "cost.h"
#include "rewritten.h"

#define PAGE 4096ul
#define EXO_CALL_NULL 0x40000000	/* of the exokernel */
#define RUNS_LONG 15u			/* of what takes milliseconds */

static char buffer[65536];
static char *self;

static void
row(const char *name, uint64_t took)
{
	printf("bench %s %llu\n", name, (unsigned long long)took);
}

static uint64_t
clock_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void
null_call(void)
{
	long nr = EXO_CALL_NULL;

	__asm__ volatile("syscall" : "+a"(nr)
				: : "rcx", "r11", "rdi", "rsi", "rdx", "r8", "r9", "r10", "memory");
}

/* ---- what needs nobody ------------------------------------------------------------ */

static void
trivial(void)
{
	struct timespec ts;
	sigset_t set;

	sigemptyset(&set);
	COST("null-call", , null_call(), );
	COST("getpid", , syscall(SYS_getpid), );
	COST("clock_gettime", , clock_gettime(CLOCK_MONOTONIC, &ts), );
	COST("sigprocmask", , sigprocmask(SIG_SETMASK, &set, NULL), );
}

/* ---- files ------------------------------------------------------------------------ */

static void
create_unlink(size_t bytes)
{
	int fd = open("/tmp/bench2", O_CREAT | O_WRONLY, 0600);

	if (bytes && write(fd, buffer, bytes) != (ssize_t)bytes)
		exit(1);
	close(fd);
	unlink("/tmp/bench2");
}

static void
files(void)
{
	struct stat st;
	int fd;

	COST("open-close", , close(open("/etc/passwd", O_RDONLY)), );
	COST("stat", , stat("/etc/passwd", &st), );
	fd = open("/tmp/bench", O_CREAT | O_RDWR | O_TRUNC, 0600);
	COST("write-4K", , pwrite(fd, buffer, 4096, 0), );
	COST("read-4K", , pread(fd, buffer, 4096, 0), );
	COST("read-1", , pread(fd, buffer, 1, 0), );
	COST("lseek", , lseek(fd, 0, SEEK_SET), );
	COST("fstat", , fstat(fd, &st), );
	COST("write-64K", , pwrite(fd, buffer, 65536, 0), );
	COST("read-64K", , pread(fd, buffer, 65536, 0), );
	close(fd);
	unlink("/tmp/bench");
	COST("create-unlink", , create_unlink(0), );
	COST("create-write-unlink", , create_unlink(1024), );
}

/* ---- pipes ------------------------------------------------------------------------ */

static void
echoes(int from, int to)
{
	char byte;

	while (read(from, &byte, 1) == 1)
		if (write(to, &byte, 1) != 1)
			break;
	_exit(0);
}

static void
pipe_close(void)
{
	int ends[2];

	if (pipe(ends))
		return;
	close(ends[0]);
	close(ends[1]);
}

static void
pair_close(void)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		return;
	close(ends[0]);
	close(ends[1]);
}

static void
pipes(void)
{
	int there[2], back[2];
	pid_t pid;

	COST("pipe-close", , pipe_close(), );
	COST("pair-close", , pair_close(), );
	if (pipe(there) || pipe(back))
		return;
	COST("pipe-1", , (write(there[1], buffer, 1), read(there[0], buffer, 1)), );
	COST("pipe-4K", , (write(there[1], buffer, 4096), read(there[0], buffer, 4096)), );
	pid = fork();
	if (pid == 0) {
		close(there[1]);
		close(back[0]);
		echoes(there[0], back[1]);
	}
	COST("pipe-round-trip", , (write(there[1], buffer, 1), read(back[0], buffer, 1)), );
	close(there[1]);
	waitpid(pid, NULL, 0);
	close(there[0]);
	close(back[0]);
	close(back[1]);
}

static void
pair_round_trip(void)
{
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		return;
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		echoes(ends[1], ends[1]);
	}
	COST("pair-round-trip", , (write(ends[0], buffer, 1), read(ends[0], buffer, 1)), );
	close(ends[0]);
	close(ends[1]);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* ---- words that processes share ----------------------------------------------------- */

static void
futex_give(_Atomic uint32_t *word)
{
	*word = 1;
	syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void
futex_take(_Atomic uint32_t *word)
{
	while (!*word)
		syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL, NULL, 0);
	*word = 0;
}

static void
futexes(void)
{
	_Atomic uint32_t *word = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = fork();

	while (pid == 0) {
		futex_take(&word[0]);
		futex_give(&word[1]);
	}
	COST("futex-round-trip", , (futex_give(&word[0]), futex_take(&word[1])), );
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	munmap((void *)word, PAGE);
}

/* One byte typed, and back as the terminal's echo. */
static void
terminal(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave;

	if (master < 0 || grantpt(master) || unlockpt(master))
		return;
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	if (slave < 0)
		return;
	COST("pty-echo", , (write(master, "a", 1), read(master, buffer, 1)), );
	close(slave);
	close(master);
}

/* ---- signals ---------------------------------------------------------------------- */

static volatile char *fault_page;

static void
ignore(int sig)
{
	(void)sig;
}

/* Makes the fault go away, as a garbage collector would. */
static void
permit(int sig)
{
	(void)sig;
	mprotect((void *)fault_page, PAGE, PROT_READ | PROT_WRITE);
}

static void
signals(void)
{
	signal(SIGUSR1, ignore);
	COST("signal-to-self", , kill(getpid(), SIGUSR1), );
	fault_page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	*fault_page = 1;
	signal(SIGSEGV, permit);
	COST("mprotect", mprotect((void *)fault_page, PAGE, PROT_READ | PROT_WRITE),
		mprotect((void *)fault_page, PAGE, PROT_READ), );
	COST("segv-mprotect", mprotect((void *)fault_page, PAGE, PROT_READ), *fault_page = 1, );
	signal(SIGSEGV, SIG_DFL);
	munmap((void *)fault_page, PAGE);
}

/* ---- page faults ------------------------------------------------------------------- */

static volatile char *
area(int fd, unsigned long pages)
{
	return mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0);
}

static void
fresh_page(void)
{
	volatile char *p = area(-1, 1);

	*p = 1;
	munmap((void *)p, PAGE);
}

/* Pages that a child has, too: written while it lives, and when it is gone. */
static void
copies(void)
{
	const unsigned long pages = runs();
	volatile char *p = area(-1, pages);
	pid_t pid;

	memset((void *)p, 1, pages * PAGE);
	pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	COST("fault-cow-copy", , p[run * PAGE] = 2, );
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	pid = fork();
	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	COST("fault-cow-alone", , p[run * PAGE] = 3, );
	munmap((void *)p, pages * PAGE);
}

static void
page_faults(void)
{
	volatile char *p;
	int fd = open(self, O_RDONLY);

	COST("fault-anonymous", p = area(-1, 1), *p = 1, munmap((void *)p, PAGE));
	COST("fault-file-read", p = area(fd, 1), (void)*p, munmap((void *)p, PAGE));
	COST("fault-file-write", p = area(fd, 1), *p = 1, munmap((void *)p, PAGE));
	close(fd);
	copies();
	COST("mmap-touch-munmap", , fresh_page(), );
}

/* ---- processes ---------------------------------------------------------------------- */

static void
fork_exit_wait(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
}

static void
spawn(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		execl(self, self, "exit", (char *)NULL);
		_exit(1);
	}
	waitpid(pid, NULL, 0);
}

/* From execve to main, C library's start included. */
static void
exec(void)
{
	uint64_t took;
	char then[32], where[16];
	int ends[2];

	if (pipe(ends))
		return;
	series.count = 0;
	for (unsigned i = 0; row_wanted("exec") && i < RUNS_LONG && i < runs(); i++) {
		pid_t pid = fork();

		if (pid == 0) {
			snprintf(where, sizeof(where), "%d", ends[1]);
			mark_begin();
			snprintf(then, sizeof(then), "%llu", (unsigned long long)now());
			execl(self, self, "exec", then, where, (char *)NULL);
			_exit(1);
		}
		if (read(ends[0], &took, sizeof(took)) == sizeof(took))
			series_add(&series, took);
		waitpid(pid, NULL, 0);
	}
	if (series.count > 0)
		series_row("exec", &series);
	close(ends[0]);
	close(ends[1]);
}

static int
execed(char **argv)
{
	uint64_t took = now() - strtoull(argv[2], NULL, 10);

	mark_end();
	return write(atoi(argv[3]), &took, sizeof(took)) != sizeof(took);
}

/* ---- threads ------------------------------------------------------------------------------ */

static sem_t ping, pong;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static volatile int over;

static void *
nothing(void *arg)
{
	return arg;
}

static void *
yields(void *arg)
{
	while (!over)
		syscall(SYS_sched_yield);
	return arg;
}

static void *
answers(void *arg)
{
	for (;;) {
		sem_wait(&ping);
		if (over)
			return arg;
		sem_post(&pong);
	}
}

static void
create_join(void)
{
	pthread_t t;

	pthread_create(&t, NULL, nothing, NULL);
	pthread_join(t, NULL);
}

static void
threads(void)
{
	pthread_t t;

	sem_init(&ping, 0, 0);
	sem_init(&pong, 0, 0);
	pthread_create(&t, NULL, yields, NULL);
	COST("thread-yield-there-and-back", , syscall(SYS_sched_yield), );
	over = 1;
	pthread_join(t, NULL);
	over = 0;
	pthread_create(&t, NULL, answers, NULL);
	COST("mutex-lock-unlock", , pthread_mutex_lock(&mutex); pthread_mutex_unlock(&mutex), );
	COST("semaphores-there-and-back", , sem_post(&ping); sem_wait(&pong), );
	over = 1;
	sem_post(&ping);
	pthread_join(t, NULL);
	COST("thread-create-join", , create_join(), );
}

static void
processes(void)
{
	const unsigned times = runs() < RUNS_LONG ? runs() : RUNS_LONG;

	COST_RUNS("fork-exit-wait", times, , fork_exit_wait(), );
	exec();
	COST_RUNS("fork-exec-exit-wait", times, , spawn(), );
}

int
main(int argc, char **argv)
{
	uint64_t from_us, begin;

	self = argv[0];
	if (argc > 1 && strcmp(argv[1], "exit") == 0)
		return 0;
	if (argc > 3)
		return execed(argv);
	if (argc > 2)
		row_only = row_number(argv[2]);
	series_timed = argc == 2;
	setvbuf(stdout, NULL, _IOFBF, 8192);
	from_us = clock_us();
	begin = now();
	baseline();
	unit();
	trivial();
	files();
	pipes();
	pair_round_trip();
	futexes();
	terminal();
	signals();
	page_faults();
	processes();
	rewritten();
	threads();
	unit();
	row("tsc-hz", (now() - begin) * 1000000 / (clock_us() - from_us));
	return 0;
}
