/* SPDX-License-Identifier: ISC */
/*
 * A kernel that asks nobody for rights, to measure what asking costs: linked
 * instead of the real answers (mk/zbench.mk, --wrap) into
 * build/unprotected/aegis.elf.  Whoever names a frame, an account, an
 * environment, a slice or a device has it.  What keeps the kernel itself whole
 * stays: names, counts and pointers are looked at as ever; and so does the one
 * compare with the last yes.
 */
#include "../kernel/cap/cap.h"
#include "../kernel/core/core.h"
#include "../kernel/mem/mem.h"

/* What tools/exo looks for before it starts a kernel that it was not asked for. */
const char unprotected_mark[] = "AEGIS-WITHOUT-PROTECTION";

void __real_boot_init(void);
void __wrap_boot_init(void);
int
__wrap_guard_test(const struct env *env, exo_slot slot, exo_guardref ref, u64 serial, u32 rights);
int
__wrap_guard_allows(const struct env *env, exo_slot slot, exo_guardref ref, u64 serial, u32 rights);
int __wrap_name_allows(const struct env *env, exo_slot slot, const struct exo_key *name);
int __wrap_env_allows(const struct env *self, exo_slot key, const struct env *env, u32 rights);
int __wrap_account_test(const struct env *self, exo_slot key, exo_pfn pfn, u32 rights);
int __wrap_account_ask(const struct env *self, exo_slot key, exo_pfn pfn, u32 rights);
bool __wrap_frame_guard_opens(const struct env *self, exo_slot key, exo_pfn pfn, u32 rights);

void
__wrap_boot_init(void)
{
	klog("%s: rights are not checked, programs are not protected from each other\n",
		unprotected_mark);
	__real_boot_init();
}

int
__wrap_guard_test(const struct env *env, exo_slot slot, exo_guardref ref, u64 serial, u32 rights)
{
	(void)env, (void)slot, (void)ref, (void)serial, (void)rights;
	return 0;
}

int
__wrap_guard_allows(const struct env *env, exo_slot slot, exo_guardref ref, u64 serial, u32 rights)
{
	(void)env, (void)slot, (void)ref, (void)serial, (void)rights;
	return 0;
}

int
__wrap_name_allows(const struct env *env, exo_slot slot, const struct exo_key *name)
{
	(void)env, (void)slot, (void)name;
	return 0;
}

int
__wrap_env_allows(const struct env *self, exo_slot key, const struct env *env, u32 rights)
{
	(void)self, (void)key, (void)env, (void)rights;
	return 0;
}

int
__wrap_account_test(const struct env *self, exo_slot key, exo_pfn pfn, u32 rights)
{
	(void)self, (void)key, (void)pfn, (void)rights;
	return 0;
}

/* Remembers the yes, as the real one does: the next time is the compare in mem.h, which stays. */
int
__wrap_account_ask(const struct env *self, exo_slot key, exo_pfn pfn, u32 rights)
{
	(void)rights;
	grant_note(&self->grant, key, pfn, EXO_RIGHTS_ALL);
	return 0;
}

bool
__wrap_frame_guard_opens(const struct env *self, exo_slot key, exo_pfn pfn, u32 rights)
{
	(void)self, (void)key, (void)pfn, (void)rights;
	return true;
}
