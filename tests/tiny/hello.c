/* SPDX-License-Identifier: ISC */
/* An ordinary Linux program, which asks for next to nothing. */
#include <stdio.h>

int
main(int argc, char **argv)
{
	for (int n = 1; n < argc; n++)
		printf("%d: %s\n", n, argv[n]);
	return argc;
}
