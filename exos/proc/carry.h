/* SPDX-License-Identifier: ISC */
/* A process whose program runs in another environment: carry.c's story. */
#ifndef EXOS_CARRY_H
#define EXOS_CARRY_H

#include "proc.h"
#include "../fd/file.h"
#include "../fd/object.h"

struct carry {
	u32 pid;			/* who runs it */
	bool ended;
	volatile struct exo_ring *ring;	/* a native program's output, read by `key` */
	exo_slot key;
	struct file *end[3];		/* our ends of the pipes that are its descriptors; NULL: none */
};

void carry_begin(u32 ino, const char *path, const struct arguments *args);	/* no way back */
noreturn_ void carry(struct carry *c);
void setid_fetched(u32 pid);

#endif
