/* SPDX-License-Identifier: ISC */
/*
 * What QEMU's emulation lets programs do, and processors do not.
 *
 * Far transfers access the stack with the kernel's rights.  A program aims
 * its stack pointer at a frame's kernel alias: nothing is written there, and
 * what lies there makes no difference that the program can see.
 */
#include "t.h"

#define DIRECT_MAP 0xffff800000000000ull

static volatile uint64_t vector, error, addr;

static void
note(struct exo_save *context)
{
	vector = context->vector;
	error = context->error;
	addr = context->addr;
	t_exit(0x9000 | context->vector);
}

static uint16_t
own_cs(void)
{
	uint64_t cs;

	__asm__ volatile("mov %%cs, %0" : "=r"(cs));
	return (uint16_t)cs;
}

static struct { uint64_t offset; uint16_t selector; } __attribute__((packed)) far_to;

/* A far call pushes two words below rsp: with the kernel's rights, an entry of any page table. */
static void
far_call_at(uint64_t rsp)
{
	exo_on_exception(note);
	far_to.selector = own_cs();
	__asm__ volatile("lea 1f(%%rip), %%rax; mov %%rax, (%0); mov %%rsp, %%rbx; mov %1, %%rsp;"
			 "rex.w lcall *(%0); 1: mov %%rbx, %%rsp"
			 : : "r"(&far_to), "r"(rsp) : "rax", "rbx", "memory");
	t_exit(1);
}

static void
far_return_at(uint64_t rsp)
{
	exo_on_exception(note);
	__asm__ volatile("mov %0, %%rsp; rex.w lret" : : "r"(rsp));
	__builtin_unreachable();
}

static void
iretq_at(uint64_t rsp)
{
	exo_on_exception(note);
	__asm__ volatile("mov %0, %%rsp; iretq" : : "r"(rsp));
	__builtin_unreachable();
}

TEST(far_call)
{
	exo_pfn pfn = t_claim(1);
	uint64_t alias = DIRECT_MAP + pfn * EXO_PAGE_BYTES, reason;
	const volatile uint64_t *word = (const volatile uint64_t *)T_VA;

	IS(t_map(T_VA, pfn, EXO_MAP_WRITE), 1);
	reason = t_run(far_call_at, alias + 16);
	CHECK((reason & 0xffff) == EXO_DEAD_EXIT && reason >= T_EXIT(0x9000));
	IS(word[0] | word[1], 0);
	IS(t_unmap(T_VA), 1);
	t_release(pfn, 1);
}

/* A frame as a far return would pop it, with this selector: what does the program learn of it? */
static void
learns_nothing(void (*fn)(uint64_t), exo_pfn pfn, uint64_t selector)
{
	volatile uint64_t *frame = (volatile uint64_t *)T_VA;
	uint64_t reason;

	frame[0] = 0x400000;
	frame[1] = selector;
	frame[2] = 0x202;
	frame[3] = 0x400000;
	frame[4] = 0x2b;
	reason = t_run(fn, DIRECT_MAP + pfn * EXO_PAGE_BYTES);
	if (reason != T_EXIT(0x900d) || error != 0 || addr != 0)
		t_fail("selector 0x%lx: 0x%lx error 0x%lx address 0x%lx", selector, reason,
			(unsigned long)error, (unsigned long)addr);
}

TEST(far_returns)
{
	static const uint64_t words[] = { 0, 4, 0x08, 0x13, 0x18, 0x20, 0x38, 0x1230, 0xabcc,
		0xfffc };
	exo_pfn pfn = t_claim(1);

	IS(t_map(T_VA, pfn, EXO_MAP_WRITE), 1);
	for (unsigned n = 0; n < sizeof(words) / sizeof(words[0]); n++) {
		learns_nothing(far_return_at, pfn, words[n]);
		learns_nothing(iretq_at, pfn, words[n]);
	}
	IS(t_unmap(T_VA), 1);
	t_release(pfn, 1);
}

/* A whole frame that is right in all but whose memory it lies in: no program runs on from it. */
TEST(far_returns_to_itself)
{
	exo_pfn pfn = t_claim(1);
	volatile uint64_t *frame = (volatile uint64_t *)T_VA;

	IS(t_map(T_VA, pfn, EXO_MAP_WRITE), 1);
	frame[0] = (uint64_t)t_exit;
	frame[1] = own_cs();
	frame[2] = 0x202;
	frame[3] = T_VA + 0x800;
	frame[4] = 0x2b;
	CHECK(t_run(far_return_at, DIRECT_MAP + pfn * EXO_PAGE_BYTES) >= T_EXIT(0x9000));
	CHECK(t_run(iretq_at, DIRECT_MAP + pfn * EXO_PAGE_BYTES) >= T_EXIT(0x9000));
	IS(t_unmap(T_VA), 1);
	t_release(pfn, 1);
}

/* A hidden page is one of the kernel's to the hardware, though it is the program's own: no stack either. */
TEST(hidden_stack)
{
	exo_pfn pfn = t_claim(1);
	volatile uint64_t *word = (volatile uint64_t *)T_VA;
	void (*const how[])(uint64_t) = { far_call_at, far_return_at, iretq_at };
	struct t_child c;

	IS(t_map(T_VA, pfn, EXO_MAP_WRITE), 1);
	word[2] = (uint64_t)t_exit;
	word[3] = own_cs();
	for (unsigned n = 0; n < 3; n++) {
		if (!t_child(&c, how[n], T_VA + 16, 0))
			return;
		IS(t_map_op(c.id, T_VA, pfn, EXO_OP_MAP | EXO_MAP_HIDDEN, K_ROOT, K_ROOT), 1);
		t_start(&c);
		CHECK(t_wait(&c) >= T_EXIT(0x9000));
		IS(word[0] | word[1], 0);
		t_reap(&c);
	}
	IS(t_unmap(T_VA), 1);
	t_release(pfn, 1);
}

/* ---- xrstor does not ask CR0.TS ---- */

static struct { uint8_t bytes[24]; uint32_t mxcsr; uint8_t more[4096 - 28]; } area
	__attribute__((aligned(64)));
static volatile uint64_t found;

static void
loads_state(uint64_t mxcsr)
{
	exo_on_exception(note);
	area.mxcsr = (uint32_t)mxcsr;
	area.more[512 - 28] = 2;		/* XSTATE_BV: SSE, so that MXCSR is taken from here */
	__asm__ volatile("xrstor64 %0" : : "m"(area), "a"(7), "d"(0) : "memory");
	t_exit(1);
}

static void
looks_at_state(uint64_t arg)
{
	uint32_t mxcsr;

	(void)arg;
	__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
	found = mxcsr;
	t_exit(1);
}

TEST(vectors_behind_the_trap)
{
	if (!(exo_info()->features & EXO_FEAT_XSAVE))
		return;
	t_run(loads_state, 0xffc0);
	IS(t_run(looks_at_state, 0), T_EXIT(1));
	IS(found, 0x1f80);
}
