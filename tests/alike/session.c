/* SPDX-License-Identifier: ISC */
/* Terminals and sessions: who has one, job control, hanging up. */
#include "t.h"
#include <stdbool.h>
#include <termios.h>

static int master;
static char name[40];
static volatile int *shared;
static volatile sig_atomic_t caught[65];

static void
count(int sig)
{
	caught[sig]++;
}

static void
handle(int sig)
{
	struct sigaction a = { .sa_handler = count };

	sigaction(sig, &a, NULL);
}

static void
pty(void)
{
	master = posix_openpt(O_RDWR | O_NOCTTY);
	grantpt(master);
	unlockpt(master);
	ptsname_r(master, name, sizeof(name));
}

/* A session's leader without a terminal; the parent waits. */
static int
leader(void (*f)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		setsid();
		f();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return status;
}

static void
until(int value)
{
	for (int i = 0; *shared < value && i < 5000; i++)
		usleep(1000);
	if (*shared < value)
		printf("waited for %d in vain\n", value);
}

static void
result(const char *what, pid_t pid, int flags)
{
	int status = 0;
	pid_t got = waitpid(pid, &status, flags);

	if (got < 0)
		say(what, -1);
	else if (WIFSTOPPED(status))
		printf("%s: stopped by %d\n", what, WSTOPSIG(status));
	else if (WIFSIGNALED(status))
		printf("%s: killed by %d\n", what, WTERMSIG(status));
	else
		printf("%s: exit %d\n", what, WEXITSTATUS(status));
	fflush(stdout);
}

/* ---- getting one and giving it up ---- */

static void
taking(void)
{
	int fd, other, pgrp = -1;

	SAY(open("/dev/tty", O_RDWR));
	pty();
	fd = open(name, O_RDWR | O_NOCTTY);
	SAY(open("/dev/tty", O_RDWR));
	SAY(ioctl(fd, TIOCGPGRP, &pgrp));
	SAY(ioctl(master, TIOCGPGRP, &pgrp));
	printf("nobody %d\n", pgrp);
	SAY(ioctl(fd, TIOCGSID, &pgrp));
	SAY(tcsetpgrp(fd, getpid()));
	SAY(ioctl(fd, TIOCNOTTY));
	close(fd);
	fd = open(name, O_WRONLY);
	SAY(ioctl(fd, TIOCGPGRP, &pgrp));
	close(fd);
	fd = open(name, O_RDWR);
	SAY(ioctl(fd, TIOCGPGRP, &pgrp));
	printf("mine %d\n", pgrp == getpid());
	SAY(ioctl(fd, TIOCGSID, &pgrp));
	printf("mine %d\n", pgrp == getpid());
	SAY(ioctl(master, TIOCGSID, &pgrp));
	printf("mine %d\n", pgrp == getpid());
	SAY(ioctl(fd, TIOCSCTTY, 0));
	other = open("/dev/tty", O_RDWR);
	TRY(other);
	SAY(isatty(other));
	printf("pgrp %d\n", tcgetpgrp(other) == getpid());
	SAY(tcsetpgrp(fd, 30000));
	SAY(tcsetpgrp(fd, 1));
	SAY(tcsetpgrp(fd, -5));
	if (fork() == 0) {
		setsid();
		SAY(open("/dev/tty", O_RDWR));
		SAY(ioctl(fd, TIOCSCTTY, 0));
		SAY(tcgetpgrp(fd));
		_exit(0);
	}
	wait(NULL);
	handle(SIGHUP);
	handle(SIGCONT);
	SAY(ioctl(other, TIOCNOTTY));
	printf("told %d %d\n", caught[SIGHUP], caught[SIGCONT]);
	SAY(open("/dev/tty", O_RDWR));
	SAY(ioctl(fd, TIOCSCTTY, 0));
	TRY(open("/dev/tty", O_RDWR));
	if (fork() == 0) {
		SAY(ioctl(fd, TIOCSCTTY, 0));
		SAY(ioctl(fd, TIOCNOTTY));
		SAY(open("/dev/tty", O_RDWR));
		_exit(0);
	}
	wait(NULL);
	TRY(open("/dev/tty", O_RDWR));
}

/* ---- keys ---- */

static pid_t
in_group(bool front, int fd, void (*f)(int), int argument)
{
	pid_t pid = fork();

	if (pid == 0) {
		setpgid(0, 0);
		if (front) {
			signal(SIGTTOU, SIG_IGN);
			tcsetpgrp(fd, getpid());
			signal(SIGTTOU, SIG_DFL);
		}
		f(argument);
		_exit(0);
	}
	setpgid(pid, pid);
	return pid;
}

static void
ready(int fd)
{
	(void)fd;
	++*shared;
	for (;;)
		pause();
}

static void
keys(void)
{
	int fd;
	pid_t pid;

	pty();
	fd = open(name, O_RDWR);
	for (const char *key = "\003\034"; *key; key++) {
		*shared = 0;
		pid = in_group(true, fd, ready, fd);
		until(1);
		write(master, key, 1);
		result("key", pid, 0);
	}
	*shared = 0;
	pid = in_group(true, fd, ready, fd);
	until(1);
	write(master, "\032", 1);
	result("^Z", pid, WUNTRACED);
	kill(pid, SIGCONT);
	SAY(ioctl(master, TIOCSIG, SIGTERM));
	SAY(ioctl(master, TIOCSIG, SIGINT));
	result("TIOCSIG", pid, 0);
	handle(SIGWINCH);
	signal(SIGTTOU, SIG_IGN);
	SAY(tcsetpgrp(fd, getpid()));
	SAY(ioctl(master, TIOCSWINSZ, &(struct winsize){ 10, 20, 0, 0 }));
	SAY(ioctl(fd, TIOCSWINSZ, &(struct winsize){ 10, 20, 0, 0 }));
	SAY(ioctl(fd, TIOCSWINSZ, &(struct winsize){ 11, 20, 0, 0 }));
	usleep(1000);
	printf("resized %d\n", caught[SIGWINCH]);
}

/* ---- the background ---- */

static void
reads(int fd)
{
	char byte;

	SAY(read(fd, &byte, 1));
}

static void
writes(int fd)
{
	SAY(write(fd, "b", 1));
}

static void
sets(int fd)
{
	struct termios t;

	SAY(tcgetattr(fd, &t));
	SAY(tcsetattr(fd, TCSANOW, &t));
}

static void
grabs(int fd)
{
	SAY(tcsetpgrp(fd, getpid()));
}

static void
background(void)
{
	struct termios t;
	pid_t pid;
	int fd;

	pty();
	fd = open(name, O_RDWR);
	pid = in_group(false, fd, reads, fd);
	result("reads", pid, WUNTRACED);
	signal(SIGTTOU, SIG_IGN);
	tcsetpgrp(fd, pid);
	write(master, "in\n", 3);
	kill(pid, SIGCONT);
	result("in front", pid, 0);
	tcsetpgrp(fd, getpid());
	signal(SIGTTOU, SIG_DFL);
	tcflush(fd, TCIFLUSH);
	result("writes", in_group(false, fd, writes, fd), WUNTRACED);
	tcgetattr(fd, &t);
	t.c_lflag |= TOSTOP;
	tcsetattr(fd, TCSANOW, &t);
	pid = in_group(false, fd, writes, fd);
	result("TOSTOP", pid, WUNTRACED);
	t.c_lflag &= ~(tcflag_t)TOSTOP;
	tcsetattr(fd, TCSANOW, &t);
	kill(pid, SIGCONT);
	result("goes on", pid, 0);
	pid = in_group(false, fd, sets, fd);
	result("sets", pid, WUNTRACED);
	kill(pid, SIGKILL);
	result("killed", pid, 0);
	pid = in_group(false, fd, grabs, fd);
	result("grabs", pid, WUNTRACED);
	kill(pid, SIGKILL);
	result("killed", pid, 0);
	signal(SIGTTIN, SIG_IGN);
	signal(SIGTTOU, SIG_IGN);
	result("ignoring", in_group(false, fd, reads, fd), WUNTRACED);
	result("ignoring", in_group(false, fd, sets, fd), WUNTRACED);
}

/* The child's parent ends: nobody is there to continue it. */
static void
orphan(void)
{
	int fd;
	pid_t pid;

	pty();
	fd = open(name, O_RDWR);
	*shared = 0;
	pid = fork();
	if (pid == 0) {
		pid_t pid_of_parent = getpid();

		setpgid(0, 0);
		if (fork() == 0) {
			while (kill(pid_of_parent, 0) == 0)
				usleep(1000);
			usleep(20000);
			reads(fd);
			sets(fd);
			*shared = 1;
		}
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	until(1);
}

/* ---- the end ---- */

static void
says_hup(int sig)
{
	caught[sig]++;
	*shared += 100;
}

static void
waits_for_hup(int fd)
{
	(void)fd;
	signal(SIGHUP, says_hup);
	++*shared;
	while (*shared < 100)
		pause();
	_exit(3);
}

static void
leader_ends(void)
{
	int fd;
	pid_t pid;

	pty();
	*shared = 0;
	pid = fork();
	if (pid == 0) {
		setsid();
		fd = open(name, O_RDWR);
		in_group(true, fd, waits_for_hup, fd);
		until(1);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	until(100);
	printf("told %d\n", *shared - 1);
}

static void
master_ends(void)
{
	int fd = -1;
	char byte;
	pid_t pid, front;

	pty();
	*shared = 0;
	pid = fork();
	if (pid == 0) {
		close(master);
		setsid();
		fd = open(name, O_RDWR);
		handle(SIGHUP);
		handle(SIGCONT);
		front = in_group(true, fd, waits_for_hup, fd);
		until(1);
		*shared = 10;
		while (!caught[SIGHUP] || !caught[SIGCONT])
			usleep(1000);
		printf("leader is told\n");
		SAY(open("/dev/tty", O_RDWR));
		SAY(read(fd, &byte, 1));
		SAY(write(fd, "x", 1));
		SAY(waitpid(front, NULL, WNOHANG));
		_exit(0);
	}
	until(10);
	close(master);
	waitpid(pid, NULL, 0);
	until(100);
	printf("and then the foreground\n");
}

/* A read that waits is ended by it. */
static void
sleeper(void)
{
	pid_t pid;

	pty();
	*shared = 0;
	pid = fork();
	if (pid == 0) {
		int fd = open(name, O_RDWR | O_NOCTTY);
		char byte;

		close(master);
		*shared = 1;
		SAY(read(fd, &byte, 1));
		_exit(0);
	}
	until(1);
	usleep(20000);
	close(master);
	waitpid(pid, NULL, 0);
	pty();
	pid = fork();
	if (pid == 0) {
		char byte;

		SAY(read(master, &byte, 1));
		SAY(read(master, &byte, 1));
		_exit(0);
	}
	usleep(20000);
	close(open(name, O_RDWR | O_NOCTTY));
	waitpid(pid, NULL, 0);
}

int
main(void)
{
	alarm(60);
	setvbuf(stdout, NULL, _IONBF, 0);
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	printf("leader %d\n", leader(taking));
	printf("leader %d\n", leader(keys));
	printf("leader %d\n", leader(background));
	printf("leader %d\n", leader(orphan));
	leader_ends();
	master_ends();
	sleeper();
	return 0;
}
