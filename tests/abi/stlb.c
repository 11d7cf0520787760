/* SPDX-License-Identifier: ISC */
/* stlb_offer, and page faults that the software TLB answers. */
#include "t.h"
#include <exo/stlb.h>

#define PAGE EXO_PAGE_BYTES
#define FRAMES (exo_info()->frames)
#define ARRAY (T_VA + 0x140000)		/* where the test sees its array */
#define RW (EXO_MAP_READ | EXO_MAP_WRITE)

static uint64_t
hits(void)
{
	return exo_env(exo_self())->stlb_hits;
}

static void
set(uint64_t va, exo_pfn pfn, uint64_t flags, exo_slot key)
{
	struct exo_stlb *entry = (struct exo_stlb *)ARRAY + exo_stlb_index(va, 1);

	*(volatile uint64_t *)&entry->tag = 0;
	*(volatile uint64_t *)&entry->target = pfn | (uint64_t)key << EXO_STLB_KEY_SHIFT;
	*(volatile uint64_t *)&entry->tag = va | flags;
}

/* One frame of entries, mapped; and data frames behind it. */
static exo_pfn
offer(uint64_t data)
{
	exo_pfn pfn = t_claim(1 + data);

	IS(t_map(ARRAY, pfn, EXO_MAP_WRITE), 1);
	OK(exo_stlb_offer(exo_self(), pfn, 1, 0, K_ROOT));
	return pfn;
}

static void
withdraw(exo_pfn pfn, uint64_t data)
{
	OK(exo_stlb_offer(exo_self(), 0, 0, 0, 0));
	t_release(pfn, 1 + data);
}

TEST(offer_errors)
{
	exo_pfn pfn = t_claim(2);
	exo_envid self = exo_self();

	ERR(exo_stlb_offer(self + 0x10000, pfn, 1, K_ROOT, K_ROOT), STALE);
	ERR(exo_stlb_offer(self, pfn, 3, 0, K_ROOT), ARG);
	ERR(exo_stlb_offer(self, pfn, 128, 0, K_ROOT), ARG);
	ERR(exo_stlb_offer(self, pfn, 1ull << 63, 0, K_ROOT), ARG);
	ERR(exo_stlb_offer(self, FRAMES, 1, 0, K_ROOT), RANGE);
	ERR(exo_stlb_offer(self, FRAMES - 1, 2, 0, K_ROOT), RANGE);
	ERR(exo_stlb_offer(self, ~0ull, 1, 0, K_ROOT), RANGE);
	ERR(exo_stlb_offer(self, ROOT_ACCOUNT, 1, 0, K_ROOT), KIND);
	ERR(exo_stlb_offer(self, exo_frame_find(0, 1), 1, 0, K_ROOT), KIND);
	ERR(exo_stlb_offer(self, 0, 1, 0, K_ROOT), KIND);
	ERR(exo_stlb_offer(self, pfn, 2, 0, K_NONE), KEY);
	ERR(exo_stlb_offer(self, pfn, 2, 0, K_BEYOND), KEY);
	ERR(exo_stlb_offer(self, pfn, 2, 0, K_NOTHING), RIGHTS);
	ERR(exo_stlb_offer(self, pfn, 2, 0, K_WRITE), RIGHTS);
	OK(exo_stlb_offer(self, pfn, 2, K_NONE, K_READ));
	OK(exo_stlb_offer(self, 0, 0, K_NONE, K_NONE));
	t_release(pfn, 2);
}

static void
sleeper(uint64_t arg)
{
	(void)arg;
	for (;;)
		exo_wait_for(NULL, 0, 0, 0);
}

TEST(offer_for_another)
{
	struct t_child c;
	exo_pfn pfn = t_claim(1), own;

	if (!t_child(&c, sleeper, 0, 1))
		return;
	own = exo_frame_find(0, 1);
	IS(exo_frame_claim(own, 1, c.account, 0, K_ROOT, 0), 1);
	ERR(exo_stlb_offer(c.id, own, 1, K_NONE, K_ROOT), KEY);
	ERR(exo_stlb_offer(c.id, own, 1, K_NOTHING, K_ROOT), RIGHTS);
	ERR(exo_stlb_offer(c.id, own, 1, K_CONTROL, K_ROOT), RIGHTS);
	ERR(exo_stlb_offer(c.id, pfn, 1, K_WRITE, K_ROOT), OWNER);
	ERR(exo_stlb_offer(exo_self(), own, 1, 0, K_ROOT), OWNER);
	OK(exo_stlb_offer(c.id, own, 1, K_WRITE, K_READ));
	OK(exo_env_destroy(c.id, 0, K_ROOT));
	ERR(exo_stlb_offer(c.id, own, 1, K_WRITE, K_READ), DEAD);
	t_reap(&c);
	t_release(pfn, 1);
}

/* Absent pages, and pages bound with less than the entry allows. */
TEST(hits_are_bindings)
{
	exo_pfn pfn = offer(2);
	uint64_t before = hits(), faults = exo_env(exo_self())->faults, value = 1;

	set(T_VA, pfn + 1, EXO_MAP_READ, K_READ);
	OK(t_read(T_VA, &value));
	IS(value, 0);
	IS(hits(), before + 1);
	IS(exo_frame(pfn + 1)->nmaps, 1);
	IS(EXO_PTE_PFN(exo_pte(T_VA)), pfn + 1);
	CHECK(exo_pte(T_VA) & EXO_PTE_NX);
	set(T_VA, pfn + 1, RW | 5 << EXO_MAP_SOFT_SHIFT, K_ROOT);
	OK(t_write(T_VA, 0xc3));			/* ret */
	IS(EXO_PTE_SOFT(exo_pte(T_VA)), 5);
	set(T_VA, pfn + 1, EXO_MAP_READ | EXO_MAP_EXEC, K_ROOT);
	OK(t_exec(T_VA));
	IS(exo_frame(pfn + 1)->nmaps, 1);
	IS(t_unmap(T_VA), 1);
	OK(t_exec(T_VA));
	IS(hits(), before + 4);

	/* Another frame for a page that is bound: as MAP does it. */
	set(T_VA, pfn + 2, RW, K_ROOT);
	OK(t_write(T_VA, 7));
	IS(exo_frame(pfn + 1)->nmaps, 0);
	IS(exo_frame(pfn + 2)->nmaps, 1);
	IS(exo_env(exo_self())->faults, faults);
	IS(t_unmap(T_VA), 1);
	withdraw(pfn, 2);
}

/* Each refusal is the ordinary upcall, and nothing is bound. */
TEST(misses_are_upcalls)
{
	exo_pfn pfn = offer(1), data = pfn + 1;
	uint64_t before = hits();

	IS(t_read(T_VA, NULL), T_PF(4));			/* no entry */
	set(T_VA + PAGE, data, RW, K_ROOT);
	IS(t_read(T_VA, NULL), T_PF(4));
	set(T_VA, data, EXO_MAP_WRITE, K_ROOT);			/* not valid */
	IS(t_read(T_VA, NULL), T_PF(4));
	set(T_VA, data, EXO_MAP_READ, K_ROOT);			/* would not let it through */
	IS(t_write(T_VA, 0), T_PF(6));
	IS(t_exec(T_VA), T_PF(0x14));
	for (uint64_t bad = 0x80; bad < PAGE; bad <<= 1) {	/* bits that an entry has not */
		set(T_VA, data, RW | bad, K_ROOT);
		IS(t_write(T_VA, 0), T_PF(6));
	}
	set(T_VA, data, RW | 0x8, K_ROOT);
	IS(t_write(T_VA, 0), T_PF(6));
	set(T_VA, data, RW, K_NONE);
	IS(t_write(T_VA, 0), T_PF(6));
	set(T_VA, data, RW, 0xffffff);
	IS(t_write(T_VA, 0), T_PF(6));
	set(T_VA, data, RW, K_NOTHING);
	IS(t_read(T_VA, NULL), T_PF(4));
	set(T_VA, data, RW, K_READ);
	IS(t_read(T_VA, NULL), T_PF(4));
	set(T_VA, ROOT_ACCOUNT, RW, K_ROOT);
	IS(t_read(T_VA, NULL), T_PF(4));
	set(T_VA, exo_frame_find(0, 1), RW, K_ROOT);
	IS(t_read(T_VA, NULL), T_PF(4));
	set(T_VA, EXO_STLB_PFN, RW, K_ROOT);
	IS(t_read(T_VA, NULL), T_PF(4));
	set(T_VA, 0, RW, K_ROOT);
	IS(t_read(T_VA, NULL), T_PF(4));
	set(T_NOTABLE, data, RW, K_ROOT);
	IS(t_read(T_NOTABLE, NULL), T_PF(4));
	set(EXO_INFO, data, RW, K_ROOT);
	IS(t_write(EXO_INFO, 0), T_PF(7));
	set(T_VA, data, RW, K_ROOT);
	/* The same place, another page. */
	IS(t_read(T_VA + EXO_STLB_ENTRIES * PAGE, NULL), T_PF(4));
	IS(hits(), before);
	IS(exo_frame(data)->nmaps, 0);
	withdraw(pfn, 1);
}

/* A table that is shared without the right to write below it: no fault without end. */
TEST(write_forbidden_above)
{
	exo_pfn pfn = offer(4);
	uint64_t one = T_VA + 0x200000, two = T_VA + 0x400000, value;

	OK(exo_pt_install(exo_self(), one | 1 | EXO_PT_WRITE, pfn + 1, pfn + 2, 0, 0));
	OK(exo_pt_install(exo_self(), two | 1, pfn + 1, 0, 0, K_READ));
	set(two, pfn + 4, RW, K_ROOT);
	IS(t_write(two, 1), T_PF(6));
	OK(t_read(two, &value));
	IS(t_write(two, 1), T_PF(7));
	OK(t_write(one, 1));
	IS(t_unmap(one), 1);
	OK(exo_pt_remove(exo_self(), one | 1, 0));
	OK(exo_pt_remove(exo_self(), two | 1, 0));
	IS(exo_frame_release(pfn + 1, 1, K_ROOT), 1);
	OK(exo_stlb_offer(exo_self(), 0, 0, 0, 0));
	t_release(pfn, 1);
	t_release(pfn + 4, 1);
}

/* Frames that have changed hands, or were never written, have no entries. */
TEST(frame_lost)
{
	exo_pfn pfn = t_claim(3);
	uint64_t before = hits();

	OK(exo_stlb_offer(exo_self(), pfn, 2, 0, K_ROOT));
	IS(t_read(T_VA, NULL), T_PF(4));
	IS(t_map(ARRAY, pfn, EXO_MAP_WRITE), 1);
	IS(t_map(ARRAY + PAGE, pfn + 1, EXO_MAP_WRITE), 1);
	for (unsigned n = 0; n < 2; n++)
		((struct exo_stlb *)ARRAY)[exo_stlb_index(T_VA + n * 256 * PAGE, 2)] =
			(struct exo_stlb){ (T_VA + n * 256 * PAGE) | RW, pfn + 2 };
	OK(t_write(T_VA, 1));
	IS(hits(), before + 1);
	IS(t_unmap(T_VA), 1);
	IS(exo_frame_release(pfn, 1, K_ROOT), 1);
	IS(exo_frame_claim(pfn, 1, ROOT_ACCOUNT, 0, K_ROOT, 0), 1);
	IS(t_map(ARRAY, pfn, EXO_MAP_WRITE), 1);
	((struct exo_stlb *)ARRAY)[0] = (struct exo_stlb){ T_VA | RW, pfn + 2 };
	IS(t_write(T_VA, 1), T_PF(6));
	IS(hits(), before + 1);
	OK(exo_stlb_offer(exo_self(), pfn, 2, 0, K_ROOT));
	OK(t_write(T_VA, 1));
	IS(hits(), before + 2);
	IS(t_unmap(T_VA), 1);
	OK(exo_stlb_offer(exo_self(), 0, 0, 0, 0));
	IS(t_write(T_VA, 1), T_PF(6));
	t_release(pfn, 3);
}

/* All frames of the largest array are used, each for its pages. */
TEST(largest_array)
{
	exo_pfn pfn = t_claim(EXO_STLB_FRAMES + 1);
	uint64_t before = hits();

	OK(exo_stlb_offer(exo_self(), pfn, EXO_STLB_FRAMES, 0, K_ROOT));
	for (uint64_t n = 0; n < 512; n += 37) {
		uint64_t va = T_VA + n * PAGE, index = exo_stlb_index(va, EXO_STLB_FRAMES);

		if (va >= ARRAY && va < ARRAY + PAGE)
			continue;
		IS(t_map(ARRAY, pfn + index / EXO_STLB_ENTRIES, EXO_MAP_WRITE), 1);
		((struct exo_stlb *)ARRAY)[index % EXO_STLB_ENTRIES] =
			(struct exo_stlb){ va | RW, pfn + EXO_STLB_FRAMES };
		OK(t_write(va, n));
		before++;
	}
	IS(hits(), before);
	OK(exo_stlb_offer(exo_self(), 0, 0, 0, 0));
	t_release(pfn, EXO_STLB_FRAMES + 1);
}

/* ---- the program notices nothing ---- */

uint64_t stlb_registers(uint64_t va);
__asm__(
"	.text\n"
"stlb_registers:\n"
"	push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
"	mov %rsp, saved_rsp(%rip)\n"
"	mov %rdi, %rsp\n"		/* the access itself is by rsp: nothing else is free */
"	mov $1, %eax; mov $2, %ebx; mov $3, %ecx; mov $4, %edx; mov $5, %esi; mov $6, %edi\n"
"	mov $7, %ebp; mov $8, %r8d; mov $9, %r9d; mov $10, %r10d; mov $11, %r11d\n"
"	mov $12, %r12d; mov $13, %r13d; mov $14, %r14d; mov $15, %r15d\n"
"	stc; std\n"
"	movq $99, 8(%rsp)\n"
"	pushf\n"			/* into the page */
"	mov saved_rsp(%rip), %rsp\n"
"	cld\n"
"	add %rbx, %rax; add %rcx, %rax; add %rdx, %rax; add %rsi, %rax; add %rdi, %rax\n"
"	add %rbp, %rax; add %r8, %rax; add %r9, %rax; add %r10, %rax; add %r11, %rax\n"
"	add %r12, %rax; add %r13, %rax; add %r14, %rax; add %r15, %rax\n"
"	pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
"	ret\n"
"	.local saved_rsp\n"
"	.comm saved_rsp, 8, 8\n");

static uint64_t gs_stored, gs_found;

static void
with_another_gs(uint64_t va)
{
	uint64_t mine;

	__asm__ volatile("rdgsbase %0; wrgsbase %3; movq $5, (%2); rdgsbase %1; wrgsbase %0"
			 : "=&r"(mine), "=&r"(gs_found)
			 : "r"(va), "r"(gs_stored)
			 : "memory");
}

TEST(transparent)
{
	exo_pfn pfn = offer(1);
	uint64_t before = hits(), depth = exo_uarea()->depth, flags;

	set(T_VA, pfn + 1, RW, K_ROOT);
	IS(stlb_registers(T_VA + 64), 120);
	OK(t_read(T_VA + 56, &flags));
	IS(flags & 0xc01, 0x401);
	IS(exo_uarea()->depth, depth);
	IS(exo_uarea()->critical, 0);
	IS(hits(), before + 1);
	if (exo_info()->features & EXO_FEAT_FSGSBASE) {
		gs_stored = 0x123456789000;
		/* An interrupt at that moment puts it back: then once more. */
		for (unsigned n = 0; n < 20 && gs_found != gs_stored; n++) {
			IS(t_unmap(T_VA), 1);
			with_another_gs(T_VA);
		}
		IS(gs_found, gs_stored);
	}
	IS(t_unmap(T_VA), 1);
	withdraw(pfn, 1);
}

/* A child made from this one does not inherit the offer; one that dies takes nothing along. */
static void
uses(uint64_t va)
{
	const volatile struct exo_env *self = exo_env(exo_self());

	if (self->stlb_hits != 0 || *(volatile uint64_t *)va != 0)
		t_exit(1);
	t_exit(self->stlb_hits == 1 ? 9 : 2);
}

TEST(in_a_child)
{
	struct t_child c;
	exo_pfn own;

	if (!t_child(&c, uses, T_VA, 2))
		return;
	own = exo_frame_find(0, 2);
	IS(exo_frame_claim(own, 2, c.account, 0, K_ROOT, 0), 2);
	IS(t_map(ARRAY, own, EXO_MAP_WRITE), 1);
	set(T_VA, own + 1, RW, 3);
	t_give(&c, K_ROOT, 3);
	OK(exo_stlb_offer(c.id, own, 1, K_WRITE, K_ROOT));
	t_start(&c);
	IS(t_wait(&c), T_EXIT(9));
	t_reap(&c);
	IS(t_read(ARRAY, NULL), T_PF(4));
}
