/* SPDX-License-Identifier: ISC */
/* What the files of cpu/ share among themselves. */
#ifndef KERNEL_CPU_PRIV_H
#define KERNEL_CPU_PRIV_H

#include "cpu.h"
#include "../mem/mem.h"

/* Where the chain of control transfers from one activation ends. */
struct chain {
	struct act *act;		/* who would run; NULL: nobody on this chain, now */
	u32 length;			/* transfers between the first and act */
	int ends;			/* act is CALLING and its wait is over: this error; else 0 */
	u64 woke;			/* act is PARKED: the prologue's rax */
	u64 wakes_at;			/* nobody: earliest deadline met on the way, 0: none */
};

/* At most CHAIN_MAX steps; a longer chain ends for its head. */
void chain_follow(struct chain *chain, struct act *first, u64 now) REQUIRES(env_lock);

/*
 * A round of the vector goes over words of 64 slices, SCAN_WORDS of them: from
 * the one that has `start` on, which comes again at the end for what lies before
 * start.  The word's index, and which of its slices have their turn then.
 */
#define SCAN_WORDS (EXO_SLICES_CPU / 64 + 1)

static inline u64
scan_word(u32 start, u32 n, u32 *index)
{
	u64 behind = ~0ull << start % 64;

	*index = (start / 64 + n) % (EXO_SLICES_CPU / 64);
	return n == 0 ? behind : n < SCAN_WORDS - 1 ? ~0ull : ~behind;
}

/* A slice is freed, or has another owner: a request for it goes, or stands. */
void slice_ask_forget(u32 cpu, u32 index) REQUIRES(env_lock);
void slice_ask_pass(u32 cpu, u32 index) REQUIRES(env_lock);

/* Invariant: an owned slice, and no other, is charged to an account that counts it. */
bool cpu_slice_charged(u32 cpu, u32 index) REQUIRES(env_lock);

/* Kinds whose contents a user may read: everything else is the kernel's own. */
#define KINDS_READABLE                                                                             \
	(1u << EXO_FRAME_DATA | 1u << EXO_FRAME_UAREA | 1u << EXO_FRAME_GUARD |                    \
		1u << EXO_FRAME_ACCOUNT | 1u << EXO_FRAME_TRACE)

/* Looked at for each sleeper in each round of the dispatcher. */
static inline bool
term_true(const struct term *term)
{
	const volatile struct exo_frame *frame = &frames[term->pfn];
	u64 word = *term->word & term->mask;

	/* The frame afterwards: a word read from one that was still the watcher's to see. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (term->pfn != 0 && (frame->generation != term->generation ||
					(1u << frame->kind & KINDS_READABLE) == 0))
		return true;		/* lost */
	switch (term->cmp) {
	case EXO_EQ: return word == term->value;
	case EXO_NE: return word != term->value;
	case EXO_LT: return word < term->value;
	case EXO_LE: return word <= term->value;
	case EXO_GT: return word > term->value;
	default:     return word >= term->value;
	}
}

/* Have the timer fire at this time or earlier. */
void cpu_timer_by(struct cpu *cpu, u64 at_ns);

#endif
