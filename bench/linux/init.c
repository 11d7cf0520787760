/* SPDX-License-Identifier: ISC */
/*
 * The first program of the Linux guest: says that it is there, runs /bench/job
 * by the shell and switches the machine off.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/io.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define DEBUG_EXIT 0xf4

static void
places(void)
{
	mkdir("/proc", 0555);
	mkdir("/sys", 0555);
	mkdir("/tmp", 01777);
	if (mount("proc", "/proc", "proc", 0, NULL) || mount("sysfs", "/sys", "sysfs", 0, NULL) ||
		mount("tmpfs", "/tmp", "tmpfs", 0, NULL) ||
		mount("devtmpfs", "/dev", "devtmpfs", 0, NULL))
		perror("init: mount");
}

/* The console shall not turn \n into \r\n, nor echo. */
static void
console(void)
{
	struct termios raw;

	if (tcgetattr(1, &raw))
		return;
	cfmakeraw(&raw);
	tcsetattr(1, TCSANOW, &raw);
}

int
main(void)
{
	int status = 0;
	pid_t pid;

	console();
	if (write(1, "@up\n", 4) != 4)
		return 1;
	places();
	pid = fork();
	if (pid == 0) {
		setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
		setenv("HOME", "/root", 1);
		if (chdir("/root") == 0)
			execl("/bin/sh", "sh", "/bench/job", (char *)NULL);
		perror("init: /bin/sh");
		_exit(127);
	}
	waitpid(pid, &status, 0);
	tcdrain(1);
	if (iopl(3) == 0)
		outl(WIFEXITED(status) ? (unsigned)WEXITSTATUS(status) : 0x7e, DEBUG_EXIT);
	for (;;)
		pause();
}
