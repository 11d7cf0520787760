/* SPDX-License-Identifier: ISC */
/*
 * The program's memory may be bad.  A page fault in exos_copy is served like
 * one of the program's own, and the copy goes on; where that fails the
 * exception handler makes it return -EFAULT.
 */
#include "exos.h"
#include "../arch/x86_64/arch.h"
#include "../linux/errno.h"

static bool
in_user_space(u64 address, u64 bytes)
{
	return bytes <= EXO_USER_TOP && address <= EXO_USER_TOP - bytes;
}

int
copy_in(void *dst, u64 src, size_t bytes)
{
	return in_user_space(src, bytes) ? (int)exos_copy(dst, (const void *)src, bytes) : -EFAULT;
}

int
copy_out(u64 dst, const void *src, size_t bytes)
{
	return in_user_space(dst, bytes) ? (int)exos_copy((void *)dst, src, bytes) : -EFAULT;
}

long
copy_in_string(char *dst, u64 src, size_t room)
{
	if (!in_user_space(src, 1))
		return -EFAULT;
	return exos_copy_text(dst, (const char *)src, room);
}
