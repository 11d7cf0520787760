/* SPDX-License-Identifier: ISC */
/*
 * The refill pool: page tables that an environment puts at the kernel's
 * disposal, so that it lives on a bounded number of them.  Where a hit in its
 * software TLB finds no table to be bound in, the next of the pool, in the
 * order of its places, becomes one: what was bound in it goes (the software TLB
 * brings back what is touched again), and it is entered where it is missing.
 * The library is not woken.
 *
 * Nothing is chosen here: the order is the places', which the library fills.
 * A table may serve at any of the three levels.  Those that lie on the way to
 * the page are passed, so three tables are enough to get anywhere.
 *
 * A full table has 512 bindings, more than one entry may break: what is not
 * finished goes on at the next fault of the same instruction.  Its way from
 * above is broken first, so nothing new comes in meanwhile.
 *
 * Places name their tables by frame and generation and hold nothing: a table
 * that was released since is passed.  Offered frames were bound nowhere, so no
 * two environments have the same one; those who share a pooled table with
 * others take it from them at its next turn.
 */
#include "mem_priv.h"

static bool
place_usable(const struct env *env, const struct pool_place *place) REQUIRES(mem_lock)
{
	const struct exo_frame *frame = &frames[place->pfn];

	return place->pfn != 0 && frame->account == env->account &&
		frame->generation == place->generation && frame->kind >= EXO_FRAME_PT1 &&
		frame->kind <= EXO_FRAME_PT3;
}

/* Is the table one of those that lead towards va? */
static bool
on_the_way(exo_pfn root, u64 va, unsigned gap, exo_pfn table) REQUIRES(mem_lock)
{
	exo_pfn at = root;

	for (unsigned level = 4; level > gap; level--) {
		at = PTE_PFN(((const u64 *)frame_ptr(at))[pt_index(va, level)]);
		if (at == table)
			return true;
	}
	return false;
}

/* The place whose turn it is; NULL: none that will do. */
static struct pool_place *
place_next(struct env *env, u64 va, unsigned gap, struct work *work) REQUIRES(mem_lock)
{
	struct pool *pool = &env->pool;

	work->left -= WEIGHT_LOOK;
	for (unsigned n = 0; n < pool->end; n++, pool->hand++) {	/* bound: places */
		struct pool_place *place;

		if (pool->hand >= pool->end)
			pool->hand = 0;
		place = &pool->place[pool->hand];
		if (place_usable(env, place) && !on_the_way(env->root, va, gap, place->pfn))
			return place;
		work->left -= WEIGHT_LOOK / 4;
	}
	return NULL;
}

/*
 * Is what the table maps seen at place->va in that address space, and nowhere
 * else?  Those above it may have been shared or moved since it was entered.
 */
static bool
seen_there(const struct env *env, const struct pool_place *place, binding_t at)
	REQUIRES(mem_lock)
{
	return at == place->at && place->va != PT_SOMEWHERE && binding_root(at) == env->root &&
		binding_va(at) == place->va;
}

/*
 * Out of every tree that it is in.  False: not yet.  Even one without entries
 * may be on some CPU's way, which must not find it as what it becomes.
 */
static bool
table_unbind(const struct env *env, struct pool_place *place, struct work *work)
	REQUIRES(mem_lock)
{
	const struct frame_priv *priv = &frames_priv[place->pfn];

	while (frames[place->pfn].nmaps > 0) {	/* bound: the work */
		if (work->left <= 0)
			return false;
		if (seen_there(env, place, priv->first)) {
			work_flush_va(work, place->va);
		} else {
			place->va = PT_SOMEWHERE;
			work_unbind(work, priv->first);
		}
		binding_remove(priv->first);
		work->left -= WEIGHT_UNBIND;
	}
	return true;
}

static void
table_enter(struct env *env, struct pool_place *place, const struct walk *walk, u64 va)
	REQUIRES(mem_lock)
{
	struct exo_frame *frame = &frames[place->pfn];
	unsigned level = walk->gap - 1;

	if (frame->kind != EXO_FRAME_PT1 + level - 1) {
		frame->kind = (u8)(EXO_FRAME_PT1 + level - 1);
		place->generation = ++frame->generation;
	}
	place->at = BINDING(walk->table, pt_index(va, walk->gap));
	place->va = va & ~((1ull << pt_shift(walk->gap)) - 1);
	binding_insert(place->at, place->pfn, PTE_PRESENT | PTE_USER | PTE_WRITE);
	env->pool.hand++;
	envs[env->slot].stlb_refills++;
}

enum refill
pool_refill(struct env *env, u64 va, struct work *work)
{
	struct pool_place *place;
	struct walk walk;

	while (!pt_walk(&walk, env->root, va, 1)) {	/* bound: levels */
		if (!walk_mutable(&walk, env))
			return REFILL_NONE;
		place = place_next(env, va, walk.gap, work);
		if (place == NULL)
			return REFILL_NONE;
		if (!table_unbind(env, place, work) || !pt_empty(place->pfn, place->va, work)) {
			work->flush_all = true;		/* or who empties it by another way would have to */
			return REFILL_AGAIN;
		}
		/* Another CPU may be on its way through it as it was. */
		if (cpus_count > 1)
			work_flush(work);
		table_enter(env, place, &walk, va);
	}
	return REFILL_DONE;
}
