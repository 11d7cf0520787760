/* SPDX-License-Identifier: ISC */
/* memfd_create: a file without a name, of which its seals say what nobody may do any more. */
#include "files.h"
#include "../vm/vm.h"

#define MFD_CLOEXEC 1u
#define MFD_ALLOW_SEALING 2u
#define MFD_NOEXEC_SEAL 8u
#define MFD_EXEC 16u
#define MFD_ALL (MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | MFD_EXEC)
#define NAME_ROOM 250u

long
sys_memfd_create(long name, long how)
{
	const u32 flags = (u32)how;
	u32 seals = 0;
	char text[NAME_ROOM];
	struct file *f;
	long ino, error;

	if (flags & ~MFD_ALL ||
		(flags & (MFD_EXEC | MFD_NOEXEC_SEAL)) == (MFD_EXEC | MFD_NOEXEC_SEAL))
		return -EINVAL;
	error = copy_in_string(text, (u64)name, sizeof(text));
	if (error < 0)
		return error == -ENAMETOOLONG ? -EINVAL : error;
	if (!(flags & (MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL)))
		seals = FS_SEAL_SEAL;
	else if (flags & MFD_NOEXEC_SEAL)
		seals = FS_SEAL_EXEC;
	/* Its owner's alone, as who has it open reaches it by no name. */
	ino = fs_nameless(0, flags & MFD_NOEXEC_SEAL ? 0600 : 0700, seals);
	if (ino < 0)
		return ino == -ENFILE ? -ENFILE : -ENOMEM;
	error = file_open((u32)ino, 0, O_RDWR | O_LARGEFILE, true, &f);
	fs_unhold((u32)ino);
	return error ? error : fd_install(f, 0, flags & MFD_CLOEXEC);
}

/* Mappings that there are may still be written afterwards: their pages must be bound by now. */
static void
bring_in(u32 ino)
{
	for (unsigned n = 0; n < vm.regions.count; n++) {
		const struct region *r = regions_nth(&vm.regions, n);

		if (r->ino == ino && r->flags & REGION_SHARED && r->prot & PROT_WRITE)
			vm_populate_for(r->start, r->end, true);
	}
}

long
seals_add(const struct file *f, u64 seals)
{
	const struct fs_inode *node = f->ino && f->ino < PROCFS ? fs_inode(f->ino) : NULL;

	if (!FILE_WRITES(f))
		return -EPERM;
	if (seals & ~(u64)FS_SEALS_ALL || !node || !(node->flags & FS_NODE_MEMORY))
		return -EINVAL;
	if (node->seals & FS_SEAL_SEAL)
		return -EPERM;
	/* Mappings of others cannot be seen: they are taken away. */
	if (seals & FS_SEAL_WRITE && vm_writes(f->ino))
		return -EBUSY;
	if (seals & FS_SEAL_FUTURE_WRITE)
		bring_in(f->ino);
	return server_call(OP_FS_SEAL, f->ino, seals, keep_key(f->ino), 0, 0, NULL);
}

long
seals_of(const struct file *f)
{
	const struct fs_inode *node = f->ino && f->ino < PROCFS ? fs_inode(f->ino) : NULL;

	return node && node->flags & FS_NODE_MEMORY ? node->seals : -EINVAL;
}
