/* SPDX-License-Identifier: ISC */
/*
 * The firmware's tables, as far as they name processors: RSDP -> XSDT or RSDT
 * -> MADT.  Whatever is not as it should be counts as absent.
 */
#include "acpi.h"

#define TABLE_MAX 65536u		/* bytes of a table; no sane one is longer */
#define TABLES_MAX 128u

struct rsdp {				/* "RSD PTR " */
	char signature[8];
	u8 checksum;
	char oem[6];
	u8 revision;
	u32 rsdt;
	u32 bytes;			/* these from revision 2 on */
	u64 xsdt;
	u8 more[4];
} __attribute__((packed));
#define RSDP_FIRST 20u			/* bytes of revision 0 */

struct table {
	char signature[4];
	u32 bytes;
	u8 rest[28];
} __attribute__((packed));

struct madt {
	struct table head;
	u32 apic, flags;
} __attribute__((packed));

struct madt_apic {			/* type 0 */
	u8 type, bytes, processor, apic;
	u32 flags;
} __attribute__((packed));
#define MADT_APIC 0u
#define APIC_ENABLED 1u

static bool
sums_up(const void *from, u64 bytes)
{
	const u8 *at = from;
	u8 sum = 0;

	while (bytes-- > 0)
		sum = (u8)(sum + *at++);
	return sum == 0;
}

/* A table of this signature, whole; NULL: it is not one. */
static const struct table *
table_at(u64 phys, acpi_memory *at, const char *signature)
{
	const struct table *table = phys != 0 ? at(phys, sizeof(*table)) : NULL;

	if (table == NULL || memcmp(table->signature, signature, 4) != 0)
		return NULL;
	if (table->bytes < sizeof(*table) || table->bytes > TABLE_MAX)
		return NULL;
	table = at(phys, table->bytes);
	return table != NULL && sums_up(table, table->bytes) ? table : NULL;
}

/* The MADT among the tables that the root names by entries of this width. */
static const struct table *
madt_find(const struct table *root, unsigned width, acpi_memory *at)
{
	u32 count = (root->bytes - (u32)sizeof(*root)) / width;

	for (u32 n = 0; n < count && n < TABLES_MAX; n++) {
		const struct table *madt;
		u64 phys = 0;

		memcpy(&phys, (const u8 *)(root + 1) + n * width, width);
		madt = table_at(phys, at, "APIC");
		if (madt != NULL)
			return madt;
	}
	return NULL;
}

static u32
madt_apics(const struct table *madt, u32 *apic, u32 room)
{
	const u8 *p = (const u8 *)madt + sizeof(struct madt), *end = (const u8 *)madt + madt->bytes;
	struct madt_apic entry;
	u32 count = 0;

	for (; p + 2 <= end && p[1] >= 2 && p + p[1] <= end; p += p[1]) {
		if (p[0] != MADT_APIC || p[1] < sizeof(entry) || count == room)
			continue;
		memcpy(&entry, p, sizeof(entry));
		if (entry.flags & APIC_ENABLED)
			apic[count++] = entry.apic;
	}
	return count;
}

u32
acpi_cpus(u64 where, acpi_memory *at, u32 *apic, u32 room)
{
	const struct rsdp *rsdp = where != 0 ? at(where, RSDP_FIRST) : NULL;
	const struct table *root = NULL, *madt = NULL;

	if (rsdp == NULL || memcmp(rsdp->signature, "RSD PTR ", 8) != 0 ||
		!sums_up(rsdp, RSDP_FIRST))
		return 0;
	if (rsdp->revision >= 2 && (rsdp = at(where, sizeof(*rsdp))) != NULL)
		root = table_at(rsdp->xsdt, at, "XSDT");
	if (root != NULL)
		madt = madt_find(root, 8, at);
	else if (rsdp != NULL && (root = table_at(rsdp->rsdt, at, "RSDT")) != NULL)
		madt = madt_find(root, 4, at);
	return madt != NULL && madt->bytes >= sizeof(struct madt) ? madt_apics(madt, apic, room) :
		0;
}
