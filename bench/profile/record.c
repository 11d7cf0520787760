/* SPDX-License-Identifier: ISC */
/*
 * A plugin of QEMU's emulator (-plugin build/bench/record.so,out=FILE): which
 * instructions a guest executes between two marks, one after the other.
 *
 * The marks are no-operations that nobody else has a use for (bench/cost.h).
 * Of several spans the shortest is kept, as the bench's row is the smallest of
 * its runs; each time it is written:
 *
 *   u64 instructions known, executed, translated anew, u64 accesses to memory;
 *   for each known: u64 address, u8 size, 15 bytes;  for each executed: u32 which;
 *   for each access to another word than the last: u64 address, u64 how many were executed then
 *
 * The machine has one processor: -icount, without which a span means little.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "plugin.h"

#define SPAN_MAX (64u << 20)		/* longer ones are cut off */
#define ACCESSES_MAX (32u << 20)
#define BYTES 15u

struct known {
	uint64_t address;
	uint8_t size;
	uint8_t bytes[BYTES];
};

struct access {
	uint64_t address;
	uint64_t after;			/* so many instructions */
};

struct span {
	uint32_t *executed;
	struct access *access;
	uint64_t count;
	uint64_t translated;
	uint64_t accesses;
};

int qemu_plugin_version = PLUGIN_VERSION;

static const uint8_t mark_begin[] = { 0x0f, 0x1f, 0x80, 'O', 'X', 'E', 'B' };
static const uint8_t mark_end[] = { 0x0f, 0x1f, 0x80, 'O', 'X', 'E', 'E' };

static struct known *known;
static uint64_t known_count, known_room;
static struct span now, best;
static bool recording;
static const char *out;

/* At once: a machine may be ended by force. */
static void
save(void)
{
	FILE *f = fopen(out, "wb");
	uint64_t head[] = { known_count, best.count, best.translated, best.accesses };

	if (!f)
		return;
	fwrite(head, sizeof(head), 1, f);
	for (uint64_t i = 0; i < known_count; i++) {
		fwrite(&known[i].address, 8, 1, f);
		fwrite(&known[i].size, 1, 1, f);
		fwrite(known[i].bytes, 1, BYTES, f);
	}
	fwrite(best.executed, sizeof(*best.executed), best.count, f);
	fwrite(best.access, sizeof(*best.access), best.accesses, f);
	fclose(f);
}

static void
executed(unsigned cpu, void *which)
{
	(void)cpu;
	if (recording && now.count < SPAN_MAX)
		now.executed[now.count++] = (uint32_t)(uintptr_t)which;
}

static void
accessed(unsigned cpu, uint32_t how, uint64_t address, void *unused)
{
	struct access *last = &now.access[now.accesses];

	(void)cpu, (void)how, (void)unused;
	if (!recording || now.accesses == ACCESSES_MAX)
		return;
	if (now.accesses && last[-1].address == (address & ~7ull))
		return;
	*last = (struct access){ address & ~7ull, now.count };
	now.accesses++;
}

static void
begins(unsigned cpu, void *unused)
{
	(void)cpu, (void)unused;
	now.count = now.translated = now.accesses = 0;
	recording = true;
}

static void
ends(unsigned cpu, void *unused)
{
	struct span last = best;

	(void)cpu, (void)unused;
	if (recording && (!best.count || now.count < best.count)) {
		best = now;
		now = last;
		save();
	}
	recording = false;
}

static uint64_t
note(const struct qemu_plugin_insn *insn)
{
	struct known *k;
	size_t size = qemu_plugin_insn_size(insn);

	if (known_count == known_room) {
		known_room = known_room ? 2 * known_room : 1u << 16;
		known = realloc(known, known_room * sizeof(*known));
		if (!known)
			abort();
	}
	k = &known[known_count];
	memset(k, 0, sizeof(*k));
	k->address = qemu_plugin_insn_vaddr(insn);
	k->size = (uint8_t)size;
	memcpy(k->bytes, qemu_plugin_insn_data(insn), size < BYTES ? size : BYTES);
	return known_count++;
}

static bool
is(const struct qemu_plugin_insn *insn, const uint8_t *mark)
{
	return qemu_plugin_insn_size(insn) == sizeof(mark_begin) &&
		memcmp(qemu_plugin_insn_data(insn), mark, sizeof(mark_begin)) == 0;
}

static void
translated(uint64_t id, struct qemu_plugin_tb *block)
{
	size_t count = qemu_plugin_tb_n_insns(block);

	(void)id;
	for (size_t i = 0; i < count; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(block, i);
		plugin_executed told = is(insn, mark_begin) ? begins :
			is(insn, mark_end) ? ends : executed;

		qemu_plugin_register_vcpu_insn_exec_cb(insn, told, 0, (void *)note(insn));
		qemu_plugin_register_vcpu_mem_cb(insn, accessed, 0, LOADS_AND_STORES, NULL);
	}
	now.translated += recording ? count : 0;
}

int
qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv)
{
	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4) != 0)
		return -1;
	out = strdup(argv[0] + 4);
	now.executed = malloc(SPAN_MAX * sizeof(*now.executed));
	best.executed = malloc(SPAN_MAX * sizeof(*best.executed));
	now.access = malloc(ACCESSES_MAX * sizeof(*now.access));
	best.access = malloc(ACCESSES_MAX * sizeof(*best.access));
	if (!out || !now.executed || !best.executed || !now.access || !best.access)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
