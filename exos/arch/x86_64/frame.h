/* SPDX-License-Identifier: ISC */
/* What sigframe.c and fpu.c have of frame.S.  Numbers are for assembly, too. */
#ifndef EXOS_FRAME_H
#define EXOS_FRAME_H

#define FP_MAGIC1 0x46505853
#define FP_MAGIC2 0x46505845
#define FP_MARK_AT 464			/* in the FXSAVE area: bytes for software */
#define FPU_MOVABLE 7			/* x87, SSE, AVX: what the moves know, */
#define FPU_MOVABLE_BYTES 832		/* where AVX lies behind the header */

/* struct frame_rest */
#define REST_RESTORER 0
#define REST_FLAGS 8
#define REST_STACK 16
#define REST_ERROR 40
#define REST_MASK 56
#define REST_CR2 64
#define REST_FPSTATE 72

#ifndef __ASSEMBLER__
#include "../../linux/abi.h"
#include "../../proc/signal.h"

/* Of a frame what is not in the save slot. */
struct frame_rest {
	u64 restorer, flags;
	struct linux_stack stack;
	u64 error, vector, mask, cr2;
	u64 fpstate;
};
_Static_assert(__builtin_offsetof(struct frame_rest, stack) == REST_STACK, "frame_rest");
_Static_assert(__builtin_offsetof(struct frame_rest, error) == REST_ERROR, "frame_rest");
_Static_assert(__builtin_offsetof(struct frame_rest, mask) == REST_MASK, "frame_rest");
_Static_assert(__builtin_offsetof(struct frame_rest, fpstate) == REST_FPSTATE, "frame_rest");

struct fp_mark;
extern const char exos_frame_begin[], exos_frame_end[];
/* Each: 0 or -EFAULT. */
long exos_frame_out(u64 at, const struct exo_save *slot, const struct frame_rest *rest,
	const struct sig_detail *d);
long exos_frame_in(struct exo_save *slot, u64 ucontext, struct frame_rest *rest);
long exos_frame_mark(u64 area, const struct fp_mark *mark, u64 bytes);
long exos_vectors_save(void *area);
long exos_vectors_keep(void *area);	/* the library's; for exos_vectors_load alone */
long exos_vectors_load(const void *area);
long exos_vectors_take(const void *area, u64 bytes);	/* or 1: it is not as it was saved */
#endif

#endif
