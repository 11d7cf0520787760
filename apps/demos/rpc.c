/* SPDX-License-Identifier: ISC */
/*
 * Asking another protection domain for something, in five ways:
 *
 *	tlrpc	a control transfer, ten registers: the caller trusts the callee to keep the others
 *	lrpc	the same through libexo: every register is the caller's own again
 *	shared	the argument, 4 KiB, copied into a page that both have
 *	inside	a protected library: the callee's address space contains the caller's, so it
 *		reads the argument in place; its own memory lies where the caller has none
 *	ring	messages left in a ring, 60 at a time, and one directed yield for all of them
 *
 * The price of one under Unix stands in docs/performance.md: a byte to another
 * process and back by two pipes.
 */
#include <exo/mring.h>
#include "lib/child.h"

EXO_NATIVE_NOTE;

#define SHARED 0x20000000ull		/* the callee's copy of the argument, and the ring */
#define WORDS 512u
#define ROUNDS 32u
#define BATCH 60u

static uint64_t argument[WORDS];
static struct child bare, plain, inside, reader;

static uint64_t
sum(const volatile uint64_t *words)
{
	uint64_t total = 0;

	for (unsigned n = 0; n < WORDS; n++)
		total += words[n];
	return total;
}

/* ---- callees ---- */

/* The shortest there is: an entry that returns at once.  rax is the caller's name. */
__asm__("	.text\n"
	"bare_call:\n"
	"	mov %rax, %rdi\n"
	"	mov $(0x40000000 + 36), %eax\n"
	"	syscall\n"
	"	ud2\n");
extern const char bare_call[];

static void
answers(exo_envid caller, struct exo_msg *m)
{
	(void)caller;
	if (m->rsi ==
		1) /* the argument is where rdx says: in the shared page, or the caller's own */
		m->rsi = sum((const volatile uint64_t *)m->rdx);
}

static void
serves(uint64_t bare_entry)
{
	exo_on_call(answers);
	if (bare_entry)
		exo_uarea()->entry[EXO_ENTRY_CALL] = (uint64_t)bare_call;
	for (;;)
		exo_wait_for(NULL, 0, 0, 0);
}

static void
takes(uint64_t caller)
{
	struct exo_mring_end end = { .ring = (volatile struct exo_mring *)SHARED };
	struct exo_mmsg m;

	for (;;) {
		while (exo_mring_take(&end, &m))
			argument[0] +=
				m.word[0]; /* .bss is the same memory for us: see lib/child.h */
		exo_yield(caller);
	}
}

/* ---- callers ---- */

static uint64_t
tlrpc(void)
{
	uint64_t result, env;
	register uint64_t deadline __asm__("r10");

	do {				/* busy: our slice was over when it should have gone to where it waits */
		result = EXO_CALL | EXO_NR_call, env = bare.id, deadline = 0;
		__asm__ volatile("push %%rbp; syscall; pop %%rbp"
				 : "+a"(result), "+D"(env), "+r"(deadline)
				 :
				 : "rcx", "r11", "rdx", "rsi", "r8", "r9", "memory");
	} while (result == (uint64_t)-EXO_EBUSY && (exo_yield(bare.id), true));
	return result;
}

static uint64_t
ask(const struct child *callee, uint64_t what, uint64_t where)
{
	struct exo_msg m = { .rsi = what, .rdx = where };

	return exo_call(callee->id, &m, 0) == 0 ? m.rsi : ~0ull;
}

static uint64_t
lrpc(void)
{
	return ask(&plain, 0, 0);
}

static uint64_t
shared(void)
{
	for (unsigned n = 0; n < WORDS; n++)
		((volatile uint64_t *)SHARED)[n] = argument[n];
	return ask(&plain, 1, SHARED) - sum(argument);
}

static uint64_t
in_place(void)
{
	return ask(&inside, 1, (uint64_t)argument) - sum(argument);
}

static struct exo_mring_end writer = { .ring = (volatile struct exo_mring *)(SHARED +
					       EXO_PAGE_BYTES) };

static uint64_t
ring(void)
{
	struct exo_mmsg m = { { 1 } };
	uint64_t before = argument[0];

	for (unsigned n = 0; n < BATCH; n++)
		exo_mring_put(&writer, &m);
	while (*(volatile uint64_t *)&argument[0] - before < BATCH)	/* once, or more */
		exo_yield(reader.id);
	return *(volatile uint64_t *)&argument[0] - before - BATCH;
}

/* The least of many; what sum() itself takes, the caller's check included, is the same for all that do it. */
static bool
measure(const char *name, uint64_t (*fn)(void), uint64_t each)
{
	uint64_t best = ~0ull, wrong = 0, took;

	for (unsigned n = 0; n < ROUNDS; n++) {
		uint64_t from = exo_now_ns();

		wrong += fn() != 0;
		took = exo_now_ns() - from;
		best = took < best ? took : best;
	}
	exo_printf("%s %lu ns%s\n", name, best / each, wrong ? ", wrong" : "");
	return wrong == 0;
}

static bool
prepare(void)
{
	exo_pfn pfn;

	if (!own_tables(SHARED))
		return false;
	pfn = exo_frame_find(0, 2);
	exo_frame_claim_all(pfn, 2, child_account(), 0, child_key(), 0);
	child_map(exo_self(), SHARED, pfn, EXO_OP_MAP | EXO_MAP_WRITE);
	child_map(exo_self(), SHARED + EXO_PAGE_BYTES, pfn + 1, EXO_OP_MAP | EXO_MAP_WRITE);
	return child_make(&bare, serves, 1, 0) && child_make(&plain, serves, 0, 0) &&
		child_make(&inside, serves, 0, CHILD_INSIDE) &&
		child_make(&reader, takes, exo_self(), 0) &&
		child_see(&plain, SHARED, pfn) && child_see(&reader, SHARED, pfn + 1);
}

int
exo_main(const struct exo_start *start)
{
	exo_pfn theirs = EXO_PTE_PFN(exo_pte_at((uint64_t)argument, 4));
	bool good;

	(void)start;
	if (!prepare())
		return 1;
	for (unsigned n = 0; n < WORDS; n++)
		argument[n] = n;
	exo_yield(bare.id);		/* each to where it waits */
	exo_yield(plain.id);
	exo_yield(inside.id);
	good = measure("tlrpc ", tlrpc, 1) & measure("lrpc  ", lrpc, 1) &
		measure("shared", shared, 1) & measure("inside", in_place, 1) &
		measure("ring  ", ring, BATCH);
	/* Where the callee lives nothing of the caller's can come, and the caller has nothing there. */
	good &= exo_pt_install(inside.id, CHILD_AT | 3 | EXO_PT_WRITE, theirs, 0, child_key(),
			child_key()) == -EXO_ETAKEN;
	return good && exo_pte_at(CHILD_AT, 4) == 0 ? 0 : 2;
}
