/* SPDX-License-Identifier: ISC */
/* Files that never have a name: memory that processes share. */
#include "fs.h"
#include "../fd/file.h"

long
fs_nameless(u64 size, u32 mode, u32 seals)
{
	long ino = server_call(OP_FS_NAMELESS, 0, S_IFREG | mode, seals, 0, 0, NULL), error = 0;

	if (ino < 0)
		return ino;
	if (pub_hold((u32)ino)) {
		server_call(OP_FS_SWEEP, (u64)ino, 0, 0, 0, 0, NULL);
		return -ENFILE;
	}
	if (size)
		error = server_call(OP_FS_TRUNCATE, (u64)ino, size, 0, 0, 0, NULL);
	if (error < 0)
		pub_drop((u32)ino);
	return error < 0 ? error : ino;
}
