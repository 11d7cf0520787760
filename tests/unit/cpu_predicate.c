/* SPDX-License-Identifier: ISC */
/* Wakeup predicates: what may be watched, when a predicate holds, and frames that are lost. */
// sources: kernel/cpu/predicate.c kernel/cap/*.c kernel/mem/*.c tests/unit/lib/fake.c
#include "fake.h"
#include "../../kernel/cpu/cpu_priv.h"
#include "../../kernel/dev/dev.h"

static struct exo_cpu cpu_table[2];
static struct exo_slice slice_table[2 * EXO_SLICES_CPU];
static struct exo_device device_table[DEVICES_MAX];

struct exo_cpu *cpus_pub = cpu_table;
struct exo_slice *slices = slice_table;
struct exo_device *devices = device_table;

static int
compile(struct env *env, struct exo_term src, struct term *dst)
{
	int error;

	lock_acquire(&mem_lock);
	error = predicate_compile(env, &src, dst);
	lock_release(&mem_lock);
	return error;
}

static int
watch(struct env *env, u64 where, exo_slot key)
{
	struct term term;

	return compile(env, (struct exo_term){ .where = where, .key = key }, &term);
}

static u64
in_frame(exo_pfn pfn, u64 offset)
{
	return pfn * EXO_PAGE_BYTES + offset;
}

static void
test_form(void)
{
	struct term term;

	gives("an unknown comparison",
		compile(alice, (struct exo_term){ .where = EXO_INFO, .cmp = EXO_GE + 1 }, &term),
		-EXO_EARG);
	gives("unknown flags",
		compile(alice, (struct exo_term){ .where = EXO_INFO, .flags = 2 }, &term),
		-EXO_EARG);
	gives("a spare word",
		compile(alice, (struct exo_term){ .where = EXO_INFO, .spare = 1 }, &term),
		-EXO_EARG);
	gives("an odd address", watch(alice, EXO_INFO + 4, 0), -EXO_EALIGN);
}

static void
test_tables(void)
{
	struct term term;

	gives("info, first word", watch(alice, EXO_INFO, K_EMPTY), 0);
	gives("info, behind the end", watch(alice, EXO_INFO + sizeof(struct exo_info), 0),
		-EXO_ERANGE);
	gives("CPUs, last word", watch(alice, EXO_CPUS + sizeof cpu_table - 8, 0), 0);
	gives("CPUs, behind the end", watch(alice, EXO_CPUS + sizeof cpu_table, 0), -EXO_ERANGE);
	gives("devices, last word", watch(alice, EXO_DEVICES + sizeof device_table - 8, 0), 0);
	gives("devices, behind the end", watch(alice, EXO_DEVICES + sizeof device_table, 0),
		-EXO_ERANGE);
	gives("slices, last word", watch(alice, EXO_SLICES + sizeof slice_table - 8, 0), 0);
	gives("slices, behind the end", watch(alice, EXO_SLICES + sizeof slice_table, 0),
		-EXO_ERANGE);
	gives("environments, behind the end",
		watch(alice, EXO_ENVS + envs_count * sizeof(struct exo_env), 0), -EXO_ERANGE);
	gives("free map, last word", watch(alice, EXO_FREEMAP + FRAMES / 8 - 8, 0), 0);
	gives("free map, behind the end", watch(alice, EXO_FREEMAP + FRAMES / 8, 0), -EXO_ERANGE);
	gives("frames, last word", watch(alice, EXO_FRAMES + frames_count * 32 - 8, 0), 0);
	gives("frames, behind the end", watch(alice, EXO_FRAMES + frames_count * 32, 0),
		-EXO_ERANGE);
	gives("the last address of all", watch(alice, ~7ull, 0), -EXO_ERANGE);
	compile(alice, (struct exo_term){ .where = EXO_CPUS + 128 + 8 }, &term);
	holds("the word is the table's own", term.word == &cpu_table[1].running && term.pfn == 0);
}

static void
test_rights(void)
{
	exo_pfn own = fake_own(alice), other = fake_own(bob);

	gives("frame 0", watch(alice, 8, K_OWN), -EXO_ERANGE);
	gives("outside memory", watch(alice, in_frame(frames_count, 0), K_OWN), -EXO_ERANGE);
	gives("below the tables, above memory", watch(alice, EXO_VPT, K_OWN), -EXO_ERANGE);
	gives("an own frame needs no key", watch(alice, in_frame(own, 4088), K_EMPTY), 0);
	gives("another's, no key there", watch(alice, in_frame(other, 0), K_EMPTY), -EXO_EKEY);
	gives("another's, a key that does not open it", watch(alice, in_frame(other, 0), K_OWN),
		-EXO_ERIGHTS);
	gives("another's, by a key that does", watch(root, in_frame(other, 0), K_OWN), 0);
	lock_acquire(&mem_lock);
	frames[other].flags |= EXO_FRAME_PUBLIC;
	lock_release(&mem_lock);
	gives("another's, but public", watch(alice, in_frame(other, 0), K_EMPTY), 0);
	gives("the kernel's", watch(root, in_frame(KERNEL_PFN, 0), K_OWN), -EXO_ERIGHTS);
	gives("an own page table", watch(alice, in_frame(alice->root, 0), K_OWN), -EXO_ERIGHTS);
	gives("the own private state", watch(alice, in_frame(alice->frame, 0), K_OWN),
		-EXO_ERIGHTS);
	gives("the own key ring", watch(alice, in_frame(alice->ring[0], 0), K_OWN), -EXO_ERIGHTS);
	gives("a free frame", watch(root, in_frame(fake_free(), 0), K_OWN), -EXO_ERIGHTS);
}

/* A frame claimed but never mapped still holds what its last owner left: that must not be found out. */
static void
test_scrub(void)
{
	exo_pfn pfn = fake_own(alice);
	u64 *words = frame_ptr(pfn);

	lock_acquire(&mem_lock);
	frames[pfn].flags |= EXO_FRAME_DIRTY;
	lock_release(&mem_lock);
	words[3] = 42;
	gives("a frame with old contents is watched", watch(alice, in_frame(pfn, 24), K_EMPTY), 0);
	gives("and was scrubbed first", (i64)words[3], 0);
}

static struct act waiter;

static void
term_set(unsigned n, volatile u64 *word, enum exo_cmp cmp, u64 value, bool new_product, u16 tag)
{
	waiter.term[n] = (struct term){ .word = word, .mask = 0xff, .value = value, .cmp = (u8)cmp,
		.flags = new_product ? EXO_TERM_OR : 0, .tag = tag };
	waiter.nterms = n + 1;
}

static void
test_compare(void)
{
	static const u8 truth[6] = { 2, 5, 1, 3, 4, 6 };	/* bits: less, equal, greater */
	static volatile u64 word;
	unsigned wrong = 0;

	for (enum exo_cmp cmp = EXO_EQ; cmp <= EXO_GE; cmp++)
		for (u64 value = 4; value <= 6; value++) {
			word = 0xf00 | value;		/* the mask takes the rest off */
			term_set(0, &word, cmp, 5, false, 9);
			wrong += (predicate_holds(&waiter) == 9) != (truth[cmp] >> (value - 4) & 1);
		}
	gives("comparisons and the mask", wrong, 0);
}

/* Every vector of n terms, against the definition: some product has no false term; the first such one's tag. */
static void
test_products(void)
{
	static volatile u64 yes = 1, no;
	unsigned wrong = 0;

	for (unsigned count = 0; count <= EXO_TERMS_MAX; count++)
		for (u32 bits = 0; bits < 1u << (2 * count); bits++) {
			int expected = -1, tag = -1;
			bool all = false;

			waiter.nterms = 0;
			for (unsigned n = 0; n < count; n++) {
				bool value = bits >> (2 * n) & 1, begins = bits >> (2 * n + 1) & 1;

				term_set(n, value ? &yes : &no, EXO_NE, 0, begins, (u16)n);
				if (begins || n == 0) {
					expected = expected < 0 && all ? tag : expected;
					all = true;
					tag = (int)n;
				}
				all = all && value;
			}
			expected = expected < 0 && all ? tag : expected;
			wrong += predicate_holds(&waiter) != expected;
		}
	gives("OR of ANDs, all vectors of up to 8 terms", wrong, 0);
}

static void
test_lost(void)
{
	exo_pfn pfn = fake_own(alice);
	struct exo_term src = { .where = in_frame(pfn, 0), .mask = ~0ull, .value = 1, .tag = 3 };

	gives("a word that is 0", compile(alice, src, &waiter.term[0]), 0);
	waiter.nterms = 1;
	gives("is not 1", predicate_holds(&waiter), -1);
	gives("its frame is released", sys_frame_release(alice, pfn, 1, K_OWN), 1);
	gives("then the term is true", predicate_holds(&waiter), 3);
	gives("and its frame is claimed by another",
		sys_frame_claim(bob, pfn, 1, bob_account, 0, K_OWN, 0), 1);
	gives("then too", predicate_holds(&waiter), 3);

	pfn = fake_own(alice);
	src.where = in_frame(pfn, 0);
	gives("a word again", compile(alice, src, &waiter.term[0]), 0);
	gives("not 1", predicate_holds(&waiter), -1);
	lock_acquire(&mem_lock);
	frame_type(pfn, EXO_FRAME_RING, alice->frame);
	lock_release(&mem_lock);
	gives("its frame becomes the kernel's: true", predicate_holds(&waiter), 3);
}

int
main(void)
{
	fake_start();
	cpus_count = 2;
	test_form();
	test_tables();
	test_rights();
	test_scrub();
	test_compare();
	test_products();
	test_lost();
	return fake_end();
}
