/* SPDX-License-Identifier: ISC */
/* Prototypes of all Linux calls that are served, made of table.inc. */
#ifndef EXOS_CALLS_H
#define EXOS_CALLS_H

struct exo_save;

#define LONGS_0 void
#define LONGS_1 long
#define LONGS_2 long, long
#define LONGS_3 long, long, long
#define LONGS_4 long, long, long, long
#define LONGS_5 long, long, long, long, long
#define LONGS_6 long, long, long, long, long, long
#define X(number, name, arguments) long sys_##name(LONGS_##arguments);
#define X_REGS(number, name) long sys_##name(struct exo_save *regs);
#include "table.inc"
#undef X
#undef X_REGS

#endif
