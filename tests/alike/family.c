/* SPDX-License-Identifier: ISC */
/* Parents and children: wait in all forms, orphans, groups, sessions, clone. */
#include "t.h"
#include <sys/prctl.h>

#define CLONE3 435

static void
status_say(const char *what, int status)
{
	printf("%s: %s %d\n", what, WIFEXITED(status) ? "exit" : WIFSIGNALED(status) ? "signal"
		: WIFSTOPPED(status) ? "stopped" : WIFCONTINUED(status) ? "continued" : "?",
		WIFEXITED(status) ? WEXITSTATUS(status) : WIFSIGNALED(status) ? WTERMSIG(status)
		: WIFSTOPPED(status) ? WSTOPSIG(status) : 0);
	fflush(stdout);
}

static void
in_child(const char *what, void (*f)(void))
{
	int status = 0;
	pid_t pid;

	printf("-- %s\n", what);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		f();
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	if (status)
		status_say(what, status);
}

static pid_t
exits(int status)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(status);
	return pid;
}

static pid_t
pauses(void)
{
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	return pid;
}

/* ---- waitid ---- */

static void
id_say(const char *what, int kind, pid_t id, int options, pid_t pid)
{
	siginfo_t info;
	struct rusage used;

	memset(&info, 0x55, sizeof(info));
	say(what, syscall(SYS_waitid, kind, id, &info, options, &used));
	printf("  signo %d code %d status %d pid %s uid %d\n", info.si_signo, info.si_code,
		info.si_status,
		info.si_pid == pid    ? "his"
			: info.si_pid ? "?"
				      : "0",
		info.si_uid);
	fflush(stdout);
}

static void
ids(void)
{
	pid_t pid = exits(7);

	id_say("nowait", P_ALL, 0, WEXITED | WNOWAIT, pid);
	id_say("nowait again", P_PID, pid, WEXITED | WNOWAIT, pid);
	id_say("stopped only", P_PID, pid, WSTOPPED | WNOHANG, pid);
	id_say("group", P_PGID, getpgrp(), WEXITED | WNOWAIT, pid);
	id_say("group 0", P_PGID, 0, WEXITED, pid);
	id_say("gone", P_PID, pid, WEXITED, pid);
	SAY(syscall(SYS_waitid, P_PID, 0, NULL, WEXITED, NULL));
	SAY(syscall(SYS_waitid, P_PID, -1, NULL, WEXITED, NULL));
	SAY(syscall(SYS_waitid, P_PGID, -1, NULL, WEXITED, NULL));
	SAY(syscall(SYS_waitid, 9, 1, NULL, WEXITED, NULL));
	SAY(syscall(SYS_waitid, P_ALL, 0, NULL, 0, NULL));
	SAY(syscall(SYS_waitid, P_ALL, 0, NULL, WEXITED | 0x100, NULL));
	SAY(syscall(SYS_waitid, 3, -1, NULL, WEXITED, NULL));
	SAY(syscall(SYS_waitid, 3, 0, NULL, WEXITED, NULL));
	SAY(syscall(SYS_wait4, 0x80000000, NULL, 0, NULL));
	SAY(syscall(SYS_wait4, -99999, NULL, 0, NULL));
	pid = pauses();
	id_say("nothing yet", P_ALL, 0, WEXITED | WNOHANG, pid);
	kill(pid, SIGSTOP);
	id_say("stopped", P_PID, pid, WSTOPPED | WNOWAIT, pid);
	id_say("stopped", P_PID, pid, WSTOPPED, pid);
	id_say("told", P_PID, pid, WSTOPPED | WNOHANG, pid);
	kill(pid, SIGCONT);
	id_say("continued", P_PID, pid, WCONTINUED, pid);
	kill(pid, SIGKILL);
	id_say("killed", P_ALL, 0, WEXITED, pid);
}

static void
pidfd(void)
{
	pid_t pid = exits(3);
	int fd = syscall(434, pid, 0);

	id_say("pidfd", 3, fd, WEXITED | WNOWAIT, pid);
	id_say("pidfd", 3, fd, WEXITED, pid);
	id_say("pidfd gone", 3, fd, WEXITED, pid);
	close(fd);
	pid = pauses();
	fd = syscall(434, pid, O_NONBLOCK);
	SAY(syscall(SYS_waitid, 3, fd, NULL, WEXITED, NULL));
	SAY(syscall(SYS_waitid, 3, fd, NULL, WEXITED | WNOHANG, NULL));
	kill(pid, SIGKILL);
	wait(NULL);
}

/* ---- children nobody asks for ---- */

static volatile int children;

static void
child_ended(int sig)
{
	(void)sig;
	children++;
}

static void
ignored(void)
{
	struct sigaction a = { .sa_handler = child_ended, .sa_flags = SA_NOCLDWAIT };

	signal(SIGCHLD, SIG_IGN);
	exits(1);
	exits(2);
	SAY(wait(NULL));
	sigaction(SIGCHLD, &a, NULL);
	exits(1);
	SAY(syscall(SYS_wait4, -1, NULL, 0, NULL));
	printf("%s told\n", children ? "was" : "not");
	signal(SIGCHLD, SIG_DFL);
	exits(4);
	SAY(wait(NULL) > 0);
}

/* ---- orphans ---- */

static void
told(const char *what)
{
	printf("%s\n", what);
	fflush(stdout);
}

/* A grandchild whose parent is gone. */
static void
orphan(void)
{
	int p[2];
	char byte;

	pipe(p);
	if (fork() == 0) {
		pid_t parent = getpid();

		if (fork() == 0) {
			while (getppid() == parent)
				usleep(1000);
			told(getppid() == 1 ? "adopted by 1" : "adopted");
			_exit(0);
		}
		_exit(0);
	}
	wait(NULL);
	close(p[1]);
	read(p[0], &byte, 1);
}

static void
subreaper(void)
{
	pid_t me = getpid();
	int status = 0;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (fork() == 0) {
		pid_t parent = getpid();

		if (fork() == 0) {
			while (getppid() == parent)
				usleep(1000);
			_exit(getppid() == me ? 9 : 8);
		}
		_exit(0);
	}
	wait(&status);
	status_say("child", status);
	wait(&status);
	status_say("grandchild", status);
	SAY(wait(NULL));
}

static void
death_signal(void)
{
	int p[2], q[2];
	char byte = 0;

	pipe(p);
	pipe(q);
	if (fork() == 0) {
		if (fork() == 0) {
			sigset_t set;
			siginfo_t info;

			sigemptyset(&set);
			sigaddset(&set, SIGUSR1);
			sigprocmask(SIG_BLOCK, &set, NULL);
			prctl(PR_SET_PDEATHSIG, SIGUSR1);
			write(p[1], "", 1);
			sigwaitinfo(&set, &info);
			printf("told %d code %d\n", info.si_signo, info.si_code);
			fflush(stdout);
			write(q[1], "", 1);
			_exit(0);
		}
		read(p[0], &byte, 1);
		_exit(0);
	}
	read(q[0], &byte, 1);
	wait(NULL);
}

/* A stopped job whose shell goes. */
static void
orphaned_group(void)
{
	int p[2];
	char byte = 0;

	pipe(p);
	if (fork() == 0) {
		pid_t job;

		setsid();
		job = fork();
		if (job == 0) {
			setpgid(0, 0);
			signal(SIGHUP, SIG_IGN);
			write(p[1], "", 1);
			raise(SIGSTOP);
			told("goes on");
			_exit(0);
		}
		read(p[0], &byte, 1);
		waitpid(job, NULL, WUNTRACED);
		_exit(0);
	}
	wait(NULL);
	close(p[1]);
	read(p[0], &byte, 1);
}

/* ---- groups and sessions ---- */

static void
groups(void)
{
	int p[2], q[2];
	char byte;
	pid_t pid;

	pipe(p);
	pipe(q);
	SAY(setpgid(0, -1));
	SAY(setpgid(99999, 0));
	SAY(setpgid(0, 99999));
	SAY(setpgid(getppid(), 0));
	SAY(setpgid(0, 0));
	SAY(setpgid(0, 0));
	SAY(setsid());
	pid = fork();
	if (pid == 0) {
		write(p[1], "", 1);
		read(q[0], &byte, 1);
		SAY(setsid() == getpid());
		SAY(getpgrp() == getpid());
		SAY(getsid(0) == getpid());
		SAY(setpgid(0, 0));
		SAY(setsid());
		write(p[1], "", 1);
		pause();
	}
	read(p[0], &byte, 1);
	SAY(setpgid(pid, pid));
	SAY(getpgid(pid) == pid);
	SAY(setpgid(pid, getpgrp()));
	write(q[1], "", 1);
	read(p[0], &byte, 1);
	SAY(setpgid(pid, getpgrp()));
	SAY(setpgid(0, pid));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	pid = fork();
	if (pid == 0) {
		dup2(p[1], 1);
		dup2(q[0], 0);
		execl("/bin/busybox", "sh", "-c", "echo; read x", NULL);
	}
	read(p[0], &byte, 1);
	SAY(setpgid(pid, pid));
	write(q[1], "\n", 1);
	waitpid(pid, NULL, 0);
	SAY(getpgid(99999));
	SAY(getsid(99999));
}

/* ---- clone ---- */

static pid_t
raw_clone(unsigned long flags, pid_t *parent, pid_t *child)
{
	return syscall(SYS_clone, flags, NULL, parent, child, NULL);
}

static volatile int usr1;

static void
counted(int sig)
{
	(void)sig;
	usr1++;
}

struct args {
	unsigned long long flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
};

static void
clones(void)
{
	static pid_t parent, child;
	struct args a;
	pid_t pid;
	int status = 0, fd = -1;

	pid = raw_clone(0x00100000 | SIGCHLD, &parent, NULL);
	if (pid == 0)
		_exit(1);
	printf("parent_settid %d\n", parent == pid);
	SAY(waitpid(pid, &status, 0) == pid);
	pid = raw_clone(0x01000000 | SIGCHLD, NULL, &child);
	if (pid == 0)
		_exit(child == getpid());
	waitpid(pid, &status, 0);
	status_say("child_settid", status);
	signal(SIGUSR1, counted);
	pid = raw_clone(SIGUSR1, NULL, NULL);
	if (pid == 0)
		_exit(2);
	while (!usr1)
		usleep(1000);
	SAY(waitpid(pid, &status, WNOHANG));
	SAY(waitpid(-1, &status, WNOHANG));
	SAY(waitpid(pid, &status, __WCLONE) == pid);
	pid = raw_clone(0, NULL, NULL);
	if (pid == 0)
		_exit(3);
	SAY(waitpid(pid, &status, 0));
	SAY(waitpid(pid, &status, __WALL) == pid);
	status_say("no signal", status);
	memset(&a, 0, sizeof(a));
	a.exit_signal = SIGCHLD;
	a.flags = 0x1000;
	a.pidfd = (unsigned long)&fd;
	pid = syscall(CLONE3, &a, sizeof(a));
	if (pid == 0)
		_exit(5);
	printf("pidfd %d\n", fd >= 0);
	id_say("clone3", 3, fd, WEXITED, pid);
	a.flags = 0x100000000ull;
	pid = syscall(CLONE3, &a, sizeof(a));
	if (pid == 0)
		_exit(signal(SIGUSR1, SIG_IGN) == SIG_DFL);
	waitpid(pid, &status, 0);
	status_say("clear_sighand", status);
	SAY(syscall(CLONE3, &a, 63));
	SAY(syscall(CLONE3, nowhere, 64));
	a.exit_signal = 65;
	SAY(syscall(CLONE3, &a, sizeof(a)));
	a.exit_signal = SIGCHLD;
	a.stack = 4096;
	SAY(syscall(CLONE3, &a, sizeof(a)));
}

int
main(void)
{
	in_child("ids", ids);
	in_child("pidfd", pidfd);
	in_child("ignored", ignored);
	in_child("orphan", orphan);
	in_child("subreaper", subreaper);
	in_child("death signal", death_signal);
	in_child("orphaned group", orphaned_group);
	in_child("groups", groups);
	in_child("clones", clones);
	return 0;
}
