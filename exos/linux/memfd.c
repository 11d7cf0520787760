/* SPDX-License-Identifier: ISC */
/* memfd_create: a file without a name, of which its seals say what nobody may do any more. */
#include "files.h"

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
	char text[NAME_ROOM];
	struct file *f;
	long ino, error;

	if (flags & ~MFD_ALL ||
		(flags & (MFD_EXEC | MFD_NOEXEC_SEAL)) == (MFD_EXEC | MFD_NOEXEC_SEAL))
		return -EINVAL;
	error = copy_in_string(text, (u64)name, sizeof(text));
	if (error < 0)
		return error == -ENAMETOOLONG ? -EINVAL : error;
	ino = fs_nameless(0);
	if (ino < 0)
		return ino == -ENFILE ? -ENFILE : -ENOMEM;
	error = file_open((u32)ino, 0, O_RDWR | O_LARGEFILE, true, &f);
	fs_unhold((u32)ino);
	return error ? error : fd_install(f, 0, flags & MFD_CLOEXEC);
}
