/* SPDX-License-Identifier: ISC */
/*
 * Of mem_random.c, in the middle of which it is: programs that work with pages of
 * their own, and what the kernel does then under a part of mem_lock
 * (kernel/mem/local.c) touches what is self's account's, and free frames.
 */
static struct exo_map
any_map(void)
{
	static const u32 ops[] = {
		EXO_OP_MAP,
		EXO_OP_MAP | EXO_MAP_WRITE,
		EXO_OP_MAP | EXO_MAP_WRITE | EXO_MAP_CLAIM,
		EXO_OP_MAP | EXO_MAP_WRITE | EXO_MAP_CLAIM, EXO_OP_UNMAP,
		EXO_OP_UNMAP | EXO_MAP_RELEASE, EXO_OP_PROTECT, EXO_OP_PROTECT | EXO_MAP_WRITE,
		EXO_OP_MAP | EXO_MAP_WRITE | EXO_MAP_SHARED, EXO_OP_MAP | EXO_MAP_IO,
		EXO_OP_MAP | EXO_MAP_EXEC, EXO_OP_MAP | EXO_MAP_HIDDEN,
		EXO_OP_PROTECT | EXO_MAP_HIDDEN };
	u32 op = ops[draw(sizeof ops / sizeof *ops)];

	return (struct exo_map){ .va = any_va(), .op = op, .key = draw(4) ? K_OWN : any_key(),
		.pfn = op & EXO_MAP_IO ? MMIO_PFN : draw(3) ? own_frame() : any_frame() };
}

/* As a program at work does, by its own key: the rights are remembered, and a part of the lock is enough. */
static i64
op_map_own(void)
{
	i64 done = 0;

	for (unsigned n = 0; n < 16; n++) {
		struct exo_map e = any_map();
		bool claim = e.op & EXO_MAP_CLAIM;

		/* One that fits, if there is one within a few. */
		for (unsigned try = 0; try < 64; try++, e.pfn = own_frame())
			if (e.pfn < FRAMES && (claim ? frames[e.pfn].kind == EXO_FRAME_FREE :
				frames[e.pfn].account == accounts[who] && frames[e.pfn].nmaps == 0))
				break;
		e.key = K_OWN;
		done += sys_map(self, self->id, user(&e), 1, 0) == 1;
	}
	return done ? done : -1;
}

#define LOOKED_AT 8u			/* each so many-th time */

static struct exo_frame frames_before[FRAMES];
static struct frame_priv priv_before[FRAMES];
static u8 bytes_before[FRAMES][EXO_PAGE_BYTES];
static unsigned parts, changes;

/* Others' tables, accounts, guards and rings, too. */
static bool
kernels(exo_pfn pfn)
{
	return frames[pfn].kind > EXO_FRAME_DATA && frames[pfn].kind != EXO_FRAME_KERNEL &&
		frames[pfn].kind != EXO_FRAME_ABSENT;
}

static void
untouched(exo_pfn pfn)
{
	const struct exo_frame *was = &frames_before[pfn], *is = &frames[pfn];

	changes += memcmp(was, is, sizeof *was) != 0;
	if ((was->account == self->account || was->kind == EXO_FRAME_FREE) &&
		(is->account == self->account || is->kind == EXO_FRAME_FREE))
		return;
	must(pfn == self->account || memcmp(was, is, sizeof *was) == 0);
	must(memcmp(&priv_before[pfn], &frames_priv[pfn], sizeof priv_before[pfn]) == 0);
	must(pfn == self->account || !kernels(pfn) ||
		memcmp(bytes_before[pfn], frame_ptr(pfn), EXO_PAGE_BYTES) == 0);
}

static void
part(bool taken)
{
	parts += taken;
	if (parts % LOOKED_AT != 0)
		return;
	for (exo_pfn pfn = 0; pfn < frames_count; pfn++) {
		if (!taken) {
			untouched(pfn);
			continue;
		}
		frames_before[pfn] = frames[pfn];
		priv_before[pfn] = frames_priv[pfn];
		if (kernels(pfn))
			memcpy(bytes_before[pfn], frame_ptr(pfn), EXO_PAGE_BYTES);
	}
}
