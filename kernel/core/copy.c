/* SPDX-License-Identifier: ISC */
/*
 * The debug kernel's checked copy from user memory, which asks whether a lock
 * is held; else it is in core.h.  The loads themselves are in arch/, usercopy.S.
 */
#include "core.h"

#if defined(AEGIS_DEBUG)
int user_copy(void *dst, const void *src, size_t bytes);
bool lock_none_held(void);

int
copy_from_user(void *dst, u64 __user src, size_t bytes)
{
	must(lock_none_held() && bytes <= EXO_PAGE_BYTES);
	if (src >= EXO_USER_TOP || bytes > EXO_USER_TOP - src)
		return -EXO_EFAULT;
	return user_copy(dst, (const void *)src, bytes) == 0 ? 0 : -EXO_EFAULT;
}
#endif
