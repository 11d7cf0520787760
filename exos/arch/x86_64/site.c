/* SPDX-License-Identifier: ISC */
/* Looking at call sites, and making their stubs; site.h says what they are. */
#include "site.h"
#include "decode.h"

#define PAGE_BYTES 4096u
#define MOV_EAX 0xb8u
#define RET 0xc3u
#define NOWHERE 0xffu
#define REX_B 1u
#define REX_W 8u

/* ---- what is there --------------------------------------------------------------------- */

/*
 * Where the last instruction begins.  What the first bytes are nobody knows;
 * but in code that lies in a row an instruction begins among any 15 bytes.  So
 * if decoding leads to the end from some of those, and always by way of the
 * same last instruction, that one is it.  NOWHERE: it cannot be told.
 */
static unsigned
last_instruction(const uint8_t *code, unsigned bytes)
{
	uint8_t last[SITE_BEFORE + 1];	/* from here: where the last one before the end begins */
	unsigned found = NOWHERE;

	for (unsigned n = bytes; n-- > 0;) {
		struct insn insn;
		unsigned next = insn_decode(code + n, bytes - n, &insn) ? n + insn.length : 0;

		last[n] = (uint8_t)(next == bytes      ? n
				: next && next < bytes ? last[next]
						       : NOWHERE);
		if (n >= INSN_MOST || last[n] == NOWHERE)
			continue;
		if (found != NOWHERE && found != last[n])
			return NOWHERE;
		found = last[n];
	}
	return found;
}

/* It does the same wherever it lies, and goes on with the next one. */
static bool
movable(const struct insn *insn)
{
	if (!insn->plain || insn->relative)
		return false;
	switch (insn->map << 8 | insn->opcode) {
	case 0x063:			/* movslq */
	case 0x080:			/* add, or, and, sub, xor ... of an immediate */
	case 0x081:
	case 0x083:
	case 0x089:			/* mov */
	case 0x08b:
	case 0x08d:			/* lea */
	case 0x1b6:			/* movzx, movsx */
	case 0x1b7:
	case 0x1be:
	case 0x1bf: return true;
	case 0x0c7: return (insn->modrm & 0x38) == 0;
	default:			/* add, or, and, sub, xor ... of registers */
		return insn->map == MAP_ONE && ((insn->opcode & 0xf8) == MOV_EAX ||
			(insn->opcode < 0x40 && (insn->opcode & 7) < 4));
	}
}

static int32_t
word_before(const uint8_t *end)
{
	return (int32_t)(end[-4] | (uint32_t)end[-3] << 8 | (uint32_t)end[-2] << 16 |
		(uint32_t)end[-1] << 24);
}

/* mov $number,%eax or %rax, xor %eax,%eax: what it makes rax; false: it is something else. */
static bool
sets_rax(const struct insn *insn, const uint8_t *end, uint64_t *rax)
{
	const int32_t word = insn->length > 4 ? word_before(end) : 0;

	if (insn->opcode == MOV_EAX && insn->map == MAP_ONE && !(insn->rex & (REX_B | REX_W)))
		*rax = (uint32_t)word;
	else if (insn->opcode == 0xc7 && insn->modrm == 0xc0 && !(insn->rex & REX_B))
		*rax = insn->rex & REX_W ? (uint64_t)(int64_t)word : (uint32_t)word;
	else if ((insn->opcode & 0xfd) == 0x31 && insn->modrm == 0xc0 &&
		!(insn->rex & ~REX_W & 0xf))
		*rax = 0;
	else
		return false;
	return true;
}

const uint8_t site_nop[SITE_JUMP_BYTES] = { 0 };

/*
 * The next nop with room for a hop, on the same page, to which a short jump
 * from `from` leads; 0: there is none.  The call is where an instruction begins.
 */
static uint64_t
hop_near(const uint8_t *code, unsigned bytes, uint64_t at, uint64_t from)
{
	struct insn insn;

	for (unsigned n = 0; insn_decode(code + n, bytes - n, &insn); n += insn.length) {
		const unsigned end = n + insn.length;
		const uint64_t hop = at + end - SITE_JUMP_BYTES;

		if (hop > from + SITE_SHORT_BYTES + 127 ||
			(at + end - 1) / PAGE_BYTES != from / PAGE_BYTES)
			return 0;
		if (insn.map == MAP_TWO && insn.opcode == 0x1f && insn.modrm == 0x84 &&
			__builtin_memcmp(code + end - SITE_JUMP_BYTES, site_nop, SITE_JUMP_BYTES) ==
				0)
			return hop;
	}
	return 0;
}

enum site_verdict
site_judge(const uint8_t *code, unsigned before, unsigned behind, uint64_t at, uint64_t rax,
	struct site *site)
{
	const unsigned from = before >= 2 * INSN_MOST ? last_instruction(code, before) : NOWHERE;
	struct insn insn;
	uint64_t becomes = rax, jump;
	unsigned bytes;

	if (from == NOWHERE || !insn_decode(code + from, before - from, &insn))
		return SITE_UNSURE;
	if (!movable(&insn) || insn.length > SITE_TAKEN_MOST)
		return SITE_OTHER;
	*site = (struct site){ .at = at, .number = (uint32_t)rax, .taken = insn.length };
	site->fixed = sets_rax(&insn, code + before, &becomes);
	site->returns = behind > SITE_CALL_BYTES && code[before + SITE_CALL_BYTES] == RET;
	if (becomes != rax)
		return SITE_UNSURE;	/* it came another way */
	jump = at - insn.length;
	if (insn.length < SITE_JUMP_BYTES)
		site->hop = hop_near(code + before, behind, at, jump);
	if (insn.length < SITE_JUMP_BYTES && !site->hop)
		return SITE_SHORT;
	bytes = site->hop ? SITE_SHORT_BYTES : SITE_JUMP_BYTES;
	if (jump / PAGE_BYTES != (jump + bytes - 1) / PAGE_BYTES)
		return SITE_SPLIT;
	for (unsigned n = 0; n < insn.length; n++)
		site->bytes[n] = code[from + n];
	return SITE_GOOD;
}

bool
site_is(const struct site *site, const uint8_t *there)
{
	const uint8_t *call = there + site->taken;

	return __builtin_memcmp(there, site->bytes, site->taken) == 0 && call[0] == 0x0f &&
		call[1] == 0x05 && (!site->returns || call[SITE_CALL_BYTES] == RET);
}

unsigned
site_bytes(const struct site *site)
{
	return site->taken + SITE_CALL_BYTES + site->returns;
}

/* ---- what it becomes --------------------------------------------------------------------- */

struct code {
	uint8_t *at;
	unsigned n;
	uint64_t place;			/* of its first byte */
};

static void
put(struct code *c, const char *bytes, unsigned count)
{
	for (unsigned n = 0; n < count; n++)
		c->at[c->n++] = (uint8_t)bytes[n];
}

static void
put_number(struct code *c, uint64_t value, unsigned bytes)
{
	for (unsigned n = 0; n < bytes; n++)
		c->at[c->n++] = (uint8_t)(value >> 8 * n);
}

/* As far as it is from the next instruction. */
static void
put_distance(struct code *c, uint64_t to)
{
	put_number(c, to - (c->place + c->n + 4), 4);
}

#define PUT(c, bytes) put(c, bytes, sizeof(bytes) - 1)

static void
put_return_address(struct code *c, const struct site *site)
{
	PUT(c, "\x48\x8d\x0d");				/* lea behind(%rip),%rcx */
	put_distance(c, site->at + SITE_CALL_BYTES);
}

/* The address lies at the end of the stub. */
static void
put_enter(struct code *c, const struct site *site)
{
	put_return_address(c, site);
	PUT(c, "\xff\x25");				/* jmp *enter(%rip) */
	put_distance(c, c->place + SITE_STUB_BYTES - 8);
}

static void
put_read(struct code *c, struct site *site, const struct site_way *way)
{
	put_return_address(c, site);
	PUT(c, "\x48\xa1");				/* mov base,%rax */
	put_number(c, way->base, 8);
	site->lost = (uint8_t)c->n;
	PUT(c, "\x8b\x40");				/* mov offset(%rax),%eax */
	put_number(c, way->offset, 1);
	site->done = (uint8_t)c->n;
	if (site->returns) {
		put_number(c, RET, 1);
		return;
	}
	PUT(c, "\xe9");					/* jmp behind */
	put_distance(c, site->at + SITE_CALL_BYTES);
}

void
site_stub(struct site *site, const struct site_way *way, uint8_t code[SITE_STUB_BYTES])
{
	struct code c = { .at = code, .place = site->stub };

	site->lost = site->done = SITE_STUB_BYTES - 1;
	put(&c, (const char *)site->bytes, site->taken);
	if (way->base && !site->fixed) {
		PUT(&c, "\x48\x8d\x48");		/* lea -number(%rax),%rcx */
		put_number(&c, -(uint64_t)site->number, 1);
		PUT(&c, "\xe3\x0d");			/* jrcxz, over what enters the library */
	}
	if (!way->base || !site->fixed)
		put_enter(&c, site);
	if (way->base)
		put_read(&c, site, way);
	while (c.n < SITE_STUB_BYTES - 8)
		PUT(&c, "\xcc");
	put_number(&c, way->enter, 8);
}

void
site_hop(const struct site *site, uint8_t code[SITE_JUMP_BYTES])
{
	struct code c = { .at = code, .place = site->hop };

	PUT(&c, "\xe9");
	put_distance(&c, site->stub);
}

unsigned
site_jump(const struct site *site, uint8_t code[SITE_JUMP_BYTES])
{
	struct code c = { .at = code, .place = site->at - site->taken };

	if (site->hop) {
		PUT(&c, "\xeb");
		put_number(&c, site->hop - (c.place + SITE_SHORT_BYTES), 1);
	} else {
		PUT(&c, "\xe9");
		put_distance(&c, site->stub);
	}
	return c.n;
}

/* ---- interrupted ----------------------------------------------------------------------------- */

void
site_settle(const struct site *site, struct site_regs *regs)
{
	const uint64_t offset = regs->rip - site->stub;

	if (offset < site->taken || (site->hop && regs->rip == site->hop)) {
		regs->rip = site->at - site->taken;
	} else if (offset < site->done) {
		regs->rip = site->at;
		if (offset >= site->lost)
			regs->rax = site->number;
	} else {
		regs->rip = site->at + SITE_CALL_BYTES;
	}
}
