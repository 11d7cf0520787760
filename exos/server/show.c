/* SPDX-License-Identifier: ISC */
/*
 * What processes publish, given to others: for /proc.  It is their word and
 * no more.  What a program was called with everybody may read, as on Linux; what it
 * has open and where it is, who has its ids, or the capability for it.
 */
#include "srv.h"
#include <errno.h>

long
published_request(const struct proc *p, uint64_t pid)
{
	static struct pub copy;
	const struct proc *of = pid >> 32 ? NULL : proc_by_pid((uint32_t)pid);
	const volatile struct pub *pub = of ? proc_public(of) : NULL;

	if (!pub)
		return -ESRCH;
	__builtin_memcpy(&copy, (const void *)pub, sizeof(copy));
	if (!of->cred || !cred_may_look(p->cred, of->cred)) {
		copy.cwd = copy.root = 0;
		copy.exe = copy.exe_dir = 0;
		copy.nopen = 0;
		__builtin_memset(copy.table, 0, sizeof(copy.table));
		__builtin_memset(copy.open, 0, sizeof(copy.open));
	}
	__builtin_memcpy((char *)(SRV_COMM + proc_index(p) * EXO_PAGE_BYTES), &copy, sizeof(copy));
	return 0;
}

/* What it is called with, has open and where its memory lies it then reads for itself. */
long
look_request(const struct proc *p, uint64_t pid, exo_slot slot)
{
	const struct proc *of = pid >> 32 ? NULL : proc_by_pid((uint32_t)pid);
	long error = published_request(p, pid);

	if (error)
		return error;
	if (of->sh->state != PROC_RUNNING && of->sh->state != PROC_STOPPED)
		return -ESRCH;
	if (!of->cred || !cred_may_look(p->cred, of->cred))
		return -EACCES;
	return client_bind(p->sh->env, slot, of->guard, EXO_R);
}
