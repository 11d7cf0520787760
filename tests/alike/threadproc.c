/* SPDX-License-Identifier: ISC */
/* Processes with threads: fork, exec, the end; files that several use. */
#include "t.h"
#include <pthread.h>
#include <semaphore.h>
#include <sys/socket.h>

static sem_t here;
static const char *self;

static void
ended(pid_t pid)
{
	int status;

	waitpid(pid, &status, 0);
	if (WIFEXITED(status))
		printf("exit %d\n", WEXITSTATUS(status));
	else
		printf("signal %d\n", WTERMSIG(status));
}

/* ---- the end ------------------------------------------------------------------------------ */

static void *
reads(void *arg)
{
	char byte;
	int p[2];

	pipe(p);
	sem_post(&here);
	read(p[0], &byte, 1);
	return arg;
}

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;

static void *
locks(void *arg)
{
	sem_post(&here);
	pthread_mutex_lock(&held);
	return arg;
}

static void *
sleeps(void *arg)
{
	sem_post(&here);
	sleep(100);
	return arg;
}

static void *
exits(void *arg)
{
	exit((int)(long)arg);
}

static void *
ends_later(void *arg)
{
	usleep(20000);
	return arg;
}

static void *
raises(void *arg)
{
	raise(SIGTERM);
	return arg;
}

static void
others(void)
{
	pthread_t t;

	pthread_mutex_lock(&held);
	pthread_create(&t, NULL, reads, NULL);
	pthread_create(&t, NULL, locks, NULL);
	pthread_create(&t, NULL, sleeps, NULL);
	for (int n = 0; n < 3; n++)
		sem_wait(&here);
}

static void
ends(void)
{
	pthread_t t;
	pid_t pid;

	if ((pid = fork()) == 0) {
		others();
		exit(3);
	}
	ended(pid);
	if ((pid = fork()) == 0) {
		others();
		pthread_create(&t, NULL, exits, (void *)4);
		pause();
	}
	ended(pid);
	if ((pid = fork()) == 0)
		execl(self, self, "first", "exit", NULL);
	ended(pid);
	if ((pid = fork()) == 0)
		execl(self, self, "first", "call", NULL);
	ended(pid);
	if ((pid = fork()) == 0) {
		others();
		pthread_create(&t, NULL, raises, NULL);
		pause();
	}
	ended(pid);
	if ((pid = fork()) == 0) {
		others();
		pause();
	}
	usleep(20000);
	kill(pid, SIGKILL);
	ended(pid);
}

/* ---- fork -------------------------------------------------------------------------------------- */

static int prepared, parents, children;

static void
prepare(void)
{
	prepared++;
}

static void
in_parent(void)
{
	parents++;
}

static void
in_child(void)
{
	children++;
}

static void *
forks(void *arg)
{
	pid_t pid = fork();
	pthread_t t;

	if (pid == 0) {
		printf("child %d %d\n", getpid() == (pid_t)syscall(SYS_gettid), children);
		pthread_create(&t, NULL, ends_later, NULL);
		pthread_join(t, NULL);
		exit(5);
	}
	ended(pid);
	return arg;
}

/* A child has the forking thread alone: what the others held of files is given back. */
static void *
holds_pipe(void *arg)
{
	char byte;

	sem_post(&here);
	read((int)(long)arg, &byte, 1);
	return arg;
}

static void
forking(void)
{
	pthread_t t;
	pid_t pid;
	int p[2];

	pthread_atfork(prepare, in_parent, in_child);
	pthread_create(&t, NULL, forks, NULL);
	pthread_join(t, NULL);
	printf("%d %d\n", prepared, parents);
	pipe(p);
	pthread_create(&t, NULL, holds_pipe, (void *)(long)p[0]);
	sem_wait(&here);
	usleep(5000);
	if ((pid = fork()) == 0) {
		close(p[0]);
		signal(SIGPIPE, SIG_IGN);
		usleep(20000);
		SAY(write(p[1], "x", 1));	/* nobody reads any more */
		exit(0);
	}
	close(p[1]);
	write(p[0], "", 0);
	pthread_cancel(t);
	pthread_join(t, NULL);
	close(p[0]);
	ended(pid);
}

/* ---- exec ------------------------------------------------------------------------------------------ */

static void *
execs(void *arg)
{
	char *argv[] = { (char *)self, (char *)"again", arg, NULL };

	usleep(5000);
	execv(self, argv);
	return NULL;
}

static void
executing(void)
{
	pthread_t t;
	pid_t pid;

	if ((pid = fork()) == 0) {
		others();
		execs((void *)"by the leader");
	}
	ended(pid);
	if ((pid = fork()) == 0) {
		others();
		pthread_create(&t, NULL, execs, (void *)"by another");
		pthread_join(t, NULL);
	}
	ended(pid);
	if ((pid = fork()) == 0)
		execl(self, self, "first", "exec", NULL);
	ended(pid);
	if ((pid = fork()) == 0) {
		others();
		SAY(execl("/nowhere", "x", NULL));
		pthread_mutex_unlock(&held);
		exit(6);
	}
	ended(pid);
}

static int
again(const char *how)
{
	pthread_t t;

	printf("%s: %d\n", how, getpid() == (pid_t)syscall(SYS_gettid));
	pthread_create(&t, NULL, ends_later, NULL);
	return pthread_join(t, NULL) + 7;
}

/* The leader goes first; musl loses a lock where that was forked. */
static int
first(const char *how)
{
	pthread_t t;

	if (how[1] == 'x' && how[2] == 'e')
		pthread_create(&t, NULL, execs, (void *)"without a leader");
	else
		pthread_create(&t, NULL, ends_later, NULL);
	if (how[0] == 'c')
		syscall(SYS_exit, 9);
	pthread_exit(NULL);
}

/* ---- files -------------------------------------------------------------------------------------------- */

static void *
reads_all(void *arg)
{
	char bytes[64];
	long sum = 0, n;

	while ((n = read((int)(long)arg, bytes, sizeof(bytes))) > 0)
		sum += n;
	return (void *)sum;
}

static void *
writes_much(void *arg)
{
	struct iovec v[3];
	char text[3][3000];

	for (int n = 0; n < 3; n++) {
		memset(text[n], (int)(long)arg % 26 + 'a', sizeof(text[n]));
		v[n] = (struct iovec){ text[n], sizeof(text[n]) };
	}
	for (int n = 0; n < 30; n++)
		writev((int)(long)arg / 100, v, 3);
	return NULL;
}

static void *
polls(void *arg)
{
	struct pollfd p = { .fd = (int)(long)arg, .events = POLLIN };

	sem_post(&here);
	return (void *)(long)poll(&p, 1, 5000);
}

static void
files(void)
{
	pthread_t r, w[3], many[12];
	int p[2], s[2], each[12][2];
	void *result;
	char byte = 'x';

	pipe(p);
	pthread_create(&r, NULL, reads_all, (void *)(long)p[0]);
	for (long n = 0; n < 3; n++)
		pthread_create(&w[n], NULL, writes_much, (void *)(p[1] * 100 + n));
	for (int n = 0; n < 3; n++)
		pthread_join(w[n], NULL);
	close(p[1]);
	pthread_join(r, &result);
	printf("%ld bytes\n", (long)result);

	/* A descriptor that is closed while somebody reads from it. */
	pipe(p);
	pthread_create(&r, NULL, reads_all, (void *)(long)p[0]);
	usleep(5000);
	close(p[0]);
	write(p[1], "1234", 4);
	close(p[1]);
	pthread_join(r, &result);
	printf("%ld bytes\n", (long)result);

	/* More of them wait than a predicate has terms. */
	for (long n = 0; n < 12; n++) {
		socketpair(AF_UNIX, SOCK_STREAM, 0, each[n]);
		pthread_create(&many[n], NULL, polls, (void *)(long)each[n][0]);
		sem_wait(&here);
	}
	usleep(5000);
	if (fork() == 0) {
		for (int n = 11; n >= 0; n--) {
			write(each[n][1], &byte, 1);
			usleep(500);
		}
		_exit(0);
	}
	for (int n = 0; n < 12; n++) {
		pthread_join(many[n], &result);
		printf("%ld", (long)result);
	}
	printf("\n");
	wait(NULL);
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	pthread_create(&r, NULL, reads_all, (void *)(long)s[0]);
	write(s[1], "hello", 5);
	shutdown(s[1], SHUT_WR);
	pthread_join(r, &result);
	printf("%ld bytes\n", (long)result);
}

int
main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	self = argv[0];
	if (argc == 3)
		return argv[1][0] == 'a' ? again(argv[2]) : first(argv[2]);
	sem_init(&here, 0, 0);
	ends();
	forking();
	executing();
	files();
	return 0;
}
