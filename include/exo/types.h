/* SPDX-License-Identifier: ISC */
/*
 * Names and constants of the kernel interface.
 *
 * Everything an exokernel hands out is named by what the hardware calls it:
 * a frame by its number, a slice by its place in a CPU's vector.  The two
 * names that are ours are an environment's (table slot and generation, so
 * that a stale name is refused) and a guard's (its place in a guard frame).
 */
#ifndef EXO_TYPES_H
#define EXO_TYPES_H

#include <stdint.h>

#define EXO_VERSION 1u			/* of this interface; in the ELF note and the info table */

#define EXO_PAGE_SHIFT 12
#define EXO_PAGE_BYTES 4096ull

typedef uint64_t exo_pfn;		/* a physical frame number */
typedef uint64_t exo_envid;		/* generation << 16 | slot; 0 names nobody */
typedef uint64_t exo_guardref;		/* pfn << 5 | index in the guard frame; 0 is "no guard" */
typedef uint32_t exo_slot;		/* a slot of the caller's key ring */

#define EXO_ENV_SLOT(id)   ((uint32_t)((id) & 0xffff))
#define EXO_GUARD(pfn, i)  (((exo_guardref)(pfn) << 5) | (i))
#define EXO_GUARDS_FRAME 32u		/* guards in a guard frame, 128 bytes each */

/*
 * User addresses are below this.  The last top-level slot of the lower half is
 * left out, whole: a `syscall` in the last page before the hole would return
 * into it (sysret faults in the kernel then), and tables below the top level can
 * be shared to any place.
 */
#define EXO_USER_TOP 0x00007f8000000000ull

/* ---- rights, of keys and of guard entries ---------------------------------- */
#define EXO_R 0x01u			/* read: map read-only, follow, wait on */
#define EXO_W 0x02u			/* write: map writable; edit an environment */
#define EXO_X 0x04u			/* map executable */
#define EXO_P 0x08u			/* post events to an environment */
#define EXO_C 0x10u			/* control: release, destroy, change the guard */
#define EXO_A 0x20u			/* allot: charge an account for what is claimed */
#define EXO_RIGHTS_ALL 0x3fu

#define EXO_KEYNAME_BYTES 14u

/*
 * A named key, and an entry of a guard: the same 16 bytes, so that a key
 * travels in two registers.  A key opens an entry whose name it prefixes and
 * whose rights, together with the key's own, cover those asked.  len 0 with
 * all rights is root.  A guard entry with rights 0 is empty.
 */
struct exo_key {
	uint8_t len;			/* 0..EXO_KEYNAME_BYTES */
	uint8_t rights;
	uint8_t name[EXO_KEYNAME_BYTES];
};

#define EXO_GUARD_KEYS 4u

#define EXO_KEYS_FRAME 128u		/* key slots in a ring frame, 32 bytes each */
#define EXO_RING_FRAMES 16u		/* ring frames an environment may name */

/* ---- mapping ---------------------------------------------------------------- */

/* Permissions and operations of a map vector (struct exo_map.op) and of pt_install. */
#define EXO_MAP_READ     0x0001u	/* always implied by a mapping */
#define EXO_MAP_WRITE    0x0002u
#define EXO_MAP_EXEC     0x0004u
#define EXO_MAP_HIDDEN   0x0008u	/* bound, but user mode cannot touch it; not with WRITE or EXEC */
#define EXO_MAP_SOFT     0x0070u	/* three bits kept in the PTE for the library (PTE bits 9..11) */
#define EXO_MAP_SOFT_SHIFT 4
#define EXO_MAP_COW      0x0010u	/* the soft bit that pt_clone understands: copy on write */
#define EXO_MAP_SHARED   0x0020u	/* the soft bit that pt_clone understands: stays writable in both */
#define EXO_MAP_COPY     0x0080u	/* with CLAIM: what the caller has bound at va is copied there */
#define EXO_OP_MAP       0x0100u	/* bind va to pfn (replaces what is there) */
#define EXO_OP_UNMAP     0x0200u	/* remove the binding at va; absent is no error */
#define EXO_OP_PROTECT   0x0300u	/* change permissions and soft bits of the binding at va */
#define EXO_OP_MASK      0x0f00u
#define EXO_MAP_CLAIM    0x1000u	/* with OP_MAP: first claim the free frame for the target's account */
#define EXO_MAP_RELEASE  0x2000u	/* with OP_UNMAP: then release the frame if the target's account owns it */
#define EXO_MAP_IO       0x4000u	/* with OP_MAP: pfn is device memory, uncached; needs a key named 'M' */
#define EXO_MAP_TAG(tag) ((uint32_t)(tag) << EXO_MAP_TAG_SHIFT)	/* with CLAIM: the frame's tag, 8 bits */
#define EXO_MAP_TAG_SHIFT 16
/* With UNMAP, PROTECT: so many pages more, of one page table. */
#define EXO_MAP_RUN(pages) ((uint32_t)(pages) << EXO_MAP_RUN_SHIFT)
#define EXO_MAP_RUN_SHIFT 16
#define EXO_MAP_CLEARAD  0x8000u	/* with OP_PROTECT: also clear accessed and dirty */

/* One element of the vector of `map`.  24 bytes. */
struct exo_map {
	uint64_t va;			/* page aligned, below EXO_USER_TOP */
	exo_pfn pfn;			/* for OP_MAP */
	uint32_t op;			/* EXO_OP_* | EXO_MAP_* */
	exo_slot key;			/* opens the frame's guard (OP_MAP; PROTECT that adds; with EXO_C: RELEASE),
				 * or the target's account with EXO_A (CLAIM) */
};

/* pt_install's `where`: a page aligned address, plus level and permission in the low bits. */
#define EXO_PT_LEVEL 0x3ull		/* 1: page table into a directory, 2: directory, 3: pointer table into the root */
#define EXO_PT_WRITE 0x4ull		/* the entry allows writing below it */

/* ---- software regions --------------------------------------------------------- */
#define EXO_REGION_LINES 48u		/* of a region frame, each under a guard of its own */
#define EXO_REGION_LINE 64u		/* bytes of one */

/* ---- predicates ------------------------------------------------------------- */
enum exo_cmp { EXO_EQ, EXO_NE, EXO_LT, EXO_LE, EXO_GT, EXO_GE };	/* unsigned 64-bit */

#define EXO_TERMS_MAX 8u
#define EXO_TERM_OR 1u			/* this term starts a new product (the vector is an OR of ANDs) */

/*
 * One term of a wakeup predicate: (word & mask) cmp value.  `where` is either
 * the address of a word in an exposed table (>= EXO_TABLES) or a physical
 * byte address (pfn * 4096 + offset) in a frame that `key` may read, or that
 * the caller's account owns.  8-byte aligned.  A term whose frame is lost
 * becomes true.  40 bytes.
 */
struct exo_term {
	uint64_t where;
	uint64_t mask;
	uint64_t value;
	exo_slot key;
	uint8_t cmp;			/* enum exo_cmp */
	uint8_t flags;			/* EXO_TERM_OR */
	uint16_t tag;			/* given to the prologue when this product is the first true one */
	uint64_t spare;			/* must be 0 */
};

/* ---- environments ----------------------------------------------------------- */

/* What env_create needs; every frame is named by the caller and owned by `account`. */
struct exo_env_spec {
	uint32_t slot;			/* free slot of the environment table */
	exo_slot k_account;		/* opens the account's guard: allot */
	exo_pfn account;		/* charged for everything the environment claims */
	exo_pfn env_frame;		/* private kernel state lies here */
	exo_pfn root_frame;		/* top-level page table */
	exo_pfn root_links;		/* first of two contiguous frames of reverse-map links */
	exo_pfn ring_frame;		/* first frame of the key ring */
	exo_guardref guard;		/* who may edit, post to, control this environment; 0: the account's holder */
	exo_slot k_guard;		/* opens `guard` for control */
	uint32_t spare;			/* must be 0 */
};

/* What env_activate needs: an environment has at most one activation per CPU. */
struct exo_act_spec {
	uint32_t cpu;
	uint32_t spare;			/* must be 0 */
	exo_pfn uarea_frame;		/* private u-area page, see uarea.h */
	exo_pfn act_frame;		/* kernel's: predicate, forced registers, vector state */
	uint64_t uarea_va;		/* where the library maps the u-area: GS base in user mode */
};

/* Why an environment died: low 16 bits of its reason word; the rest is the reason's own. */
enum exo_death {
	EXO_DEAD_NONE = 0,
	EXO_DEAD_EXIT = 1,		/* env_destroy; bits 16..47 are the destroyer's word */
	EXO_DEAD_NOENTRY = 2,		/* an exception without a handler; bits 16..23 vector */
	EXO_DEAD_NESTING = 3,		/* nested deeper than the save slots; bits 16..23 vector */
	EXO_DEAD_EXCESS = 4,		/* never yielded: forfeits used up */
	EXO_DEAD_STATE = 5,		/* its own state made it unrunnable (bad entry address) */
};

/* What the prologue finds in rax: why this slice entered here. */
#define EXO_WOKE_SLICE    0x00000ull	/* parked without a predicate, or the very first slice */
#define EXO_WOKE_TAG      0x10000ull	/* | tag of the product that holds */
#define EXO_WOKE_DEADLINE 0x20000ull	/* the predicate's deadline passed */

/* First bytes of the names of the keys that the kernel itself asks for (docs/design.md, "Reserved names"). */
#define EXO_NAME_MMIO    'M'		/* + frame number, 7 bytes big endian: map device memory */
#define EXO_NAME_SLICE   'S'		/* + CPU, 1 byte: claim time slices */
#define EXO_NAME_IRQ     'I'		/* + line, 1 byte: bind an interrupt */
#define EXO_NAME_PORT    'P'		/* + port, 2 bytes big endian: port input/output */
#define EXO_NAME_DEVICE  'D'		/* + device, 1 byte, + queue, 1 byte: submit buffers */
#define EXO_NAME_LOG     'L'		/* append to the kernel log */
#define EXO_NAME_OFF     'O'		/* stop the machine */
#define EXO_NAME_TRACE   'T'		/* map the trace rings */
#define EXO_NAME_ARBITER 'A'		/* + frame number, 7 bytes big endian: take frames, and guarantee them */

/* A frame is asked for at least so long before it is taken, in ns (repossess). */
#define EXO_REPOSSESS_NS 100000u

/* ---- device input/output ------------------------------------------------------ */

/*
 * One buffer handed to a device queue.  Data and completion word lie in the
 * same frame, which stays pinned until the kernel stores
 * EXO_IO_DONE | bytes transferred there.  32 bytes.
 */
struct exo_io {
	exo_pfn pfn;
	uint32_t offset;		/* of the data in the frame */
	uint32_t bytes;
	uint32_t done_offset;		/* of the 8-byte completion word, 8-aligned, outside the data */
	exo_slot key;			/* opens the frame: W (the completion word), and R to send */
	uint64_t spare;			/* must be 0 */
};
#define EXO_IO_DONE  (1ull << 63)
#define EXO_IO_ERROR (1ull << 62)

#endif
