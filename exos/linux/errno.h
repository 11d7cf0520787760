/* SPDX-License-Identifier: ISC */
/* Linux's error numbers, and the one place where the kernel's become Linux's. */
#ifndef EXOS_ERRNO_H
#define EXOS_ERRNO_H

#include "abi.h"

#ifndef ENOTSOCK
#define ENOTSOCK 88
#endif

/* -EXO_E... to -E...; what is not negative stays as it is. */
long linux_errno(long result);

#endif
