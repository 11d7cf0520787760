/* SPDX-License-Identifier: ISC */
/* Who this process is: its row of the process table, which the server alone writes. */
#include "exos.h"
#include "frames.h"
#include "self.h"

const volatile struct sh_proc *self_proc;
const volatile struct sh_cred *self_cred;

const volatile struct sh_proc *
proc_table(void)
{
	return (const volatile struct sh_proc *)((const char *)SHARED + SHARED->procs_off);
}

const volatile struct sh_cred *
cred_of(const volatile struct sh_proc *p)
{
	return (const volatile struct sh_cred *)((const char *)SHARED + SHARED->creds_off) +
		(p - proc_table());
}

unsigned
proc_rows(void)
{
	u64 rows = ((const volatile struct sh_info *)SHARED)->proc_rows;

	return rows < SH_PROCS ? (unsigned)rows : SH_PROCS;
}

/* NULL: no such process. */
const volatile struct sh_proc *
proc_find(u32 pid)
{
	const volatile struct sh_proc *table = proc_table();
	const unsigned rows = proc_rows();

	for (unsigned row = 0; row < rows; row++) {
		if (pid && table[row].pid == pid && table[row].state != PROC_FREE)
			return &table[row];
	}
	return NULL;
}

void
self_set(u32 pid)
{
	self_proc = proc_find(pid);
	if (self_proc == NULL)
		__builtin_trap(); /* the server that started us does not know us */
	self_cred = cred_of(self_proc);
}

exo_pfn
own_account(void)
{
	return self_proc->account;
}
