/* SPDX-License-Identifier: ISC */
/* Which sites there are, and their stubs; rewrite.h tells the story. */
#include "rewrite.h"
#include "pack.h"
#include "stubs.h"
#include "../arch/x86_64/arch.h"
#include "../arch/x86_64/site.h"
#include "../thread/act.h"
#include "../linux/errno.h"

#define RX (EXO_MAP_READ | EXO_MAP_EXEC)
#define RW (EXO_MAP_READ | EXO_MAP_WRITE)

/* Behind those of arch/site.h. */
enum { REFUSED_REGION = SITE_VERDICTS, REFUSED_ROOM };
_Static_assert(REFUSED_ROOM == SITES_REASONS, "reasons, of which the first is none");

struct rewrite_seen rewrite_seen[1u << REWRITE_SEEN_LOG];

/* ---- changing code ----------------------------------------------------------------------------- */

/* On a page of our own, which is either written or run. */
static int
code_write(u64 va, const u8 *bytes, unsigned count)
{
	int error;

	acts_stop();			/* nobody is in the middle of what changes */
	error = vm_own(PAGE_DOWN(va), RX);
	if (error == 0)
		error = page_protect(PAGE_DOWN(va), RW);
	if (error == 0) {
		error = copy_out(va, bytes, count);
		page_protect(PAGE_DOWN(va), RX);
	}
	return error;
}

/* Calls that give a word which the library knows: a pointer to it, and from there.  NULL: it is another. */
static const void *
word_of(u32 number, u8 *offset)
{
	switch (number) {
	case 39: return *offset = offsetof(struct sh_proc, pid), &self_proc;
	case 110: return *offset = offsetof(struct sh_proc, ppid), &self_proc;
	case 111: return *offset = offsetof(struct sh_proc, pgid), &self_proc;
	case 102: return *offset = offsetof(struct sh_cred, uid[CRED_REAL]), &self_cred;
	case 104: return *offset = offsetof(struct sh_cred, gid[CRED_REAL]), &self_cred;
	case 107: return *offset = offsetof(struct sh_cred, uid[CRED_EFFECTIVE]), &self_cred;
	case 108: return *offset = offsetof(struct sh_cred, gid[CRED_EFFECTIVE]), &self_cred;
	default: return NULL;
	}
}

/* Who traces or counts wants to see all calls. */
static struct site_way
way_of(u32 number)
{
	struct site_way way = { .enter = (u64)exos_site_enter };

	if (!SHARED->trace && !(SHARED->flags & SH_STATS))
		way.base = (u64)word_of(number, &way.offset);
	return way;
}

static int
patch(struct site *s)
{
	const struct site_way way = way_of(s->number);
	u8 code[SITE_STUB_BYTES];
	int error;

	site_stub(s, &way, code);
	error = code_write(s->stub, code, sizeof(code));
	if (error == 0 && s->hop) {
		site_hop(s, code);
		error = code_write(s->hop, code, SITE_JUMP_BYTES);
	}
	return error ? error : code_write(s->at - s->taken, code, site_jump(s, code));
}

/* The program's own bytes in the place of ours; what it put there itself stays. */
static int
code_restore(u64 at, const u8 *ours, const u8 *own, unsigned bytes)
{
	u8 there[SITE_JUMP_BYTES];
	int error = vm_own(PAGE_DOWN(at), RX);

	if (error || copy_in(there, at, bytes) || memcmp(there, ours, bytes) != 0)
		return error;
	return code_write(at, own, bytes);
}

static int
unpatch(struct site *s)
{
	u8 jump[SITE_JUMP_BYTES];
	const unsigned bytes = site_jump(s, jump);
	int error = code_restore(s->at - s->taken, jump, s->bytes, bytes);

	if (error == 0 && s->hop) {
		site_hop(s, jump);
		error = code_restore(s->hop, jump, site_nop, SITE_JUMP_BYTES);
	}
	if (error == 0)
		s->patched = false;
	return error;
}

/* ---- looking ------------------------------------------------------------------------------------- */

/* Code of a file's that the program cannot write, nor anybody else. */
static bool
is_fit(const struct region *r)
{
	return r && r->ino && !(r->flags & (REGION_SHARED | REGION_STUBS)) &&
		(r->prot & (PROT_READ | PROT_EXEC | PROT_WRITE)) == (PROT_READ | PROT_EXEC);
}

/* The site's pages are there to be written, and code and stub, which others may have changed meanwhile, as they were. */
static bool
is_ready(const struct site *site)
{
	const struct site s = *site;
	const u64 jump = s.at - s.taken;
	u8 there[SITE_BYTES_MOST], nop[SITE_JUMP_BYTES];

	if (vm_own(PAGE_DOWN(jump), RX) || vm_own(PAGE_DOWN(s.stub), RX))
		return false;
	if (stubs_site(s.at) != site || !is_fit(regions_find(&vm.regions, s.at)) ||
		copy_in(there, jump, site_bytes(&s)) || !site_is(&s, there))
		return false;
	return !s.hop || (copy_in(nop, s.hop, sizeof(nop)) == 0 &&
		memcmp(nop, site_nop, sizeof(nop)) == 0);
}

static unsigned
rewrite(u64 at, u64 rax)
{
	struct region *r = regions_find(&vm.regions, at);
	u8 code[SITE_BEFORE + SITE_BEHIND];
	struct site found, *s;
	unsigned before, behind, verdict;

	if (!is_fit(r))
		return REFUSED_REGION;
	before = at - r->start < SITE_BEFORE ? (unsigned)(at - r->start) : SITE_BEFORE;
	behind = r->end - at < SITE_BEHIND ? (unsigned)(r->end - at) : SITE_BEHIND;
	if (copy_in(code, at - before, before + behind))
		return REFUSED_REGION;
	verdict = site_judge(code, before, behind, at, rax, &found);
	if (verdict != SITE_GOOD)
		return verdict;
	s = stubs_take(at);
	if (!s)
		return REFUSED_ROOM;
	if (s->at && s->patched)
		return SITE_GOOD;	/* this one came past the jump */
	stubs_fill(s, &found);
	if (!is_ready(s)) {
		stubs_drop(at);
		return REFUSED_ROOM;
	}
	regions_find(&vm.regions, at)->flags |= REGION_SITES;
	s->patched = patch(s) == 0;
	return s->patched ? SITE_GOOD : REFUSED_ROOM;
}

/* Memory is not taken from the program for this. */
__attribute__((noinline)) void
rewrite_look(const struct exo_save *regs, struct rewrite_seen *seen)
{
	const u64 at = regs->rip - SITE_CALL_BYTES;
	const struct site *s = stubs_site(at);
	unsigned verdict;
	u8 offset;

	if (seen->count < REWRITE_AFTER_OTHERS && !word_of((u32)regs->rax, &offset))
		return;
	seen->count = 0;
	seen->refused = (u32)regs->rip;
	if (SHARED->flags & SH_NO_REWRITE || (s && s->patched))
		return;
	pack_hold();
	verdict = rewrite(at, regs->rax);
	pack_release();
	if (verdict == SITE_GOOD)
		PUB->sites.rewritten++;
	else
		PUB->sites.refused[verdict - 1]++;
}

/* ---- interrupted ------------------------------------------------------------------------------------ */

__attribute__((noinline)) void
rewrite_settle_stub(struct exo_save *regs)
{
	struct site_regs program = { regs->rip, regs->rax };
	const struct site *s = stubs_find(regs->rip);

	if (regs->rip == (u64)exos_site_enter) {
		regs->rip = regs->rcx - SITE_CALL_BYTES;
		return;
	}
	if (!s)
		return;
	site_settle(s, &program);
	regs->rip = program.rip;
	regs->rax = program.rax;
}

bool
rewrite_steps(const struct exo_save *regs)
{
	const struct site *s = rewrite_any ? stubs_find(regs->rip) : NULL;

	return s && (regs->rip == s->stub || regs->rip == s->hop);
}

/* ---- what the program does to its memory ------------------------------------------------------------- */

static bool
overlaps(u64 from, u64 to, u64 start, u64 end)
{
	return from < end && to > start;
}

/* Those with stubs there. */
static int
undo_stubs(u64 start, u64 end)
{
	FOR_EACH_SITE(part, s) {
		int error = s->patched && s->stub >= start && s->stub < end ? unpatch(s) : 0;

		if (error)
			return error;
	}
	return 0;
}

/* Those in such code; what is gone needs no change, but the call may be gone and the jump not. */
static int
undo_sites(u64 start, u64 end, bool gone)
{
	FOR_EACH_SITE(part, s) {
		const u64 jump = s->at - s->taken;
		const bool lost = gone && jump >= start && jump < end;
		int error = 0;

		if (!overlaps(jump, jump + site_bytes(s), start, end))
			continue;
		if (s->patched && !lost)
			error = unpatch(s);
		if (error)
			return error;
		if (lost)
			s->at = 0;
	}
	return 0;
}

int
rewrite_leave(const struct region *r, u64 start, u64 end, bool gone)
{
	const bool stubs = r->flags & REGION_STUBS;
	int error = stubs ? undo_stubs(start, end) : undo_sites(start, end, gone);

	if (error)
		return error;
	if (stubs)
		stubs_forget(start, end);
	memset(rewrite_seen, 0, sizeof(rewrite_seen));	/* what is there now is another matter */
	return 0;
}

void
rewrite_reset(void)
{
	stubs_forget(0, VM_HIGH);
	memset(rewrite_seen, 0, sizeof(rewrite_seen));
}
