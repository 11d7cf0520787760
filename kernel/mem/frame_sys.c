/* SPDX-License-Identifier: ISC */
/* Calls on frames. */
#include "mem_priv.h"
#include "../cap/cap.h"
#include <kernel/syscalls.h>

/* 0, or why pfn .. pfn + count - 1 is no range of frames. */
static int
range_check(u64 pfn, u64 count)
{
	if (count == 0)
		return -EXO_EARG;
	return pfn >= frames_count || count > frames_count - pfn ? -EXO_ERANGE : 0;
}

static int
may_claim(struct env *self, exo_pfn account, exo_guardref guard, exo_slot k_account,
	exo_slot k_guard) REQUIRES(mem_lock)
{
	int error;

	if (account >= frames_count)
		return -EXO_ERANGE;
	if (frames[account].kind != EXO_FRAME_ACCOUNT)
		return -EXO_EKIND;
	error = account_allows(self, k_account, account, EXO_A);
	return error || guard == 0 ? error : guard_usable(self, guard, k_guard);
}

/* 0, or why nobody can claim it now. */
static inline int
may_take(exo_pfn pfn) REQUIRES(mem_lock)
{
	enum exo_frame_kind kind = frames[pfn].kind;

	if (kind == EXO_FRAME_FREE)
		return 0;
	return kind == EXO_FRAME_KERNEL || kind == EXO_FRAME_ABSENT ? -EXO_EKIND : -EXO_ETAKEN;
}

static i64
claim(exo_pfn pfn, u64 count, exo_pfn account, exo_guardref guard, struct work *work)
	REQUIRES(mem_lock)
{
	u64 serial = guard ? guard_at(guard)->serial : 0, done;
	int error;

	for (done = 0; done < count && work->left > 0; done++, work->left -= WEIGHT_ELEMENT) {
		error = may_take(pfn + done);
		if (error == 0)
			error = account_room(account_of(account), 1);
		if (error)
			return done ? (i64)done : error;

		must(freemap_take(pfn + done));
		frame_taken(pfn + done, account, guard, serial);
	}
	return (i64)done;
}

i64
sys_frame_claim(struct env *self, u64 pfn, u64 count, u64 account, u64 guard, u64 k_account,
	u64 k_guard)
{
	struct work work = WORK_INIT;
	int error = range_check(pfn, count);

	if (error)
		return error;
	mem_enter();
	error = may_claim(self, account, guard, (exo_slot)k_account, (exo_slot)k_guard);
	if (error)
		return mem_leave(&work, error);

	return mem_leave(&work, claim(pfn, count, account, guard, &work));
}

/* What the kernel keeps in it must have ended. */
static int
may_free_typed(exo_pfn pfn) REQUIRES(mem_lock)
{
	const struct account *account;

	switch (frames[pfn].kind) {
	case EXO_FRAME_PT1:
	case EXO_FRAME_PT2:
	case EXO_FRAME_PT3:
		if (frames[pfn].nmaps > 0)
			return -EXO_EBUSY;
		break;
	case EXO_FRAME_REGION:
	case EXO_FRAME_ENV:
	case EXO_FRAME_ROOT:
	case EXO_FRAME_RING:
	case EXO_FRAME_UAREA:
	case EXO_FRAME_ACT:
		break;			/* an environment's: reap_one knows whether it is dead */
	case EXO_FRAME_GUARD:
		if (frames_priv[pfn].used > 0)
			return -EXO_EBUSY;
		break;
	case EXO_FRAME_ACCOUNT:
		account = account_of(pfn);
		if (account->used > 0 || account->children > 0)
			return -EXO_EBUSY;
		break;
	default:
		return -EXO_EKIND;
	}
	return 0;
}

/* 0, or why a frame is not to be freed now, whoever asks. */
static inline int
may_free(exo_pfn pfn) REQUIRES(mem_lock)
{
	int error = frames[pfn].kind == EXO_FRAME_DATA ? 0 : may_free_typed(pfn);

	return error || frames[pfn].pins == 0 ? error : -EXO_EBUSY;
}

static bool
frame_of_env(exo_pfn pfn) REQUIRES(mem_lock)
{
	const enum exo_frame_kind kind = frames[pfn].kind;

	return kind == EXO_FRAME_ENV || kind == EXO_FRAME_ROOT || kind == EXO_FRAME_RING ||
		kind == EXO_FRAME_UAREA || kind == EXO_FRAME_ACT;
}

/* Of a table, an environment, or what is bound. */
static int
release_bound(exo_pfn pfn, struct work *work) REQUIRES(env_lock, mem_lock)
{
	if (frames[pfn].kind >= EXO_FRAME_PT1 && frames[pfn].kind <= EXO_FRAME_PT3)
		return pt_release(pfn, work);
	if (frame_of_env(pfn))
		return reap_one(pfn, work);
	while (work->left > 0) {		/* bound: bindings, as far as the work goes */
		work->left -= WEIGHT_UNBIND;
		if (release_step(pfn, 0, work))
			return 1;
	}
	return 0;
}

/* 1 done, 0 the work of this call is used up, or an error. */
static inline int
release_one(struct env *self, exo_pfn pfn, exo_slot key, struct work *work)
	REQUIRES(env_lock, mem_lock)
{
	int error = frame_control(self, pfn, key);

	work_asked(work);
	if (likely(error == 0))
		error = may_free(pfn);
	if (error)
		return error;

	if (frames[pfn].kind != EXO_FRAME_DATA || frames[pfn].nmaps != 0)
		return release_bound(pfn, work);
	frame_drop(pfn);
	return 1;
}

i64
sys_frame_release(struct env *self, u64 pfn, u64 count, u64 key)
{
	struct work work = WORK_INIT;
	int result = range_check(pfn, count);
	u64 done = 0;

	if (result)
		return result;
	mem_enter();
	while (done < count && work.left > 0) {
		result = release_one(self, pfn + done, (exo_slot)key, &work);
		if (result <= 0)
			break;
		work.left -= WEIGHT_ELEMENT;
		done++;
	}
	return mem_leave(&work, done ? (i64)done : result);
}

i64
sys_frame_guard(struct env *self, u64 pfn, u64 count, u64 guard, u64 key, u64 k_guard)
{
	struct work work = WORK_INIT;
	int error = range_check(pfn, count);
	u64 done, serial;

	if (error)
		return error;
	mem_enter();
	error = guard_usable(self, guard, (exo_slot)k_guard);
	if (error)
		return mem_leave(&work, error);
	serial = guard ? guard_at(guard)->serial : 0;
	for (done = 0; done < count && work.left > 0; done++, work.left -= WEIGHT_ELEMENT) {
		error = frame_control(self, pfn + done, (exo_slot)key);
		work_asked(&work);
		if (error)
			return mem_leave(&work, done ? (i64)done : error);

		frames[pfn + done].guard = guard;
		frames[pfn + done].guard_serial = serial;
	}
	return mem_leave(&work, (i64)done);
}

/*
 * A guarantee is the owner's to give to as many frames as its account may have
 * that cannot be taken, and not once they were asked for; the arbiter's beyond
 * that.  Kinds that are not taken have it already.
 */
static int
may_fix(const struct env *self, exo_pfn pfn, exo_slot key) REQUIRES(mem_lock)
{
	const struct account *account;
	int error;

	if (arbiter_allows(self, key, pfn) == 0)
		return 0;
	error = frame_control(self, pfn, key);
	if (error)
		return error;
	if (frames[pfn].flags & EXO_FRAME_ASKED)
		return -EXO_EBUSY;
	account = account_of(frames[pfn].account);
	return frame_fixed(pfn) || account->fixed < account->fixed_limit ? 0 : -EXO_EQUOTA;
}

/* HEIR is a promise about data; PUBLIC about what can be mapped or shared at all. */
static int
may_mark(struct env *self, exo_pfn pfn, u64 set, u64 clear, exo_slot key) REQUIRES(mem_lock)
{
	enum exo_frame_kind kind = frames[pfn].kind;
	bool shareable = kind == EXO_FRAME_DATA || kind == EXO_FRAME_GUARD ||
		kind == EXO_FRAME_ACCOUNT || (kind >= EXO_FRAME_PT1 && kind <= EXO_FRAME_PT3);
	bool fixes = (set & EXO_FRAME_FIXED) != 0;
	int error = fixes ? may_fix(self, pfn, key) : 0;

	if (error == 0 && (!fixes || ((set | clear) & ~(u64)EXO_FRAME_FIXED) != 0))
		error = frame_control(self, pfn, key);
	if (error)
		return error;
	if (frames[pfn].account == 0 || (fixes && kind == EXO_FRAME_LOST))
		return -EXO_EKIND;
	if ((set & EXO_FRAME_HEIR) && kind != EXO_FRAME_DATA)
		return -EXO_EKIND;
	return (set & EXO_FRAME_PUBLIC) && !shareable ? -EXO_EKIND : 0;
}

static void
mark(exo_pfn pfn, u64 set, u64 clear) REQUIRES(mem_lock)
{
	struct account *account = account_of(frames[pfn].account);

	account->fixed -= frame_fixed(pfn);
	frames[pfn].flags = (u8)((frames[pfn].flags & ~clear) | set);
	frames[pfn].tag = (u8)((frames[pfn].tag & ~(clear >> 8)) | set >> 8);
	account->fixed += frame_fixed(pfn);
}

i64
sys_frame_mark(struct env *self, u64 pfn, u64 count, u64 set, u64 clear, u64 key)
{
	const u64 known = EXO_FRAME_PUBLIC | EXO_FRAME_HEIR | EXO_FRAME_FIXED | EXO_FRAME_TAG_ALL;
	struct work work = WORK_INIT;
	int error = range_check(pfn, count);
	u64 done;

	if (error)
		return error;
	if (((set | clear) & ~known) != 0 || (set & clear) != 0)
		return -EXO_EARG;
	mem_enter();
	for (done = 0; done < count && work.left > 0; done++, work.left -= WEIGHT_ELEMENT) {
		error = may_mark(self, pfn + done, set, clear, (exo_slot)key);
		work_asked(&work);
		if (error)
			return mem_leave(&work, done ? (i64)done : error);

		mark(pfn + done, set, clear);
	}
	return mem_leave(&work, (i64)done);
}

i64
sys_frame_unbind(struct env *self, u64 pfn, u64 max, u64 key)
{
	struct work work = WORK_INIT;
	int error = range_check(pfn, 1);
	u64 done;

	if (error)
		return error;
	if (max == 0)
		return -EXO_EARG;
	mem_enter();
	error = frame_control(self, pfn, (exo_slot)key);
	/* Each of those who have a clone takes it for its own: it is not the owner's to take from them. */
	if (error == 0 && frame_cloned(pfn))
		error = -EXO_EBUSY;
	if (error)
		return mem_leave(&work, error);

	for (done = 0; done < max && frames[pfn].nmaps > 0 && work.left > 0; done++) {
		work_unbind(&work, frames_priv[pfn].first);
		binding_remove(frames_priv[pfn].first);
		work.left -= WEIGHT_UNBIND;
	}
	return mem_leave(&work, (i64)done);
}
