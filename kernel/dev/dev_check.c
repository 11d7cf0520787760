/* SPDX-License-Identifier: ISC */
/* Invariants of the device table. */
#include "../arch/x86_64/arch.h"
#include "dev.h"

/* A row without a device is all zero in what describes one. */
static bool
inv_row_empty(const struct exo_device *row)
{
	return row->class_ != EXO_DEV_NONE || (row->queues == 0 && row->mmio_frames == 0);
}

/* A row has no more queues than counters. */
static bool
inv_row_queues(const struct exo_device *row)
{
	return row->queues <= EXO_DEVICE_QUEUES;
}

/* Memory that a driver of ours uses is not offered for mapping. */
static bool
inv_row_closed(u32 row)
{
	return dev_queue(row, 0) == NULL || devices[row].mmio_frames == 0;
}

void
dev_check(void)
{
	for (u32 row = 0; row < DEVICES_MAX; row++) {
		must(inv_row_empty(&devices[row]));
		must(inv_row_queues(&devices[row]));
		must(inv_row_closed(row));
	}
}
