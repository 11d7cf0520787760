/* SPDX-License-Identifier: ISC */
/*
 * Where memory is to come from: there is one node, number 0.  What holds
 * anyway, the default, can be asked for; other policies are refused, as by a
 * Linux that knows none of them, since nobody would keep them.
 */
#include "../core/exos.h"
#include "../core/self.h"
#include "../vm/vm.h"
#include "calls.h"
#include "errno.h"

#define NODES 1u			/* bits of a mask that mean something */
#define MASK_BITS (PAGE * 8)		/* most that a mask may have */

enum { MPOL_DEFAULT };
enum { MPOL_F_NODE = 1, MPOL_F_ADDR = 2, MPOL_F_MEMS_ALLOWED = 4 };
enum { MPOL_MF_STRICT = 1, MPOL_MF_MOVE = 2, MPOL_MF_MOVE_ALL = 4 };

/* Is a node named?  1, 0 or -errno.  The last bit of a count is not looked at: so Linux reads it. */
static long
nodes_named(u64 mask, u64 bits)
{
	u64 word, any = 0;

	if (bits <= 1 || mask == 0)
		return 0;
	if (bits - 1 > MASK_BITS)
		return -EINVAL;
	for (u64 at = 0; at < bits - 1; at += 64) {
		if (copy_in(&word, mask + at / 8, sizeof(word)))
			return -EFAULT;
		any |= bits - 1 - at < 64 ? word & ((1ull << (bits - 1 - at)) - 1) : word;
	}
	return any != 0;
}

/* 0: the default, which names no nodes. */
static long
policy_check(long mode, u64 mask, u64 bits)
{
	long named;

	if ((int)mode != MPOL_DEFAULT)
		return -EINVAL;
	named = nodes_named(mask, bits);
	return named > 0 ? -EINVAL : named;
}

long
sys_set_mempolicy(long mode, long mask, long bits)
{
	return policy_check(mode, (u64)mask, (u64)bits);
}

long
sys_mbind(long addr, long bytes, long mode, long mask, long bits, long flags)
{
	const u64 start = (u64)addr, end = start + PAGE_UP((u64)bytes);
	long error = policy_check(mode, (u64)mask, (u64)bits);

	if (error)
		return error;
	if ((u32)flags & ~(u32)(MPOL_MF_STRICT | MPOL_MF_MOVE | MPOL_MF_MOVE_ALL))
		return -EINVAL;
	if ((u32)flags & MPOL_MF_MOVE_ALL && !(CRED->effective >> CAP_SYS_NICE & 1))
		return -EPERM;
	if (start % PAGE || end < start)
		return -EINVAL;
	return start == end || regions_overlap(&vm.regions, start, end) ? 0 : -EFAULT;
}

/* As many words as the bits asked for begin: all nodes are in the first. */
static long
mask_out(u64 mask, u64 bits, u64 nodes)
{
	static const u64 none;
	const u64 words = (bits - 1 + 63) / 64;

	if (words * 8 > PAGE)
		return -EINVAL;
	for (u64 n = 0; n < words; n++)
		if (copy_out(mask + n * 8, n ? &none : &nodes, sizeof(nodes)))
			return -EFAULT;
	return 0;
}

long
sys_get_mempolicy(long mode, long mask, long bits, long addr, long flags)
{
	static const int zero;		/* the default policy, and the only node */
	const u64 what = (u64)flags;

	if (mask && (u64)bits < NODES)
		return -EINVAL;
	if (what & ~(u64)(MPOL_F_NODE | MPOL_F_ADDR | MPOL_F_MEMS_ALLOWED) ||
		(what & MPOL_F_MEMS_ALLOWED && what & (MPOL_F_NODE | MPOL_F_ADDR)))
		return -EINVAL;
	if (what & MPOL_F_ADDR) {
		if (regions_find(&vm.regions, (u64)addr) == NULL)
			return -EFAULT;
	} else if (!(what & MPOL_F_MEMS_ALLOWED) && (addr || what & MPOL_F_NODE)) {
		return -EINVAL;
	}
	if (mode && copy_out((u64)mode, &zero, sizeof(zero)))
		return -EFAULT;
	return mask ? mask_out((u64)mask, (u64)bits, what & MPOL_F_MEMS_ALLOWED ? 1 : 0) : 0;
}
