/* SPDX-License-Identifier: ISC */
/*
 * Lengths of instructions, by one letter for each opcode:
 *
 *   .  nothing follows          m  ModRM, and what it says
 *   b  1 byte                   B  ModRM, 1 byte
 *   w  2 bytes                  Z  ModRM, operand (at most 4)
 *   e  3 bytes                  f  ModRM, and 1 byte if the operation is TEST
 *   z  operand (at most 4)      F  ModRM, and an operand if it is TEST
 *   v  operand (8 with REX.W)   o  an address
 *   r  4 bytes                  p  a prefix
 *   x  no instruction           V  VEX, EVEX or the next map
 *
 * It may take for an instruction what some processors refuse; the length of
 * what they accept is right.
 */
#include "decode.h"

#define REX_W 8u

static const char one[] =
	"mmmmbzxxmmmmbzxV" "mmmmbzxxmmmmbzxx" "mmmmbzpxmmmmbzpx" "mmmmbzpxmmmmbzpx"
	"pppppppppppppppp" "................" "xxVmppppzZbB...." "bbbbbbbbbbbbbbbb"
	"BZxBmmmmmmmmmmmm" "..........x....." "oooo....bz......" "bbbbbbbbvvvvvvvv"
	"BBw.VVBZe.w..bx." "mmmmxxx.mmmmmmmm" "bbbbbbbbrrxb...." "p.pp..fF......mm";

static const char two[] =
	"mmmmx.....x.xm.B" "mmmmmmmmmmmmmmmm" "mmmmxxxxmmmmmmmm" "......x.VxVxxxxx"
	"mmmmmmmmmmmmmmmm" "mmmmmmmmmmmmmmmm" "mmmmmmmmmmmmmmmm" "BBBBmmm.mmxxmmmm"
	"rrrrrrrrrrrrrrrr" "mmmmmmmmmmmmmmmm" "...mBmxx...mBmmm" "mmmmmmmmmmBmmmmm"
	"mmBmBBBm........" "mmmmmmmmmmmmmmmm" "mmmmmmmmmmmmmmmm" "mmmmmmmmmmmmmmmm";

struct cursor {
	const uint8_t *at, *end;
	bool wide, small, narrow;	/* operands of 8 and 2 bytes, addresses of 4 */
};

/* Each read is asked for: behind the end there are zeroes, and `at` tells. */
static uint8_t
next(struct cursor *c)
{
	const uint8_t byte = c->at < c->end ? *c->at : 0;

	c->at++;
	return byte;
}

static unsigned
operand(const struct cursor *c)
{
	return c->small && !c->wide ? 2 : 4;
}

static void
modrm(struct cursor *c, struct insn *insn)
{
	const uint8_t byte = insn->modrm = next(c), mod = byte >> 6;
	uint8_t base = byte & 7;

	if (mod == 3)
		return;
	insn->relative = mod == 0 && base == 5;
	if (base == 4)
		base = next(c) & 7;
	if (mod == 1)
		c->at++;
	else if (mod == 2 || base == 5)
		c->at += 4;
}

static bool
prefixes(struct cursor *c, struct insn *insn)
{
	for (uint8_t byte; (byte = next(c)), one[byte] == 'p';) {
		const bool segment = byte < 0x40 || byte == 0x64 || byte == 0x65;

		insn->rex = (byte & 0xf0) == 0x40 ? byte : 0;	/* counts right before the opcode */
		insn->plain &= segment || insn->rex;
		c->small |= byte == 0x66;
		c->narrow |= byte == 0x67;
		if (c->at >= c->end)
			return false;
	}
	c->wide = insn->rex & REX_W;
	c->at--;
	return true;
}

/* VEX and EVEX name the map in bits; nothing of them is moved, so no more is kept. */
static char
vector_kind(struct cursor *c, struct insn *insn, uint8_t first)
{
	const uint8_t byte = next(c);

	insn->map = first == 0xc5 ? MAP_TWO : byte & (first == 0x62 ? 7 : 31);
	if (insn->rex || c->small || insn->map == MAP_ONE || insn->map > MAP_6 || insn->map == 4)
		return 'x';
	c->at += first == 0x62 ? 2 : first == 0xc4;
	insn->plain = false;
	insn->opcode = next(c);
	return insn->map == MAP_TWO ? two[insn->opcode] : insn->map == MAP_3A ? 'B' : 'm';
}

static char
kind_of(struct cursor *c, struct insn *insn)
{
	uint8_t byte = next(c);
	char kind = one[byte];

	if (kind == 'V' && byte != 0x0f)
		return vector_kind(c, insn, byte);
	if (kind == 'V') {
		insn->map = MAP_TWO;
		byte = next(c);
		kind = two[byte];
	}
	if (insn->map == MAP_TWO && kind == 'V') {
		insn->map = byte == 0x38 ? MAP_38 : MAP_3A;
		kind = byte == 0x38 ? 'm' : 'B';
		byte = next(c);
	}
	insn->opcode = byte;
	return kind;
}

static void
rest(struct cursor *c, struct insn *insn, char kind)
{
	switch (kind) {
	case 'm': modrm(c, insn); break;
	case 'b': c->at += 1; break;
	case 'B': modrm(c, insn), c->at += 1; break;
	case 'w': c->at += 2; break;
	case 'e': c->at += 3; break;
	case 'r': c->at += 4; break;
	case 'z': c->at += operand(c); break;
	case 'Z': modrm(c, insn), c->at += operand(c); break;
	case 'v': c->at += c->wide ? 8 : operand(c); break;
	case 'o': c->at += c->narrow ? 4 : 8; break;
	case 'f': modrm(c, insn), c->at += (insn->modrm & 0x30) == 0; break;
	case 'F': modrm(c, insn), c->at += (insn->modrm & 0x30) == 0 ? operand(c) : 0; break;
	default: break;
	}
}

bool
insn_decode(const uint8_t *at, unsigned room, struct insn *insn)
{
	struct cursor c = { .at = at, .end = at + (room < INSN_MOST ? room : INSN_MOST) };
	char kind;

	*insn = (struct insn){ .plain = true };
	if (!prefixes(&c, insn))
		return false;
	kind = kind_of(&c, insn);
	insn->relative = kind == 'r' || (kind == 'b' && insn->map == MAP_ONE &&
		((insn->opcode & 0xf0) == 0x70 || (insn->opcode & 0xf0) == 0xe0));
	if (kind == 'x')
		return false;
	rest(&c, insn, kind);
	insn->length = (uint8_t)(c.at - at);
	return c.at <= c.end;
}
