/* SPDX-License-Identifier: ISC */
/* Signals: delivery, masks, stacks, frames, restarts, timers, job control. */
#define _GNU_SOURCE
#define CHECK_NAME "signals"
#include <fenv.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>
#include "check.h"

static volatile sig_atomic_t count, last, code, from_pid, status_seen;
static volatile unsigned long stack_seen;

static void
note(int sig, siginfo_t *info, void *context)
{
	char here;

	(void)context;
	count++;
	last = sig;
	code = info->si_code;
	from_pid = info->si_pid;
	status_seen = info->si_status;
	stack_seen = (unsigned long)&here;
}

static void
handle(int sig, int flags)
{
	struct sigaction act = { .sa_sigaction = note, .sa_flags = SA_SIGINFO | flags };

	sigaction(sig, &act, NULL);
	count = last = 0;
}

static void
test_basic(void)
{
	sigset_t set, old, pending;

	handle(SIGUSR1, 0);
	CHECK(raise(SIGUSR1) == 0 && count == 1 && last == SIGUSR1 && from_pid == getpid());
	CHECK(kill(getpid(), SIGUSR1) == 0 && count == 2 && code == SI_USER);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK(sigprocmask(SIG_BLOCK, &set, &old) == 0 && !sigismember(&old, SIGUSR1));
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR1);
	CHECK(count == 2 && sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1));
	sigprocmask(SIG_SETMASK, &old, NULL);
	CHECK(count == 3);
	signal(SIGUSR1, SIG_IGN);
	CHECK(kill(getpid(), SIGUSR1) == 0 && count == 3);
	handle(SIGUSR1, SA_RESETHAND);
	raise(SIGUSR1);
	CHECK(count == 1 && signal(SIGUSR1, SIG_DFL) == SIG_DFL);
	CHECK(kill(getpid(), 0) == 0 && kill(getpid(), 65) == -1 && errno == EINVAL);
	CHECK(kill(999999, 0) == -1 && errno == ESRCH);
	CHECK(signal(SIGKILL, SIG_IGN) == SIG_ERR && errno == EINVAL);
}

static void
test_wait(void)
{
	struct timespec soon = { 0, 20000000 };
	sigset_t set, old;
	siginfo_t info;

	handle(SIGUSR1, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, &old);
	CHECK(sigtimedwait(&set, &info, &soon) == -1 && errno == EAGAIN);
	raise(SIGUSR1);
	CHECK(sigtimedwait(&set, &info, &soon) == SIGUSR1 && info.si_signo == SIGUSR1 &&
		count == 0);
	raise(SIGUSR1);
	sigemptyset(&set);
	CHECK(sigsuspend(&set) == -1 && errno == EINTR && count == 1);
	sigprocmask(SIG_SETMASK, NULL, &set);
	CHECK(sigismember(&set, SIGUSR1));
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static char other_stack[65536];

static void
test_stack(void)
{
	stack_t s = { .ss_sp = other_stack, .ss_size = sizeof(other_stack) }, now;

	CHECK(sigaltstack(&s, NULL) == 0);
	handle(SIGUSR2, SA_ONSTACK);
	raise(SIGUSR2);
	CHECK(stack_seen - (unsigned long)other_stack < sizeof(other_stack));
	handle(SIGUSR2, 0);
	raise(SIGUSR2);
	CHECK(stack_seen - (unsigned long)other_stack >= sizeof(other_stack));
	CHECK(sigaltstack(NULL, &now) == 0 && now.ss_sp == other_stack && now.ss_flags == 0);
	s.ss_flags = SS_DISABLE;
	CHECK(sigaltstack(&s, NULL) == 0);
}

static void
change(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	(void)info;
	uc->uc_mcontext.gregs[REG_RAX] = 42;
	uc->uc_mcontext.gregs[REG_RIP] += 2;	/* over the ud2 */
	sigaddset(&uc->uc_sigmask, SIGUSR1);
}

static void
test_context(void)
{
	struct sigaction act = { .sa_sigaction = change, .sa_flags = SA_SIGINFO };
	sigset_t set;
	long rax = 0;

	sigaction(SIGILL, &act, NULL);
	__asm__ volatile("ud2" : "+a"(rax) : : "memory");
	CHECK(rax == 42);
	sigprocmask(SIG_SETMASK, NULL, &set);
	CHECK(sigismember(&set, SIGUSR1));
	sigemptyset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
}

static void
spoil(int sig)
{
	(void)sig;
	count++;
	__asm__ volatile("pxor %%xmm0, %%xmm0; pxor %%xmm7, %%xmm7; pxor %%xmm15, %%xmm15; fninit"
			 :
			 :
			 : "xmm0", "xmm7", "xmm15");
}

static void
test_vectors(void)
{
	struct itimerval every = { { 0, 2000 }, { 0, 2000 } }, off = { { 0, 0 }, { 0, 0 } };
	unsigned long value = 0x123456789abcdef0, got0 = 0, got15 = 0;
	long double third = 1.0L / 3, sum = 0;
	int good = 1;

	count = 0;
	signal(SIGALRM, spoil);
	CHECK(setitimer(ITIMER_REAL, &every, NULL) == 0);
	for (int round = 0; count < 5 && round < 500000000; round++) {
		__asm__ volatile(
			"movq %2, %%xmm0; movq %2, %%xmm15; mov $300, %%ecx; 1: dec %%ecx; jnz 1b;"
			"movq %%xmm0, %0; movq %%xmm15, %1"
			: "=r"(got0), "=r"(got15)
			: "r"(value)
			: "xmm0", "xmm15", "rcx");
		sum = third * 3;
		good &= got0 == value && got15 == value && sum == 1.0L;
	}
	setitimer(ITIMER_REAL, &off, NULL);
	CHECK(good);
	CHECK(count >= 5);
}

static void
test_restart(void)
{
	struct itimerval soon = { { 0, 0 }, { 0, 20000 } };
	struct timespec second = { 1, 0 }, rest;
	int fds[2], status;
	char c;

	CHECK(pipe(fds) == 0);
	handle(SIGALRM, 0);
	setitimer(ITIMER_REAL, &soon, NULL);
	CHECK(read(fds[0], &c, 1) == -1 && errno == EINTR && count == 1);
	handle(SIGALRM, SA_RESTART);
	setitimer(ITIMER_REAL, &soon, NULL);
	if (fork() == 0) {
		usleep(60000);
		_exit(write(fds[1], "x", 1) != 1);
	}
	CHECK(read(fds[0], &c, 1) == 1 && count == 1);
	wait(&status);
	setitimer(ITIMER_REAL, &soon, NULL);
	CHECK(nanosleep(&second, &rest) == -1 && errno == EINTR && rest.tv_sec == 0 &&
		rest.tv_nsec > 500000000);
	CHECK(alarm(10) == 0 && alarm(0) >= 9);
	close(fds[0]);
	close(fds[1]);
}

static sigjmp_buf back;

static void
jump(int sig, siginfo_t *info, void *context)
{
	(void)context;
	last = sig;
	code = info->si_code;
	siglongjmp(back, 1);
}

static void
test_faults(void)
{
	struct sigaction act = { .sa_sigaction = jump, .sa_flags = SA_SIGINFO };
	sigaction(SIGFPE, &act, NULL);
	sigaction(SIGSEGV, &act, NULL);
	sigaction(SIGTRAP, &act, NULL);
	if (!sigsetjmp(back, 1))
		__asm__ volatile("mov $1, %%eax; cltd; xor %%ecx, %%ecx; idivl %%ecx"
				 :
				 :
				 : "eax", "ecx", "edx");
	CHECK(last == SIGFPE && code == FPE_INTDIV);
	if (!sigsetjmp(back, 1))
		__asm__ volatile("hlt");
	CHECK(last == SIGSEGV && code == SI_KERNEL);
	if (!sigsetjmp(back, 1))
		__asm__ volatile("int3");
	CHECK(last == SIGTRAP);
	if (!sigsetjmp(back, 1))
		__asm__ volatile("movb $1, (%0)" : : "r"(0x8000000000000000ul));
	CHECK(last == SIGSEGV);
	signal(SIGFPE, SIG_DFL);
	signal(SIGSEGV, SIG_DFL);
	signal(SIGTRAP, SIG_DFL);
}

static void die_segv(void) { signal(SIGSEGV, SIG_DFL); *(volatile char *)8 = 1; }
static void die_abort(void) { abort(); }
static void die_term(void) { raise(SIGTERM); }
static void die_kill(void) { raise(SIGKILL); }
static void die_blocked(void)
{
	sigset_t set;

	sigfillset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	*(volatile char *)8 = 1;
}
static void die_pipe(void)
{
	int fds[2];

	if (pipe(fds) == 0) {
		close(fds[0]);
		if (write(fds[1], "x", 1) < 0)
			_exit(1);
	}
}

static void
test_deaths(void)
{
	int s;

	s = in_child(die_segv);
	CHECK(WIFSIGNALED(s) && WTERMSIG(s) == SIGSEGV);
	s = in_child(die_abort);
	CHECK(WIFSIGNALED(s) && WTERMSIG(s) == SIGABRT);
	s = in_child(die_term);
	CHECK(WIFSIGNALED(s) && WTERMSIG(s) == SIGTERM);
	s = in_child(die_kill);
	CHECK(WIFSIGNALED(s) && WTERMSIG(s) == SIGKILL);
	s = in_child(die_blocked);
	CHECK(WIFSIGNALED(s) && WTERMSIG(s) == SIGSEGV);
	s = in_child(die_pipe);
	CHECK(WIFSIGNALED(s) && WTERMSIG(s) == SIGPIPE);
}

static void
test_children(void)
{
	pid_t pid;
	int status = 0;

	handle(SIGCHLD, 0);
	pid = fork();
	if (pid == 0)
		_exit(7);
	while (count == 0)
		pause();
	CHECK(last == SIGCHLD && code == CLD_EXITED && from_pid == pid && status_seen == 7);
	CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 7);
	handle(SIGUSR1, 0);
	pid = fork();
	if (pid == 0) {
		kill(getppid(), SIGUSR1);
		_exit(0);
	}
	while (last != SIGUSR1)
		usleep(1000);
	CHECK(waitpid(pid, NULL, 0) == pid);
	signal(SIGCHLD, SIG_DFL);
}

static void
test_stopping(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		setpgid(0, 0);		/* a group that its parent could let go on: orphans do not stop */
		raise(SIGTSTP);
		for (;;)
			pause();
	}
	CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status) &&
		WSTOPSIG(status) == SIGTSTP);
	CHECK(waitpid(pid, &status, WUNTRACED | WNOHANG) == 0);
	CHECK(kill(pid, SIGCONT) == 0);
	CHECK(waitpid(pid, &status, WCONTINUED) == pid && WIFCONTINUED(status));
	CHECK(kill(pid, SIGSTOP) == 0);
	CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status) &&
		WSTOPSIG(status) == SIGSTOP);
	CHECK(kill(pid, SIGKILL) == 0);
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) &&
		WTERMSIG(status) == SIGKILL);
}

/* A program that never calls anything must still be told. */
static void
test_busy(void)
{
	int status = 0;
	pid_t pid;

	pid = fork();
	if (pid == 0)
		for (;;)
			__asm__ volatile("");
	usleep(10000);
	CHECK(kill(pid, SIGTERM) == 0 && waitpid(pid, &status, 0) == pid &&
		WTERMSIG(status) == SIGTERM);
	handle(SIGUSR1, 0);
	pid = fork();
	if (pid == 0) {
		usleep(20000);
		_exit(kill(getppid(), SIGUSR1));
	}
	while (count == 0)
		__asm__ volatile("");
	CHECK(count == 1 && waitpid(pid, &status, 0) == pid && status == 0);
}

int
main(void)
{
	test_basic();
	test_wait();
	test_stack();
	test_context();
	test_vectors();
	test_restart();
	test_faults();
	test_deaths();
	test_children();
	test_stopping();
	test_busy();
	return summary();
}
