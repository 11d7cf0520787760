/* SPDX-License-Identifier: ISC */
/* Call numbers that mean nothing, whatever the library or the kernel below it may use them for. */
#include "t.h"

static long
call(unsigned long number)
{
	long result;

	__asm__ volatile("syscall" : "=a"(result) : "0"(number), "D"(0), "S"(0), "d"(0)
			 : "rcx", "r11", "memory");
	return result;
}

int
main(void)
{
	/* 0x40000040: behind those that a program may use to speak to the exokernel (docs/exos.md) */
	static const unsigned long numbers[] = { -1ul, -2ul, -4096ul, 0xffffffff, 0x80000000,
		0x80000027, 0x7fffffff, 0x40000040, 0x40000200, 0x40000208, 0x4000ffff, 0xc0000000,
		0xc0000027, 0x100000000 + 100000, 0x140000000, 0x1ffffffff, 1ul << 63 | 0x40000000,
		100000 };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		printf("%lx: %ld\n", numbers[i], call(numbers[i]));
	/* Only the low half counts. */
	printf("getpid %d\n", call(0x100000000 + SYS_getpid) == getpid());
	printf("getpid %d\n", call(~0xfffffffful + SYS_getpid) == getpid());
	SAY(syscall(-1));
	return 0;
}
