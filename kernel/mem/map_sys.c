/* SPDX-License-Identifier: ISC */
/*
 * The call `map`: changes bindings of single pages by a vector.
 *
 * Each element is checked as a whole before anything of it is done.  The
 * tables that cover an address are walked once for a run of elements in the
 * same 2 MiB; nothing an element does can move a table.
 */
#include "map.h"
#include "../cap/cap.h"
#include <kernel/syscalls.h>

#define BATCH 32u			/* elements copied in at once: 768 bytes of stack */

static int
bind_io(struct mapper *map, const struct exo_map *e, u64 *entry, binding_t at) REQUIRES(mem_lock)
{
	int error = may_io(map->self, e->pfn, e->key);

	if (error)
		return error;

	if (*entry & PTE_PRESENT) {
		entry_remove(entry, at);
		changed(map, e->va);
	}
	binding_insert(at, e->pfn, pte_flags(e->op) | PTE_IO | PTE_NOCACHE);
	return 1;
}

static void
first_seen(struct mapper *map, exo_pfn pfn) REQUIRES(mem_lock)
{
	frame_scrub(pfn);
	map->work.left -= WEIGHT_SCRUB;
}

static int
bind_claim(struct mapper *map, const struct exo_map *e, u64 *entry, binding_t at)
	REQUIRES(mem_lock)
{
	int error;

	if (unlikely(e->op & EXO_MAP_COPY))
		return map_copy(map, e, entry, at);
	error = claim(map, e);
	if (error)
		return error;

	first_seen(map, e->pfn);
	rebind(map, e->va, entry, at, pte_flags(e->op) | e->pfn << EXO_PAGE_SHIFT);
	return 1;
}

/* A frame that was cloned, or that nobody has seen yet. */
static int
bind_marked(struct mapper *map, const struct exo_map *e, u64 *entry, binding_t at)
	REQUIRES(mem_lock)
{
	int error = may_write(e->pfn, e->op, *entry);

	if (error)
		return error;

	write_begun(e->pfn, e->op);
	if (frames[e->pfn].flags & EXO_FRAME_DIRTY)
		first_seen(map, e->pfn);
	rebind(map, e->va, entry, at, pte_flags(e->op) | e->pfn << EXO_PAGE_SHIFT);
	return 1;
}

/* A tag may come with what is claimed, and contents. */
static bool
tags_claim(u32 op)
{
	return (op & EXO_MAP_CLAIM) &&
		flags_make_sense(op & ~(EXO_MAP_TAG(0xff) | EXO_MAP_COPY),
			BITS_MAP | EXO_MAP_CLAIM);
}

static inline int
bind(struct mapper *map, const struct exo_map *e) REQUIRES(mem_lock)
{
	const u64 va = e->va;
	const exo_pfn pfn = e->pfn;
	const u32 op = e->op, index = pt_index(va, 1);
	binding_t at;
	u64 *entry;
	int error;

	if (!flags_make_sense(op, BITS_MAP | EXO_MAP_CLAIM | EXO_MAP_IO) && !tags_claim(op))
		return -EXO_EARG;
	if (!covered(map, va))
		return -EXO_ENOTABLE;
	if (!walk_mutable(map->walk, map->env))
		return -EXO_ERIGHTS;
	entry = &map->walk->entries[index];
	at = BINDING(map->walk->table, index);
	if ((op & (EXO_MAP_CLAIM | EXO_MAP_IO)) != 0) {
		if ((op & EXO_MAP_CLAIM) == 0)
			return bind_io(map, e, entry, at);
		return op & EXO_MAP_IO ? -EXO_EARG : bind_claim(map, e, entry, at);
	}
	error = may_map(map, pfn, op, e->key);
	if (error)
		return error;
	if (frames[pfn].flags & (EXO_FRAME_COW | EXO_FRAME_DIRTY))
		return bind_marked(map, e, entry, at);

	rebind(map, va, entry, at, pte_flags(op) | pfn << EXO_PAGE_SHIFT);
	return 1;
}

static int
unbind(struct mapper *map, const struct exo_map *e) REQUIRES(mem_lock)
{
	u64 *entry;

	if ((e->op & ~(EXO_OP_MASK | EXO_MAP_RELEASE)) != 0)
		return map_unbind_run(map, e);
	if (!covered(map, e->va))
		return 1;
	entry = &map->walk->entries[pt_index(e->va, 1)];
	if (!(*entry & PTE_PRESENT))
		return 1;
	if (!walk_mutable(map->walk, map->env))
		return -EXO_ERIGHTS;
	return unbind_page(map, e, entry, e->va);
}

static int
protect(struct mapper *map, const struct exo_map *e) REQUIRES(mem_lock)
{
	const u64 kept = e->op & EXO_MAP_CLEARAD ?
		PTE_KEPT & ~(PTE_ACCESSED | PTE_DIRTY) : PTE_KEPT;
	u64 *entry;

	if (e->op >= EXO_MAP_RUN(1))
		return map_protect_run(map, e);
	if (!flags_make_sense(e->op, BITS_MAP | EXO_MAP_CLEARAD))
		return -EXO_EARG;
	if (!covered(map, e->va))
		return -EXO_ENOTABLE;
	entry = &map->walk->entries[pt_index(e->va, 1)];
	if (!(*entry & PTE_PRESENT))
		return -EXO_EABSENT;
	if (!walk_mutable(map->walk, map->env))
		return -EXO_ERIGHTS;
	return protect_page(map, e, entry, e->va, pte_flags(e->op), kept);
}

/* 1 done, 0 not finished, or an error with nothing done (of a run: what was done stays). */
static inline int
element(struct mapper *map, const struct exo_map *e) REQUIRES(mem_lock)
{
	map->work.left -= WEIGHT_ELEMENT;
	if (e->va % EXO_PAGE_BYTES != 0)
		return -EXO_EALIGN;
	if (e->va >= EXO_USER_TOP)
		return -EXO_ERANGE;
	if (likely((e->op & EXO_OP_MASK) == EXO_OP_MAP))
		return bind(map, e);
	switch (e->op & EXO_OP_MASK) {
	case EXO_OP_UNMAP:
		return unbind(map, e);
	case EXO_OP_PROTECT:
		return protect(map, e);
	default:
		return -EXO_EARG;
	}
}

/* How many elements were done; *error says why not all of them (0: the work is used up). */
static u64
elements(struct mapper *map, const struct exo_map *batch, u64 count, int *error) REQUIRES(mem_lock)
{
	u64 done = 0;
	int result = 1;

	while (done < count && map->work.left > 0) {
		result = element(map, &batch[done]);
		work_asked(&map->work);
		if (result <= 0)
			break;
		done++;
	}
	*error = result < 0 ? result : 0;
	return done;
}

int
map_one(struct env *self, const struct exo_map *e, bool write, struct work *work)
{
	struct mapper map = { .self = self, .env = self, .walk = &self->recent.walk, .loaded = true,
		.work = *work };
	int error;

	if (covered(&map, e->va) && write && !map.walk->write)
		return -EXO_ERIGHTS;
	elements(&map, e, 1, &error);
	*work = map.work;
	return error ? error : 1;
}

static inline void
begin(struct mapper *map, struct env *env)
{
	map->env = env;
	map->walk = &env->recent.walk;
	map->work.space = env->root;
	map->loaded = env == map->self;
}

/* One element of one's own; gone: those let go of so far, which this one may want to claim. */
static u64
element_local(struct mapper *map, const struct exo_map *e, u32 *gone, int *error)
	REQUIRES(mem_lock)
{
	if (e->op == (EXO_OP_UNMAP | EXO_MAP_RELEASE) && map->work.left > 0) {
		*gone = local_let_go(map->walk, e->va, *gone, &map->work);
		return 1;
	}
	if (*gone != 0 && (e->op & EXO_MAP_CLAIM)) {
		local_free(*gone, &map->work);
		*gone = 0;
	}
	return elements(map, e, 1, error);
}

/* The first elements of one's own, as far as they need no more than one's part of the lock. */
static u64
elements_local(struct mapper *map, const struct exo_map *batch, u64 count, int *error)
{
	u64 done = 0;
	u32 gone = 0;

	*error = 0;
	local_enter(map->self);
	while (done < count && *error == 0 && map_is_local(map->self, &batch[done])) {
		if (element_local(map, &batch[done], &gone, error) == 0)
			break;		/* refused, or the work is used up */
		done++;
	}
	local_free(gone, &map->work);
	local_leave(map->self);
	return done;
}

/* The environment is looked up anew for each batch: user mode may have run in between elsewhere. */
static inline u64
reach(struct mapper *map, u64 env, exo_slot k_env, const struct exo_map *batch, u64 count,
	int *error) REQUIRES(env_lock, mem_lock)
{
	*error = env_reach(map->self, env, k_env, EXO_W, &map->env);
	if (*error != 0)
		return 0;
	begin(map, map->env);
	return elements(map, batch, count, error);
}

static u64
batch_locked(struct mapper *map, u64 env, exo_slot k_env, const struct exo_map *batch, u64 count,
	int *error)
{
	u64 done = 0;

	if (cpus_count > 1 && env == map->self->id) {
		begin(map, map->self);
		done = elements_local(map, batch, count, error);
		if (*error != 0 || done == count)
			return done;
	}
	mem_enter();
	done += reach(map, env, k_env, batch + done, count - done, error);
	/* With one CPU nobody runs before the call is over. */
	mem_leave(cpus_count > 1 ? &map->work : NULL, 0);
	return done;
}

static inline u64 NO_TSA
batch_do(struct mapper *map, u64 env, exo_slot k_env, const struct exo_map *batch, u64 count,
	int *error)
{
	if (LOCKS_NEEDED)
		return batch_locked(map, env, k_env, batch, count, error);
	guards_tested = 0;
	return reach(map, env, k_env, batch, count, error);
}

i64
sys_map(struct env *self, u64 env, u64 vec, u64 count, u64 k_env)
{
	struct mapper map = { .self = self, .work = WORK_INIT };
	struct exo_map batch[BATCH];
	u64 done = 0, did, want;
	int error;

	if (count == 0)
		return -EXO_EARG;
	do {
		want = count - done < BATCH ? count - done : BATCH;
		error = copy_from_user(batch, vec + done * sizeof *batch, want * sizeof *batch);
		if (error)
			break;
		did = batch_do(&map, env, (exo_slot)k_env, batch, want, &error);
		done += did;
	} while (did == want && done < count && map.work.left > 0);
	if (map.work.flush_all)
		arch_flush_all();
	return done || !error ? (i64)done : error;
}
