/* SPDX-License-Identifier: ISC */
/*
 * The library image describes itself: this lies at its first byte, so that
 * whoever builds a process (server/spawn.c) needs no symbol table.  All
 * addresses are offsets from the image base B.
 *
 * To start a process: map text_bytes of the image read-only and executable at
 * B; relocate one copy of the data (data_bytes of file contents, then zeroes
 * up to memory_bytes) by adding B at each R_X86_64_RELATIVE; copy it to
 * B + EXOS_DATA; map the stacks; fill the u-area: self, entry[] and the window
 * with B added (0 stays 0), critical = 1, the rest zero.
 */
#ifndef EXOS_HEADER_H
#define EXOS_HEADER_H

#include <stdint.h>

#define EXOS_HEADER_MAGIC 0x31474d49534f5845ull	/* "EXOSIMG1" */
#define EXOS_STACK_DEPTHS 8u

struct exos_header {
	uint64_t magic;
	uint32_t version;		/* EXO_VERSION it was built for */
	uint32_t stack_stride;		/* the stack of depth d (1 ..) ends at EXOS_STACKS + d * stride */
	uint64_t text_bytes;		/* from 0: read-only and executable, whole pages */
	uint64_t data_bytes;		/* from EXOS_DATA: contents in the file */
	uint64_t memory_bytes;		/* from EXOS_DATA: with the zeroes behind */
	uint64_t rela;			/* Elf64_Rela entries, inside the text */
	uint64_t rela_count;		/* all R_X86_64_RELATIVE, all in the data */
	uint64_t entry[8];		/* upcall entries, enum exo_entry; 0: absent */
	uint64_t window_begin, window_end;
	uint8_t stack_pages[EXOS_STACK_DEPTHS];	/* of depth index + 1, below its end, at the most */
	uint8_t stack_ready
		[EXOS_STACK_DEPTHS]; /* those mapped from the start; others when touched */
};

#define EXOS_STACK_STRIDE 0x10000u

#endif
