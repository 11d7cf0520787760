/* SPDX-License-Identifier: ISC */
/*
 * Frames that several have: who owns one, by claiming it or as an heir, may
 * not thereby reach what the others take for their own, nor be tricked into
 * showing what it writes there later.
 */
#include "arbiter.h"

#define PAGE EXO_PAGE_BYTES

static void
idle(uint64_t arg)
{
	(void)arg;
	for (;;)
		exo_wait_for(NULL, 0, 0, 0);
}

/* A frame of ours with a value, cloned into two children; both spaces have a table at T_VA. */
static exo_pfn
shared_frame(struct t_child *a, struct t_child *b)
{
	exo_pfn pfn = t_claim(1);

	if (!t_child(a, idle, 0, 4) || !t_child(b, idle, 0, 4))
		return 0;
	IS(t_map(T_VA, pfn, EXO_MAP_WRITE), 1);
	OK(t_write(T_VA, 0x600d));
	IS(exo_pt_clone(a->id, T_VA, 1, K_ROOT), 1);
	IS(exo_pt_clone(b->id, T_VA, 1, K_ROOT), 1);
	IS(exo_frame(pfn)->nmaps, 3);
	return pfn;
}

static int64_t
io(exo_pfn pfn, uint32_t queue)
{
	struct exo_io one = { .pfn = pfn, .bytes = 8, .done_offset = 16, .key = K_ROOT };

	return exo_io_submit(0, queue, &one, 1, K_ROOT);
}

TEST(owner_of_a_clone)
{
	struct t_child a, b;
	exo_pfn pfn = shared_frame(&a, &b);

	if (!pfn)
		return;
	ERR(t_map_op(exo_self(), T_VA, 0, EXO_OP_PROTECT | EXO_MAP_WRITE, K_ROOT, 0), BUSY);
	ERR(t_map(T_VA, pfn, EXO_MAP_WRITE), BUSY);
	ERR(t_map(T_VA + PAGE, pfn, EXO_MAP_WRITE), BUSY);
	ERR(exo_frame_mark(pfn, 1, 0, EXO_FRAME_COW, K_ROOT), ARG);
	ERR(io(pfn, 1), BUSY);
	ERR(io(pfn, 8), BUSY);
	IS(t_write(T_VA, 0xbad), T_PF(7));
	ERR(exo_frame_unbind(pfn, 10, K_ROOT), BUSY);
	/* Reading it once more is no harm. */
	IS(t_map(T_VA + PAGE, pfn, 0), 1);
	IS(t_unmap(T_VA + PAGE), 1);
	/* The last who has it, writes. */
	IS(t_map_op(a.id, T_VA, 0, EXO_OP_UNMAP, 0, K_ROOT), 1);
	ERR(t_map(T_VA, pfn, EXO_MAP_WRITE), BUSY);
	IS(t_map_op(b.id, T_VA, 0, EXO_OP_UNMAP, 0, K_ROOT), 1);
	ERR(t_map(T_VA + PAGE, pfn, EXO_MAP_WRITE), BUSY);
	IS(t_map_op(exo_self(), T_VA, 0, EXO_OP_PROTECT | EXO_MAP_WRITE, K_ROOT, 0), 1);
	OK(t_write(T_VA, 0x600d));
	/* Alone, it is a page like any other again. */
	IS(t_map(T_VA + PAGE, pfn, EXO_MAP_WRITE), 1);
	IS(t_unmap(T_VA), 1);
	IS(t_unmap(T_VA + PAGE), 1);
	t_release(pfn, 1);
	t_reap(&a);
	t_reap(&b);
}

TEST(heir_of_a_clone)
{
	struct t_child a, b;
	exo_pfn pfn = shared_frame(&a, &b);
	struct t_child *heir, *other;

	if (!pfn)
		return;
	IS(t_unmap(T_VA), 1);
	IS(exo_frame_release(pfn, 1, K_ROOT), 1);
	heir = exo_frame(pfn)->account == a.account ? &a : &b;
	other = heir == &a ? &b : &a;
	IS(exo_frame(pfn)->account, heir->account);
	ERR(t_map_op(heir->id, T_VA, 0, EXO_OP_PROTECT | EXO_MAP_WRITE, K_ROOT, K_ROOT), BUSY);
	ERR(t_map_op(heir->id, T_VA + PAGE, pfn, EXO_OP_MAP | EXO_MAP_WRITE, K_ROOT, K_ROOT), BUSY);
	ERR(t_map(T_VA, pfn, EXO_MAP_WRITE), BUSY);
	IS(t_map_op(other->id, T_VA, 0, EXO_OP_UNMAP, 0, K_ROOT), 1);
	IS(t_map_op(heir->id, T_VA, 0, EXO_OP_PROTECT | EXO_MAP_WRITE, K_ROOT, K_ROOT), 1);
	IS(exo_frame(pfn)->flags & EXO_FRAME_COW, 0);
	t_reap(&a);
	t_reap(&b);
}

/* Taking it from the others is no way either: they would find zeroes in its place. */
TEST(owner_who_lets_go)
{
	struct t_child a, b;
	exo_pfn pfn = shared_frame(&a, &b);

	if (!pfn)
		return;
	IS(exo_frame_mark(pfn, 1, 0, EXO_FRAME_HEIR, K_ROOT), 1);
	IS(t_map_op(exo_self(), T_VA, 0, EXO_OP_UNMAP | EXO_MAP_RELEASE, K_ROOT, 0), 1);
	IS(exo_frame(pfn)->nmaps, 2);
	IS(exo_frame_release(pfn, 1, K_ROOT), 1);
	IS(exo_frame(pfn)->nmaps, 1);
	IS(exo_frame_release(pfn, 1, K_ROOT), 1);
	IS(exo_frame(pfn)->kind, EXO_FRAME_FREE);
	t_reap(&a);
	t_reap(&b);
}

/* The arbiter takes it from all of them. */
TEST(clone_repossessed)
{
	struct t_child a, b;
	exo_pfn pfn = shared_frame(&a, &b);
	uint64_t deadline;

	if (!pfn)
		return;
	OK(ASK_SOON(deadline, exo_repossess(pfn, deadline, K_ROOT)));
	wait_until(deadline);
	IS(exo_repossess_take(pfn, K_ROOT), 1);
	IS(exo_frame(pfn)->nmaps, 0);
	t_reap(&a);
	t_reap(&b);
}

/* What was everybody's to read is the heir's alone: it writes there what it likes. */
TEST(heir_of_the_public)
{
	struct t_child a, b;
	exo_pfn pfn = shared_frame(&a, &b);

	if (!pfn)
		return;
	IS(exo_frame_mark(pfn, 1, EXO_FRAME_PUBLIC, 0, K_ROOT), 1);
	IS(t_map_op(exo_self(), T_VA + PAGE, pfn, EXO_OP_MAP, K_NOTHING, 0), 1);
	IS(t_unmap(T_VA + PAGE), 1);
	IS(t_unmap(T_VA), 1);
	IS(exo_frame_release(pfn, 1, K_ROOT), 1);
	CHECK(exo_frame(pfn)->account == a.account || exo_frame(pfn)->account == b.account);
	ERR(t_map_op(exo_self(), T_VA + PAGE, pfn, EXO_OP_MAP, K_NOTHING, 0), RIGHTS);
	t_reap(&a);
	t_reap(&b);
}

/* ---- who may charge an account does not reach what others keep in it ---- */

TEST(charging_is_not_reaching)
{
	exo_pfn guard_pfn = t_claim(1), pfn;
	exo_guardref guard = EXO_GUARD(guard_pfn, 0);
	struct exo_key entries[EXO_GUARD_KEYS] = { t_key(EXO_RIGHTS_ALL, "others") };
	struct exo_env_spec spec = { .slot = exo_env_find_slot(), .k_account = K_ALLOT,
		.account = ROOT_ACCOUNT };

	OK(exo_guard_create(guard, entries, K_ROOT));
	pfn = t_claim(5);
	IS(exo_frame_guard(pfn, 5, guard, K_ROOT, K_ROOT), 5);
	ERR(exo_guard_create(EXO_GUARD(pfn, 0), entries, K_ALLOT), RIGHTS);
	ERR(exo_account_create(pfn, ROOT_ACCOUNT, 0, 0, K_ALLOT, 0), RIGHTS);
	spec.env_frame = pfn;
	spec.root_frame = pfn + 1;
	spec.root_links = pfn + 2;
	spec.ring_frame = pfn + 4;
	ERR(exo_env_create(&spec), RIGHTS);
	/* What has no guard of its own is for whoever charges. */
	IS(exo_frame_guard(pfn, 5, 0, K_ROOT, 0), 5);
	OK(exo_account_create(pfn, ROOT_ACCOUNT, 0, 0, K_ALLOT, 0));
	OK(exo_guard_free(guard, K_ROOT));
	t_release(pfn, 5);
	t_release(guard_pfn, 1);
}

/* ---- a frame bound more often than one call breaks ---- */

TEST(many_bindings)
{
	exo_pfn pfn = t_claim(3);

	for (uint64_t va = T_VA; va < T_SCRATCH; va += PAGE)
		IS(t_map(va, pfn + 1, 0), 1);
	IS(exo_frame_release_all(pfn, 3, K_ROOT), 3);
	IS(t_read(T_VA, NULL), T_PF(4));
}
