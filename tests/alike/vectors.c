/* SPDX-License-Identifier: ISC */
/* Vector registers: each thread's over what makes others run, and what a handler finds of them and may change. */
#include "t.h"
#include <pthread.h>
#include <ucontext.h>

#define REGISTERS 16
#define ROUNDS 200

struct vectors {
	unsigned long xmm[REGISTERS][2], high[REGISTERS][2];
	double x87[4];
	unsigned csr;
	unsigned short cw;
};

/* Where the processor has no AVX both are told the same. */
static int avx;

static void
fill(struct vectors *v, unsigned long seed)
{
	memset(v, 0, sizeof(*v));
	for (int n = 0; n < REGISTERS; n++) {
		v->xmm[n][0] = seed + n;
		v->xmm[n][1] = ~seed - n;
		v->high[n][0] = avx ? seed * 3 + n : 0;
		v->high[n][1] = avx ? seed * 5 + n : 0;
	}
	for (int n = 0; n < 4; n++)
		v->x87[n] = (double)(seed + n) / 3;
	v->csr = 0x1f80 | (seed & 3) << 13;
	v->cw = 0x37f ^ (seed & 1) << 10;
}

#define EACH(do) do(0) do(1) do(2) do(3) do(4) do(5) do(6) do(7) \
	do(8) do(9) do(10) do(11) do(12) do(13) do(14) do(15)
#define LOAD(n) "movups " #n "*16(%[in]), %%xmm" #n "\n"
#define STORE(n) "movups %%xmm" #n ", " #n "*16(%[out])\n"
#define LOAD_HIGH(n) "vinsertf128 $1, 256+" #n "*16(%[in]), %%ymm" #n ", %%ymm" #n "\n"
#define STORE_HIGH(n) "vextractf128 $1, %%ymm" #n ", 256+" #n "*16(%[out])\n"
#define LOAD_87                                                                                    \
	"fninit; fldcw 548(%[in]); fldl 512(%[in]); fldl 520(%[in]); fldl 528(%[in]); fldl 536(%[in])\n"
#define STORE_87                                                                                   \
	"fstpl 536(%[out]); fstpl 528(%[out]); fstpl 520(%[out]); fstpl 512(%[out]); fnstcw 548(%[out]); fninit\n"

/* rax: the call's number; where it is ~0, ud2 is executed instead. */
#define DO "cmp $-1, %%rax; je 1f; syscall; jmp 2f; 1: ud2; 2:\n"
#define CLOBBERED "rcx", "r11", "memory", "cc", "st", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", \
	"xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"

static void
with(const struct vectors *in, long call, struct vectors *out)
{
	const unsigned usual = 0x1f80;

	memset(out, 0, sizeof(*out));
	if (avx)
		__asm__ volatile("ldmxcsr 544(%[in])\n" EACH(LOAD) EACH(LOAD_HIGH) LOAD_87 DO
				EACH(STORE) EACH(STORE_HIGH) STORE_87 "stmxcsr 544(%[out])\n"
				"ldmxcsr %[usual]; vzeroupper"
				: "+a"(call)
				: [in] "r"(in), [out] "r"(out), [usual] "m"(usual)
				: CLOBBERED);
	else
		__asm__ volatile("ldmxcsr 544(%[in])\n" EACH(LOAD) LOAD_87 DO EACH(STORE) STORE_87
				 "stmxcsr 544(%[out])\nldmxcsr %[usual]"
				 : "+a"(call)
				 : [in] "r"(in), [out] "r"(out), [usual] "m"(usual)
				 : CLOBBERED);
}

/* ---- threads ------------------------------------------------------------------------------ */

/* MMX registers that were given up (emms) still have what they had. */
static int
left(unsigned long seed)
{
	unsigned long in[8], out[8];

	for (int n = 0; n < 8; n++)
		in[n] = seed * 7 + n;
#define EIGHT(do) do(0) do(1) do(2) do(3) do(4) do(5) do(6) do(7)
#define PUT(n) "movq " #n "*8(%[in]), %%mm" #n "\n"
#define GET(n) "movq %%mm" #n ", " #n "*8(%[out])\n"
	__asm__ volatile("fninit\n" EIGHT(PUT) "emms; syscall\n" EIGHT(GET) "emms"
			 :
			 : "a"(SYS_sched_yield), [in] "r"(in), [out] "r"(out)
			 : "rcx", "r11", "memory", "cc");
	return memcmp(in, out, sizeof(in)) == 0;
}

static void *
yields(void *arg)
{
	struct vectors in, out;
	long wrong = 0;

	for (unsigned long n = 0; n < ROUNDS; n++) {
		fill(&in, (unsigned long)arg * 1000003 + n);
		with(&in, SYS_sched_yield, &out);
		wrong += memcmp(&in, &out, sizeof(in)) != 0;
		wrong += !left((unsigned long)arg * 1000003 + n);
	}
	return (void *)wrong;
}

static void
threads(void)
{
	pthread_t t[3];
	void *wrong;

	for (long n = 0; n < 3; n++)
		pthread_create(&t[n], NULL, yields, (void *)n);
	for (int n = 0; n < 3; n++) {
		pthread_join(t[n], &wrong);
		printf("thread %d: %ld wrong\n", n, (long)wrong);
	}
}

/* ---- handlers -------------------------------------------------------------------------------- */

enum change {
	NOTHING,
	VALUES,
	NO_AVX,
	NO_SSE,
	NO_X87,
	NO_MARK,
	NO_STATE,
	BAD_HEADER,
	BAD_PLACE,
	ASKEW,
	COPY
};
static enum change change;
static int seen;			/* the frame has what the registers had */
static struct vectors was;
static char spare[8192] __attribute__((aligned(64)));

#define MARK_AT 464
#define HEADER_AT 512
#define HIGH_AT 576

static void
alter(ucontext_t *uc)
{
	char *state = (char *)uc->uc_mcontext.fpregs;
	unsigned long *header = (unsigned long *)(state + HEADER_AT);
	const unsigned bytes = ((unsigned *)(state + MARK_AT))[1];

	switch (change) {
	case VALUES:
		memset(state + 160, 0x11, 256);
		if (avx)
			memset(state + HIGH_AT, 0x22, 256);
		break;
	case NO_AVX: header[0] &= ~4ul; break;
	case NO_SSE: header[0] &= ~2ul; break;
	case NO_X87: header[0] &= ~1ul; break;
	case NO_MARK: *(unsigned *)(state + MARK_AT) = 0; break;
	case NO_STATE: uc->uc_mcontext.fpregs = NULL; break;
	case BAD_HEADER: header[1] = 1; break;
	case BAD_PLACE: uc->uc_mcontext.fpregs = nowhere; break;
	case ASKEW:
	case COPY:
		memcpy(spare + (change == ASKEW ? 16 : 0), state, bytes);
		uc->uc_mcontext.fpregs = (fpregset_t)(spare + (change == ASKEW ? 16 : 0));
		break;
	default: break;
	}
}

static void
handler(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	const char *state = (const char *)uc->uc_mcontext.fpregs;
	struct vectors mine, after;

	(void)sig, (void)info;
	seen = !memcmp(state + 160, was.xmm, 256) && *(const unsigned *)(state + 24) == was.csr &&
		(!avx || !memcmp(state + HIGH_AT, was.high, 256));
	uc->uc_mcontext.gregs[REG_RIP] += 2;
	alter(uc);
	fill(&mine, 0x777);
	with(&mine, SYS_getpid, &after);
	seen &= !memcmp(&mine, &after, sizeof(mine));
}

static int
zero(const void *p, size_t bytes)
{
	const char *c = p;

	while (bytes && !*c)
		c++, bytes--;
	return bytes == 0;
}

static void
tell(const char *what, enum change how)
{
	struct vectors out;
	int same, none;

	fill(&was, 0x123456);
	change = how;
	with(&was, -1, &out);
	same = !memcmp(was.xmm, out.xmm, 256);
	none = zero(out.xmm, 256);
	printf("%s: seen %d xmm %s high %s x87 %d cw %d csr %x\n", what, seen,
		same ? "same" : none ? "none" : "others",
		!avx || change == NO_AVX || change == NO_MARK || change == NO_STATE
			? zero(out.high, 256) ? "right" : "not gone"
			: change == VALUES
			? out.high[3][1] == 0x2222222222222222 ? "right" : "wrong"
			: memcmp(was.high, out.high, 256) ? "wrong"
							  : "right",
		!memcmp(was.x87, out.x87, sizeof(was.x87)), was.cw == out.cw, out.csr);
}

static void
ends(const char *what, enum change how)
{
	pid_t child;
	int status;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		struct rlimit none = { 0, 0 };

		setrlimit(RLIMIT_CORE, &none);
		tell(what, how);
		fflush(stdout);
		_exit(0);
	}
	waitpid(child, &status, 0);
	printf("%s: %x\n", what, status);
}

int
main(void)
{
	struct sigaction a = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };

	avx = __builtin_cpu_supports("avx");
	sigaction(SIGILL, &a, NULL);
	threads();
	tell("nothing", NOTHING);
	tell("values", VALUES);
	if (avx)
		tell("no AVX", NO_AVX);
	else
		printf("no AVX: seen 1 xmm same high right x87 1 cw 1 csr 1f80\n");
	tell("no SSE", NO_SSE);
	tell("no x87", NO_X87);
	tell("no mark", NO_MARK);
	tell("no state", NO_STATE);
	tell("elsewhere", COPY);
	ends("bad header", BAD_HEADER);
	ends("bad place", BAD_PLACE);
	ends("askew", ASKEW);
	return 0;
}
