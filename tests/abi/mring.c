/* SPDX-License-Identifier: ISC */
/* Message rings (exo/mring.h): two environments, predicates, and a peer that lies. */
#include "t.h"
#include <exo/mring.h>

#define MESSAGES 500u
#define RING ((volatile struct exo_mring *)T_VA)
enum { OWN };				/* the child's one key */

static exo_pfn frame;
static volatile uint64_t got, in_order;

static void
wait_for(const struct exo_mring_end *end, exo_slot key, bool writer)
{
	struct exo_term term = exo_mring_term(end, frame, key, writer);

	exo_wait_for(&term, 1, exo_now_ns() + 1000000000, 0);
}

static void
reads(uint64_t arg)
{
	struct exo_mring_end end = { .ring = RING };
	struct exo_mmsg m;

	(void)arg;
	while (got < MESSAGES) {
		if (!exo_mring_take(&end, &m)) {
			wait_for(&end, OWN, false);
			continue;
		}
		in_order += m.word[0] == got && m.word[7] == ~got;
		got++;
	}
	t_exit(9);
}

TEST(stream)
{
	struct exo_mring_end end = { .ring = RING };
	struct t_child c;

	got = in_order = 0;
	frame = t_claim(1);
	IS(t_map(T_VA, frame, EXO_MAP_WRITE), 1);
	if (!t_child(&c, reads, 0, 0))
		return;
	IS(t_map_op(c.id, T_VA, frame, EXO_OP_MAP | EXO_MAP_WRITE, K_ROOT, K_ROOT), 1);
	t_give(&c, K_READ, OWN);
	t_start(&c);
	for (uint64_t n = 0; n < MESSAGES;) {
		struct exo_mmsg m = { { n, [7] = ~n } };

		if (exo_mring_put(&end, &m))
			n++;
		else
			wait_for(&end, K_ROOT, true);
	}
	IS(t_wait(&c), T_EXIT(9));
	IS(in_order, MESSAGES);
	t_reap(&c);
	IS(t_unmap(T_VA), 1);
	t_release(frame, 1);
}

/* Whatever stands in the other's word: no message from nowhere, none written over. */
TEST(peer_lies)
{
	static const uint64_t lies[] = { 1, 61, 62, 63, 64, 1000, 1ull << 63, ~0ull, ~0ull - 62 };
	struct exo_mring_end writer = { .ring = RING, .index = 5 }, reader = writer;
	struct exo_mmsg m = { { 0 } };

	frame = t_claim(1);
	IS(t_map(T_VA, frame, EXO_MAP_WRITE), 1);
	RING->taken = RING->put = 5;
	CHECK(!exo_mring_take(&reader, &m));
	for (unsigned n = 0; n < sizeof(lies) / sizeof(lies[0]); n++) {
		uint64_t before = writer.index;

		RING->taken = before + lies[n];		/* more than was ever put */
		IS(exo_mring_put(&writer, &m), before - RING->taken < EXO_MRING_MESSAGES);
		writer.index = before;
		RING->put = reader.index + lies[n];
		before = reader.index;
		IS(exo_mring_take(&reader, &m), lies[n] <= EXO_MRING_MESSAGES);
		reader.index = before;
	}
	IS(t_unmap(T_VA), 1);
	t_release(frame, 1);
}
