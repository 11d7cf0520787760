/* SPDX-License-Identifier: ISC */
/*
 * Upcalls at every instruction: a program that does nothing but take
 * exceptions and reflected calls is taken off by force wherever it stands, the
 * resume window included, and gets an event there when it goes on.  Whatever
 * happens, every register is as it should be.
 */
#include "t.h"

#define EVENTS 200u

static volatile uint64_t exceptions, events, calls, wrong, stop;

static void
on_exception(struct exo_save *context)
{
	exceptions++;
	context->rip += 2;
}

static void
on_event(struct exo_save *context)
{
	(void)context;
	if (exo_posted())
		events++;
}

static void
on_syscall(struct exo_sysframe *frame)
{
	calls++;
	frame->rax = ~frame->rax;
}

/* A round of exception and call with a value of its own in every register. */
static uint64_t
one_round(uint64_t seed)
{
	uint64_t sum, expected = 0;

	__asm__ volatile(
		"mov %2, %%rax; lea 1(%%rax), %%rbx; lea 2(%%rax), %%rcx; lea 3(%%rax), %%rdx;"
		"lea 4(%%rax), %%rsi; lea 5(%%rax), %%rdi; lea 6(%%rax), %%r8; lea 7(%%rax), %%r9;"
		"lea 8(%%rax), %%r10; lea 9(%%rax), %%r11; lea 10(%%rax), %%r12; lea 11(%%rax), %%r13;"
		"lea 12(%%rax), %%r14; lea 13(%%rax), %%r15; mov %%rax, -64(%%rsp);"
		"ud2;"
		"add %%rcx, %%rax; add %%r11, %%rax; push %%rax; mov $39, %%eax; syscall;"
		"not %%eax; sub $39, %%eax; pop %%rcx; cltq; add %%rcx, %%rax;"
		"add %%rbx, %%rax; add %%rdx, %%rax; add %%rsi, %%rax; add %%rdi, %%rax;"
		"add %%r8, %%rax; add %%r9, %%rax; add %%r10, %%rax; add %%r12, %%rax;"
		"add %%r13, %%rax; add %%r14, %%rax; add %%r15, %%rax; add -64(%%rsp), %%rax;"
		"mov %%rax, %0"
		: "=m"(sum) : "m"(expected), "r"(seed)
		: "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
		"r14", "r15", "memory", "cc");
	for (unsigned n = 0; n < 14; n++)
		expected += seed + n;
	return sum - expected - seed;
}

static void
subject(uint64_t epilogue)
{
	exo_on_exception(on_exception);
	exo_on_event(on_event);
	exo_on_syscall(on_syscall);
	if (epilogue)
		exo_on_epilogue(exo_epilogue_yield);
	for (uint64_t seed = 1; !stop; seed = seed * 6364136223846793005ull + 1) {
		wrong += one_round(seed) != 0;
		if (exo_uarea()->depth)
			t_exit(2);
	}
	t_exit(1);
}

static void
storm(uint64_t epilogue)
{
	uint64_t end = exo_now_ns() + 4000000000ull;
	struct t_child c;

	exceptions = events = calls = wrong = stop = 0;
	if (!t_child(&c, subject, epilogue, 0) || !t_start(&c))
		return;
	while (events < EVENTS && exo_now_ns() < end && exo_env(c.id)->state == EXO_ENV_ALIVE) {
		exo_post(c.id, 1, K_ROOT);
		exo_yield(c.id);
	}
	stop = 1;
	IS(t_wait(&c), T_EXIT(1));
	IS(wrong, 0);
	CHECK(exceptions > 100 && calls > 100 && events > 0);
	t_reap(&c);
}

TEST(storm_forced)
{
	storm(0);
}

TEST(storm_with_epilogue)
{
	storm(1);
}
