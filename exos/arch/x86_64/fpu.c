/* SPDX-License-Identifier: ISC */
/*
 * Vector state in Linux's layout (FXSAVE, then XSAVE's header and components).
 * The library never computes with these registers; it saves them into signal
 * frames and into a child's data, and loads what comes back.
 */
#include "arch.h"

#define FXSAVE_BYTES 512u
#define XSAVE_HEADER_BYTES 64u
#define MXCSR_AT 24u
#define MXCSR_CLEAN 0x1f80u
#define MXCSR_MASK 0xffffu
#define FCW_AT 0u
#define FSW_AT 2u

/* Nothing behind the header is looked at, for that says that nothing is there. */
static u8 clean[FXSAVE_BYTES + XSAVE_HEADER_BYTES] __attribute__((aligned(64)));

static bool
have_xsave(void)
{
	return exo_info()->features & EXO_FEAT_XSAVE && exo_info()->fpu_bytes <= FPU_AREA_MAX;
}

u64
fpu_bytes(void)
{
	return have_xsave() ? exo_info()->fpu_bytes : FXSAVE_BYTES;
}

long
fpu_save(void *area)
{
	static const u8 zero[XSAVE_HEADER_BYTES];

	if (!have_xsave())
		return exos_fxsave(area);
	/* xsave leaves most of the header alone, and xrstor insists that it is zero */
	if (exos_copy((u8 *)area + FXSAVE_BYTES, zero, sizeof(zero)))
		return -14;
	return exos_xsave(area, exo_info()->fpu_mask);
}

/* A program may have written anything into its signal frame: nothing of it may make xrstor fault. */
long
fpu_load(void *area)
{
	u64 *header = (u64 *)((u8 *)area + FXSAVE_BYTES);

	*(u32 *)((u8 *)area + MXCSR_AT) &= MXCSR_MASK;
	if (!have_xsave())
		return exos_fxrstor(area);
	header[0] &= exo_info()->fpu_mask;
	for (unsigned word = 1; word < XSAVE_HEADER_BYTES / 8; word++)
		header[word] = 0;
	return exos_xrstor(area, exo_info()->fpu_mask);
}

void
fpu_reset(void)
{
	*(u16 *)clean = 0x37f; /* FCW */
	*(u32 *)(clean + MXCSR_AT) = MXCSR_CLEAN;
	fpu_load(clean);
}

bool
fpu_loadable(const void *area)
{
	return !(*(const u32 *)((const u8 *)area + MXCSR_AT) & ~MXCSR_MASK);
}

enum { FPE_FLTDIV = 3, FPE_FLTOVF, FPE_FLTUND, FPE_FLTRES, FPE_FLTINV };
enum { INVALID = 1, DENORMAL = 2, DIVISION = 4, OVERFLOW = 8, UNDERFLOW = 16, INEXACT = 32 };

/* The exceptions that are raised and not masked, of x87 and SSE alike: only one of them can be the cause. */
int
fpu_error_code(void)
{
	static u8 area[FXSAVE_BYTES] __attribute__((aligned(16)));
	u32 mxcsr, raised;

	exos_fxsave(area);
	mxcsr = *(u32 *)(area + MXCSR_AT);
	raised =
		(mxcsr & ~(mxcsr >> 7)) | (u32)(*(u16 *)(area + FSW_AT) & ~*(u16 *)(area + FCW_AT));
	if (raised & INVALID)
		return FPE_FLTINV;
	if (raised & DIVISION)
		return FPE_FLTDIV;
	if (raised & OVERFLOW)
		return FPE_FLTOVF;
	if (raised & (UNDERFLOW | DENORMAL))
		return FPE_FLTUND;
	return raised & INEXACT ? FPE_FLTRES : 0;
}

u64
fs_base(void)
{
	u64 base = 0;

	if (exo_info()->features & EXO_FEAT_FSGSBASE)
		__asm__ volatile("rdfsbase %0" : "=r"(base));
	return base;
}

void
fs_base_set(u64 base)
{
	if (exo_info()->features & EXO_FEAT_FSGSBASE)
		__asm__ volatile("wrfsbase %0" : : "r"(base));
}

u32
cpu_features(void)
{
	u32 a = 1, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return d;
}
