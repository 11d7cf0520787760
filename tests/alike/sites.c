/* SPDX-License-Identifier: ISC */
/* Call sites: registers, flags, stack and memory around a call that is made often, and ways to come to it. */
#include "sites.h"
#include <ucontext.h>

/* ---- what a call leaves as it is ----------------------------------------------------------- */

/* All but rax, rcx and r11; the flags; rcx is the address behind. */
static void
registers(void)
{
	static unsigned long in[12] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 }, out[12];
	unsigned long behind = 0, flags = 0, here = 0;
	int bad = 0;

	for (int i = 0; i < OFTEN; i++) {
		__asm__ volatile(
			"push %%rbp; push %%rbx; sub $128,%%rsp; mov %[in],%%rax\n"
			"mov 0(%%rax),%%rbx; mov 8(%%rax),%%rdx; mov 16(%%rax),%%rsi; mov 24(%%rax),%%rdi\n"
			"mov 32(%%rax),%%rbp; mov 40(%%rax),%%r8; mov 48(%%rax),%%r9; mov 56(%%rax),%%r10\n"
			"mov 64(%%rax),%%r12; mov 72(%%rax),%%r13; mov 80(%%rax),%%r14; mov 88(%%rax),%%r15\n"
			"push $0xcd7; popfq\n"
			"mov $107,%%eax; syscall; 1:\n"
			"pushfq; cld; lea %[out],%%rax\n"
			"mov %%rbx,0(%%rax); mov %%rdx,8(%%rax); mov %%rsi,16(%%rax); mov %%rdi,24(%%rax)\n"
			"mov %%rbp,32(%%rax); mov %%r8,40(%%rax); mov %%r9,48(%%rax); mov %%r10,56(%%rax)\n"
			"mov %%r12,64(%%rax); mov %%r13,72(%%rax); mov %%r14,80(%%rax); mov %%r15,88(%%rax)\n"
			"pop %%rbx; lea 1b(%%rip),%%rsi; add $128,%%rsp; mov %%rbx,%%rax; pop %%rbx; pop %%rbp\n"
			: "=a"(flags), "=c"(behind), "=S"(here), [out] "=m"(out)
			: [in] "i"(in)
			: "rdx", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
			"memory", "cc");
		bad += memcmp(in, out, sizeof(in)) != 0;
		bad += behind != here;
		bad += (flags & 0xcd5) != 0xcd5;
	}
	printf("registers: %d\n", bad);
}

/* r11 is the flags, where the kernel is needed for more than a word. */
static void
flags_kept(void)
{
	int bad = 0;

	for (int i = 0; i < OFTEN; i++) {
		unsigned long kept,
			flags = 0x202 | (i & 1) | (i & 2 ? 0x80 : 0) | (i & 4 ? 0x800 : 0) |
			(i & 8 ? 0x400 : 0);
		long result;

		__asm__ volatile("sub $128,%%rsp; push %[flags]; popfq\n"
				 "mov $8,%%eax; syscall; mov %%r11,%[kept]\n"
				 "cld; add $128,%%rsp\n"
				 : "=&a"(result), [kept] "=&r"(kept)
				 : [flags] "r"(flags), "D"(-1l), "S"(0l), "d"(0l)
				 : "rcx", "r11", "memory", "cc");
		bad += result != -EBADF || (kept & 0xcd5) != (flags & 0xcd5);
	}
	printf("flags: %d\n", bad);
}

/* A leaf's values below its stack pointer. */
SITE(red_zone,
	"mov $0x1122334455667788,%rdx\n"
	"mov $-128,%rsi\n"
	"1: mov %rdx,(%rsp,%rsi)\n inc %rdx\n add $8,%rsi\n jnz 1b\n"
	"mov $39,%eax\n syscall\n"
	"mov %rax,%r8\n mov $39,%eax\n syscall\n cmp %r8,%rax\n jne 3f\n"
	"mov $-3,%rdi\n mov $3,%eax\n syscall\n"
	"mov $0x1122334455667788,%rdx\n"
	"mov $-128,%rsi\n"
	"2: cmp %rdx,(%rsp,%rsi)\n jne 3f\n inc %rdx\n add $8,%rsi\n jnz 2b\n"
	"xor %eax,%eax\n ret\n"
	"3: mov $1,%eax\n");

/* The stack pointer is a register like others. */
SITE(no_stack,
	"mov %rsp,%rdx\n mov $24,%rsp\n"
	"mov $39,%eax\n syscall\n mov %rax,%r8\n"
	"mov $-3,%rdi\n mov $3,%eax\n syscall\n"
	"cmp $24,%rsp\n mov %rdx,%rsp\n jne 1f\n mov %r8,%rax\n ret\n"
	"1: mov $-5,%rax\n");

/* ---- ways to come to it ----------------------------------------------------------------------- */

/* To the call itself, with another number: rdi says whether. */
long middle(int other);
CODE(middle,
	"test %edi,%edi\n jnz 1f\n mov $39,%eax\n 2: syscall\n ret\n 1: mov $110,%eax\n jmp 2b\n");

/* Bytes that look like mov $39,%eax before the call, and are the end of another instruction. */
SITE(looks_like,
	"movl $0,-0x48(%rsp)\n mov $39,%eax\n nop\n"
	".byte 0xc7,0x44,0x24,0xb8,0x27,0,0,0\n syscall\n"	/* movl $39,-0x48(%rsp) */
	"cmpl $39,-0x48(%rsp)\n je 1f\n mov $-5,%rax\n 1:\n");

SITE(eighth,
	"mov $39,%eax\n mov $1,%r8d\n mov $39,%r8d\n syscall\n cmp $39,%r8d\n je 1f\n mov $-5,%rax\n 1:\n");

/* Short instructions before it, and near by a nop that is passed, or come to by a jump. */
SITE(before_nop, "mov $39,%edx\n mov %edx,%eax\n syscall\n" NOP8);
long by_nop(int to_nop);
CODE(by_nop,
	"test %edi,%edi\n jnz 1f\n mov $110,%r8\n mov %r8,%rax\n syscall\n ret\n 1: mov $7,%eax\n jmp 2f\n ret\n 2: " NOP8
	" inc %eax\n");
SITE(read_none, "mov $-1,%edi\n xor %eax,%eax\n syscall\n cmp $-9,%rax\n ret\n" NOP8);
SITE(two_shorts,
	"mov $39,%edx\n mov %edx,%eax\n syscall\n mov %eax,%r8d\n mov %edx,%eax\n syscall\n cmp %r8d,%eax\n je 1f\n"
	" mov $-5,%rax\n ret\n" NOP8 "1:\n");

/* The instruction before it reads memory, which may not be there. */
long reads(void *from);
CODE(reads, "mov $110,%eax\n .byte 0x4c,0x8b,0x4c,0x27,0x08\n syscall\n");	/* mov 8(%rdi),%r9 */

static void
ways(void)
{
	long own = 0, parents = 0;

	for (int i = 0; i < OFTEN; i++) {
		own += middle(0) == getpid();
		parents += middle(1) == getppid();
	}
	printf("middle: %ld %ld\n", own, parents);
	own = parents = 0;
	for (int i = 0; i < OFTEN; i++) {
		own += by_nop(1);
		parents += by_nop(0) == getppid();
	}
	printf("by nop: %ld %ld\n", own, parents);
	printf("before nop: %s\n", whose(often(before_nop)));
	printf("none: %ld\n", often(read_none));
	printf("two: %s\n", whose(often(two_shorts)));
	printf("looks like: %s\n", whose(often(looks_like)));
	printf("eighth: %s\n", whose(often(eighth)));
}

/* One site, many calls: as syscall() is. */
static void
numbers(void)
{
	static const long list[] = { SYS_getpid, SYS_getppid, SYS_getuid, 0x100000000 | SYS_getpid,
		-1, 100000, SYS_lseek };
	long sums[7] = { 0 };

	for (int i = 0; i < OFTEN; i++) {
		for (int n = 0; n < 7; n++)
			sums[n] += n == 0 || n == 3 ? syscall(list[n], -1, 0, 0) == getpid()
				: n == 1	    ? syscall(list[n]) == getppid()
						    : syscall(list[n], -1, 0, 0);
	}
	for (int n = 0; n < 7; n++)
		printf(" %ld", sums[n]);
	printf("\n");
}

/* ---- pages --------------------------------------------------------------------------------------- */

/* At each place around the end of a page. */
static void
page_end(void)
{
	for (unsigned at = 4096 - 8; at <= 4096; at++) {
		int fd = code_file("code", at, SYS_getppid);
		unsigned char *code = code_map(fd, MAP_PRIVATE);

		printf("%u: %s\n", at, whose(often((routine *)(code + at))));
		munmap(code, CODE_BYTES);
		close(fd);
	}
}

/* The file keeps what it has, and who maps it shared. */
static void
files(void)
{
	int fd = code_file("code", 1024, SYS_getpid);
	unsigned char *private = code_map(fd, MAP_PRIVATE), *shared = code_map(fd, MAP_SHARED),
		      byte[8];
	unsigned char *again;

	printf("private %s", whose(often((routine *)(private + 1024))));
	printf(" shared %s\n", whose(often((routine *)(shared + 1024))));
	again = code_map(fd, MAP_PRIVATE);
	pread(fd, byte, sizeof(byte), 1024);
	printf("file %02x%02x%02x%02x%02x shared %02x again %02x\n", byte[0], byte[1], byte[2],
		byte[3], byte[4], shared[1024], again[1024]);
	printf("again %s\n", whose(often((routine *)(again + 1024))));
	munmap(private, CODE_BYTES);
	munmap(shared, CODE_BYTES);
	munmap(again, CODE_BYTES);
	close(fd);
}

/* The program writes its own code: the number alone, once it has the right to. */
static void
self_modifying(void)
{
	int fd = code_file("code", 1024, SYS_getpid);
	unsigned char *code = code_map(fd, MAP_PRIVATE);
	routine *f = (routine *)(code + 1024);

	for (int round = 0; round < 4; round++) {
		int rights =
			round & 1 ? PROT_READ | PROT_WRITE : PROT_READ | PROT_WRITE | PROT_EXEC;

		printf("%d: %s, ", round, whose(often(f)));
		mprotect(code, 4096, rights);
		printf("%02x %d, ", code[1024], code[1025]);
		code[1025] = round & 1 ? SYS_getpid : SYS_getppid;
		if (rights & PROT_EXEC)
			printf("%s, ", whose(often(f)));
		mprotect(code, 4096, PROT_READ | PROT_EXEC);
		printf("%s\n", whose(often(f)));
	}
	mprotect(code, CODE_BYTES, PROT_NONE);
	mprotect(code, CODE_BYTES, PROT_READ | PROT_EXEC);
	printf("none and back: %s\n", whose(often(f)));
	madvise(code, CODE_BYTES, MADV_DONTNEED);
	printf("dropped: %s\n", whose(often(f)));
	munmap(code, CODE_BYTES);
	close(fd);
}

/* Code comes and goes at one place, or moves. */
static void
moving(void)
{
	static const unsigned char number[2] = { SYS_getpid, SYS_getppid };
	void *place = mmap(NULL, 4 * CODE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char *code, *to = (unsigned char *)place + 2 * CODE_BYTES;
	int own = 0, parents = 0, fd;

	for (int round = 0; round < 20; round++) {
		fd = code_file("code", 512, number[round & 1]);
		code = mmap(place, CODE_BYTES, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd,
			0);
		own += often((routine *)(code + 512)) == getpid();
		parents += often((routine *)(code + 512)) == getppid();
		munmap(code, CODE_BYTES);
		close(fd);
	}
	printf("come and gone: %d %d\n", own, parents);
	fd = code_file("code", 512, SYS_getppid);
	code = mmap(place, CODE_BYTES, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd, 0);
	often((routine *)(code + 512));
	code = mremap(code, CODE_BYTES, CODE_BYTES, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	printf("moved: %d %02x", code == to, code[512]);
	printf(" %s\n", whose(often((routine *)(code + 512))));
	munmap(place, 4 * CODE_BYTES);
	close(fd);
}

/* The instruction before the call is the last of its page, and behind it comes something else. */
static void
next_page(void)
{
	static unsigned char other[CODE_BYTES];
	int fd = code_file("code", 4096 - 5, 77),
	    next = open("next", O_RDWR | O_CREAT | O_TRUNC, 0700);
	unsigned char *code = code_map(fd, MAP_PRIVATE);
	const unsigned char own[] = { SYS_getpid };
	routine *f = (routine *)(code + 4096 - 5);

	pwrite(fd, own, 1, 4096 - 4);
	memset(other, 0xc3, sizeof(other));
	write(next, other, sizeof(other));
	for (int round = 0; round < 3; round++) {
		printf("next page: %s, ", whose(often(f)));
		mmap(code + 4096, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, next, 4096);
		printf("another %ld, ", often(f));
		mmap(code + 4096, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd, 4096);
	}
	printf("%s\n", whose(often(f)));
	mprotect(code + 4096, 4096, PROT_READ | PROT_WRITE);
	code[4096] = code[4097] = 0x90;
	mprotect(code + 4096, 4096, PROT_READ | PROT_EXEC);
	printf("written: %ld\n", often(f));
	munmap(code, CODE_BYTES);
	close(fd);
	close(next);
}

/* ---- faults ------------------------------------------------------------------------------------------ */

static volatile unsigned long fault_rip, fault_at;
static sigjmp_buf back;

static void
fault(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	fault_rip = (unsigned long)uc->uc_mcontext.gregs[REG_RIP];
	fault_at = (unsigned long)info->si_addr;
	siglongjmp(back, 1);
}

static void
faults(void)
{
	struct sigaction a = { .sa_sigaction = fault, .sa_flags = SA_SIGINFO | SA_NODEFER };
	static char room[32];
	int good = 0;

	sigaction(SIGSEGV, &a, NULL);
	if (!sigsetjmp(back, 1))
		((routine *)((char *)nowhere - 8))();
	printf("call of 0: %#lx %#lx\n", fault_rip, fault_at);
	if (!sigsetjmp(back, 1))
		*(volatile int *)((char *)nowhere - 8) = 0;
	printf("write of 0: %#lx\n", fault_at);
	for (int i = 0; i < OFTEN; i++)
		good += reads(room) == getppid();
	if (!sigsetjmp(back, 1))
		reads(nowhere);
	printf("reads: %d, %#lx, %ld bytes into it\n", good, fault_at,
		(long)(fault_rip - (unsigned long)reads));
	good = 0;
	for (int i = 0; i < OFTEN; i++)
		good += write(1, nowhere, 5) == -1 && errno == EFAULT;
	printf("bad pointer: %d\n", good);
	signal(SIGSEGV, SIG_DFL);
}

int
main(void)
{
	in_memory();
	registers();
	flags_kept();
	printf("red zone: %ld\n", often(red_zone));
	printf("no stack: %s\n", whose(often(no_stack)));
	ways();
	numbers();
	page_end();
	files();
	self_modifying();
	moving();
	next_page();
	faults();
	return 0;
}
