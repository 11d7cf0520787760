/* SPDX-License-Identifier: ISC */
/* A program that steps itself: each instruction is told, calls and page faults and handlers between them or not. */
#include "t.h"
#include <ucontext.h>

#define FLAG_TF 0x100

extern const char begin[], end[];
static volatile long steps, others;
static unsigned char where[256];
static volatile int code;

static void
step(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	greg_t *r = uc->uc_mcontext.gregs;

	(void)sig;
	if (r[REG_RIP] >= (greg_t)begin && r[REG_RIP] <= (greg_t)end && steps < 256)
		where[steps++] = (unsigned char)(r[REG_RIP] - (greg_t)begin);
	else
		others++;
	code = info->si_code;
	if (r[REG_RIP] == (greg_t)end)
		r[REG_EFL] &= ~FLAG_TF;
}

static void
nothing(int sig)
{
	(void)sig;
}

int
main(void)
{
	struct sigaction a = { .sa_sigaction = step, .sa_flags = SA_SIGINFO };
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long pid = 0, sum = 0;

	sigaction(SIGTRAP, &a, NULL);
	signal(SIGUSR1, nothing);
	__asm__ volatile("pushf; orq $0x100, (%%rsp); popf\n"
			 "nop\n"
			 ".global begin; begin:\n"
			 "xor %%ebx, %%ebx\n"
			 "add $5, %%rbx\n"
			 "mov $39, %%eax\n"
			 "syscall\n"			/* getpid */
			 "mov %%rax, %%r12\n"
			 "movb $1, (%2)\n"		/* a fault that is served */
			 "add $7, %%rbx\n"
			 "mov %%r12, %%rdi\n"
			 "mov $10, %%esi\n"
			 "mov $62, %%eax\n"
			 "syscall\n"			/* a handler of another signal */
			 "push %%rbx\n"
			 "pop %%rbx\n"
			 "nop\n"
			 ".global end; end:\n"
			 "nop\n"
			 "mov %%r12, %0; mov %%rbx, %1\n"
			 : "=m"(pid), "=m"(sum)
			 : "r"(page)
			 : "rax", "rbx", "rcx", "r11", "r12", "rdi", "rsi", "memory", "cc");
	printf("pid %d sum %ld code %d\n", pid == getpid(), sum, code);
	printf("%ld:", steps);
	for (long n = 0; n < steps; n++)
		printf(" %d", where[n]);
	printf("\nthen %d\n", others > 0);
	return 0;
}
