/* SPDX-License-Identifier: ISC */
/* Pages made small and as they were again; where they are kept, with a list beside it that is known to be right. */
// sources: exos/vm/squeeze.c exos/vm/store.c
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../exos/vm/squeeze.h"
#include "../../exos/vm/store.h"

#define PAGES 400u
#define PLACES 700u
#define ROUNDS 200000u

static int passed, failed;
static uint64_t seed = 88172645463325252ull;

static uint64_t
draw(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

/* Counted is each thing that is demanded, not how often it was looked at. */
static void
holds(const char *what, bool good)
{
	static const char *demanded[32];
	unsigned n = 0;

	while (n < 31 && demanded[n] && strcmp(demanded[n], what) != 0)
		n++;
	passed += !demanded[n];
	demanded[n] = what;
	if (!good)
		printf("FAIL %s\n", what);
	failed += !good;
}

/* ---- squeeze ------------------------------------------------------------------------------ */

/* Exactly as large as needed, so that a byte too far is found. */
static unsigned
there_and_back(const uint8_t *page, unsigned room)
{
	uint8_t *out = malloc(room ? room : 1), *back = malloc(SQUEEZE_PAGE), *exact;
	unsigned bytes = squeeze(out, room, page);

	if (bytes) {
		exact = malloc(bytes);
		memcpy(exact, out, bytes);
		memset(back, 0xa5, SQUEEZE_PAGE);
		holds("fits", bytes <= room);
		holds("as it was", unsqueeze(back, exact, bytes) &&
				memcmp(back, page, SQUEEZE_PAGE) == 0);
		for (unsigned cut = 0; cut < bytes; cut += 1 + bytes / 16)
			holds("cut short it is none", !unsqueeze(back, exact, cut));
		for (unsigned n = 0; n < 20; n++) {	/* damaged: anything but writing beyond */
			exact[draw(bytes)] = (uint8_t)draw(256);
			unsqueeze(back, exact, bytes);
		}
		free(exact);
	}
	free(out);
	free(back);
	return bytes;
}

static void
kind_of_page(uint8_t *page, unsigned kind)
{
	for (unsigned n = 0; n < SQUEEZE_PAGE; n++) {
		switch (kind) {
		case 0: page[n] = 0; break;
		case 1: page[n] = (uint8_t)draw(256); break;
		case 2: page[n] = n % 8 ? 0 : (uint8_t)draw(256); break;
		case 3: page[n] = "the quick brown fox "[draw(20)]; break;
		case 4: page[n] = (uint8_t)(n >> 4); break;
		case 5: page[n] = draw(50) || n < 300 ? page[n ? n - 1 : 0] : (uint8_t)n; break;
		default: page[n] = n < 64 ? (uint8_t)draw(256) : page[n - 64];
		}
	}
}

static void
test_squeeze(void)
{
	static uint8_t page[SQUEEZE_PAGE];

	for (unsigned kind = 0; kind < 7; kind++) {
		for (unsigned n = 0; n < 60; n++) {
			unsigned bytes;

			memset(page, 0, sizeof(page));
			kind_of_page(page, kind);
			bytes = there_and_back(page, SQUEEZE_PAGE + 200);
			holds("it fits anywhere", bytes != 0);
			holds("a byte less is too little", squeeze(page, 0, page) == 0 &&
					there_and_back(page, bytes - 1) == 0);
			holds("what repeats is small",
				kind == 1 || kind == 2 || kind == 3 || bytes < 1600);
		}
	}
	memset(page, 0, sizeof(page));
	holds("zero", squeeze_zero(page));
	for (unsigned n = 0; n < SQUEEZE_PAGE; n += 17) {
		page[n] = 1;
		holds("not zero", !squeeze_zero(page));
		page[n] = 0;
	}
}

/* ---- the store ------------------------------------------------------------------------------- */

static char memory[PAGES][STORE_PAGE] __attribute__((aligned(64)));
static bool there[PAGES];
static struct store s;
static struct { uint64_t va; unsigned bytes; uint8_t data[STORE_MOST]; } known[PLACES];

bool
store_page_there(const struct store *st, uint32_t page)
{
	return st == &s && page < PAGES && there[page];
}

void
store_page_empty(const struct store *st, uint32_t page)
{
	holds("one that is there", st == &s && there[page]);
	there[page] = false;
	memset(memory[page], 0x5a, STORE_PAGE);
}

static uint64_t
address(unsigned n)			/* some near each other, some far away */
{
	return n < 300 ? 0x7e0000000000 + n * 4096ull : n * 0x1234567000ull;
}

static void
keep(unsigned n)
{
	unsigned bytes = 1 + (unsigned)draw(draw(4) ? 600 : STORE_MOST);

	for (unsigned i = 0; i < bytes; i++)
		known[n].data[i] = (uint8_t)draw(256);
	if (!store_keep(&s, address(n), known[n].data, bytes)) {
		uint32_t page = store_page_next(&s);

		holds("it is not there", page <= s.pages && (page >= PAGES || !there[page]));
		if (page >= PAGES)
			return;
		there[page] = true;
		store_page_begin(&s, page);
		holds("with a new page there is room",
			store_keep(&s, address(n), known[n].data, bytes));
	}
	known[n].va = address(n);
	known[n].bytes = bytes;
}

static void
look(unsigned n)
{
	unsigned bytes = 0;
	const void *found = store_find(&s, address(n), &bytes);

	holds("what is kept is found", (found != NULL) == (known[n].bytes != 0));
	if (found)
		holds("as it was", bytes == known[n].bytes &&
				memcmp(found, known[n].data, bytes) == 0);
}

static void
look_for_next(void)
{
	uint64_t from = address((unsigned)draw(PLACES)) & ~4095ull, best;
	uint64_t end = from + (draw(2) ? draw(600) * 4096 : 0x7f0000000000);

	best = end;
	for (unsigned n = 0; n < PLACES; n++)
		if (known[n].bytes && address(n) >= from && address(n) < best)
			best = address(n);
	holds("the next one", store_next(&s, from, end) == best);
}

static void
test_store(void)
{
	unsigned kept = 0, left = 0;

	s.base = memory[0];
	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned n = (unsigned)draw(PLACES);

		if (known[n].bytes) {
			look(n);
			if (draw(3) == 0) {
				store_drop(&s, address(n));
				known[n].bytes = 0;
			}
		} else if (draw(3)) {
			keep(n);
		} else {
			store_drop(&s, address(n));
			look(n);
		}
		if (round % 64 == 0)
			look_for_next();
	}
	for (unsigned n = 0; n < PLACES; n++) {
		kept += known[n].bytes != 0;
		look(n);
	}
	holds("as many as were kept", kept == s.kept);
	for (unsigned n = 0; n < PLACES; n++)
		store_drop(&s, address(n));
	for (unsigned n = 0; n < PAGES; n++)
		left += there[n];
	holds("nothing is left", s.kept == 0 && left <= 1);
	holds("nor found", store_next(&s, 0, ~0ull) == ~0ull);
}

int
main(void)
{
	test_squeeze();
	test_store();
	printf("%d passed, %d failed\n", passed, failed);
	return failed != 0;
}
