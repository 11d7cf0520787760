/* SPDX-License-Identifier: ISC */
/* Where the library's stacks lie, for assembly; core/start.c asserts that it is right. */
#ifndef EXOS_STACKS_H
#define EXOS_STACKS_H

#define STACKS 0x100000			/* EXOS_STACKS - EXOS_UAREA */
#define STRIDE_SHIFT 16			/* EXOS_STACK_STRIDE */

#define UA_STACK_FIRST 1872		/* in the u-area: top of the stack of depth 1, the running thread's */

#endif
