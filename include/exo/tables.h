/* SPDX-License-Identifier: ISC */
/*
 * The exposed tables: the kernel's bookkeeping, mapped read-only into every
 * environment at fixed addresses.  There are no "get" calls.
 *
 * Readers treat every word as a hint (a call checks again), stride by the
 * entry size in the info table, and find no kernel pointers, no addresses of
 * other address spaces and no contents here.  One aligned store per field.
 */
#ifndef EXO_TABLES_H
#define EXO_TABLES_H

#include "types.h"

/* Windows.  All in one top-level slot, installed in every root page table. */
#define EXO_TABLES        0xffffff0000000000ull
#define EXO_INFO          (EXO_TABLES + 0x0000000000ull)	/* struct exo_info */
#define EXO_CPUS          (EXO_TABLES + 0x0000100000ull)	/* struct exo_cpu[] */
#define EXO_DEVICES       (EXO_TABLES + 0x0000200000ull)	/* struct exo_device[] */
#define EXO_SLICES        (EXO_TABLES + 0x0010000000ull)	/* struct exo_slice[cpu][EXO_SLICES_CPU] */
#define EXO_ENVS          (EXO_TABLES + 0x0020000000ull)	/* struct exo_env[] */
#define EXO_FREEMAP       (EXO_TABLES + 0x0080000000ull)	/* one bit per frame, 1 = free */
#define EXO_FRAMES        (EXO_TABLES + 0x1000000000ull)	/* struct exo_frame[] */
#define EXO_TABLES_END    (EXO_TABLES + 0x8000000000ull)

/* The caller's own page tables, readable: the recursive slot 509. */
#define EXO_VPT           0xfffffe8000000000ull	/* PTE of va: EXO_VPT + (va >> 12) * 8, low 48 bits of va */

#define EXO_MAGIC 0x5349474541ull	/* "AEGIS" */

struct exo_table {			/* one row of info.table[] */
	uint64_t base;
	uint32_t entry_bytes;
	uint32_t spare;
	uint64_t count;
};

enum exo_table_id {
	EXO_T_CPUS,
	EXO_T_DEVICES,
	EXO_T_SLICES,
	EXO_T_ENVS,
	EXO_T_FREEMAP,
	EXO_T_FRAMES,
	EXO_NTABLES
};

enum exo_lock { EXO_LOCK_ENV, EXO_LOCK_MEM, EXO_LOCK_DEV, EXO_LOCK_LOG, EXO_LOCKS };

struct exo_info {
	uint64_t magic;			/* EXO_MAGIC */
	uint32_t version;		/* EXO_VERSION */
	uint32_t cpus;
	uint64_t features;		/* EXO_FEAT_* */
	uint64_t frames;		/* frames the table covers */
	uint64_t free_frames;		/* free now */
	uint64_t tsc_hz;
	/* now_ns = (rdtsc - tsc_base) * tsc_mult >> 32 */
	uint64_t tsc_base;
	uint64_t tsc_mult;
	uint64_t slice_ns;		/* length of a slice */
	uint64_t grace_ns;		/* end-of-slice grace */
	uint32_t forfeits_max;		/* slices forfeited before destruction */
	uint32_t fpu_bytes;		/* size of a saved vector state */
	uint64_t fpu_mask;		/* XCR0, or 0 where FXSAVE is used */
	uint64_t archive_pfn;		/* boot archive: first frame and length */
	uint64_t archive_bytes;
	uint64_t deaths;		/* environments destroyed so far: a word to wait on */
	uint64_t root_account;		/* pfn of the first account */
	struct exo_table table[EXO_NTABLES];
	uint64_t repossess_ns;		/* shortest notice before a frame is taken */
	uint64_t lock_spins[EXO_LOCKS];	/* per lock of the kernel: acquisitions that had to wait */
};
#define EXO_FEAT_XSAVE    0x1ull
#define EXO_FEAT_FSGSBASE 0x2ull
#define EXO_FEAT_DEBUG    0x4ull	/* kernel built with invariant sweeps */

/* What a frame is. */
enum exo_frame_kind {
	EXO_FRAME_FREE, EXO_FRAME_DATA, EXO_FRAME_PT1, EXO_FRAME_PT2, EXO_FRAME_PT3, EXO_FRAME_ROOT,
	EXO_FRAME_LINKS, EXO_FRAME_ENV, EXO_FRAME_RING, EXO_FRAME_UAREA, EXO_FRAME_ACT,
	EXO_FRAME_ACCOUNT, EXO_FRAME_GUARD, EXO_FRAME_KERNEL, EXO_FRAME_ABSENT, EXO_FRAME_TRACE,
	EXO_FRAME_LOST,			/* repossessed, or let go when asked for: the arbiter's to free */
	EXO_FRAME_REGION,		/* lines that region_copy alone reaches */
};

#define EXO_FRAME_PUBLIC  0x01u		/* anyone may map it read-only */
/* Released while others bind it: passes to the account of one of them */
#define EXO_FRAME_HEIR 0x02u
#define EXO_FRAME_DIRTY   0x04u		/* will be scrubbed before anyone sees it */
#define EXO_FRAME_FIXED   0x08u		/* guaranteed: never repossessed; the arbiter's to give */
#define EXO_FRAME_ASKED   0x10u		/* its repossession was announced */
/* Cloned: written to by nobody, its owner included, while others bind it */
#define EXO_FRAME_COW 0x20u

/* In frame_mark the tag stands above the flags: clear what it was, set what it is to be. */
#define EXO_FRAME_TAG(tag) ((uint64_t)(tag) << 8)
#define EXO_FRAME_TAG_ALL  EXO_FRAME_TAG(0xff)
#define EXO_FRAME_TAG_CLEAR(tag) (EXO_FRAME_TAG_ALL & ~EXO_FRAME_TAG(tag))

/* What the frame of an account begins with; who may read the frame may map it, read-only.  [k] */
struct exo_account {
	uint32_t parent;		/* pfn, 0 for the first account */
	uint32_t head;
	uint64_t limit;			/* frames it may own, those carved for children excluded */
	uint64_t used;			/* frames owned */
	uint64_t carved;		/* limit handed to children */
	uint32_t children, depth;
	uint32_t reserved[2];
	exo_guardref guard;
	uint64_t guard_serial;
	exo_envid watcher;		/* is told of revocations */
	uint64_t debt;			/* frames asked back, and not given yet */
	uint64_t debt_deadline;		/* ns: from then on the arbiter chooses; 0: no debt */
	uint64_t fixed;			/* frames that cannot be taken */
	uint64_t fixed_limit;		/* its guarantee: how many of them there may be by its own choice */
};

/* Public half of a frame's entry; all zero when free, but for DIRTY and generation.  32 bytes. */
struct exo_frame {
	uint32_t account;		/* pfn of the owning account, 0 when free */
	uint32_t nmaps;			/* page-table slots that bind it */
	uint8_t kind;			/* enum exo_frame_kind */
	uint8_t flags;			/* EXO_FRAME_* */
	uint8_t tag;			/* what its owner says that it is for; the kernel does not ask */
	uint8_t pins;			/* devices that may still touch it */
	uint32_t generation;		/* bumped at each claim and release */
	exo_guardref guard;
	uint64_t guard_serial;		/* of the guard meant; a guard freed since guards nothing */
};

enum exo_env_state { EXO_ENV_FREE, EXO_ENV_ALIVE, EXO_ENV_DEAD };

/* 128 bytes. */
struct exo_env {
	exo_envid id;			/* 0 when the slot is free */
	uint64_t state;			/* enum exo_env_state */
	uint64_t reason;		/* of death, see enum exo_death */
	exo_envid waiting_on;		/* callee of the control transfer in progress */
	uint32_t account;		/* pfn */
	uint32_t env_frame;		/* pfn */
	exo_guardref guard;
	uint64_t calls;			/* kernel calls made */
	uint64_t upcalls;		/* but for page faults */
	uint64_t faults;		/* page faults delivered */
	uint64_t slices;		/* slices begun */
	uint64_t run_ns;		/* processor time used */
	uint64_t reflected;		/* reflected system calls */
	uint64_t transfers;		/* control transfers entered */
	uint64_t stlb_hits;		/* page faults answered from the software TLB: no upcall was made */
	uint64_t stlb_refills;		/* page tables that its refill pool gave for them */
	uint64_t spare;
};

#define EXO_SLICES_CPU 1024u		/* slices in a CPU's vector */

struct exo_slice {			/* 32 bytes */
	exo_envid owner;		/* 0 when free */
	exo_guardref guard;
	uint64_t guard_serial;
	uint64_t used;			/* times it was reached and run */
};

struct exo_cpu {			/* 128 bytes */
	uint64_t position;		/* slice being run */
	exo_envid running;		/* environment running, 0 when idle */
	uint64_t idle_ns;
	uint64_t switches;		/* address-space switches */
	uint64_t interrupts;
	/* Longest kernel entry, TSC cycles, of those by way of C: all where calls are traced */
	uint64_t entry_max;
	uint64_t timer_ticks;
	uint64_t charged_ns;		/* run_ns of whoever runs is as of then */
	/* 1 from before it looks at predicates for the last time until somebody runs: wake it */
	uint64_t idle;
	uint64_t pokes;			/* interrupts sent to other CPUs */
	uint64_t flushes;		/* times others were told to forget translations, */
	uint64_t flush_wait_ns;		/* ... and waited for */
	uint64_t flushes_served;	/* times it was told */
	uint64_t lock_spins;		/* acquisitions of a lock that had to wait, */
	uint64_t lock_wait_ns;		/* ... and how long */
	uint64_t slice_end_ns;		/* when the present slice ends, whoever runs on it */
};

enum exo_device_class { EXO_DEV_NONE, EXO_DEV_CONSOLE, EXO_DEV_PCI, EXO_DEV_UART };

#define EXO_DEVICE_QUEUES 12u		/* most queues of a device */
#define EXO_BAR_PORTS 1u		/* bar.base: an I/O port range, not memory */

struct exo_bar {
	uint64_t base;			/* physical address, or port | EXO_BAR_PORTS; 0: absent */
	uint64_t bytes;
};

struct exo_device {			/* 512 bytes */
	uint32_t class_;		/* enum exo_device_class */
	uint32_t irq;			/* interrupt line, or ~0 */
	uint64_t id;			/* PCI: vendor << 16 | device; virtio-mmio: device type */
	uint64_t address;		/* PCI: bus << 8 | slot << 3 | function; else MMIO base */
	exo_pfn mmio_pfn;		/* first frame of device memory (largest BAR) */
	uint64_t mmio_frames;		/* 0: none that may be mapped */
	uint32_t queues;		/* queues for io_submit */
	uint32_t spare0;
	uint64_t interrupts;
	uint64_t completed[EXO_DEVICE_QUEUES];	/* per queue: buffers completed */
	struct exo_bar bar[6];		/* PCI */
	uint64_t bytes[EXO_DEVICE_QUEUES];	/* per queue: bytes transferred */
	uint64_t spare1[21];
};

_Static_assert(sizeof(struct exo_frame) == 32, "frame entry");
_Static_assert(sizeof(struct exo_env) == 128, "environment entry");
_Static_assert(sizeof(struct exo_slice) == 32, "slice entry");
_Static_assert(sizeof(struct exo_cpu) == 128, "cpu entry");
_Static_assert(sizeof(struct exo_device) == 512, "device entry");

#endif
