/* SPDX-License-Identifier: ISC */
/* What threads are called, what /proc says of them, and the time that each has used. */
#include "t.h"
#include <dirent.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/prctl.h>

static sem_t here;

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

/* ---- names and /proc ------------------------------------------------------------------------------------- */

static void *
named(void *arg)
{
	char name[16], path[64], text[64] = "";
	FILE *f;

	prctl(PR_SET_NAME, "worker", 0, 0, 0);
	prctl(PR_GET_NAME, name, 0, 0, 0);
	printf("%s\n", name);
	snprintf(path, sizeof(path), "/proc/self/task/%ld/comm", syscall(SYS_gettid));
	f = fopen(path, "r");
	if (f && fgets(text, sizeof(text), f))
		printf("%s", text);
	if (f)
		fclose(f);
	sem_post(&here);
	while (!*(volatile int *)arg)
		usleep(1000);
	return NULL;
}

static void
names(void)
{
	volatile int stop = 0;
	pthread_t t[2];
	char name[16], line[128];
	int tasks = 0;
	struct dirent *e;
	FILE *f;
	DIR *d;

	prctl(PR_SET_NAME, "leader", 0, 0, 0);
	for (int n = 0; n < 2; n++) {
		pthread_create(&t[n], NULL, named, (void *)&stop);
		sem_wait(&here);
	}
	prctl(PR_GET_NAME, name, 0, 0, 0);
	printf("%s\n", name);
	d = opendir("/proc/self/task");
	while (d && (e = readdir(d)))
		tasks += e->d_name[0] != '.';
	if (d)
		closedir(d);
	printf("%d tasks\n", tasks);
	f = fopen("/proc/self/status", "r");
	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, "Threads:", 8) == 0 || strncmp(line, "Name:", 5) == 0)
			printf("%s", line);
	if (f)
		fclose(f);
	stop = 1;
	for (int n = 0; n < 2; n++)
		pthread_join(t[n], NULL);
}

/* Of another process. */
static void
tasks_of(pid_t pid)
{
	char path[320], text[64];
	int tasks = 0;
	struct dirent *e;
	DIR *d;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	d = opendir(path);
	while (d && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		tasks++;
		snprintf(path, sizeof(path), "/proc/%d/task/%s/comm", pid, e->d_name);
		f = fopen(path, "r");
		if (f && fgets(text, sizeof(text), f))
			printf("%s", text);
		if (f)
			fclose(f);
		snprintf(path, sizeof(path), "/proc/%s/status", e->d_name);
		f = fopen(path, "r");
		while (f && fgets(text, sizeof(text), f))
			if (strncmp(text, "Threads:", 8) == 0 || (strncmp(text, "Tgid:", 5) == 0 &&
				printf("of it %d\n", atoi(text + 5) == pid) < 0))
				printf("%s", text);
		if (f)
			fclose(f);
	}
	if (d)
		closedir(d);
	printf("%d tasks\n", tasks);
	snprintf(path, sizeof(path), "/proc/%d/task/%d", pid, getpid());
	SAY(access(path, F_OK));
	snprintf(path, sizeof(path), "/proc/%d/task/32767", pid);
	SAY(access(path, F_OK));
}

static void
others_names(void)
{
	volatile int never = 0;
	pthread_t t;
	int p[2];
	char byte;
	pid_t pid;

	pipe(p);
	if ((pid = fork()) == 0) {
		fclose(stdout);
		prctl(PR_SET_NAME, "first", 0, 0, 0);
		for (int n = 0; n < 3; n++) {
			pthread_create(&t, NULL, named, (void *)&never);
			sem_wait(&here);
		}
		write(p[1], "r", 1);
		pause();
	}
	read(p[0], &byte, 1);
	tasks_of(pid);
	kill(pid, SIGKILL);
	ended(pid);
}

static void *
busy(void *arg)
{
	struct timespec a, b, c;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
	for (volatile int n = 0; n < 3000000; n++)
		;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &c);
	printf("%d %d\n", b.tv_sec * 1000000000 + b.tv_nsec > a.tv_sec * 1000000000 + a.tv_nsec,
		c.tv_sec * 1000000000 + c.tv_nsec >= b.tv_sec * 1000000000 + b.tv_nsec);
	return arg;
}

static void
clocks(void)
{
	struct timespec t;
	pthread_t other;
	clockid_t clock;

	pthread_create(&other, NULL, busy, NULL);
	pthread_join(other, NULL);
	SAY(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t));
	SAY(pthread_getcpuclockid(pthread_self(), &clock));
	SAY(clock_gettime(clock, &t));
}

int
main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	sem_init(&here, 0, 0);
	names();
	others_names();
	clocks();
	return 0;
}
