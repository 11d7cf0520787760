/* SPDX-License-Identifier: ISC */
/* Descriptors: of processes, of many files, their numbers. */
#include "t.h"
#include <stdint.h>
#include <sys/eventfd.h>

static void
say_link(int fd)
{
	char path[64], target[64];
	struct stat st;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, target, sizeof(target) - 1);
	target[n < 0 ? 0 : n] = '\0';
	if (strchr(target, '[') && strncmp(target, "anon", 4))
		*strchr(target, '[') = '\0';
	fstat(fd, &st);
	printf("%s %o\n", target, strstr(target, "pidfd") ? 0 : st.st_mode);
}

static volatile sig_atomic_t caught;

static void
on_signal(int sig)
{
	caught = sig;
}

/* ---- pidfd ---- */

static void
processes(void)
{
	struct pollfd p = { .events = POLLIN };
	pid_t pid = fork();
	int fd, status, other;

	if (pid == 0)
		for (;;)
			pause();
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	say_link(fd);
	SAY(fcntl(fd, F_GETFD));
	SAY(syscall(SYS_pidfd_open, pid, 1));
	SAY(syscall(SYS_pidfd_open, 0, 0));
	SAY(syscall(SYS_pidfd_open, 0x7ffffff0, 0));
	p.fd = fd;
	SAY(poll(&p, 1, 0));
	SAY(read(fd, &status, 4));
	SAY(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
	SAY(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 64));
	SAY(syscall(SYS_pidfd_send_signal, 0, 0, NULL, 0));
	SAY(syscall(SYS_pidfd_send_signal, fd, 99, NULL, 0));
	SAY(syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0));
	SAY(poll(&p, 1, 5000));
	printf("%x\n", p.revents);
	SAY(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
	printf("%d\n", waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGTERM);
	SAY(syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0));
	p.revents = 0;
	poll(&p, 1, 0);
	printf("%x\n", p.revents & POLLIN);
	other = (int)syscall(SYS_pidfd_open, getpid(), 0);
	SAY(syscall(SYS_pidfd_send_signal, other, SIGUSR1, NULL, 0));
	printf("%d\n", caught);
	fd = -1;
	pid = (pid_t)syscall(SYS_clone, 0x1000 | SIGCHLD, NULL, &fd, NULL, NULL);
	if (pid == 0)
		_exit(3);
	p.fd = fd;
	SAY(poll(&p, 1, 5000));
	printf("%d\n", waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 3);
	SAY(syscall(SYS_pidfd_getfd, other, 99, 0));
	SAY(syscall(SYS_pidfd_getfd, 99, 0, 0));
	TRY(syscall(SYS_pidfd_getfd, other, 1, 0));
	close(fd);
	close(other);
}

/* ---- descriptors ---- */

static void
numbers(void)
{
	struct rlimit limit;
	int fd, one = 1;

	SAY(dup(99));
	SAY(dup2(99, 3));
	SAY(dup2(1, -1));
	SAY(dup2(1, 1 << 30));
	SAY(dup2(99, 99));
	SAY(dup3(1, 1, 0));
	SAY(dup3(99, 1, 0));
	SAY(dup3(1, 60, O_APPEND));
	SAY(dup3(1, 60, O_CLOEXEC));
	SAY(fcntl(60, F_GETFD));
	SAY(fcntl(1, F_DUPFD, -1));
	SAY(fcntl(1, F_DUPFD, 1 << 30));
	SAY(fcntl(1, F_DUPFD, 60));
	SAY(fcntl(1, F_DUPFD_CLOEXEC, 60));
	SAY(syscall(SYS_close_range, 5, 4, 0));
	SAY(syscall(SYS_close_range, 60, 70, 8));
	SAY(syscall(SYS_close_range, 61, 61, 4));
	SAY(fcntl(61, F_GETFD));
	SAY(syscall(SYS_close_range, 60, ~0u, 2));
	SAY(fcntl(61, F_GETFD));
	SAY(close(60));
	SAY(fcntl(99, F_GETFD));
	SAY(fcntl(1, 9999));
	SAY(getrlimit(RLIMIT_NOFILE, &limit));
	printf("%d\n", limit.rlim_max >= 2048);
	fd = eventfd(0, 0);
	SAY(fcntl(fd, F_DUPFD, 2000));
	SAY(fcntl(fd, F_DUPFD, 2048));
	SAY(ioctl(fd, FIONBIO, &one));
	SAY(fcntl(fd, F_GETFL));
	SAY(ioctl(fd, FIONREAD, &one));
	SAY(close(2000));
	SAY(close(fd));
}

/* Many different files, unlinked: each keeps what it has, in a child, too, until the last is closed. */
static void
files(void)
{
	static int fd[1200];
	char name[32], back[32];
	int bad = 0, status;

	mkdir("files", 0700);
	for (int i = 0; i < 1200; i++) {
		snprintf(name, sizeof(name), "files/%d", i);
		fd[i] = open(name, O_RDWR | O_CREAT, 0600);
		bad += fd[i] < 0 || write(fd[i], name, strlen(name)) < 0 || unlink(name);
	}
	printf("%d bad\n", bad);
	if (fork() == 0) {
		usleep(20000);
		for (int i = 0; i < 1200; i++) {
			ssize_t n = pread(fd[i], back, sizeof(back), 0);

			snprintf(name, sizeof(name), "files/%d", i);
			bad += n != (ssize_t)strlen(name) || memcmp(name, back, (size_t)n);
		}
		_exit(bad != 0);
	}
	for (int i = 0; i < 1200; i++)
		close(fd[i]);
	for (int i = 0; i < 1200; i++) {
		fd[i] = open("files/other", O_RDWR | O_CREAT, 0600);
		bad += fd[i] < 0 || write(fd[i], "other", 5) != 5 || unlink("files/other") ||
			close(fd[i]);
	}
	wait(&status);
	printf("%d bad, %d\n", bad, status);
	rmdir("files");
}

int
main(void)
{
	struct rlimit most = { 2048, 2048 };

	setvbuf(stdout, NULL, _IOLBF, 0);
	setrlimit(RLIMIT_NOFILE, &most);
	signal(SIGUSR1, on_signal);
	files();
	processes();
	numbers();
	return 0;
}
