/* SPDX-License-Identifier: ISC */
/* What threads have in common, by whatever means: ids, limits, working directory, umask, descriptors, dispositions. */
#include "t.h"
#include <pthread.h>
#include <semaphore.h>
#include <grp.h>

static sem_t go, done;
static volatile int quit;

static void
handler(int sig)
{
	printf("handled %d\n", sig);
}

static void
show(void)
{
	struct rlimit l;
	char dir[64];
	mode_t m = umask(0);
	struct sigaction a;

	umask(m);
	getrlimit(RLIMIT_NOFILE, &l);
	sigaction(SIGUSR1, NULL, &a);
	printf("uid %d %d gid %d %d groups %d limit %d dir %s umask %o fd %d handler %d nice %d\n",
		getuid(), geteuid(), getgid(), getegid(), getgroups(0, NULL), (int)l.rlim_cur,
		getcwd(dir, sizeof(dir)), m, fcntl(100, F_GETFD), a.sa_handler == handler,
		getpriority(PRIO_PROCESS, 0));
}

static void *
other(void *arg)
{
	for (;;) {
		sem_wait(&go);
		if (quit)
			return arg;
		show();
		sem_post(&done);
	}
}

static void
both(void)
{
	show();
	sem_post(&go);
	sem_wait(&done);
}

static void *
changes(void *arg)
{
	struct rlimit l = { 200, 300 };

	setrlimit(RLIMIT_NOFILE, &l);
	chdir("/tmp");
	umask(027);
	dup2(0, 100);
	signal(SIGUSR1, handler);
	setgroups(0, NULL);
	SAY(setresgid(1001, 1002, 1003));
	SAY(setresuid(2001, 2002, 2003));
	return arg;
}

int
main(void)
{
	pthread_t t, c;

	setvbuf(stdout, NULL, _IONBF, 0);
	sem_init(&go, 0, 0);
	sem_init(&done, 0, 0);
	chdir("/");
	umask(022);
	struct rlimit l = { 500, 600 };
	setrlimit(RLIMIT_NOFILE, &l);
	setgroups(0, NULL);
	pthread_create(&t, NULL, other, NULL);
	both();
	pthread_create(&c, NULL, changes, NULL);
	pthread_join(c, NULL);
	both();
	raise(SIGUSR1);
	both();
	quit = 1;
	sem_post(&go);
	pthread_join(t, NULL);
	return 0;
}
