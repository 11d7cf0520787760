/* SPDX-License-Identifier: ISC */
// sources: exos/arch/x86_64/decode.c
/*
 * Lengths of instructions: all of this very program, beside what objdump says;
 * some that no compiler makes; and that nothing behind the end is looked at.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../exos/arch/x86_64/decode.h"

static const struct known {
	const char *bytes;
	unsigned length;		/* 0: none */
} known[] = {
	{ "\x0f\x05", 2 },
	{ "\xb8\x27\0\0\0", 5 },
	{ "\x48\xb8\1\2\3\4\5\6\7\x8", 10 },
	{ "\x66\xb8\1\2", 4 },
	{ "\x41\xb8\1\2\3\4", 6 },
	{ "\x48\xc7\xc0\x27\0\0\0", 7 },
	{ "\xc7\x44\x24\xb8\x27\0\0\0", 8 },
	{ "\x66\xc7\x44\x24\xb8\x27\0", 7 },
	{ "\xc7\x04\x25\0\0\0\0\1\0\0\0", 11 },
	{ "\xf6\xc3\1", 3 },
	{ "\xf6\xd3", 2 },
	{ "\xf7\xc3\1\0\0\0", 6 },
	{ "\x66\xf7\xc3\1\0", 5 },
	{ "\xf7\xdb", 2 },
	{ "\xa1\1\2\3\4\5\6\7\x8", 9 },
	{ "\x67\xa1\1\2\3\4", 6 },
	{ "\xc8\1\2\3", 4 },
	{ "\xc2\1\2", 3 },
	{ "\x69\xc0\1\2\3\4", 6 },
	{ "\x6b\xc0\1", 3 },
	{ "\x68\1\2\3\4", 5 },
	{ "\xe8\1\2\3\4", 5 },
	{ "\x66\x66\x48\xe8\1\2\3\4", 8 },
	{ "\x0f\x84\1\2\3\4", 6 },
	{ "\x0f\x38\xf0\x07", 4 },
	{ "\x0f\x3a\x0f\xc1\1", 5 },
	{ "\x66\x0f\x3a\x63\x05\1\2\3\4\5", 10 },
	{ "\xc5\xf8\x77", 3 },
	{ "\xc5\xf9\x70\xc1\1", 5 },
	{ "\xc4\xe2\x79\x18\x05\1\2\3\4", 9 },
	{ "\xc4\xe3\x79\x04\xc1\1", 6 },
	{ "\x62\xf1\x7c\x48\x10\x07", 6 },
	{ "\x62\xf3\x7d\x48\x25\xc1\1", 7 },
	{ "\xff\x25\1\2\3\4", 6 },
	{ "\x8b\x84\x24\1\2\3\4", 7 },
	{ "\x8b\x04\x85\1\2\3\4", 7 },
	{ "\x2e\x66\x0f\x1f\x84\0\0\0\0\0", 10 },
	{ "\xf3\x0f\x1e\xfa", 4 },
	{ "\x0f\x0f\xc1\x9e", 4 },
	{ "\x06", 0 },
	{ "\x0f\x04", 0 },
	{ "\x62\xf0\x7c\x48\x10\x07", 0 },
	{ "\x48\xc5\xf8\x77", 0 },
	{ "\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x90", 15 },
	{ "\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x90", 0 },
};

static void
tables(void)
{
	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		uint8_t bytes[16] = { 0 };
		struct insn insn;

		memcpy(bytes, known[i].bytes,
			known[i].length                        ? known[i].length
				: 16u > strlen(known[i].bytes) ? strlen(known[i].bytes)
							       : 16u);
		assert(insn_decode(bytes, sizeof(bytes), &insn) == (known[i].length != 0));
		assert(!known[i].length || insn.length == known[i].length);
	}
}

static void
kinds(void)
{
	struct insn insn;

	assert(insn_decode((const uint8_t *)"\x48\x8b\x05\1\2\3\4", 7, &insn) && insn.relative &&
		insn.plain);
	assert(insn_decode((const uint8_t *)"\x8b\x44\x24\x08", 4, &insn) && !insn.relative &&
		insn.plain);
	assert(insn_decode((const uint8_t *)"\x66\x8b\x44\x24\x08", 5, &insn) && !insn.plain);
	assert(insn_decode((const uint8_t *)"\x64\x8b\x04\x25\1\2\3\4", 8, &insn) && insn.plain);
	assert(insn_decode((const uint8_t *)"\xe2\xfe", 2, &insn) && insn.relative);
	assert(insn_decode((const uint8_t *)"\x75\xfe", 2, &insn) && insn.relative);
	assert(insn_decode((const uint8_t *)"\x0f\x85\0\0\0\0", 6, &insn) && insn.relative);
	assert(insn_decode((const uint8_t *)"\x48\x41\xb8\1\2\3\4", 7, &insn) && insn.rex == 0x41);
}

/* "  401000:\t48 83 ec 08          \tsub ..." */
static unsigned
listed(char *line, uint8_t bytes[16])
{
	char *at = strchr(line, '\t'), *end = at ? strchr(at + 1, '\t') : NULL;
	unsigned count = 0;

	if (!end || strstr(end, "(bad)") || line[0] != ' ')
		return 0;
	*end = '\0';
	for (at++; count < 15 && *at && *at != ' '; at += *at == ' ')
		bytes[count++] = (uint8_t)strtoul(at, &at, 16);
	return count;
}

static void
beside_objdump(const char *self)
{
	char command[512], line[512];
	unsigned seen = 0;
	FILE *f;

	snprintf(command, sizeof(command), "objdump -d -w --insn-width=15 '%s'", self);
	f = popen(command, "r");
	assert(f);
	while (fgets(line, sizeof(line), f)) {
		uint8_t bytes[16] = { 0 };
		unsigned count = listed(line, bytes);
		struct insn insn;

		if (!count)
			continue;
		seen++;
		assert(insn_decode(bytes, sizeof(bytes), &insn) && insn.length == count);
	}
	pclose(f);
	assert(seen > 1000);
}

/* Bytes at random, at the end of a block that the sanitizer guards: what it says fits, or is none. */
static void
at_random(void)
{
	for (unsigned round = 0; round < 200000; round++) {
		unsigned room = 1 + (unsigned)rand() % 18;
		uint8_t *bytes = malloc(room);
		struct insn insn;

		for (unsigned n = 0; n < room; n++)
			bytes[n] = (uint8_t)rand();
		if (insn_decode(bytes, room, &insn))
			assert(insn.length >= 1 && insn.length <= room && insn.length <= INSN_MOST);
		free(bytes);
	}
}

int
main(int argc, char **argv)
{
	(void)argc;
	tables();
	kinds();
	beside_objdump(argv[0]);
	at_random();
	puts("ok lengths of instructions\n1 passed, 0 failed");
	return 0;
}
