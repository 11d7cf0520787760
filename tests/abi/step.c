/* SPDX-License-Identifier: ISC */
/*
 * A page, or the table that binds it, is asked for and taken behind each
 * instruction of a path through the library, which is stepped by the trap flag:
 * the path ends as if nothing had been, the loss is told once, and what was
 * there is where the vector says, or a fresh page takes its place.
 */
#include "arbiter.h"

#define FLAG_TF 0x100ull
#define STEPS_MAX 3000u			/* more is a context that gets nowhere */
#define VECTOR ((volatile struct exo_vector *)T_VA)
#define LOOK_VA (T_VA + EXO_PAGE_BYTES)
#define DATA_VA T_VA_END		/* behind a page table of its own */
#define DATA ((volatile uint64_t *)DATA_VA)
#define MARK 0x5ec4e7u
#define CODE_VA (DATA_VA + 64)		/* in the same page: so code goes, too, and what is a stack */
#define STACK_VA (DATA_VA + EXO_PAGE_BYTES)

static volatile bool stepping, step_handler, taken;
static volatile unsigned steps, take_at, backs;
static bool of_tables;			/* the table is what is taken */
static exo_pfn page, other, table;

/* ---- the page goes, and comes back -------------------------------------------------------- */

static exo_pfn
victim(void)
{
	return of_tables ? table : page;
}

/* Parked in the handler meanwhile. */
static void
goes(void)
{
	uint64_t deadline;

	OK(ASK_SOON(deadline, exo_repossess(victim(), deadline, K_ROOT)));
	wait_until(deadline);
	IS(exo_repossess_take(victim(), K_ROOT), 1);
	taken = true;
}

extern const char code_begin[], code_end[];

static void
page_map(void)
{
	IS(t_map(DATA_VA, page, EXO_MAP_WRITE | EXO_MAP_EXEC), 1);
	__builtin_memcpy((void *)CODE_VA, code_begin, (size_t)(code_end - code_begin));
}

static void
table_install(void)
{
	table = t_claim(3);
	OK(exo_pt_install(exo_self(), DATA_VA | 1 | EXO_PT_WRITE, table, table + 1, 0, 0));
}

/* What was kept of the table is its entries. */
static void
table_back(exo_pfn saved)
{
	if (saved) {
		IS(t_map(LOOK_VA, saved, 0), 1);
		IS(EXO_PTE_PFN(*(volatile uint64_t *)LOOK_VA), page);
		IS(t_unmap(LOOK_VA), 1);
		t_release(saved, 1);
	}
	table_install();
}

static void
back(uint64_t addr)
{
	volatile const struct exo_loss *loss = &VECTOR->loss[(VECTOR->lost - 1) % EXO_LOSSES];

	CHECK(taken && addr / EXO_PAGE_BYTES == DATA_VA / EXO_PAGE_BYTES);
	IS(loss->pfn, victim());
	IS(loss->va, DATA_VA);
	if (of_tables)
		table_back(loss->saved);
	else
		page = loss->saved ? loss->saved : t_claim(1);
	page_map();
	backs++;
}

/* ---- stepping ----------------------------------------------------------------------------- */

static void
step(struct exo_save *context)
{
	if (!stepping || steps >= STEPS_MAX) {
		context->rflags &= ~FLAG_TF;
		return;
	}
	if (steps++ == take_at)
		goes();
}

/* ud2: from here on.  Or this handler itself, and how it resumes. */
static void
on_exception(struct exo_save *context)
{
	switch (context->vector) {
	case 1:
		step(context);
		return;
	case 6:
		context->rip += 2;
		if (!step_handler)
			context->rflags |= FLAG_TF;
		else
			__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq" ::: "cc", "memory");
		return;
	case 14:
		if (!t_failed() && backs == 0) {
			back(context->addr);
			return;
		}
	}
	t_fail("exception %u at 0x%lx, address 0x%lx, step %u of %u", context->vector,
		context->rip, context->addr, steps, take_at);
	exo_machine_off(1, K_ROOT);
}

#define STEP() __asm__ volatile("ud2" ::: "memory")

/* ---- paths: each adds to the page three times ---------------------------------------------- */

static void
path_map(void)
{
	DATA[0]++;
	IS(t_map(LOOK_VA, other, 0), 1);
	DATA[0]++;
	IS(t_unmap(LOOK_VA), 1);
	DATA[0]++;
}

/* What waited is served at the end of the critical section, and stepped there. */
static void
path_critical(void)
{
	uint32_t before = exo_critical_enter();

	DATA[0]++;
	IS(exo_uarea()->critical, 1);
	DATA[0]++;
	exo_critical_leave(before);
	DATA[0]++;
}

/* Who parks comes back by the prologue, with the trap flag clear. */
static void
path_yield(void)
{
	DATA[0]++;
	exo_yield(0);
	STEP();
	DATA[0]++;
	exo_wait_for(NULL, 0, exo_now_ns() + 1, 0);
	STEP();
	DATA[0]++;
}

static void
path_exception(void)
{
	DATA[0]++;
	STEP();
	DATA[0]++;
	STEP();
	DATA[0]++;
}

static void
on_syscall(struct exo_sysframe *frame)
{
	DATA[0]++;
	frame->rax += 1;
}

/* A reflected call keeps the flags: the library is stepped, too. */
static void
path_reflected(void)
{
	uint64_t rax = 4710;

	DATA[0]++;
	__asm__ volatile("syscall" : "+a"(rax) : : "rcx", "r11", "memory");
	IS(rax, 4711);
	DATA[0]++;
}

/* The page is the code itself ... */
__asm__(".pushsection .rodata; .global code_begin, code_end; code_begin:\n"
	"push %rbx; push %rbp; push %rax; mov %rdi, %rbx; mov %rsi, %rbp\n"
	"incq (%rbx); xor %edi, %edi; call *%rbp; ud2\n"
	"incq (%rbx); xor %edi, %edi; call *%rbp; ud2\n"
	"incq (%rbx); pop %rax; pop %rbp; pop %rbx; ret\n"
	"code_end: .popsection");

static void
path_code(void)
{
	((void (*)(volatile uint64_t *, int64_t (*)(exo_envid)))CODE_VA)(DATA, exo_yield);
}

/* ... or its stack, on which it is parked, too. */
static void
path_stack(void)
{
	__asm__ volatile("mov %%rsp, %%rbx; mov %[stack], %%rsp\n"
			 "mov %[data], %%r12; mov %[yield], %%r13\n"
			 "incq (%%r12); xor %%edi, %%edi; call *%%r13; ud2\n"
			 "incq (%%r12); xor %%edi, %%edi; call *%%r13; ud2\n"
			 "incq (%%r12); mov %%rbx, %%rsp"
			 :
			 : [stack] "r"(STACK_VA), [data] "r"(DATA), [yield] "r"(exo_yield)
			 : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11",
			 "r12", "r13", "memory", "cc");
}

/* ---- rounds -------------------------------------------------------------------------------- */

static void
walk(void (*path)(void))
{
	steps = told = backs = 0;
	taken = false;
	stepping = true;
	STEP();
	path();
	stepping = false;
	__asm__ volatile("nop; nop" ::: "memory");
}

static void
check_round(bool spare, uint64_t asked, uint64_t lost, uint64_t recorded)
{
	const volatile struct exo_loss *loss = &VECTOR->loss[recorded % EXO_LOSSES];
	uint64_t added = DATA[0], mark = DATA[1];

	CHECK(steps < STEPS_MAX);
	CHECK(told >= 1 && told <= 2);
	IS(backs, 1);
	IS(revocation()->asked, asked + 1);
	IS(revocation()->lost, lost + 1);
	IS(VECTOR->lost, recorded + 1);
	IS(loss->how, spare ? EXO_LOSS_SAVED : EXO_LOSS_GONE);
	IS(loss->kind, of_tables ? EXO_FRAME_PT1 : EXO_FRAME_DATA);
	IS(mark, spare || of_tables ? MARK : 0);
	CHECK(spare || of_tables ? added == 3 : added <= 3);
	IS(exo_uarea()->depth, 0);
	IS(exo_uarea()->critical, 0);
	IS(exo_uarea()->pending, 0);
}

/* False: the path was over before it came to that step. */
static bool
round_at(void (*path)(void), unsigned at, bool with_spare)
{
	uint64_t asked = revocation()->asked, lost = revocation()->lost, recorded = VECTOR->lost;
	exo_pfn spare = with_spare ? t_claim(1) : 0;

	if (with_spare) {
		VECTOR->spare[VECTOR->named % EXO_SPARES] = spare;
		VECTOR->named++;
	}
	DATA[0] = 0;
	DATA[1] = MARK;
	take_at = at;
	walk(path);
	if (taken) {
		check_round(with_spare, asked, lost, recorded);
	} else {
		IS(DATA[0], 3);
		IS(told, 0);
		if (with_spare) {
			VECTOR->named--;
			t_release(spare, 1);
		}
	}
	if (t_failed())
		t_fail("step %u of %u", at, steps);
	return taken && !t_failed();
}

static void
at_every_step(void (*path)(void), bool handler, unsigned spare)
{
	exo_upcall_fn *before = exo_lib()->exception;
	exo_pfn vector = t_claim(1);
	unsigned at;

	page = t_claim(1);
	other = t_claim(1);
	table_install();
	step_handler = handler;
	OK(exo_account_watch(ROOT_ACCOUNT, exo_self(), K_ROOT, 0));
	OK(exo_account_vector(ROOT_ACCOUNT, vector, K_ROOT));
	IS(t_map(T_VA, vector, EXO_MAP_WRITE), 1);
	page_map();
	exo_on_exception(on_exception);
	exo_on_revoke(on_revoke);
	for (; spare < 4; spare++) {
		of_tables = spare >= 2;
		for (at = 0; round_at(path, at, spare % 2 != 0); at++)
			;
		CHECK(at >= 3);
	}
	exo_on_revoke(NULL);
	exo_on_exception(before);
	OK(exo_account_vector(ROOT_ACCOUNT, 0, K_ROOT));
	OK(exo_account_watch(ROOT_ACCOUNT, 0, K_ROOT, 0));
	t_unmap(T_VA);
	t_unmap(DATA_VA);
	OK(exo_pt_remove(exo_self(), DATA_VA | 1, 0));
	t_release(table, 1);
	t_release(page, 1);
	t_release(other, 1);
	t_release(vector, 1);
}

TEST(map)
{
	at_every_step(path_map, false, 0);
}

TEST(critical)
{
	at_every_step(path_critical, false, 0);
}

TEST(yield)
{
	at_every_step(path_yield, false, 0);
}

TEST(exception)
{
	at_every_step(path_exception, false, 0);
}

TEST(code)
{
	at_every_step(path_code, false, 0);
}

/* What was on it is needed: with a spare frame only. */
TEST(stack)
{
	at_every_step(path_stack, false, 1);
}

TEST(resume)
{
	at_every_step(path_exception, true, 0);
}

TEST(reflected)
{
	exo_on_syscall(on_syscall);
	at_every_step(path_reflected, false, 0);
	exo_on_syscall(NULL);
}
