/* SPDX-License-Identifier: ISC */
/*
 * The u-area is the user's memory: whatever lies in it, the kernel clamps,
 * refuses, or destroys its owner, and goes on.
 */
#include "t.h"

static const uint64_t bad_address[] = {
	EXO_USER_TOP, 0x0000800000000000, 0x7fffffffffffffff, 0x8000000000000000,
	0xffff800000000000, 0xffffffff80000000, 0xffffffff80100000, ~0ull,
};
#define BAD (sizeof(bad_address) / sizeof(bad_address[0]))

static volatile uint64_t flag;

static void
on_anything(struct exo_save *context)
{
	t_exit(0x9000 | context->vector);
}

/* ---- entries ---- */

static void
bad_exception_entry(uint64_t address)
{
	exo_uarea()->entry[EXO_ENTRY_EXCEPTION] = address;
	__asm__ volatile("ud2");
}

static void
bad_syscall_entry(uint64_t address)
{
	uint64_t rax = 39;

	exo_uarea()->entry[EXO_ENTRY_SYSCALL] = address;
	__asm__ volatile("syscall" : "+a"(rax) : : "rcx", "r11", "memory");
	t_exit(1);
}

static void
bad_prologue(uint64_t address)
{
	exo_uarea()->entry[EXO_ENTRY_PROLOGUE] = address;
	exo_park(0);
}

static void
bad_event_entry(uint64_t address)
{
	exo_uarea()->entry[EXO_ENTRY_EVENT] = address;
	exo_post(exo_self(), 1, 0);
	for (unsigned turn = 0; turn < 10; turn++)
		exo_yield(0);
	t_exit(7);
}

static void
bad_epilogue_entry(uint64_t address)
{
	uint64_t end = exo_now_ns() + 20000000;

	exo_uarea()->entry[EXO_ENTRY_EPILOGUE] = address;
	while (exo_now_ns() < end)
		;
	t_exit(7);
}

static bool
state_or_exit(uint64_t reason)
{
	return (reason & 0xffff) == EXO_DEAD_STATE || reason == T_EXIT(7);
}

TEST(bad_entries)
{
	for (unsigned n = 0; n < BAD; n++) {
		uint64_t address = bad_address[n];

		IS(t_run(bad_exception_entry, address) & 0xffff, EXO_DEAD_STATE);
		IS(t_run(bad_syscall_entry, address) & 0xffff, EXO_DEAD_STATE);
		IS(t_run(bad_prologue, address) & 0xffff, EXO_DEAD_STATE);
		CHECK(state_or_exit(t_run(bad_event_entry, address)));
		CHECK(state_or_exit(t_run(bad_epilogue_entry, address)));
	}
	IS(t_run(bad_prologue, 0) & 0xffff, EXO_DEAD_NOENTRY);
}

/* An entry that is a user address with nothing there: faults upon faults, then the slots are full. */
TEST(entry_to_nowhere)
{
	IS(t_run(bad_exception_entry, T_NOTABLE) & 0xffff, EXO_DEAD_NESTING);
	IS(t_run(bad_syscall_entry, T_NOTABLE) & 0xffff, EXO_DEAD_NOENTRY);
}

static void
callee_with_bad_entry(uint64_t address)
{
	exo_uarea()->entry[EXO_ENTRY_CALL] = address;
	exo_uarea()->entry[EXO_ENTRY_ACALL] = address;
	exo_uarea()->gate = 1;
	flag = 1;
	for (;;)
		exo_wait_for(NULL, 0, 0, 0);
}

/* The caller of somebody hostile gets an answer, whatever it is. */
TEST(call_into_a_bad_entry)
{
	for (unsigned n = 0; n <= BAD; n++) {
		struct exo_msg m = { .rsi = 1 };
		struct t_child c;

		flag = 0;
		if (!t_child(&c, callee_with_bad_entry, n < BAD ? bad_address[n] : 0, 0))
			return;
		CHECK(t_turns(c.id, &flag, 1));
		t_settle(c.id);
		CHECK(exo_call_once(c.id, &m, 0) < 0);
		CHECK(exo_acall(c.id, &m) < 0);
		t_reap(&c);
	}
}

/* ---- depth ---- */

static void
bad_depth(uint64_t depth)
{
	exo_on_exception(on_anything);
	exo_uarea()->depth = (uint32_t)depth;
	__asm__ volatile("ud2");
}

TEST(bad_depth)
{
	IS(t_run(bad_depth, 8), EXO_DEAD_NESTING | 6 << 16);
	IS(t_run(bad_depth, 9), EXO_DEAD_NESTING | 6 << 16);
	IS(t_run(bad_depth, 0x7fffffff), EXO_DEAD_NESTING | 6 << 16);
	IS(t_run(bad_depth, 0xffffffff), EXO_DEAD_NESTING | 6 << 16);
	IS(t_run(bad_depth, 7), T_EXIT(0x9006));
}

static void
deep_and_asynchronous(uint64_t depth)
{
	uint32_t both = 1u << EXO_ENTRY_EVENT | 1u << EXO_ENTRY_EPILOGUE;
	uint64_t end = exo_now_ns() + T_PATIENCE_NS;

	exo_on_event(on_anything);
	exo_on_epilogue(on_anything);
	exo_uarea()->depth = (uint32_t)depth;
	exo_post(exo_self(), 1, 0);
	/* The end of the slice comes too. */
	while (*(volatile uint32_t *)&exo_uarea()->pending != both && exo_now_ns() < end)
		;
	t_exit(*(volatile uint32_t *)&exo_uarea()->pending == both);
}

/* Asynchronous upcalls wait where a slot is missing: nobody dies of somebody else's post. */
TEST(no_slot_for_an_event)
{
	IS(t_run(deep_and_asynchronous, 8), T_EXIT(1));
	IS(t_run(deep_and_asynchronous, 0xffffffff), T_EXIT(1));
}

/* ---- the resume window ---- */

static volatile uint64_t rounds;

static void
counts_and_skips(struct exo_save *context)
{
	rounds++;
	exo_uarea()->window_begin = 0;	/* out again */
	exo_uarea()->window_end = 0;
	context->rip += 2;
}

/* Everything is the window: the slot keeps what was in it, which is what the library then resumes. */
static void
all_is_window(uint64_t arg)
{
	struct exo_uarea *u = exo_uarea();
	struct exo_save *save = &u->save[0];

	(void)arg;
	exo_on_exception(counts_and_skips);
	rounds = 0;
	*save = (struct exo_save){ .rip = (uint64_t)t_exit - 2,
		.rsp = ((uint64_t)&arg & -16ull) - 8,
		.rflags = 0x202,
		.rdi = 77,
		.flags = EXO_SAVE_FULL };
	u->window_begin = 0;
	u->window_end = ~0ull;
	__asm__ volatile("ud2");
	t_exit(1);
}

TEST(window_everywhere)
{
	IS(t_run(all_is_window, 0), T_EXIT(77));
	IS(rounds, 1);
}

static void
backwards_window(uint64_t arg)
{
	struct exo_uarea *u = exo_uarea();

	exo_on_exception(counts_and_skips);
	u->window_begin = ~0ull;
	u->window_end = arg;
	__asm__ volatile("ud2");
	t_exit(3);
}

TEST(window_backwards)
{
	IS(t_run(backwards_window, 0), T_EXIT(3));
	IS(t_run(backwards_window, 0xffff800000000000), T_EXIT(3));
}

/* ---- resuming into kernel space, from one's own hands ---- */

static volatile uint64_t target;

static void
redirects(struct exo_save *context)
{
	if (context->vector != 6)
		t_exit(0x9000 | context->vector);
	context->rip = target;
	context->rsp = target;
}

static void
resumes_at(uint64_t address)
{
	target = address;
	exo_on_exception(redirects);
	__asm__ volatile("ud2");
	t_exit(1);
}

TEST(resume_into_the_kernel)
{
	for (unsigned n = 0; n < BAD; n++) {
		uint64_t reason = t_run(resumes_at, bad_address[n]);

		if (reason != T_EXIT(0x900e) && reason != T_EXIT(0x900d))
			t_fail("resume at 0x%lx: reason 0x%lx", bad_address[n], reason);
	}
}

/* ---- flags that upset kernels ---- */

static void
odd_flags(uint64_t flags)
{
	struct exo_term term = { .where = EXO_INFO, .mask = 0, .cmp = EXO_EQ, .tag = 5 };
	int64_t got;

	exo_on_exception(on_anything);
	for (unsigned round = 0; round < 100; round++) {
		__asm__ volatile("pushfq; or %2, (%%rsp); popfq; syscall; pushfq; cld; popfq"
				 : "=a"(got)
				 : "0"(EXO_CALL), "r"(flags)
				 : "rcx", "r11", "rdi", "rsi", "rdx", "r8", "r9", "r10", "memory",
				 "cc");
		__asm__ volatile("cld");
		if (got != 0)
			t_exit(1);
	}
	__asm__ volatile("pushfq; or %0, (%%rsp); popfq" : : "r"(flags) : "memory", "cc");
	got = exo_map(exo_self(), (void *)&term, 1, 0);
	exo_log(&term, 40, 0);
	__asm__ volatile("pushfq; andq $0xfffffffffffbbaff, (%%rsp); popfq" : : : "memory", "cc");
	t_exit(got < 0 ? 0 : 2);
}

TEST(flags)
{
	IS(t_run(odd_flags, 0x400), T_EXIT(0));		/* DF */
	IS(t_run(odd_flags, 0x4000), T_EXIT(0));	/* NT */
	IS(t_run(odd_flags, 0x40000), T_EXIT(0));	/* AC */
	IS(t_run(odd_flags, 0x3000), T_EXIT(0));	/* IOPL: ignored */
	IS(t_run(odd_flags, 0x100), T_EXIT(0x9001));	/* TF: trapped behind popfq */
	IS(t_run(odd_flags, 0x44c00), T_EXIT(0));
}

/* A stack pointer that is nobody's: upcalls write nothing to it. */
static void
wild_stack(uint64_t rsp)
{
	exo_on_exception(on_anything);
	__asm__ volatile("mov %0, %%rsp; ud2" : : "r"(rsp));
	__builtin_unreachable();
}

TEST(stack_pointer)
{
	for (unsigned n = 0; n < BAD; n++)
		IS(t_run(wild_stack, bad_address[n]), T_EXIT(0x9006));
	IS(t_run(wild_stack, 0), T_EXIT(0x9006));
	IS(t_run(wild_stack, 1), T_EXIT(0x9006));
}

static void
wild_stack_syscall(uint64_t rsp)
{
	__asm__ volatile(
		"mov %%rsp, %%rbx; mov %0, %%rsp; mov %1, %%eax; syscall; mov %%rsp, %%rdx;"
		"mov %%rbx, %%rsp; sub %%r12, %%rdx; mov %%rdx, %%rdi"
		:
		: "r"(rsp), "i"(EXO_CALL), "r"(0)
		: "rax", "rbx", "rcx", "rdx", "rdi", "rsi", "r8", "r9", "r10", "r11", "memory");
	t_exit(4);
}

TEST(stack_pointer_of_a_call)
{
	for (unsigned n = 0; n < BAD; n++)
		IS(t_run(wild_stack_syscall, bad_address[n]), T_EXIT(4));
}
