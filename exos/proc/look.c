/* SPDX-License-Identifier: ISC */
/* What look.h says. */
#include <exo/read.h>
#include "look.h"
#include "../arch/x86_64/arch.h"
#include "../core/self.h"
#include "../vm/vm.h"
#include "../linux/errno.h"

#define TOP_SHIFT 39
#define TOP_BYTES (1ull << TOP_SHIFT)
#define TOP_LEVEL 3u			/* of the tables shown */
#define LAST_SLOT (EXO_USER_TOP >> TOP_SHIFT)

u32 look_slot = LOOK_NOWHERE;

static struct {
	exo_slot key;
	u32 shown;			/* what of theirs is there; LOOK_NOWHERE: nothing */
	struct pub_table table[PUB_TABLES];
} other;

void
look_publish(void)
{
	unsigned count = 0;

	for (u64 slot = 0; slot < LAST_SLOT && count < PUB_TABLES; slot++) {
		u64 entry = exo_pte_at(slot << TOP_SHIFT, 4);

		if (entry & EXO_PTE_PRESENT)
			PUB->table[count++] =
				(struct pub_table){ (u32)slot, (u32)EXO_PTE_PFN(entry) };
	}
	while (count < PUB_TABLES)
		PUB->table[count++] = (struct pub_table){ 0, 0 };
}

void
look_fork_child(void)
{
	for (unsigned n = 0; n < PUB_TABLES; n++) {
		u64 entry = exo_pte_at((u64)PUB->table[n].slot << TOP_SHIFT, 4);

		PUB->table[n].pfn = entry & EXO_PTE_PRESENT ? (u32)EXO_PTE_PFN(entry) : 0;
	}
}

/* A place where the program has nothing, and no page table either. */
static u32
slot_find(void)
{
	for (u64 slot = VM_HIGH >> TOP_SHIFT; --slot > 0;) {
		u64 start = slot << TOP_SHIFT;

		if (!(exo_pte_at(start, 4) & EXO_PTE_PRESENT) &&
			!regions_overlap(&vm.regions, start, start + TOP_BYTES))
			return (u32)slot;
	}
	return LOOK_NOWHERE;
}

int
look_begin(const volatile struct sh_proc *p)
{
	int key = key_slot_get();
	long error;

	if (key < 0)
		return key;
	error = server_call(OP_LOOK, p->pid, (u64)key, 0, 0, 0, NULL);
	look_slot = error ? LOOK_NOWHERE : slot_find();
	if (!error && look_slot == LOOK_NOWHERE)
		error = -ENOMEM;
	if (error) {
		key_slot_put((exo_slot)key);
		return (int)error;
	}
	other.key = (exo_slot)key;
	other.shown = LOOK_NOWHERE;
	memcpy(other.table, AT(struct pub, EXOS_COMM)->table, sizeof(other.table));
	return 0;
}

static u64
place(void)
{
	return (u64)look_slot << TOP_SHIFT;
}

static void
hide(void)
{
	if (other.shown != LOOK_NOWHERE)
		exo_pt_remove(UAREA->env, place() | TOP_LEVEL, KEY_SELF);
	other.shown = LOOK_NOWHERE;
}

void
look_end(void)
{
	hide();
	key_slot_put(other.key);
	look_slot = LOOK_NOWHERE;
}

/* The table of this slot, as they say; the kernel sees to it that it is one, and theirs. */
static bool
show(u64 slot)
{
	if (slot == other.shown)
		return true;
	hide();
	for (unsigned n = 0; n < PUB_TABLES; n++) {
		if (other.table[n].slot != slot || !other.table[n].pfn)
			continue;
		if (exo_pt_install(UAREA->env, place() | TOP_LEVEL, other.table[n].pfn, 0,
				KEY_SELF, other.key) < 0)
			return false;
		other.shown = (u32)slot;
		return true;
	}
	return false;
}

int
look_read(u64 va, void *to, u64 bytes)
{
	for (char *at = to; bytes;) {
		u64 here = va % TOP_BYTES, part = TOP_BYTES - here;

		part = part < bytes ? part : bytes;
		if (va >= EXO_USER_TOP || !show(va >> TOP_SHIFT) ||
			exos_copy(at, (const void *)(place() + here), part))
			return -EFAULT;
		at += part;
		va += part;
		bytes -= part;
	}
	return 0;
}

u64
look_some(u64 va, void *to, u64 bytes)
{
	u64 done = 0;

	while (done < bytes) {
		u64 part = EXO_PAGE_BYTES - (va + done) % EXO_PAGE_BYTES;

		part = part < bytes - done ? part : bytes - done;
		if (look_read(va + done, (char *)to + done, part))
			break;
		done += part;
	}
	return done;
}

unsigned
look_entries(u64 va, unsigned level, u64 *entry, unsigned count)
{
	unsigned index = (unsigned)(va >> (12 + 9 * (level - 1)) & 511);

	if (va >= EXO_USER_TOP || !show(va >> TOP_SHIFT))
		return 0;
	count = count < 512 - index ? count : 512 - index;
	return exos_copy(entry, (const void *)exo_pte_place(place() + va % TOP_BYTES, level),
		       count * sizeof(*entry)) ? 0 : count;
}
