/* SPDX-License-Identifier: ISC */
/*
 * Processor features.  Everything beyond x86-64 with NX and SYSCALL is
 * optional and asked of CPUID first: under QEMU's emulation a reserved bit
 * written to CR4 does not fault, it stops the processor for good.
 */
#include "machine.h"

struct features features;
static u64 wanted_cr4;			/* [I] */

#define CR4_OSFXSR     (1ull << 9)
#define CR4_OSXMMEXCPT (1ull << 10)
#define CR4_UMIP       (1ull << 11)
#define CR4_FSGSBASE   (1ull << 16)
#define CR4_OSXSAVE    (1ull << 18)
#define CR4_SMEP       (1ull << 20)
#define CR4_SMAP       (1ull << 21)

#define HYPERVISOR_BIT 31

#define XCR0_WANTED 7u		/* x87, SSE, AVX: what Linux programs may expect everywhere */

/* All zero where the processor does not know the leaf. */
static struct cpuid
leaf(u32 which)
{
	struct cpuid none = { 0 };

	return cpuid(which & 0x80000000, 0).a >= which ? cpuid(which, 0) : none;
}

static bool
is_tcg(void)
{
	struct cpuid r = cpuid(0x40000000, 0);

	if ((cpuid(1, 0).c >> HYPERVISOR_BIT & 1) == 0)
		return false;
	return r.b == 0x54474354 && r.c == 0x43544743 && r.d == 0x47435447; /* "TCGTCGTCGTCG" */
}

static u64
find_features(void)
{
	struct cpuid std = leaf(1);
	struct cpuid ext = leaf(0x80000001);
	struct cpuid seven = leaf(7);
	u64 cr4 = CR4_OSFXSR | CR4_OSXMMEXCPT;

	features.gbpages = ext.d >> 26 & 1;
	features.fsgsbase = seven.b & 1;
	features.smep = seven.b >> 7 & 1;
	features.smap = seven.b >> 20 & 1;
	features.umip = seven.c >> 2 & 1;
	features.xsave = std.c >> 26 & 1;
	features.emulated = is_tcg();
	cr4 |= features.fsgsbase ? CR4_FSGSBASE : 0;
	cr4 |= features.smep ? CR4_SMEP : 0;
	cr4 |= features.smap ? CR4_SMAP : 0;
	cr4 |= features.umip ? CR4_UMIP : 0;
	cr4 |= features.xsave ? CR4_OSXSAVE : 0;
	return cr4;
}

/* On each CPU. */
void
features_cpu(void)
{
	write_cr4(read_cr4() | wanted_cr4);
	if (features.xsave)
		__asm__ volatile("xsetbv" : : "c"(0), "a"((u32)features.xcr0), "d"(0));
	arch_fpu_init();		/* clean from the start, as cpu/ wants it */
}

void
features_boot(void)
{
	wanted_cr4 = find_features();
	features.fpu_bytes = 512;
	if (features.xsave)
		features.xcr0 = cpuid(0xd, 0).a & XCR0_WANTED;
	features_cpu();
	if (features.xsave)
		features.fpu_bytes = cpuid(0xd, 0).b;
	must(features.fpu_bytes <= EXO_PAGE_BYTES - offsetof(struct act, vector_state));

	features.fast = features.xsave && features.fsgsbase;
	info->features |= features.xsave ? EXO_FEAT_XSAVE : 0;
	info->features |= features.fsgsbase ? EXO_FEAT_FSGSBASE : 0;
	info->fpu_bytes = features.fpu_bytes;
	info->fpu_mask = features.xcr0;
}
