/* SPDX-License-Identifier: ISC */
/* Linux's futex call, in terms of futex.h. */
#include "futex.h"
#include "../arch/x86_64/arch.h"
#include "../core/self.h"
#include "../linux/calls.h"
#include "../linux/clocks.h"
#include "../linux/errno.h"
#include "futexop.h"

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

/* ---- waiting, with a limit -------------------------------------------------------------- */

/* With a time limit it is gone on with, not begun anew. */
static long
wait_again(struct restart *r)
{
	const struct futex_wait w = { .word = r->arg[0], .deadline = r->deadline,
		.value = (u32)r->arg[1], .bits = (u32)(r->arg[1] >> 32), .private = r->arg[2] };
	struct futex_key k;
	u32 now;
	long error = futex_key_of(w.word, w.private, &k, &now);

	if (error)
		return error;
	if (now != w.value)
		return -EAGAIN;
	error = futex_sleep(&w, &k);
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

/* ---- moving, and operations ------------------------------------------------------------------ */

static long
requeue(u64 word, u64 other, u32 count, u32 move, const u32 *expected, bool private)
{
	struct futex_key from, to;
	u32 now;
	long error, woken;

	if ((int)count < 0 || (int)move < 0)
		return -EINVAL;
	error = futex_key_to_wake(word, private, &from);
	if (!error)
		error = futex_key_to_wake(other, private, &to);
	if (error)
		return error;
	if (expected && copy_in(&now, word, sizeof(now)))
		return -EFAULT;
	if (expected && now != *expected)
		return -EAGAIN;
	woken = futex_wake_key(&from, count, FUTEX_ALL_BITS);
	if (from.file || to.file)	/* those look for themselves which word they are to wait for */
		return woken + futex_wake_key(&from, move, FUTEX_ALL_BITS);
	return woken + futex_move(&from, &to, move);
}

static long
wake_op(u64 word, u64 other, u32 count, u32 count2, u32 op, bool private)
{
	struct futex_key k, k2;
	u32 seen;
	long error = futex_key_to_wake(word, private, &k), woken;

	if (!error)
		error = futex_key_of(other, private, &k2, &seen);
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
	if (!futexop_compares(op))
		return -ENOSYS;
	woken = futex_wake_key(&k, count, FUTEX_ALL_BITS);
	return futexop_holds(op, seen) ? woken + futex_wake_key(&k2, count2, FUTEX_ALL_BITS)
				       : woken;
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
		struct futex_wait w = { .word = word, .deadline = deadline, .bits = FUTEX_ALL_BITS,
			.private = private };
		struct futex_key k;
		long error = futex_key_of(word, private, &k, &w.value);

		if (error)
			return error;
		if (try && w.value & FUTEX_TID && (w.value & FUTEX_TID) != current->tid)
			return -EAGAIN;
		error = lock_attempt(word, &w.value);
		if (error <= 0)
			return error;
		error = futex_sleep(&w, &k);
		if (error == -EAGAIN)
			continue;	/* it was another by the time that we were to wait */
		if (error)
			return error;
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
	long error = futex_key_of(word, private, &k, &seen);

	if (error)
		return error;
	for (;;) {
		bool more;
		const struct thread *t = futex_first(&k, &more);
		u32 new = t ? t->tid | (more ? FUTEX_WAITERS : 0) : 0;

		if ((seen & FUTEX_TID) != current->tid)
			return -EPERM;
		error = exos_exchange((u32 *)word, &seen, new);
		if (error < 0)
			return error;
		if (error)
			break;
	}
	futex_wake_key(&k, 1, FUTEX_ALL_BITS);
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

/* Begun anew if a signal ends it, as it has no limit. */
static long
futex_wait_private(u64 word, u32 value)
{
	const struct futex_wait w = { .word = word, .value = value, .bits = FUTEX_ALL_BITS,
		.private = true };
	struct futex_key k;
	u32 now;
	const long error = futex_key_of(word, true, &k, &now);

	return error ? error : now != value ? -EAGAIN : futex_sleep(&w, &k);
}

static long
futex_wake(u64 word, u32 count, u32 bits, bool private)
{
	struct futex_key k;
	long error = futex_key_to_wake(word, private, &k);

	return error ? error : futex_wake_key(&k, (int)count <= 0 ? 1 : count, bits);
}

static long
futex_lock(u64 word, u64 timeout, bool wall, bool private)
{
	u64 deadline;
	long error = deadline_of(timeout, true, wall, &deadline);

	return error ? error : lock_pi(word, deadline, false, private);
}

static __attribute__((noinline)) long
futex_any(long word, long how, long value, long timeout, long word2, long value3)
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

/* What threads do most, first. */
long
sys_futex(long word, long how, long value, long timeout, long word2, long value3)
{
	if ((int)how == (FUTEX_WAKE | FUTEX_PRIVATE))
		return futex_wake((u64)word, (u32)value, FUTEX_ALL_BITS, true);
	if (!timeout && ((int)how == (FUTEX_WAIT | FUTEX_PRIVATE) ||
				(((int)how & ~FUTEX_CLOCK_REALTIME) ==
						(FUTEX_WAIT_BITSET | FUTEX_PRIVATE) &&
					(u32)value3 == FUTEX_ALL_BITS)))
		return futex_wait_private((u64)word, (u32)value);
	return futex_any(word, how, value, timeout, word2, value3);
}
