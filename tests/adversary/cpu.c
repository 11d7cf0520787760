/* SPDX-License-Identifier: ISC */
/*
 * Instructions that try to leave user mode, or leave it in a state that the
 * kernel does not expect: segments, GS, odd call numbers, iretq.
 */
#include "t.h"

static volatile uint64_t vector, error, gs_ok;

static void
note(struct exo_save *context)
{
	vector = context->vector;
	error = context->error;
	gs_ok = exo_uarea()->self == EXO_BOOT_UAREA;
	t_exit(0x9000 | context->vector);
}

/* ---- GS is the library's, but the kernel's own must survive what is done to it ---- */

static void
wild_gs(uint64_t base)
{
	exo_on_exception(note);
	if (!(exo_info()->features & EXO_FEAT_FSGSBASE))
		t_exit(0x9006);
	__asm__ volatile("wrgsbase %0; mov %1, %%eax; syscall; ud2" : : "r"(base), "i"(EXO_CALL)
			 : "rax", "rcx", "r11", "rdi", "rsi", "rdx", "r8", "r9", "r10", "memory");
}

static void
wild_gs_fault(uint64_t base)
{
	exo_on_exception(note);
	if (!(exo_info()->features & EXO_FEAT_FSGSBASE))
		t_exit(0x900e);
	__asm__ volatile("wrgsbase %0; mov %1, (%1)" : : "r"(base), "r"(T_NOTABLE) : "memory");
}

TEST(gs_base)
{
	static const uint64_t bases[] = { 0, 0x1000, EXO_INFO, 0xffff800000000000,
		0xffffffff80200000 };

	for (unsigned n = 0; n < sizeof(bases) / sizeof(bases[0]); n++) {
		gs_ok = 0;
		IS(t_run(wild_gs, bases[n]), T_EXIT(0x9006));
		IS(t_run(wild_gs_fault, bases[n]), T_EXIT(0x900e));
	}
}

static void
gs_selector(uint64_t selector)
{
	exo_on_exception(note);
	__asm__ volatile("mov %0, %%gs; ud2" : : "r"(selector));
}

static void
ds_selector(uint64_t selector)
{
	exo_on_exception(note);
	__asm__ volatile("mov %0, %%ds; mov %0, %%es; mov %1, %%eax; syscall; ud2"
			 : : "r"(selector), "i"(EXO_CALL)
			 : "rax", "rcx", "r11", "rdi", "rsi", "rdx", "r8", "r9", "r10", "memory");
}

/* It ran on to its ud2, or the load faulted; page faults: docs/design.md, "Far transfers". */
static bool
plain_fault(uint64_t reason)
{
	return reason == T_EXIT(0x9006) || reason == T_EXIT(0x900b) || reason == T_EXIT(0x900d) ||
		reason == T_EXIT(0x900e);
}

TEST(selectors)
{
	for (uint64_t selector = 0; selector < 0x80; selector += selector % 4 ? 1 : 3) {
		uint64_t reason = t_run(gs_selector, selector);

		if (!plain_fault(reason))
			t_fail("gs 0x%lx: 0x%lx", selector, reason);
		reason = t_run(ds_selector, selector);
		if (!plain_fault(reason))
			t_fail("ds 0x%lx: 0x%lx", selector, reason);
	}
}

/* ---- far jumps: into the kernel's segments, into 32-bit code that calls ---- */

static void
far_jump(uint64_t selector)
{
	struct { uint32_t offset; uint16_t selector; } __attribute__((packed)) to;

	exo_on_exception(note);
	__asm__ volatile("lea 1f(%%rip), %%rax; mov %%eax, %0" : "=m"(to.offset) : : "rax");
	to.selector = (uint16_t)selector;
	/* eax = EXO_CALL in either mode: b8 imm32; the bytes mean the same in 32-bit code */
	__asm__ volatile("ljmp *%0; 1: .byte 0xb8, 0, 0, 0, 0x40; syscall; ud2" : : "m"(to)
			 : "rax", "rcx", "r11", "rdi", "rsi", "rdx", "r8", "r9", "r10", "memory");
	t_exit(1);
}

TEST(far_jumps)
{
	for (uint64_t selector = 0; selector < 0x80; selector += selector % 4 ? 1 : 3) {
		uint64_t reason = t_run(far_jump, selector), which = reason >> 16;

		if ((reason & 0xffff) == EXO_DEAD_EXIT &&
			(which == 0x9006 || which == 0x900d || which == 0x900b || which == 0x900e))
			continue;
		if ((reason & 0xffff) != EXO_DEAD_NESTING && (reason & 0xffff) != EXO_DEAD_STATE)
			t_fail("selector 0x%lx: 0x%lx", selector, reason);
	}
}

/* ---- call numbers ---- */

static void
call_number(uint64_t rax)
{
	exo_on_exception(note);
	__asm__ volatile("syscall" : "+a"(rax)
				: : "rcx", "r11", "rdi", "rsi", "rdx", "r8", "r9", "r10", "memory");
	t_exit((int64_t)rax < 0 && (int64_t)rax > -100 ? (uint64_t)-(int64_t)rax : 0x7777);
}

TEST(call_numbers)
{
	IS(t_run(call_number, EXO_CALL | EXO_NR_CALLS), T_EXIT(EXO_ENOCALL));
	static const uint64_t reflected[] = { EXO_CALL + EXO_CALL_NUMBERS, EXO_CALL | 0x1000,
		EXO_CALL - 1, 0x7fffffff, 0x80000000, 0xc0000000, 0xffffffff, 1ull << 32,
		1ull << 32 | EXO_CALL, 1ull << 63 | EXO_CALL, ~0ull << 30, ~0ull };

	IS(t_run(call_number, EXO_CALL + EXO_CALL_NUMBERS - 1), T_EXIT(EXO_ENOCALL));
	for (unsigned i = 0; i < sizeof(reflected) / sizeof(reflected[0]); i++)
		IS(t_run(call_number, reflected[i]) & 0xffff, EXO_DEAD_NOENTRY);
}

/* The last instruction of user space is a call: the return address is the first that is not. */
static void
call_at_the_top(uint64_t arg)
{
	exo_on_exception(note);
	((void (*)(void))arg)();
	t_exit(1);
}

TEST(call_at_the_top)
{
	exo_pfn pfn = t_claim(1), tables;
	uint64_t page = EXO_USER_TOP - EXO_PAGE_BYTES;
	static const uint64_t levels[3] = { 3, 2, 1 };
	struct t_child c;

	IS(t_map(T_VA, pfn, EXO_MAP_WRITE), 1);
	*(volatile uint8_t *)(T_VA + 0xff9) = 0xb8;	/* mov $EXO_CALL, %eax; syscall */
	*(volatile uint32_t *)(T_VA + 0xffa) = EXO_CALL;
	*(volatile uint16_t *)(T_VA + 0xffe) = 0x050f;
	IS(t_unmap(T_VA), 1);
	if (!t_child(&c, call_at_the_top, page + 0xff9, 9))
		return;
	tables = exo_frame_find(0, 9);
	IS(exo_frame_claim_all(tables, 9, c.account, 0, K_ROOT, 0), 9);
	for (unsigned n = 0; n < 3; n++)
		exo_pt_install(c.id, page | levels[n] | EXO_PT_WRITE, tables + 3 * n,
			tables + 3 * n + 1, K_ROOT, 0);
	IS(t_map_op(c.id, page, pfn, EXO_OP_MAP | EXO_MAP_EXEC, K_ROOT, K_ROOT), 1);
	t_start(&c);
	IS(t_wait(&c), T_EXIT(0x900e));
	t_reap(&c);
	t_release(pfn, 1);
}

/* ---- iretq in user mode ----
 * On a processor it pops its frame with the user's rights.  QEMU's emulation
 * pops it with the kernel's: from the user's own stack that faults (SMAP), from
 * kernel memory it reads five words there (emulator.c: nothing of them comes out).
 * The library never uses it; what
 * this shows is that it ends in a fault of the program's, not of the kernel.
 */
static void
iretq_at(uint64_t rsp)
{
	exo_on_exception(note);
	__asm__ volatile("mov %0, %%rsp; iretq" : : "r"(rsp));
	__builtin_unreachable();
}

static uint64_t own_frame[8] __attribute__((aligned(64)));

TEST(iretq)
{
	static const uint64_t places[] = { 0xffff800000000000, 0xffff800000100000,
		0xffffffff80200000, 0xffffffff80100000, EXO_INFO, T_NOTABLE, 0x8000000000000000 };
	uint64_t reason;

	for (unsigned n = 0; n < sizeof(places) / sizeof(places[0]); n++) {
		reason = t_run(iretq_at, places[n]);
		t_say("iretq at 0x%lx: vector %lu error 0x%lx", places[n], (unsigned long)vector,
			(unsigned long)error);
		CHECK((reason & 0xffff) == EXO_DEAD_EXIT && reason >= T_EXIT(0x9000));
	}
	own_frame[0] = (uint64_t)t_exit;
	own_frame[1] = 8;			/* a kernel code segment, if there is one */
	own_frame[2] = 0x3202;
	own_frame[3] = (uint64_t)&own_frame[7];
	own_frame[4] = 16;
	reason = t_run(iretq_at, (uint64_t)own_frame);
	CHECK((reason & 0xffff) == EXO_DEAD_EXIT && reason >= T_EXIT(0x9000));
}

static void
sysenter(uint64_t arg)
{
	(void)arg;
	exo_on_exception(note);
	__asm__ volatile("sysenter" : : : "memory");
	t_exit(1);
}

TEST(sysenter)
{
	uint64_t reason = t_run(sysenter, 0);

	CHECK(reason == T_EXIT(0x900d) || reason == T_EXIT(0x9006));
}

/* Port instructions, with every way in: no bitmap lets one through. */
static void
ports(uint64_t port)
{
	exo_on_exception(note);
	__asm__ volatile("out %%al, %%dx" : : "d"(port), "a"(0));
	t_exit(1);
}

TEST(port_instructions)
{
	IS(t_run(ports, 0xf4), T_EXIT(0x900d));
	IS(t_run(ports, 0x3f8), T_EXIT(0x900d));
	IS(t_run(ports, 0xcf8), T_EXIT(0x900d));
	IS(t_run(ports, 0xffff), T_EXIT(0x900d));
	IS(t_run(ports, 0), T_EXIT(0x900d));
}
