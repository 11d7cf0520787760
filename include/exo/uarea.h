/* SPDX-License-Identifier: ISC */
/*
 * The u-area: the contract between the kernel and the library, one page for
 * each (environment, CPU).
 *
 * The library owns the frame and maps it where it told env_activate; in user
 * mode GS points there.  The kernel reaches it through its own alias, so a
 * kernel write never faults, and believes nothing it reads: the depth is
 * clamped, entries and addresses are checked on use.
 *
 * Writers: [k] the kernel, [l] the library, [kl] both.
 */
#ifndef EXO_UAREA_H
#define EXO_UAREA_H

#include "types.h"

#define EXO_SAVE_SLOTS 8u

/* Upcall entries.  A zero entry is absent. */
enum exo_entry {
	EXO_ENTRY_EXCEPTION,	/* synchronous: fault or trap; state in save[depth-1] */
	EXO_ENTRY_SYSCALL,	/* synchronous: a `syscall` that is not the kernel's */
	EXO_ENTRY_PROLOGUE,	/* a slice begins and the activation is parked */
	EXO_ENTRY_EPILOGUE,	/* asynchronous: the slice is over, park within the grace */
	EXO_ENTRY_EVENT,	/* asynchronous: something was posted */
	EXO_ENTRY_CALL,		/* synchronous protected control transfer arrives */
	EXO_ENTRY_ACALL,	/* asynchronous protected control transfer arrives */
	EXO_ENTRY_REVOKE,	/* asynchronous: frames were asked for, or taken */
	EXO_ENTRIES
};

/* save.flags */
#define EXO_SAVE_FULL     0x1u	/* the twelve registers from rbx on are saved too */
#define EXO_SAVE_CRITICAL 0x2u	/* `critical` was set when the upcall came */

/*
 * An interrupted context.  The first nine words are always saved; the rest
 * only when the kernel took the processor by force (EXO_SAVE_FULL).
 */
struct exo_save {
	uint64_t rip;		/*   0 [k] */
	uint64_t rsp;		/*   8 [k] */
	uint64_t rflags;	/*  16 [k] */
	uint64_t rax;		/*  24 [k] */
	uint64_t rcx;		/*  32 [k] */
	uint64_t r11;		/*  40 [k] */
	uint64_t addr;		/*  48 [k] CR2 for a page fault */
	uint32_t error;		/*  56 [k] the hardware's error code, or 0 */
	uint16_t vector;	/*  60 [k] exception vector, or 0x100 + enum exo_entry */
	uint16_t flags;		/*  62 [k] EXO_SAVE_* */
	uint64_t rbx, rdx, rsi, rdi, rbp;		/*  64 .. 103 */
	uint64_t r8, r9, r10, r12, r13, r14, r15;	/* 104 .. 159 */
	uint64_t spare[4];	/* 160 .. 191 for the library */
};

/*
 * What the arbiter wants of the accounts that named this environment to be
 * told (account_watch), and what was taken.  Rings: number n, from 0, is in
 * place n % EXO_REVOKES.  Whoever was late finds what it missed in the frame
 * table: frames asked for are marked there, and frames taken are its no more.
 */
#define EXO_REVOKES 16u

struct exo_revocation {			/* 512 bytes, all [k] */
	uint64_t asked;			/* requests for frames by name so far: a word to wait on */
	uint64_t lost;			/* frames taken so far */
	struct {
		exo_pfn pfn;
		uint64_t deadline_ns;	/* then it may be taken */
	} ask[EXO_REVOKES];
	exo_pfn loss[EXO_REVOKES];	/* more is known in the account's vector (account_vector) */
	struct {
		uint64_t asked;		/* requests for frames of the library's choice so far */
		exo_pfn account;	/* the last one: who owes, */
		uint64_t frames;	/* how many, */
		uint64_t deadline_ns;	/* until when: then the arbiter chooses */
	} debt;
	struct {
		uint64_t asked;		/* requests for slices so far */
		uint64_t lost;		/* slices taken so far */
		uint32_t cpu, index;	/* the last one of either */
		uint64_t deadline_ns;	/* 0: it was taken */
	} slice;
	uint64_t spare[6];
};

struct exo_uarea {
	uint64_t self;		/*   0 [l] the library's own use: conventionally this page's address */
	uint64_t env;		/*   8 [k] own name, stored by env_activate */
	uint32_t cpu;		/*  16 [k] */
	uint32_t depth;		/*  20 [kl] save slots in use; the kernel clamps it */
	uint32_t critical;	/*  24 [kl] nonzero: asynchronous upcalls wait ("interrupts off") */
	/*       set by every entry, cleared by park, wait, acall and return */
	uint32_t pending;	/*  28 [kl] an asynchronous upcall waited: bit n for enum exo_entry n */
	uint64_t posted;	/*  32 [kl] event bits: the kernel ORs, the library exchanges with 0 */
	uint64_t sys_rip;	/*  40 [k] where the reflected `syscall` returns to */
	uint32_t gate;		/*  48 [kl] 1: control transfers may enter; cleared by the kernel on entry, set on return */
	uint32_t overrun;	/*  52 [k] slices still to be forfeited for excess time */
	uint64_t slice_end_ns;	/*  56 [k] when the present slice ends */
	uint64_t window_begin;	/*  64 [l] resume window: first address inside */
	uint64_t window_end;	/*  72 [l] first address after it */
	uint64_t entry[8];	/*  80 [l] enum exo_entry */
	uint64_t lib[14];	/* 144 [l] the library's scratch words, reached by %gs */
	struct exo_save save[EXO_SAVE_SLOTS];	/* 256 .. 1791 */
	uint8_t library[760];		/* 1792 .. 2551 [l] */
	uint64_t run_ns;		/* 2552 [k] this activation's part of the environment's, as of its CPU's charged_ns */
	struct exo_revocation revocation;	/* 2560 .. 3071 */
	uint8_t start[1024];		/* 3072 .. 4095 [l] exo/start.h */
};

_Static_assert(sizeof(struct exo_save) == 192, "save slot layout");
_Static_assert(__builtin_offsetof(struct exo_uarea, entry) == 80, "u-area layout");
_Static_assert(__builtin_offsetof(struct exo_uarea, save) == 256, "u-area layout");
_Static_assert(__builtin_offsetof(struct exo_uarea, revocation) == 2560, "u-area layout");
_Static_assert(sizeof(struct exo_revocation) == 512, "revocation layout");
_Static_assert(sizeof(struct exo_uarea) == 4096, "u-area is one page");

/*
 * The repossession vector: a frame of the account that its holder named
 * (account_vector).  The library names spare frames in it, where the contents
 * of frames taken from the account are saved; the kernel tells what it took.
 *
 * A spare frame is the account's, bound nowhere, under no guard, and not asked
 * for; it is looked at once, in the order in which they were named, and is the
 * library's with the contents from then on.  One that is not good saves nothing.
 *
 * The record comes when the frame's bindings are broken.  Where the taking goes
 * on over several calls the frame is LOST, and still the account's, meanwhile:
 * who finds a page gone and no record waits for that to end.
 */
#define EXO_LOSSES 64u
#define EXO_SPARES 248u

enum exo_loss_how {
	EXO_LOSS_GONE,			/* the contents are lost */
	EXO_LOSS_SAVED,			/* they are in `saved` */
	EXO_LOSS_EMPTY,			/* there were none: nobody had seen the frame yet */
	EXO_LOSS_SHARED,		/* another account's frame, bound here by a table of this one */
};

struct exo_loss {			/* 32 bytes */
	exo_pfn pfn;
	uint64_t va;			/* where it was bound by a table of this account; 0: nowhere, or further
					 * up than can be told */
	exo_pfn saved;			/* 0: nowhere */
	uint32_t kind;			/* enum exo_frame_kind: a page table's contents are its entries */
	uint32_t how;			/* enum exo_loss_how */
};

struct exo_vector {
	uint64_t lost;			/* [k] frames lost so far: number n is in loss[n % EXO_LOSSES] */
	uint64_t used;			/* [k] spare frames looked at so far */
	uint64_t named;			/* [l] spare frames named so far: number n in spare[n % EXO_SPARES] */
	uint64_t reserved[5];
	struct exo_loss loss[EXO_LOSSES];	/* [k] */
	exo_pfn spare[EXO_SPARES];	/* [l] */
};

_Static_assert(sizeof(struct exo_loss) == 32, "loss layout");
_Static_assert(sizeof(struct exo_vector) == 4096, "the vector is one page");

#endif
