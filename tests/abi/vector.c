/* SPDX-License-Identifier: ISC */
/*
 * Vector registers: each environment's own, kept over switches and transfers,
 * clean for whoever comes new, seen by nobody else; also not by xsave, which
 * the emulator runs without asking CR0.TS.
 */
#include "t.h"

#define SECRET 0x5ec2e75ec2e75ec2ull
#define ROUNDS 20

static uint8_t area[4096] __attribute__((aligned(64)));

static void
xmm9_set(uint64_t value)
{
	__asm__ volatile("movq %0, %%xmm9; punpcklqdq %%xmm9, %%xmm9" : : "r"(value));
}

static uint64_t
xmm9(void)
{
	uint64_t value;

	__asm__ volatile("movq %%xmm9, %0" : "=r"(value));
	return value;
}

/* XMM9 as xsave (or fxsave) finds it, without a vector instruction before. */
static uint64_t
xmm9_saved(void)
{
	uint64_t *word = (uint64_t *)(area + 160 + 9 * 16);

	for (unsigned i = 0; i < sizeof(area) / 8; i++)
		((volatile uint64_t *)area)[i] = 0;
	if (exo_info()->features & EXO_FEAT_XSAVE)
		__asm__ volatile("xsave64 (%0)" : : "r"(area), "a"(7), "d"(0) : "memory");
	else
		__asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
	return *word;
}

static void
keeper(uint64_t other)
{
	xmm9_set(SECRET);
	for (unsigned i = 0; i < ROUNDS; i++) {
		exo_yield(other);
		if (xmm9_saved() != SECRET || xmm9() != SECRET)
			t_exit(1);
	}
	t_exit(0);
}

static void
thief(uint64_t arg)
{
	(void)arg;
	for (unsigned i = 0; i < 2 * ROUNDS; i++) {
		if (xmm9_saved() == SECRET)
			t_exit(1);
		exo_yield(0);
	}
	t_exit(xmm9() == 0 ? 0 : 2);
}

TEST(vector_state_is_private)
{
	struct t_child a, b;

	if (t_child(&b, thief, 0, 0) && t_child(&a, keeper, b.id, 0) && t_start(&a) &&
		t_start(&b)) {
		IS(t_wait(&a), T_EXIT(0));
		IS(t_wait(&b), T_EXIT(0));
	}
	t_reap(&a);
	t_reap(&b);
}

/* Both have used them: state goes straight from one to the other, which is the kernel's short way. */
TEST(yields_to_each_other_keep_it)
{
	struct t_child c;

	if (t_child(&c, keeper, exo_self(), 0) && t_start(&c)) {
		for (unsigned i = 0; i < 2 * ROUNDS; i++) {
			xmm9_set(~SECRET - i);
			exo_yield(c.id);
			IS(xmm9_saved(), ~SECRET - i);
			IS(xmm9(), ~SECRET - i);
		}
		IS(t_wait(&c), T_EXIT(0));
	}
	t_reap(&c);
}

/* The callee's registers are clean, whatever the caller held; the caller's come back. */
static void
serve(exo_envid caller, struct exo_msg *message)
{
	(void)caller;
	message->rsi = xmm9_saved();
	if (message->rdx)
		xmm9_set(message->rdx);
	message->r8 = message->rdx ? xmm9() : 0;
}

static void
callee(uint64_t arg)
{
	(void)arg;
	exo_on_call(serve);
	exo_uarea()->gate = 1;
	for (;;)
		exo_wait_for(NULL, 0, 0, 0);
}

TEST(no_channel_in_a_transfer)
{
	struct t_child c;

	if (t_child(&c, callee, 0, 16) && t_start(&c)) {
		exo_yield(c.id);
		for (unsigned i = 0; i < ROUNDS; i++) {
			struct exo_msg m = { .rsi = 1, .rdx = 0 };

			xmm9_set(SECRET + i);
			OK(exo_call(c.id, &m, 0));
			IS(m.rsi, 0);
			IS(xmm9(), SECRET + i);
		}
		struct exo_msg m = { .rdx = 77 };

		OK(exo_call(c.id, &m, 0));
		IS(m.r8, 77);
		IS(xmm9_saved(), SECRET + ROUNDS - 1);
		m.rdx = 0;
		OK(exo_call(c.id, &m, 0));
		IS(m.rsi, 77);
	}
	t_reap(&c);
}

/* What the dead leave in the registers is gone, too. */
static void
dies_with_it(uint64_t arg)
{
	(void)arg;
	xmm9_set(SECRET);
	t_exit(0);
}

TEST(the_dead_leave_nothing)
{
	IS(t_run(dies_with_it, 0), T_EXIT(0));
	IS(t_run(thief, 0), T_EXIT(0));
}
