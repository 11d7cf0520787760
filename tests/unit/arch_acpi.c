/* SPDX-License-Identifier: ISC */
/* The firmware's tables: processors are found in good ones, and nothing is believed of others. */
// sources: kernel/arch/x86_64/acpi.c
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../kernel/arch/x86_64/acpi.h"

#define BYTES 4096u

static u8 memory[BYTES];
static int passed, failed;

/* Exactly as many bytes as asked for, so that one more is found out. */
static const void *
at(u64 phys, u64 bytes)
{
	static void *piece[64];
	static unsigned next;

	if (phys >= BYTES || bytes > BYTES - phys)
		return NULL;
	free(piece[next % 64]);
	piece[next % 64] = malloc(bytes);
	memcpy(piece[next % 64], memory + phys, bytes);
	return piece[next++ % 64];
}

static void
is(const char *what, u32 got, u32 want)
{
	if (got == want)
		passed++;
	else
		failed++;
	printf("%s %s\n", got == want ? "ok" : "FAIL", what);
}

static void
sum(u64 from, u64 bytes, u64 where)
{
	u8 total = 0;

	memory[where] = 0;
	for (u64 n = 0; n < bytes; n++)
		total = (u8)(total + memory[from + n]);
	memory[where] = (u8)-total;
}

static void
put(u64 where, u64 value, unsigned bytes)
{
	memcpy(memory + where, &value, bytes);
}

static void
table(u64 where, const char *signature, u32 bytes)
{
	memcpy(memory + where, signature, 4);
	put(where + 4, bytes, 4);
	sum(where, bytes, where + 9);
}

#define RSDP 16u
#define RSDT 128u
#define XSDT 256u
#define MADT 512u
#define MADT_BYTES (44u + 3 * 8 + 12)

static void
build(bool extended)
{
	memset(memory, 0, sizeof memory);
	memcpy(memory + RSDP, "RSD PTR ", 8);
	put(RSDP + 15, extended ? 2 : 0, 1);
	put(RSDP + 16, RSDT, 4);
	put(RSDP + 20, 36, 4);
	put(RSDP + 24, XSDT, 8);
	sum(RSDP, 20, RSDP + 8);
	/* Something else, something that is not there, and the one wanted. */
	put(RSDT + 36, RSDT, 4);
	put(RSDT + 40, 0xfffff000, 4);
	put(RSDT + 44, MADT, 4);
	table(RSDT, "RSDT", 48);
	put(XSDT + 36, MADT, 8);
	table(XSDT, "XSDT", 44);
	/* APIC 4, enabled; an IO-APIC; 5, not enabled; 6, enabled */
	put(MADT + 44, 0x04000800, 4);
	put(MADT + 48, 1, 4);
	put(MADT + 52, 0x0c01, 2);
	put(MADT + 64, 0x05010800, 4);
	put(MADT + 72, 0x06020800, 4);
	put(MADT + 76, 1, 4);
	table(MADT, "APIC", MADT_BYTES);
}

static u32
found(u32 room, u32 *apic)
{
	return acpi_cpus(RSDP, at, apic, room);
}

int
main(void)
{
	u32 apic[8] = { 0 };

	for (unsigned extended = 0; extended < 2; extended++) {
		build(extended);
		is("two of three are enabled", found(8, apic), 2);
		is("the first", apic[0], 4);
		is("the second", apic[1], 6);
		is("no more than there is room for", found(1, apic), 1);
	}
	is("no tables", acpi_cpus(0, at, apic, 8), 0);
	is("tables beyond memory", acpi_cpus(BYTES - 8, at, apic, 8), 0);
	memory[RSDP + 8]++;
	is("a root pointer that does not sum up", found(8, apic), 0);
	build(true);
	put(MADT + 4, 0xffffffff, 4);
	is("a table that is too long", found(8, apic), 0);
	build(true);
	table(MADT, "APIC", 40);
	is("one that is too short", found(8, apic), 0);
	build(true);
	put(MADT + 45, 0, 1);
	table(MADT, "APIC", MADT_BYTES);
	is("an entry without a length ends it", found(8, apic), 0);
	build(true);
	put(MADT + 73, 200, 1);
	table(MADT, "APIC", MADT_BYTES);
	is("one that sticks out, too", found(8, apic), 1);
	/* Whatever stands there, nothing outside is read. */
	srand(1);
	for (unsigned n = 0; n < 20000; n++) {
		build(n % 2);
		for (unsigned k = rand() % 6; k > 0; k--)
			memory[rand() % 640] = (u8)rand();
		table(MADT, "APIC", n % 3 ? MADT_BYTES : (u32)rand() % 200 + 36);
		if (found(8, apic) > 8)
			failed++;
	}
	printf("%d passed, %d failed\n", passed, failed);
	return failed != 0;
}
