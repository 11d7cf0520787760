/* SPDX-License-Identifier: ISC */
/* Instruction pointers that are nowhere: a program jumps out of user space and is interrupted there. */
#include "t.h"

static volatile uint64_t wild_count __attribute__((used));
static volatile uint64_t wild_target __attribute__((used));

/* Each fault leads back here; no epilogue entry, so that the end of a slice forces it off where it is. */
void jumps_away(void);
__asm__(".text\njumps_away:\n"
	"	movl $0, %gs:20\n"		/* depth */
	"	movl $0, %gs:24\n"		/* critical */
	"	incq wild_count(%rip)\n"
	"	mov wild_target(%rip), %rax\n"
	"	jmp *%rax\n");

static void
wild(uint64_t target)
{
	wild_target = target;
	exo_uarea()->entry[EXO_ENTRY_EXCEPTION] = (uint64_t)jumps_away;
	jumps_away();
}

TEST(wild_jumps)
{
	static const uint64_t targets[] = { 0xffff800000000000, 0xffffffff80100000,
		0x0000800000000000, 0x8000000000000000, EXO_USER_TOP };

	for (unsigned n = 0; n < sizeof(targets) / sizeof(targets[0]); n++) {
		struct t_child c;

		wild_count = 0;
		if (!t_child(&c, wild, targets[n], 0) || !t_start(&c))
			return;
		exo_wait_for(NULL, 0, exo_now_ns() + 500000000, 0);
		CHECK(wild_count > 1000);
		IS(exo_env(c.id)->state, EXO_ENV_ALIVE);
		t_reap(&c);
	}
}

/* ---- the last page: a `syscall` at its end must return to an address ---- */

static void
runs_at(uint64_t va)
{
	exo_uarea()->depth = 0;
	((void (*)(void))va)();
	t_exit(1);
}

static const uint8_t call_nobody[] = {
	0xbf, 0x01, 0x00, 0x01, 0x00,			/* mov $0x10001, %edi */
	0xb8, EXO_NR_call, 0x00, 0x00, 0x40,		/* mov $EXO_CALL | EXO_NR_call, %eax */
	0x0f, 0x05,					/* syscall */
};
#define AWAY T_NOTABLE				/* where the tables are filled, each at its last index */
#define LAST(level) (0x1000ull << 9 * (level))	/* what a table of this level covers */
enum {
	PFN,
	TABLE3,
	TABLE2 = TABLE3 + 3,
	TABLE1 = TABLE2 + 3,
	OTHER3 = TABLE1 + 3,
	COUNT = OTHER3 + 3
};

/* The code lies in the last page that a tree of tables at AWAY maps. */
static bool
prepare(struct t_child *c, uint64_t va, exo_pfn *tables)
{
	uint64_t page = AWAY + LAST(3) - EXO_PAGE_BYTES;
	exo_pfn pfn;

	if (!t_child(c, runs_at, va, COUNT))
		return false;
	pfn = *tables = exo_frame_find(0, COUNT);
	IS(exo_frame_claim_all(pfn, COUNT, c->account, 0, K_ROOT, 0), COUNT);
	IS(t_map(T_VA, pfn, EXO_MAP_WRITE), 1);
	for (unsigned n = 0; n < sizeof(call_nobody); n++)
		((volatile uint8_t *)T_VA)[EXO_PAGE_BYTES - sizeof(call_nobody) + n] =
			call_nobody[n];
	IS(t_unmap(T_VA), 1);
	for (unsigned n = 0; n < 3; n++)
		OK(exo_pt_install(c->id, page | (3 - n) | EXO_PT_WRITE, pfn + TABLE3 + 3 * n,
			pfn + TABLE3 + 3 * n + 1, K_ROOT, 0));
	return IS(t_map_op(c->id, page, pfn, EXO_OP_MAP | EXO_MAP_EXEC, K_ROOT, K_ROOT), 1);
}

/* Sharing puts a page where map would not: the last of the user half, if its top level were open. */
TEST(page_before_the_hole)
{
	const uint64_t half = 0x800000000000, last = half - EXO_PAGE_BYTES;
	struct t_child c;
	exo_pfn t;

	if (!prepare(&c, half - sizeof(call_nobody), &t))
		return;
	ERR(exo_pt_install(c.id, last | 3 | EXO_PT_WRITE, t + OTHER3, t + OTHER3 + 1, K_ROOT, 0),
		RANGE);
	ERR(exo_pt_install(c.id, (half - LAST(3)) | 3, t + TABLE3, 0, K_ROOT, K_ROOT), RANGE);
	ERR(exo_pt_install(c.id, (half - LAST(2)) | 2, t + TABLE2, 0, K_ROOT, K_ROOT), RANGE);
	ERR(exo_pt_install(c.id, (half - LAST(1)) | 1, t + TABLE1, 0, K_ROOT, K_ROOT), RANGE);
	OK(t_start(&c) ? 0 : 1);
	IS(t_wait(&c), EXO_DEAD_NOENTRY | 14 << 16);
	t_reap(&c);
}

TEST(call_in_the_last_page)
{
	struct t_child c;
	exo_pfn t;

	if (!prepare(&c, EXO_USER_TOP - sizeof(call_nobody), &t))
		return;
	OK(exo_pt_install(c.id, (EXO_USER_TOP - LAST(3)) | 3, t + TABLE3, 0, K_ROOT, K_ROOT));
	OK(t_start(&c) ? 0 : 1);
	IS(t_wait(&c), EXO_DEAD_NOENTRY | 14 << 16);
	t_reap(&c);
}
