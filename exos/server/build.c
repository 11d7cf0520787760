/* SPDX-License-Identifier: ISC */
/*
 * Building address spaces, the server's own and others': page tables where
 * they are missing, frames claimed for the account that is to pay.  Which
 * frame is this file's choice, made from the exposed free map; another
 * program may be quicker, then it looks again.
 */
#include "srv.h"
#include "undo.h"

#define CLAIM_TRIES 64			/* bound: each try starts behind the frame that was taken */

static struct space own;
static exo_pfn hint;
static struct {				/* let go of last: those that the machine has at hand */
	exo_pfn next, end;
} warm;

/* All or nothing: 0, or why not. */
static int64_t
claim_run(exo_pfn pfn, uint64_t count, exo_pfn account)
{
	uint64_t done;
	int64_t got;

	/* Others' accounts go as a whole, if what they are made for is taken back. */
	if (account == exo_info()->root_account || account == session_account)
		undo_note(UNDO_CLAIM, pfn, count | account << 32);
	got = exo_frame_claim_counted(pfn, count, account, 0, ROOT_KEY, ROOT_KEY, &done);
	if (got < 0 && done)
		frames_release(pfn, done);
	return got < 0 ? got : 0;
}

/* Ours and the session's when the request is over: until then it may not have been. */
void
frames_release(exo_pfn pfn, uint64_t count)
{
	const exo_pfn owner = count ? exo_frame(pfn)->account : 0;

	if (owner == exo_info()->root_account)
		later(LATER_RELEASE, pfn, count);
	else if (owner == session_account)
		later(LATER_RELEASE_SESSION, pfn, count);
	else if (count)
		exo_frame_release_all(pfn, count,
			ROOT_KEY); /* bound: each call frees or unbinds something */
}

void
frames_warm(exo_pfn first, uint64_t count)
{
	warm.next = first;
	warm.end = first + count;
}

static exo_pfn
frames_find(uint64_t count)
{
	const bool is_warm = count <= warm.end - warm.next;
	const exo_pfn pfn = exo_frame_find(is_warm ? warm.next : hint, count), end = pfn + count;

	if (!is_warm && pfn)
		hint = end;
	else if (is_warm)		/* somebody else may have had some of them */
		warm.next = pfn && end <= warm.end ? end : warm.end;
	return pfn;
}

int
frames_claim(exo_pfn account, uint64_t count, exo_pfn *first)
{
	for (unsigned i = 0; i < CLAIM_TRIES; i++) {
		exo_pfn pfn = frames_find(count);
		int64_t got;

		if (pfn == 0)
			return -EXO_EQUOTA;
		got = claim_run(pfn, count, account);
		if (got == 0)
			*first = pfn;
		if (got != -EXO_ETAKEN)
			return (int)got;
	}
	return -EXO_ETAKEN;
}

static bool
known(struct space *s, uint64_t where)
{
	for (unsigned i = 0; i < s->tables; i++)
		if (s->table[i] == where)
			return true;
	if (s->tables < sizeof(s->table) / sizeof(s->table[0]))
		s->table[s->tables++] = where;
	return false;
}

static int
table_install(struct space *s, uint64_t where)
{
	exo_pfn table, links;
	int error = frames_claim(s->account, 1, &table);

	if (error)
		return error;
	error = frames_claim(s->account, 2, &links);
	if (error) {
		frames_release(table, 1);
		return error;
	}
	error = (int)exo_pt_install(s->env, where | EXO_PT_WRITE, table, links, ROOT_KEY, ROOT_KEY);
	if (error < 0) {
		frames_release(table, 1);
		frames_release(links, 2);
	}
	return error == -EXO_ETAKEN ? 0 : error;
}

int
space_tables(struct space *s, uint64_t va, unsigned lowest_level)
{
	for (unsigned level = 3; level >= lowest_level; level--) {
		uint64_t span = EXO_PAGE_BYTES << (9 * level);
		uint64_t where = (va & ~(span - 1)) | level;
		int error;

		if (known(s, where))
			continue;
		error = table_install(s, where);
		if (error < 0) {
			s->tables--;
			return error;
		}
	}
	return 0;
}

static int
bind_by(struct space *s, uint64_t va, exo_pfn pfn, uint32_t perms, exo_slot key)
{
	struct exo_map m = { .va = va, .pfn = pfn, .op = EXO_OP_MAP | perms, .key = key };
	int error = space_tables(s, va, 1);

	if (error)
		return error;
	error = (int)exo_map(s->env, &m, 1, ROOT_KEY);
	return error < 0 ? error : 0;
}

int
space_bind(struct space *s, uint64_t va, exo_pfn pfn, uint32_t perms)
{
	return bind_by(s, va, pfn, perms, ROOT_KEY);
}

int
space_new(struct space *s, uint64_t va, uint32_t perms, exo_pfn *pfn)
{
	int error = frames_claim(s->account, 1, pfn);

	if (error)
		return error;
	error = space_bind(s, va, *pfn, perms);
	if (error)
		exo_frame_release_all(*pfn, 1, ROOT_KEY);
	return error;
}

/* ---- the server's own space -------------------------------------------------------------- */

int
server_bind_by(uint64_t va, exo_pfn pfn, uint32_t perms, exo_slot key)
{
	own.env = exo_self();		/* the tables outlive it */
	own.account = exo_info()->root_account;
	return bind_by(&own, va, pfn, perms, key);
}

int
server_bind(uint64_t va, exo_pfn pfn, uint32_t perms)
{
	return server_bind_by(va, pfn, perms, ROOT_KEY);
}

void
server_unbind(uint64_t va)
{
	struct exo_map m = { .va = va, .op = EXO_OP_UNMAP };

	exo_map(exo_self(), &m, 1, ROOT_KEY);
}

void *
scratch_map(exo_pfn pfn)
{
	return server_bind(SRV_SCRATCH, pfn, EXO_MAP_READ | EXO_MAP_WRITE) ? NULL
									   : (void *)SRV_SCRATCH;
}

void
scratch_unmap(void)
{
	server_unbind(SRV_SCRATCH);
}

uint64_t
server_phys(const volatile void *own_word)
{
	uint64_t va = (uint64_t)own_word;

	return EXO_PTE_PFN(exo_pte(va)) * EXO_PAGE_BYTES + va % EXO_PAGE_BYTES;
}
