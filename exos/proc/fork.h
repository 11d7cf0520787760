/* SPDX-License-Identifier: ISC */
/* A child's address space, as fork builds it: its tables, and pages cloned and copied (forkpages.c). */
#ifndef EXOS_PROC_FORK_H
#define EXOS_PROC_FORK_H

#include "../core/frames.h"
#include "../vm/vm.h"

#define BATCH 32u /* pages made at a time */
#define TABLES 16u
#define RW (EXO_MAP_READ | EXO_MAP_WRITE)
#define SPAN 0x200000ull /* what one page table covers */
#define HERE(offset) ((u64)AT(char, offset))

extern char exos_data[] __attribute__((visibility("hidden")));
extern char exos_memory_end[] __attribute__((visibility("hidden")));

struct child {
	u32 pid;
	u32 exit_signal;
	bool vforked;
	exo_envid env;
	exo_pfn account;
	exo_pfn uarea, comm, public;
	u64 table[TABLES]; /* those installed most recently: address of what they cover | level */
	unsigned next;
	u64 fs;
	u64 parked; /* where its first prologue finds its context */
};

int child_tables(struct child *c, u64 va, unsigned lowest);
int child_shared_tables(struct child *c);
int child_clone(struct child *c, u64 start, u64 end);
int child_pages(struct child *c, u64 va, unsigned count, u32 more, exo_pfn *pfn);
int child_copy(struct child *c, u64 start, u64 bytes, enum exo_tag tag);

#endif
