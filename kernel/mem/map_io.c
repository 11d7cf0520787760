/* SPDX-License-Identifier: ISC */
/* Who may map device memory: the holder of its name, where nothing of it is a frame or the kernel's. */
#include "mem_priv.h"
#include "../dev/dev.h"

int
may_io(const struct env *self, exo_pfn pfn, exo_slot key)
{
	struct exo_key name = { .len = 8, .rights = EXO_R | EXO_W, .name = { EXO_NAME_MMIO } };
	const struct exo_frame *frame = frame_at(pfn);
	int error;

	for (unsigned n = 0; n < 7; n++)
		name.name[1 + n] = (u8)(pfn >> (8 * (6 - n)));
	error = name_allows(self, key, &name);
	if (error)
		return error;
	if (frame && frame->kind != EXO_FRAME_ABSENT)
		return -EXO_EKIND;
	return dev_mmio_open(pfn) ? 0 : -EXO_ERANGE;
}
