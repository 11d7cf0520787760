/* SPDX-License-Identifier: ISC */
/* Processes that wait for each other in memory that they share: semaphores, mutexes, conditions, and the calls below them. */
#include "t.h"
#include <pthread.h>
#include <semaphore.h>
#define FUTEX_WAIT 0
#define FUTEX_WAKE 1

static struct shared {
	sem_t ping, pong;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int turns, word;
} *s;

static void
semaphores(void)
{
	sem_init(&s->ping, 1, 0);
	sem_init(&s->pong, 1, 0);
	if (fork() == 0) {
		for (int n = 0; n < 500; n++) {
			sem_wait(&s->ping);
			sem_post(&s->pong);
		}
		_exit(0);
	}
	for (int n = 0; n < 500; n++) {
		sem_post(&s->ping);
		sem_wait(&s->pong);
	}
	SAY(wait(NULL) > 0);
	SAY(sem_trywait(&s->pong));
}

static void
turns(int mine)
{
	for (int n = 0; n < 200; n++) {
		pthread_mutex_lock(&s->lock);
		while (s->turns % 2 != mine)
			pthread_cond_wait(&s->changed, &s->lock);
		s->turns++;
		pthread_cond_broadcast(&s->changed);
		pthread_mutex_unlock(&s->lock);
	}
}

static void
conditions(void)
{
	pthread_mutexattr_t m;
	pthread_condattr_t c;

	pthread_mutexattr_init(&m);
	pthread_mutexattr_setpshared(&m, PTHREAD_PROCESS_SHARED);
	pthread_condattr_init(&c);
	pthread_condattr_setpshared(&c, PTHREAD_PROCESS_SHARED);
	SAY(pthread_mutex_init(&s->lock, &m));
	SAY(pthread_cond_init(&s->changed, &c));
	if (fork() == 0) {
		turns(1);
		_exit(0);
	}
	turns(0);
	wait(NULL);
	printf("%d\n", s->turns);
}

static void
calls(void)
{
	struct timespec t = { 0, 10000000 }, bad = { 0, -1 };

	SAY(syscall(SYS_futex, &s->word, FUTEX_WAIT, 1, NULL, NULL, 0));
	SAY(syscall(SYS_futex, &s->word, FUTEX_WAIT, 0, &t, NULL, 0));
	SAY(syscall(SYS_futex, &s->word, FUTEX_WAIT, 0, &bad, NULL, 0));
	SAY(syscall(SYS_futex, (char *)&s->word + 1, FUTEX_WAIT, 0, &t, NULL, 0));
	SAY(syscall(SYS_futex, nowhere, FUTEX_WAIT, 0, &t, NULL, 0));
	SAY(syscall(SYS_futex, &s->word, FUTEX_WAKE, 1, NULL, NULL, 0));
	if (fork() == 0) {
		usleep(20000);
		s->word = 1;
		syscall(SYS_futex, &s->word, FUTEX_WAKE, 1, NULL, NULL, 0);
		_exit(0);
	}
	while (s->word == 0)
		syscall(SYS_futex, &s->word, FUTEX_WAIT, 0, NULL, NULL, 0);
	wait(NULL);
	printf("woken\n");
}

int
main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	s = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	semaphores();
	conditions();
	calls();
	return 0;
}
