/* SPDX-License-Identifier: ISC */
/*
 * The program's memory: regions say what should be where, page tables what is
 * there already; page faults bring the second up to the first.
 *
 *   VM_LOW .. VM_HIGH         the program's
 *     programs that say where (static), or VM_PIE + random; their brk behind
 *     .. VM_MAPS              mmap, downwards from a random place
 *     .. VM_HIGH              the main stack, below a random place
 *   VM_HIGH ..                the library's
 *
 * Private pages of files are bound in place, read-only, and copied when they
 * are first written.  A page is ours to write when our account owns its frame
 * and no other table binds it.
 */
#ifndef EXOS_VM_H
#define EXOS_VM_H

#include "../core/exos.h"
#include "region.h"

#define VM_LOW   0x0000000000010000ull
#define VM_PIE   0x0000555555554000ull
#define VM_MAPS  0x00007e8000000000ull
#define VM_HIGH  0x00007f0000000000ull
#define VM_STACK_BYTES (8ull << 20)

struct vm {
	struct regions regions;
	u64 maps_top;			/* mmap goes down from here */
	u64 brk_start, brk;		/* brk: as asked, not rounded */
	u64 stack_top;
};
extern struct vm vm;

u32 prot_perms(u32 prot);		/* PROT_* to EXO_MAP_* */
bool vm_room(void);			/* list entries for the next change: false, no memory */
void vm_unmap(u64 start, u64 end);
int vm_add(u64 start, u64 end, u32 prot, u32 flags);	/* anonymous, at a free place */
int vm_populate(u64 start, u64 end);	/* bring pages in: 0 or -errno */
u64 vm_resident(void);			/* pages */

#endif
