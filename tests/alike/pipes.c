/* SPDX-License-Identifier: ISC */
/* Pipes, poll, select, what is inherited. */
#include "t.h"

static int ends[2];

static void
basics(void)
{
	char bytes[64];
	int n;

	SAY(pipe2(ends, 0x40000000));
	SAY(pipe(nowhere));
	SAY(pipe(ends));
	SAY(write(ends[1], "hello", 5));
	SAY(ioctl(ends[0], FIONREAD, &n));
	printf("%d\n", n);
	SAY(read(ends[0], bytes, 2));
	SAY(read(ends[0], bytes, 64));
	SAY(write(ends[0], "x", 1));
	SAY(read(ends[1], bytes, 1));
	SAY(lseek(ends[0], 0, SEEK_CUR));
	SAY(pread(ends[0], bytes, 1, 0));
	SAY(fcntl(ends[0], F_GETPIPE_SZ));
	SAY(fcntl(ends[0], F_SETPIPE_SZ, 5000));
	SAY(fcntl(ends[1], F_GETPIPE_SZ));
	SAY(fcntl(ends[1], F_SETPIPE_SZ, 65536));
	SAY(fcntl(1, F_SETOWN, 0));
	SAY(fcntl(ends[0], F_SETFL, O_NONBLOCK));
	SAY(read(ends[0], bytes, 1));
	SAY(fcntl(ends[1], F_SETFL, O_NONBLOCK));
	n = 0;
	while (write(ends[1], bytes, sizeof(bytes)) == sizeof(bytes))
		n++;
	printf("full after %d, %s\n", n, error_name(errno));
	SAY(fcntl(ends[1], F_SETPIPE_SZ, 4096));
	SAY(read(ends[0], bytes, sizeof(bytes)));
	close(ends[1]);
	n = 0;
	while (read(ends[0], bytes, sizeof(bytes)) > 0)
		n++;
	printf("rest %d\n", n);
	SAY(read(ends[0], bytes, 1));
	close(ends[0]);
}

static void
both_ends(void)
{
	static char out[300000], in[300000];
	size_t got = 0;
	int bad = 0;

	pipe(ends);
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (char)(i * 7 + i / 256);
	if (fork() == 0) {
		close(ends[0]);
		_exit(write(ends[1], out, sizeof(out)) == sizeof(out) ? 0 : 1);
	}
	close(ends[1]);
	for (ssize_t n; (n = read(ends[0], in + got, 1000 + got % 5000)) > 0;)
		got += (size_t)n;
	int status;
	wait(&status);
	for (size_t i = 0; i < sizeof(out); i++)
		bad += in[i] != out[i];
	printf("%zu %d %d\n", got, bad, status);
	close(ends[0]);
}

/* What is no longer than a page is never torn apart. */
static void
atomic(void)
{
	char line[512], got[512];
	int torn = 0, lines = 0;

	pipe(ends);
	for (int w = 0; w < 4; w++) {
		if (fork() == 0) {
			memset(line, 'a' + w, sizeof(line));
			for (int i = 0; i < 300; i++)
				write(ends[1], line, sizeof(line));
			_exit(0);
		}
	}
	close(ends[1]);
	for (;;) {
		size_t have = 0;

		for (ssize_t n; have < sizeof(got) &&
			(n = read(ends[0], got + have, sizeof(got) - have)) > 0;)
			have += (size_t)n;
		if (have < sizeof(got))
			break;
		lines++;
		torn += memcmp(got, got + 1, sizeof(got) - 1) != 0;
	}
	while (wait(NULL) > 0)
		;
	printf("%d lines, %d torn\n", lines, torn);
	close(ends[0]);
}

static void
polls(void)
{
	struct pollfd p[3];
	fd_set readable, writable;
	struct timeval t = { 0, 0 };
	char byte;

	pipe(ends);
	p[0] = (struct pollfd){ ends[0], POLLIN, 0 };
	p[1] = (struct pollfd){ ends[1], POLLOUT, 0 };
	p[2] = (struct pollfd){ -1, POLLIN, 0 };
	SAY(poll(p, 3, 0));
	printf("%x %x %x\n", p[0].revents, p[1].revents, p[2].revents);
	p[2].fd = 99;
	SAY(poll(p, 3, 0));
	printf("%x\n", p[2].revents);
	write(ends[1], "x", 1);
	SAY(poll(p, 1, -1));
	printf("%x\n", p[0].revents);
	FD_ZERO(&readable);
	FD_ZERO(&writable);
	FD_SET(ends[0], &readable);
	FD_SET(ends[1], &writable);
	SAY(select(ends[1] + 1, &readable, &writable, NULL, NULL));
	printf("%d %d\n", FD_ISSET(ends[0], &readable), FD_ISSET(ends[1], &writable));
	read(ends[0], &byte, 1);
	FD_SET(ends[0], &readable);
	SAY(select(ends[0] + 1, &readable, NULL, NULL, &t));
	FD_ZERO(&readable);
	FD_SET(40, &readable);
	SAY(select(41, &readable, NULL, NULL, &t));
	SAY(select(-1, NULL, NULL, NULL, &t));
	SAY(poll(p, 1, 20));
	t.tv_usec = 20000;
	SAY(select(0, NULL, NULL, NULL, &t));
	if (fork() == 0) {
		usleep(20000);
		write(ends[1], "y", 1);
		_exit(0);
	}
	SAY(poll(p, 1, 5000));
	read(ends[0], &byte, 1);
	if (fork() == 0) {
		close(ends[0]);
		usleep(20000);
		_exit(0);
	}
	close(ends[1]);
	SAY(poll(p, 1, 5000));
	printf("%x\n", p[0].revents);
	close(ends[0]);
	pipe(ends);
	close(ends[0]);
	p[1].fd = ends[1];
	SAY(poll(p + 1, 1, 0));
	printf("%x\n", p[1].revents);
	close(ends[1]);
	while (wait(NULL) > 0)
		;
}

static void
many(void)
{
	struct pollfd p[40];
	int pipes[40][2];

	for (int i = 0; i < 40; i++) {
		pipe(pipes[i]);
		p[i] = (struct pollfd){ pipes[i][0], POLLIN, 0 };
	}
	if (fork() == 0) {
		usleep(20000);
		write(pipes[33][1], "x", 1);
		_exit(0);
	}
	SAY(poll(p, 40, 5000));
	for (int i = 0; i < 40; i++) {
		if (p[i].revents)
			printf("%d: %x\n", i, p[i].revents);
		close(pipes[i][0]);
		close(pipes[i][1]);
	}
	wait(NULL);
}

/* The only writer of one of many pipes dies without a word; a reader of another makes room. */
static void
many_die(void)
{
	struct pollfd p[40];
	int pipes[40][2];
	pid_t pid[40];

	for (int i = 0; i < 40; i++) {
		pipe(pipes[i]);
		p[i] = (struct pollfd){ pipes[i][0], POLLIN, 0 };
	}
	for (int i = 10; i < 13; i++) {
		pid[i] = fork();
		if (pid[i] == 0)
			for (;;)
				pause();
	}
	for (int i = 0; i < 40; i++)
		close(pipes[i][1]);
	for (int i = 10; i < 13; i++) {
		for (int j = 0; j < 40; j++)
			p[j].events = 0;
		SAY(poll(p, 40, 0));
		kill(pid[i], SIGKILL);
		waitpid(pid[i], NULL, 0);
	}
	SAY(poll(p, 40, -1));
	printf("%x %x\n", p[0].revents, p[39].revents);
	for (int i = 0; i < 40; i++)
		close(pipes[i][0]);
	for (int i = 0; i < 40; i++) {
		pipe(pipes[i]);
		fcntl(pipes[i][1], F_SETFL, O_NONBLOCK);
		while (write(pipes[i][1], p, sizeof(p)) > 0)
			;
		while (write(pipes[i][1], p, 1) > 0)
			;
		p[i] = (struct pollfd){ pipes[i][1], POLLOUT, 0 };
	}
	SAY(poll(p, 40, 0));
	if (fork() == 0) {
		static char all[65536];

		usleep(10000);
		_exit(read(pipes[17][0], all, sizeof(all)) != sizeof(all));
	}
	SAY(poll(p, 40, -1));
	printf("%x, %x\n", p[16].revents, p[17].revents);
	for (int i = 0; i < 40; i++) {
		close(pipes[i][0]);
		close(pipes[i][1]);
	}
	while (wait(NULL) > 0)
		;
}

/* A ring of processes hands a number on. */
static void
ring(void)
{
	int first[2], before, value = 0;

	pipe(first);
	before = first[0];
	for (int i = 0; i < 20; i++) {
		int next[2];

		pipe(next);
		if (fork() == 0) {
			for (int round = 0; round < 50; round++) {
				if (read(before, &value, sizeof(value)) != sizeof(value))
					_exit(1);
				value++;
				write(next[1], &value, sizeof(value));
			}
			_exit(0);
		}
		close(before);
		close(next[1]);
		before = next[0];
	}
	for (int round = 0; round < 50; round++) {
		write(first[1], &value, sizeof(value));
		read(before, &value, sizeof(value));
	}
	while (wait(NULL) > 0)
		;
	printf("ring %d\n", value);
	close(first[1]);
	close(before);
}

static void
inherited(const char *self)
{
	char number[16];
	int status;

	pipe2(ends, O_CLOEXEC);
	fcntl(ends[1], F_SETFD, 0);
	snprintf(number, sizeof(number), "%d", ends[1]);
	if (fork() == 0) {
		execl(self, self, number, NULL);
		_exit(1);
	}
	close(ends[1]);
	printf("%d ", (int)read(ends[0], number, sizeof(number)));
	wait(&status);
	printf("%.5s %d\n", number, status);
	close(ends[0]);
}

static void
exhausted(void)
{
	int n = 0, pair[2];

	while (pipe(pair) == 0)
		n += 2;
	printf("%s with many: %d\n", error_name(errno), n > 100);
	for (int fd = 3; fd < 5000; fd++)
		close(fd);
	SAY(pipe(pair));
}

int
main(int argc, char **argv)
{
	struct rlimit few = { 256, 256 };

	if (argc > 1)
		return write(atoi(argv[1]), "child", 5) != 5 ||
			fcntl(atoi(argv[1]) - 1, F_GETFD) != -1;
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	basics();
	both_ends();
	atomic();
	polls();
	many();
	many_die();
	ring();
	inherited(argv[0]);
	SAY(setrlimit(RLIMIT_NOFILE, &few));
	exhausted();
	return 0;
}
