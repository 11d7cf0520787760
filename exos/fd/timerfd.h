/* SPDX-License-Identifier: ISC */
/* Timers that are descriptors. */
#ifndef EXOS_FD_TIMERFD_H
#define EXOS_FD_TIMERFD_H

#include "file.h"
#include "../proc/timer.h"

struct timerfd_time {
	u64 value, interval;		/* ns; value 0: off */
};

extern const struct file_ops timerfd_ops;
int timerfd_new(struct file **f, enum timer_clock clock, u32 flags);
struct timerfd_time timerfd_get(const struct file *f);	/* value: what is left */
void timerfd_set(struct file *f, const struct timerfd_time *t, bool absolute, bool cancel);

#endif
