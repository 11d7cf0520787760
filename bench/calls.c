/* SPDX-License-Identifier: ISC */
/*
 * Linux calls as a program sees them: an ordinary static Linux binary that
 * reads the time stamp counter around each call.  Under -icount that counts
 * guest instructions exactly; on Linux in the same QEMU the same binary gives
 * the other column.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RUNS 9

static uint64_t base;

static inline uint64_t
now(void)
{
	uint64_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return lo | hi << 32;
}

#define COST(name, body) do { \
	uint64_t best_ = ~0ull; \
	for (int run_ = 0; run_ < RUNS; run_++) { \
		uint64_t from_ = now(), to_; \
		body; \
		to_ = now(); \
		if (to_ - from_ < best_) \
			best_ = to_ - from_; \
	} \
	printf("bench %s %llu\n", name, (unsigned long long)(best_ - base)); \
} while (0)

static void
fork_exit_wait(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
}

static void
spawn(char *self)
{
	pid_t pid = fork();

	if (pid == 0) {
		execl(self, self, "exit", (char *)NULL);
		_exit(1);
	}
	waitpid(pid, NULL, 0);
}

static void
ignore(int sig)
{
	(void)sig;
}

static void
create_unlink(void)
{
	close(open("/tmp/bench2", O_CREAT | O_WRONLY, 0600));
	unlink("/tmp/bench2");
}

static void
fresh_page(void)
{
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*(volatile char *)p = 1;
	munmap(p, 4096);
}

int
main(int argc, char **argv)
{
	static char buffer[4096];
	struct timespec ts;
	struct stat st;
	int fd, ends[2];

	if (argc > 1)
		return 0;
	setvbuf(stdout, NULL, _IOFBF, 8192);
	base = 1000;
	for (int i = 0; i < RUNS; i++) {
		uint64_t from = now(), to = now();

		if (to - from < base)
			base = to - from;
	}
	COST("getpid", syscall(SYS_getpid));
	COST("clock_gettime", clock_gettime(CLOCK_MONOTONIC, &ts));
	COST("open-close", close(open("/etc/passwd", O_RDONLY)));
	COST("stat", stat("/etc/passwd", &st));
	fd = open("/tmp/bench", O_CREAT | O_RDWR | O_TRUNC, 0600);
	COST("write-4K", pwrite(fd, buffer, 4096, 0));
	COST("read-4K", pread(fd, buffer, 4096, 0));
	COST("read-1", pread(fd, buffer, 1, 0));
	COST("lseek", lseek(fd, 0, SEEK_SET));
	close(fd);
	unlink("/tmp/bench");
	COST("create-unlink", create_unlink());
	if (pipe(ends) == 0)
		COST("pipe-write-read-1", (write(ends[1], buffer, 1), read(ends[0], buffer, 1)));
	signal(SIGUSR1, ignore);
	COST("signal-to-self", kill(getpid(), SIGUSR1));
	COST("mmap-touch-munmap", fresh_page());
	COST("fork-exit-wait", fork_exit_wait());
	COST("fork-exec-exit-wait", spawn(argv[0]));
	return 0;
}
