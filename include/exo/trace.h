/* SPDX-License-Identifier: ISC */
/*
 * The kernel's trace: for each CPU a ring of the last events, in frames of
 * kind TRACE, which follow each other (exposed frame table).  Whoever has a key
 * for the name EXO_NAME_TRACE may map them, and wait on their words.
 *
 * The first record's place holds the head.  Record n (from 0) lies in slot
 * n % slots behind it; the kernel writes the record, then `count`.  So a
 * reader copies, reads `count` again, and keeps those with n + slots > count.
 *
 * Always recorded is what passes through C anyway: switches, asynchronous
 * upcalls, interrupts, deaths.  Calls, exceptions and every transfer are
 * recorded by a kernel that was booted with the word `trace`, whose ring is
 * larger; the debug kernel records its calls always.
 */
#ifndef EXO_TRACE_H
#define EXO_TRACE_H

#include <stdint.h>

#define EXO_TRACE_MAGIC 0x4543415254ull	/* "TRACE" */

struct exo_trace_head {			/* 32 bytes */
	uint64_t magic;
	uint64_t slots;
	uint64_t count;			/* records ever written */
	uint64_t cpu;
};

enum exo_trace_event {			/* code; extra; a, b */
	EXO_TRACE_CALL = 1,		/* number; -; the first two arguments */
	EXO_TRACE_ARGS,			/* the next two */
	EXO_TRACE_RESULT,		/* number; -; result, - */
	EXO_TRACE_EXCEPTION,		/* vector; error code; rip, address */
	EXO_TRACE_UPCALL,		/* enum exo_entry; -; rip interrupted, - */
	EXO_TRACE_SWITCH,		/* 1: entered at the prologue; -; who runs now, slice | why << 32 */
	EXO_TRACE_TRANSFER,		/* call number; -; from, to */
	EXO_TRACE_IRQ,			/* -; -; line, environment that it was posted to */
	EXO_TRACE_DEATH,		/* -; -; who, reason */
	EXO_TRACE_EVENTS
};
#define EXO_TRACE_NOCALL 0xffu		/* code of a number that is no call: it is in a */

struct exo_trace {			/* 32 bytes */
	uint64_t ns;
	uint8_t event;			/* enum exo_trace_event */
	uint8_t code;
	uint16_t extra;
	uint32_t env;			/* slot of the environment that ran, 0: none */
	uint64_t a, b;
};

_Static_assert(sizeof(struct exo_trace) == 32, "trace record");
_Static_assert(sizeof(struct exo_trace_head) == 32, "a record's place");

#endif
