/* SPDX-License-Identifier: ISC */
/*
 * What the primitives cost.
 *
 * Runs as boot/init.  Each row includes the user-mode instructions of the stub
 * (bench/rows.py says how many where they matter).  Rows go to the kernel log
 * as `bench NAME COST`: instructions, or with `timed=1` in boot/args ticks of
 * the clock that the row tsc-hz names.
 */
#include <exo/stlb.h>
#include "native.h"

/* ---- entries --------------------------------------------------------------------- */

static volatile uint64_t entered;	/* when the handler ran */

__asm__(
"	.text\n"
"	.globl bench_trap, bench_trapped, bench_fault, bench_faulted, bench_syscall\n"
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
	/* The same by a page fault. */
	"bench_fault:\n"
	"	mov (%rdi), %rax\n"
	"	ret\n"
	"bench_faulted:\n"
	"	mov %rdx, %rcx\n"
	"	rdtsc\n"
	"	shl $32, %rdx\n"
	"	or %rdx, %rax\n"
	"	mov %rax, entered(%rip)\n"
	"	mov %rcx, %rdx\n"
	"	decl %gs:20\n"
	"	movl $0, %gs:24\n"
	"	ret\n"
	/* A reflected call: straight back. */
	"bench_syscall:\n"
	"	movl $0, %gs:24\n"
	"	jmp *%gs:40\n");

extern void bench_trap(void);
extern void bench_fault(uint64_t va);
extern const char bench_trapped[], bench_faulted[], bench_syscall[];

static inline void
linux_getpid(void)
{
	uint64_t nr = 39;

	__asm__ volatile("syscall" : "+a"(nr) : : "rcx", "r11", "memory");
}

/* A load where nothing is mapped, the handler, and behind it. */
static void
page_fault(void)
{
	static struct series out, both;

	for (unsigned i = 0; i < runs(); i++) {
		uint64_t from, to;

		exo_uarea()->entry[EXO_ENTRY_EXCEPTION] = (uint64_t)bench_faulted;
		from = now();
		bench_fault(T_VA);
		to = now();
		exo_uarea()->entry[EXO_ENTRY_EXCEPTION] = 0;
		series_add(&out, entered - from);
		series_add(&both, to - from);
	}
	series_row("page-fault-to-handler", &out);
	series_row("page-fault-round-trip", &both);
}

static void
entries(void)
{
	static struct series out, both;

	COST("null-call", , exo_null(), );
	for (unsigned i = 0; i < runs(); i++) {
		uint64_t from, to;

		exo_uarea()->entry[EXO_ENTRY_EXCEPTION] = (uint64_t)bench_trapped;
		from = now();
		bench_trap();
		to = now();
		exo_uarea()->entry[EXO_ENTRY_EXCEPTION] = 0;
		series_add(&out, entered - from);
		series_add(&both, to - from);
	}
	series_row("exception-to-handler", &out);
	series_row("exception-round-trip", &both);
	page_fault();
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
	struct series there = { .count = 0 }, both = { .count = 0 };

	if (!t_child(&c, callee, bare, 16) || !t_start(&c))
		return;
	exo_yield(c.id);
	for (unsigned i = 0; i < runs(); i++) {
		struct exo_msg m = { .rsi = i };
		uint64_t from = now(), back, at;

		exo_call_once(c.id, &m, 0);
		back = now();
		at = bare ? m.rdx : arrived;
		series_add(&there, at - from);
		series_add(&both, back - from);
	}
	series_row(to, &there);
	series_row(round, &both);
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
	COST("post", , exo_post(c.id, 1, K_ROOT), );
	t_reap(&c);
	exo_slice_release(0, c.slice, K_ROOT);
	COST("post-to-self", , exo_post(exo_self(), 1, K_ROOT), exo_posted());
}

/* ---- predicates ------------------------------------------------------------------------ */

#define WAITERS 100u

static void
terms_fill(struct exo_term *term, unsigned count, uint8_t last)
{
	for (unsigned i = 0; i < count; i++)
		term[i] = (struct exo_term){ .where = EXO_INFO,
			.mask = ~0ull,
			.value = EXO_MAGIC,
			.cmp = i + 1 < count ? EXO_EQ : last };
}

static void
waiter(uint64_t count)
{
	struct exo_term term[EXO_TERMS_MAX];

	terms_fill(term, (unsigned)count, EXO_NE);
	for (;;)
		exo_wait_for(term, count, 0, 0);
}

/* How long a turn of everybody else takes. */
static uint64_t
turn(void)
{
	series.count = 0;
	for (unsigned i = 0; i < runs(); i++) {
		uint64_t from = now();

		exo_yield(0);
		series_add(&series, now() - from);
	}
	return series_value(&series);
}

/* One that waits, and the same one again on WAITERS slices more: what looking at it costs. */
static void
evaluation(unsigned count, const char *name)
{
	uint64_t few, many;
	uint32_t slice[WAITERS];
	struct t_child c;

	if (!t_child(&c, waiter, count, 0) || !t_start(&c))
		return;
	t_settle(c.id);
	few = turn();
	for (uint32_t i = 0, index = 0; i < WAITERS; index++)
		if (exo_slice_claim(0, index, c.id, 0, K_ROOT, 0) == 0)
			slice[i++] = index;
	many = turn();
	row(name, (many - few) / WAITERS);
	for (unsigned i = 0; i < WAITERS; i++)
		exo_slice_release(0, slice[i], K_ROOT);
	t_reap(&c);
	exo_slice_release(0, c.slice, K_ROOT);
}

static void
predicates(void)
{
	struct exo_term term[EXO_TERMS_MAX];

	/* It holds, so that wait comes back: checked, compiled, and evaluated once. */
	terms_fill(term, 1, EXO_EQ);
	COST("install-predicate-1-term", , exo_wait(term, 1, 0, 0), );
	terms_fill(term, EXO_TERMS_MAX, EXO_EQ);
	COST("install-predicate-8-terms", , exo_wait(term, EXO_TERMS_MAX, 0, 0), );
	evaluation(1, "evaluate-predicate-1-term");
	evaluation(EXO_TERMS_MAX, "evaluate-predicate-8-terms");
}

/* ---- memory --------------------------------------------------------------------------- */

static struct exo_map vec[100];

static void
vector_fill(exo_pfn pfn, uint32_t op)
{
	for (unsigned i = 0; i < 100; i++)
		vec[i] = (struct exo_map){ .va = T_VA + i * EXO_PAGE_BYTES,
			.pfn = pfn + i,
			.key = K_ROOT,
			.op = op };
}

static void
unmapped(exo_pfn pfn)
{
	vector_fill(pfn, EXO_OP_UNMAP);
	exo_map_all(exo_self(), vec, 100, 0);
	vector_fill(pfn, EXO_OP_MAP | EXO_MAP_WRITE);
}

static void
mapped(exo_pfn pfn)
{
	vector_fill(pfn, EXO_OP_MAP | EXO_MAP_WRITE);
	exo_map_all(exo_self(), vec, 100, 0);
	vector_fill(pfn, EXO_OP_UNMAP);
}

static void
claiming(void)
{
	exo_pfn one = exo_frame_find(0, 1);

	COST("claim-frame", , exo_frame_claim(one, 1, ROOT_ACCOUNT, 0, K_ROOT, 0),
		exo_frame_release(one, 1, K_ROOT));
	COST("release-frame", exo_frame_claim(one, 1, ROOT_ACCOUNT, 0, K_ROOT, 0),
		exo_frame_release(one, 1, K_ROOT), );
	COST("claim-map-page", ,
		t_map_op(exo_self(), T_VA, one, EXO_OP_MAP | EXO_MAP_WRITE | EXO_MAP_CLAIM, K_ROOT,
			0),
		t_map_op(exo_self(), T_VA, 0, EXO_OP_UNMAP | EXO_MAP_RELEASE, K_ROOT, 0));
	COST("unmap-release-page",
		t_map_op(exo_self(), T_VA, one, EXO_OP_MAP | EXO_MAP_WRITE | EXO_MAP_CLAIM, K_ROOT,
			0),
		t_map_op(exo_self(), T_VA, 0, EXO_OP_UNMAP | EXO_MAP_RELEASE, K_ROOT, 0), );
	COST("find-frame", , one = exo_frame_find(0, 1), );
}

static void
mapping(void)
{
	exo_pfn pfn = t_claim(100);

	vector_fill(pfn, EXO_OP_MAP | EXO_MAP_WRITE);
	exo_map_all(exo_self(), vec, 100, 0);	/* scrubbed from here on */
	COST("map-page", unmapped(pfn), exo_map(exo_self(), vec, 1, 0), );
	COST("map-100-pages", unmapped(pfn), exo_map_all(exo_self(), vec, 100, 0), );
	COST("map-100-pages-again", , exo_map_all(exo_self(), vec, 100, 0), );
	COST("load-of-mapped-page", , (void)*(volatile uint64_t *)T_VA, );
	vector_fill(pfn, EXO_OP_PROTECT | EXO_MAP_READ);
	COST("protect-page", , exo_map(exo_self(), vec, 1, 0), );
	COST("protect-100-pages", , exo_map_all(exo_self(), vec, 100, 0), );
	COST("unmap-100-pages", mapped(pfn), exo_map_all(exo_self(), vec, 100, 0), );
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

/* A line of a software region, into a page. */
static void
region(void)
{
	exo_pfn frame = t_claim(2);

	exo_region_guard(frame, 0, 1, 0, K_ROOT, 0);
	COST("region-copy", , exo_region_copy(frame * EXO_PAGE_BYTES, (frame + 1) * EXO_PAGE_BYTES,
					EXO_REGION_LINE, 0, K_ROOT, K_ROOT), );
	t_release(frame, 2);
}

/* The same where the page table comes from the refill pool, with a page of another place in it. */
static void
refill(void)
{
	exo_pfn frame = t_claim(5), table = frame + 2;
	struct exo_stlb *array = (struct exo_stlb *)(T_VA + EXO_PAGE_BYTES);
	uint64_t first = T_VA + 0x200000, second = T_VA + 0x401000;

	t_map((uint64_t)array, frame, EXO_MAP_WRITE);
	for (uint64_t va = first; va <= second; va += second - first)
		array[exo_stlb_index(va, 1)] = (struct exo_stlb){ va | EXO_MAP_READ | EXO_MAP_WRITE,
			(frame + 1) | (uint64_t)K_ROOT << EXO_STLB_KEY_SHIFT };
	exo_stlb_offer(exo_self(), frame, 1, 0, K_ROOT);
	exo_stlb_pool(exo_self(), 0, table, table + 1, 0);
	COST("stlb-refill", *(volatile uint64_t *)first = run,
		*(volatile uint64_t *)second = run, );
	exo_stlb_offer(exo_self(), 0, 0, 0, 0);
	exo_pt_remove(exo_self(), second | 1, 0);
	exo_pt_remove(exo_self(), first | 1, 0);
	exo_frame_release(table, 1, K_ROOT);
	t_release(frame, 2);
}

TEST(costs)
{
	series_timed = t_arg("timed", 0) != 0;
	row_only = (uint32_t)t_arg("row", 0);
	row("tsc-hz", exo_info()->tsc_hz);
	baseline();
	unit();
	entries();
	transfers(1, "transfer-one-way", "transfer-round-trip");
	transfers(0, "transfer-one-way-libexo", "transfer-round-trip-libexo");
	yields();
	predicates();
	claiming();
	mapping();
	keys();
	stlb();
	refill();
	region();
	unit();
}
