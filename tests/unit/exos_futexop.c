/* SPDX-License-Identifier: ISC */
/* FUTEX_WAKE_OP's operations and comparisons against what futex(2) says of them, with arguments at their bounds. */
// sources:
#include <assert.h>
#include <stdio.h>
#include "../../exos/thread/futexop.h"

static const int32_t arguments[] = { 0, 1, 2, 5, 31, 32, 33, 0x7ff, -1, -2, -0x800 };
static const uint32_t words[] = { 0, 1, 5, 0x7ff, 0xfffff800u, 0x7fffffffu, 0x80000000u, ~0u };
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static uint32_t
op_of(uint32_t shift, uint32_t op, int32_t argument, uint32_t compare, int32_t with)
{
	return shift << 31 | op << 28 | compare << 24 | ((uint32_t)argument & 0xfff) << 12 |
		((uint32_t)with & 0xfff);
}

static uint32_t
expected(uint32_t op, uint32_t old, uint32_t argument)
{
	switch (op) {
	case 0: return argument;
	case 1: return old + argument;
	case 2: return old | argument;
	case 3: return old & ~argument;
	default: return old ^ argument;
	}
}

static bool
compared(uint32_t compare, int32_t old, int32_t with)
{
	const bool is[] = { old == with, old != with, old<with, old <= with, old> with,
		old >= with };

	return is[compare];
}

static void
operations(uint32_t old, int32_t argument)
{
	for (uint32_t op = 0; op < 8; op++) {
		uint32_t new = 77;
		bool known = futexop_apply(op_of(0, op, argument, 0, 0), old, &new);

		assert(known == (op < 5) &&
			(!known || new == expected(op, old, (uint32_t)argument)));
		known = futexop_apply(op_of(1, op, argument, 0, 0), old, &new);
		assert(known == (op < 5) &&
			(!known || new == expected(op, old, 1u << (argument & 31))));
	}
}

static void
comparisons(uint32_t old, int32_t with)
{
	for (uint32_t compare = 0; compare < 16; compare++) {
		const uint32_t op = op_of(0, 1, 0, compare, with);

		assert(futexop_compares(op) == (compare < 6));
		assert(compare > 5 ||
			futexop_holds(op, old) == compared(compare, (int32_t)old, with));
	}
}

int
main(void)
{
	for (unsigned w = 0; w < COUNT(words); w++) {
		for (unsigned a = 0; a < COUNT(arguments); a++) {
			operations(words[w], arguments[a]);
			comparisons(words[w], arguments[a]);
		}
	}
	printf("exos_futexop: 2 passed, 0 failed\n");
	return 0;
}
