/* SPDX-License-Identifier: ISC */
/* guard_create, guard_change, guard_revoke, guard_free. */
#include "t.h"

#define FRAMES (exo_info()->frames)

static struct exo_key entries[EXO_GUARD_KEYS];

TEST(create_errors)
{
	exo_pfn pfn = t_claim(2), free_pfn = exo_frame_find(0, 1);
	struct exo_key bad[EXO_GUARD_KEYS] = { { .len = 15, .rights = EXO_R } };

	entries[0] = t_key(EXO_R, "Z");
	entries[1] = t_key(EXO_W, "Y");
	ERR(exo_guard_create(EXO_GUARD(FRAMES, 0), entries, K_ROOT), RANGE);
	ERR(exo_guard_create(~0ull, entries, K_ROOT), RANGE);
	ERR(exo_guard_create(EXO_GUARD(pfn, 0), entries, K_NONE), KEY);
	ERR(exo_guard_create(EXO_GUARD(pfn, 0), entries, K_NOTHING), RIGHTS);
	ERR(exo_guard_create(EXO_GUARD(pfn, 0), entries, K_WRITE), RIGHTS);
	ERR(exo_guard_create(EXO_GUARD(free_pfn, 0), entries, K_ROOT), KIND);
	ERR(exo_guard_create(EXO_GUARD(ROOT_ACCOUNT, 0), entries, K_ROOT), KIND);
	ERR(exo_guard_create(EXO_GUARD(pfn, 0), (void *)T_VA, K_ROOT), FAULT);
	ERR(exo_guard_create(EXO_GUARD(pfn, 0), (void *)EXO_TABLES_END, K_ROOT), FAULT);
	ERR(exo_guard_create(EXO_GUARD(pfn, 0), (void *)0xffff800000000000, K_ROOT), FAULT);
	ERR(exo_guard_create(EXO_GUARD(pfn, 0), (void *)-8, K_ROOT), FAULT);
	ERR(exo_guard_create(EXO_GUARD(pfn, 0), bad, K_ROOT), ARG);
	IS(t_map(T_VA, pfn, 0), 1);
	ERR(exo_guard_create(EXO_GUARD(pfn, 0), entries, K_ROOT), BUSY);
	IS(t_unmap(T_VA), 1);
	IS(exo_frame(pfn)->kind, EXO_FRAME_DATA);
	OK(exo_guard_create(EXO_GUARD(pfn, 5), entries, K_ALLOT));
	ERR(exo_guard_create(EXO_GUARD(pfn, 5), entries, K_ROOT), TAKEN);
	ERR(exo_frame_release(pfn, 1, K_ROOT), BUSY);
	OK(exo_guard_free(EXO_GUARD(pfn, 5), K_CONTROL));
	t_release(pfn, 2);
}

TEST(all_places)
{
	exo_pfn pfn = t_claim(1);

	entries[0] = t_key(EXO_R, "Z");
	for (unsigned place = 0; place < EXO_GUARDS_FRAME; place++)
		OK(exo_guard_create(EXO_GUARD(pfn, place), entries, K_ROOT));
	for (unsigned place = 0; place < EXO_GUARDS_FRAME; place++)
		OK(exo_guard_free(EXO_GUARD(pfn, place), K_ROOT));
	t_release(pfn, 1);
}

TEST(change)
{
	exo_pfn pfn = t_claim(2);
	exo_guardref guard = EXO_GUARD(pfn, 0);

	entries[0] = t_key(EXO_R, "Y");
	entries[1] = t_key(EXO_C, "");
	OK(exo_guard_create(guard, entries, K_ROOT));
	IS(exo_frame_guard(pfn + 1, 1, guard, K_ROOT, K_ROOT), 1);
	ERR(t_map_op(exo_self(), T_VA, pfn + 1, EXO_OP_MAP, K_NOTHING, K_ROOT), RIGHTS);
	entries[0] = t_key(EXO_R, "Z");
	ERR(exo_guard_change(guard, entries, K_NOTHING), RIGHTS);
	ERR(exo_guard_change(guard, entries, K_NONE), KEY);
	ERR(exo_guard_change(guard, entries, K_WRITE), RIGHTS);
	ERR(exo_guard_change(guard + 1, entries, K_ROOT), ABSENT);
	ERR(exo_guard_change(EXO_GUARD(FRAMES, 0), entries, K_ROOT), RANGE);
	ERR(exo_guard_change(EXO_GUARD(pfn + 1, 0), entries, K_ROOT), KIND);
	ERR(exo_guard_change(guard, (void *)T_VA, K_ROOT), FAULT);
	entries[3] = (struct exo_key){ .len = 255, .rights = 1 };
	ERR(exo_guard_change(guard, entries, K_ROOT), ARG);
	entries[3] = (struct exo_key){ .len = 0 };
	OK(exo_guard_change(guard, entries, K_CONTROL));
	IS(t_map_op(exo_self(), T_VA, pfn + 1, EXO_OP_MAP, K_NOTHING, K_ROOT), 1);
	entries[0] = t_key(EXO_R, "Y");
	OK(exo_guard_change(guard, entries, K_ROOT));
	OK(t_read(T_VA, NULL));			/* bindings outlive the change */
	IS(t_unmap(T_VA), 1);
	OK(exo_guard_free(guard, K_ROOT));
	t_release(pfn, 2);
}

TEST(revoke_and_free_errors)
{
	exo_pfn pfn = t_claim(2);
	exo_guardref guard = EXO_GUARD(pfn, 0);

	entries[0] = t_key(EXO_R, "Z");
	OK(exo_guard_create(guard, entries, K_ROOT));
	ERR(exo_guard_revoke(EXO_GUARD(FRAMES, 0), K_ROOT), RANGE);
	ERR(exo_guard_revoke(EXO_GUARD(pfn + 1, 0), K_ROOT), KIND);
	ERR(exo_guard_revoke(guard + 1, K_ROOT), ABSENT);
	ERR(exo_guard_revoke(guard, K_NONE), KEY);
	ERR(exo_guard_revoke(guard, K_NOTHING), RIGHTS);
	OK(exo_guard_revoke(guard, K_CONTROL));
	ERR(exo_guard_free(EXO_GUARD(FRAMES, 0), K_ROOT), RANGE);
	ERR(exo_guard_free(EXO_GUARD(pfn + 1, 0), K_ROOT), KIND);
	ERR(exo_guard_free(guard + 1, K_ROOT), ABSENT);
	ERR(exo_guard_free(guard, K_NONE), KEY);
	ERR(exo_guard_free(guard, K_WRITE), RIGHTS);
	OK(exo_guard_free(guard, K_ROOT));
	ERR(exo_guard_free(guard, K_ROOT), ABSENT);
	t_release(pfn, 2);
}

/* An entry that grants control lets its key's holder change the guard itself. */
TEST(guard_of_another)
{
	exo_pfn pfn = t_claim(1);
	exo_guardref guard = EXO_GUARD(pfn, 0);

	entries[0] = t_key(EXO_R | EXO_C, "Z");
	OK(exo_guard_create(guard, entries, K_ROOT));
	OK(exo_guard_revoke(guard, K_NOTHING));
	OK(exo_guard_free(guard, K_NOTHING));
	t_release(pfn, 1);
}
