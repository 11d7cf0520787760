/* SPDX-License-Identifier: ISC */
/* A guest that stops at once: what starting a machine costs by itself. */
#include <exo/lib.h>

int
exo_main(const struct exo_start *start)
{
	(void)start;
	return 0;
}
