/* SPDX-License-Identifier: ISC */
/* stlb_offer: every error; faults that the software TLB may answer, and those it may not. */
// sources: kernel/cap/*.c kernel/mem/*.c tests/unit/lib/fake.c
#include "fake.h"

#define VA 0x400000ull
#define READ_FAULT FAULT_USER
#define WRITE_FAULT (FAULT_USER | FAULT_WRITE)
#define RW (EXO_MAP_READ | EXO_MAP_WRITE)

static const exo_envid nobody = 9ull << 16 | 9;
static exo_pfn array;			/* alice's, offered, and written once */

static struct exo_stlb *
entry_of(u64 va)
{
	return (struct exo_stlb *)frame_ptr(array) + exo_stlb_index(va, 1);
}

static void
set(u64 va, u64 flags, exo_pfn pfn, exo_slot key)
{
	*entry_of(va) = (struct exo_stlb){ va | flags, pfn | (u64)key << EXO_STLB_KEY_SHIFT };
}

static i64
offer(struct env *env, exo_pfn pfn, u64 count)
{
	return sys_stlb_offer(env, env->id, pfn, count, 0, K_OWN);
}

/* Frames that nobody ever mapped hold what the last owner left: that is not alice's word. */
static void
begin(void) NO_TSA
{
	fake_start();
	fake_tables(alice, VA);
	array = fake_own(alice);
	lock_acquire(&mem_lock);
	frame_scrub(array);
	lock_release(&mem_lock);
	must(offer(alice, array, 1) == 0);
}

static void
test_offer(void)
{
	exo_pfn run;

	fake_start();
	run = fake_own_run(alice, 4);
	gives("stlb_offer STALE", sys_stlb_offer(alice, nobody, run, 1, 0, K_OWN), -EXO_ESTALE);
	gives("stlb_offer KEY: environment",
		sys_stlb_offer(bob, alice->id, run, 1, K_EMPTY, K_OWN), -EXO_EKEY);
	gives("stlb_offer RIGHTS: environment",
		sys_stlb_offer(bob, alice->id, run, 1, K_OWN, K_OWN), -EXO_ERIGHTS);
	gives("stlb_offer ARG: no power of two", offer(alice, run, 3), -EXO_EARG);
	gives("stlb_offer ARG: too many", offer(alice, run, 128), -EXO_EARG);
	gives("stlb_offer RANGE", offer(alice, FRAMES, 1), -EXO_ERANGE);
	gives("stlb_offer RANGE: the end", offer(alice, FRAMES - 1, 2), -EXO_ERANGE);
	gives("stlb_offer RANGE: largest", offer(alice, ~0ull, 64), -EXO_ERANGE);
	gives("stlb_offer KIND", offer(alice, alice->ring[0], 1), -EXO_EKIND);
	gives("stlb_offer KIND: free", offer(alice, fake_free(), 1), -EXO_EKIND);
	gives("stlb_offer OWNER", offer(alice, fake_own(bob), 1), -EXO_EOWNER);
	gives("stlb_offer KEY", sys_stlb_offer(alice, alice->id, run, 4, 0, K_EMPTY), -EXO_EKEY);
	gives("stlb_offer RIGHTS", sys_stlb_offer(alice, alice->id, run, 4, 0, K_OTHER),
		-EXO_ERIGHTS);
	gives("nothing came of it", alice->stlb.frames, 0);
	gives("stlb_offer", offer(alice, run, 4), 0);
	gives("stlb_offer for another", sys_stlb_offer(root, alice->id, run, 2, K_OWN, K_OWN), 0);
	gives("two frames", alice->stlb.frames, 2);
	gives("stlb_offer: none", sys_stlb_offer(alice, alice->id, 0, 0, K_EMPTY, K_EMPTY), 0);
	fake_die(alice);
	gives("stlb_offer DEAD", sys_stlb_offer(root, alice->id, run, 1, K_OWN, K_OWN), -EXO_EDEAD);
}

static void
test_hits(void)
{
	exo_pfn data, other;

	begin();
	data = fake_own(alice);
	other = fake_own(alice);
	set(VA, EXO_MAP_READ | EXO_MAP_COW, data, K_WEAK);
	holds("a read", stlb_fault(alice, VA + 0x123, READ_FAULT));
	holds("is bound for reading", fake_touch(alice, VA, false) && !fake_touch(alice, VA, true));
	gives("with its soft bits", *fake_pte(alice, VA) & PTE_SOFT_MASK, PTE_SOFT(EXO_MAP_COW));
	holds("the frame was scrubbed", !(frames[data].flags & EXO_FRAME_DIRTY));
	holds("a write that the entry does not allow", !stlb_fault(alice, VA, WRITE_FAULT));
	set(VA, RW, data, K_OWN);
	holds("a write to what is bound for reading",
		stlb_fault(alice, VA, WRITE_FAULT | FAULT_PRESENT));
	holds("is bound for writing", fake_touch(alice, VA, true));
	fake_tlb_check(alice);
	set(VA, RW, other, K_OWN);
	holds("another frame", stlb_fault(alice, VA, WRITE_FAULT | FAULT_PRESENT));
	fake_tlb_check(alice);
	holds("the first is bound no more", frames[data].nmaps == 0 && frames[other].nmaps == 1);
	holds("a fetch that the entry does not allow",
		!stlb_fault(alice, VA, READ_FAULT | FAULT_FETCH | FAULT_PRESENT));
	set(VA, EXO_MAP_READ | EXO_MAP_EXEC, other, K_OWN);
	holds("a fetch", stlb_fault(alice, VA, READ_FAULT | FAULT_FETCH | FAULT_PRESENT));
	holds("is bound for execution", !(*fake_pte(alice, VA) & PTE_NX));
}

static void
test_misses(void)
{
	exo_pfn data, bobs;

	begin();
	data = fake_own(alice);
	bobs = fake_own(bob);
	set(VA, RW, data, K_OWN);
	holds("another page at the same place",
		!stlb_fault(alice, VA + EXO_STLB_ENTRIES * EXO_PAGE_BYTES, READ_FAULT));
	holds("an empty entry", !stlb_fault(alice, VA + 0x1000, READ_FAULT));
	holds("a fault with reserved bits", !stlb_fault(alice, VA, READ_FAULT | 8));
	holds("a fault of protection keys", !stlb_fault(alice, VA, READ_FAULT | 32));
	holds("a fault of the kernel", !stlb_fault(alice, VA, FAULT_WRITE));
	holds("somebody else's fault", !stlb_fault(bob, VA, READ_FAULT));
	for (u64 bad = 8; bad < EXO_PAGE_BYTES; bad <<= 1) {
		if (bad & EXO_MAP_SOFT)
			continue;
		set(VA, RW | bad, data, K_OWN);
		holds("an unknown bit", !stlb_fault(alice, VA, READ_FAULT));
	}
	set(VA, EXO_MAP_WRITE, data, K_OWN);
	holds("not valid", !stlb_fault(alice, VA, WRITE_FAULT));
	set(VA, RW, bobs, K_OWN);
	holds("another's frame", !stlb_fault(alice, VA, WRITE_FAULT));
	set(VA, RW, data, K_EMPTY);
	holds("no key", !stlb_fault(alice, VA, WRITE_FAULT));
	set(VA, RW, data, 0xffffff);
	holds("no slot", !stlb_fault(alice, VA, WRITE_FAULT));
	set(VA, RW, data, K_WEAK);
	holds("a weak key", !stlb_fault(alice, VA, WRITE_FAULT));
	set(VA, RW, alice->frame, K_OWN);
	holds("a frame of the kernel's", !stlb_fault(alice, VA, WRITE_FAULT));
	set(VA, RW, MMIO_PFN, K_OWN);
	holds("device memory", !stlb_fault(alice, VA, WRITE_FAULT));
	set(VA, RW, fake_free(), K_OWN);
	holds("a free frame", !stlb_fault(alice, VA, WRITE_FAULT));
	set(VA, RW, EXO_STLB_PFN, K_OWN);
	holds("no frame", !stlb_fault(alice, VA, WRITE_FAULT));
	set(EXO_USER_TOP, RW, data, K_OWN);
	holds("above user space", !stlb_fault(alice, EXO_USER_TOP, WRITE_FAULT));
	set(1ull << 40, RW, data, K_OWN);
	holds("no table", !stlb_fault(alice, 1ull << 40, WRITE_FAULT));
	gives("nothing was bound", frames[data].nmaps, 0);
}

static void
test_frames(void)
{
	exo_pfn data;

	begin();
	data = fake_own(alice);
	set(VA, RW, data, K_OWN);
	frames[array].flags |= EXO_FRAME_DIRTY;
	holds("an array never written", !stlb_fault(alice, VA, READ_FAULT));
	frames[array].flags &= (u8)~EXO_FRAME_DIRTY;
	must(sys_frame_release(alice, array, 1, K_OWN) == 1);
	holds("an array released", !stlb_fault(alice, VA, READ_FAULT));
	must(sys_frame_claim(alice, array, 1, alice_account, 0, K_OWN, 0) == 1);
	frames[array].flags &= (u8)~EXO_FRAME_DIRTY;
	holds("and claimed again", !stlb_fault(alice, VA, READ_FAULT));
	must(offer(alice, array, 1) == 0);
	holds("offered again", stlb_fault(alice, VA, READ_FAULT));
	must(offer(alice, 0, 0) == 0);
	holds("withdrawn", !stlb_fault(alice, VA, READ_FAULT));
}

int
main(void)
{
	test_offer();
	test_hits();
	test_misses();
	test_frames();
	return fake_end();
}
