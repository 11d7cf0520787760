/* SPDX-License-Identifier: ISC */
/* Linux's clocks, by number. */
#ifndef EXOS_LINUX_CLOCKS_H
#define EXOS_LINUX_CLOCKS_H

enum {
	CLOCK_REALTIME_,
	CLOCK_MONOTONIC_,
	CLOCK_PROCESS_,
	CLOCK_THREAD_,
	CLOCK_MONOTONIC_RAW_,
	CLOCK_REALTIME_COARSE_,
	CLOCK_MONOTONIC_COARSE_,
	CLOCK_BOOTTIME_,
	CLOCK_REALTIME_ALARM_,
	CLOCK_BOOTTIME_ALARM_,
	CLOCK_TAI_ = 11,
};

/* Bit n is clock n: those that tell the time of day, and those since the start. */
#define CLOCKS_REAL                                                                                \
	(1u << CLOCK_REALTIME_ | 1u << CLOCK_REALTIME_COARSE_ | 1u << CLOCK_REALTIME_ALARM_ |      \
		1u << CLOCK_TAI_)
#define CLOCKS_MONOTONIC                                                                           \
	(1u << CLOCK_MONOTONIC_ | 1u << CLOCK_MONOTONIC_RAW_ | 1u << CLOCK_MONOTONIC_COARSE_ |     \
		1u << CLOCK_BOOTTIME_ | 1u << CLOCK_BOOTTIME_ALARM_)

#endif
