/* SPDX-License-Identifier: ISC */
/*
 * What processes publish of themselves, and who may see how much of it.  The
 * server has everybody's public page and gives out copies, without what only
 * friends may know; what stands there is its owner's word.
 */
#include <exo/read.h>
#include "procfs.h"

u32 proc_exe_ino;
static char exe_path[1024];

/* The name is what is found behind links; where that cannot be told, the one that was used. */
void
fs_set_exe(u32 ino, const char *path)
{
	struct place at;
	long error;

	if (ino == proc_exe_ino)
		return;			/* itself again, perhaps by /proc/self/exe */
	proc_exe_ino = ino;
	PUB->exe = ino < PROCFS ? ino : 0;
	PUB->exe_dir = 0;
	error = fs_walk_at(AT_FDCWD, path, 0, &at);
	if (error == 0)
		error = at.ino == ino ? fs_path_in(at.dir, ino, exe_path, sizeof(exe_path))
				      : -ENOENT;
	if (error < 0)
		exo_snprintf(exe_path, sizeof(exe_path), "%s", path);
	else
		PUB->exe_dir = at.dir;
}

const char *
proc_exe(void)
{
	return exe_path;
}

bool
proc_may_look(const volatile struct sh_proc *p)
{
	return p == PROC ||
		cred_may_look((const struct sh_cred *)CRED, (const struct sh_cred *)cred_of(p));
}

const struct pub *
proc_published(const volatile struct sh_proc *p)
{
	static struct pub copy TRANSIENT;

	if (p == PROC)
		return PUB;
	if (server_call(OP_PUBLISHED, p->pid, 0, 0, 0, 0, NULL) < 0)
		return NULL;
	memcpy(&copy, COMM, sizeof(copy));
	return &copy;
}
