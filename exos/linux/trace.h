/* SPDX-License-Identifier: ISC */
/* One line for each Linux call, as strace shows it, while sh_info.trace is set. */
#ifndef EXOS_TRACE_H
#define EXOS_TRACE_H

#include "../core/exos.h"

void trace_enter(u64 number, const struct exo_save *regs);
void trace_leave(u64 number, long result);

#endif
