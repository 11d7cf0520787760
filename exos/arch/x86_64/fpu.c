/* SPDX-License-Identifier: ISC */
/*
 * Vector state in Linux's layout (FXSAVE, then XSAVE's header and components).
 * The library never computes with these registers; it saves them into signal
 * frames and into a child's data, and loads what comes back.
 */
#include "arch.h"
#include "frame.h"

#define FXSAVE_BYTES 512u
#define XSAVE_HEADER_BYTES 64u
#define MXCSR_AT 24u
#define MXCSR_CLEAN 0x1f80u
#define MXCSR_MASK 0xffffu
#define FCW_AT 0u
#define FSW_AT 2u

/* Nothing behind the header is looked at, for that says that nothing is there. */
static const struct {
	u16 fcw;
	u8 to_mxcsr[MXCSR_AT - sizeof(u16)];
	u32 mxcsr;
	u8 rest[FXSAVE_BYTES + XSAVE_HEADER_BYTES - MXCSR_AT - sizeof(u32)];
} clean __attribute__((aligned(64))) = { .fcw = 0x37f, .mxcsr = MXCSR_CLEAN };

struct fpu fpu;

void
fpu_begin(void)
{
	const volatile struct exo_info *info = exo_info();

	fpu.xsave = info->features & EXO_FEAT_XSAVE && info->fpu_bytes <= FPU_AREA_MAX;
	fpu.bytes = fpu.xsave ? (u32)info->fpu_bytes : FXSAVE_BYTES;
	if (info->fpu_mask)
		fpu.mark = (struct fp_mark){ .magic1 = FP_MAGIC1,
			.extended_bytes = fpu.bytes + (u32)sizeof(u32),
			.features = info->fpu_mask,
			.state_bytes = fpu.bytes };
	fpu.moves = info->fpu_mask == FPU_MOVABLE && info->fpu_bytes == FPU_MOVABLE_BYTES;
}

long
fpu_save(void *area)
{
	static const u8 zero[XSAVE_HEADER_BYTES];

	if (fpu.moves)
		return exos_vectors_save(area);
	if (!fpu.xsave)
		return exos_fxsave(area);
	/* xsave leaves most of the header alone, and xrstor insists that it is zero */
	if (exos_copy((u8 *)area + FXSAVE_BYTES, zero, sizeof(zero)))
		return -14;
	return exos_xsave(area, exo_info()->fpu_mask);
}

void
fpu_keep(void *area)
{
	if (fpu.moves)
		exos_vectors_keep(area);
	else
		fpu_save(area);
}

static long
restore(const void *area)
{
	return fpu.xsave ? exos_xrstor(area, exo_info()->fpu_mask) : exos_fxrstor(area);
}

void
fpu_load(const void *area)
{
	if (fpu.moves)
		exos_vectors_load(area);
	else
		restore(area);
}

long
fpu_take(const void *area)
{
	return fpu.moves ? exos_vectors_take(area, FPU_MOVABLE_BYTES) : 1;
}

/* A program may have written anything into its signal frame: nothing of it may make xrstor fault. */
long
fpu_load_any(void *area)
{
	u64 *header = (u64 *)((u8 *)area + FXSAVE_BYTES);

	if (*(u32 *)((u8 *)area + MXCSR_AT) & ~MXCSR_MASK)
		return -14;
	header[0] &= exo_info()->fpu_mask;
	for (unsigned word = 1; word < XSAVE_HEADER_BYTES / 8; word++)
		header[word] = 0;
	return restore(area);
}

void
fpu_reset(void)
{
	restore(&clean);
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

u32
cpu_features(void)
{
	u32 a = 1, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return d;
}
