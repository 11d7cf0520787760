/* SPDX-License-Identifier: ISC */
/* Signals: handlers, masks, pending ones, stacks, timers, restarted calls. */
#include "t.h"

static volatile sig_atomic_t count, last;
static sigjmp_buf back;

static void
note(int sig)
{
	count++;
	last = sig;
}

static void
handle(int sig, void (*handler)(int), int flags)
{
	struct sigaction a = { .sa_handler = handler, .sa_flags = flags };

	sigaction(sig, &a, NULL);
}

static void
basics(void)
{
	struct sigaction old;

	handle(SIGUSR1, note, 0);
	SAY(raise(SIGUSR1));
	printf("%d %d\n", count, last);
	SAY(sigaction(SIGUSR1, NULL, &old));
	printf("%d\n", old.sa_handler == note);
	SAY(sigaction(SIGKILL, &old, NULL));
	SAY(sigaction(65, &old, NULL));
	handle(SIGUSR2, note, SA_RESETHAND);
	SAY(raise(SIGUSR2));
	sigaction(SIGUSR2, NULL, &old);
	printf("%d %d\n", old.sa_handler == SIG_DFL, count);
	handle(SIGUSR2, SIG_IGN, 0);
	SAY(raise(SIGUSR2));
}

static void
masks(void)
{
	sigset_t set, old, pending;
	siginfo_t info;
	struct timespec none = { 0, 0 }, soon = { 0, 20000000 };

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	handle(SIGUSR2, note, 0);
	SAY(sigprocmask(SIG_BLOCK, &set, &old));
	printf("%d\n", sigismember(&old, SIGUSR1));
	count = 0;
	raise(SIGUSR1);
	raise(SIGUSR1);
	SAY(sigpending(&pending));
	printf("%d %d %d\n", count, sigismember(&pending, SIGUSR1), sigismember(&pending, SIGUSR2));
	SAY(sigtimedwait(&set, &info, &none));
	printf("%d %d\n", info.si_signo, info.si_pid == getpid());
	SAY(sigtimedwait(&set, &info, &soon));
	raise(SIGUSR2);
	SAY(sigprocmask(SIG_SETMASK, &old, NULL));
	printf("%d %d\n", count, last);
	SAY(sigprocmask(77, &set, NULL));
	sigfillset(&set);
	SAY(sigprocmask(SIG_BLOCK, &set, &old));
	SAY(sigprocmask(SIG_SETMASK, NULL, &set));
	printf("%d %d\n", sigismember(&set, SIGKILL), sigismember(&set, SIGTERM));
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static void
nested(int sig)
{
	count++;
	if (sig == SIGUSR1 && count < 3) {
		raise(SIGUSR2);
		raise(SIGUSR1);		/* blocked while it is handled: afterwards */
		printf("in %d\n", count);
	}
}

static void
nesting(void)
{
	count = 0;
	handle(SIGUSR1, nested, 0);
	handle(SIGUSR2, nested, 0);
	raise(SIGUSR1);
	printf("nested %d\n", count);
	count = 0;
	handle(SIGUSR1, nested, SA_NODEFER);
	raise(SIGUSR1);
	printf("nodefer %d\n", count);
}

static void
fault(int sig, siginfo_t *info, void *context)
{
	(void)context;
	printf("fault %d code %d", sig, info->si_code);
	if (sig == SIGSEGV)
		printf(" addr %lx", (unsigned long)info->si_addr & 0xfff);
	printf("\n");
	siglongjmp(back, 1);
}

static void
faults(void)
{
	struct sigaction a = { .sa_sigaction = fault, .sa_flags = SA_SIGINFO };
	volatile char *page = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	sigaction(SIGSEGV, &a, NULL);
	sigaction(SIGFPE, &a, NULL);
	sigaction(SIGILL, &a, NULL);
	if (sigsetjmp(back, 1) == 0)
		*(volatile int *)0x123 = 1;
	if (sigsetjmp(back, 1) == 0)
		page[5] = 1;
	if (sigsetjmp(back, 1) == 0)
		((void (*)(void))(unsigned long)page)();
	if (sigsetjmp(back, 1) == 0)
		__asm__ volatile("xor %%edx, %%edx; mov $1, %%eax; xor %%ecx, %%ecx; div %%ecx"
			::: "eax", "ecx", "edx");
	if (sigsetjmp(back, 1) == 0)
		__asm__ volatile("ud2");
	munmap((void *)(unsigned long)page, 8192);
	if (sigsetjmp(back, 1) == 0)
		printf("%d\n", page[8]);
	if (sigsetjmp(back, 1) == 0)
		__asm__ volatile("movabs $0x8000000000000000, %%rax; mov (%%rax), %%rax" ::: "rax");
}

static char *alternate;

static void
on_stack(int sig)
{
	char here;

	(void)sig;
	printf("on the stack: %d\n", &here > alternate && &here < alternate + 65536);
}

static void
overflow(int sig)
{
	(void)sig;
	siglongjmp(back, 1);
}

__attribute__((noinline)) static int
recurse(int n)
{
	volatile char room[4096];

	room[0] = (char)n;
	return n < 1 << 30 ? recurse(n + 1) + room[0] : 0;
}

static void
stacks(void)
{
	stack_t stack = { .ss_size = 65536 }, old;

	alternate = stack.ss_sp = malloc(65536);
	SAY(sigaltstack(&stack, NULL));
	SAY(sigaltstack(NULL, &old));
	printf("%d %d\n", old.ss_sp == alternate, old.ss_flags);
	handle(SIGUSR1, on_stack, SA_ONSTACK);
	raise(SIGUSR1);
	handle(SIGUSR1, on_stack, 0);
	raise(SIGUSR1);
	handle(SIGSEGV, overflow, SA_ONSTACK);
	if (sigsetjmp(back, 1) == 0)
		recurse(0);
	printf("survived the stack's end\n");
	stack.ss_flags = SS_DISABLE;
	SAY(sigaltstack(&stack, NULL));
	stack.ss_flags = 0;
	stack.ss_size = 100;
	SAY(sigaltstack(&stack, NULL));
	handle(SIGSEGV, SIG_DFL, 0);
}

static void
sender(int sig, int delay_ms)
{
	pid_t parent = getpid();

	if (fork() == 0) {
		usleep((useconds_t)delay_ms * 1000);
		kill(parent, sig);
		_exit(0);
	}
}

static void
interrupted(void)
{
	char byte;
	int ends[2];
	struct timespec t = { 5, 0 }, rest = { 0, 0 };
	sigset_t none;

	SAY(pipe(ends));
	handle(SIGUSR1, note, 0);
	sender(SIGUSR1, 30);
	SAY(read(ends[0], &byte, 1));
	handle(SIGUSR1, note, SA_RESTART);
	count = 0;
	if (fork() == 0) {
		usleep(30000);
		kill(getppid(), SIGUSR1);
		usleep(30000);
		_exit(write(ends[1], "x", 1) != 1);
	}
	SAY(read(ends[0], &byte, 1));
	printf("restarted after %d\n", count);
	sender(SIGUSR1, 30);
	SAY(nanosleep(&t, &rest));
	printf("rest %d\n", rest.tv_sec >= 4);
	sender(SIGUSR1, 30);
	SAY(pause());
	sender(SIGUSR1, 30);
	sigemptyset(&none);
	SAY(sigsuspend(&none));
	sender(SIGUSR1, 30);
	SAY(poll(NULL, 0, 5000));
	handle(SIGCHLD, note, 0);
	while (wait(NULL) > 0)
		;
	count = 0;
	if (fork() == 0)
		_exit(0);
	while (!count)
		usleep(1000);
	printf("child %d\n", last == SIGCHLD);
	wait(NULL);
	handle(SIGCHLD, SIG_IGN, 0);
	if (fork() == 0)
		_exit(0);
	SAY(wait(NULL));
	handle(SIGCHLD, SIG_DFL, 0);
}

static void
timers(void)
{
	struct itimerval every = { { 0, 5000 }, { 0, 10000 } }, now, off = { { 0, 0 }, { 0, 0 } };

	count = 0;
	handle(SIGALRM, note, 0);
	SAY(setitimer(ITIMER_REAL, &every, NULL));
	SAY(getitimer(ITIMER_REAL, &now));
	printf("%ld %d\n", (long)now.it_interval.tv_usec, now.it_value.tv_usec > 0);
	while (count < 3)
		pause();
	count = 0;
	for (volatile long spin = 0; count < 2; spin++)
		;			/* a signal in the middle of plain computing */
	SAY(setitimer(ITIMER_REAL, &off, NULL));
	SAY(alarm(100));
	SAY(alarm(0) >= 99);
	SAY(setitimer(9, &off, NULL));
	every.it_value.tv_usec = 2000000;
	SAY(setitimer(ITIMER_REAL, &every, NULL));
}

static void
keeps(int sig)
{
	volatile double x = 1e100;

	(void)sig;
	for (int i = 0; i < 1000; i++)
		x = x / 1.5 + 3;
	count++;
}

/* Registers, vector ones too, survive a handler. */
static void
registers(void)
{
	struct itimerval every = { { 0, 1000 }, { 0, 1000 } }, off = { { 0, 0 }, { 0, 0 } };
	double sum = 0, again = 0;

	for (long i = 1; i < 3000000; i++)
		again += 1.0 / (double)i;
	count = 0;
	handle(SIGALRM, keeps, 0);
	setitimer(ITIMER_REAL, &every, NULL);
	do {
		sum = 0;
		for (long i = 1; i < 3000000; i++)
			sum += 1.0 / (double)i;
	} while (count < 3 && sum == again);
	setitimer(ITIMER_REAL, &off, NULL);
	printf("sums alike: %d\n", sum == again);
}

static void
values(int sig, siginfo_t *info, void *context)
{
	(void)context;
	printf("%d from us: %d, code %d\n", sig, info->si_pid == getpid(), info->si_code);
}

int
main(void)
{
	struct sigaction a = { .sa_sigaction = values, .sa_flags = SA_SIGINFO };

	setvbuf(stdout, NULL, _IOLBF, 0);
	basics();
	masks();
	nesting();
	faults();
	stacks();
	interrupted();
	timers();
	registers();
	sigaction(SIGTERM, &a, NULL);
	SAY(kill(getpid(), SIGTERM));
	handle(SIGPIPE, note, 0);
	int ends[2];
	SAY(pipe(ends));
	close(ends[0]);
	SAY(write(ends[1], "x", 1));
	printf("%d\n", last == SIGPIPE);
	return 0;
}
