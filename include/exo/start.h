/* SPDX-License-Identifier: ISC */
/*
 * What a native program finds when it starts, and how it says that it is one.
 *
 * The first entry of an environment is the prologue with every register but
 * rax zero, so the start information lies at a fixed place: the last KiB of
 * the u-area page, which GS points at.  Whoever makes the environment fills
 * it in before env_activate, and stores the page's address to `self`.  The
 * kernel fills in neither for boot/init: self 0 means EXO_BOOT_UAREA, no
 * magic means "no start information, slot 0 of the ring is the root key".
 */
#ifndef EXO_START_H
#define EXO_START_H

#include "types.h"
#include "uarea.h"

#define EXO_START_MAGIC 0x54524154534f5845ull	/* "EXOSTART" */
#define EXO_START_OFFSET 3072u		/* in the u-area page */
#define EXO_START_STRINGS 704u

#define EXO_NO_SLOT 0xffffffffu		/* "no such key was given" */

/*
 * console_device EXO_CONSOLE_RING: output goes to whoever started the program,
 * by a frame that both have: console_va is a struct exo_ring, and k_console
 * reads the frame.  The program adds at `put` and waits until `taken` changes
 * when it is full; both count bytes, ever.  What it leaves is still taken when
 * it has ended.
 */
#define EXO_CONSOLE_RING 0xffffffffu
#define EXO_RING_BYTES 3072u

struct exo_ring {
	uint64_t theirs[8];		/* of whoever takes */
	uint64_t put, taken;
	char data[EXO_RING_BYTES];
};

/* 1024 bytes. */
struct exo_start {
	uint64_t magic;			/* EXO_START_MAGIC */
	uint32_t version;		/* EXO_VERSION of whoever filled it in */
	uint32_t argc, envc;		/* strings: argv first, then the environment, each NUL terminated */
	uint32_t strings_bytes;
	exo_pfn account;		/* pays for what the program claims */
	exo_envid parent;		/* who started it, 0: nobody to tell */
	/* Slots of the key ring; EXO_NO_SLOT where there is none. */
	exo_slot k_account;		/* opens the account: A to claim for it, C to release */
	exo_slot k_env;			/* opens this environment's guard */
	exo_slot k_parent;		/* may post to the parent */
	exo_slot k_console;		/* may submit to the console queues below */
	exo_slot k_log;			/* may append to the kernel log */
	exo_slot first_slot;		/* the first empty slot of the ring */
	/* The console: queue numbers of one device, and a frame of the program's own to send from. */
	uint32_t console_device;
	uint32_t console_out, console_in;
	uint32_t spare;
	exo_pfn console_pfn;		/* 0: none */
	uint64_t console_va;		/* where that frame is mapped, writable */
	/* Address space: nothing is mapped in free_va .. free_end, and page tables exist up to free_tables. */
	uint64_t free_va, free_end, free_tables;
	/* Frames given: links first_pfn .. + frames, DATA of the account, bound nowhere. */
	exo_pfn first_pfn;
	uint64_t frames;
	/* A library OS: so many bytes in them are the file to run, whose arguments `strings` are; 0: none. */
	uint64_t program_bytes;
	uint64_t more[22];		/* zero */
	char strings[EXO_START_STRINGS];
};

_Static_assert(sizeof(struct exo_start) == 1024, "start information is the last KiB of the page");
_Static_assert(EXO_START_OFFSET + sizeof(struct exo_start) == sizeof(struct exo_uarea), "start");

/* An ELF note: name "Aegis", type 1, the interface version.  "Start me without ExOS." */
#define EXO_NOTE_NAME "Aegis"
#define EXO_NOTE_TYPE 1u

struct exo_note {
	uint32_t name_bytes, desc_bytes, type;
	char name[8];
	uint32_t version;
};

/* Once in a program, at file scope. */
#define EXO_NATIVE_NOTE \
	__attribute__((section(".note.aegis"), used, aligned(4))) \
	static const struct exo_note exo_native_note = { \
		sizeof(EXO_NOTE_NAME), 4, EXO_NOTE_TYPE, EXO_NOTE_NAME, EXO_VERSION }

#endif
