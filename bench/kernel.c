/* SPDX-License-Identifier: ISC */
/*
 * What the primitives cost, in guest instructions.
 *
 * Runs as boot/init under QEMU's -icount shift=0,sleep=off, where the time
 * stamp counter counts instructions: the same numbers at every run.  Each row
 * is the difference between two readings around the operation, less the
 * difference around nothing, the smallest of several runs: so it includes the
 * user-mode instructions of the stub (given in the row where they matter).
 * Rows go to the kernel log as `bench NAME INSTRUCTIONS`.
 */
#include <exo/stlb.h>
#include "t.h"

#define RUNS 9

static uint64_t base;			/* of two readings with nothing in between */

static inline uint64_t
now(void)
{
	uint64_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return lo | hi << 32;
}

static void
row(const char *name, uint64_t instructions)
{
	t_say("bench %s %lu", name, (unsigned long)instructions);
}

/* Smallest of RUNS; body may use `run` as its number. */
#define COST(name, setup, body, cleanup) do { \
	uint64_t best_ = ~0ull; \
	for (uint64_t run = 0; run < RUNS; run++) { \
		uint64_t from_, to_; \
		setup; \
		from_ = now(); \
		body; \
		to_ = now(); \
		cleanup; \
		if (to_ - from_ < best_) \
			best_ = to_ - from_; \
		(void)run; \
	} \
	row(name, best_ - base); \
} while (0)

static void
baseline(void)
{
	base = ~0ull;
	for (unsigned i = 0; i < RUNS; i++) {
		uint64_t from = now(), to = now();

		if (to - from < base)
			base = to - from;
	}
}

/* ---- entries --------------------------------------------------------------------- */

static volatile uint64_t entered;	/* when the handler ran */

__asm__(
"	.text\n"
"	.globl bench_trap, bench_trapped, bench_syscall\n"
	/* A handler of our own, as short as the interface allows: note the time, skip the ud2, go on. */
	"bench_trapped:\n"
	"	mov %rdx, %rcx\n"
	"	rdtsc\n"
	"	shl $32, %rdx\n"
	"	or %rdx, %rax\n"
	"	mov %rax, entered(%rip)\n"
	"	mov %rcx, %rdx\n"
	"	decl %gs:20\n" /* depth: the slot is free again */
	"	movl $0, %gs:24\n" /* critical */
	"	jmp bench_trap_next\n"
	"bench_trap:\n"
	"	ud2\n"
	"bench_trap_next:\n"
	"	ret\n"
	/* A reflected call: straight back. */
	"bench_syscall:\n"
	"	movl $0, %gs:24\n"
	"	jmp *%gs:40\n");

extern void bench_trap(void);
extern const char bench_trapped[], bench_syscall[];

static inline void
linux_getpid(void)
{
	uint64_t nr = 39;

	__asm__ volatile("syscall" : "+a"(nr) : : "rcx", "r11", "memory");
}

static void
entries(void)
{
	uint64_t out = ~0ull, both = ~0ull;

	COST("null-call", , exo_null(), );
	for (unsigned i = 0; i < RUNS; i++) {
		uint64_t from, to;

		exo_uarea()->entry[EXO_ENTRY_EXCEPTION] = (uint64_t)bench_trapped;
		from = now();
		bench_trap();
		to = now();
		exo_uarea()->entry[EXO_ENTRY_EXCEPTION] = 0;
		if (entered - from < out)
			out = entered - from;
		if (to - from < both)
			both = to - from;
	}
	row("exception-to-handler", out - base);
	row("exception-round-trip", both - base);
	exo_uarea()->entry[EXO_ENTRY_SYSCALL] = (uint64_t)bench_syscall;
	COST("reflected-call", , linux_getpid(), );
	exo_uarea()->entry[EXO_ENTRY_SYSCALL] = 0;
}

/* ---- control transfer -------------------------------------------------------------- */

static volatile uint64_t arrived;

static void
serve(exo_envid caller, struct exo_msg *message)
{
	(void)caller;
	arrived = now();
	message->rsi++;
}

/* The shortest callee that the interface allows: note the time, return. */
__asm__(
"	.globl bench_callee\n"
"bench_callee:\n"
"	mov %rax, %rdi\n"		/* the caller's name */
"	mov %rdx, %r8\n"
"	rdtsc\n"
"	shl $32, %rdx\n"
"	or %rax, %rdx\n"
"	mov $0x40000024, %eax\n"	/* return */
"	syscall\n"
"	ud2\n");
extern const char bench_callee[];

static void
callee(uint64_t bare)
{
	exo_on_call(serve);
	if (bare)
		exo_uarea()->entry[EXO_ENTRY_CALL] = (uint64_t)bench_callee;
	exo_uarea()->gate = 1;
	for (;;)
		exo_wait_for(NULL, 0, 0, 0);
}

static void
transfers(uint64_t bare, const char *to, const char *round)
{
	struct t_child c;
	uint64_t there = ~0ull, both = ~0ull;

	if (!t_child(&c, callee, bare, 16) || !t_start(&c))
		return;
	exo_yield(c.id);
	for (unsigned i = 0; i < RUNS; i++) {
		struct exo_msg m = { .rsi = i };
		uint64_t from = now(), back, at;

		exo_call_once(c.id, &m, 0);
		back = now();
		at = bare ? m.rdx : arrived;
		if (at - from < there)
			there = at - from;
		if (back - from < both)
			both = back - from;
	}
	row(to, there - base);
	row(round, both - base);
	t_reap(&c);
	exo_slice_release(0, c.slice, K_ROOT);
}

static void
ponger(uint64_t to)
{
	for (;;)
		exo_yield(to);
}

static void
yields(void)
{
	struct t_child c;

	if (!t_child(&c, ponger, exo_self(), 0) || !t_start(&c))
		return;
	exo_yield(c.id);
	COST("directed-yield-round-trip", , exo_yield(c.id), );
	t_reap(&c);
	exo_slice_release(0, c.slice, K_ROOT);
	COST("post-to-self", , exo_post(exo_self(), 1, K_ROOT), exo_posted());
}

/* ---- memory --------------------------------------------------------------------------- */

static void
mapping(void)
{
	static struct exo_map vec[100];
	exo_pfn pfn = t_claim(100), one = exo_frame_find(0, 1);

	COST("claim-frame", , exo_frame_claim(one, 1, ROOT_ACCOUNT, 0, K_ROOT, 0),
		exo_frame_release(one, 1, K_ROOT));
	COST("release-frame", exo_frame_claim(one, 1, ROOT_ACCOUNT, 0, K_ROOT, 0),
		exo_frame_release(one, 1, K_ROOT), );
	COST("find-claim-map-page", ,
		t_map_op(exo_self(), T_VA, exo_frame_find(0, 1),
			EXO_OP_MAP | EXO_MAP_WRITE | EXO_MAP_CLAIM, K_ROOT, 0),
		t_map_op(exo_self(), T_VA, 0, EXO_OP_UNMAP | EXO_MAP_RELEASE, K_ROOT, 0));
	for (unsigned i = 0; i < 100; i++)
		vec[i] = (struct exo_map){ .va = T_VA + i * EXO_PAGE_BYTES,
			.pfn = pfn + i,
			.key = K_ROOT,
			.op = EXO_OP_MAP | EXO_MAP_WRITE };
	exo_map_all(exo_self(), vec, 100, 0);	/* scrubbed from here on */
	COST("map-1-page", , exo_map_all(exo_self(), vec, 1, 0), );
	COST("map-100-pages", , exo_map_all(exo_self(), vec, 100, 0), );
	for (unsigned i = 0; i < 100; i++)
		vec[i].op = EXO_OP_PROTECT | EXO_MAP_READ;
	COST("protect-1-page", , exo_map_all(exo_self(), vec, 1, 0), );
	COST("protect-100-pages", , exo_map_all(exo_self(), vec, 100, 0), );
	for (unsigned i = 0; i < 100; i++)
		vec[i].op = EXO_OP_UNMAP;
	exo_map_all(exo_self(), vec, 100, 0);
	t_release(pfn, 100);
}

static void
keys(void)
{
	struct exo_key entries[EXO_GUARD_KEYS] = { t_key(EXO_RIGHTS_ALL, "bench") };
	exo_pfn frame = t_claim(2);
	exo_guardref g = EXO_GUARD(frame, 0);

	exo_guard_create(g, entries, K_ROOT);
	COST("bind-key", , exo_key_bind(g, EXO_R, K_ROOT, K_FREE), exo_key_drop(K_FREE, 1));
	exo_key_bind(g, EXO_R, K_ROOT, K_FREE);
	exo_frame_guard(frame + 1, 1, g, K_ROOT, K_ROOT);
	COST("map-page-by-bound-key", ,
		t_map_op(exo_self(), T_VA, frame + 1, EXO_OP_MAP, K_FREE, 0), );
	COST("map-page-by-named-key", ,
		t_map_op(exo_self(), T_VA, frame + 1, EXO_OP_MAP, K_ROOT, 0), );
	t_unmap(T_VA);
	exo_key_drop(K_FREE, 1);
	exo_guard_free(g, K_ROOT);
	t_release(frame, 2);
}

/* A page fault that the software TLB answers. */
static void
stlb(void)
{
	exo_pfn frame = t_claim(2);
	struct exo_stlb *array = (struct exo_stlb *)(T_VA + EXO_PAGE_BYTES);

	t_map((uint64_t)array, frame, EXO_MAP_WRITE);
	array[exo_stlb_index(T_VA, 1)] = (struct exo_stlb){ T_VA | EXO_MAP_READ | EXO_MAP_WRITE,
		(frame + 1) | (uint64_t)K_ROOT << EXO_STLB_KEY_SHIFT };
	exo_stlb_offer(exo_self(), frame, 1, 0, K_ROOT);
	COST("stlb-hit", t_unmap(T_VA), *(volatile uint64_t *)T_VA = run, );
	exo_stlb_offer(exo_self(), 0, 0, 0, 0);
	t_release(frame, 2);
}

TEST(costs)
{
	baseline();
	entries();
	transfers(1, "transfer-one-way", "transfer-round-trip");
	transfers(0, "transfer-one-way-libexo", "transfer-round-trip-libexo");
	yields();
	mapping();
	keys();
	stlb();
	row("longest-entry-cycles", exo_cpu(0)->entry_max);
}
