/* SPDX-License-Identifier: ISC */
/* What a handler finds in its context, what it may change there, and the stacks it runs on. */
#include "t.h"
#include <fenv.h>
#include <ucontext.h>

static volatile sig_atomic_t count;
static sigjmp_buf back;
static volatile int skip;		/* bytes to move the instruction pointer by; 0: jump back */

static void
fault(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	greg_t *r = uc->uc_mcontext.gregs;
	long off = (long)info->si_addr - (long)r[REG_RIP];

	printf("  signal %d code %d trap %lld err %llx", sig, info->si_code,
		(long long)r[REG_TRAPNO],
		(long long)r[REG_ERR] & 0xfe);	/* whether the page was there is chance */
	if (r[REG_TRAPNO] == 14)
		printf(" addr is cr2 %d, page offset %lx", (long)info->si_addr == (long)r[REG_CR2],
			(long)info->si_addr & 0xfff);
	else
		printf(" addr %s", off == 0 ? "is rip" : info->si_addr ? "strange" : "0");
	printf(" oldmask %llx\n", (long long)r[REG_OLDMASK]);
	fflush(stdout);
	if (!skip)
		siglongjmp(back, 1);
	r[REG_RIP] += skip;
}

static void
action(int sig, void (*f)(int, siginfo_t *, void *), int flags)
{
	struct sigaction a = { .sa_sigaction = f, .sa_flags = SA_SIGINFO | flags };

	sigaction(sig, &a, NULL);
}

#define CASE(name, code)                                                                           \
	do {                                                                                       \
		printf("%s\n", name);                                                              \
		if (sigsetjmp(back, 1) == 0) {                                                     \
			code;                                                                      \
			printf("  nothing\n");                                                     \
		}                                                                                  \
	} while (0)

static void
faults(void)
{
	volatile char *ro = mmap(NULL, 12288, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	volatile char *gone = ro + 8192;
	int file = open("short", O_RDWR | O_CREAT | O_TRUNC, 0600);
	volatile char *past;

	write(file, "x", 1);
	past = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	munmap((void *)gone, 4096);
	mprotect((void *)(ro + 4096), 4096, PROT_NONE);
	for (int sig = 1; sig < 32; sig++)
		if (sig == SIGSEGV || sig == SIGBUS || sig == SIGILL || sig == SIGFPE ||
			sig == SIGTRAP)
			action(sig, fault, 0);
	CASE("read nothing", (void)*gone);
	CASE("write nothing", *gone = 1);
	CASE("write read-only", ro[7] = 1);
	CASE("read none", (void)ro[4100]);
	CASE("run data", ((void (*)(void))(unsigned long)ro)());
	CASE("run nothing", ((void (*)(void))(unsigned long)(gone + 5))());
	CASE("past the end", (void)past[4096]);
	CASE("write past the end", past[5000] = 1);
	CASE("high", (void)*(volatile char *)0xffffffffff000123ul);
	CASE("not canonical",
		__asm__ volatile("mov (%0), %%al" ::"r"(0x8000000000000000ul)
				 : "rax"));
	CASE("privileged", __asm__ volatile("hlt"));
	CASE("undefined", __asm__ volatile("ud2"));
	CASE("division by zero",
		__asm__ volatile("xor %%edx, %%edx; xor %%ecx, %%ecx; div %%ecx" ::
					 : "eax", "ecx", "edx"));
	CASE("division overflow",
		__asm__ volatile("mov $1, %%edx; mov $1, %%ecx; div %%ecx" ::
					 : "eax", "ecx", "edx"));
	skip = 2;
	CASE("skipped", __asm__ volatile("ud2"));
	skip = 0;
	close(file);
}

static void
breakpoint(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)info;
	printf("  signal %d code %x after int3 %d trap %lld\n", sig, info->si_code,
		((unsigned char *)uc->uc_mcontext.gregs[REG_RIP])[-1] == 0xcc,
		(long long)uc->uc_mcontext.gregs[REG_TRAPNO]);
}

static void
floats(void)
{
	volatile long double lzero = 0, lone __attribute__((unused)) = 1;
	volatile int dummy;

	action(SIGTRAP, breakpoint, 0);
	__asm__ volatile("int3");
	action(SIGFPE, fault, 0);
	/* Not SSE's: QEMU's emulation never raises them. */
#define X87(mask, name, code)                                                                      \
	CASE(name, unsigned short cw = 0x37f & ~(mask);                                            \
		__asm__ volatile("fnclex; fldcw %0" ::"m"(cw)); code; __asm__ volatile("fwait");   \
		cw = 0x37f; __asm__ volatile("fnclex; fldcw %0" ::"m"(cw)))
	X87(4, "x87 division", lone = 1 / lzero);
	X87(1, "x87 invalid", lone = lzero / lzero);
	X87(32, "x87 inexact", lone = 1 / (lzero + 3));
	__asm__ volatile("fninit");
	dummy = fetestexcept(FE_ALL_EXCEPT);
	(void)dummy;
}

/* ---- registers ------------------------------------------------------------------------- */

static void
changes(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	greg_t *r = uc->uc_mcontext.gregs;
	unsigned csr = 0;
	unsigned short cw = 0;

	(void)sig;
	(void)info;
	__asm__ volatile("stmxcsr %0; fnstcw %1" : "=m"(csr), "=m"(cw));
	printf("  rbx %llx r15 %llx flags %llx; in the handler %x %x, frame %x\n",
		(long long)r[REG_RBX], (long long)r[REG_R15], (long long)r[REG_EFL] & 0xcd5, csr,
		cw, uc->uc_mcontext.fpregs->mxcsr);
	r[REG_RIP] += 2;
	r[REG_RBX] = 0x1111;
	r[REG_R15] = 0x2222;
	r[REG_EFL] |= 0x41;
	r[REG_RCX] = 0x3333;
	r[REG_R11] = 0x4444;
	uc->uc_mcontext.fpregs->_xmm[7].element[0] = 0xabcd;
	sigaddset(&uc->uc_sigmask, SIGUSR2);
	count++;
}

/* ud2 with known registers; the handler moves past it. */
static void
registers(void)
{
	unsigned long out[6];
	unsigned csr = 0x3f80;
	sigset_t now;

	action(SIGILL, changes, 0);
	__asm__ volatile("ldmxcsr %0" ::"m"(csr));
	__asm__ volatile(
		"mov %0, %%r12\n"
		"mov $0x5555, %%ebx; mov $0x6666, %%r15d; movq %%rbx, %%xmm7; cmp %%ebx, %%ebx\n"
		"movq $0x7777, -8(%%rsp); movq $0x7777, -128(%%rsp)\n"
		"ud2\n"
		"mov %%rbx, (%%r12); mov %%r15, 8(%%r12); mov %%rcx, 16(%%r12); mov %%r11, 24(%%r12)\n"
		"movq %%xmm7, 32(%%r12); mov -8(%%rsp), %%rax; cmp %%rax, -128(%%rsp); mov %%rax, 40(%%r12)\n" ::
			"r"(out)
		: "rax", "rbx", "rcx", "r11", "r12", "r15", "xmm7", "memory", "cc");
	sigprocmask(SIG_SETMASK, NULL, &now);
	__asm__ volatile("stmxcsr %0" : "=m"(csr));
	printf("  %lx %lx %lx %lx %lx red zone %lx mxcsr %x USR2 blocked %d\n", out[0], out[1],
		out[2], out[3], out[4], out[5], csr, sigismember(&now, SIGUSR2));
	sigemptyset(&now);
	sigprocmask(SIG_SETMASK, &now, NULL);
}

/* ---- stacks ---------------------------------------------------------------------------------- */

static char *area;
#define AREA 65536

static void
where(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	stack_t now, none = { .ss_flags = SS_DISABLE };
	char here;

	(void)info;
	SAY(sigaltstack(NULL, &now));
	printf("  signal %d on it %d flags %x, frame's %x size %d\n", sig,
		&here >= area && &here < area + AREA, now.ss_flags, uc->uc_stack.ss_flags,
		(int)uc->uc_stack.ss_size);
	SAY(sigaltstack(&none, NULL));
	if (sig == SIGUSR1)
		raise(SIGUSR2);
}

static void
stacks(void)
{
	stack_t s = { .ss_sp = area, .ss_size = AREA }, old;

	area = malloc(AREA);
	s.ss_sp = area;
	action(SIGUSR1, where, SA_ONSTACK);
	action(SIGUSR2, where, SA_ONSTACK);
	SAY(sigaltstack(&s, &old));
	printf("%x %d\n", old.ss_flags, (int)old.ss_size);
	raise(SIGUSR1);
	s.ss_flags = 1u << 31;
	SAY(sigaltstack(&s, NULL));
	raise(SIGUSR2);
	SAY(sigaltstack(NULL, &old));
	printf("%x %d\n", old.ss_flags, (int)old.ss_size);
	s.ss_flags = 4;
	SAY(sigaltstack(&s, NULL));
	s.ss_flags = SS_ONSTACK;
	SAY(sigaltstack(&s, NULL));
	s.ss_flags = 0;
	s.ss_size = 2047;
	SAY(syscall(SYS_sigaltstack, &s, NULL));
	SAY(syscall(SYS_sigaltstack, nowhere, NULL));
	SAY(syscall(SYS_sigaltstack, NULL, nowhere));
	s.ss_flags = SS_DISABLE;
	SAY(sigaltstack(&s, NULL));
	SAY(sigaltstack(NULL, &old));
	printf("%x %d %d\n", old.ss_flags, (int)old.ss_size, old.ss_sp == NULL);
}

/* ---- ends ------------------------------------------------------------------------------------------ */

static void
ends(const char *what, void (*f)(void))
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct rlimit none = { 0, 0 };

		setrlimit(RLIMIT_CORE, &none);
		for (int sig = 1; sig < 32; sig++)
			signal(sig, SIG_DFL);
		f();
		_exit(0);
	}
	waitpid(child, &status, 0);
	printf("%s: %x\n", what, status);
	fflush(stdout);
}

static void
no_stack(void)
{
	action(SIGUSR1, fault, 0);
	__asm__ volatile(
		"mov $8, %%rsp; mov $39, %%eax; syscall; mov %%eax, %%edi; mov $10, %%esi; mov $62, %%eax; syscall; ud2" ::
			: "memory");
}

static void
handled_elsewhere(int sig)
{
	char text[] = "handled on the other stack\n";

	(void)sig;
	write(1, text, sizeof(text) - 1);
	_exit(7);
}

static void
no_stack_but_another(void)
{
	stack_t s = { .ss_sp = area, .ss_size = AREA };
	struct sigaction a = { .sa_handler = handled_elsewhere, .sa_flags = SA_ONSTACK };

	sigaltstack(&s, NULL);
	sigaction(SIGSEGV, &a, NULL);
	no_stack();
}

static void
blocked_fault(void)
{
	sigset_t set;

	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	*(volatile int *)nowhere = 1;
}

static void
ignored_fault(void)
{
	signal(SIGILL, SIG_IGN);
	__asm__ volatile("ud2");
}

static void
bad_frame(void)
{
	__asm__ volatile("mov $16, %%rsp; mov $15, %%eax; syscall; ud2" ::: "memory");
}

static void
jump_nowhere(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	(void)info;
	uc->uc_mcontext.gregs[REG_RIP] = (greg_t)0x8123456789abcdefull;
}

static void
wild_return(void)
{
	action(SIGUSR1, jump_nowhere, 0);
	raise(SIGUSR1);
}

static void
bad_mxcsr(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	(void)info;
	uc->uc_mcontext.fpregs->mxcsr = 0xffffffff;
}

static void
wild_vectors(void)
{
	action(SIGUSR1, bad_mxcsr, 0);
	raise(SIGUSR1);
}

static void
defaults(void)
{
	static const int fatal[] = { SIGHUP, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS,
		SIGFPE, SIGUSR1, SIGSEGV, SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, SIGSTKFLT, SIGXCPU,
		SIGXFSZ, SIGVTALRM, SIGPROF, SIGIO, SIGPWR, SIGSYS, 34, 64, SIGCHLD, SIGURG,
		SIGWINCH, SIGCONT };

	for (unsigned n = 0; n < sizeof(fatal) / sizeof(fatal[0]); n++) {
		pid_t child = fork();
		int status;

		if (child == 0) {
			struct rlimit none = { 0, 0 };

			setrlimit(RLIMIT_CORE, &none);
			signal(fatal[n], SIG_DFL);
			kill(getpid(), fatal[n]);
			_exit(0);
		}
		waitpid(child, &status, 0);
		printf("%d:%x ", fatal[n] < 32 ? fatal[n] : 0,
			fatal[n] < 32 ? status : status != 0);
	}
	printf("\n");
}

int
main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	faults();
	floats();
	registers();
	stacks();
	ends("no stack", no_stack);
	ends("no stack but another", no_stack_but_another);
	ends("blocked fault", blocked_fault);
	ends("ignored fault", ignored_fault);
	ends("bad frame", bad_frame);
	ends("wild return", wild_return);
	ends("wild vectors", wild_vectors);
	defaults();
	return 0;
}
