/* SPDX-License-Identifier: ISC */
/*
 * Message rings between two environments: a frame that both map, one side
 * writes messages, the other takes them out.  There is nothing of it in the
 * kernel: who waits does so by a predicate on the other's index (exo_mring_term),
 * who has put or taken something tells waiters on other processors by exo_wake_others.
 *
 * Each side believes the other no more than it must: it keeps its own index to
 * itself, reads the other's once, takes one that makes no sense for "nothing
 * there", and copies a message before looking at it.  What a peer can spoil is
 * the messages.
 */
#ifndef EXO_MRING_H
#define EXO_MRING_H

#include <stdbool.h>
#include <stdint.h>
#include <exo/types.h>

#define EXO_MRING_MESSAGES 62u

struct exo_mmsg {			/* 64 bytes */
	uint64_t word[8];
};

/* A page. */
struct exo_mring {
	uint64_t put, spare0[7];	/* messages ever written: the writer's word */
	uint64_t taken, spare1[7];	/* ... and taken: the reader's */
	struct exo_mmsg message[EXO_MRING_MESSAGES];
};
_Static_assert(sizeof(struct exo_mring) == EXO_PAGE_BYTES, "a message ring is a page");

/* One side of one, in memory of its own. */
struct exo_mring_end {
	volatile struct exo_mring *ring;
	uint64_t index;			/* ours, as it stands in the ring */
};

static inline bool
exo_mring_put(struct exo_mring_end *end, const struct exo_mmsg *message)
{
	uint64_t waiting = end->index - __atomic_load_n(&end->ring->taken, __ATOMIC_ACQUIRE);
	volatile struct exo_mmsg *to = &end->ring->message[end->index % EXO_MRING_MESSAGES];

	if (waiting >= EXO_MRING_MESSAGES)	/* full, or the reader says what cannot be */
		return false;
	for (unsigned n = 0; n < 8; n++)
		to->word[n] = message->word[n];
	__atomic_store_n(&end->ring->put, ++end->index, __ATOMIC_RELEASE);
	return true;
}

static inline bool
exo_mring_take(struct exo_mring_end *end, struct exo_mmsg *message)
{
	uint64_t there = __atomic_load_n(&end->ring->put, __ATOMIC_ACQUIRE) - end->index;
	const volatile struct exo_mmsg *from = &end->ring->message[end->index % EXO_MRING_MESSAGES];

	if (there == 0 || there > EXO_MRING_MESSAGES)
		return false;
	for (unsigned n = 0; n < 8; n++)
		message->word[n] = from->word[n];
	__atomic_store_n(&end->ring->taken, ++end->index, __ATOMIC_RELEASE);
	return true;
}

/* True when the other side has moved since: `pfn` is the ring's frame, `key` opens it for reading. */
static inline struct exo_term
exo_mring_term(const struct exo_mring_end *end, exo_pfn pfn, exo_slot key, bool writer)
{
	uint64_t offset = writer ? __builtin_offsetof(struct exo_mring, taken) : 0;

	return (struct exo_term){ .where = pfn * EXO_PAGE_BYTES + offset, .mask = ~0ull,
		.value = writer ? end->index - EXO_MRING_MESSAGES : end->index,
		.key = key, .cmp = EXO_NE };
}

#endif
