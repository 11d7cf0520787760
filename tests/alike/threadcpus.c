/* SPDX-License-Identifier: ISC */
/*
 * Threads that run at the same time, where there are several processors: what
 * they do to each other and to their process comes out as on one.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include "t.h"

#define MANY 4

static atomic_int go, stop, count, ready;

static void
together(int n, void *(*f)(void *))
{
	pthread_t t[128];

	go = stop = count = ready = 0;
	for (long i = 0; i < n; i++)
		if (pthread_create(&t[i], NULL, f, (void *)i))
			printf("no thread %ld\n", i);
	go = 1;
	for (int i = 0; i < n; i++)
		pthread_join(t[i], NULL);
}

/* ---- locks and memory --------------------------------------------------------------------- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static long guarded, turns[MANY];

static void *
adds(void *arg)
{
	(void)arg;
	for (int n = 0; n < 20000; n++) {
		pthread_mutex_lock(&mutex);
		guarded++;
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

static void *
takes_turns(void *arg)
{
	const long me = (long)arg;

	for (int n = 0; n < 300; n++) {
		pthread_mutex_lock(&mutex);
		while (guarded % MANY != me)
			pthread_cond_wait(&cond, &mutex);
		guarded++;
		turns[me]++;
		pthread_cond_broadcast(&cond);
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

static void *
meets(void *arg)
{
	static atomic_int wrong;

	(void)arg;
	for (int n = 0; n < 300; n++) {
		count++;
		pthread_barrier_wait(&barrier);
		if (count != (n + 1) * MANY)
			wrong++;
		pthread_barrier_wait(&barrier);
	}
	return (void *)(long)wrong;
}

static void *
allocates(void *arg)
{
	unsigned seed = (unsigned)(long)arg + 1;
	char *p[64] = { 0 };

	for (int n = 0; n < 4000; n++) {
		unsigned k = rand_r(&seed) % 64, bytes = rand_r(&seed) % 9000 + 1;

		if (p[k] && p[k][0] != (char)k)
			count++;
		free(p[k]);
		p[k] = malloc(bytes);
		memset(p[k], (int)k, bytes);
	}
	for (int k = 0; k < 64; k++)
		free(p[k]);
	return NULL;
}

static void
locks(void)
{
	together(MANY, adds);
	printf("guarded %ld\n", guarded);
	guarded = 0;
	together(MANY, takes_turns);
	printf("turns %ld %ld %ld %ld\n", turns[0], turns[1], turns[2], turns[3]);
	pthread_barrier_init(&barrier, NULL, MANY);
	together(MANY, meets);
	printf("met %d\n", count);
	together(MANY, allocates);
	printf("spoiled %d\n", count);
}

/* ---- pages ---------------------------------------------------------------------------------- */

static char *area;
#define AREA (4 << 20)

/* All touch the same new pages at once: each byte is there afterwards. */
static void *
touches(void *arg)
{
	const long me = (long)arg;

	while (!go)
		;
	for (long at = 0; at < AREA; at += 4096)
		area[at + me]++;
	return NULL;
}

static void *
maps(void *arg)
{
	(void)arg;
	for (int n = 0; n < 50; n++) {
		char *p = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			0);

		for (int at = 0; at < 65536; at += 4096)
			count += p[at];
		memset(p, n, 65536);
		mprotect(p, 32768, PROT_READ);
		count += p[0] != (char)n;
		munmap(p, 65536);
	}
	return NULL;
}

static sigjmp_buf back;
static __thread volatile int mine;
static atomic_int faults;

static void
faulted(int sig)
{
	(void)sig;
	faults++;
	siglongjmp(back, 1);
}

/* One writes a page, another one closes it: the writer hears of it, and nobody else. */
static void *
closes(void *arg)
{
	(void)arg;
	while (!ready)
		;
	mprotect(area, 4096, PROT_READ);
	return NULL;
}

static void
pages(void)
{
	long sum = 0;
	pthread_t t;

	area = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	together(MANY, touches);
	for (long at = 0; at < AREA; at++)
		sum += area[at];
	printf("touched %ld\n", sum);
	together(MANY, maps);
	printf("mapped, wrong %d\n", count);
	ready = 0;
	signal(SIGSEGV, faulted);
	pthread_create(&t, NULL, closes, NULL);
	if (sigsetjmp(back, 1) == 0) {
		for (;;) {
			area[0]++;
			ready = 1;
		}
	}
	pthread_join(t, NULL);
	signal(SIGSEGV, SIG_DFL);
	printf("closed, faults %d\n", faults);
	munmap(area, AREA);
}

/* ---- signals to who runs ------------------------------------------------------------------------ */

static atomic_int heard;

static void
hears(int sig)
{
	(void)sig;
	mine++;
	heard++;
}

static void *
computes_until_told(void *arg)
{
	(void)arg;
	ready++;
	while (mine < 20)
		;
	return NULL;
}

static void
told(void)
{
	struct sigaction act = { .sa_handler = hears };
	pthread_t t[2];

	heard = ready = 0;
	sigaction(SIGUSR1, &act, NULL);
	for (int i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, computes_until_told, NULL);
	while (ready < 2)
		sched_yield();
	for (int n = 0; n < 20; n++) {
		for (int i = 0; i < 2; i++)
			pthread_kill(t[i], SIGUSR1);
		while (heard < (n + 1) * 2)
			;
	}
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	printf("heard %d\n", heard);
}

static void *
never_ends(void *arg)
{
	for (;;)
		if (arg)
			pthread_testcancel();
	return NULL;
}

static void
cancelled(void)
{
	pthread_t t[3];
	void *result;
	int good = 0;

	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, never_ends, (void *)1);
	for (int i = 0; i < 3; i++) {
		pthread_cancel(t[i]);
		pthread_join(t[i], &result);
		good += result == PTHREAD_CANCELED;
	}
	printf("cancelled %d\n", good);
}

/* ---- the process ends, forks, runs another program, while they compute ----------------------------- */

static void
with_others(void)
{
	pthread_t t;

	for (int i = 0; i < 3; i++)
		pthread_create(&t, NULL, never_ends, NULL);
	usleep(20000);
}

static void
status_of(const char *what, pid_t pid)
{
	int status = 0;

	waitpid(pid, &status, 0);
	printf("%s: %x\n", what, status);
}

static void *
leads_on(void *arg)
{
	(void)arg;
	execl("/bin/busybox", "sh", "-c", "exit 7", NULL);
	return NULL;
}

static void
ends(void)
{
	pthread_t t;
	pid_t pid;

	fflush(stdout);
	if ((pid = fork()) == 0) {
		with_others();
		_exit(5);
	}
	status_of("exit_group", pid);
	if ((pid = fork()) == 0) {
		with_others();
		execl("/bin/busybox", "sh", "-c", "exit 6", NULL);
	}
	status_of("exec", pid);
	if ((pid = fork()) == 0) {
		with_others();
		pthread_create(&t, NULL, leads_on, NULL);
		for (;;)
			;
	}
	status_of("exec by another", pid);
	if ((pid = fork()) == 0) {
		with_others();
		raise(SIGTERM);
	}
	status_of("signal", pid);
	if ((pid = fork()) == 0) {
		with_others();
		for (;;)
			;
	}
	usleep(30000);
	kill(pid, SIGSTOP);
	waitpid(pid, NULL, WUNTRACED);
	kill(pid, SIGCONT);
	usleep(20000);
	kill(pid, SIGKILL);
	status_of("stopped, killed", pid);
}

/* Children of a process whose other threads write everywhere find a page as it was, whole. */
static void *
scribbles(void *arg)
{
	long *p = (long *)area + (long)arg * 512;

	for (long n = 1; !stop; n++)
		for (int k = 0; k < 512; k++)
			p[k] = n;
	return NULL;
}

static void
forks(void)
{
	pthread_t t[3];
	int good = 0, status;

	area = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	stop = 0;
	fflush(stdout);
	for (long i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, scribbles, (void *)i);
	for (int n = 0; n < 4; n++) {
		pid_t pid = fork();

		if (pid == 0) {
			const long *p = (const long *)area;
			int wrong = 0;

			for (int i = 0; i < 3 * 512; i++)	/* no two writes ago */
				wrong += p[i] > p[i / 512 * 512] || p[i] < p[i / 512 * 512] - 1;
			_exit(wrong != 0);
		}
		good += waitpid(pid, &status, 0) == pid && status == 0;
	}
	stop = 1;
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	printf("children %d\n", good);
}

static void *
comes_and_goes(void *arg)
{
	pthread_t t;

	count++;
	if ((long)arg % 2 && pthread_create(&t, NULL, comes_and_goes, (void *)0) == 0)
		pthread_join(t, NULL);
	return NULL;
}

static void *
pipes(void *arg)
{
	static int fd[MANY][2];
	const long me = (long)arg;
	long sum = 0;
	char byte;

	if (me % 2 == 0)
		pipe(fd[me]), pipe(fd[me + 1]), ready += 2;
	while (ready < MANY)
		sched_yield();
	for (int n = 0; n < 200; n++) {
		if (me % 2 == 0) {
			write(fd[me][1], "x", 1);
			sum += read(fd[me + 1][0], &byte, 1);
		} else {
			sum += read(fd[me - 1][0], &byte, 1);
			write(fd[me][1], "y", 1);
		}
	}
	count += (int)sum;
	return NULL;
}

int
main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	locks();
	pages();
	told();
	cancelled();
	ends();
	forks();
	together(100, comes_and_goes);
	printf("came %d\n", count);
	together(MANY, pipes);
	printf("bytes %d\n", count);
	return 0;
}
