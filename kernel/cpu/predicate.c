/* SPDX-License-Identifier: ISC */
/*
 * Wakeup predicates: an OR of ANDs over words, compiled when the caller waits
 * and evaluated each time the dispatcher reaches its slice.  All checks of
 * rights are made once, here; what can change later is the frame, and a term
 * whose frame was released, claimed or typed since is true.
 */
#include "cpu_priv.h"
#include "../cap/cap.h"
#include "../dev/dev.h"
#include "../mem/mem.h"

int
predicate_holds(const struct act *act)
{
	bool product = false;
	int tag = -1;

	for (u32 n = 0; n < act->nterms; n++) {	/* bound: EXO_TERMS_MAX */
		const struct term *term = &act->term[n];

		if (n == 0 || (term->flags & EXO_TERM_OR) != 0) {
			if (product)
				return tag;
			product = true;
			tag = term->tag;
		}
		product = product && term_true(term);
	}
	return product ? tag : -1;
}

/* The kernel's own alias of a word of the table seen at base, or NULL. */
static inline const volatile u64 *
within(u64 where, u64 base, const void *alias, u64 bytes)
{
	if (where - base >= bytes)
		return NULL;
	return (const volatile u64 *)((const char *)alias + (where - base));
}

/* Of any exposed table. */
static const volatile u64 *
table_word(u64 where)
{
	const volatile u64 *word = within(where, EXO_INFO, info, sizeof(*info));

	if (word == NULL)
		word = within(where, EXO_ENVS, envs, envs_count * sizeof(*envs));
	if (word == NULL)
		word = within(where, EXO_DEVICES, devices, DEVICES_MAX * sizeof(*devices));
	if (word == NULL)
		word = within(where, EXO_FRAMES, frames, frames_count * sizeof(*frames));
	if (word == NULL)
		word = within(where, EXO_FREEMAP, freemap, (frames_count + 63) / 64 * 8);
	if (word == NULL)
		word = within(where, EXO_CPUS, cpus_pub, cpus_count * sizeof(*cpus_pub));
	if (word == NULL)
		word = within(where, EXO_SLICES, slices,
			(u64)cpus_count * EXO_SLICES_CPU * sizeof(*slices));
	return word;
}

/* May env watch this frame?  0 or an error. */
static int
frame_watchable(const struct env *env, exo_slot key, exo_pfn pfn) REQUIRES(mem_lock)
{
	const struct exo_key trace_name = { .len = 1, .rights = EXO_R, .name = { EXO_NAME_TRACE } };
	const struct exo_frame *frame = &frames[pfn];

	if ((1u << frame->kind & KINDS_READABLE) == 0)
		return -EXO_ERIGHTS;
	if (frame->kind == EXO_FRAME_TRACE)
		return name_allows(env, key, &trace_name);
	if (frame->account == env->account)
		return 0;
	/* A u-area is seen by its own account alone, as in mapping. */
	if (frame->kind == EXO_FRAME_UAREA)
		return -EXO_ERIGHTS;
	if ((frame->flags & EXO_FRAME_PUBLIC) != 0)
		return 0;
	return frame_allows(env, key, pfn, EXO_R);
}

int
predicate_compile(const struct env *env, const struct exo_term *src, struct term *dst)
{
	const exo_pfn pfn = src->where >> EXO_PAGE_SHIFT;
	const bool table = src->where >= EXO_TABLES;
	const volatile u64 *word = NULL;
	int error;

	if (src->cmp > EXO_GE || (src->flags & ~EXO_TERM_OR) != 0 || src->spare != 0)
		return -EXO_EARG;
	if (src->where % 8 != 0)
		return -EXO_EALIGN;
	if (table)
		word = table_word(src->where);
	/* Frame 0 is the firmware's; the compiled form uses 0 for "a table". */
	if (table ? word == NULL : pfn == 0 || pfn >= frames_count)
		return -EXO_ERANGE;
	error = table ? 0 : frame_watchable(env, src->key, pfn);
	if (error != 0)
		return error;

	dst->mask = src->mask;
	dst->value = src->value;
	dst->cmp = src->cmp;
	dst->flags = src->flags;
	dst->tag = src->tag;
	dst->pfn = table ? 0 : (u32)pfn;
	if (!table) {
		frame_scrub(pfn);	/* or the predicate would read what the last owner left */
		dst->generation = frames[pfn].generation;
		word = (const volatile u64 *)frame_ptr(pfn) + src->where % EXO_PAGE_BYTES / 8;
	}
	dst->word = word;
	return 0;
}
