/* SPDX-License-Identifier: ISC */
/* Who asks, and with which keys: the kernel's answers about a client, and the way in for requests. */
#include "srv.h"
#include "undo.h"
#include <errno.h>

bool
client_opens(exo_envid env, exo_slot slot, exo_guardref guard, uint32_t rights)
{
	return guard && exo_key_test(env, slot, guard, rights) >= 0;
}

int
client_bind(exo_envid env, exo_slot slot, exo_guardref guard, uint32_t rights)
{
	const exo_slot mine = KEY_FIRST_FREE;	/* of our ring, empty between requests */
	int64_t error = exo_key_bind(guard, rights, ROOT_KEY, mine);

	undo_note(UNDO_KEY, slot, env);
	if (error >= 0)
		error = exo_key_copy(mine, 1, env, slot, ROOT_KEY);
	exo_key_drop(mine, 1);
	return error < 0 ? -EINVAL : 0;
}

/* A public page is its owner's: each word is read once, and may be anything. */
static bool
page_names(const volatile struct pub *pub, uint32_t ino)
{
	uint32_t count = pub->nopen;

	if (count > PUB_INODES)
		count = PUB_INODES;
	for (uint32_t i = 0; i < count; i++)
		if (pub->open[i] == ino)
			return true;
	return pub->cwd == ino || pub->root == ino;
}

bool
server_published(uint32_t ino)
{
	for (unsigned i = 0; i < proc_rows; i++)
		if (procs[i].lent && (procs[i].sh->nursed == ino ||
			page_names((const volatile struct pub *)(SRV_PUB + i * EXO_PAGE_BYTES),
				ino)))
			return true;
	return letters_name(ino) || holds_name(ino);
}

bool
server_runs(uint32_t ino)
{
	for (unsigned i = 0; i < proc_rows; i++)
		if (procs[i].lent &&
			((const volatile struct pub *)(SRV_PUB + i * EXO_PAGE_BYTES))->exe == ino)
			return true;
	return false;
}

uint64_t
server_wall_ns(void)
{
	return exo_now_ns() + server_shared_info()->wall_offset_ns;
}

static struct request
request_of(const struct proc *p, const struct exo_msg *m, char *comm)
{
	return (struct request){
		.env = p->sh->env, .proc = p->sh, .cred = p->cred, .comm = comm,
		.a = m->rdx, .b = m->r8, .c = m->r9, .d = m->rbx, .e = m->rbp,
	};
}

static void
answer(struct exo_msg *m, const struct request *r)
{
	m->rdx = r->rdx;
	m->r8 = r->r8;
	m->r9 = r->r9;
}

long
server_fs(struct proc *p, uint32_t op, struct exo_msg *m, char *comm)
{
	struct request r = request_of(p, m, comm);
	int8_t root = 0;
	long result;

	r.root = &root;
	result = op >= OP_FUTEX_WAIT ? futex_requests(&r, op)
		: op >= OP_NOTIFY_NEW			? notify_requests(&r, op)
		: op >= OP_LOCK					? lock_requests(&r, op)
				      : fifo_request(&r, op, fs_request(&r, op));

	answer(m, &r);
	return result;
}

long
server_sock(struct proc *p, uint32_t op, struct exo_msg *m, char *comm)
{
	struct request r = request_of(p, m, comm);
	long result = sock_requests(p, &r, op);

	answer(m, &r);
	return result;
}

long
server_tty(struct proc *p, uint32_t op, struct exo_msg *m, char *comm)
{
	struct request r = request_of(p, m, comm);
	long result = tty_request(&r, op);

	answer(m, &r);
	return result;
}
