/* SPDX-License-Identifier: ISC */
/* Calls on guards. */
#include "cap.h"
#include "cap_priv.h"
#include "../core/remote.h"
#include "../env/env.h"
#include "../mem/mem.h"
#include <kernel/syscalls.h>

static int
copy_entries(struct exo_key entry[EXO_GUARD_KEYS], u64 __user keys)
{
	int error = copy_from_user(entry, keys, sizeof *entry * EXO_GUARD_KEYS);

	if (error)
		return error;
	for (unsigned n = 0; n < EXO_GUARD_KEYS; n++)
		if (!key_valid(&entry[n]))
			return -EXO_EARG;
	return 0;
}

/* May a guard be made there?  The frame is a guard frame with that place free, or can become one. */
static int
may_create(struct env *self, exo_guardref ref, exo_slot key) REQUIRES(mem_lock)
{
	exo_pfn pfn = ref / EXO_GUARDS_FRAME;
	struct exo_frame *frame = frame_at(pfn);
	struct guard *guard;
	int error;

	if (frame == NULL)
		return -EXO_ERANGE;
	if (frame->account == 0)
		return -EXO_EKIND;
	error = account_allows(self, key, frame->account, EXO_A);
	if (error)
		return error;
	if (frame->kind != EXO_FRAME_GUARD)
		return frame_usable_by(self, key, pfn, frame->account);
	return guard_find(ref, &guard) == 0 ? -EXO_ETAKEN : 0;
}

static int
create(struct env *self, exo_guardref ref, const struct exo_key *entry, exo_slot key)
	REQUIRES(env_lock, mem_lock)
{
	exo_pfn pfn = ref / EXO_GUARDS_FRAME;
	int error = may_create(self, ref, key);
	struct guard *guard;

	if (error)
		return error;

	if (frames[pfn].kind != EXO_FRAME_GUARD)
		frame_type(pfn, EXO_FRAME_GUARD, 0);
	guard = (struct guard *)frame_ptr(pfn) + ref % EXO_GUARDS_FRAME;
	*guard = (struct guard){ .serial = guard_serial_draw() };
	guard->generation = guard_serial_draw();
	memcpy(guard->entry, entry, sizeof guard->entry);
	frames_priv[pfn].used++;
	return 0;
}

i64
sys_guard_create(struct env *self, u64 guard, u64 keys, u64 key)
{
	struct exo_key entry[EXO_GUARD_KEYS];
	int error = copy_entries(entry, keys);

	if (error)
		return error;
	cap_enter();
	return cap_leave(create(self, guard, entry, (exo_slot)key));
}

/* The guard, if the key opens it for control, or the account that owns its frame. */
static int
control(struct env *self, exo_guardref ref, exo_slot key, struct guard **guard) REQUIRES(mem_lock)
{
	int error = guard_find(ref, guard);

	if (error)
		return error;
	error = guard_allows(self, key, ref, (*guard)->serial, EXO_C);
	if (error && account_allows(self, key, frames[ref / EXO_GUARDS_FRAME].account, EXO_C) == 0)
		return 0;
	return error;
}

i64
sys_guard_change(struct env *self, u64 guard, u64 keys, u64 key)
{
	struct exo_key entry[EXO_GUARD_KEYS];
	struct guard *g;
	int error = copy_entries(entry, keys);

	if (error)
		return error;
	cap_enter();
	error = control(self, guard, (exo_slot)key, &g);
	if (error)
		return cap_leave(error);

	memcpy(g->entry, entry, sizeof g->entry);
	grant_forget();
	return cap_leave(0);
}

i64
sys_guard_revoke(struct env *self, u64 guard, u64 key)
{
	struct guard *g;
	int error;

	cap_enter();
	error = control(self, guard, (exo_slot)key, &g);
	if (error)
		return cap_leave(error);

	g->generation = guard_serial_draw();
	grant_forget();
	g->readers = 0;
	g->writers = 0;
	cpus_wake();
	return cap_leave(0);
}

i64
sys_guard_free(struct env *self, u64 guard, u64 key)
{
	struct guard *g;
	int error;

	cap_enter();
	error = control(self, guard, (exo_slot)key, &g);
	if (error)
		return cap_leave(error);

	*g = (struct guard){ .serial = 0 };
	grant_forget();
	frames_priv[guard / EXO_GUARDS_FRAME].used--;
	return cap_leave(0);
}
