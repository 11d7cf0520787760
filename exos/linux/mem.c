/* SPDX-License-Identifier: ISC */
/* Linux's memory calls, in terms of regions (vm/): mapping, unmapping, protection, brk. */
#include "../core/exos.h"
#include "../core/self.h"
#include "../fs/fs.h"
#include "../proc/rlimit.h"
#include "../vm/rewrite.h"
#include "calls.h"
#include "errno.h"
#include "memory.h"

#define MAP_SHARED 0x01
#define MAP_PRIVATE 0x02
#define MAP_SHARED_VALIDATE 0x03
#define MAP_TYPE 0x0f
#define MAP_FIXED 0x10
#define MAP_ANONYMOUS 0x20
#define MAP_32BIT 0x40
#define MAP_GROWSDOWN 0x100
#define MAP_LOCKED 0x2000
#define MAP_NORESERVE 0x4000
#define MAP_POPULATE 0x8000
#define MAP_NONBLOCK 0x10000
#define MAP_HUGETLB 0x40000
#define MAP_FIXED_NOREPLACE 0x100000
/* What a file's mapping knows; MAP_SYNC is not among it, as nothing here is persistent. */
#define MAP_KNOWN                                                                                  \
	(MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_32BIT | 0x0800 | 0x1000 | MAP_LOCKED |         \
		MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | 0x20000 | MAP_HUGETLB |              \
		MAP_GROWSDOWN | 0x7c000000)

#define PROT_ALL 7
#define PROT_SEM 0x8
#define PROT_GROWSDOWN 0x01000000
#define PROT_GROWSUP 0x02000000

int
memory_range(u64 start, u64 bytes)
{
	if (start % PAGE)
		return -EINVAL;
	if (bytes > VM_HIGH || start > VM_HIGH - PAGE_UP(bytes))
		return -ENOMEM;
	return 0;
}

static u32
implied(u32 prot)
{
	return prot & PROT_READ && CRED->personality & PERSONA_READ_EXEC ? prot | PROT_EXEC : prot;
}

/* ---- mmap --------------------------------------------------------------------------------- */

/* What the descriptor allows, into the region. */
static int
of_file(int fd, u32 how, u64 offset, struct region *r)
{
	u32 type = how & MAP_TYPE;
	struct mappable m;
	int error;

	if (type == MAP_SHARED_VALIDATE && how & ~(u32)MAP_KNOWN)
		return -EOPNOTSUPP;
	error = fd_mappable(fd, &m);
	if (error && error != -ENODEV)
		return error;
	if (type != MAP_PRIVATE && r->prot & PROT_WRITE && !m.written)
		return -EACCES;
	if (error)
		return error;
	if (how & MAP_GROWSDOWN)
		return -EINVAL;
	if (type != MAP_PRIVATE && m.sealed && r->prot & PROT_WRITE)
		return -EPERM;
	if (type != MAP_PRIVATE && (!m.written || m.sealed))
		r->flags |= REGION_READONLY;
	if (m.zeroes)
		return 0;
	r->ino = m.ino;
	r->dir = m.dir;
	r->offset = offset;
	return 0;
}

static int
region_flags(int fd, u32 how, u64 offset, struct region *r)
{
	u32 type = how & MAP_TYPE;

	r->flags = type == MAP_PRIVATE ? 0 : REGION_SHARED;
	if (!(how & MAP_ANONYMOUS)) {
		if (type == 0 || type > MAP_SHARED_VALIDATE)
			return -EINVAL;
		return of_file(fd, how, offset, r);
	}
	if (type != MAP_PRIVATE && type != MAP_SHARED)
		return -EINVAL;
	if (how & MAP_GROWSDOWN && type == MAP_SHARED)
		return -EINVAL;
	r->flags |= how & MAP_GROWSDOWN ? REGION_GROWSDOWN : 0;
	return 0;
}

/* May there be so much more?  What a fixed mapping replaces does not count. */
static int
room_for(const struct region *r, u64 at, u64 bytes, u32 how)
{
	u64 replaced = how & MAP_FIXED ? vm_covered(at, at + bytes) : 0;
	int error;

	if (r->flags & REGION_LOCKED) {
		error = vm_lock_limit(bytes);
		if (error)
			return error == -ENOMEM ? -EAGAIN : error;
	}
	return vm_limits(bytes - replaced, r->prot, r->flags);
}

static int
place_fixed(u64 at, u64 bytes, u32 how)
{
	if (at > VM_HIGH - bytes || at % PAGE)
		return at % PAGE && at <= VM_HIGH - bytes ? -EINVAL : -ENOMEM;
	if (how & MAP_FIXED_NOREPLACE && regions_overlap(&vm.regions, at, at + bytes))
		return -EEXIST;
	return 0;
}

/* Memory to be shared is a file without a name: whoever has it finds the same pages. */
static int
enter_shared(struct region *r, u64 bytes)
{
	const bool reserved = !(r->flags & REGION_NORESERVE);
	long ino = -ENOMEM;
	int error;

	if (!reserved || bytes / PAGE <= SHARED->memory_frames)
		ino = fs_nameless(bytes, 0600, FS_SEAL_SEAL);
	if (ino < 0)
		return -ENOMEM;
	r->ino = (u32)ino;
	r->offset = 0;
	r->file_bytes = bytes;
	r->flags |= REGION_NAMELESS;
	error = vm_enter(r);
	fs_unhold((u32)ino);
	return error;
}

static long
map(u64 at, u64 bytes, u32 how, int fd, u64 offset, struct region *r)
{
	u32 place = (how & MAP_FIXED ? VM_FIXED : 0) | (how & MAP_32BIT ? VM_LOW_2G : 0);
	int error = bytes > VM_HIGH ? -ENOMEM : 0;

	if (error == 0 && how & MAP_FIXED)
		error = place_fixed(at, bytes, how);
	if (error == 0)
		error = region_flags(fd, how, offset, r);
	r->flags |= vm.lock_all | (how & MAP_LOCKED ? REGION_LOCKED : 0) |
		(how & MAP_NORESERVE ? REGION_NORESERVE : 0);
	if (error == 0)
		error = room_for(r, at, bytes, how);
	if (error == 0)
		error = vm_place(at, bytes, place, &r->start);
	r->end = r->start + bytes;
	r->file_bytes = r->ino ? bytes : 0;
	if (error)
		return error;
	return r->flags & REGION_SHARED && !r->ino ? enter_shared(r, bytes) : vm_enter(r);
}

long
sys_mmap(long addr, long length, long may, long options, long fd, long at)
{
	u64 bytes = PAGE_UP((u64)length), offset = (u64)at;
	u32 how = (u32)options;
	struct region r = { .prot = implied((u32)may & PROT_ALL) };
	long error;

	if (offset % PAGE)
		return -EINVAL;
	if (how &
		MAP_HUGETLB) /* there are no huge pages, as on a Linux where none were set aside */
		return how & MAP_ANONYMOUS ? -ENOMEM : -EINVAL;
	if (!(how & MAP_ANONYMOUS) && fd_get((int)fd) == NULL)
		return -EBADF;
	if (length == 0)
		return -EINVAL;
	if (bytes == 0)
		return -ENOMEM;
	if (offset + bytes < offset)
		return -EOVERFLOW;
	if (how & MAP_FIXED_NOREPLACE)
		how |= MAP_FIXED;
	error = map((u64)addr, bytes, how, (int)fd, offset, &r);
	if (error)
		return error;
	if (r.flags & REGION_LOCKED || (how & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE)
		vm_populate(r.start, r.end);
	return (long)r.start;
}

long
sys_munmap(long addr, long bytes)
{
	if (memory_range((u64)addr, (u64)bytes) || bytes == 0)
		return -EINVAL;
	return vm_unmap((u64)addr, (u64)addr + PAGE_UP((u64)bytes));
}

/* ---- mprotect -------------------------------------------------------------------------------- */

/* The part of one region. */
static int
protect_part(const struct region *r, u64 start, u64 end, u32 prot)
{
	if (prot & PROT_WRITE && r->flags & REGION_READONLY)
		return -EACCES;
	if (prot == r->prot)
		return 0;
	if (vm_limits(end - start, prot, r->flags) && !vm_limits(end - start, r->prot, r->flags))
		return -ENOMEM; /* it becomes data */
	if (rewrite_change(r, start, end, false))
		return -ENOMEM;
	return vm_protect(start, end, prot);
}

/* Region by region: what comes before a gap, or what is refused, is changed. */
static int
protect(u64 start, u64 end, u32 prot)
{
	for (u64 stop; start < end; start = stop) {
		const struct region *r = memory_part(start, end, &stop);
		int error = r ? protect_part(r, start, stop, prot) : -ENOMEM;

		if (error)
			return error;
	}
	return 0;
}

long
sys_mprotect(long addr, long bytes, long may)
{
	const u32 grows = (u32)may & (PROT_GROWSDOWN | PROT_GROWSUP), prot = (u32)may & ~grows;
	u64 start = (u64)addr, end = start + PAGE_UP((u64)bytes);
	const struct region *r;

	if (grows == (PROT_GROWSDOWN | PROT_GROWSUP) || start % PAGE)
		return -EINVAL;
	if (bytes == 0)
		return 0;
	if (end <= start)
		return -ENOMEM;
	if (prot & ~(u32)(PROT_ALL | PROT_SEM))
		return -EINVAL;
	r = regions_after(&vm.regions, start);
	if (r == NULL || (!grows && r->start > start) || r->start >= end)
		return -ENOMEM;
	if (grows & PROT_GROWSUP || (grows && !(r->flags & REGION_GROWSDOWN)))
		return -EINVAL;
	return protect(grows ? r->start : start, end, implied(prot & PROT_ALL));
}

/* There are no keys to protect by but the one that all pages have. */
long
sys_pkey_mprotect(long addr, long bytes, long may, long key)
{
	return (int)key == -1 || key == 0 ? sys_mprotect(addr, bytes, may) : -EINVAL;
}

/* rights: two bits.  There are no keys to be had. */
long
sys_pkey_alloc(long flags, long rights)
{
	return flags || rights & ~3l ? -EINVAL : -ENOSPC;
}

/* ---- brk ---------------------------------------------------------------------------------------- */

static bool
brk_grow(u64 from, u64 to)
{
	struct region r = { .start = from,
		.end = to,
		.prot = PROT_READ | PROT_WRITE,
		.flags = vm.lock_all };

	if (to > vm.maps_top || regions_overlap(&vm.regions, from, to + PAGE) ||
		vm_limits(to - from, r.prot, r.flags) ||
		(r.flags & REGION_LOCKED && vm_lock_limit(to - from)) || vm_enter(&r))
		return false;
	if (r.flags & REGION_LOCKED)
		vm_populate(from, to);
	return true;
}

long
sys_brk(long addr)
{
	u64 want = (u64)addr, old_end = PAGE_UP(vm.brk), new_end = PAGE_UP(want);
	u64 limit = limit_soft(LIMIT_DATA);

	if (want < vm.brk_start || want > VM_HIGH)
		return (long)vm.brk;
	if (limit != LIMIT_NONE && want - vm.brk_start + vm.data_bytes > limit)
		return (long)vm.brk;
	if (new_end < old_end && vm_unmap(new_end, old_end))
		return (long)vm.brk;
	if (new_end > old_end && !brk_grow(old_end, new_end))
		return (long)vm.brk;
	vm.brk = want;
	return (long)want;
}
