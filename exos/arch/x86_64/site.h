/* SPDX-License-Identifier: ISC */
/*
 * A place where a program makes Linux calls, and what it is rewritten to.
 *
 *	   mov $39,%eax			   jmp stub
 *	at syscall			at syscall
 *	   ..	<----------------.	   ..
 *	                         |
 *	                  stub:  |	   mov $39,%eax		(taken)
 *	                         |	   lea behind,%rcx
 *	                         `----	   jmp *to the library
 *
 * The last instruction before the call goes to the stub; the call itself
 * stays, so who jumps to it makes it as ever.  Of less than five bytes it is
 * where a short jump fits, to a long one in the operands of a nop near by:
 *
 *	   0f 1f 84 e9 12 34 56 78	nopl 0x78563412(%rcx,%rbp,8)
 *	            `- hop: jmp stub
 *
 * A nop reads no memory, so it stays one for who comes to its beginning.
 * The program's stack is not touched, nor the flags.  What the library finds is
 * what a call that the kernel reflects gives it; so wherever a stub is
 * interrupted, the program is put where it would be without it (site_settle).
 *
 * Some calls only read a word of the library's; their stubs do it themselves,
 * and leave r11 as it is.
 *
 * Pure: bytes in, bytes out.
 */
#ifndef EXOS_SITE_H
#define EXOS_SITE_H

#include <stdbool.h>
#include <stdint.h>

#define SITE_CALL_BYTES 2u		/* syscall */
#define SITE_BYTES_MOST (SITE_TAKEN_MOST + SITE_CALL_BYTES + 1)
#define SITE_JUMP_BYTES 5u		/* what is overwritten */
#define SITE_SHORT_BYTES 2u		/* of a jump to a hop */
#define SITE_TAKEN_MOST 9u
#define SITE_BEFORE 64u			/* bytes before the call that are looked at */
#define SITE_BEHIND 140u		/* and from there on */
#define SITE_STUB_BYTES 64u
#define SITE_REACH 0x7ff00000ull	/* stubs lie no further away */

enum site_verdict {
	SITE_GOOD,
	SITE_UNSURE,			/* where instructions begin before it cannot be told */
	SITE_SHORT,			/* the one before it is too short, or short and no hop near */
	SITE_OTHER,			/* or cannot be moved */
	SITE_SPLIT,			/* or lies on two pages */
	SITE_VERDICTS
};

struct site {
	uint64_t at;			/* the call; 0: this place is empty */
	uint64_t stub, hop;		/* hop 0: needs none */
	uint32_t number;		/* of the Linux call, when it was looked at */
	uint8_t taken;			/* bytes of the instruction before it */
	bool fixed;			/* which always makes it that number */
	bool patched;			/* the jump is there */
	bool returns;			/* behind the call comes a return: a stub that answers by itself does it */
	uint8_t lost, done;		/* in the stub: from where rax is lost; from where the call is over */
	uint8_t bytes[SITE_TAKEN_MOST];
};

/*
 * code: `before` bytes before the call at `at`, which rax came to, and
 * `behind` bytes from there on.  Fills in all of *site but the stub, when it
 * is good.
 */
enum site_verdict site_judge(const uint8_t *code, unsigned before, unsigned behind, uint64_t at,
	uint64_t rax, struct site *site);

/* So many bytes from the jump on mean what the stub does. */
unsigned site_bytes(const struct site *site);
/* Are those still what was judged? */
bool site_is(const struct site *site, const uint8_t *there);

/* How a stub goes on: into the library, or by itself. */
struct site_way {
	uint64_t enter;			/* where it enters the library */
	uint64_t base;			/* a pointer; 0: it always does */
	uint8_t offset;			/* from there: the word that the call gives, below 128 */
};

void site_stub(struct site *site, const struct site_way *way, uint8_t code[SITE_STUB_BYTES]);
unsigned site_jump(const struct site *site, uint8_t code[SITE_JUMP_BYTES]);	/* how many bytes */
void site_hop(const struct site *site, uint8_t code[SITE_JUMP_BYTES]);
extern const uint8_t site_nop[SITE_JUMP_BYTES];		/* what is there without a hop */

/* The registers that a settled program is told by. */
struct site_regs {
	uint64_t rip, rax;
};
/* Interrupted in the site's stub, or at its hop: as if there were none. */
void site_settle(const struct site *site, struct site_regs *regs);

#endif
