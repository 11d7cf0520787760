/* SPDX-License-Identifier: ISC */
/* Threads of one process, by the C library: their life, what they wait for each other by, their stacks. */
#include "t.h"
#include <pthread.h>
#include <semaphore.h>

/* ---- life ---------------------------------------------------------------------------- */

static void *
number(void *arg)
{
	return (void *)((long)arg * 2);
}

static void
joins(void)
{
	pthread_t t[8];
	long sum = 0;
	void *result;

	for (long n = 0; n < 8; n++)
		SAY(pthread_create(&t[n], NULL, number, (void *)n));
	for (long n = 0; n < 8; n++) {
		pthread_join(t[n], &result);
		sum += (long)result;
	}
	printf("%ld\n", sum);
}

static void *
ids(void *arg)
{
	long tid = syscall(SYS_gettid);

	printf("%d %d\n", tid == getpid(), syscall(SYS_gettid) == tid);
	pthread_exit(arg);
}

static void
identity(void)
{
	pthread_t t;
	void *result;

	printf("%d\n", syscall(SYS_gettid) == getpid());
	pthread_create(&t, NULL, ids, (void *)5);
	pthread_join(t, &result);
	printf("%ld\n", (long)result);
}

static sem_t gone;

static void *
detached(void *arg)
{
	(void)arg;
	sem_post(&gone);
	return NULL;
}

static void
detach(void)
{
	pthread_attr_t a;
	pthread_t t;

	sem_init(&gone, 0, 0);
	pthread_attr_init(&a);
	pthread_attr_setdetachstate(&a, PTHREAD_CREATE_DETACHED);
	for (int n = 0; n < 20; n++) {
		pthread_create(&t, &a, detached, NULL);
		sem_wait(&gone);
	}
	pthread_create(&t, NULL, detached, NULL);
	SAY(pthread_detach(t));
	sem_wait(&gone);
}

/* ---- locks ------------------------------------------------------------------------------ */

#define ROUNDS 2000
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static volatile long counter;

static void *
counts(void *arg)
{
	for (int n = 0; n < ROUNDS; n++) {
		pthread_mutex_lock(&lock);
		long seen = counter;
		if (n % 50 == 0)
			sched_yield();
		counter = seen + 1;
		pthread_mutex_unlock(&lock);
	}
	return arg;
}

static void
mutexes(void)
{
	pthread_mutexattr_t a;
	pthread_mutex_t m;
	pthread_t t[4];

	for (int n = 0; n < 4; n++)
		pthread_create(&t[n], NULL, counts, NULL);
	for (int n = 0; n < 4; n++)
		pthread_join(t[n], NULL);
	printf("%ld\n", counter);
	pthread_mutexattr_init(&a);
	pthread_mutexattr_settype(&a, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&m, &a);
	SAY(pthread_mutex_lock(&m));
	SAY(pthread_mutex_lock(&m));
	SAY(pthread_mutex_unlock(&m));
	SAY(pthread_mutex_unlock(&m));
	SAY(pthread_mutex_unlock(&m));
	pthread_mutexattr_settype(&a, PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutex_init(&m, &a);
	SAY(pthread_mutex_lock(&m));
	SAY(pthread_mutex_lock(&m));
	SAY(pthread_mutex_trylock(&m));
	SAY(pthread_mutex_unlock(&m));
	SAY(pthread_mutex_unlock(&m));
}

/* ---- producers and consumers ----------------------------------------------------------------- */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t more, less;
	int item[4], count, done;
	long sum;
} q = { .lock = PTHREAD_MUTEX_INITIALIZER,
	.more = PTHREAD_COND_INITIALIZER,
	.less = PTHREAD_COND_INITIALIZER };

static void *
produce(void *arg)
{
	for (int n = 1; n <= 300; n++) {
		pthread_mutex_lock(&q.lock);
		while (q.count == 4)
			pthread_cond_wait(&q.less, &q.lock);
		q.item[q.count++] = n;
		pthread_cond_signal(&q.more);
		pthread_mutex_unlock(&q.lock);
	}
	return arg;
}

static void *
consume(void *arg)
{
	for (;;) {
		pthread_mutex_lock(&q.lock);
		while (q.count == 0 && !q.done)
			pthread_cond_wait(&q.more, &q.lock);
		if (q.count == 0)
			break;
		q.sum += q.item[--q.count];
		pthread_cond_signal(&q.less);
		pthread_mutex_unlock(&q.lock);
	}
	pthread_mutex_unlock(&q.lock);
	return arg;
}

static void
conditions(void)
{
	pthread_t p[3], c[3];

	for (int n = 0; n < 3; n++) {
		pthread_create(&p[n], NULL, produce, NULL);
		pthread_create(&c[n], NULL, consume, NULL);
	}
	for (int n = 0; n < 3; n++)
		pthread_join(p[n], NULL);
	pthread_mutex_lock(&q.lock);
	q.done = 1;
	pthread_cond_broadcast(&q.more);
	pthread_mutex_unlock(&q.lock);
	for (int n = 0; n < 3; n++)
		pthread_join(c[n], NULL);
	printf("%ld\n", q.sum);
}

/* ---- waiting with a limit --------------------------------------------------------------------- */

static struct timespec
soon(clockid_t clock, long ms)
{
	struct timespec t;

	clock_gettime(clock, &t);
	t.tv_nsec += ms * 1000000;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}

static void *
sleeps(void *arg)
{
	usleep(30000);
	return arg;
}

static void
limits(void)
{
	struct timespec t = soon(CLOCK_REALTIME, 20);
	pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t c = PTHREAD_COND_INITIALIZER;
	pthread_t other;
	sem_t s;

	pthread_mutex_lock(&m);
	SAY(pthread_cond_timedwait(&c, &m, &t));
	SAY(pthread_mutex_timedlock(&m, &t));
	pthread_mutex_unlock(&m);
	sem_init(&s, 0, 0);
	t = soon(CLOCK_REALTIME, 10);
	SAY(sem_timedwait(&s, &t));
	pthread_create(&other, NULL, sleeps, NULL);
	pthread_join(other, NULL);
}

/* ---- the others ---------------------------------------------------------------------------------- */

static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t barrier;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static int onces, serials, destroyed;
static volatile int shared_value;

static void
only_once(void)
{
	onces++;
}

static void
destroy(void *value)
{
	destroyed += (int)(long)value;
}

static void *
meet(void *arg)
{
	long me = (long)arg;

	pthread_once(&once, only_once);
	pthread_setspecific(key, (void *)(me + 1));
	for (int n = 0; n < 10; n++) {
		if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
			__atomic_fetch_add(&serials, 1, __ATOMIC_RELAXED);
		if (n % 4 == me) {
			pthread_rwlock_wrlock(&rw);
			shared_value++;
			sched_yield();
			pthread_rwlock_unlock(&rw);
		} else {
			pthread_rwlock_rdlock(&rw);
			int seen = shared_value;
			sched_yield();
			if (seen != shared_value)
				printf("changed under a reader\n");
			pthread_rwlock_unlock(&rw);
		}
	}
	return (void *)((long)pthread_getspecific(key) - 1);
}

static void
meetings(void)
{
	pthread_t t[4];
	long sum = 0;
	void *result;

	pthread_key_create(&key, destroy);
	pthread_barrier_init(&barrier, NULL, 4);
	for (long n = 0; n < 4; n++)
		pthread_create(&t[n], NULL, meet, (void *)n);
	for (int n = 0; n < 4; n++) {
		pthread_join(t[n], &result);
		sum += (long)result;
	}
	printf("%d %d %d %d %ld\n", onces, serials, shared_value, destroyed, sum);
}

/* ---- arithmetic, which a switch must leave alone --------------------------------------------------- */

static void *
computes(void *arg)
{
	double x = (double)(long)arg, sum = 0;

	for (int n = 1; n < 20000; n++) {
		sum += x / n;
		if (n % 100 == 0)
			sched_yield();
	}
	printf("%.9f\n", sum);
	return NULL;
}

static void
vectors(void)
{
	pthread_t t;

	pthread_create(&t, NULL, computes, (void *)3);
	pthread_join(t, NULL);
	pthread_create(&t, NULL, computes, (void *)7);
	double x = 1;
	for (int n = 1; n < 5000; n++) {
		x = x * 1.0001 + 0.5;
		if (n % 50 == 0)
			sched_yield();
	}
	pthread_join(t, NULL);
	printf("%.9f\n", x);
}

/* Nobody gives way: slices have to end by themselves. */
static volatile int ready, go;

static void *
spins(void *arg)
{
	ready = 1;
	while (!go)
		;
	return arg;
}

static void
spinning(void)
{
	pthread_t t;

	pthread_create(&t, NULL, spins, NULL);
	while (!ready)
		;
	go = 1;
	pthread_join(t, NULL);
	printf("both ran\n");
}

/* ---- many ------------------------------------------------------------------------------------------ */

#define MANY 1000
static pthread_barrier_t all_there;

static void *
one_of_many(void *arg)
{
	pthread_barrier_wait(&all_there);
	return arg;
}

static void
many(void)
{
	static pthread_t t[MANY];
	pthread_attr_t a;
	int made = 0, joined = 0;

	pthread_attr_init(&a);
	pthread_attr_setstacksize(&a, 65536);
	pthread_barrier_init(&all_there, NULL, MANY + 1);
	for (; made < MANY && pthread_create(&t[made], &a, one_of_many, NULL) == 0; made++)
		;
	if (made == MANY)
		pthread_barrier_wait(&all_there);
	for (int n = 0; n < made; n++)
		joined += pthread_join(t[n], NULL) == 0;
	printf("%d %d\n", made, joined);
}

/* Many at a time, over and over: their numbers are used again. */
static void
over_and_over(void)
{
	static pthread_t t[200];
	int made = 0, joined = 0;

	for (int round = 0; round < 32; round++) {
		pthread_barrier_init(&all_there, NULL, 200);
		for (int n = 0; n < 200; n++)
			made += pthread_create(&t[n], NULL, one_of_many, NULL) == 0;
		if (made != (round + 1) * 200)
			break;
		for (int n = 0; n < 200; n++)
			joined += pthread_join(t[n], NULL) == 0;
	}
	printf("%d %d\n", made, joined);
}

int
main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	joins();
	identity();
	detach();
	mutexes();
	conditions();
	limits();
	meetings();
	vectors();
	spinning();
	many();
	over_and_over();
	return 0;
}
