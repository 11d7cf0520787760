/* SPDX-License-Identifier: ISC */
/* vfork and what is made of it: posix_spawn, system, popen. */
#include "t.h"
#include <spawn.h>

extern char **environ;

static void
spawns(void)
{
	char *echo[] = { (char *)"echo", (char *)"spawned", NULL };
	posix_spawn_file_actions_t to_file;
	posix_spawnattr_t own_group;
	char text[16] = "";
	int status, error;
	pid_t pid;

	printf("%s\n", error_name(posix_spawnp(&pid, "nosuch", NULL, NULL, echo, environ)));
	printf("%s\n", error_name(posix_spawn(&pid, "/etc/passwd", NULL, NULL, echo, environ)));
	error = posix_spawnp(&pid, "echo", NULL, NULL, echo, environ);
	waitpid(pid, &status, 0);
	printf("%d %x\n", error, (unsigned)status);
	posix_spawn_file_actions_init(&to_file);
	posix_spawn_file_actions_addopen(&to_file, 1, "out", O_CREAT | O_WRONLY, 0600);
	posix_spawnattr_init(&own_group);
	posix_spawnattr_setflags(&own_group, POSIX_SPAWN_SETPGROUP);
	error = posix_spawnp(&pid, "echo", &to_file, &own_group, echo, environ);
	printf("%d %d\n", error, getpgrp() != pid);
	waitpid(pid, &status, 0);
	int fd = open("out", O_RDONLY);
	read(fd, text, sizeof(text) - 1);
	close(fd);
	printf("%s", text);
}

/* The parent sees what the child wrote, and goes on where it was. */
static void
vforks(void)
{
	volatile int seen = 0;
	int status, bad = 0;
	pid_t pid = vfork();

	if (pid == 0) {
		seen = 5;
		_exit(3);
	}
	printf("%d ", seen);
	waitpid(pid, &status, 0);
	printf("%x\n", (unsigned)status);
	pid = vfork();
	if (pid == 0) {
		seen = 6;
		usleep(20000);
		execlp("sleep", "sleep", "0.05", NULL);
		_exit(1);
	}
	printf("%d\n", seen);
	waitpid(pid, &status, 0);
	for (int i = 0; i < 30; i++) {
		pid = vfork();
		if (pid == 0) {
			seen = i;
			_exit(i);
		}
		waitpid(pid, &status, 0);
		bad += seen != i || status != i << 8;
	}
	printf("bad %d\n", bad);
}

static void
below(void)
{
	volatile int seen = 0;
	int status, ends[2];
	char byte = 0;
	pid_t pid = fork();

	if (pid == 0) {			/* vfork in a forked child */
		pid = vfork();
		if (pid == 0) {
			seen = 101;
			execlp("true", "true", NULL);
		}
		waitpid(pid, NULL, 0);
		_exit(seen);
	}
	waitpid(pid, &status, 0);
	printf("%x %d\n", (unsigned)status, seen);
	pipe(ends);
	pid = vfork();
	if (pid == 0) {			/* fork in a vforked child: that one's memory is its own */
		volatile int own = 1;

		pid = fork();
		if (pid == 0) {
			usleep(20000);
			_exit(write(ends[1], own == 1 && seen == 0 ? "y" : "n", 1) != 1);
		}
		_exit(pid > 0 ? 7 : 8);
	}
	seen = 99;
	waitpid(pid, &status, 0);
	read(ends[0], &byte, 1);
	printf("%x %c\n", (unsigned)status, byte);
}

static void
shells(void)
{
	char line[16] = "";
	FILE *f;

	printf("%x\n", (unsigned)system("exit 4"));
	printf("%x\n", (unsigned)system("kill -9 $$"));
	f = popen("echo from below", "r");
	fgets(line, sizeof(line), f);
	printf("%s%d\n", line, pclose(f));
}

int
main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	spawns();
	vforks();
	below();
	shells();
	return 0;
}
