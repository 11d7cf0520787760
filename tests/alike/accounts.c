/* SPDX-License-Identifier: ISC */
/* What is kept about a process: files of /proc that are written, what it and its children used, flags of scheduling. */
#include "t.h"
#include <grp.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static char text[4096], path[100];

static const char *
of(pid_t pid, const char *name)
{
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return path;
}

static const char *
slurp(const char *name)
{
	int fd = open(name, O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	close(fd);
	text[n > 0 ? n : 0] = 0;
	if (n < 0)
		snprintf(text, sizeof(text), "errno %d\n", errno);
	return text;
}

static void
put(const char *name, const char *what, size_t bytes, const char *label)
{
	int fd = open(name, O_WRONLY | O_TRUNC);
	ssize_t n = fd < 0 ? -1 : write(fd, what, bytes);

	printf("%s <- %.*s: %zd %d\n", label, (int)bytes, what, n, n < 0 ? errno : 0);
	close(fd);
}

static void
names(void)
{
	char name[20] = "", thread[60];

	snprintf(thread, sizeof(thread), "/proc/self/task/%d/comm", (int)getpid());
	put("/proc/self/comm", "short", 5, "comm");
	printf("%s", slurp("/proc/self/comm"));
	put("/proc/self/comm", "with a line\n", 12, "comm");
	printf("%s", slurp("/proc/self/comm"));
	put("/proc/self/comm", "longer than sixteen characters", 30, "comm");
	printf("%s", slurp("/proc/self/comm"));
	prctl(PR_GET_NAME, name);
	printf("%s\n", name);
	put(thread, "by thread", 9, "task");
	printf("%s", slurp("/proc/self/comm"));
	put("/proc/self/comm", "", 0, "comm");
	printf("[%s]\n", slurp("/proc/self/comm"));
	put(of(getppid(), "comm"), "mine", 4, "parent's");
	put("/proc/self/stat", "1", 1, "stat");
}

static void
scores(void)
{
	static const char *const values[] = { "010", " 0x10 ", "500\n", "1001", "-1001", "ten", "",
		"5 5", "99999999999", "600" };
	static const char *const masks[] = { "0x23", "7f", "0x7f\n", "ffff", "-1", "511", "0x33" };
	int status;

	printf("%s", slurp("/proc/self/oom_score_adj"));
	printf("%s", slurp("/proc/self/coredump_filter"));
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		put("/proc/self/oom_score_adj", values[i], strlen(values[i]), "oom");
		printf("%s", slurp("/proc/self/oom_score_adj"));
	}
	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		put("/proc/self/coredump_filter", masks[i], strlen(masks[i]), "core");
		printf("%s", slurp("/proc/self/coredump_filter"));
	}
	put("/proc/self/oom_score_adj", "700", 3, "oom");
	put("/proc/self/coredump_filter", "0x1", 3, "core");
	fflush(stdout);
	if (fork() == 0) {
		printf("child %s", slurp("/proc/self/oom_score_adj"));
		printf("%s", slurp("/proc/self/coredump_filter"));
		setgroups(0, NULL);
		setresgid(1000, 1000, 1000);
		setresuid(1000, 1000, 1000);
		prctl(PR_SET_DUMPABLE, 1);
		put("/proc/self/oom_score_adj", "800", 3, "user");
		put("/proc/self/oom_score_adj", "700", 3, "user");
		put("/proc/self/oom_score_adj", "-1", 2, "user");
		put(of(getppid(), "oom_score_adj"), "900", 3, "root's");
		put(of(getppid(), "comm"), "his", 3, "root's");
		put(of(getppid(), "coredump_filter"), "3", 1, "root's");
		printf("%s", slurp("/proc/self/oom_score_adj"));
		fflush(stdout);
		_exit(0);
	}
	wait(&status);
}

static void
another(void)
{
	int p[2], status;
	pid_t pid;

	pipe(p);
	pid = fork();
	if (pid == 0) {
		char c;

		close(p[1]);
		read(p[0], &c, 1);
		_exit(0);
	}
	put(of(pid, "oom_score_adj"), "923", 3, "child");
	printf("%s", slurp(of(pid, "oom_score_adj")));
	put(of(pid, "comm"), "no", 2, "child");
	close(p[1]);
	waitpid(pid, &status, 0);
	close(p[0]);
}

/* ---- use -------------------------------------------------------------------------------------- */

static void
touch(size_t bytes)
{
	volatile char *at =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (size_t n = 0; n < bytes; n += 4096)
		at[n] = 1;
	munmap((void *)at, bytes);
}

static void
tell(const char *who, const struct rusage *u, long kib)
{
	printf("%s: rss %d faults %d waits %d\n", who,
		u->ru_maxrss >= kib - 512 && u->ru_maxrss < kib + 8192, u->ru_minflt >= kib / 64,
		u->ru_nvcsw >= 3);
}

static void
use(void)
{
	struct rusage own, one, all, before;
	int status;

	getrusage(RUSAGE_CHILDREN, &before);
	if (fork() == 0) {
		if (fork() == 0) {
			touch(32 << 20);
			_exit(0);
		}
		wait(&status);
		touch(8 << 20);
		for (int n = 0; n < 4; n++)
			usleep(1000);
		_exit(0);
	}
	wait4(-1, &status, 0, &one);
	getrusage(RUSAGE_CHILDREN, &all);
	tell("one", &one, 32 << 10);
	tell("children", &all, 32 << 10);
	printf("sum %d %d\n", all.ru_minflt - before.ru_minflt == one.ru_minflt,
		all.ru_nvcsw - before.ru_nvcsw == one.ru_nvcsw);
	touch(48 << 20);
	for (int n = 0; n < 4; n++)
		usleep(1000);
	getrusage(RUSAGE_SELF, &own);
	tell("own", &own, 48 << 10);
	fflush(stdout);
	if (fork() == 0) {
		getrusage(RUSAGE_CHILDREN, &all);
		printf("of a child %ld %ld %ld\n", all.ru_maxrss, all.ru_minflt, all.ru_nvcsw);
		fflush(stdout);
		_exit(0);
	}
	wait(&status);
}

/* stat and getrusage tell the same. */
static void
times_agree(void)
{
	struct rusage before, after;
	long long user, system, ticks[2];
	char *at;

	for (volatile int n = 0; n < 30000000; n++)
		;
	for (int n = 0; n < 2000; n++)
		getppid();
	getrusage(RUSAGE_SELF, &before);
	at = strrchr(slurp("/proc/self/stat"), ')') + 2;
	getrusage(RUSAGE_SELF, &after);
	sscanf(at, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lld %lld", &ticks[0], &ticks[1]);
	user = before.ru_utime.tv_sec * 100 + before.ru_utime.tv_usec / 10000;
	system = before.ru_stime.tv_sec * 100 + before.ru_stime.tv_usec / 10000;
	printf("stat %d %d\n", ticks[0] >= user && ticks[0] <=
			after.ru_utime.tv_sec * 100 + after.ru_utime.tv_usec / 10000,
		ticks[1] >= system &&
			ticks[1] <= after.ru_stime.tv_sec * 100 + after.ru_stime.tv_usec / 10000);
}

static long
counted(const char *key)
{
	char *at = strstr(slurp("/proc/self/io"), key);

	return at ? strtol(at + strlen(key), NULL, 10) : -1;
}

static void
bytes(void)
{
	static const char *const keys[] = { "rchar: ", "wchar: ", "syscr: ", "syscw: " };
	long before[4];
	char buffer[64];
	int fd = open("bytes", O_RDWR | O_CREAT | O_TRUNC, 0600);

	for (int i = 0; i < 4; i++)
		before[i] = counted(keys[i]);
	for (int n = 0; n < 7; n++)
		write(fd, "eleven bytes", 11);
	printf("wchar %ld syscw %ld\n", counted(keys[1]) - before[1], counted(keys[3]) - before[3]);
	before[2] = counted(keys[2]);
	for (int n = 0; n < 5; n++)
		pread(fd, buffer, 10, n);
	/* That, and the last look: until it was begun to be read. */
	printf("syscr %ld\n", counted(keys[2]) - before[2]);
	close(fd);
	unlink("bytes");
}

/* ---- scheduling --------------------------------------------------------------------------------- */

#ifndef SCHED_RESET_ON_FORK
#define SCHED_RESET_ON_FORK 0x40000000
#endif

struct attr {
	unsigned size, policy;
	unsigned long flags;
	int nice;
	unsigned priority;
	unsigned long runtime, deadline, period;
};

static void
state(const char *who)
{
	struct attr a = { 0 };

	syscall(SYS_sched_getattr, 0, &a, sizeof(a), 0);
	printf("%s: %x nice %d, attr %u %lx %d\n", who, sched_getscheduler(0),
		getpriority(PRIO_PROCESS, 0), a.policy, a.flags, a.nice);
}

static void
set(int policy)
{
	struct sched_param p = { 0 };
	long result = syscall(SYS_sched_setscheduler, 0, policy, &p);

	printf("set %x: %ld %d\n", (unsigned)policy, result, result ? errno : 0);
}

static void
attribute(unsigned policy, unsigned long flags, int nice)
{
	struct attr a = { .size = sizeof(a), .policy = policy, .flags = flags, .nice = nice };
	long result = syscall(SYS_sched_setattr, 0, &a, 0);

	printf("attr %u %lx %d: %ld %d\n", policy, flags, nice, result, result ? errno : 0);
}

static void
as_user(void)
{
	const struct rlimit limit = { 0, 0 };
	struct sched_param p = { 0 };

	setrlimit(RLIMIT_NICE, &limit);
	setresgid(1000, 1000, 1000);
	setresuid(1000, 1000, 1000);
	set(SCHED_IDLE);
	set(SCHED_IDLE);
	set(SCHED_OTHER);
	set(SCHED_BATCH | SCHED_RESET_ON_FORK);
	set(SCHED_BATCH);
	printf("param %d\n", (int)syscall(SYS_sched_setparam, 0, &p));
	attribute(SCHED_OTHER, 1, 0);
	attribute(SCHED_OTHER, 1, -5);
	attribute(SCHED_OTHER, 0, 0);
	attribute(SCHED_OTHER, 1, 5);
	attribute(SCHED_OTHER, 1, 0);
	attribute(SCHED_OTHER, 1ul << 40, 0);
	state("user");
	fflush(stdout);
	_exit(0);
}

static void
policies(void)
{
	for (int round = 0; round < 3; round++) {
		int status;

		fflush(stdout);
		if (fork() == 0) {
			if (round == 2)
				as_user();
			setpriority(PRIO_PROCESS, 0, round ? 7 : -7);
			set(SCHED_BATCH | SCHED_RESET_ON_FORK);
			state("parent");
			fflush(stdout);
			if (fork() == 0) {
				state("child");
				fflush(stdout);
				_exit(0);
			}
			wait(&status);
			set(SCHED_OTHER);
			state("again");
			fflush(stdout);
			_exit(0);
		}
		wait(&status);
	}
}

int
main(void)
{
	setvbuf(stdout, NULL, _IOFBF, 0);
	names();
	scores();
	another();
	use();
	times_agree();
	bytes();
	policies();
	return 0;
}
