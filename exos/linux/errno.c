/* SPDX-License-Identifier: ISC */
/* From errors of the kernel interface to errno, by abi/errors.toml: the one converter. */
#include "../core/exos.h"
#include "errno.h"

#define ROW(name, number, text, linux_name) [number] = E##linux_name,

static const u8 numbers[EXO_ERRORS] = { EXO_ERROR_LIST(ROW) };

long
linux_errno(long result)
{
	u64 error = (u64)-result;

	if (result >= 0)
		return result;
	return error < EXO_ERRORS && numbers[error] ? -(long)numbers[error] : -EINVAL;
}
