/* SPDX-License-Identifier: ISC */
/* fork, exec, wait, what a process inherits and what it is told about itself. */
#define _GNU_SOURCE
#define CHECK_NAME "processes"
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <time.h>
#include "check.h"

extern char **environ;
static __thread int of_thread = 5;
static const char *self;

static void
test_identity(void)
{
	struct utsname u;
	char name[16];
	struct rlimit limit;
	struct rusage usage;
	cpu_set_t cpus;

	CHECK(getpid() > 1 && getppid() > 0 && syscall(SYS_gettid) == getpid());
	CHECK(getuid() == geteuid() && getgid() == getegid());
	CHECK(getpgrp() == getpgid(0) && getpgid(getpid()) == getpgrp() && getsid(0) > 0);
	CHECK(getpgid(999999) == -1 && errno == ESRCH);
	CHECK(uname(&u) == 0 && strcmp(u.sysname, "Linux") == 0 &&
		strcmp(u.machine, "x86_64") == 0);
	CHECK(prctl(PR_SET_NAME, "renamed") == 0 && prctl(PR_GET_NAME, name) == 0 &&
		strcmp(name, "renamed") == 0);
	CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= 256);
	CHECK(getrusage(RUSAGE_SELF, &usage) == 0);
	CHECK(sched_getaffinity(0, sizeof(cpus), &cpus) == 0 && CPU_COUNT(&cpus) >= 1);
	CHECK(setuid(getuid()) == 0 && setgid(getgid()) == 0);
	CHECK(getauxval(AT_PAGESZ) == 4096 && getauxval(AT_RANDOM) && getauxval(AT_PHDR) &&
		!getauxval(AT_SECURE));
	CHECK(syscall(9999) == -1 && errno == ENOSYS);
}

static void
test_random_and_time(void)
{
	unsigned long a[4] = { 0 }, b[4] = { 0 };
	struct timespec t0, t1, wall, nap = { 0, 30000000 };
	struct tms tms;

	CHECK(getrandom(a, sizeof(a), 0) == sizeof(a) && getrandom(b, sizeof(b), 0) == sizeof(b));
	CHECK(memcmp(a, b, sizeof(a)) != 0 && a[0] != a[1]);
	CHECK(clock_gettime(CLOCK_MONOTONIC, &t0) == 0 && nanosleep(&nap, NULL) == 0);
	CHECK(clock_gettime(CLOCK_MONOTONIC, &t1) == 0);
	CHECK((t1.tv_sec - t0.tv_sec) * 1000000000 + t1.tv_nsec - t0.tv_nsec >= 30000000);
	CHECK(clock_gettime(CLOCK_REALTIME, &wall) == 0 && wall.tv_sec > 1500000000 &&
		time(NULL) - wall.tv_sec < 2);
	t1.tv_nsec += 20000000;
	t1.tv_sec += t1.tv_nsec / 1000000000;
	t1.tv_nsec %= 1000000000;
	CHECK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t1, NULL) == 0);
	CHECK(clock_gettime(CLOCK_MONOTONIC, &t0) == 0 &&
		(t0.tv_sec > t1.tv_sec || t0.tv_nsec >= t1.tv_nsec));
	CHECK(clock_gettime(999, &t0) == -1 && errno == EINVAL);
	CHECK(times(&tms) != (clock_t)-1);
}

static void
test_fork(void)
{
	unsigned long value = 0xfedcba9876543210, got = 0;
	int status, good = 1, fds[2];
	pid_t pid;
	char c;

	of_thread = 6;
	__asm__ volatile("movq %0, %%xmm9" : : "r"(value) : "xmm9");
	pid = (pid_t)syscall(SYS_fork);
	if (pid == 0) {
		__asm__ volatile("movq %%xmm9, %0" : "=r"(got));
		_exit(of_thread == 6 && got == value && getppid() > 1 ? 3 : 4);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 3);
	CHECK(waitpid(pid, &status, 0) == -1 && errno == ECHILD);
	for (int n = 0; n < 40; n++) {
		pid = fork();
		if (pid == 0)
			_exit(n);
		good &= waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == n;
	}
	CHECK(good);
	/* many at once, and grandchildren */
	CHECK(pipe(fds) == 0);
	for (int n = 0; n < 8; n++)
		if (fork() == 0) {
			if (fork() == 0)
				_exit(write(fds[1], "g", 1) != 1);
			wait(&status);
			_exit(status != 0 || write(fds[1], "c", 1) != 1);
		}
	close(fds[1]);
	for (status = 0; read(fds[0], &c, 1) == 1; status++)
		;
	CHECK(status == 16);
	close(fds[0]);
	for (int n = 0; n < 8; n++)
		good &= wait(&status) > 0 && status == 0;
	CHECK(good && wait(&status) == -1 && errno == ECHILD);
	CHECK(pipe(fds) == 0);
	pid = fork();
	if (pid == 0) {
		read(fds[0], &c, 1);	/* it lives until it has been asked after */
		usleep(20000);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, WNOHANG) == 0 && write(fds[1], "x", 1) == 1);
	close(fds[0]);
	close(fds[1]);
	siginfo_t info = { 0 };
	CHECK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0 && info.si_pid == pid &&
		info.si_code == CLD_EXITED);
	CHECK(waitpid(pid, &status, 0) == pid);
}

static int
run(char *const argv[], char *const envp[])
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		execve(argv[0], argv, envp);
		_exit(errno);
	}
	waitpid(pid, &status, 0);
	return status;
}

static void
file_with(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0700);

	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		CHECK(0);
	fchmod(fd, mode);
	close(fd);
}

static void
test_exec(void)
{
	char *ok[] = { (char *)self, "child", "two words", "", NULL },
	     *env[] = { "A=1", "B=", NULL };
	char *script[] = { "/tmp/script", "two words", "", NULL }, *bad[] = { "/tmp/bad", NULL };
	char *nothing[] = { "/tmp/nothing", NULL }, **many = malloc(40002 * sizeof(*many)),
	     line[300];
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int status;

	CHECK(run(ok, env) == 0);
	snprintf(line, sizeof(line), "#! %s  child \n", self);
	file_with("/tmp/script", line, 0755);
	CHECK(WEXITSTATUS(run(script, env)) == 9);	/* argv: self child /tmp/script ... */
	file_with("/tmp/bad", "no program\n", 0755);
	CHECK(WEXITSTATUS(run(bad, env)) == ENOEXEC);
	file_with("/tmp/bad", "#!/tmp/nothing\n", 0755);
	CHECK(WEXITSTATUS(run(bad, env)) == ENOENT);
	file_with("/tmp/bad", "#!/tmp/bad\n", 0755);
	CHECK(WEXITSTATUS(run(bad, env)) == ELOOP);
	chmod("/tmp/bad", 0644);
	CHECK(WEXITSTATUS(run(bad, env)) == EACCES);
	CHECK(WEXITSTATUS(run(nothing, env)) == ENOENT);
	for (int n = 0; n < 40000; n++)
		many[n] = n ? "argument number something" : (char *)self;
	many[40000] = NULL;
	many[1] = "count";
	many[20000] = NULL;
	CHECK(run(many, env) == 0);
	CHECK(posix_spawn_file_actions_init(&actions) == 0);
	CHECK(posix_spawn(&pid, self, &actions, NULL, ok, env) == 0);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	pid = vfork();
	if (pid == 0) {
		execve(self, ok, env);
		_exit(1);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	free(many);
	unlink("/tmp/script");
	unlink("/tmp/bad");
}

/* What exec keeps: ignored signals, mask, pid, open files without close-on-exec; and what it drops. */
static void
inherit_child(void)
{
	char *argv[] = { (char *)self, "inherited", NULL, NULL }, number[20];
	sigset_t set;

	snprintf(number, sizeof(number), "%d", getpid());
	argv[2] = number;
	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR2, exit);
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_SETMASK, &set, NULL);
	if (open("/dev/null", O_RDONLY | O_CLOEXEC) < 0 || dup2(0, 33) != 33)
		_exit(1);
	fcntl(34, F_SETFD, FD_CLOEXEC);
	dup3(0, 34, O_CLOEXEC);
	execv(self, argv);
	_exit(2);
}

static int
inherited(const char *pid)
{
	struct sigaction one, two;
	sigset_t set;

	sigaction(SIGUSR1, NULL, &one);
	sigaction(SIGUSR2, NULL, &two);
	sigprocmask(SIG_SETMASK, NULL, &set);
	if (one.sa_handler != SIG_IGN || two.sa_handler != SIG_DFL || !sigismember(&set, SIGHUP))
		return 3;
	if (atoi(pid) != getpid() || fcntl(33, F_GETFD) != 0 || fcntl(34, F_GETFD) != -1)
		return 4;
	return 0;
}

static void
test_groups(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		setpgid(0, 0);
		for (;;)
			pause();
	}
	CHECK(setpgid(pid, pid) == 0 || errno == EACCES);
	CHECK(getpgid(pid) == pid && getpgrp() != pid);
	CHECK(kill(-pid, SIGTERM) == 0);
	CHECK(waitpid(-pid, &status, 0) == pid && WTERMSIG(status) == SIGTERM);
	pid = fork();
	if (pid == 0)
		_exit(setsid() == getpid() && getsid(0) == getpid() && setsid() == -1 ? 0 : 1);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static void
test_futex(void)
{
	struct timespec soon = { 0, 10000000 };
	int word = 1;

	CHECK(syscall(SYS_futex, &word, FUTEX_WAKE, 1, NULL) == 0);
	CHECK(syscall(SYS_futex, &word, FUTEX_WAIT, 2, NULL) == -1 && errno == EAGAIN);
	CHECK(syscall(SYS_futex, &word, FUTEX_WAIT, 1, &soon) == -1 && errno == ETIMEDOUT);
}

static long
tune(const char *value)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY);
	long n = write(fd, value, strlen(value)), error = errno;

	close(fd);
	errno = (int)error;
	return n;
}

/* What takes a capability, or a limit, that not every root has. */
static void
tuning_child(void)
{
	const struct rlimit nice = { 20, 20 };
	const struct sched_param zero = { 0 };

	CHECK(tune("-500") == 4 && tune("-200") == 4 && tune("-300") == 4);
	CHECK(setrlimit(RLIMIT_NICE, &nice) == 0);
	CHECK(setresgid(1000, 1000, 1000) == 0 && setresuid(1000, 1000, 1000) == 0);
	CHECK(prctl(PR_SET_DUMPABLE, 1) == 0);
	CHECK(tune("-299") == 4 && tune("-300") == 4);
	CHECK(tune("-301") == -1 && errno == EACCES);
	CHECK(syscall(SYS_sched_setscheduler, 0, 5, &zero) == 0);	/* SCHED_IDLE */
	CHECK(syscall(SYS_sched_setscheduler, 0, 0, &zero) == 0);
	_exit(failed != 0);
}

int
main(int argc, char **argv)
{
	self = argc && argv[0][0] == '/' ? argv[0] : "/proc/self/exe";
	if (argc > 1 && strcmp(argv[1], "child") == 0) {
		if (argc > 2 && strcmp(argv[2], "/tmp/script") == 0)
			return argc == 5 && strcmp(argv[3], "two words") == 0 && argv[4][0] == 0
				? 9
				: 2;
		return argc == 4 && strcmp(argv[2], "two words") == 0 && argv[3][0] == 0 &&
				environ[0] && strcmp(environ[0], "A=1") == 0 &&
				strcmp(environ[1], "B=") == 0 && !environ[2]
			? 0
			: 1;
	}
	if (argc > 1 && strcmp(argv[1], "count") == 0)
		return argc == 20000 && strcmp(argv[19999], "argument number something") == 0 ? 0
											      : 1;
	if (argc > 1 && strcmp(argv[1], "inherited") == 0)
		return inherited(argv[2]);
	test_identity();
	test_random_and_time();
	test_fork();
	test_exec();
	CHECK(in_child(inherit_child) == 0);
	test_groups();
	test_futex();
	CHECK(in_child(tuning_child) == 0);
	return summary();
}
