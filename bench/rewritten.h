/* SPDX-License-Identifier: ISC */
/* Linux calls that do without the kernel. */
#ifndef BENCH_REWRITTEN_H
#define BENCH_REWRITTEN_H

#include <sys/syscall.h>
#include <unistd.h>
#include "cost.h"

/* Called so often before that their call sites were rewritten. */
static void
rewritten(void)
{
	char byte = 0;
	int p[2];

	if (pipe(p))
		return;
	for (unsigned i = 0; i < 400; i++) {
		syscall(SYS_getpid);
		lseek(-1, 0, SEEK_SET);
		if (write(p[1], &byte, 1) != 1 || read(p[0], &byte, 1) != 1)
			return;
	}
	COST("direct-getpid", , syscall(SYS_getpid), );
	COST("direct-lseek", , lseek(-1, 0, SEEK_SET), );
	COST("direct-pipe-1", , (void)!write(p[1], &byte, 1); (void)!read(p[0], &byte, 1), );
	close(p[0]);
	close(p[1]);
}

#endif
