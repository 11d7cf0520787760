/* SPDX-License-Identifier: ISC */
/* What the files of Linux's memory calls share. */
#ifndef EXOS_LINUX_MEMORY_H
#define EXOS_LINUX_MEMORY_H

#include "../vm/vm.h"

/* A range of whole pages in the program's part: 0, -EINVAL: not aligned, -ENOMEM: elsewhere. */
int memory_range(u64 start, u64 bytes);

#endif
