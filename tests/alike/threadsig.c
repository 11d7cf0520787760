/* SPDX-License-Identifier: ISC */
/* Signals and threads: at one, at all of them, waited for, blocked; cancelling; faults; timers. */
#include "t.h"
#include <pthread.h>
#include <semaphore.h>

static pid_t
tid(void)
{
	return (pid_t)syscall(SYS_gettid);
}

static volatile sig_atomic_t caught, caught_by;
static pid_t leader;

static void
handler(int sig)
{
	caught_by = tid() == leader;
	caught = sig;			/* last: others wait for it */
}

static void
on(int sig, int flags)
{
	struct sigaction a = { .sa_handler = handler, .sa_flags = flags };

	sigaction(sig, &a, NULL);
}

static void
mask(int how, int sig)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, sig);
	pthread_sigmask(how, &s, NULL);
}

/* ---- at one thread --------------------------------------------------------------------- */

static sem_t here;

static void *
sleeper(void *arg)
{
	struct timespec t = { 10, 0 };

	sem_post(&here);
	printf("slept: %d %s\n", nanosleep(&t, NULL), errno == EINTR ? "EINTR" : "?");
	printf("caught %d by the leader %d\n", (int)caught, (int)caught_by);
	return arg;
}

static void
directed(void)
{
	pthread_t t;

	sem_init(&here, 0, 0);
	on(SIGUSR1, 0);
	pthread_create(&t, NULL, sleeper, NULL);
	sem_wait(&here);
	usleep(50000);
	int killed = pthread_kill(t, SIGUSR1);
	pthread_join(t, NULL);
	SAY(killed);
	caught = 0;
	SAY(syscall(SYS_tgkill, getpid(), tid(), SIGUSR1));
	printf("caught %d by the leader %d\n", (int)caught, (int)caught_by);
	SAY(syscall(SYS_tgkill, getpid(), 999999, SIGUSR1));
	SAY(syscall(SYS_tgkill, getpid() + 1, tid(), SIGUSR1));
	SAY(syscall(SYS_tkill, -1, SIGUSR1));
	SAY(syscall(SYS_tgkill, getpid(), tid(), 65));
}

/* ---- at the process ------------------------------------------------------------------------ */

static volatile int stop;

static void *
open_to_it(void *arg)
{
	mask(SIG_UNBLOCK, SIGUSR2);
	sem_post(&here);
	while (!stop)
		usleep(1000);
	return arg;
}

static void
at_all(void)
{
	pthread_t t;

	on(SIGUSR2, SA_RESTART);
	caught = 0;
	kill(getpid(), SIGUSR2);
	printf("caught %d by the leader %d\n", (int)caught, (int)caught_by);
	mask(SIG_BLOCK, SIGUSR2);
	pthread_create(&t, NULL, open_to_it, NULL);
	sem_wait(&here);
	caught = 0;
	kill(getpid(), SIGUSR2);
	while (!caught)
		usleep(1000);
	printf("caught %d by the leader %d\n", (int)caught, (int)caught_by);
	stop = 1;
	pthread_join(t, NULL);
	caught = 0;
	kill(getpid(), SIGUSR2);
	printf("pending %d\n", (int)caught);
	mask(SIG_UNBLOCK, SIGUSR2);
	printf("caught %d by the leader %d\n", (int)caught, (int)caught_by);
}

/* ---- a thread for signals ----------------------------------------------------------------------- */

static void *
waits(void *arg)
{
	sigset_t s;
	int sig;

	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	sigaddset(&s, SIGTERM);
	sigaddset(&s, SIGRTMIN + 1);
	for (;;) {
		sigwait(&s, &sig);
		printf("waited for %d\n", sig == SIGRTMIN + 1 ? 100 : sig);
		sem_post(&here);
		if (sig == SIGTERM)
			return arg;
	}
}

static void
dedicated(void)
{
	pthread_t t;
	union sigval v = { .sival_int = 5 };

	mask(SIG_BLOCK, SIGUSR1);
	mask(SIG_BLOCK, SIGTERM);
	mask(SIG_BLOCK, SIGRTMIN + 1);
	pthread_create(&t, NULL, waits, NULL);
	kill(getpid(), SIGUSR1);
	sem_wait(&here);
	sigqueue(getpid(), SIGRTMIN + 1, v);
	sem_wait(&here);
	if (fork() == 0) {
		kill(getppid(), SIGTERM);
		_exit(0);
	}
	pthread_join(t, NULL);
	sem_wait(&here);
	wait(NULL);
	mask(SIG_UNBLOCK, SIGUSR1);
	mask(SIG_UNBLOCK, SIGTERM);
}

/* ---- masks are a thread's, and so are pending ones ------------------------------------------------ */

static void *
own_mask(void *arg)
{
	sigset_t s;

	pthread_sigmask(SIG_SETMASK, NULL, &s);
	printf("inherited %d\n", sigismember(&s, SIGHUP));
	mask(SIG_BLOCK, SIGINT);
	pthread_kill(pthread_self(), SIGINT);
	sigpending(&s);
	printf("mine %d\n", sigismember(&s, SIGINT));
	sem_post(&here);
	while (!stop)
		usleep(1000);
	return arg;
}

static void
masks(void)
{
	pthread_t t;
	sigset_t s;

	stop = 0;
	mask(SIG_BLOCK, SIGHUP);
	pthread_create(&t, NULL, own_mask, NULL);
	sem_wait(&here);
	pthread_sigmask(SIG_SETMASK, NULL, &s);
	printf("not mine %d\n", sigismember(&s, SIGINT));
	sigpending(&s);
	printf("nor pending here %d\n", sigismember(&s, SIGINT));
	stop = 1;
	pthread_join(t, NULL);
	mask(SIG_UNBLOCK, SIGHUP);
}

/* ---- cancelling ---------------------------------------------------------------------------------------- */

static int cleaned;

static void
clean(void *arg)
{
	cleaned += (int)(long)arg;
}

static void *
cancelled(void *arg)
{
	char byte;

	pthread_cleanup_push(clean, (void *)3);
	sem_post(&here);
	if (read((int)(long)arg, &byte, 1) >= 0)
		printf("read something\n");
	pthread_cleanup_pop(0);
	return NULL;
}

static void *
asynchronous(void *arg)
{
	int before;

	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &before);
	sem_post(&here);
	for (volatile int n = 0;; n++)
		;
	return arg;
}

static void *
defers(void *arg)
{
	int before;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
	sem_post(&here);
	usleep(20000);
	cleaned += 100;
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &before);
	pthread_testcancel();
	return arg;
}

static void
cancelling(void)
{
	pthread_t t;
	void *result;
	int p[2];

	pipe(p);
	pthread_create(&t, NULL, cancelled, (void *)(long)p[0]);
	sem_wait(&here);
	usleep(10000);
	pthread_cancel(t);
	pthread_join(t, &result);
	printf("%d %d\n", result == PTHREAD_CANCELED, cleaned);
	pthread_create(&t, NULL, asynchronous, NULL);
	sem_wait(&here);
	pthread_cancel(t);
	pthread_join(t, &result);
	printf("%d\n", result == PTHREAD_CANCELED);
	pthread_create(&t, NULL, defers, NULL);
	sem_wait(&here);
	pthread_cancel(t);
	pthread_join(t, &result);
	printf("%d %d\n", result == PTHREAD_CANCELED, cleaned);
}

/* ---- faults, on stacks of their own ---------------------------------------------------------------------- */

static sigjmp_buf back;
static char alternate[2][32768];

static void
fault(int sig, siginfo_t *info, void *context)
{
	(void)context;
	printf("fault %d code %d by the leader %d\n", sig, info->si_code, tid() == leader);
	siglongjmp(back, 1);
}

static int
deeper(volatile char *p)
{
	volatile char here_too[4096];

	here_too[0] = *p;
	return here_too[0] == 77 ? 0 : deeper(here_too) + here_too[0];
}

static void *
overflows(void *arg)
{
	stack_t s = { .ss_sp = alternate[1], .ss_size = sizeof(alternate[1]) };
	volatile char c = 0;

	sigaltstack(&s, NULL);
	if (sigsetjmp(back, 1) == 0)
		deeper(&c);
	sigaltstack(NULL, &s);
	printf("mine %d\n", s.ss_sp == alternate[1]);
	return arg;
}

static void *
wild(void *arg)
{
	if (sigsetjmp(back, 1) == 0)
		*(volatile int *)nowhere = 1;
	return arg;
}

static void
faults(void)
{
	struct sigaction a = { .sa_sigaction = fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	stack_t s;
	pthread_t t;
	pthread_attr_t attr;

	sigaction(SIGSEGV, &a, NULL);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 131072);
	pthread_create(&t, &attr, overflows, NULL);
	pthread_join(t, NULL);
	pthread_create(&t, NULL, wild, NULL);
	pthread_join(t, NULL);
	sigaltstack(NULL, &s);
	printf("no stack here: %d\n", s.ss_flags == SS_DISABLE);
}

/* ---- timers at threads -------------------------------------------------------------------------------------- */

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif
#ifndef SIGEV_THREAD_ID
#define SIGEV_THREAD_ID 4
#endif

static sem_t rung;

/* Its own time: the leader's goes by unseen, and the signal is at the thread. */
static void *
times_itself(void *arg)
{
	struct sigevent e = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR2 };
	struct itimerspec when = { .it_value = { 0, 100000000 } }, left;
	timer_t t;

	e.sigev_notify_thread_id = tid();
	caught = 0;
	SAY(timer_create(CLOCK_THREAD_CPUTIME_ID, &e, &t));
	SAY(timer_settime(t, 0, &when, NULL));
	sem_post(&here);
	sem_wait(&rung);
	timer_gettime(t, &left);
	printf("some is left %d, caught %d\n", left.it_value.tv_nsec > 30000000, (int)caught);
	while (!caught)
		;
	printf("caught %d by the leader %d\n", (int)caught, (int)caught_by);
	SAY(timer_delete(t));
	e.sigev_notify_thread_id = 999999;
	SAY(timer_create(CLOCK_MONOTONIC, &e, &t));
	return arg;
}

static void
own_time(void)
{
	struct timespec from, to;
	pthread_t t;

	pthread_create(&t, NULL, times_itself, NULL);
	sem_wait(&here);
	clock_gettime(CLOCK_MONOTONIC, &from);
	do
		clock_gettime(CLOCK_MONOTONIC, &to);
	while ((to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000 < 120);
	sem_post(&rung);
	pthread_join(t, NULL);
}

static void
ring(union sigval v)
{
	printf("rung with %d, by the leader %d\n", v.sival_int, tid() == leader);
	sem_post(&rung);
}

static void
timers(void)
{
	struct sigevent e = { .sigev_notify = SIGEV_THREAD, .sigev_notify_function = ring };
	struct itimerspec when = { .it_value = { 0, 5000000 } };
	timer_t t;

	sem_init(&rung, 0, 0);
	own_time();
	e.sigev_value.sival_int = 42;
	SAY(timer_create(CLOCK_MONOTONIC, &e, &t));
	SAY(timer_settime(t, 0, &when, NULL));
	sem_wait(&rung);
	SAY(timer_delete(t));
}

/* ---- suspended, and stopped ------------------------------------------------------------------------------------ */

static void *
suspends(void *arg)
{
	sigset_t s;

	sigfillset(&s);
	sigdelset(&s, SIGUSR1);
	mask(SIG_BLOCK, SIGUSR1);
	sem_post(&here);
	sigsuspend(&s);
	pthread_sigmask(SIG_SETMASK, NULL, &s);
	printf("blocked again %d\n", sigismember(&s, SIGUSR1));
	return arg;
}

static void
suspending(void)
{
	pthread_t t;
	pid_t child;
	int status;

	on(SIGUSR1, 0);
	pthread_create(&t, NULL, suspends, NULL);
	sem_wait(&here);
	usleep(5000);
	pthread_kill(t, SIGUSR1);
	pthread_join(t, NULL);
	child = fork();
	if (child == 0) {
		stop = 0;
		pthread_create(&t, NULL, open_to_it, NULL);
		for (;;)
			pause();
	}
	kill(child, SIGSTOP);
	waitpid(child, &status, WUNTRACED);
	printf("stopped %d\n", WIFSTOPPED(status));
	kill(child, SIGCONT);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	printf("ended by %d\n", WTERMSIG(status));
}

int
main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	leader = getpid();
	directed();
	at_all();
	dedicated();
	masks();
	cancelling();
	faults();
	timers();
	suspending();
	return 0;
}
