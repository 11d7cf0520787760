/* SPDX-License-Identifier: ISC */
/* prctl, arch_prctl, and what else a process says about itself. */
#include "t.h"
#include <sys/prctl.h>

static void
actions(void)
{
	struct { unsigned long handler, flags, restorer, mask; } a = { 1, ~0ul, 0x1234, ~0ul }, old;

	SAY(syscall(SYS_rt_sigaction, SIGUSR1, &a, NULL, 8));
	SAY(syscall(SYS_rt_sigaction, SIGUSR1, NULL, &old, 8));
	printf("%lx %lx %lx %lx\n", old.handler, old.flags, old.restorer, old.mask);
	SAY(syscall(SYS_rt_sigaction, SIGUSR1, &a, NULL, 4));
	SAY(syscall(SYS_rt_sigaction, 0, &a, NULL, 8));
	SAY(syscall(SYS_rt_sigaction, SIGSTOP, &a, NULL, 8));
	SAY(syscall(SYS_rt_sigaction, SIGSTOP, NULL, &old, 8));
	SAY(syscall(SYS_rt_sigaction, SIGUSR1, nowhere, NULL, 8));
	SAY(syscall(SYS_rt_sigaction, SIGUSR1, NULL, nowhere, 8));
	SAY(syscall(SYS_rt_sigprocmask, SIG_BLOCK, nowhere, NULL, 8));
	SAY(syscall(SYS_rt_sigprocmask, 9, NULL, NULL, 8));
	SAY(syscall(SYS_rt_sigprocmask, 9, &old, NULL, 8));
	SAY(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, NULL, 7));
	SAY(syscall(SYS_rt_sigpending, &old, 9));
	SAY(syscall(SYS_rt_sigpending, &old, 4));
	SAY(syscall(SYS_rt_sigpending, nowhere, 8));
	SAY(syscall(SYS_rt_sigsuspend, &old, 7));
	SAY(syscall(SYS_rt_sigsuspend, nowhere, 8));
	SAY(syscall(SYS_tkill, 0, SIGUSR1));
	SAY(syscall(SYS_tkill, 99999, SIGUSR1));
	SAY(syscall(SYS_tgkill, getpid(), 99999, SIGUSR1));
	SAY(syscall(SYS_tgkill, 99999, getpid(), SIGUSR1));
	SAY(syscall(SYS_tgkill, getpid(), getpid(), 65));
	SAY(syscall(SYS_tgkill, getpid(), getpid(), 0));
	SAY(kill(99999, 0));
	SAY(kill(-99999, 0));
	SAY(kill(getpid(), 65));
	SAY(kill(getpid(), -1));
	SAY(kill(0, 0));
}

/* There are no ambient capabilities, and what else is asked holds as it does by default. */
static void
kept(void)
{
	SAY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 0l, 0l, 0l));
	SAY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 64l, 0l, 0l));
	SAY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, -1l, 0l, 0l));
	SAY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 0l, 1l, 0l));
	SAY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 0l, 0l, 0l));
	SAY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 64l, 0l, 0l));
	SAY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, 0l, 0l, 0l));
	SAY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, 50l, 0l, 0l));
	SAY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0l, 0l, 0l));
	SAY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 1l, 0l, 0l));
	SAY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0l, 1l, 0l));
	SAY(prctl(PR_CAP_AMBIENT, 5l, 0l, 0l, 0l));
	SAY(prctl(PR_MCE_KILL_GET, 0l, 0l, 0l, 0l));
	SAY(prctl(PR_MCE_KILL_GET, 1l, 0l, 0l, 0l));
	SAY(prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0l, 0l));
	SAY(prctl(PR_MCE_KILL_GET, 0l, 0l, 0l, 0l));
	SAY(prctl(PR_MCE_KILL, PR_MCE_KILL_SET, 3l, 0l, 0l));
	SAY(prctl(PR_MCE_KILL, PR_MCE_KILL_CLEAR, 1l, 0l, 0l));
	SAY(prctl(PR_MCE_KILL, PR_MCE_KILL_CLEAR, 0l, 0l, 0l));
	SAY(prctl(PR_MCE_KILL_GET, 0l, 0l, 0l, 0l));
	SAY(prctl(PR_MCE_KILL, 2l, 0l, 0l, 0l));
	/* What holds is the processor's; how it is asked is not. */
	TRY(prctl(PR_GET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS, 0l, 0l, 0l));
	SAY(prctl(PR_GET_SPECULATION_CTRL, 99l, 0l, 0l, 0l));
	SAY(prctl(PR_GET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS, 1l, 0l, 0l));
	SAY(prctl(PR_SET_SPECULATION_CTRL, 99l, 0l, 0l, 0l));
	SAY(prctl(PR_SET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS, 0l, 1l, 0l));
}

int
main(void)
{
	unsigned long base = 0;
	int n = 77;
	char name[16], bytes[4];

	setvbuf(stdout, NULL, _IOLBF, 0);
	SAY(prctl(PR_SET_NAME, "a name that is too long"));
	SAY(prctl(PR_GET_NAME, name));
	printf("%s\n", name);
	SAY(prctl(PR_SET_NAME, nowhere));
	SAY(prctl(PR_GET_TIMERSLACK));
	SAY(prctl(PR_SET_TIMERSLACK, 1000));
	SAY(prctl(PR_GET_TIMERSLACK));
	SAY(prctl(PR_SET_TIMERSLACK, 0));
	SAY(prctl(PR_GET_TIMERSLACK));
	SAY(prctl(PR_GET_TIMING));
	SAY(prctl(PR_SET_TIMING, 0));
	SAY(prctl(PR_SET_TIMING, 1));
	SAY(prctl(PR_GET_SECCOMP));
	SAY(prctl(PR_GET_TSC, &n));
	printf("%d\n", n);
	SAY(prctl(PR_SET_TSC, PR_TSC_ENABLE));
	SAY(prctl(PR_SET_TSC, 7));
	SAY(prctl(PR_GET_TSC, nowhere));
	SAY(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
	SAY(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
	SAY(prctl(PR_GET_THP_DISABLE, 1, 0, 0, 0));
	SAY(prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0));
	SAY(prctl(PR_GET_ENDIAN, &n));
	SAY(prctl(PR_GET_UNALIGN, &n));
	SAY(prctl(PR_GET_FPEMU, &n));
	SAY(prctl(12345));
	SAY(syscall(SYS_arch_prctl, 0x1003, &base));
	printf("%d\n", base != 0);
	SAY(syscall(SYS_arch_prctl, 0x1002, base));
	SAY(syscall(SYS_arch_prctl, 0x1002, 1ul << 63));
	SAY(syscall(SYS_arch_prctl, 0x1003, nowhere));
	SAY(syscall(SYS_arch_prctl, 0x1011, 0));
	SAY(syscall(SYS_arch_prctl, 0x9999, 0));
	SAY(syscall(SYS_getrandom, bytes, 4, 0));
	SAY(syscall(SYS_getrandom, bytes, 4, 1));
	SAY(syscall(SYS_getrandom, bytes, 4, 4));
	SAY(syscall(SYS_getrandom, bytes, 4, 6));
	SAY(syscall(SYS_getrandom, bytes, 4, 8));
	SAY(syscall(SYS_getrandom, nowhere, 4, 0));
	SAY(syscall(SYS_getrandom, nowhere, 0, 0));
	actions();
	kept();
	return 0;
}
