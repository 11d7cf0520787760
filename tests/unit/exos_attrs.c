/* SPDX-License-Identifier: ISC */
// sources: exos/server/attrs.c
/* Extended attributes in their block, against a list of names and values. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../exos/server/attrs.h"

#define NAMES 40u
#define STEPS 200000u

static unsigned passed, failed;
static struct { bool there; unsigned bytes; unsigned char value[600]; } model[NAMES];

static void
check(const char *name, bool good)
{
	if (!good)
		printf("FAIL %s\n", name);
	good ? passed++ : failed++;
}

static size_t
make_name(unsigned n, char *to)
{
	size_t bytes = 5 + n * 31 % 200;

	memset(to, 'a' + (int)(n % 26), bytes);
	return bytes + (size_t)sprintf(to + bytes, "%u", n);
}

static bool
agrees(const void *block)
{
	const struct attr *a = NULL;
	unsigned count = 0, there = 0;
	char name[256];

	while ((a = attrs_next(block, a)) != NULL)
		count++;
	for (unsigned n = 0; n < NAMES; n++) {
		size_t bytes = make_name(n, name);

		a = attrs_find(block, name, bytes);
		there += model[n].there;
		if ((a != NULL) != model[n].there)
			return false;
		if (a && (a->value_bytes != model[n].bytes
			|| memcmp(a->text + bytes, model[n].value, model[n].bytes)))
			return false;
	}
	return count == there;
}

int
main(void)
{
	static const unsigned char largest[ATTRS_BYTES] = { 1 };
	unsigned char *block = calloc(1, ATTRS_BYTES);
	bool good = true, refused = false, clean = true;
	char name[256];

	srand(3);
	for (unsigned i = 0; i < STEPS && good; i++) {
		unsigned n = (unsigned)rand() % NAMES, bytes = (unsigned)rand() % 600;
		size_t name_bytes = make_name(n, name);
		unsigned char value[600];

		for (unsigned b = 0; b < bytes; b++)
			value[b] = (unsigned char)rand();
		if (rand() % 3 == 0) {
			attrs_remove(block, name, name_bytes);
			model[n].there = false;
		} else if (attrs_set(block, name, name_bytes, value, bytes)) {
			model[n].there = true;
			model[n].bytes = bytes;
			memcpy(model[n].value, value, bytes);
		} else {
			refused = true;
		}
		good = i % 8 || agrees(block);
	}
	check("names and values", good);
	check("what does not fit changes nothing", refused && agrees(block));
	for (unsigned n = 0; n < NAMES; n++)
		attrs_remove(block, name, make_name(n, name));
	for (unsigned n = 0; n < ATTRS_BYTES; n++)
		clean &= block[n] == 0;
	check("nothing is left behind", clean && !attrs_next(block, NULL));
	memset(block, 0, ATTRS_BYTES);
	check("the largest value", attrs_set(block, "user.x", 6, largest, ATTRS_BYTES - 4 - 6)
		&& !attrs_set(block, "y", 1, "", 0) && attrs_find(block, "user.x", 6));
	printf("exos_attrs: %u passed, %u failed\n", passed, failed);
	free(block);
	return failed != 0;
}
