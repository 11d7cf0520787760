/* SPDX-License-Identifier: ISC */
/* How long an instruction of 64-bit mode is, and what kind.  Pure; nothing is executed. */
#ifndef EXOS_DECODE_H
#define EXOS_DECODE_H

#include <stdbool.h>
#include <stdint.h>

#define INSN_MOST 15u

enum insn_map { MAP_ONE, MAP_TWO, MAP_38, MAP_3A, MAP_5, MAP_6 };	/* opcode bytes before it */

struct insn {
	uint8_t length;
	uint8_t map, opcode;
	uint8_t modrm;			/* 0: has none */
	uint8_t rex;			/* 0: has none */
	bool plain;			/* no prefix but REX and segments */
	bool relative;			/* an operand is found from where the instruction lies */
};

/* False: not an instruction, or one that does not end within `room` bytes. */
bool insn_decode(const uint8_t *at, unsigned room, struct insn *insn);

#endif
