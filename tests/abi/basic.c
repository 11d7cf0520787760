/* SPDX-License-Identifier: ISC */
/* Entering the kernel, the exposed tables, and the frame of the tests itself. */
#include "t.h"

TEST(null)
{
	OK(exo_null());
}

TEST(unknown_call)
{
	int64_t result;

	__asm__ volatile("syscall" : "=a"(result) : "0"(EXO_CALL | EXO_NR_CALLS)
			 : "rcx", "r11", "rdi", "rsi", "rdx", "r8", "r9", "r10", "memory");
	ERR(result, NOCALL);
	__asm__ volatile("syscall" : "=a"(result) : "0"(EXO_CALL + EXO_CALL_NUMBERS - 1)
			 : "rcx", "r11", "rdi", "rsi", "rdx", "r8", "r9", "r10", "memory");
	ERR(result, NOCALL);
}

/* Scratch registers come back zero, the others as they were. */
TEST(registers)
{
	uint64_t scratch = 1, kept = 0;

	__asm__ volatile("mov $1, %%edi; mov $2, %%esi; mov $3, %%edx; mov $4, %%r10d;"
			 "mov $5, %%r8d; mov $6, %%r9d; mov $7, %%ebx; mov $8, %%r12d;"
			 "mov $9, %%r13d; mov $10, %%r14d; mov $11, %%r15d;"
			 "mov %2, %%eax; syscall;"
			 "or %%rdi, %%rax; or %%rsi, %%rax; or %%rdx, %%rax; or %%r10, %%rax;"
			 "or %%r8, %%rax; or %%r9, %%rax; mov %%rax, %0;"
			 "lea (%%rbx, %%r12), %1; add %%r13, %1; add %%r14, %1; add %%r15, %1"
			 : "=m"(scratch), "=&r"(kept) : "i"(EXO_CALL)
			 : "rax", "rbx", "rcx", "rdx", "rdi", "rsi", "r8", "r9", "r10", "r11",
			 "r12", "r13", "r14", "r15", "memory", "cc");
	IS(scratch, 0);
	IS(kept, 7 + 8 + 9 + 10 + 11);
}

TEST(info)
{
	const volatile struct exo_info *info = exo_info();
	uint64_t then = exo_now_ns();

	CHECK(info->frames > 1000);
	CHECK(info->free_frames < info->frames);
	CHECK(info->cpus >= 1);
	CHECK(info->tsc_hz > 100000000);
	for (unsigned table = 0; table < EXO_NTABLES; table++)
		CHECK(info->table[table].base >= EXO_TABLES && info->table[table].count);
	while (exo_now_ns() < then + 1000)
		;
	CHECK(exo_env(exo_self())->state == EXO_ENV_ALIVE);
	IS(exo_env(exo_self())->account, ROOT_ACCOUNT);
}

/* The free map and the frame table tell the same story. */
TEST(tables_agree)
{
	uint64_t free_frames = 0;

	for (exo_pfn pfn = 0; pfn < exo_info()->frames; pfn++)
		free_frames += ((const volatile uint64_t *)EXO_FREEMAP)[pfn / 64] >> (pfn % 64) & 1;
	IS(free_frames, exo_info()->free_frames);
	for (exo_pfn pfn = 0; pfn < exo_info()->frames; pfn++) {
		if (((const volatile uint64_t *)EXO_FREEMAP)[pfn / 64] >> (pfn % 64) & 1) {
			if (exo_frame(pfn)->kind || exo_frame(pfn)->account ||
				exo_frame(pfn)->nmaps)
				t_fail("free frame 0x%lx has an owner or a kind", pfn);
		}
	}
}

TEST(tables_are_read_only)
{
	IS(t_write(EXO_INFO, 1), T_PF(7));
	IS(t_write(EXO_FRAMES, 1), T_PF(7));
	IS(t_write(EXO_VPT + (0x400000 >> 9), 1), T_PF(7));
}

TEST(own_page_table)
{
	uint64_t pte = exo_pte((uint64_t)test_own_page_table);

	CHECK(pte & EXO_PTE_PRESENT);
	CHECK(!(pte & EXO_PTE_WRITE));
	CHECK(!(pte & EXO_PTE_NX));
	IS(exo_frame(EXO_PTE_PFN(pte))->account, ROOT_ACCOUNT);
	IS(exo_pte(T_VA), 0);
	IS(exo_pte(T_NOTABLE), 0);
}

/* Looking for the next entry finds what looking at each does. */
TEST(next_entry)
{
	const uint64_t end = 0x20400000, text = (uint64_t)test_next_entry & ~0xfffull;
	exo_pfn pfn = t_claim(1);

	IS(t_map(T_VA + 0x7000, pfn, EXO_MAP_WRITE), 1);
	for (unsigned level = 1; level <= 4; level++) {
		const uint64_t span = EXO_PAGE_BYTES << (9 * (level - 1));
		uint64_t va = 0x400000, seen = 0;

		for (uint64_t next = va; next < end; next = (next | (span - 1)) + 1, seen++) {
			next = exo_pte_next(next, end, level);
			for (; va < next && va < end; va += span)
				if (exo_pte_at(va, level) & EXO_PTE_PRESENT)
					t_fail("level %u: 0x%lx was passed", level, va);
			if (next < end && !(exo_pte_at(next, level) & EXO_PTE_PRESENT))
				t_fail("level %u: nothing at 0x%lx", level, next);
			va = (next | (span - 1)) + 1;
		}
		CHECK(seen > 0);
	}
	IS(exo_pte_next(text, end, 1), text);
	IS(exo_pte_next(text + 8, text + 16, 1), text + 8);
	IS(exo_pte_next(T_VA, T_SCRATCH, 1), T_VA + 0x7000);
	IS(exo_pte_next(T_VA + 0x8000, T_SCRATCH, 1), T_SCRATCH);
	IS(exo_pte_next(T_NOTABLE, T_NOTABLE + 0x40000000, 1), T_NOTABLE + 0x40000000);
	IS(exo_pte_next(T_VA, T_VA, 1), T_VA);
	IS(exo_pte_next(0, EXO_USER_TOP, 1), exo_pte_next(0, text + 1, 1));
	IS(exo_pte_next(EXO_USER_TOP - 0x1000, EXO_USER_TOP, 1), EXO_USER_TOP);
	t_unmap(T_VA + 0x7000);
	t_release(pfn, 1);
}

static void
child_exits(uint64_t arg)
{
	t_exit(arg);
}

TEST(child)
{
	IS(t_run(child_exits, 42), T_EXIT(42));
}

TEST(children_again)
{
	for (unsigned round = 0; round < 20; round++)
		IS(t_run(child_exits, round), T_EXIT(round));
}
