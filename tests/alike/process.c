/* SPDX-License-Identifier: ISC */
/* fork, wait, exit, process groups, exec. */
#include "t.h"

extern char **environ;

static void
status_say(const char *what, int status)
{
	if (WIFEXITED(status))
		printf("%s: exit %d\n", what, WEXITSTATUS(status));
	else if (WIFSIGNALED(status))
		printf("%s: signal %d\n", what, WTERMSIG(status));
	else if (WIFSTOPPED(status))
		printf("%s: stopped %d\n", what, WSTOPSIG(status));
	else if (WIFCONTINUED(status))
		printf("%s: continued\n", what);
	else
		printf("%s: status %x\n", what, (unsigned)status);
	fflush(stdout);
}

static int
ended(pid_t pid, const char *what)
{
	int status = 0;

	if (waitpid(pid, &status, 0) != pid)
		printf("%s: no such child\n", what);
	else
		status_say(what, status);
	return status;
}

static void
exits(void)
{
	static const int how[] = { 0, 1, 7, 255, 256, -1 };

	for (size_t i = 0; i < sizeof(how) / sizeof(how[0]); i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(how[i]);
		ended(pid, "exit");
	}
	SAY(wait(NULL));
	SAY(waitpid(99999, NULL, 0));
	SAY(waitpid(-1, NULL, WNOHANG));
	SAY(waitpid(-1, NULL, 0x40000));
}

static void
signals(void)
{
	const int how[] = { SIGHUP, SIGINT, SIGKILL, SIGSEGV, SIGTERM, SIGUSR1, SIGALRM, SIGPIPE,
		SIGRTMAX };

	for (size_t i = 0; i < sizeof(how) / sizeof(how[0]); i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0)
			for (;;)
				pause();
		kill(pid, how[i]);
		waitpid(pid, &status, 0);
		status_say("signal", status);
	}
}

static void
faults(void)
{
	for (int i = 0; i < 4; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			struct rlimit none = { 0, 0 };

			setrlimit(RLIMIT_CORE, &none);
			if (i == 0)
				*(volatile int *)8 = 1;
			else if (i == 1)
				__builtin_trap();
			else if (i == 2)
				abort();
			else
				__asm__ volatile(
					"xor %%edx, %%edx; mov $1, %%eax; xor %%ecx, %%ecx; div %%ecx" ::
						: "eax", "ecx", "edx");
			_exit(0);
		}
		int status = 0;
		waitpid(pid, &status, 0);
		printf("fault %d: %d\n", i, WTERMSIG(status));
	}
}

static void
stops(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		raise(SIGSTOP);
		_exit(3);
	}
	waitpid(pid, &status, WUNTRACED);
	status_say("stop", status);
	SAY(waitpid(pid, &status, WNOHANG | WUNTRACED));
	kill(pid, SIGCONT);
	ended(pid, "continued");
	pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	status_say("stop", status);
	kill(pid, SIGCONT);
	waitpid(pid, &status, WCONTINUED);
	status_say("cont", status);
	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	kill(pid, SIGKILL);
	ended(pid, "killed while stopped");
}

static void
waitids(void)
{
	siginfo_t info;
	pid_t pid = fork();

	if (pid == 0)
		_exit(9);
	memset(&info, 0, sizeof(info));
	SAY(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
	printf("%d %d %d %d\n", info.si_signo, info.si_code, info.si_status, info.si_pid == pid);
	SAY(waitid(P_ALL, 0, &info, WEXITED));
	printf("%d %d\n", info.si_status, info.si_pid == pid);
	SAY(waitid(P_ALL, 0, &info, WEXITED));
	SAY(waitid(P_ALL, 0, &info, 0));
	pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	SAY(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG));
	printf("%d\n", info.si_pid);
	kill(pid, SIGTERM);
	SAY(waitid(P_PID, (id_t)pid, &info, WEXITED));
	printf("%d %d\n", info.si_code, info.si_status);
}

static void
groups(void)
{
	int gate[2];
	pid_t a, b;

	SAY(getpgrp() == getpgid(0));
	SAY(getsid(0) == getsid(getpid()));
	SAY(getpgid(99999));
	SAY(setpgid(99999, 0));
	SAY(setpgid(0, -1));
	SAY(kill(99999, 0));
	SAY(kill(getpid(), 65));
	SAY(kill(getpid(), -1));
	SAY(pipe(gate));
	a = fork();
	if (a == 0)
		for (;;)
			pause();
	SAY(setpgid(a, a));
	b = fork();
	if (b == 0)
		for (;;)
			pause();
	SAY(setpgid(b, a));
	SAY(getpgid(b) == a);
	SAY(kill(-a, SIGTERM));
	ended(a, "a");
	ended(b, "b");
	SAY(kill(-a, SIGTERM));
	a = fork();
	if (a == 0) {
		SAY(setsid() == getpid());
		SAY(getsid(0) == getpid());
		SAY(getpgrp() == getpid());
		SAY(setsid());
		SAY(setpgid(0, 0));
		_exit(0);
	}
	ended(a, "session");
}

static void
execs(const char *self)
{
	char *argv[] = { (char *)"renamed", (char *)"--echo", (char *)"a b", (char *)"", NULL };
	char *envp[] = { (char *)"X=1", (char *)"Y=z z", NULL };
	char *none[] = { NULL };
	char *big[3] = { (char *)"x", malloc(3 << 20), NULL };
	pid_t pid = fork();

	if (pid == 0) {
		execve(self, argv, envp);
		_exit(1);
	}
	ended(pid, "exec");
	SAY(execve("/nosuch", argv, envp));
	SAY(execve("/", argv, envp));
	SAY(execve("", argv, envp));
	close(open("plain", O_CREAT | O_WRONLY, 0644));
	SAY(execve("plain", argv, envp));
	chmod("plain", 0755);
	SAY(execve("plain", argv, envp));
	SAY(execve("plain/x", argv, envp));
	SAY(execve(nowhere, argv, envp));
	SAY(execve(self, nowhere, envp));
	memset(big[1], 'x', (3 << 20) - 1);
	big[1][(3 << 20) - 1] = '\0';
	SAY(execve(self, big, none));
	SAY(execlp("nosuchprogram", "x", NULL));
}

static int
echo(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		printf("arg %d <%s>\n", i, argv[i]);
	for (char **e = environ; *e; e++)
		printf("env <%s>\n", *e);
	return 5;
}

static void
memory(void)
{
	int local = 1;
	static int global = 1;
	int *heap = malloc(4096 * 50), sum = 0;
	pid_t pid;

	for (int i = 0; i < 1024 * 50; i++)
		heap[i] = i;
	pid = fork();
	if (pid == 0) {
		local = global = 2;
		for (int i = 0; i < 1024 * 50; i++)
			sum += heap[i] == i, heap[i] = 0;
		_exit(sum == 1024 * 50 ? 10 : 11);
	}
	for (int i = 0; i < 1024 * 25; i++)
		heap[i] = -1;
	ended(pid, "copy");
	for (int i = 0; i < 1024 * 50; i++)
		sum += heap[i] == (i < 1024 * 25 ? -1 : i);
	printf("%d %d %d\n", local, global, sum);
	pid = vfork();
	if (pid == 0)
		_exit(12);
	ended(pid, "vfork");
	printf("%d %d\n", system("exit 3"), system("kill -9 $$"));
}

int
main(int argc, char **argv)
{
	if (argc > 1)
		return echo(argc, argv);
	exits();
	signals();
	faults();
	stops();
	waitids();
	groups();
	memory();
	execs(argv[0]);
	return 0;
}
