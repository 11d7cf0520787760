/* SPDX-License-Identifier: ISC */
/*
 * Page tables and the reverse map.
 *
 * A binding is a present user entry of a page table of any level; its target
 * is a frame or a table one level down.  For every frame we know all its
 * bindings without allocating anything: frame_priv.first names one, and when
 * there are two or more they form a list through the companions of the tables
 * they lie in (two LINKS frames a table, 16 bytes an entry).
 *
 * Invariant: the links of an entry mean something only while its target has
 * nmaps >= 2; so private pages never touch them, and they need no scrubbing.
 *
 * Tables are typed by level, so a tree of them has no loops however they are
 * shared.  Device memory has no frame: its entries carry PTE_IO instead.
 */
#include "mem_priv.h"

struct link {
	binding_t next, prev;		/* 0: the end */
};

u64 walks_epoch = 1;			/* no environment begins with what holds */

static struct link *
link_at(binding_t at) REQUIRES(mem_lock)
{
	exo_pfn companions = frames_priv[BINDING_TABLE(at)].aux;

	return (struct link *)frame_ptr(companions + BINDING_INDEX(at) / 256) +
		BINDING_INDEX(at) % 256;
}

static u64 *
entry_at(binding_t at) REQUIRES(mem_lock)
{
	return (u64 *)frame_ptr(BINDING_TABLE(at)) + BINDING_INDEX(at);
}

void
reverse_insert(exo_pfn target, binding_t at)
{
	struct frame_priv *priv = &frames_priv[target];
	u32 others = frames[target].nmaps++;

	if (others > 0) {
		struct link *first = link_at(priv->first);

		*link_at(at) = (struct link){ .next = priv->first, .prev = 0 };
		first->prev = at;
		if (others == 1)		/* its links were never written */
			first->next = 0;
	}
	priv->first = at;
}

void
reverse_remove(exo_pfn target, binding_t at)
{
	struct frame_priv *priv = &frames_priv[target];
	struct link link = { .next = 0, .prev = 0 };

	must(frames[target].nmaps > 0);
	if (frames[target].nmaps-- > 1)
		link = *link_at(at);
	if (link.prev)
		link_at(link.prev)->next = link.next;
	else
		priv->first = link.next;
	if (link.next)
		link_at(link.next)->prev = link.prev;
}

u32
binding_root(binding_t at)
{
	exo_pfn table = BINDING_TABLE(at);

	while (frames[table].kind != EXO_FRAME_ROOT) {	/* bound: levels */
		if (frames[table].nmaps != 1)
			return frames[table].nmaps == 0 ? 0 : ROOT_ANY;
		table = BINDING_TABLE(frames_priv[table].first);
	}
	return (u32)table;
}

static void
upper_changed(binding_t at) REQUIRES(mem_lock)
{
	if (frames[BINDING_TABLE(at)].kind != EXO_FRAME_PT1)
		walks_epoch++;
}

void
binding_insert(binding_t at, exo_pfn target, u64 pte)
{
	u64 *entry = entry_at(at);

	debug_must(!(*entry & PTE_PRESENT));
	*entry = (pte & ~PTE_ADDRESS) | target << EXO_PAGE_SHIFT;
	upper_changed(at);
	frames_priv[BINDING_TABLE(at)].used++;
	if (!(pte & PTE_IO))
		reverse_insert(target, at);
}

void
binding_remove(binding_t at)
{
	u64 *entry = entry_at(at), pte = *entry;

	must(pte & PTE_PRESENT);
	*entry = 0;
	upper_changed(at);
	frames_priv[BINDING_TABLE(at)].used--;
	if (!(pte & PTE_IO))
		reverse_remove(PTE_PFN(pte), at);
}

binding_t
binding_next(exo_pfn target, binding_t at, binding_t previous)
{
	if (frames[target].nmaps < 2)
		return 0;
	must(link_at(at)->prev == previous);
	return link_at(at)->next;
}

bool
pt_walk(struct walk *walk, exo_pfn root, u64 va, unsigned level)
{
	exo_pfn table = root;
	u64 entry, write = PTE_WRITE;
	unsigned shift = pt_shift(4), at;
	bool shared = false;

	for (at = 4; at > level; at--, shift -= 9) {
		entry = ((u64 *)frame_ptr(table))[va >> shift & (PT_ENTRIES - 1)];
		if (!(entry & PTE_PRESENT))
			break;
		write &= entry;
		table = PTE_PFN(entry);
		shared |= frames[table].nmaps > 1;
	}
	walk->table = table;
	walk->entries = frame_ptr(table);
	walk->write = write != 0;
	walk->shared = shared;
	walk->gap = at > level ? at : 0;
	return at == level;
}

bool
pt_walk_anew(struct env *env, u64 va)
{
	struct recent *recent = &env->recent;

	recent->epoch = 0;
	if (!pt_walk(&recent->walk, env->root, va, 1))
		return false;
	recent->epoch = walks_epoch;
	recent->region = va >> pt_shift(2);
	return true;
}

u64 *
pt_entry(exo_pfn root, u64 va, unsigned level, binding_t *at)
{
	struct walk walk;

	if (!pt_walk(&walk, root, va, level))
		return NULL;
	*at = BINDING(walk.table, pt_index(va, level));
	return walk.entries + pt_index(va, level);
}

/* Eight entries at a time: most tables are nearly empty, and fork and reaping go through all of them. */
unsigned
pt_next(const u64 *entries, unsigned from, unsigned end)
{
	for (; from % 8 != 0 && from < end; from++)
		if (entries[from] & PTE_PRESENT)
			return from;
	for (; from + 8 <= end; from += 8) {
		const u64 *e = entries + from;

		if ((e[0] | e[1] | e[2] | e[3] | e[4] | e[5] | e[6] | e[7]) & PTE_PRESENT)
			break;
	}
	for (; from < end; from++)
		if (entries[from] & PTE_PRESENT)
			return from;
	return end;
}

static void
companions_type(exo_pfn links, exo_pfn table) REQUIRES(mem_lock)
{
	frame_type(links, EXO_FRAME_LINKS, (u32)table);
	frame_type(links + 1, EXO_FRAME_LINKS, (u32)table);
}

int
pt_makeable(const struct env *self, exo_slot key, exo_pfn account, exo_pfn table, exo_pfn links)
{
	int error = frame_usable_by(self, key, table, account);

	if (error == 0)
		error = frame_usable_by(self, key, links, account);
	if (error == 0)
		error = frame_usable_by(self, key, links + 1, account);
	if (error)
		return error;
	return table == links || table == links + 1 ? -EXO_EARG : 0;
}

void
pt_make(unsigned level, exo_pfn table, exo_pfn links)
{
	frame_type(table, (enum exo_frame_kind)(EXO_FRAME_PT1 + level - 1), (u32)links);
	companions_type(links, table);
}

void
pt_attach(binding_t at, unsigned level, exo_pfn table, exo_pfn links, bool write)
{
	pt_make(level, table, links);
	binding_insert(at, table, PTE_PRESENT | PTE_USER | (write ? PTE_WRITE : 0));
}

void
root_init(exo_pfn root, exo_pfn links, exo_pfn env_frame)
{
	frame_type(root, EXO_FRAME_ROOT, (u32)links);
	companions_type(links, root);
	frames_priv[root].env = (u32)env_frame;
	frames_priv[env_frame].used++;
	arch_root_fill(frame_ptr(root), root);
}

bool
pt_empty(exo_pfn table, u64 va, struct work *work)
{
	const u64 *entries = frame_ptr(table);
	bool pages = frames[table].kind == EXO_FRAME_PT1 && va != PT_SOMEWHERE;
	unsigned at = 0;

	while (frames_priv[table].used > 0) {	/* bound: the work */
		if (work->left <= 0)
			return false;
		at = pt_next(entries, at, PT_ENTRIES);
		if (!pages)
			work_unbind(work, BINDING(table, at));
		binding_remove(BINDING(table, at));
		if (pages)
			work_flush_va(work, va + at * EXO_PAGE_BYTES);
		work->left -= WEIGHT_UNBIND;
	}
	return true;
}

void
pt_free(exo_pfn table)
{
	exo_pfn links = frames_priv[table].aux;

	must(frames_priv[table].used == 0);
	frame_free(links);
	frame_free(links + 1);
	frame_free(table);
}

bool
pt_release(exo_pfn table, struct work *work)
{
	if (!pt_empty(table, PT_SOMEWHERE, work))
		return false;
	pt_free(table);
	return true;
}

bool
release_step(exo_pfn pfn, binding_t last, struct work *work)
{
	binding_t at = frames_priv[pfn].first;
	exo_pfn owner = frames[pfn].account, heir = owner;

	if (at == last && frames[pfn].nmaps > 1)
		at = link_at(at)->next;
	if (at != last) {
		heir = frames[BINDING_TABLE(at)].account;
		if (heir == owner || !(frames[pfn].flags & (EXO_FRAME_HEIR | EXO_FRAME_COW))) {
			work_unbind(work, at);
			binding_remove(at);
			return false;
		}
	}
	if (last)			/* the caller sees to what knew that one */
		binding_remove(last);
	if (heir != owner)
		frame_pass(pfn, heir);
	else
		frame_free(pfn);
	return true;
}
