/* SPDX-License-Identifier: ISC */
/* Clocks, sleeping, timers of all kinds, and what use of the processor is told. */
#include "t.h"
#include <sys/timex.h>

static volatile sig_atomic_t count;
static siginfo_t last;

static void
keep(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	last = *info;
	count++;
}

static void
handle(int sig, int flags)
{
	struct sigaction a = { .sa_sigaction = keep, .sa_flags = SA_SIGINFO | flags };

	sigaction(sig, &a, NULL);
}

static long long
now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static void
clocks(void)
{
	struct timespec t;
	clockid_t clock;
	long long a, b;

	for (int n = -1; n < 14; n++)
		if (n != 10)
			printf("%d: %ld %d\n", n, syscall(SYS_clock_gettime, n, &t),
				syscall(SYS_clock_gettime, n, &t) ? errno : 0);
	a = now(CLOCK_MONOTONIC);
	b = now(CLOCK_MONOTONIC);
	printf("%d\n", b >= a);
	a = now(CLOCK_PROCESS_CPUTIME_ID);
	b = a;
	for (int tries = 0; tries < 1000 && b <= a; tries++) {
		for (volatile int n = 0; n < 1000000; n++)
			;
		b = now(CLOCK_PROCESS_CPUTIME_ID);
	}
	printf("%d\n", b > a);
	SAY(clock_getcpuclockid(0, &clock));
	printf("%d\n", now(clock) >= b);
	SAY(clock_getcpuclockid(getppid(), &clock));
	printf("%d\n", now(clock) > 0);
	printf("%d\n", clock_getcpuclockid(99999, &clock) != 0);
	SAY(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, nowhere));
	SAY(syscall(SYS_clock_getres, CLOCK_MONOTONIC, NULL));
	SAY(clock_settime(CLOCK_MONOTONIC, &t));
	t.tv_nsec = -1;
	SAY(clock_settime(CLOCK_REALTIME, &t));
	SAY(syscall(SYS_clock_settime, CLOCK_REALTIME, nowhere));
	SAY(clock_settime(99, &t));
	struct timex x = { .modes = 0 };
	TRY(adjtimex(&x));
	printf("%d\n", x.tick == 10000);
	SAY(syscall(SYS_clock_adjtime, CLOCK_MONOTONIC, &x));
	SAY(syscall(SYS_clock_adjtime, 99, &x));
	if (fork() == 0) {	/* in the clock's page, as the program's fault */
		clock_gettime(CLOCK_MONOTONIC, nowhere);
		_exit(0);
	}
	int status;
	wait(&status);
	printf("%d\n", status & 0x7f);
}

static void
sleeping(void)
{
	struct timespec t = { 0, 20000000 }, rest = { 9, 9 }, bad = { 0, 1000000000 },
			none = { 0, 0 };
	long long a = now(CLOCK_MONOTONIC);

	SAY(clock_nanosleep(CLOCK_MONOTONIC, 0, &t, &rest));
	printf("%d %d\n", now(CLOCK_MONOTONIC) - a >= 20000000, rest.tv_sec == 9);
	a = now(CLOCK_REALTIME);
	t.tv_sec = a / 1000000000;
	t.tv_nsec = a % 1000000000;
	SAY(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &t, NULL));
	a = now(CLOCK_REALTIME) + 20000000;
	t.tv_sec = a / 1000000000;
	t.tv_nsec = a % 1000000000;
	SAY(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &t, NULL));
	printf("%d\n", now(CLOCK_REALTIME) >= a);
	SAY(clock_nanosleep(CLOCK_BOOTTIME, 0, &none, NULL));
	SAY(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &none, NULL));
	SAY(clock_nanosleep(CLOCK_MONOTONIC, 0, &bad, NULL));
	SAY(clock_nanosleep(99, 0, &none, NULL));
	SAY(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, nowhere, NULL));
	SAY(syscall(SYS_nanosleep, nowhere, NULL));
	SAY(syscall(SYS_clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, TIMER_ABSTIME, &none, NULL));
}

/* ---- setitimer ----------------------------------------------------------------------------- */

static void
intervals(void)
{
	static const int kinds[] = { ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF };
	static const int sigs[] = { SIGALRM, SIGVTALRM, SIGPROF };
	struct itimerval t, off = { { 0, 0 }, { 0, 0 } }, was;

	for (int k = 0; k < 3; k++) {
		handle(sigs[k], 0);
		count = 0;
		t = (struct itimerval){ { 0, 10000 }, { 0, 10000 } };
		SAY(setitimer(kinds[k], &t, NULL));
		for (volatile long n = 0; count < 3; n++)
			;
		SAY(setitimer(kinds[k], &off, &was));
		printf("signal %d code %d interval %ld left %d\n", last.si_signo, last.si_code,
			(long)was.it_interval.tv_usec, was.it_value.tv_usec <= 10000);
		SAY(getitimer(kinds[k], &was));
		printf("%ld %ld\n", (long)was.it_value.tv_sec, (long)was.it_value.tv_usec);
	}
	SAY(setitimer(3, &off, NULL));
	SAY(getitimer(3, &was));
	t = (struct itimerval){ { 0, 0 }, { 0, 1000000 } };
	SAY(setitimer(ITIMER_REAL, &t, NULL));
	SAY(setitimer(ITIMER_REAL, nowhere, NULL));
	t = (struct itimerval){ { 0, 0 }, { 100, 0 } };
	SAY(setitimer(ITIMER_REAL, &t, NULL));
	if (fork() == 0) {
		getitimer(ITIMER_REAL, &was);
		_exit(was.it_value.tv_sec != 0);
	}
	int status;
	wait(&status);
	printf("child's %d\n", status);
	SAY(alarm(0));
	SAY(alarm(0));
}

/* ---- timer_create ------------------------------------------------------------------------------ */

/* C libraries have a say in some; here it is the calls that count. */
static long
create(clockid_t clock, int notify, int sig, int value, int *id)
{
	struct {
		long value;
		int sig, notify, tid, room[11];
	} e = { value, sig, notify, getpid(), { 0 } };

	return syscall(SYS_timer_create, clock, &e, id);
}

static long
settime(int id, int flags, long first_ns, long interval_ns)
{
	struct itimerspec t = { { interval_ns / 1000000000, interval_ns % 1000000000 },
		{ first_ns / 1000000000, first_ns % 1000000000 } };

	return syscall(SYS_timer_settime, id, flags, &t, NULL);
}

static void
made(void)
{
	int id, other;
	struct itimerspec t;
	sigset_t set, old;
	siginfo_t info;
	static const clockid_t kinds[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME,
		CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID };

	handle(SIGRTMIN, 0);
	for (unsigned k = 0; k < 5; k++) {
		count = 0;
		SAY(create(kinds[k], SIGEV_SIGNAL, SIGRTMIN, 40 + (int)k, &id));
		SAY(settime(id, 0, 5000000, 0));
		for (volatile long n = 0; count < 1; n++)
			;
		printf("code %d value %d\n", last.si_code, last.si_value.sival_int);
		SAY(syscall(SYS_timer_gettime, id, &t));
		printf("%ld %ld\n", (long)t.it_value.tv_sec, t.it_value.tv_nsec);
		SAY(syscall(SYS_timer_delete, id));
		SAY(syscall(SYS_timer_delete, id));
	}
	SAY(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, &id));
	SAY(settime(id, 0, 100000000000, 7));
	SAY(syscall(SYS_timer_gettime, id, &t));
	printf("%d %ld\n", t.it_value.tv_sec == 99, t.it_interval.tv_nsec);
	SAY(settime(id, 0, 0, 0));
	SAY(syscall(SYS_timer_gettime, id, &t));
	printf("%ld %ld\n", (long)t.it_value.tv_sec, t.it_interval.tv_nsec);
	SAY(syscall(SYS_timer_settime, id, 0, NULL, NULL));
	SAY(syscall(SYS_timer_settime, id, 0, nowhere, NULL));
	SAY(syscall(SYS_timer_settime, 12345, 0, &t, NULL));
	t.it_value.tv_nsec = 1000000000;
	SAY(syscall(SYS_timer_settime, id, 0, &t, NULL));
	SAY(syscall(SYS_timer_getoverrun, id));
	SAY(syscall(SYS_timer_getoverrun, 12345));
	SAY(syscall(SYS_timer_gettime, 12345, &t));
	/* overrun: pending while it goes on */
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, &old);
	SAY(create(CLOCK_MONOTONIC, SIGEV_THREAD_ID, SIGRTMIN, 5, &other));
	SAY(settime(other, 0, 1000000, 1000000));
	usleep(30000);
	SAY(sigwaitinfo(&set, &info) == SIGRTMIN);
	printf("overrun %d alike %d value %d\n", info.si_overrun >= 10,
		info.si_overrun == syscall(SYS_timer_getoverrun, other), info.si_value.sival_int);
	SAY(sigwaitinfo(&set, &info) == SIGRTMIN);
	SAY(syscall(SYS_timer_delete, other));
	sigprocmask(SIG_SETMASK, &old, NULL);
	SAY(create(CLOCK_MONOTONIC, SIGEV_NONE, 0, 5, &other));
	SAY(settime(other, 0, 50000000, 0));
	usleep(1000);
	syscall(SYS_timer_gettime, other, &t);
	printf("%d\n", t.it_value.tv_nsec > 0 && t.it_value.tv_nsec < 50000000);
	usleep(60000);
	syscall(SYS_timer_gettime, other, &t);
	printf("%ld\n", t.it_value.tv_nsec);
	SAY(create(CLOCK_MONOTONIC_RAW, SIGEV_SIGNAL, SIGALRM, 5, &other));
	SAY(create(99, SIGEV_SIGNAL, SIGALRM, 5, &other));
	SAY(create(CLOCK_MONOTONIC, SIGEV_SIGNAL, 65, 5, &other));
	SAY(create(CLOCK_MONOTONIC, SIGEV_SIGNAL, 0, 5, &other));
	SAY(create(CLOCK_MONOTONIC, 77, SIGALRM, 5, &other));
	if (fork() == 0)
		_exit(syscall(SYS_timer_gettime, id, &t) == -1 && errno == EINVAL ? 0 : 1);
	int status;
	wait(&status);
	printf("child has none: %d\n", status);
}

/* ---- interrupted and going on --------------------------------------------------------------------- */

static void
stopped(void)
{
	struct timespec t = { 0, 150000000 };
	long long a;
	pid_t child = fork();
	int status;

	if (child == 0) {
		a = now(CLOCK_MONOTONIC);
		nanosleep(&t, NULL);
		a = now(CLOCK_MONOTONIC) - a;
		_exit(a < 150000000 ? 1 : a > 300000000 ? 2 : 0);	/* not begun anew */
	}
	usleep(50000);
	kill(child, SIGSTOP);
	waitpid(child, &status, WUNTRACED);
	printf("%x\n", status);
	usleep(50000);
	kill(child, SIGCONT);
	waitpid(child, &status, 0);
	printf("slept on: %x\n", status);
}

static void
use(void)
{
	struct rusage before, after, children;
	struct tms t;
	long long a, b;
	int status;

	getrusage(RUSAGE_SELF, &before);
	for (volatile long n = 0; n < 30000000; n++)
		;
	getrusage(RUSAGE_SELF, &after);
	a = (after.ru_utime.tv_sec - before.ru_utime.tv_sec) * 1000000 + after.ru_utime.tv_usec -
		before.ru_utime.tv_usec;
	b = (after.ru_stime.tv_sec - before.ru_stime.tv_sec) * 1000000 + after.ru_stime.tv_usec -
		before.ru_stime.tv_usec;
	printf("computing takes time: %d\n", a + b > 0);
	getrusage(RUSAGE_SELF, &before);
	do {
		for (int n = 0; n < 2000; n++)
			syscall(SYS_getppid), close(-1);
		getrusage(RUSAGE_SELF, &after);
		b = (after.ru_stime.tv_sec - before.ru_stime.tv_sec) * 1000000 +
			after.ru_stime.tv_usec - before.ru_stime.tv_usec;
	} while (b < 20000);
	printf("calls are the system's\n");
	if (fork() == 0) {
		for (volatile long n = 0; n < 30000000; n++)
			;
		_exit(0);
	}
	wait4(-1, &status, 0, &after);
	/* Linux goes by its ticks, and may have found it in the system each time. */
	printf("%d\n", after.ru_utime.tv_sec + after.ru_utime.tv_usec + after.ru_stime.tv_sec +
			after.ru_stime.tv_usec > 0);
	getrusage(RUSAGE_CHILDREN, &children);
	printf("%d\n", children.ru_utime.tv_sec * 1000000 + children.ru_utime.tv_usec >=
		after.ru_utime.tv_sec * 1000000 + after.ru_utime.tv_usec);
	printf("%d\n", times(&t) != -1 && t.tms_cutime >= 0 && t.tms_utime >= 0);
	SAY(getrusage(2, &after));
	SAY(getrusage(RUSAGE_SELF, nowhere));
	printf("%d %d\n", after.ru_minflt >= 0, children.ru_maxrss >= 0);
}

/* A timer is set, and a call takes many time slices. */
static void
long_call(void)
{
	size_t bytes = 12 << 20;
	char *room = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct itimerval t = { { 0, 5000 }, { 0, 5000 } }, off = { { 0, 0 }, { 0, 0 } };
	size_t done = 0;
	long n;

	memset(room, 1, bytes);
	handle(SIGALRM, SA_RESTART);
	setitimer(ITIMER_REAL, &t, NULL);
	while (done < bytes && (n = syscall(SYS_getrandom, room + done, bytes - done, 0)) > 0)
		done += (size_t)n;
	setitimer(ITIMER_REAL, &off, NULL);
	printf("random bytes: %d\n", done == bytes);
	munmap(room, bytes);
}

/* What outlives exec: interval timers, what is pending, masks, what is ignored; not timers that were made. */
static int
another(const char *what)
{
	sigset_t set;
	struct sigaction a;
	struct itimerspec t;

	if (strcmp(what, "alarm") == 0)
		for (;;)
			pause();
	sigpending(&set);
	printf("pending %d", sigismember(&set, SIGUSR1));
	sigprocmask(SIG_SETMASK, NULL, &set);
	printf(" blocked %d %d", sigismember(&set, SIGUSR1), sigismember(&set, SIGUSR2));
	sigaction(SIGUSR2, NULL, &a);
	printf(" ignored %d", a.sa_handler == SIG_IGN);
	sigaction(SIGALRM, NULL, &a);
	printf(" default %d", a.sa_handler == SIG_DFL);
	printf(" timer %ld\n", syscall(SYS_timer_gettime, 0, &t));
	return 0;
}

static void
exec_with(const char *self, char *what)
{
	char *args[] = { (char *)(unsigned long)self, what, NULL };
	pid_t child = fork();
	sigset_t set;
	int status, id;

	if (child == 0) {
		handle(SIGALRM, 0);
		signal(SIGUSR2, SIG_IGN);
		sigemptyset(&set);
		sigaddset(&set, SIGUSR1);
		sigprocmask(SIG_BLOCK, &set, NULL);
		raise(SIGUSR1);
		create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGALRM, 5, &id);
		settime(id, 0, 100000000000, 0);
		if (strcmp(what, "alarm") == 0)
			setitimer(ITIMER_REAL, &(struct itimerval){ { 0, 0 }, { 0, 20000 } }, NULL);
		execv(self, args);
		_exit(99);
	}
	waitpid(child, &status, 0);
	printf("%s: %x\n", what, status);
}

int
main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1)
		return another(argv[1]);
	exec_with(argv[0], "alarm");
	exec_with(argv[0], "look");
	long_call();
	clocks();
	sleeping();
	intervals();
	made();
	stopped();
	use();
	return 0;
}
