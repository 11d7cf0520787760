/* SPDX-License-Identifier: ISC */
/* exec of set-id files: who the program is then, what it may trust, and when it is nobody else. */
#include "t.h"
#include <stdbool.h>
#include <sys/auxv.h>
#include <sys/prctl.h>

/* The program itself, run with set-id bits. */
static int
inner(int argc, char **argv)
{
	uid_t r, e, s;
	gid_t gr, ge, gs;
	char line[64] = "";
	sigset_t blocked;
	struct sigaction usr1;
	int fd;

	getresuid(&r, &e, &s);
	getresgid(&gr, &ge, &gs);
	sigprocmask(SIG_BLOCK, NULL, &blocked);
	sigaction(SIGUSR1, NULL, &usr1);
	printf("uid %d %d %d gid %d %d %d secure %lu auxv %lu %lu %lu %lu\n", (int)r, (int)e,
		(int)s, (int)gr, (int)ge, (int)gs, getauxval(AT_SECURE), getauxval(AT_UID),
		getauxval(AT_EUID), getauxval(AT_GID), getauxval(AT_EGID));
	printf("dumpable %d nnp %d blocked %d ignored %d umask %o\n", prctl(PR_GET_DUMPABLE),
		prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), sigismember(&blocked, SIGUSR2),
		usr1.sa_handler == SIG_IGN, (unsigned)umask(0));
	for (int i = 1; i < argc; i++)
		printf("[%s] ", argv[i]);
	printf("%s\n", getenv("MARK") ? getenv("MARK") : "none");
	fd = open("../secret", O_RDONLY);
	printf("secret %s\n", fd >= 0 ? "read" : error_name(errno));
	fflush(stdout);
	if (fgets(line, sizeof(line), stdin))
		printf("line %s", line);
	fflush(stdout);
	fprintf(stderr, "to standard error\n");
	if (argc > 2 && !strcmp(argv[2], "drop")) {
		SAY(setuid(getuid()));
		SAY(seteuid(1234));
		SAY(open("../secret", O_RDONLY));
	}
	if (argc > 2 && !strcmp(argv[2], "die"))
		raise(SIGTERM);
	if (argc > 2 && !strcmp(argv[2], "big"))
		for (int i = 0; i < 20000; i++)
			printf("%d\n", i);
	return 7;
}

static void
copy(const char *to, mode_t mode, uid_t uid, gid_t gid)
{
	static char bytes[1 << 16];
	int in = open("/proc/self/exe", O_RDONLY),
	    out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	long n;

	while ((n = read(in, bytes, sizeof(bytes))) > 0)
		write(out, bytes, n);
	close(in);
	close(out);
	if (chown(to, uid, gid) || chmod(to, mode))
		printf("cannot make %s\n", to);
}

static void
run(const char *program, const char *how, uid_t uid, bool privs)
{
	int in[2], status = 0;
	pid_t pid;

	printf("-- %s %s as %d%s\n", program, how, (int)uid, privs ? "" : ", no new privileges");
	fflush(stdout);
	pipe(in);
	write(in[1], "a line\nanother\n", 15);
	close(in[1]);
	pid = fork();
	if (pid == 0) {
		const gid_t none[1] = { 77 };
		sigset_t set;

		dup2(in[0], 0);
		close(in[0]);
		dup2(1, 2);
		sigemptyset(&set);
		sigaddset(&set, SIGUSR2);
		sigprocmask(SIG_BLOCK, &set, NULL);
		signal(SIGUSR1, SIG_IGN);
		umask(027);
		setenv("MARK", "kept", 1);
		syscall(SYS_setgroups, 1, none);
		if (!privs)
			prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (syscall(SYS_setresgid, uid, uid, uid) || syscall(SYS_setresuid, uid, uid, uid))
			_exit(99);
		execl(program, program, "inner", how, NULL);
		printf("%s\n", error_name(errno));
		fflush(stdout);
		_exit(98);
	}
	waitpid(pid, &status, 0);
	close(in[0]);
	printf("%s %d\n", WIFSIGNALED(status) ? "signal" : "exit",
		WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	fflush(stdout);
}

/* Signals to the process that was started. */
static void
commanded(void)
{
	int status, in[2];
	char byte;
	pid_t pid;

	pipe(in);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		dup2(in[1], 1);
		if (syscall(SYS_setresuid, 1000, 1000, 1000))
			_exit(99);
		execl("./suid", "./suid", "ticks", NULL);
		_exit(98);
	}
	close(in[1]);
	read(in[0], &byte, 1);
	kill(pid, SIGSTOP);
	SAY(waitpid(pid, &status, WUNTRACED) == pid);
	SAY(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	fcntl(in[0], F_SETFL, O_NONBLOCK);
	usleep(30000);
	while (read(in[0], &byte, 1) > 0)
		;
	usleep(30000);
	SAY(read(in[0], &byte, 1));
	kill(pid, SIGCONT);
	fcntl(in[0], F_SETFL, 0);
	SAY(read(in[0], &byte, 1));
	kill(pid, SIGUSR1);
	SAY(waitpid(pid, &status, 0) == pid);
	SAY(WIFEXITED(status) ? WEXITSTATUS(status) : -2);
	close(in[0]);
}

static void
ticked(int sig)
{
	_exit(sig);
}

int
main(int argc, char **argv)
{
	struct stat s;
	int fd;

	if (argc > 1 && !strcmp(argv[1], "inner"))
		return inner(argc, argv);
	if (argc > 1 && !strcmp(argv[1], "tty")) {
		char line[64];

		printf("tty %d%d%d euid %d foreground %d\n", isatty(0), isatty(1), isatty(2),
			(int)geteuid(), tcgetpgrp(0) == getpgrp());
		while (fgets(line, sizeof(line), stdin))
			printf("got %s", line);
		return 5;
	}
	if (argc > 1 && !strcmp(argv[1], "ticks")) {
		signal(SIGUSR1, ticked);
		for (;;) {
			write(1, ".", 1);
			usleep(2000);
		}
	}
	umask(022);
	chmod(".", 0755);
	mkdir("dir", 0755);
	fd = open("secret", O_WRONLY | O_CREAT, 0640);
	fchown(fd, 1234, 5678);
	close(fd);
	if (chdir("dir"))
		return 1;
	copy("suid", 04755, 1234, 5678);
	copy("sgid", 02755, 1234, 5678);
	copy("both", 06711, 1234, 5678);
	copy("locked", 02745, 1234, 5678);	/* no group x: mandatory locking once, nothing now */
	copy("plain", 0755, 1234, 5678);
	copy("rootly", 04755, 0, 0);
	copy("private", 04750, 1234, 5678);
	fd = open("script", O_WRONLY | O_CREAT, 0755);
	write(fd, "#!/bin/busybox id\n", 18);
	fchown(fd, 1234, 5678);
	close(fd);
	chmod("script", 06755);
	run("./suid", "", 1000, true);
	run("./sgid", "", 1000, true);
	run("./both", "drop", 1000, true);
	run("./locked", "", 1000, true);
	run("./plain", "", 1000, true);
	run("./suid", "", 1000, false);
	run("./suid", "", 0, true);
	run("./suid", "", 1234, true);
	run("./rootly", "drop", 1000, true);
	run("./rootly", "die", 1000, true);
	run("./private", "", 1000, true);
	run("./suid", "big", 1000, true);
	commanded();
	stat("suid", &s);
	printf("%o\n", (unsigned)s.st_mode);
	return 0;
}
