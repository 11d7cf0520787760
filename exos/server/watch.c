/* SPDX-License-Identifier: ISC */
/* watch.h.  Pure. */
#include "watch.h"

bool
watch_hangs(struct watch *w, uint64_t works_on, uint64_t served, uint64_t run_ns,
	unsigned patience)
{
	const bool same = works_on && works_on == w->works_on && served == w->served;

	if (same && run_ns - w->run_ns < WATCH_RAN_NS)
		return false;		/* it could not have got far: the next look adds to this */
	w->looks = same ? w->looks + 1 : 0;
	w->works_on = works_on;
	w->served = served;
	w->run_ns = run_ns;
	return w->looks >= patience;
}
