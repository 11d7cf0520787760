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
 * and no other table binds it.  Without any right (PROT_NONE) a page that is
 * there is bound hidden.
 */
#ifndef EXOS_VM_H
#define EXOS_VM_H

#include "../core/exos.h"
#include "region.h"

#define VM_LOW   0x0000000000010000ull
#define VM_PIE   0x0000555555554000ull
#define VM_MAPS  0x00007e8000000000ull
#define VM_HIGH  0x00007f0000000000ull
#define VM_STACK_BEGUN (33 * PAGE)	/* of the stack, before it grows */
#define VM_REGIONS_MAX 65530u		/* as Linux's vm.max_map_count */

struct vm {
	struct regions regions;
	u64 maps_top;			/* mmap goes down from here */
	u64 brk_start, brk;		/* brk: as asked, not rounded */
	u64 data_bytes;			/* the program file's writable part: counts for RLIMIT_DATA */
	u64 stack_top;
	u32 lock_all;			/* REGION_LOCKED: what is mapped from now on is locked */
};
extern struct vm vm;

/* Of a process that was asked for by personality(2). */
#define PERSONA_NO_RANDOM 0x0040000u
#define PERSONA_READ_EXEC 0x0400000u	/* what can be read can be executed */
u64 vm_random(u64 bytes);		/* a page-aligned offset below `bytes`, a power of two */

u32 prot_perms(u32 prot);		/* PROT_* to EXO_MAP_* */
/* Change the list and the pages behind it.  0, or -ENOMEM: too many regions, or no memory for the list. */
int vm_unmap(u64 start, u64 end);
int vm_protect(u64 start, u64 end, u32 prot);
int vm_flag(u64 start, u64 end, u32 set, u32 clear);
int vm_enter(const struct region *r);	/* at a free place; holds its file */
#define VM_FIXED  1u			/* what is there goes */
#define VM_LOW_2G 2u			/* where 32 bits reach */
/* A free place of that size; hint 0: none.  0, -ENOMEM, -EINVAL, -EPERM. */
int vm_place(u64 hint, u64 bytes, u32 how, u64 *where);
int vm_map(u64 hint, u64 bytes, u32 how, struct region *r);	/* place and enter */
void vm_set_brk(u64 start, u64 data_bytes);	/* behind the program, with as much writable data */

/* Bring in every page, for such an access, or for what the region allows: 0, -ENOMEM, -EFAULT. */
int vm_populate_for(u64 start, u64 end, bool write);
int vm_populate(u64 start, u64 end);
bool vm_present(u64 va);
/* This page, readable, is this process's alone, bound with those rights: 0 or -errno. */
int vm_own(u64 va, u32 perms);
bool vm_owns(exo_pfn pfn);		/* ours, and bound nowhere else */
bool vm_writes(u32 ino);			/* may a mapping of it be written? */
void vm_fork_child(void);		/* regions that fork leaves out go */

/* ---- list.c: what /proc/PID/maps and smaps tell ---- */
struct vm_entry {
	u64 start, end, offset;
	u32 prot, flags;		/* PROT_*, REGION_* */
	u32 ino, dir;			/* 0: no file; dir 0: not known where it is found */
	const char
		*name; /* "[heap]" and the like, "/dev/zero (deleted)"; NULL: the file's, or none */
	u64 resident, dirty, shared, anonymous;	/* pages of it, when asked for */
};
struct vm_list {			/* list.c's */
	struct vm vm;			/* of another: a copy */
	u32 account, at, budget;
	u64 last;
	bool other;
};
/* Of this process, or of the one that is looked at (proc/look.h): 0 or -EFAULT. */
int vm_list_begin(struct vm_list *l, const volatile struct sh_proc *p);
/* The next one, in order; false: there are no more. */
bool vm_entry(struct vm_list *l, bool pages, struct vm_entry *e);

/* ---- count.c: what there is, in pages ---- */
struct vm_count {
	u64 total, locked;
	u64 data, stack, exec;		/* private and writable; growing; executable and not writable */
	u64 resident, shared;		/* shared: resident pages that are others' or a file's */
	u64 tables;
};
void vm_count(struct vm_count *c, bool pages);	/* pages: walk the page tables, too */
u64 vm_resident(void);
/* May that much more be mapped (RLIMIT_AS, RLIMIT_DATA, all there is)?  0 or -ENOMEM. */
int vm_limits(u64 bytes, u32 prot, u32 flags);
int vm_lock_limit(u64 bytes);		/* RLIMIT_MEMLOCK: 0, -EPERM: none at all, -ENOMEM */
u64 vm_covered(u64 start, u64 end);	/* bytes of it that are mapped */

#endif
