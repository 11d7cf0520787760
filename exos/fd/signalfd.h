/* SPDX-License-Identifier: ISC */
/* Signals that are read. */
#ifndef EXOS_FD_SIGNALFD_H
#define EXOS_FD_SIGNALFD_H

#include "file.h"

extern const struct file_ops signalfd_ops;
int signalfd_new(struct file **f, u64 set, u32 flags);
void signalfd_change(struct file *f, u64 set);

#endif
