/* SPDX-License-Identifier: ISC */
/*
 * Processes on all processors at once, in each other's way: pipes, sockets,
 * locks, files, signals, children, each checked to the byte.  With one processor
 * it says what it says on Linux; it is meant for several.
 */
#define _GNU_SOURCE
#define CHECK_NAME "spread"
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include "check.h"

#define WORKERS 4

static int cpus;
static volatile struct shared {
	uint32_t lock, turn;
	uint64_t counter, signals, sum;
} *shared;

static void
pin(int n)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(n % cpus, &set);
	CHECK(sched_setaffinity(0, sizeof(set), &set) == 0);
}

/* f(n) in a child for each n, on CPU n; true: all ended well. */
static int
everywhere(void (*f)(int))
{
	int good = 1, status;

	fflush(stdout);
	for (int n = 0; n < WORKERS; n++) {
		if (fork() == 0) {
			pin(n);
			f(n);
			_exit(failed != 0);
		}
	}
	while (wait(&status) > 0)
		good &= status == 0;
	return good;
}

/* ---- bytes that go round --------------------------------------------------------------------- */

static unsigned char
byte_at(uint64_t at)
{
	return (unsigned char)(at * 7 + (at >> 8));
}

static int
send_all(int fd, uint64_t bytes, unsigned step)
{
	unsigned char buffer[9000];

	for (uint64_t at = 0; at < bytes;) {
		size_t n = 1 + (at * 31 + step) % sizeof(buffer);
		ssize_t done;

		n = n < bytes - at ? n : bytes - at;
		for (size_t i = 0; i < n; i++)
			buffer[i] = byte_at(at + i);
		done = write(fd, buffer, n);
		if (done <= 0)
			return 0;
		at += (uint64_t)done;
	}
	return 1;
}

static int
receive_all(int fd, uint64_t bytes)
{
	unsigned char buffer[7000];
	uint64_t at = 0;
	ssize_t n;

	while ((n = read(fd, buffer, sizeof(buffer))) > 0)
		for (ssize_t i = 0; i < n; i++)
			if (buffer[i] != byte_at(at++))
				return 0;
	return n == 0 && at == bytes;
}

#define STREAM (1u << 20)

static void
test_streams(void)
{
	for (int kind = 0; kind < 3; kind++) {
		int end[2], status = -1;
		pid_t pid;

		CHECK((kind ? socketpair(AF_UNIX, SOCK_STREAM, 0, end) : pipe(end)) == 0);
		fflush(stdout);
		pid = fork();
		if (pid == 0) {
			pin(kind + 1);
			close(end[0]);
			_exit(!send_all(end[1], STREAM, (unsigned)kind));
		}
		pin(kind == 2 ? kind + 1 : 0);
		close(end[1]);
		CHECK(receive_all(end[0], STREAM));
		close(end[0]);
		CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	}
	pin(0);
}

/* A token through pipes in a ring, over all processors. */
static void
test_ring(void)
{
	int end[WORKERS][2];
	uint64_t token = 0;

	for (int n = 0; n < WORKERS; n++)
		CHECK(pipe(end[n]) == 0);
	fflush(stdout);
	for (int n = 1; n < WORKERS; n++) {
		if (fork() == 0) {
			pin(n);
			for (int m = 0; m < WORKERS; m++) {
				if (m != n - 1)
					close(end[m][0]);
				if (m != n)
					close(end[m][1]);
			}
			while (read(end[n - 1][0], &token, 8) == 8) {
				token++;
				if (write(end[n][1], &token, 8) != 8)
					_exit(1);
			}
			_exit(0);
		}
	}
	for (int round = 0; round < 500; round++) {
		token++;
		CHECK(write(end[0][1], &token, 8) == 8);
		CHECK(read(end[WORKERS - 1][0], &token, 8) == 8);
	}
	CHECK(token == 500ull * WORKERS);
	for (int n = 0; n < WORKERS; n++)
		close(end[n][0]), close(end[n][1]);
	while (wait(NULL) > 0)
		;
}

/* ---- words, counters, locks -------------------------------------------------------------------- */

static void
futex_add(int n)
{
	for (int round = 0; round < 300; round++) {
		uint32_t was = 0;

		(void)n;
		while (!__atomic_compare_exchange_n(&shared->lock, &was, 1, 0, __ATOMIC_ACQUIRE,
			__ATOMIC_RELAXED)) {
			__atomic_store_n(&shared->turn, 1, __ATOMIC_SEQ_CST);
			syscall(SYS_futex, &shared->lock, FUTEX_WAIT, 1, NULL, NULL, 0);
			was = 0;
		}
		shared->counter = shared->counter + 1;
		__atomic_store_n(&shared->lock, 0, __ATOMIC_SEQ_CST);
		if (__atomic_exchange_n(&shared->turn, 0, __ATOMIC_SEQ_CST))
			syscall(SYS_futex, &shared->lock, FUTEX_WAKE, WORKERS, NULL, NULL, 0);
	}
}

static void
flock_add(int n)
{
	int fd = open("/tmp/spread.lock", O_RDWR | O_CREAT, 0600);
	uint64_t value;

	(void)n;
	for (int round = 0; round < 50; round++) {
		CHECK(flock(fd, LOCK_EX) == 0);
		value = 0;
		CHECK(pread(fd, &value, 8, 0) >= 0);
		value++;
		CHECK(pwrite(fd, &value, 8, 0) == 8);
		CHECK(flock(fd, LOCK_UN) == 0);
	}
}

static int event_fd;

static void
event_add(int n)
{
	uint64_t value;

	for (int round = 0; round < 200; round++) {
		value = 1;
		if (n % 2)
			CHECK(write(event_fd, &value, 8) == 8);
		else
			CHECK(read(event_fd, &value, 8) == 8 && value == 1);
	}
}

static void
test_words(void)
{
	uint64_t value = 0;
	int fd;

	CHECK(everywhere(futex_add) && shared->counter == 300 * WORKERS);
	unlink("/tmp/spread.lock");
	CHECK(everywhere(flock_add));
	fd = open("/tmp/spread.lock", O_RDONLY);
	CHECK(read(fd, &value, 8) == 8 && value == 50 * WORKERS);
	close(fd);
	unlink("/tmp/spread.lock");
	event_fd = eventfd(0, EFD_SEMAPHORE);
	CHECK(everywhere(event_add));
	close(event_fd);
}

/* ---- files ---------------------------------------------------------------------------------------- */

static void
names(int n)
{
	char own[32], moved[32];
	struct stat s;

	for (int round = 0; round < 60; round++) {
		int fd;

		snprintf(own, sizeof(own), "/tmp/spread.d/%d.%d", n, round);
		snprintf(moved, sizeof(moved), "/tmp/spread.d/m%d", n);
		fd = open(own, O_CREAT | O_EXCL | O_RDWR, 0600);
		CHECK(fd >= 0 && write(fd, own, sizeof(own)) == sizeof(own));
		CHECK(rename(own, moved) == 0);
		CHECK(stat(own, &s) == -1 && errno == ENOENT);
		CHECK(stat(moved, &s) == 0 && s.st_size == sizeof(own));
		CHECK(ftruncate(fd, 0) == 0);
		close(fd);
		CHECK(unlink(moved) == 0);
	}
}

static void
test_files(void)
{
	CHECK(mkdir("/tmp/spread.d", 0700) == 0);
	CHECK(everywhere(names));
	CHECK(rmdir("/tmp/spread.d") == 0);	/* nothing was left in it */
}

/* ---- processes -------------------------------------------------------------------------------------- */

static pid_t
vfork_exec(void)
{
	pid_t pid = vfork();

	if (pid == 0) {
		execl("/proc/self/exe", "spread", "exit", "7", (char *)NULL);
		_exit(1);
	}
	return pid;
}

static void
breed(int n)
{
	for (int round = 0; round < 15; round++) {
		int status = -1;
		pid_t pid = round % 3 == 2 ? vfork_exec() : fork();

		if (pid == 0) {
			if (round % 3 == 1)
				pin(n + 1);
			_exit(7);
		}
		CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && status == 7 << 8);
	}
}

/* Children that compute, sleep and read are killed, in whatever they are. */
static void
slaughter(int n)
{
	for (int round = 0; round < 12; round++) {
		int end[2], status = -1;
		char c;
		pid_t pid;

		CHECK(pipe(end) == 0);
		pid = fork();
		if (pid == 0) {
			pin(n + round);
			CHECK(write(end[1], "", 1) == 1);
			for (;;) {
				if (round % 3 == 1)
					pause();
				if (round % 3 == 2)
					CHECK(write(end[1], "", 1) == 1);
			}
		}
		CHECK(read(end[0], &c, 1) == 1);
		if (round % 2)
			CHECK(kill(pid, SIGSTOP) == 0 && waitpid(pid, &status, WUNTRACED) == pid
				&& WIFSTOPPED(status));
		CHECK(kill(pid, SIGKILL) == 0);
		CHECK(waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGKILL);
		close(end[0]);
		close(end[1]);
	}
}

static void
on_signal(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	__atomic_fetch_add(&shared->signals, 1, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&shared->sum, (uint64_t)info->si_value.sival_int, __ATOMIC_SEQ_CST);
}

/* Real-time signals to one that computes, from all sides: none is lost. */
static pid_t target;

static void
shoot(int n)
{
	for (int round = 0; round < 40; round++) {
		union sigval value = { .sival_int = n * 1000 + round };

		while (sigqueue(target, SIGRTMIN + n, value) == -1 && errno == EAGAIN)
			sched_yield();
	}
}

static void
test_signals(void)
{
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
	uint64_t sum = 0;
	int status;

	for (int n = 0; n < WORKERS; n++) {
		CHECK(sigaction(SIGRTMIN + n, &action, NULL) == 0);
		for (int round = 0; round < 40; round++)
			sum += (uint64_t)(n * 1000 + round);
	}
	target = fork();
	if (target == 0) {
		pin(1);
		while (shared->signals < 40 * WORKERS)
			;
		_exit(0);
	}
	fflush(stdout);
	for (int n = 0; n < WORKERS; n++) {
		if (fork() == 0) {
			pin(n);
			shoot(n);
			_exit(0);
		}
	}
	CHECK(waitpid(target, &status, 0) == target && status == 0);
	while (wait(NULL) > 0)
		;
	CHECK(shared->signals == 40 * WORKERS && shared->sum == sum);
}

/* Those that compute are spread without being told to, and what they share stays whole. */
static void
compute(int n)
{
	cpu_set_t set;
	struct timespec begin, now;
	uint64_t been = 0;

	(void)n;
	memset(&set, 0xff, sizeof(set));
	CHECK(sched_setaffinity(0, sizeof(set), &set) == 0);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	do {
		been |= 1ull << sched_getcpu();
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec - begin.tv_sec < 2 &&
		__builtin_popcountll(__atomic_or_fetch(&shared->sum, been, __ATOMIC_SEQ_CST)) <
			cpus);
}

static void
test_spreading(void)
{
	shared->sum = 0;
	pin(0);
	fflush(stdout);
	for (int n = 0; n < WORKERS; n++) {
		if (fork() == 0) {
			compute(n);
			_exit(failed != 0);
		}
	}
	for (int n = 0; n < WORKERS; n++) {
		int status = -1;

		CHECK(wait(&status) > 0 && status == 0);
	}
	CHECK(__builtin_popcountll(shared->sum) == cpus);
}

int
main(int argc, char **argv)
{
	if (argc > 2)
		return atoi(argv[2]);
	cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	test_streams();
	test_ring();
	test_words();
	test_files();
	CHECK(everywhere(breed));
	CHECK(everywhere(slaughter));
	test_signals();
	test_spreading();
	return summary();
}
