/* SPDX-License-Identifier: ISC */
/* Futexes below the C library's locks: who is woken and how many, moving, conditions, owners, robust lists. */
#include "t.h"
#include <pthread.h>
#include <semaphore.h>

#define FUTEX_WAIT 0
#define FUTEX_WAKE 1
#define FUTEX_REQUEUE 3
#define FUTEX_CMP_REQUEUE 4
#define FUTEX_WAKE_OP 5
#define FUTEX_LOCK_PI 6
#define FUTEX_UNLOCK_PI 7
#define FUTEX_TRYLOCK_PI 8
#define FUTEX_WAIT_BITSET 9
#define FUTEX_WAKE_BITSET 10
#define FUTEX_PRIVATE 128
#define FUTEX_REALTIME 256

static unsigned words[8];
static sem_t here;
static volatile int woken;

static long
futex(unsigned *word, int op, unsigned value, const void *timeout, unsigned *other, unsigned third)
{
	return syscall(SYS_futex, word, op, value, timeout, other, third);
}

/* ---- how many, and which -------------------------------------------------------------------- */

struct sleeper {
	pthread_t thread;
	unsigned *word, bits;
	int op, result;
	struct timespec limit;
};

static void *
sleeps(void *arg)
{
	struct sleeper *s = arg;

	sem_post(&here);
	s->result =
		(int)futex(s->word, s->op, 0, s->limit.tv_nsec ? &s->limit : NULL, NULL, s->bits);
	if (s->result < 0)
		s->result = -errno;
	__atomic_fetch_add(&woken, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void
start(struct sleeper *s, int count, unsigned *word, int op, unsigned bits)
{
	woken = 0;
	for (int n = 0; n < count; n++) {
		s[n] = (struct sleeper){ .word = word, .op = op, .bits = bits ? bits << n : 0 };
		pthread_create(&s[n].thread, NULL, sleeps, &s[n]);
		sem_wait(&here);
	}
	usleep(50000);			/* they wait by then, on a busy machine, too */
}

static void
settle(int expected)
{
	for (int n = 0; n < 200 && woken < expected; n++)
		usleep(1000);
	printf("woken %d\n", woken);
}

static void
end(struct sleeper *s, int count)
{
	for (int n = 0; n < count; n++) {
		pthread_join(s[n].thread, NULL);
		printf("%d ", s[n].result);
	}
	printf("\n");
}

static void
counts(int private)
{
	struct sleeper s[5];

	start(s, 5, &words[0], FUTEX_WAIT | private, 0);
	SAY(futex(&words[0], FUTEX_WAKE | private, 2, NULL, NULL, 0));
	settle(2);
	SAY(futex(&words[0], FUTEX_WAKE | private, 0, NULL, NULL, 0));
	settle(3);
	SAY(futex(&words[1], FUTEX_WAKE | private, 9, NULL, NULL, 0));
	SAY(futex(&words[0], FUTEX_WAKE | private, 1000, NULL, NULL, 0));
	end(s, 5);
	start(s, 4, &words[0], FUTEX_WAIT_BITSET | private, 1);
	SAY(futex(&words[0], FUTEX_WAKE_BITSET | private, 9, NULL, NULL, 16));
	SAY(futex(&words[0], FUTEX_WAKE_BITSET | private, 9, NULL, NULL, 6));
	settle(2);
	SAY(futex(&words[0], FUTEX_WAKE_BITSET | private, 9, NULL, NULL, 0));
	SAY(futex(&words[0], FUTEX_WAKE | private, 9, NULL, NULL, 0));
	end(s, 4);
}

/* ---- moving -------------------------------------------------------------------------------------- */

static void
moving(void)
{
	struct sleeper s[6];

	start(s, 6, &words[0], FUTEX_WAIT | FUTEX_PRIVATE, 0);
	SAY(futex(&words[0], FUTEX_CMP_REQUEUE | FUTEX_PRIVATE, 1, (void *)2, &words[2], 7));
	SAY(futex(&words[0], FUTEX_CMP_REQUEUE | FUTEX_PRIVATE, 1, (void *)2, &words[2], 0));
	settle(1);
	SAY(futex(&words[2], FUTEX_WAKE | FUTEX_PRIVATE, 9, NULL, NULL, 0));
	settle(3);
	SAY(futex(&words[0], FUTEX_REQUEUE | FUTEX_PRIVATE, 0, (void *)1, &words[3], 0));
	SAY(futex(&words[3], FUTEX_WAKE | FUTEX_PRIVATE, 9, NULL, NULL, 0));
	SAY(futex(&words[0], FUTEX_WAKE | FUTEX_PRIVATE, 9, NULL, NULL, 0));
	end(s, 6);
	SAY(futex(&words[0], FUTEX_REQUEUE | FUTEX_PRIVATE, (unsigned)-1, (void *)1, &words[3], 0));
	SAY(futex(&words[0], FUTEX_REQUEUE | FUTEX_PRIVATE, 0, (void *)1,
		(unsigned *)((char *)words + 1), 0));
}

/* ---- an operation, and waking by what was there ------------------------------------------------------ */

#define OP(op, arg, cmp, cmparg) ((op) << 28 | (cmp) << 24 | ((arg) & 0xfff) << 12 | ((cmparg) & 0xfff))

static void
operations(void)
{
	struct sleeper s[2];
	static const unsigned ops[] = {
		OP(0u, 5, 0u, 7),
		OP(1u, 3, 1u, 7),
		OP(2u, 8, 2u, 100),
		OP(3u, 1, 3u, 0),
		OP(4u, 255, 4u, 1),
		OP(1u, -1, 5u, 0),
		OP(8u | 2u, 4, 0u, 0),
		OP(5u, 0, 0u, 0),
		OP(0u, 0, 6u, 0),
	};

	words[4] = 7;
	for (unsigned n = 0; n < sizeof(ops) / sizeof(ops[0]); n++) {
		SAY(futex(&words[0], FUTEX_WAKE_OP | FUTEX_PRIVATE, 1, (void *)1, &words[4],
			ops[n]));
		printf("%x\n", words[4]);
	}
	start(s, 2, &words[0], FUTEX_WAIT | FUTEX_PRIVATE, 0);
	words[4] = 1;
	SAY(futex(&words[1], FUTEX_WAKE_OP | FUTEX_PRIVATE, 1, (void *)2, &words[0],
		OP(1u, 0, 0u, 1)));
	SAY(futex(&words[1], FUTEX_WAKE_OP | FUTEX_PRIVATE, 1, (void *)2, &words[0],
		OP(1u, 0, 0u, 0)));
	end(s, 2);
}

/* ---- limits ---------------------------------------------------------------------------------------------- */

static void
limits(void)
{
	struct timespec t = { 0, 10000000 }, past = { 1, 0 }, soon;

	SAY(futex(&words[0], FUTEX_WAIT | FUTEX_PRIVATE, 0, &t, NULL, 0));
	SAY(futex(&words[0], FUTEX_WAIT | FUTEX_PRIVATE, 1, &t, NULL, 0));
	SAY(futex(&words[0], FUTEX_WAIT_BITSET | FUTEX_PRIVATE | FUTEX_REALTIME, 0, &past, NULL,
		1));
	clock_gettime(CLOCK_REALTIME, &soon);
	soon.tv_nsec += 5000000;
	if (soon.tv_nsec >= 1000000000)
		soon.tv_sec++, soon.tv_nsec -= 1000000000;
	SAY(futex(&words[0], FUTEX_WAIT_BITSET | FUTEX_PRIVATE | FUTEX_REALTIME, 0, &soon, NULL,
		1));
	clock_gettime(CLOCK_MONOTONIC, &soon);
	soon.tv_nsec += 5000000;
	if (soon.tv_nsec >= 1000000000)
		soon.tv_sec++, soon.tv_nsec -= 1000000000;
	SAY(futex(&words[0], FUTEX_WAIT_BITSET | FUTEX_PRIVATE, 0, &soon, NULL, 1));
	SAY(futex(&words[0], FUTEX_WAKE | FUTEX_REALTIME, 0, NULL, NULL, 0));
	SAY(futex(&words[0], 99, 0, NULL, NULL, 0));
}

/* ---- locks that know their owner ------------------------------------------------------------------------------ */

static unsigned lock;

static void *
wants(void *arg)
{
	long got = futex(&lock, FUTEX_LOCK_PI | FUTEX_PRIVATE, 0, NULL, NULL, 0);

	printf("got it %ld, mine %d\n", got, (lock & 0x3fffffff) == (unsigned)syscall(SYS_gettid));
	*(int *)arg = 1;
	futex(&lock, FUTEX_UNLOCK_PI | FUTEX_PRIVATE, 0, NULL, NULL, 0);
	return NULL;
}

static void
owners(void)
{
	pthread_t t;
	struct timespec past = { 1, 0 };
	pthread_mutexattr_t a;
	pthread_mutex_t m;
	volatile int had = 0;

	SAY(futex(&lock, FUTEX_UNLOCK_PI | FUTEX_PRIVATE, 0, NULL, NULL, 0));
	SAY(futex(&lock, FUTEX_LOCK_PI | FUTEX_PRIVATE, 0, NULL, NULL, 0));
	printf("mine %d\n", lock == (unsigned)syscall(SYS_gettid));
	SAY(futex(&lock, FUTEX_LOCK_PI | FUTEX_PRIVATE, 0, NULL, NULL, 0));
	pthread_create(&t, NULL, wants, (void *)&had);
	usleep(50000);
	printf("waiters %x\n", lock & 0x80000000u);
	SAY(futex(&lock, FUTEX_UNLOCK_PI | FUTEX_PRIVATE, 0, NULL, NULL, 0));
	pthread_join(t, NULL);
	printf("free %x\n", lock);
	lock = 0x3ffffff0;
	SAY(futex(&lock, FUTEX_LOCK_PI | FUTEX_PRIVATE, 0, NULL, NULL, 0));
	lock = 1;
	SAY(futex(&lock, FUTEX_UNLOCK_PI | FUTEX_PRIVATE, 0, NULL, NULL, 0));
	lock = 0;
	SAY(futex(&lock, FUTEX_TRYLOCK_PI | FUTEX_PRIVATE, 0, NULL, NULL, 0));
	futex(&lock, FUTEX_UNLOCK_PI | FUTEX_PRIVATE, 0, NULL, NULL, 0);
	(void)past;
	pthread_mutexattr_init(&a);
	SAY(pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_INHERIT));
	SAY(pthread_mutex_init(&m, &a));
	SAY(pthread_mutex_lock(&m));
	SAY(pthread_mutex_unlock(&m));
}

/* ---- owners that die ---------------------------------------------------------------------------------------------- */

static struct shared {
	pthread_mutex_t robust;
	unsigned word;
	volatile int ready, go;
} *s;

static void *
dies(void *arg)
{
	pthread_mutex_lock(arg);
	return NULL;
}

static void *
inherits(void *arg)
{
	printf("EOWNERDEAD %d\n", pthread_mutex_lock(arg) == EOWNERDEAD);
	pthread_mutex_consistent(arg);
	pthread_mutex_unlock(arg);
	return NULL;
}

static void
robust(void)
{
	pthread_mutexattr_t a;
	pthread_mutex_t m;
	pthread_t t, u;

	pthread_mutexattr_init(&a);
	pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&m, &a);
	pthread_create(&t, NULL, dies, &m);
	pthread_join(t, NULL);
	printf("EOWNERDEAD %d\n", pthread_mutex_lock(&m) == EOWNERDEAD);
	SAY(pthread_mutex_consistent(&m));
	SAY(pthread_mutex_unlock(&m));
	pthread_create(&t, NULL, dies, &m);
	pthread_join(t, NULL);
	pthread_mutex_lock(&m);
	pthread_mutex_unlock(&m);
	printf("ENOTRECOVERABLE %d\n", pthread_mutex_lock(&m) == ENOTRECOVERABLE);

	/* Another process's, ended while somebody waits. */
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&s->robust, &a);
	if (fork() == 0) {
		pthread_mutex_lock(&s->robust);
		s->ready = 1;
		while (!s->go)
			usleep(1000);
		usleep(10000);
		_exit(0);
	}
	while (!s->ready)
		usleep(1000);
	pthread_create(&u, NULL, inherits, &s->robust);
	usleep(5000);
	s->go = 1;
	pthread_join(u, NULL);
	wait(NULL);
}

/* ---- memory that two processes share --------------------------------------------------------------------------------- */

static void
shared(void)
{
	struct sleeper t[2];
	pid_t child;
	int status;

	woken = 0;
	child = fork();
	if (child == 0) {
		start(t, 2, &s->word, FUTEX_WAIT, 0);
		s->ready = 2;
		while (s->ready != 3)	/* one speaks at a time */
			usleep(1000);
		end(t, 2);
		exit(0);
	}
	while (s->ready != 2)
		usleep(1000);
	SAY(futex(&s->word, FUTEX_WAKE | FUTEX_PRIVATE, 9, NULL, NULL, 0));
	SAY(futex(&s->word, FUTEX_WAKE, 1, NULL, NULL, 0));
	SAY(futex(&s->word, FUTEX_WAKE, 9, NULL, NULL, 0));
	s->ready = 3;
	waitpid(child, &status, 0);
	printf("%d\n", status);
}

int
main(int argc, char **argv)
{
	(void)argv;
	setvbuf(stdout, NULL, _IONBF, 0);
	sem_init(&here, 0, 0);
	s = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	counts(FUTEX_PRIVATE);
	counts(0);
	moving();
	operations();
	limits();
	owners();
	robust();
	if (argc < 2)
		shared();
	return 0;
}
