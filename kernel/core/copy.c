/* SPDX-License-Identifier: ISC */
/* The checked copy from user memory; the loads themselves are in arch/, usercopy.S. */
#include "core.h"

int user_copy(void *dst, const void *src, size_t bytes);
bool lock_none_held(void);

int
copy_from_user(void *dst, u64 __user src, size_t bytes)
{
	debug_must(lock_none_held() && bytes <= EXO_PAGE_BYTES);
	if (src >= EXO_USER_TOP || bytes > EXO_USER_TOP - src)
		return -EXO_EFAULT;
	return user_copy(dst, (const void *)src, bytes) == 0 ? 0 : -EXO_EFAULT;
}
