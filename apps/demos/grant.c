/* SPDX-License-Identifier: ISC */
/*
 * "Give environment X access to frame Y at address Z" is one call, and so is
 * taking it back.  A second environment is made here from named frames, by
 * hand: nothing is hidden in the kernel, and everything it costs is one
 * account's.
 */
#include <exo/lib.h>
#include <exo/read.h>

EXO_NATIVE_NOTE;

#define Y_AT 0x30000000ull		/* Z: where the other sees the frame */
#define OWN_AT 0x20000000ull
#define CODE_AT 0x400000ull

/* The other's whole program: count up in the shared frame, give the processor back. */
__asm__(".pushsection .rodata; .balign 4096; .globl other_text; other_text:"
	"incq 0x30000000; mov $(0x40000000 + 31), %eax; xor %edi, %edi; syscall;"
	".balign 4096; .popsection");
extern const char other_text[];

enum {
	ENV,
	ROOT,
	LINKS,
	RING = 4,
	UAREA,
	ACT,
	TABLES,
	SHARED = TABLES + 18,
	OWN_TABLE,
	TOTAL = OWN_TABLE + 3
};

static exo_slot k_account;

static int64_t
map(exo_envid env, uint64_t va, exo_pfn pfn, uint32_t op)
{
	struct exo_map element = { .va = va, .pfn = pfn, .op = op, .key = k_account };

	return exo_map(env, &element, 1, k_account);
}

/* Tables for the code, the u-area and address Z, all in the first GiB. */
static bool
tables(exo_envid env, exo_pfn table)
{
	static const uint64_t where[] = { CODE_AT | 3, CODE_AT | 2, CODE_AT | 1, 0x10000000 | 1,
		Y_AT | 1 };

	for (unsigned n = 0; n < 5; n++, table += 3) {
		if (exo_pt_install(env, where[n] | EXO_PT_WRITE, table, table + 1, k_account,
			    k_account))
			return false;
	}
	return true;
}

static exo_envid
make_other(exo_pfn account, exo_pfn base)
{
	struct exo_env_spec spec = { .slot = exo_env_find_slot(), .k_account = k_account,
		.account = account, .env_frame = base + ENV, .root_frame = base + ROOT,
		.root_links = base + LINKS, .ring_frame = base + RING };
	struct exo_act_spec act = { .uarea_frame = base + UAREA, .act_frame = base + ACT,
					.uarea_va = 0x10000000 };
	struct exo_uarea *u = (struct exo_uarea *)OWN_AT;
	exo_envid env = (exo_envid)exo_env_create(&spec);

	if ((int64_t)env < 0 || !tables(env, base + TABLES))
		return 0;
	if (map(exo_self(), OWN_AT, base + UAREA, EXO_OP_MAP | EXO_MAP_WRITE) != 1)
		return 0;
	u->entry[EXO_ENTRY_PROLOGUE] = CODE_AT;
	map(exo_self(), OWN_AT, 0, EXO_OP_UNMAP);
	map(env, CODE_AT, EXO_PTE_PFN(exo_pte((uint64_t)other_text)), EXO_OP_MAP | EXO_MAP_EXEC);
	return exo_env_activate(env, &act, k_account) == 0 ? env : 0;
}

/* One turn is enough but where our slice is just over. */
static void
run_until(exo_envid other, const volatile uint64_t *counter, uint64_t value)
{
	for (unsigned turn = 0; turn < 100 && *counter < value; turn++) {
		if (exo_env(other)->state == EXO_ENV_DEAD)
			break;
		exo_yield(other);
	}
}

int
exo_main(const struct exo_start *start)
{
	exo_pfn account = start ? start->account : exo_info()->root_account;
	exo_pfn base = exo_frame_find(0, TOTAL);
	volatile uint64_t *counter = (volatile uint64_t *)OWN_AT;
	exo_envid other;

	k_account = start ? start->k_account : 0;
	if (!base || exo_frame_claim_all(base, TOTAL, account, 0, k_account, 0) != TOTAL)
		return 1;
	if (exo_pt_install(exo_self(), OWN_AT | 1 | EXO_PT_WRITE, base + OWN_TABLE,
		    base + OWN_TABLE + 1, 0, 0))
		return 1;
	other = make_other(account, base);
	if (!other)
		return 2;
	map(exo_self(), OWN_AT, base + SHARED, EXO_OP_MAP | EXO_MAP_WRITE);

	/* The grant: X = other, Y = base + SHARED, Z = Y_AT. */
	exo_printf("grant: %s\n", exo_error_name(map(other, Y_AT, base + SHARED,
							EXO_OP_MAP | EXO_MAP_WRITE)));
	for (unsigned turn = 0; turn < 3; turn++) {
		run_until(other, counter, turn + 1);
		exo_printf("the other has counted to %lu\n", *counter);
	}
	/* And back: it has no fault handler, so the next touch is its end. */
	exo_printf("revoke: %ld binding gone\n", (long)map(other, Y_AT, 0, EXO_OP_UNMAP));
	run_until(other, counter, 4);
	exo_printf("the other is %s, the count is %lu\n",
		exo_env(other)->state == EXO_ENV_DEAD ? "dead" : "alive", *counter);
	return exo_env(other)->state == EXO_ENV_DEAD && *counter == 3 ? 0 : 3;
}
