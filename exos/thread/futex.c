/* SPDX-License-Identifier: ISC */
/* What futex.h says: lists, and who is on them. */
#include "futex.h"
#include "../arch/x86_64/arch.h"
#include "../core/self.h"
#include "../linux/errno.h"
#include "../fs/fs.h"
#include "../vm/vm.h"

#define BUCKETS 256u
#define NAP_NS 5000000ull

static struct bucket {
	struct thread *first, *last;
} buckets[BUCKETS];

/* ---- lists ------------------------------------------------------------------------------- */

static struct bucket *
bucket_of(const struct futex_key *k)
{
	const u64 mixed = (k->file * 0x9e3779b97f4a7c15ull) ^ (k->at * 0xff51afd7ed558ccdull);

	return &buckets[mixed >> 56];
}

static bool
same(const struct futex_key *a, const struct futex_key *b)
{
	return a->file == b->file && a->at == b->at;
}

static void
queue(struct thread *t, const struct futex_key *k, u32 bits)
{
	struct bucket *b = bucket_of(k);

	t->futex = *k;
	t->futex_bits = bits;
	t->futex_next = NULL;
	if (b->last)
		b->last->futex_next = t;
	else
		b->first = t;
	b->last = t;
}

/* The one behind `before` (NULL: the first) is in the list no more. */
static struct thread *
unlink(struct bucket *b, struct thread *before)
{
	struct thread **at = before ? &before->futex_next : &b->first, *t = *at;

	*at = t->futex_next;
	if (b->last == t)
		b->last = before;
	return t;
}

static void
unqueue(struct thread *t)
{
	struct bucket *b = bucket_of(&t->futex);
	struct thread *before = NULL;

	for (struct thread *at = b->first; at != t; at = at->futex_next)
		before = at;
	unlink(b, before);
	t->futex_bits = 0;
}

void
futex_fork_child(void)
{
	memset(buckets, 0, sizeof(buckets));
}

/* ---- words -------------------------------------------------------------------------------- */

long
futex_key_of(u64 word, bool private, struct futex_key *k, u32 *value)
{
	const struct region *r;

	*k = (struct futex_key){ 0, word };
	if (word % sizeof(u32))
		return -EINVAL;
	if (copy_in(value, word, sizeof(*value)))
		return -EFAULT;
	r = private ? NULL : regions_find(&vm.regions, word);
	if (r && r->flags & REGION_SHARED && r->ino)
		*k = (struct futex_key){ r->ino, r->offset + word - r->start };
	return 0;
}

/* Of a private word nothing is read: a wake is no fault unless it is no word of a program. */
long
futex_key_to_wake(u64 word, bool private, struct futex_key *k)
{
	u32 value;

	if (!private)
		return futex_key_of(word, false, k, &value);
	*k = (struct futex_key){ 0, word };
	return word % sizeof(u32) ? -EINVAL : word >= EXO_USER_TOP ? -EFAULT : 0;
}

/* ---- waiting -------------------------------------------------------------------------------- */

/* A private word: until a thread wakes us, who takes us off the list. */
static long
sleep_here(const struct futex_wait *w, const struct futex_key *k)
{
	int error = 0;

	queue(current, k, w->bits);
	while (current->futex_bits && !error)
		error = block_on(NULL, 0, w->deadline);
	if (!current->futex_bits)
		return 0;
	unqueue(current);
	return error;
}

/* Where the server has no room for another that waits: a wake for nothing, in a while. */
static long
nap(const struct futex_wait *w)
{
	const u64 until = clock_ns() + NAP_NS;
	const int error = block_on(NULL, 0,
		w->deadline && w->deadline < until ? w->deadline : until);

	return error == -ETIMEDOUT && !(w->deadline && clock_ns() >= w->deadline) ? 0 : error;
}

/*
 * Before the server is asked: those who talk with each other pass the slice to and
 * fro.  True: the word is another, as if we had only now come to look at it.
 */
static bool
changes_soon(const struct futex_wait *w)
{
	static struct give give;
	u32 now;

	if (!give_now(&give) || !block_give(0))
		return false;
	return give_result(&give, copy_in(&now, w->word, sizeof(now)) == 0 && now != w->value);
}

/* With the ticket in hand the word is looked at once more: from there on no wake is lost. */
static long
sleep_shared(const struct futex_wait *w, const struct futex_key *k)
{
	struct answer answer = { 0 };
	const volatile u64 *word;
	long error = 0, ticket;
	u32 now;

	if (changes_soon(w))
		return -EAGAIN;
	ticket = server_call(OP_FUTEX_WAIT, k->file, k->at, w->bits, keep_key((u32)k->file), 0,
		&answer);
	if (ticket < 0)
		return ticket == -EAGAIN ? nap(w) : -EINVAL;
	word = (const volatile u64 *)((const volatile char *)SHARED + answer.rdx);
	if (copy_in(&now, w->word, sizeof(now)))
		error = -EFAULT;
	else if (now != w->value)
		error = -EAGAIN;
	while (*word == answer.r8 && !error) {
		struct exo_term t = term_word(word, ~0ull, EXO_NE, answer.r8);

		error = block_on(&t, 1, w->deadline);
	}
	if (*word != answer.r8 || server_call(OP_FUTEX_END, (u64)ticket, answer.r8, 0, 0, 0, NULL))
		return 0;
	return error;
}

long
futex_sleep(const struct futex_wait *w, const struct futex_key *k)
{
	return k->file ? sleep_shared(w, k) : sleep_here(w, k);
}

/* ---- waking ---------------------------------------------------------------------------------- */

static u32
wake_here(const struct futex_key *k, u32 count, u32 bits)
{
	struct bucket *b = bucket_of(k);
	struct thread *before = NULL, *t = b->first;
	u32 woken = 0;

	while (t && woken < count) {
		struct thread *next = t->futex_next;

		if (same(&t->futex, k) && t->futex_bits & bits) {
			unlink(b, before);
			t->futex_bits = 0;
			thread_ready(t);
			woken++;
		} else {
			before = t;
		}
		t = next;
	}
	return woken;
}

static long
wake_shared(const struct futex_key *k, u32 count, u32 bits)
{
	const volatile u32 *waiters = &SHARED->futex_waiters[futex_group((u32)k->file, k->at)];
	long woken = 0, some;

	__atomic_thread_fence(
		__ATOMIC_SEQ_CST); /* the word was changed before; he counts, then looks at it */
	if (*waiters == 0)
		return 0;
	do {
		some = server_call(OP_FUTEX_WAKE, k->file, k->at, bits, keep_key((u32)k->file),
			count - (u32)woken, NULL);
		woken += some > 0 ? some : 0;
	} while (some == FUTEX_WAKES && woken < count);
	return woken;
}

long
futex_wake_key(const struct futex_key *k, u32 count, u32 bits)
{
	return k->file ? wake_shared(k, count, bits) : wake_here(k, count, bits);
}

long
futex_wake_word(u64 word, u32 count)
{
	struct futex_key k;
	long error = futex_key_to_wake(word, false, &k);

	return error ? error : futex_wake_key(&k, count, FUTEX_ALL_BITS);
}

/* Of those that wait for one word so many are to wait for another. */
u32
futex_move(const struct futex_key *from, const struct futex_key *to, u32 count)
{
	struct bucket *b = bucket_of(from);
	struct thread *before = NULL, *t = b->first, *end = b->last;
	u32 moved = 0;

	if (same(from, to))
		return 0;
	while (t && moved < count) {
		struct thread *next = t == end ? NULL : t->futex_next;

		if (same(&t->futex, from)) {
			unlink(b, before);
			queue(t, to, t->futex_bits);
			moved++;
		} else {
			before = t;
		}
		t = next;
	}
	return moved;
}

struct thread *
futex_first(const struct futex_key *k, bool *more)
{
	struct thread *t = bucket_of(k)->first, *other;

	while (t && !same(&t->futex, k))
		t = t->futex_next;
	other = t ? t->futex_next : NULL;
	while (other && !same(&other->futex, k))
		other = other->futex_next;
	*more = other;
	return t;
}
