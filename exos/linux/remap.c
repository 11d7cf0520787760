/* SPDX-License-Identifier: ISC */
/* mremap: mappings of all kinds grow, shrink and move with what is in them. */
#include "../core/exos.h"
#include "../core/frames.h"
#include "../vm/pack.h"
#include "../vm/rewrite.h"
#include "../vm/vm.h"
#include "calls.h"
#include "errno.h"
#include "memory.h"

#define MREMAP_MAYMOVE 1u
#define MREMAP_FIXED 2u
#define MREMAP_DONTUNMAP 4u
#define MREMAP_ALL (MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP)

#define OWN_RW (EXO_MAP_READ | EXO_MAP_WRITE)

struct remap {
	u64 start, bytes;		/* what there is */
	u64 to, want;			/* where it is to be, and how long */
	u32 how;
};

/* ---- pages --------------------------------------------------------------------------- */

/* The file's own frame, as the file has it now: at the new place it is found again by a fault. */
static bool
is_files(const struct region *r, u64 va)
{
	exo_slot key;

	return r->ino && va - r->start < r->file_bytes &&
		fs_frame(r->ino, (r->offset + (va - r->start)) / PAGE, &key) ==
		EXO_PTE_PFN(page_entry(va));
}

static int
page_copy(u64 from, u64 to, const struct region *r)
{
	int error = page_map_new(to, OWN_RW | EXO_MAP_TAG(EXO_TAG_ANONYMOUS));

	if (error)
		return error;
	page_protect(from, EXO_MAP_READ | EXO_MAP_COW);
	memcpy((void *)to, (const void *)from, PAGE);
	return r->prot & PROT_WRITE && !(r->prot & PROT_EXEC)
		? 0
		: page_protect(to, prot_perms(r->prot));
}

/* One page to a new place: the frame itself when it is ours, else a copy. */
static int
page_move(const struct region *r, u64 from, u64 to)
{
	u64 entry = page_entry(from);
	u32 soft = EXO_PTE_SOFT(entry) << EXO_MAP_SOFT_SHIFT;
	u32 perms = prot_perms(r->prot) & ~(entry & EXO_PTE_WRITE ? 0 : EXO_MAP_WRITE);
	struct exo_map gone = { .va = from, .op = EXO_OP_UNMAP, .key = KEY_SELF };
	int error = 0;

	if (!is_files(r, from)) {
		if (exo_frame(EXO_PTE_PFN(entry))->account == own_account())
			error = page_map(to, EXO_PTE_PFN(entry), perms | soft, KEY_SELF);
		else
			error = page_copy(from, to, r);
	}
	if (error == 0)
		exo_map(UAREA->env, &gone, 1, KEY_SELF);
	return error;
}

static int
pages_move(const struct region *r, u64 from, u64 to, u64 bytes)
{
	u64 end = from + bytes;

	for (u64 at = from; (at = exo_pte_next(at, end, 1)) < end; at += PAGE) {
		int error = page_move(r, at, to + (at - from));

		if (error)
			return error;
	}
	return 0;
}

/* ---- regions ---------------------------------------------------------------------------- */

/* What the region would be at the new place. */
static struct region
moved(const struct region *r, const struct remap *m)
{
	struct region new = *r;
	u64 skipped = m->start - r->start;

	new.start = m->to;
	new.end = m->to + m->want;
	if (new.ino == 0)
		return new;
	new.offset += skipped;
	if (r->file_bytes == r->end - r->start) /* a file's pages go on, past its end, too */
		new.file_bytes = m->want;
	else
		new.file_bytes = skipped < r->file_bytes ? r->file_bytes - skipped : 0;
	if (new.file_bytes > m->want)
		new.file_bytes = m->want;
	if (new.file_bytes == 0)
		new.ino = 0;
	return new;
}

/* From here on what was there is not complete any more. */
static long
move(const struct remap *m, const struct region *new)
{
	const struct region old = *regions_find(&vm.regions, m->start);
	u64 bytes = m->bytes < m->want ? m->bytes : m->want;
	int error;

	if (rewrite_change(&old, m->start, m->start + m->bytes, false))
		return -ENOMEM;
	pack_hold();
	pack_stay(true);
	error = pack_bring_all(m->start, m->start + bytes) || vm_enter(new) ? -ENOMEM : 0;
	if (error == 0 && pages_move(&old, m->start, m->to, bytes)) {
		exos_log("out of memory in mremap");
		exos_die(9, "out of memory");
	}
	spare_move(m->start, bytes, m->to);	/* taken just now */
	pack_stay(false);
	pack_release();
	if (error)
		return error;
	if (m->how & MREMAP_DONTUNMAP)
		vm_flag(m->start, m->start + m->bytes, 0, REGION_LOCKED);
	else if (vm_unmap(m->start, m->start + m->bytes))
		return -ENOMEM; /* too many regions: it is mapped twice, and empty where it was */
	if (new->flags & REGION_LOCKED)
		vm_populate(new->start, new->end);
	return (long)m->to;
}

/* The region that is to be changed, if it may be: 0 or -errno. */
static int
resizable(const struct remap *m)
{
	const struct region *r = regions_find(&vm.regions, m->start);

	if (r == NULL || m->bytes > r->end - m->start)
		return -EFAULT;
	if (m->bytes == 0 && !(r->flags & REGION_SHARED))
		return -EINVAL;
	if (m->bytes == m->want)
		return 0;
	if (r->ino && r->offset + (m->start - r->start) + m->want < m->want)
		return -EINVAL;
	if (m->want < m->bytes)
		return 0;
	if (r->flags & REGION_LOCKED && vm_lock_limit(m->want - m->bytes))
		return -EAGAIN;
	return vm_limits(m->want - m->bytes, r->prot, r->flags);
}

/* In place, where nothing is behind it. */
static bool
extend(const struct remap *m)
{
	const struct region *r = regions_find(&vm.regions, m->start);
	u64 end = m->start + m->want;
	struct region more;

	if (r->end != m->start + m->bytes || end > VM_HIGH ||
		regions_overlap(&vm.regions, r->end, end))
		return false;
	more = *r;
	more.start = r->end;
	more.end = end;
	more.offset += r->ino ? r->end - r->start : 0;
	more.file_bytes = r->file_bytes == r->end - r->start ? more.end - more.start : 0;
	if (r->ino == 0 || more.file_bytes == 0)
		more.ino = more.file_bytes = more.offset = 0;
	if (vm_enter(&more))
		return false;
	if (more.flags & REGION_LOCKED)
		vm_populate(more.start, more.end);
	return true;
}

/* ---- the call ------------------------------------------------------------------------------- */

static long
somewhere(struct remap *m)
{
	int error = vm_place(m->how & MREMAP_DONTUNMAP ? m->to : 0, m->want, 0, &m->to);
	struct region new;

	if (error)
		return error;
	new = moved(regions_find(&vm.regions, m->start), m);
	return move(m, &new);
}

static bool
place_ok(const struct remap *m)
{
	if (m->to % PAGE || m->want > VM_HIGH || m->to > VM_HIGH - m->want)
		return false;
	return m->start >= m->to + m->want || m->to >= m->start + m->bytes;
}

/* To a place that was named, or for DONTUNMAP perhaps hinted at. */
static long
elsewhere(struct remap *m)
{
	struct remap kept = *m;
	const struct region *r;
	struct region new;
	int error;

	kept.bytes = m->bytes < m->want ? m->bytes : m->want;
	error = resizable(&kept);
	if (error)
		return error;
	if (vm.regions.count + 2 >= VM_REGIONS_MAX - 3)
		return -ENOMEM;
	if (m->how & MREMAP_FIXED) {
		error = vm_place(m->to, m->want, VM_FIXED, &m->to);
		if (error)
			return error;
	}
	if (m->bytes > m->want) {
		error = vm_unmap(m->start + m->want, m->start + m->bytes);
		if (error)
			return error;
		m->bytes = m->want;
	}
	r = regions_find(&vm.regions, m->start);
	if (r == NULL)
		return -EFAULT; /* of no length, it lay where it was to go */
	if (m->how & MREMAP_DONTUNMAP && vm_limits(m->want, r->prot, r->flags))
		return -ENOMEM;
	if (!(m->how & MREMAP_FIXED))
		return somewhere(m);
	new = moved(r, m);
	return move(m, &new);
}

long
sys_mremap(long addr, long old_bytes, long new_bytes, long flags, long to)
{
	struct remap m = { .start = (u64)addr,
		.bytes = PAGE_UP((u64)old_bytes),
		.want = PAGE_UP((u64)new_bytes),
		.to = (u64)to,
		.how = (u32)flags };
	int error;

	if ((u64)flags & ~(u64)MREMAP_ALL || (m.how & MREMAP_FIXED && !(m.how & MREMAP_MAYMOVE)) ||
		(m.how & MREMAP_DONTUNMAP && (!(m.how & MREMAP_MAYMOVE) || m.bytes != m.want)) ||
		m.start % PAGE || m.want == 0)
		return -EINVAL;
	if (m.how & (MREMAP_FIXED | MREMAP_DONTUNMAP) && !place_ok(&m))
		return -EINVAL;
	if (regions_find(&vm.regions, m.start) == NULL)
		return -EFAULT;
	if (m.how & (MREMAP_FIXED | MREMAP_DONTUNMAP))
		return elsewhere(&m);
	if (m.bytes >= m.want) {
		error = 0;
		if (m.bytes > m.want)
			error = memory_range(m.start + m.want, m.bytes - m.want) ?
				-EINVAL : vm_unmap(m.start + m.want, m.start + m.bytes);
		return error ? error : addr;
	}
	error = resizable(&m);
	if (error)
		return error;
	if (m.bytes && extend(&m))
		return addr;
	return m.how & MREMAP_MAYMOVE ? somewhere(&m) : -ENOMEM;
}

/* Kept for programs of old; Linux, too, makes it a mapping of its own. */
long
sys_remap_file_pages(long addr, long length, long prot, long page, long flags)
{
	u64 start = PAGE_DOWN((u64)addr), bytes = PAGE_DOWN((u64)length), offset = (u64)page * PAGE;
	const struct region *r;
	struct region new;

	(void)flags;
	if (prot || start + bytes <= start || offset / PAGE != (u64)page || offset + bytes < offset)
		return -EINVAL;
	r = regions_find(&vm.regions, start);
	if (r == NULL || !(r->flags & REGION_SHARED) || r->ino == 0 ||
		!regions_cover(&vm.regions, start, start + bytes))
		return -EINVAL;
	new = *r;
	new.offset = offset;
	new.file_bytes = bytes;
	new.start = start;
	new.end = start + bytes;
	if (fs_hold(new.ino))
		return -ENOMEM;
	if (vm_unmap(start, start + bytes) == 0 && vm_enter(&new) == 0)
		vm_populate(start, start + bytes);
	fs_unhold(new.ino);
	return 0;
}
