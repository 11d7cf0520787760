/* SPDX-License-Identifier: ISC */
/* Rows of native programs, which print by the test library. */
#ifndef BENCH_NATIVE_H
#define BENCH_NATIVE_H

#include "t.h"
#include "cost.h"

static void
row(const char *name, uint64_t took)
{
	t_say("bench %s %lu", name, (unsigned long)took);
}

static void
null_call(void)
{
	exo_null();
}

#endif
