/* SPDX-License-Identifier: ISC */
/*
 * What a process publishes about its calls is its own word, and for `exo run
 * --stats` the server adds it up by programs' names, which are theirs, too: as many
 * names as there are rows, and numbers as long as they get.  The run ends, with
 * the status that it has, and what it says is lines (tests/alike/exo.py).
 */
#define CHECK_NAME "counts"
#include "ask.h"

#define SHORT 13u
#define NAMES 40u			/* more than the server has rows for */

int
main(void)
{
	char *comm;

	if (!CHECK(client_begin()))
		return summary();
	comm = (char *)(base + EXOS_COMM);
	for (unsigned n = 0; n < NAMES; n++) {
		struct pub *pub = (struct pub *)(base + EXOS_PUBLIC);

		memset(&pub->sites, 0x7f, sizeof(pub->sites));
		pub->sites.reflected = pub->sites.direct = ~0ull;
		/* So that the last that seems to have room has a few bytes too few. */
		snprintf(comm, 64,
			n < SHORT ? "%02u-twelve-by" : "%02u-as-long-as-a-name-may-be-and-more", n);
		CHECK(request(OP_SETNAME, 1, 0, 0, 0, 0) == 0);
	}
	return summary();
}
