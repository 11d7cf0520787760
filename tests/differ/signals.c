/* SPDX-License-Identifier: ISC */
/* Signals of one process: dispositions, masks, what is pending, in which order handlers run. */
#include <setjmp.h>
#include <ucontext.h>
#include "differ.h"

#define STACK_BYTES 65536
#define NESTED 3			/* sent from within handlers, in all */

static sigjmp_buf landing;
static volatile int faulting, sent;
static char *stack;
static char *volatile nowhere = (char *)4096;

static uint64_t
mask_of(char *list)			/* "10,SIGUSR2", "-": none */
{
	uint64_t mask = 0;
	char *rest = NULL;

	for (char *w = strtok_r(list, ",", &rest); w; w = strtok_r(NULL, ",", &rest))
		if (strcmp(w, "-"))
			mask |= 1ull << (num(w) - 1);
	return mask;
}

static uint64_t
mask_now(void)
{
	uint64_t mask = 0;

	syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, 8l);
	return mask;
}

static void
handler_say(const char *what, int sig)
{
	char here;

	say(" [%s%d m%lx%s", what, sig, mask_now(),
		stack && &here >= stack && &here < stack + STACK_BYTES ? " alt" : "");
}

static void
simple(int sig)
{
	handler_say("h", sig);
	say("]");
	if (faulting)
		siglongjmp(landing, sig);
}

/* Who sent it is this process itself, or the child that a line made. */
static void
informed(int sig, siginfo_t *info, void *context)
{
	handler_say("i", sig);
	say(" %d", info->si_code);
	if (info->si_code == SI_QUEUE)
		say(" v%d", info->si_value.sival_int);
	if (info->si_code == SI_USER || info->si_code == SI_QUEUE || info->si_code == SI_TKILL)
		say(" %s", info->si_pid == getpid() && info->si_uid == getuid() ? "self" : "other");
	if (sig == SIGCHLD && info->si_code > 0)
		say(" status %d", info->si_status);
	if (sig == SIGSEGV && info->si_code > 0)
		say(" at %lx", (long)info->si_addr);
	say(" old %lx]", *(unsigned long *)&((ucontext_t *)context)->uc_sigmask);
	if (faulting)
		siglongjmp(landing, sig);
}

/* Sends another from within. */
static void
nesting(int sig)
{
	handler_say("n", sig);
	if (sent < NESTED) {
		sent++;
		say(" sends");
		syscall(SYS_kill, getpid(), sig == SIGUSR1 ? SIGUSR2 : SIGUSR1);
	}
	say(" n]");
	if (faulting)
		siglongjmp(landing, sig);
}

/* Changes what is blocked when it has returned. */
static void
masking(int sig, siginfo_t *info, void *context)
{
	(void)info;
	handler_say("c", sig);
	sigaddset(&((ucontext_t *)context)->uc_sigmask, SIGUSR2);
	say("]");
	if (faulting)
		siglongjmp(landing, sig);
}

static void
do_sigaction(char **w)
{
	struct sigaction act = { 0 }, old = { 0 };
	uint64_t mask = mask_of(w[3]);

	act.sa_flags = num(w[2]);
	if (!strcmp(w[1], "ign"))
		act.sa_handler = SIG_IGN;
	else if (!strcmp(w[1], "h"))
		act.sa_handler = simple;
	else if (!strcmp(w[1], "n"))
		act.sa_handler = nesting;
	else if (!strcmp(w[1], "i"))
		act.sa_sigaction = informed, act.sa_flags |= SA_SIGINFO;
	else if (!strcmp(w[1], "c"))
		act.sa_sigaction = masking, act.sa_flags |= SA_SIGINFO;
	for (int sig = 1; sig < 65; sig++)
		if (mask >> (sig - 1) & 1)
			sigaddset(&act.sa_mask, sig);
	say_result(sigaction(num(w[0]), &act, &old));
	say(" %s %x",
		old.sa_handler == SIG_DFL           ? "dfl"
			: old.sa_handler == SIG_IGN ? "ign"
						    : "handler",
		old.sa_flags & 0x7fffffff);
}

static void
do_kill(char **w)
{
	say_result(syscall(SYS_kill, getpid(), num(w[0])));
}

static void
do_tgkill(char **w)
{
	say_result(syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), num(w[0])));
}

static void
do_sigqueue(char **w)
{
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	info.si_signo = num(w[0]);
	info.si_code = SI_QUEUE;
	info.si_pid = getpid();
	info.si_uid = getuid();
	info.si_value.sival_int = num(w[1]);
	say_result(syscall(SYS_rt_sigqueueinfo, getpid(), num(w[0]), &info));
}

static void
do_sigprocmask(char **w)
{
	uint64_t mask = mask_of(w[1]), old = 0;

	say_result(syscall(SYS_rt_sigprocmask, num(w[0]), &mask, &old, 8l));
	say(" %lx", old);
}

static uint64_t
pending(void)
{
	uint64_t set = 0;

	syscall(SYS_rt_sigpending, &set, 8l);
	return set;
}

static void
do_sigpending(char **w)
{
	(void)w;
	say(" %lx", pending());
}

static void
do_sigsuspend(char **w)
{
	uint64_t mask = mask_of(w[0]);

	for (int sig = 1; sig < 65; sig++) {	/* one with a handler or a deadly end is waiting? */
		struct sigaction act;

		if (!((pending() & ~mask) >> (sig - 1) & 1) || sigaction(sig, NULL, &act))
			continue;
		if (act.sa_handler != SIG_IGN && act.sa_handler != SIG_DFL) {
			say_result(syscall(SYS_rt_sigsuspend, &mask, 8l));
			return;
		}
	}
	say(" would wait");
}

static void
do_sigtimedwait(char **w)
{
	uint64_t mask = mask_of(w[0]);
	struct timespec zero = { 0, 0 };
	siginfo_t info;
	long r;

	memset(&info, 0, sizeof(info));
	r = syscall(SYS_rt_sigtimedwait, &mask, &info, &zero, 8l);
	say_result(r);
	if (r > 0)
		say(" %d %s v%d", info.si_code,
			info.si_code > 0                  ? "-"
				: info.si_pid == getpid() ? "self"
							  : "other",
			info.si_code == SI_QUEUE ? info.si_value.sival_int : 0);
}

static void
do_altstack(char **w)
{
	stack_t new = { stack, num(w[0]) ? SS_DISABLE : 0, STACK_BYTES }, old = { 0 };

	if (!stack)
		new.ss_sp = stack = shared(STACK_BYTES);
	say_result(sigaltstack(&new, &old));
	say(" %x %ld", old.ss_flags, (long)old.ss_size);
}

static void
do_fault(char **w)
{
	static const int zero;
	int sig = sigsetjmp(landing, 1);

	if (sig) {
		faulting = 0;
		say(" landed %d m%lx", sig, mask_now());
		return;
	}
	faulting = 1;
	switch (num(w[0])) {
	case 0: *nowhere = 1; break;
	case 1: __asm__ volatile("idivl %0" : : "m"(zero), "a"(1), "d"(0)); break;
	case 2: __asm__ volatile("ud2"); break;
	default: __asm__ volatile("int3"); break;
	}
	faulting = 0;
	say(" went on");
}

static void
do_sigpipe(char **w)
{
	int fd[2];

	(void)w;
	if (pipe(fd))
		return;
	close(fd[0]);
	say_result(write(fd[1], "x", 1));
	close(fd[1]);
}

/* A child finds nothing pending, the same mask and dispositions. */
static void
do_child(char **w)
{
	struct sigaction act;
	int status = -1;
	long r;
	pid_t pid = fork();

	if (pid == 0) {
		say(" (child %lx %lx", pending(), mask_now());
		sigaction(SIGUSR1, NULL, &act);
		say(" %s)",
			act.sa_handler == SIG_DFL           ? "dfl"
				: act.sa_handler == SIG_IGN ? "ign"
							    : "handler");
		if (num(w[0]) >= 256) {
			signal(SIGTERM, SIG_DFL);
			kill(getpid(), SIGKILL);
		}
		_exit(num(w[0]));
	}
	do
		r = waitpid(pid, &status, 0);
	while (r < 0 && errno == EINTR);
	say(" waited %ld %x", r == pid ? 1 : -(long)errno, r == pid ? status : 0);
}

void
signal_begin(void)
{
	setpgid(0, 0);
}

void
signal_say(void)
{
	say("pending %lx mask %lx", pending(), mask_now());
	for (int sig = 1; sig < 65; sig++) {
		struct sigaction act;

		if (!sigaction(sig, NULL, &act) && act.sa_handler != SIG_DFL)
			say(" %d:%s", sig, act.sa_handler == SIG_IGN ? "ign" : "h");
	}
	say("\n");
}

const struct op signal_ops[] = {
	{ "sigaction", 4, do_sigaction },
	{ "kill", 1, do_kill },
	{ "tgkill", 1, do_tgkill },
	{ "sigqueue", 2, do_sigqueue },
	{ "sigprocmask", 2, do_sigprocmask },
	{ "sigpending", 0, do_sigpending },
	{ "sigsuspend", 1, do_sigsuspend },
	{ "sigtimedwait", 1, do_sigtimedwait },
	{ "altstack", 1, do_altstack },
	{ "fault", 1, do_fault },
	{ "sigpipe", 0, do_sigpipe },
	{ "child", 1, do_child },
	{ NULL, 0, NULL },
};
