/* SPDX-License-Identifier: ISC */
/* Resource limits, niceness, scheduling: of oneself, of others, as whom. */
#include "t.h"
#include <sys/personality.h>
#include <sys/prctl.h>

static void
be(uid_t uid)
{
	if (syscall(SYS_setresgid, uid, uid, uid) || syscall(SYS_setresuid, uid, uid, uid))
		_exit(99);
}

/* In a child, as this user; its end is told. */
static void
as(uid_t uid, const char *what, void (*f)(void))
{
	int status = -1;
	pid_t pid;

	printf("-- %s\n", what);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		if (uid)
			be(uid);
		f();
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status))
		printf("signal %d\n", WTERMSIG(status));
	else if (WEXITSTATUS(status))
		printf("exit %d\n", WEXITSTATUS(status));
}

static long
limit(pid_t pid, int which, long soft, long hard)
{
	struct rlimit want = { (rlim_t)soft, (rlim_t)hard };

	return syscall(SYS_prlimit64, pid, which, &want, NULL);
}

static void
limit_say(pid_t pid, int which)
{
	struct rlimit is = { 1, 1 };

	say("prlimit", syscall(SYS_prlimit64, pid, which, NULL, &is));
	printf("  %d: %ld %ld\n", which, (long)is.rlim_cur, (long)is.rlim_max);
	fflush(stdout);
}

/* What is told to whoever asks, and kept. */
static void
meaningless(void)
{
	static const int which[] = { RLIMIT_RSS, RLIMIT_LOCKS, RLIMIT_MSGQUEUE, RLIMIT_RTPRIO,
		RLIMIT_RTTIME };

	for (unsigned n = 0; n < sizeof(which) / sizeof(which[0]); n++) {
		/* As low as it may be: what it was is each system's own. */
		SAY(limit(0, which[n], 0, 0));
		limit_say(0, which[n]);
		SAY(limit(0, which[n], 1, 0));
	}
}

/* ---- who may set what ---- */

static void
rules(void)
{
	SAY(limit(0, RLIMIT_FSIZE, 1000, 2000));
	SAY(limit(0, RLIMIT_FSIZE, 2000, 1000));
	SAY(limit(0, RLIMIT_FSIZE, 1000, 3000));
	SAY(limit(0, RLIMIT_FSIZE, 2000, 2000));
	limit_say(0, RLIMIT_FSIZE);
	SAY(limit(0, 16, 1, 1));
	SAY(limit(0, -1, 1, 1));
	SAY(syscall(SYS_prlimit64, 0, RLIMIT_FSIZE, nowhere, NULL));
	SAY(syscall(SYS_prlimit64, 0, RLIMIT_FSIZE, NULL, nowhere));
	SAY(syscall(SYS_prlimit64, 0, RLIMIT_FSIZE, NULL, NULL));
	SAY(limit(99999, RLIMIT_FSIZE, 1, 1));
	limit_say(getppid(), RLIMIT_CORE);
	SAY(limit(getppid(), RLIMIT_RSS, 5000, 50000));
	SAY(limit(1, RLIMIT_CORE, 0, 0));
}

static void
kept(void)
{
	int go[2];
	pid_t pid;

	limit(0, RLIMIT_FSIZE, 1110000, 2220000);
	limit(0, RLIMIT_CPU, 1000, 2000);
	limit(0, RLIMIT_LOCKS, 7, 8);
	pipe(go);
	pid = fork();
	if (pid == 0) {
		read(go[0], &pid, 1);
		limit_say(0, RLIMIT_FSIZE);
		limit_say(0, RLIMIT_CPU);
		execl("/bin/busybox", "sh", "-c", "ulimit -t; ulimit -H -t; ulimit -x", NULL);
		_exit(1);
	}
	SAY(limit(pid, RLIMIT_LOCKS, 1, 2));
	limit_say(pid, RLIMIT_LOCKS);
	write(go[1], "", 1);
	waitpid(pid, NULL, 0);
}

/* ---- what they do ---- */

static void
descriptors(void)
{
	int fd, last = -1;

	SAY(limit(0, RLIMIT_NOFILE, 10, 20));
	while ((fd = open("/dev/null", O_RDONLY)) >= 0)
		last = fd;
	printf("last %d %s\n", last, error_name(errno));
	SAY(dup(0));
	SAY(dup2(0, 10));
	SAY(dup2(0, 9));
	SAY(fcntl(0, F_DUPFD, 10));
	SAY(fcntl(0, F_DUPFD, 9));
	SAY(limit(0, RLIMIT_NOFILE, 5, 20));
	SAY(dup2(0, 7));
	SAY(close(9));
	fflush(stdout);
	SAY(limit(0, RLIMIT_NOFILE, 20, 20));
	TRY(open("/dev/null", O_RDONLY));
}

static void
caught(int sig)
{
	printf("caught %d\n", sig);
}

static void
file_size(void)
{
	int fd = open("big", O_RDWR | O_CREAT | O_TRUNC, 0666);

	signal(SIGXFSZ, caught);
	SAY(limit(0, RLIMIT_FSIZE, 1000010, 2000000));
	SAY(lseek(fd, 1000000, SEEK_SET));
	SAY(write(fd, "0123456", 7));
	SAY(write(fd, "0123456", 7));
	SAY(write(fd, "0123456", 7));
	SAY(pwrite(fd, "x", 1, 1000050));
	SAY(ftruncate(fd, 1000010));
	SAY(ftruncate(fd, 1000011));
	SAY(truncate("big", 1005000));
	SAY(fallocate(fd, 0, 0, 1000011));
	SAY(ftruncate(fd, 3));
	SAY(lseek(fd, 0, SEEK_END));
	signal(SIGXFSZ, SIG_DFL);
	SAY(pwrite(fd, "x", 1, 1000010));
}

static void
processes(void)
{
	int many = 0, status;
	pid_t pid;

	SAY(limit(0, RLIMIT_NPROC, 4, 4));
	fflush(stdout);
	while ((pid = fork()) > 0 && many < 20)
		many++;
	if (pid == 0) {
		pause();
		_exit(0);
	}
	printf("%d more: %s\n", many, error_name(errno));
	fflush(stdout);
	signal(SIGTERM, SIG_IGN);
	kill(0, SIGTERM);
	while (wait(&status) > 0)
		;
}

static void
processes_group(void)
{
	setpgid(0, 0);
	processes();
}

/* To become somebody who has too many is allowed, to run a program then is not. */
static void
processes_exec(void)
{
	pid_t others[2];
	int ready[2];
	char byte;

	pipe(ready);
	for (int i = 0; i < 2; i++) {
		others[i] = fork();
		if (others[i] == 0) {
			be(4323);
			write(ready[1], "", 1);
			for (;;)
				pause();
		}
		read(ready[0], &byte, 1);
	}
	if (fork() == 0) {
		SAY(limit(0, RLIMIT_NPROC, 1, 1));
		SAY(syscall(SYS_setresuid, 4323, 4323, 4323));
		SAY(execl("/bin/busybox", "true", NULL));
		for (int i = 0; i < 2; i++)
			while (kill(others[i], SIGKILL) == 0)
				usleep(1000);
		for (int i = 0; i < 1000; i++) {	/* Linux counts a little late */
			execl("/bin/busybox", "sh", "-c", "echo now it is", NULL);
			usleep(1000);
		}
		_exit(1);
	}
	for (int i = 0; i < 2; i++)
		waitpid(others[i], NULL, 0);
	wait(NULL);
}

static volatile int xcpu;

static void
count(int sig)
{
	(void)sig;
	xcpu++;
}

static void
spin(void)
{
	for (;;)
		;
}

/* A signal a second, then the end. */
static void
processor(void)
{
	struct rlimit is;

	signal(SIGXCPU, count);
	limit(0, RLIMIT_CPU, 1, 10);
	while (xcpu < 1)
		;
	getrlimit(RLIMIT_CPU, &is);
	printf("%d signals, now %ld\n", xcpu, (long)is.rlim_cur);
	fflush(stdout);
	limit(0, RLIMIT_CPU, 1, 1);
	spin();
}

/* ---- niceness ---- */

static void
nice_rules(void)
{
	SAY(syscall(SYS_getpriority, PRIO_PROCESS, 0));
	SAY(setpriority(PRIO_PROCESS, 0, 5));
	SAY(syscall(SYS_getpriority, PRIO_PROCESS, 0));
	SAY(setpriority(PRIO_PROCESS, 0, 4));
	SAY(setpriority(PRIO_PROCESS, 0, 100));
	SAY(syscall(SYS_getpriority, PRIO_PROCESS, 0));
	SAY(setpriority(3, 0, 0));
	SAY(syscall(SYS_getpriority, 3, 0));
	SAY(setpriority(PRIO_PROCESS, 99999, 0));
	SAY(syscall(SYS_getpriority, PRIO_PROCESS, 99999));
	SAY(setpriority(PRIO_PROCESS, getppid(), 10));
	SAY(setpriority(PRIO_USER, 77777, 0));
	SAY(setpriority(PRIO_PGRP, 0, 19));
	SAY(syscall(SYS_getpriority, PRIO_PGRP, 0) > 0);
}

static void
nice_inherited(void)
{
	setpgid(0, 0);
	SAY(setpriority(PRIO_PGRP, 0, 7));
	if (fork() == 0) {
		SAY(syscall(SYS_getpriority, PRIO_PROCESS, 0));
		_exit(0);
	}
	wait(NULL);
	SAY(setpriority(PRIO_PROCESS, 0, -100));
	SAY(syscall(SYS_getpriority, PRIO_PROCESS, 0));
}

/* Two that are busy, one of them nice: it gets less than half of what the other gets. */
static void
nice_works(void)
{
	struct rusage used[2];
	pid_t pid[2];
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof(one), &one);
	for (int i = 0; i < 2; i++) {
		pid[i] = fork();
		if (pid[i] == 0) {
			nice(i * 19);
			spin();
		}
	}
	usleep(300000);
	for (int i = 0; i < 2; i++) {
		kill(pid[i], SIGKILL);
		wait4(pid[i], NULL, 0, &used[i]);
	}
	printf("%s\n", (used[0].ru_utime.tv_usec + used[0].ru_stime.tv_usec) / 2 >
		used[1].ru_utime.tv_usec + used[1].ru_stime.tv_usec ? "less" : "not less");
}

/* ---- scheduling ---- */

static void
policies(void)
{
	struct sched_param p = { 0 };
	static const int all[] = { 0, 1, 2, 3, 4, 5, 6, -1 };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		printf("policy %d\n", all[i]);
		SAY(syscall(SYS_sched_get_priority_max, all[i]));
		SAY(syscall(SYS_sched_get_priority_min, all[i]));
		p.sched_priority = 0;
		if (all[i] != 6)
			SAY(syscall(SYS_sched_setscheduler, 0, all[i], &p));
		SAY(syscall(SYS_sched_getscheduler, 0));
		p.sched_priority = 1;
		if (all[i] != 6)
			SAY(syscall(SYS_sched_setscheduler, 0, all[i], &p));
	}
	p.sched_priority = 9;
	SAY(syscall(SYS_sched_getparam, 0, &p));
	printf("%d\n", p.sched_priority);
	SAY(syscall(SYS_sched_getparam, 0, NULL));
	SAY(syscall(SYS_sched_getparam, -1, &p));
	SAY(syscall(SYS_sched_getparam, 99999, &p));
	SAY(syscall(SYS_sched_setparam, 0, &p));
	p.sched_priority = 3;
	SAY(syscall(SYS_sched_setparam, 0, &p));
	SAY(syscall(SYS_sched_getscheduler, -1));
	SAY(syscall(SYS_sched_getscheduler, 99999));
	SAY(syscall(SYS_sched_setscheduler, 0, 0, NULL));
	SAY(syscall(SYS_sched_setscheduler, 0, 0, nowhere));
	SAY(syscall(SYS_sched_setscheduler, getppid(), 0, &p));
	p.sched_priority = 0;
	SAY(syscall(SYS_sched_setscheduler, getppid(), 0, &p));
}

static void
affinity(void)
{
	unsigned long none = 0, first = 1;

	SAY(syscall(SYS_sched_setaffinity, 0, sizeof(none), &none));
	SAY(syscall(SYS_sched_setaffinity, 0, sizeof(first), &first));
	SAY(syscall(SYS_sched_setaffinity, 0, 0, &first));
	SAY(syscall(SYS_sched_setaffinity, 0, sizeof(first), nowhere));
	SAY(syscall(SYS_sched_setaffinity, 99999, sizeof(first), &first));
	SAY(syscall(SYS_sched_getaffinity, 0, sizeof(none), &none));
	printf("%lx\n", none);
	SAY(syscall(SYS_sched_getaffinity, 0, 7, &none));
	SAY(syscall(SYS_sched_getaffinity, 99999, sizeof(none), &none));
	SAY(sched_yield());
}

static void
io_priority(void)
{
	SAY(syscall(SYS_ioprio_get, 1, 0) > 0);
	SAY(syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 6));
	SAY(syscall(SYS_ioprio_get, 1, 0));
	SAY(syscall(SYS_ioprio_set, 1, 0, 3 << 13));
	SAY(syscall(SYS_ioprio_get, 1, 0));
	SAY(syscall(SYS_ioprio_set, 1, 0, 1 << 13));
	SAY(syscall(SYS_ioprio_set, 1, 0, 5 << 13));
	SAY(syscall(SYS_ioprio_set, 7, 0, 2 << 13));
	SAY(syscall(SYS_ioprio_get, 1, 99999));
}

static void
personalities(void)
{
	SAY(personality(0xffffffff));
	SAY(personality(ADDR_NO_RANDOMIZE));
	SAY(personality(0xffffffff));
	if (fork() == 0) {
		SAY(personality(0xffffffff));
		_exit(0);
	}
	wait(NULL);
	SAY(personality(0));
}

static void
names(void)
{
	SAY(sethostname("x", 1));
	SAY(setdomainname("x", 1));
}

int
main(void)
{
	umask(0);
	as(1000, "rules", rules);
	as(0, "meaningless", meaningless);
	as(0, "kept", kept);
	as(0, "descriptors", descriptors);
	as(0, "file size", file_size);
	as(4321, "processes", processes_group);
	as(0, "processes and exec", processes_exec);
	as(0, "processor", processor);
	as(1000, "nice rules", nice_rules);
	as(0, "nice inherited", nice_inherited);
	as(0, "nice works", nice_works);
	as(1000, "policies", policies);
	as(0, "affinity", affinity);
	as(1000, "io priority", io_priority);
	as(1000, "personality", personalities);
	as(1000, "names", names);
	return 0;
}
