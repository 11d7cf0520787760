/* SPDX-License-Identifier: ISC */
/*
 * Terminals and sessions: whose controlling terminal it is, which group is in
 * the foreground, who is told when it hangs up.  A row of the process table
 * names its terminal; the terminal names its session.
 */
#include "tty.h"
#include "fsnode.h"
#include <errno.h>

/* Nobody of the session has it any more. */
static void
release(struct tty *t)
{
	struct sh_proc *row = server_proc_table();
	struct sh_tty *s = tty_shown(t);

	for (unsigned i = 0; i < proc_rows && s->session; i++)
		if (row[i].state != PROC_FREE && row[i].sid == s->session
			&& row[i].tty == tty_number(t) + 1)
			row[i].tty = 0;
	s->session = s->pgrp = 0;
}

/* Its number is going to be another's: what it was must be nobody's any more. */
void
tty_forget(const struct tty *t)
{
	struct sh_proc *row = server_proc_table();

	for (unsigned i = 0; i < proc_rows; i++)
		if (row[i].tty == tty_number(t) + 1)
			row[i].tty = 0;
	tty_shown(t)->session = tty_shown(t)->pgrp = 0;
}

void
tty_take(struct tty *t, struct sh_proc *p)
{
	tty_shown(t)->session = p->sid;
	tty_shown(t)->pgrp = p->pgid;
	p->tty = tty_number(t) + 1;
	p->hung_pgrp = 0;
}

void
server_tty_take_console(struct sh_proc *p)
{
	tty_take(CONSOLE, p);
}

void
tty_hang_up(struct tty *t)
{
	struct sh_proc *row = server_proc_table();
	struct sh_tty *s = tty_shown(t);

	for (unsigned i = 0; i < proc_rows && s->session; i++) {
		if (row[i].state == PROC_FREE || row[i].pid != s->session
			|| row[i].tty != tty_number(t) + 1)
			continue;
		row[i].hung_pgrp = s->pgrp;
		server_signal_process(row[i].pid, SIGHUP);
		server_signal_process(row[i].pid, SIGCONT);
	}
	release(t);
}

/* What is typed there is a signal to whoever has this number: nobody new gets it. */
bool
server_tty_names(uint32_t pgrp)
{
	for (unsigned n = 0; n < SH_TTYS; n++)
		if (tty_shown(&ttys[n])->pgrp == pgrp)
			return true;
	return false;
}

void
server_tty_groups(void (*one)(uint32_t pgrp))
{
	for (unsigned n = 0; n < SH_TTYS; n++)
		one(tty_shown(&ttys[n])->pgrp);
}

/* Of a leader that gives it up or ends; then the foreground is told. */
static void
abandon(struct tty *t, bool on_exit)
{
	uint32_t pgrp = tty_shown(t)->pgrp;

	release(t);
	server_signal_group(pgrp, SIGHUP);
	if (!on_exit)
		server_signal_group(pgrp, SIGCONT);
}

void
server_tty_leader_ended(struct sh_proc *p)
{
	uint32_t pgrp = p->hung_pgrp, number = p->tty - 1;

	p->tty = p->hung_pgrp = 0;
	if (number < SH_TTYS && tty_shown(&ttys[number])->session == p->sid) {
		abandon(&ttys[number], true);
	} else if (pgrp) {
		server_signal_group(pgrp, SIGHUP);
		server_signal_group(pgrp, SIGCONT);
	}
}

/* ---- requests ------------------------------------------------------------------------------ */

long
tty_pgrp_request(struct request *r, struct tty *t)
{
	const struct sh_proc *row = server_proc_table();
	long error = -ESRCH;

	if (r->proc->tty != tty_number(t) + 1 || r->proc->sid != tty_shown(t)->session)
		return -ENOTTY;
	if ((int32_t)r->c < 0)
		return -EINVAL;
	for (unsigned i = 0; i < proc_rows && error && (uint32_t)r->c; i++)
		if (row[i].state != PROC_FREE
			&& (row[i].pgid == (uint32_t)r->c || row[i].pid == (uint32_t)r->c))
			error = row[i].sid == r->proc->sid ? 0 : -EPERM;
	if (!error)
		tty_shown(t)->pgrp = (uint32_t)r->c;
	return error;
}

static long
take_request(struct request *r, struct tty *t)
{
	struct sh_tty *s = tty_shown(t);
	bool leader = r->proc->sid == r->proc->pid;

	if (leader && r->proc->tty == tty_number(t) + 1 && s->session == r->proc->sid)
		return 0;
	if (!leader || r->proc->tty)
		return -EPERM;
	if (s->hung)
		return -EIO;
	if (s->session && (r->c != TTY_CTTY_STEAL || !client_is_root(r)))
		return -EPERM;
	if (!client_opens(r->env, (exo_slot)r->b, t->guard, EXO_R) && !client_is_root(r))
		return -EPERM;
	release(t);
	tty_take(t, r->proc);
	return 0;
}

long
tty_ctty_request(struct request *r, struct tty *t)
{
	if (r->c != TTY_CTTY_GIVE_UP)
		return take_request(r, t);
	if (r->proc->tty != tty_number(t) + 1)
		return -ENOTTY;
	if (r->proc->sid == r->proc->pid)
		abandon(t, false);
	r->proc->tty = 0;
	return 0;
}
