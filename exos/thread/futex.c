/* SPDX-License-Identifier: ISC */
/* What futex.h says, and the Linux call. */
#include "futex.h"
#include "../arch/x86_64/arch.h"
#include "../core/self.h"
#include "../linux/calls.h"
#include "../linux/clocks.h"
#include "../linux/errno.h"
#include "../vm/vm.h"
#include "futexop.h"

#define BUCKETS 256u

static struct bucket {
	struct thread *first, *last;
} buckets[BUCKETS];

enum {
	FUTEX_WAIT,
	FUTEX_WAKE,
	FUTEX_REQUEUE = 3,
	FUTEX_CMP_REQUEUE,
	FUTEX_WAKE_OP,
	FUTEX_LOCK_PI,
	FUTEX_UNLOCK_PI,
	FUTEX_TRYLOCK_PI,
	FUTEX_WAIT_BITSET,
	FUTEX_WAKE_BITSET,
	FUTEX_LOCK_PI2 = 13
};
#define FUTEX_PRIVATE 128
#define FUTEX_CLOCK_REALTIME 256
#define FUTEX_COMMAND 127

/* ---- lists ------------------------------------------------------------------------------- */

static struct bucket *
bucket_of(const struct futex_key *k)
{
	const u64 mixed = (k->frame * 0x9e3779b97f4a7c15ull) ^ (k->at * 0xff51afd7ed558ccdull);

	return &buckets[mixed >> 56];
}

static bool
same(const struct futex_key *a, const struct futex_key *b)
{
	return a->frame == b->frame && a->at == b->at;
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

/* Brings the page in: a shared word's frame is its name. */
static long
key_of(u64 word, bool private, struct futex_key *k, u32 *value)
{
	const struct region *r;

	*k = (struct futex_key){ 0, word };
	if (word % sizeof(u32))
		return -EINVAL;
	if (copy_in(value, word, sizeof(*value)))
		return -EFAULT;
	r = private ? NULL : regions_find(&vm.regions, word);
	if (r && r->flags & REGION_SHARED)
		*k = (struct futex_key){ page_pfn((const void *)word), word % EXO_PAGE_BYTES };
	return 0;
}

/* Where nothing is read: a wake is no fault unless its word is none. */
static long
key_to_wake(u64 word, bool private, struct futex_key *k)
{
	u32 value;
	long error = key_of(word, private, k, &value);

	if (error == -EFAULT && private && word < EXO_USER_TOP)
		return 0;
	return error;
}

/* ---- waiting -------------------------------------------------------------------------------- */

struct wait {
	u64 word, deadline;
	u32 value, bits;
	bool private;
};

static bool
changed(const struct wait *w)
{
	u32 now;

	return copy_in(&now, w->word, sizeof(now)) || now != w->value;
}

/* Until it was woken: 0.  A word that others share may have changed without a wake to be seen here. */
static long
sleep(const struct wait *w, const struct futex_key *k)
{
	int error = 0;

	queue(current, k, w->bits);
	while (current->futex_bits && !error) {
		struct exo_term t = term_word(&SHARED->changes, ~0ull, EXO_NE, SHARED->changes);

		if (k->frame && same(k, &current->futex) && changed(w))
			break;
		error = block_on(&t, k->frame ? 1 : 0, w->deadline);
	}
	if (!current->futex_bits)
		return 0;
	unqueue(current);
	return error;
}

/* With a time limit it is gone on with, not begun anew. */
static long
wait_again(struct restart *r)
{
	const struct wait w = { .word = r->arg[0], .deadline = r->deadline,
		.value = (u32)r->arg[1], .bits = (u32)(r->arg[1] >> 32), .private = r->arg[2] };
	struct futex_key k;
	u32 now;
	long error = key_of(w.word, w.private, &k, &now);

	if (error)
		return error;
	if (now != w.value)
		return -EAGAIN;
	error = sleep(&w, &k);
	return error == -EINTR && w.deadline ? restart_from(r) : error;
}

/* From a timespec of the program's, 0: none.  The time of day, or a while, or the clock. */
static long
deadline_of(u64 user, bool absolute, bool wall, u64 *deadline)
{
	struct linux_timespec t;

	*deadline = 0;
	if (!user)
		return 0;
	if (copy_in(&t, user, sizeof(t)))
		return -EFAULT;
	if (!timespec_ok(&t))
		return -EINVAL;
	*deadline = timespec_ns(&t);
	if (!absolute)
		*deadline += clock_ns();
	else if (wall)
		*deadline -= *deadline < SHARED->wall_offset_ns ? *deadline
								: SHARED->wall_offset_ns;
	*deadline += *deadline == 0;	/* before the machine began */
	return 0;
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
wake(const struct futex_key *k, u32 count, u32 bits)
{
	u32 woken = wake_here(k, count, bits);

	if (k->frame && woken < count)
		server_call(OP_CHANGED, 0, 0, 0, 0, 0, NULL);
	return woken;
}

long
futex_wake_word(u64 word, u32 count)
{
	struct futex_key k;
	long error = key_to_wake(word, false, &k);

	return error ? error : wake(&k, count, FUTEX_ALL_BITS);
}

/* Of those that wait for one word so many are to wait for another. */
static u32
move_here(const struct futex_key *from, const struct futex_key *to, u32 count)
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

static long
requeue(u64 word, u64 other, u32 count, u32 move, const u32 *expected, bool private)
{
	struct futex_key from, to;
	u32 now;
	long error, woken;

	if ((int)count < 0 || (int)move < 0)
		return -EINVAL;
	error = key_to_wake(word, private, &from);
	if (!error)
		error = key_to_wake(other, private, &to);
	if (error)
		return error;
	if (expected && copy_in(&now, word, sizeof(now)))
		return -EFAULT;
	if (expected && now != *expected)
		return -EAGAIN;
	woken = wake(&from, count, FUTEX_ALL_BITS);
	if (from.frame && move)		/* others look for themselves */
		server_call(OP_CHANGED, 0, 0, 0, 0, 0, NULL);
	return woken + move_here(&from, &to, move);
}

static long
wake_op(u64 word, u64 other, u32 count, u32 count2, u32 op, bool private)
{
	struct futex_key k, k2;
	u32 seen;
	long error = key_to_wake(word, private, &k), woken;

	if (!error)
		error = key_of(other, private, &k2, &seen);
	while (!error) {
		u32 new;

		if (!futexop_apply(op, seen, &new))
			return -ENOSYS;
		error = exos_exchange((u32 *)other, &seen, new);
		if (error == 1)
			break;
	}
	if (error < 0)
		return error;
	woken = wake(&k, count, FUTEX_ALL_BITS);
	return futexop_holds(op, seen) ? woken + wake(&k2, count2, FUTEX_ALL_BITS) : woken;
}

/* ---- locks that know their owner --------------------------------------------------------------- */

static bool
alive(u32 tid)
{
	const struct thread *t = thread_find(tid);

	return t ? t->state != THREAD_ENDED : proc_find(tid) != NULL;
}

/* One attempt: 0: it is ours; 1: wait, *seen is in the word then. */
static long
lock_attempt(u64 word, u32 *seen)
{
	for (;;) {
		const u32 owner = *seen & FUTEX_TID;
		u32 new = owner ? *seen | FUTEX_WAITERS
				: current->tid | (*seen & (FUTEX_WAITERS | FUTEX_OWNER_DIED));
		long done;

		if (owner == current->tid)
			return -EDEADLK;
		if (owner && !alive(owner))
			return -ESRCH;
		done = exos_exchange((u32 *)word, seen, new);
		if (done < 0)
			return done;
		if (done) {
			*seen = new;
			return owner != 0;
		}
	}
}

static long
lock_pi(u64 word, u64 deadline, bool try, bool private)
{
	for (;;) {
		struct wait w = { .word = word, .deadline = deadline, .bits = FUTEX_ALL_BITS,
			.private = private };
		struct futex_key k;
		long error = key_of(word, private, &k, &w.value);

		if (error)
			return error;
		if (try && w.value & FUTEX_TID && (w.value & FUTEX_TID) != current->tid)
			return -EAGAIN;
		error = lock_attempt(word, &w.value);
		if (error <= 0)
			return error;
		error = sleep(&w, &k);
		if (error)
			return error == -EINTR ? -EINTR : error;
		if (copy_in(&w.value, word, sizeof(w.value)))
			return -EFAULT;
		if ((w.value & FUTEX_TID) == current->tid)
			return 0;	/* it was handed over */
	}
}

/* To the first that waits here; those of other processes look for themselves. */
static long
unlock_pi(u64 word, bool private)
{
	struct futex_key k;
	u32 seen;
	long error = key_of(word, private, &k, &seen);

	if (error)
		return error;
	for (;;) {
		struct thread *t = bucket_of(&k)->first;
		u32 more = 0, new;

		while (t && !same(&t->futex, &k))
			t = t->futex_next;
		for (struct thread *o = t ? t->futex_next : NULL; o && !more; o = o->futex_next)
			more = same(&o->futex, &k) ? FUTEX_WAITERS : 0;
		if ((seen & FUTEX_TID) != current->tid)
			return -EPERM;
		new = t ? t->tid | (k.frame ? FUTEX_WAITERS : more) : 0;
		error = exos_exchange((u32 *)word, &seen, new);
		if (error < 0)
			return error;
		if (error)
			break;
	}
	wake(&k, 1, FUTEX_ALL_BITS);
	return 0;
}

/* ---- the call ------------------------------------------------------------------------------------ */

static long
futex_wait(u64 word, u32 value, u64 timeout, u32 bits, bool absolute, bool wall, bool private)
{
	struct restart r = { .again = wait_again,
		.arg = { word, value | (u64)bits << 32, private } };
	long error = deadline_of(timeout, absolute, wall, &r.deadline);

	return error ? error : wait_again(&r);
}

static long
futex_wake(u64 word, u32 count, u32 bits, bool private)
{
	struct futex_key k;
	long error = key_to_wake(word, private, &k);

	return error ? error : wake(&k, (int)count <= 0 ? 1 : count, bits);
}

static long
futex_lock(u64 word, u64 timeout, bool wall, bool private)
{
	u64 deadline;
	long error = deadline_of(timeout, true, wall, &deadline);

	return error ? error : lock_pi(word, deadline, false, private);
}

long
sys_futex(long word, long how, long value, long timeout, long word2, long value3)
{
	const int command = (int)how & FUTEX_COMMAND;
	const bool private = how & FUTEX_PRIVATE, wall = how & FUTEX_CLOCK_REALTIME;
	const u32 count = (u32)value, count2 = (u32)timeout, third = (u32)value3;
	const u64 at = (u64)word, other = (u64)word2;

	if (wall && command != FUTEX_WAIT_BITSET && command != FUTEX_LOCK_PI2)
		return -ENOSYS;
	if ((command == FUTEX_WAIT_BITSET || command == FUTEX_WAKE_BITSET) && third == 0)
		return -EINVAL;
	switch (command) {
	case FUTEX_WAIT: return futex_wait(at, count, (u64)timeout, FUTEX_ALL_BITS, false, false,
		private);
	case FUTEX_WAIT_BITSET: return futex_wait(at, count, (u64)timeout, third, true, wall,
		private);
	case FUTEX_WAKE: return futex_wake(at, count, FUTEX_ALL_BITS, private);
	case FUTEX_WAKE_BITSET: return futex_wake(at, count, third, private);
	case FUTEX_REQUEUE: return requeue(at, other, count, count2, NULL, private);
	case FUTEX_CMP_REQUEUE: return requeue(at, other, count, count2, &third, private);
	case FUTEX_WAKE_OP: return wake_op(at, other, count, count2, third, private);
	case FUTEX_LOCK_PI: return futex_lock(at, (u64)timeout, true, private);
	case FUTEX_LOCK_PI2: return futex_lock(at, (u64)timeout, wall, private);
	case FUTEX_TRYLOCK_PI: return lock_pi(at, 0, true, private);
	case FUTEX_UNLOCK_PI: return unlock_pi(at, private);
	default: return -ENOSYS;
	}
}
