/* SPDX-License-Identifier: ISC */
/* Exceptions, reflected system calls, events, the resume sequence and its window. */
#include "t.h"

static volatile uint64_t count, last_vector, last_error, last_addr;
static struct exo_save seen;

static void
die_on(struct exo_save *context)
{
	t_exit(0x8000 | context->vector);
}

/* Every register survives an exception and its resumption; the handler may change them. */
static void
skip_ud2(struct exo_save *context)
{
	seen = *context;
	count++;
	context->rip += 2;
	context->rax += 1;
	context->r15 += 1;
}

static void
all_registers(uint64_t arg)
{
	uint64_t sum, flags, r15, red_zone;

	(void)arg;
	exo_on_exception(skip_ud2);
	count = 0;
	__asm__ volatile(
		"movq $0x77, -8(%%rsp); movq $0x78, -128(%%rsp);"
		"mov $1, %%eax; mov $2, %%ebx; mov $3, %%ecx; mov $4, %%edx; mov $5, %%esi;"
		"mov $6, %%edi; mov $8, %%r8d; mov $9, %%r9d; mov $10, %%r10d; mov $11, %%r11d;"
		"mov $12, %%r12d; mov $13, %%r13d; mov $14, %%r14d; mov $15, %%r15d;"
		"stc; std; ud2; pushfq; cld;"
		"add %%rbx, %%rax; add %%rcx, %%rax; add %%rdx, %%rax; add %%rsi, %%rax;"
		"add %%rdi, %%rax; add %%r8, %%rax; add %%r9, %%rax; add %%r10, %%rax;"
		"add %%r11, %%rax; add %%r12, %%rax; add %%r13, %%rax; add %%r14, %%rax;"
		"pop %%rcx; mov -128(%%rsp), %%rdx; mov %%r15, %%rbx"
		: "=a"(sum), "=c"(flags), "=d"(red_zone), "=b"(r15)
		:
		: "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory",
		"cc");
	if (sum != 1 + 1 + 2 + 3 + 4 + 5 + 6 + 8 + 9 + 10 + 11 + 12 + 13 + 14)
		t_exit(1);
	if (!(flags & 1) || !(flags & 0x400))
		t_exit(2);
	if (red_zone != 0x78 || r15 != 16)
		t_exit(3);
	if (seen.vector != 6 || seen.rax != 1 || seen.rbx != 2 || seen.r14 != 14 || count != 1)
		t_exit(4);
	if (exo_uarea()->depth || exo_uarea()->critical)
		t_exit(5);
	t_exit(0);
}

TEST(registers_survive)
{
	IS(t_run(all_registers, 0), T_EXIT(0));
}

/* The trap flag in a context that is resumed: one instruction of it, then a debug exception behind. */
#define FLAG_TF 0x100ull

extern const char step_begin[], step_end[];
static volatile uint64_t step_at[8];

static void
step_on(struct exo_save *context)
{
	if (context->vector == 6) {
		context->rip += 2;
		context->rflags |= FLAG_TF;
		return;
	}
	last_vector = context->vector;
	if (count < 8)
		step_at[count++] = context->rip - (uint64_t)step_begin;
	if (context->rip >= (uint64_t)step_end)
		context->rflags &= ~FLAG_TF;
}

static void
steps(uint64_t arg)
{
	uint64_t sum;

	(void)arg;
	exo_on_exception(step_on);
	count = 0;
	__asm__ volatile("ud2\n.global step_begin; step_begin:\n"
			 "xor %%eax, %%eax; add $3, %%rax; push %%rax; pop %%rcx\n"
			 ".global step_end; step_end: add %%rcx, %%rax"
			 : "=a"(sum)
			 :
			 : "rcx", "cc", "memory");
	if (sum != 6 || last_vector != 1 || count != 4)
		t_exit(1);
	if (step_at[0] != 2 || step_at[1] != 6 || step_at[2] != 7 || step_at[3] != 8)
		t_exit(2);
	t_exit(0);
}

TEST(stepping)
{
	IS(t_run(steps, 0), T_EXIT(0));
}

/* A window over the program's own code, and a slot that lies about what is resumed. */
extern const char lie_begin[], lie_end[], lie_target[];

static void
lie_caught(struct exo_save *context)
{
	if (context->vector != 1)
		t_exit(0x8000 | context->vector);
	/* resumed there, with flags that a program may have, and one step further */
	if (context->rip == (uint64_t)lie_target + 1)
		t_exit(context->rflags & 0x23000 || !(context->rflags & 0x200) ? 3 : 1);
	t_exit(2);
}

static void
step_lies(uint64_t rip)
{
	volatile struct exo_uarea *ua = exo_uarea();

	exo_on_exception(lie_caught);
	ua->window_begin = (uint64_t)lie_begin;
	ua->window_end = (uint64_t)lie_end;
	__asm__ volatile("mov %%rsp, %0" : "=r"(ua->save[0].rsp));
	ua->save[0].rflags = ~0ull;
	ua->save[0].rip = rip == 1 ? (uint64_t)lie_target : rip;
	__asm__ volatile("pushf; orq $0x100, (%%rsp); popf\n"
			 ".global lie_begin; lie_begin: nop; nop; nop\n"
			 ".global lie_end; lie_end: nop; ud2\n"
			 ".global lie_target; lie_target: nop; nop; ud2"
					::: "cc", "memory");
}

TEST(step_lies)
{
	IS(t_run(step_lies, 1), T_EXIT(1));
	IS(t_run(step_lies, 0x8000000000000000ull), T_EXIT(2));
	IS(t_run(step_lies, 0xffffffff80000000ull), T_EXIT(2));
	IS(t_run(step_lies, EXO_USER_TOP), T_EXIT(2));
	IS(t_run(step_lies, 0), T_EXIT(2));
}

static void
page_fault_handler(struct exo_save *context)
{
	last_vector = context->vector;
	last_error = context->error;
	last_addr = context->addr;
	context->rip = context->rbx;
}

static void
page_fault(uint64_t va)
{
	exo_on_exception(page_fault_handler);
	last_vector = 0;
	__asm__ volatile("lea 1f(%%rip), %%rbx; movq $1, (%0); 1:" : : "r"(va) : "rbx", "memory");
	t_exit(last_vector);
}

TEST(page_fault)
{
	uint64_t faults;

	IS(t_run(page_fault, 0x123456789000), T_EXIT(14));
	IS(last_addr, 0x123456789000);
	IS(last_error, 6);
	IS(t_run(page_fault, EXO_INFO + 8), T_EXIT(14));
	IS(last_addr, EXO_INFO + 8);
	IS(last_error, 7);
	IS(t_run(page_fault, 0xffff800000000000), T_EXIT(14));
	IS(last_addr, 0xffff800000000000);
	IS(t_run(page_fault, 0x8000000000000000), T_EXIT(13));
	faults = exo_env(exo_self())->faults;
	t_read(T_VA, NULL);
	IS(exo_env(exo_self())->faults, faults + 1);
}

static void
every_exception(uint64_t which)
{
	exo_on_exception(die_on);
	if (which == 0)
		__asm__ volatile("xor %%eax, %%eax; cqo; div %%rax" : : : "rax", "rdx");
	else if (which == 1)
		__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq; nop" : : : "memory");
	else if (which == 3)
		__asm__ volatile("int3");
	else if (which == 5)
		__asm__ volatile("hlt");
	else if (which == 6)
		__asm__ volatile("ud2");
	else if (which == 7)
		__asm__ volatile("int $0x80");
	else if (which == 8)
		__asm__ volatile("cli");
	else if (which == 9)
		__asm__ volatile("in $0x64, %%al" : : : "rax");
	else if (which == 10)
		__asm__ volatile("mov %%rax, %%cr3" : : : "memory");
	else if (which == 11)
		__asm__ volatile("wrmsr");
	else if (which == 12)
		__asm__ volatile("int $32");
	else if (which == 13)
		__asm__ volatile("swapgs");
	else if (which == 14)
		__asm__ volatile("sysretq");
	t_exit(0);
}

TEST(exceptions)
{
	static const struct { uint8_t which, vector; } cases[] = {
		{ 0, 0 }, { 1, 1 }, { 5, 13 }, { 6, 6 }, { 8, 13 }, { 9, 13 }, { 10, 13 },
		{ 11, 13 }, { 7, 13 }, { 12, 13 }, { 3, 13 }, { 13, 13 },
	};

	for (unsigned n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
		uint64_t reason = t_run(every_exception, cases[n].which);

		/* int3 is either delivered as what it is or refused: gates are not the user's */
		if (cases[n].which == 3 && reason == T_EXIT(0x8003))
			continue;
		if (reason != T_EXIT(0x8000u | cases[n].vector))
			t_fail("case %u: reason 0x%lx", cases[n].which, reason);
	}
}

static void
no_handler(uint64_t arg)
{
	(void)arg;
	__asm__ volatile("ud2");
}

TEST(no_entry)
{
	IS(t_run(no_handler, 0), EXO_DEAD_NOENTRY | 6 << 16);
}

static void
faulting_handler(struct exo_save *context)
{
	(void)context;
	count++;
	__asm__ volatile("ud2");
}

static void
nests(uint64_t arg)
{
	(void)arg;
	count = 0;
	exo_on_exception(faulting_handler);
	__asm__ volatile("ud2");
}

TEST(nesting_overflow)
{
	IS(t_run(nests, 0), EXO_DEAD_NESTING | 6 << 16);
	IS(count, EXO_SAVE_SLOTS);
}

static void
nested_handler(struct exo_save *context)
{
	uint64_t depth = exo_uarea()->depth;

	count++;
	if (depth < EXO_SAVE_SLOTS)
		__asm__ volatile("ud2");
	if (exo_uarea()->depth != depth)
		t_exit(9);
	context->rip += 2;
}

static void
nests_and_returns(uint64_t arg)
{
	(void)arg;
	count = 0;
	exo_on_exception(nested_handler);
	for (unsigned round = 0; round < 100; round++)
		__asm__ volatile("ud2");
	t_exit(count == 100 * EXO_SAVE_SLOTS && exo_uarea()->depth == 0);
}

TEST(nesting)
{
	IS(t_run(nests_and_returns, 0), T_EXIT(1));
}

/* ---- reflected system calls ---- */

static void
on_syscall(struct exo_sysframe *frame)
{
	if (frame->rax != 39 || frame->rdi != 1 || frame->rsi != 2 || frame->rdx != 3 ||
		frame->r10 != 4 || frame->r8 != 5 || frame->r9 != 6 || !exo_uarea()->critical)
		t_exit(50);
	count++;
	frame->rax = 1234;
}

static void
linux_call(uint64_t arg)
{
	uint64_t result, rbx, r15, rcx, here;
	register uint64_t r10 __asm__("r10");
	register uint64_t r8 __asm__("r8");
	register uint64_t r9 __asm__("r9");

	(void)arg;
	count = 0;
	exo_on_syscall(on_syscall);
	r10 = 4;
	r8 = 5;
	r9 = 6;
	__asm__ volatile("mov $7, %%ebx; mov $8, %%r15d; movq $99, -120(%%rsp); syscall;"
			 "1: mov %%rbx, %1; mov %%r15, %2; lea 1b(%%rip), %4;"
			 "cmpq $99, -120(%%rsp); je 2f; xor %1, %1; 2:"
			 : "=&a"(result), "=&d"(rbx), "=&S"(r15), "=&c"(rcx), "=&D"(here),
			 "+r"(r10), "+r"(r8), "+r"(r9)
			 : "0"(39), "4"(1), "2"(2), "1"(3)
			 : "rbx", "r15", "r11", "memory", "cc");
	if (result != 1234 || rbx != 7 || r15 != 8 || rcx != here)
		t_exit(2);
	if (exo_uarea()->critical || count != 1)
		t_exit(3);
	t_exit(0);
}

TEST(reflected_call)
{
	IS(t_run(linux_call, 0), T_EXIT(0));
}

static void
linux_call_unheard(uint64_t arg)
{
	uint64_t result;

	__asm__ volatile("syscall" : "=a"(result) : "0"(arg) : "rcx", "r11", "memory");
	t_exit(result);
}

TEST(reflected_call_without_entry)
{
	uint64_t reason = t_run(linux_call_unheard, 39);

	IS(reason & 0xffff, EXO_DEAD_NOENTRY);
}

/* ---- events ---- */

static volatile uint64_t bits, ready;

static void
on_event(struct exo_save *context)
{
	(void)context;
	bits |= exo_posted();
	count++;
}

static void
hears_events(uint64_t arg)
{
	uint32_t critical;

	(void)arg;
	count = bits = 0;
	exo_on_event(on_event);
	exo_post(exo_self(), 5, 0);
	if (count != 1 || bits != 5 || exo_uarea()->depth)
		t_exit(1);
	critical = exo_critical_enter();
	exo_post(exo_self(), 8, 0);
	exo_post(exo_self(), 16, 0);
	if (count != 1 || !(exo_uarea()->pending & 1u << EXO_ENTRY_EVENT))
		t_exit(2);
	exo_critical_leave(critical);
	if (count != 2 || bits != 29)
		t_exit(3);
	t_exit(0);
}

TEST(events)
{
	IS(t_run(hears_events, 0), T_EXIT(0));
}

static void
posts_in_handler(struct exo_save *context)
{
	context->rip += 2;
	exo_post(exo_self(), 32, 0);
	if (count)
		t_exit(7);		/* critical: not now */
}

static void
event_after_exception(uint64_t arg)
{
	(void)arg;
	count = bits = 0;
	exo_on_event(on_event);
	exo_on_exception(posts_in_handler);
	__asm__ volatile("ud2");
	t_exit(count == 1 && bits == 32 && !exo_uarea()->depth && !exo_uarea()->critical &&
		!exo_uarea()->pending);
}

/* What became pending in a handler is served inside the resume window, before the program goes on. */
TEST(pending_at_resume)
{
	IS(t_run(event_after_exception, 0), T_EXIT(1));
}

static void
waits_for_event(uint64_t arg)
{
	exo_pfn uarea = arg;
	struct exo_term term = { .where = uarea * EXO_PAGE_BYTES + 32, .mask = ~0ull, .cmp = EXO_NE,
					.tag = 3 };
	int64_t woke;

	term.key = 0;
	ready = 1;
	woke = exo_wait_for(&term, 1, 0, 0);
	if (woke != (int64_t)(EXO_WOKE_TAG | 3) && woke != 3)
		t_exit((uint64_t)-woke);
	t_exit(0x100 | exo_posted());
}

TEST(post_wakes_a_waiter)
{
	struct t_child c;

	if (!t_child(&c, waits_for_event, 0, 0))
		return;
	t_reap(&c);
	/* the argument is a frame number that is known only afterwards: the same run again */
	ready = 0;
	exo_pfn uarea = c.base + C_UAREA;

	if (!t_child(&c, waits_for_event, uarea, 0) || !IS(c.base + C_UAREA, uarea) || !t_start(&c))
		return;
	t_until(&ready, EXO_EQ, 1);
	t_settle(c.id);
	ERR(exo_post(c.id, 2, K_NONE), KEY);
	ERR(exo_post(c.id, 2, K_NOTHING), RIGHTS);
	ERR(exo_post(c.id, 2, K_CONTROL), RIGHTS);
	ERR(exo_post(c.id + 0x10000, 2, K_ROOT), STALE);
	OK(exo_post(c.id, 1, K_POST));
	IS(t_wait(&c), T_EXIT(0x101));
	ERR(exo_post(c.id, 2, K_ROOT), DEAD);
	t_reap(&c);
}
