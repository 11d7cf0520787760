/* SPDX-License-Identifier: ISC */
// sources: exos/arch/x86_64/site.c exos/arch/x86_64/decode.c
/*
 * Call sites: which are found good, and what is made of them.  Stubs are run
 * here, with a routine of the test's in place of the library; and at each of
 * their instructions a program that is interrupted is put back.
 */
#define _GNU_SOURCE
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "../../exos/arch/x86_64/decode.h"
#include "../../exos/arch/x86_64/site.h"

#define CALL_AT 0x401ff0ull
#define NOP8 "\x0f\x1f\x84\0\0\0\0\0"
#define NOPS NOP8 NOP8 NOP8 NOP8 NOP8 NOP8

static struct site site;

/* What comes behind the call, if it is not said, is too near the end of the page for a hop. */
#define JUDGE(code, rax) JUDGE_AT(code, "\x0f\x05\xc3", CALL_AT, rax)
#define JUDGE_AT(code, next, at, rax) \
	site_judge((const uint8_t *)(code next), sizeof(code) - 1, sizeof(next) - 1, at, rax, &site)

static void
judged(void)
{
	assert(JUDGE(NOPS "\xb8\x27\0\0\0", 39) == SITE_GOOD);
	assert(site.taken == 5 && site.fixed && site.number == 39 && site.at == CALL_AT);
	assert(memcmp(site.bytes, "\xb8\x27\0\0\0", 5) == 0);
	assert(site.returns && site_bytes(&site) == 8);
	assert(site_is(&site, (const uint8_t *)"\xb8\x27\0\0\0\x0f\x05\xc3"));
	assert(!site_is(&site, (const uint8_t *)"\xb8\x27\0\0\0\x0f\x05\x90"));
	assert(JUDGE_AT(NOPS "\xb8\x27\0\0\0", "\x0f\x05", CALL_AT, 39) == SITE_GOOD &&
		!site.returns);
	assert(JUDGE_AT(NOPS "\xb8\x27\0\0\0", "\x0f\x05\x90", CALL_AT, 39) == SITE_GOOD &&
		!site.returns);
	assert(site_is(&site, (const uint8_t *)"\xb8\x27\0\0\0\x0f\x05"));
	assert(!site_is(&site, (const uint8_t *)"\xb8\x28\0\0\0\x0f\x05"));
	assert(!site_is(&site, (const uint8_t *)"\xb8\x27\0\0\0\x0f\x0b"));
	assert(JUDGE(NOPS "\x48\xc7\xc0\x27\0\0\0", 39) == SITE_GOOD && site.taken == 7 &&
		site.fixed);
	assert(JUDGE(NOPS "\x48\xc7\xc0\xff\xff\xff\xff", ~0ull) == SITE_GOOD && site.fixed);
	assert(JUDGE(NOPS "\x4c\x8b\x4c\x24\x08", 39) == SITE_GOOD && site.taken == 5 &&
		!site.fixed);
	assert(JUDGE(NOPS "\x41\xb8\x27\0\0\0", 39) == SITE_GOOD && site.taken == 6 && !site.fixed);
	assert(JUDGE(NOPS "\x64\x48\x8b\x04\x25\x28\0\0\0", 39) == SITE_GOOD && site.taken == 9);

	/* Another number than it says; too short; cannot be moved; what it is cannot be told. */
	assert(JUDGE(NOPS "\xb8\x27\0\0\0", 40) == SITE_UNSURE);
	assert(JUDGE(NOPS "\xb8\x27\0\0\0", 0x100000027) == SITE_UNSURE);
	assert(JUDGE(NOPS "\x31\xc0", 0) == SITE_SHORT);
	assert(JUDGE(NOPS "\x48\x89\xf8", 0) == SITE_SHORT);
	assert(JUDGE(NOPS "\x48\x8b\x05\0\0\0\0", 39) == SITE_OTHER);
	assert(JUDGE(NOPS "\xe8\0\0\0\0", 39) == SITE_OTHER);
	assert(JUDGE(NOPS "\xff\xc0", 39) == SITE_OTHER && JUDGE(NOPS "\x50", 39) == SITE_OTHER);
	assert(JUDGE("\x90\xb8\x27\0\0\0", 39) == SITE_UNSURE);

	/* Looks like mov $39,%eax, but is the end of another that stores there: that one is taken. */
	assert(JUDGE(NOPS "\xc7\x44\x24\xb8\x27\0\0\0", 39) == SITE_GOOD && site.taken == 8 &&
		!site.fixed);
	/* mov $4,%eax, or the end of mov $0xb8,%cl and then others: both ways to read it last until the end. */
	assert(JUDGE("\xb1\xb1\xb1\xb1\xb1\xb1\xb1\xb1\xb1\xb1\xb1\xb1\xb1\xb1\xb1\xb1\xb1\xb1\xb1\xb1\xb1\xb1\xb1\xb1"
		     "\xb1\xb1\xb1\xb1\xb1\xb1\xb1\xb1\xb1\xb8\x04\0\0\0",
		       4) == SITE_UNSURE);
}

static void
pages(void)
{
	static const uint8_t code[] = NOPS "\xb8\x27\0\0\0";

	for (uint64_t at = 0x402000; at < 0x402010; at++) {
		bool split = at - 5 < 0x402000 && at - 1 >= 0x402000;

		assert(site_judge(code, sizeof(code) - 1, 0, at, 39, &site) ==
			(split ? SITE_SPLIT : SITE_GOOD));
	}
}

/* A short instruction needs a nop that is long enough, near enough, and on its page. */
static void
hops(void)
{
#define XOR NOPS "\x31\xc0"
#define CALL "\x0f\x05\xc3"
#define HOLE "\x0f\x1f\x84\0\0\0\0\0"
#define FILL8 "\x0f\x1f\x84\0\1\0\0\0"
	assert(JUDGE_AT(XOR, CALL HOLE, 0x401800, 0) == SITE_GOOD && site.hop == 0x401806);
	assert(site.taken == 2 && site.fixed && site.number == 0);
	assert(JUDGE_AT(XOR, CALL HOLE, 0x401800, 7) == SITE_UNSURE);
	assert(JUDGE_AT(XOR, CALL "\x66\x2e\x0f\x1f\x84\0\0\0\0\0", 0x401800, 0) == SITE_GOOD &&
		site.hop == 0x401808);
	assert(JUDGE_AT(XOR, CALL "\x0f\x1f\x80\0\0\0\0", 0x401800, 0) == SITE_SHORT);
	assert(JUDGE_AT(XOR, CALL FILL8, 0x401800, 0) ==
		SITE_SHORT); /* somebody has it, or it means something */
	assert(JUDGE_AT(XOR, CALL FILL8 HOLE, 0x401800, 0) == SITE_GOOD && site.hop == 0x40180e);
	assert(JUDGE_AT(XOR, CALL "\x0f\x1f\x84\0\0", 0x401800, 0) == SITE_SHORT);
	assert(JUDGE_AT(XOR, CALL "\x06" HOLE, 0x401800, 0) == SITE_SHORT);	/* no code any more */
	assert(JUDGE_AT(XOR,
		       CALL FILL8 FILL8 FILL8 FILL8 FILL8 FILL8 FILL8 FILL8 FILL8 FILL8 FILL8 FILL8
			       FILL8 FILL8 HOLE,
		       0x401800, 0) == SITE_GOOD &&
		site.hop == 0x401800 + 118);
	assert(JUDGE_AT(XOR,
		       CALL FILL8 FILL8 FILL8 FILL8 FILL8 FILL8 FILL8 FILL8 FILL8 FILL8 FILL8 FILL8
			       FILL8 FILL8 FILL8 "\x90\x90" HOLE,
		       0x401800, 0) == SITE_SHORT);
	assert(JUDGE_AT(XOR, CALL HOLE, 0x402000 - 11, 0) == SITE_GOOD);
	assert(JUDGE_AT(XOR, CALL HOLE, 0x402000 - 10, 0) == SITE_SHORT);
	assert(JUDGE_AT(XOR, CALL HOLE, 0x402001, 0) ==
		SITE_SHORT); /* the jump would be on two pages, the hop behind */
}

/* ---- run ----------------------------------------------------------------------------------- */

static uint8_t *code;			/* a page of code, a page of stubs */
static struct word { uint32_t unused, value; } word = { 0, 4711 };
static struct word *base = &word;

/* In place of the library: the call's number and 1000 more, and back as rcx says. */
extern const char entered[];
__asm__("entered: lea 1000(%rax),%rax; jmp *%rcx");

static const char *behind;		/* the call: the return, or something else and the return */
static const struct site_way reads = { (uint64_t)entered, 0, 4 };

static void
make(const char *before, unsigned bytes, uint64_t rax, const struct site_way *way)
{
	static const char nops[] = NOPS;
	uint8_t *at = code + 128;

	memset(code, 0xcc, 4096);
	memcpy(at - 48, nops, 48);
	memcpy(at, before, bytes);
	memcpy(at + bytes, "\x0f\x05", 2);
	memcpy(at + bytes + 2, behind, 2);
	memcpy(at + bytes + 4, "\x0f\x1f\x84\0\0\0\0\0\xc3", 9);
	assert(site_judge(at - 48, 48 + bytes, 64, (uint64_t)(at + bytes), rax, &site) ==
		SITE_GOOD);
	site.stub = (uint64_t)code + 4096 + 64;
	site_stub(&site, way, (uint8_t *)site.stub);
	site_jump(&site, at);
	assert(!site.hop == (bytes >= SITE_JUMP_BYTES));
	if (site.hop)
		site_hop(&site, (uint8_t *)site.hop);
}

/* From the beginning of what was patched, with rax and r9 as given; flags with carry and direction. */
static uint64_t
run(uint64_t rax, uint64_t *flags)
{
	uint64_t from = (uint64_t)code + 128;

	__asm__ volatile(
		"sub $128,%%rsp; push $0x403; popfq; call *%[from]; pushfq; pop %[flags]; cld; add $128,%%rsp"
		: "+a"(rax), [flags] "=&r"(*flags)
		: [from] "r"(from)
		: "rcx", "rsi", "r9", "r11", "memory", "cc");
	assert(*flags & 0x400);
	return rax;
}

static void
stubs_run(void)
{
	struct site_way way = reads, deep = reads;
	uint64_t flags;

	make("\xb8\x27\0\0\0", 5, 39, &way);
	assert(run(5, &flags) == 1039 && flags & 1);
	make("\x48\xc7\xc0\xff\xff\xff\xff", 7, ~0ull, &way);
	assert(run(5, &flags) == 999);
	deep.base = (uint64_t)&base;
	make("\xb8\x27\0\0\0", 5, 39, &deep);
	assert(run(5, &flags) == 4711);
	make("\x4c\x8b\x4c\x24\x08", 5, 39, &deep);
	assert(run(39, &flags) == 4711 && flags & 1);
	assert(run(40, &flags) == 1040 && flags & 1);
	assert(run(0, &flags) == 1000);
	assert(run(0x100000027, &flags) == 0x100000027 + 1000);
	make("\x31\xc0", 2, 0, &way);
	assert(run(5, &flags) == 1000 && !(flags & 1));		/* as xor makes them */
	make("\x48\x89\xc0", 3, 39, &deep);
	assert(run(39, &flags) == 4711 && run(40, &flags) == 1040);
	make("\x40\x80\xf6\x81", 4, 202, &way);
	assert(run(202, &flags) == 1202);
	make("\x64\x4c\x8b\x0c\x25\x28\0\0\0", 9, 111, &deep);
	assert(run(111, &flags) == 4711 && run(39, &flags) == 1039);
}

/* ---- interrupted ------------------------------------------------------------------------------ */

/* Where the program stands by what it has done: at the instruction before the call, at the call, behind it. */
static void
settled(const char *before, unsigned bytes, uint64_t rax, const struct site_way *way,
	bool by_itself)
{
	const uint8_t *stub;
	unsigned n = 0, over = 0;

	make(before, bytes, rax, way);
	stub = (const uint8_t *)site.stub;
	while (stub[n] != 0xcc) {
		struct site_regs regs = { site.stub + n, n < site.lost ? rax : 0x1234 };
		struct insn insn;
		bool last;

		assert(insn_decode(stub + n, SITE_STUB_BYTES - n, &insn));
		last = by_itself && stub[n + insn.length] == 0xcc;	/* the jump back */
		site_settle(&site, &regs);
		if (n < bytes)
			assert(n == 0 && regs.rip == site.at - bytes && regs.rax == rax);
		else if (last)
			assert(regs.rip == site.at + 2 && regs.rax == 0x1234), over++;
		else
			assert(regs.rip == site.at && regs.rax == rax);
		n += insn.length;
	}
	if (site.hop) {
		struct site_regs regs = { site.hop, rax };

		site_settle(&site, &regs);
		assert(regs.rip == site.at - bytes && regs.rax == rax);
	}
	assert(over == by_itself && n <= SITE_STUB_BYTES - 8);
}

static void
all_run(const char *comes)
{
	struct site_way deep = reads;

	deep.base = (uint64_t)&base;
	behind = comes;
	stubs_run();
	settled("\xb8\x27\0\0\0", 5, 39, &reads, false);
	settled("\x4c\x8b\x4c\x24\x08", 5, 39, &reads, false);
	settled("\xb8\x27\0\0\0", 5, 39, &deep, true);
	settled("\x4c\x8b\x4c\x24\x08", 5, 39, &deep, true);
	settled("\x31\xc0", 2, 0, &reads, false);
	settled("\x48\x89\xc0", 3, 39, &deep, true);
	settled("\x64\x4c\x8b\x0c\x25\x28\0\0\0", 9, 39, &deep, true);
}

int
main(void)
{
	code = mmap(NULL, 8192, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		0);
	assert(code != MAP_FAILED);
	judged();
	pages();
	hops();
	all_run("\xc3\x90");
	all_run("\x90\xc3");
	puts("ok call sites and their stubs\n1 passed, 0 failed");
	return 0;
}
