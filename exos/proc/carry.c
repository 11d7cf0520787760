/* SPDX-License-Identifier: ISC */
/*
 * A process whose program runs somewhere else: a native one, or a set-id one,
 * in an environment that the server made.  This process stays without a
 * program.  It carries what the other says to wherever descriptors 1 and 2
 * lead, and what comes from 0 to it; passes signals on; stops as it stops, and
 * ends as it ends.
 */
#include "carry.h"
#include "signal.h"
#include "../fd/object.h"
#include "../core/self.h"
#include "../fd/waiting.h"
#include "../linux/calls.h"
#include "../linux/errno.h"

#define CHUNK 4096u

static char bytes[CHUNK] TRANSIENT;

/* ---- signals ------------------------------------------------------------------------------ */

/* Those of the terminal and of groups have reached the other one, too. */
static void
signals_pass(u32 pid)
{
	struct sig_detail d;
	int sig;

	while ((sig = signal_take(~0ull, &d)) != 0)
		if (d.code <= SI_USER_ && sig != SIGCHLD && sig != SIGPIPE)
			server_call(OP_KILL, pid, (u64)sig, KILL_ANY, 0, 0, NULL);
}

/* All of a chunk; false: nobody takes it any more. */
static bool
put_all(struct carry *c, int fd, u64 count)
{
	for (u64 done = 0; done < count;) {
		const long n = sys_write(fd, (long)bytes + (long)done, (long)(count - done));

		if (n == -EINTR)
			signals_pass(c->pid);
		else if (n == -EAGAIN)
			park_wait(NULL, 0,
				clock_ns() + 1000000); /* not to block was another's idea */
		else if (n <= 0)
			return n != -EPIPE;
		done += n > 0 ? (u64)n : 0;
	}
	return true;
}

/* ---- the ring of a native program ---------------------------------------------------------- */

static bool
ring_carry(struct carry *c)
{
	const u64 put = c->ring->put, taken = c->ring->taken;
	u64 count = put - taken;

	count = count < EXO_RING_BYTES ? count : EXO_RING_BYTES;
	for (u64 n = 0; n < count; n++)
		bytes[n] = c->ring->data[(taken + n) % EXO_RING_BYTES];
	if (!put_all(c, 1, count))
		server_call(OP_KILL, c->pid, SIGPIPE, KILL_ANY, 0, 0, NULL);
	c->ring->taken = put;
	exo_changed(NULL);
	return count != 0;
}

/* ---- pipes to and from a set-id program ------------------------------------------------------- */

static void
end_drop(struct file **end)
{
	file_drop(*end);
	*end = NULL;
}

static bool
out_carry(struct carry *c, int fd)
{
	u64 pos = 0;
	const long n = pipe_pending(c->end[fd]) || c->ended
		? c->end[fd]->ops->read(c->end[fd], (u64)bytes, CHUNK, &pos)
		: 0;

	if (n > 0 && put_all(c, fd, (u64)n))
		return true;
	if (n != -EINTR && n != -EAGAIN && (n || c->ended))
		end_drop(&c->end[fd]);	/* the end, or it is told by its own broken pipe */
	return n > 0;
}

static bool
in_carry(struct carry *c)
{
	u64 pos = 0;
	long n = sys_read(0, (long)bytes, CHUNK);

	if (n > 0)
		n = c->end[0]->ops->write(c->end[0], (u64)bytes, (u64)n, &pos);
	if (n == -EINTR)
		signals_pass(c->pid);
	else if (n <= 0 && n != -EAGAIN)
		end_drop(&c->end[0]);
	return n > 0;
}

/* What of a file was read ahead and not taken is read by somebody else. */
static void
in_return(struct carry *c)
{
	const struct file *f = fd_get(0);

	if (c->end[0] && f && f->ops == &regular_ops)
		sys_lseek(0, -(long)pipe_pending(c->end[0]), SEEK_CUR);
}

/* Something moved. */
static bool
pipes_carry(struct carry *c, struct waiting *w)
{
	bool moved = false;

	for (int fd = 1; fd <= 2; fd++)
		if (c->end[fd] && (waiting_look(w, c->end[fd], POLLIN) || c->ended))
			moved |= out_carry(c, fd);
	if (c->end[0] && !c->ended) {
		const u32 room = waiting_look(w, c->end[0], POLLOUT);
		struct file *f = fd_get(0);

		if (!f || room & POLLERR)
			end_drop(&c->end[0]);
		else if (room & POLLOUT && waiting_look(w, f, POLLIN))
			moved |= in_carry(c);
	}
	return moved;
}

/* ---- the whole ----------------------------------------------------------------------------------- */

static long
status_of(u32 pid)
{
	long status;

	do {
		status = server_call(OP_REAP, pid, 0, 0, 0, 0, NULL);
	} while (status == -EAGAIN); /* bound: each time some of its memory is freed */
	return status;
}

static void
stop_with(u32 pid, u32 status)
{
	server_call(OP_STOPPED, status >> 8 & 0x7f, 0, 0, 0, 0, NULL);
	server_call(OP_KILL, pid, SIGCONT, KILL_ANY, 0, 0, NULL);
}

static void
wait_for_news(struct carry *c, struct waiting *w, u64 events, u64 put)
{
	const struct exo_term child = term_word(&PROC->child_events, ~0ull, EXO_NE, events);

	if (!w->many && w->count + 2 < EXO_TERMS_MAX) {
		w->terms[w->count] = child;
		w->terms[w->count].flags = w->count ? EXO_TERM_OR : 0;
		w->count++;
		if (c->ring) {
			w->terms[w->count] = term_word(&c->ring->put, ~0ull, EXO_NE, put);
			w->terms[w->count].key = c->key;
			w->terms[w->count++].flags = EXO_TERM_OR;
		}
	} else {
		w->many = true;
	}
	if (waiting_block(w, 0) == -EINTR)
		signals_pass(c->pid);
}

noreturn_ void
carry(struct carry *c)
{
	struct waiting w = { 0 };

	for (;;) {
		const u64 events = PROC->child_events, put = c->ring ? c->ring->put : 0;
		const volatile struct sh_proc *p = proc_find(c->pid);
		bool moved;

		c->ended = !p || p->state == PROC_ZOMBIE;
		waiting_begin(&w);
		moved = c->ring ? ring_carry(c) : pipes_carry(c, &w);
		if (c->ended && !moved && !c->end[1] && !c->end[2]) {
			in_return(c);
			proc_exit((int)status_of(c->pid));
		}
		if (p && p->state == PROC_STOPPED)
			stop_with(c->pid, p->status);
		else if (!moved && !c->ended)
			wait_for_news(c, &w, events, put);
	}
}

/* Nothing but SIGKILL ends us: all else is for the other one, and no handler is ours. */
void
carry_begin(u32 ino, const char *path, const struct arguments *args)
{
	exec_gone(ino, path);
	fd_exec();
	signal_exec();
	for (int sig = 1; sig <= SIGNALS; sig++)
		signals.action[sig].handler = SIG_DFL_;
	signals.action[SIGPIPE].handler = SIG_IGN_;
	signal_block(0);
	exec_publish(path, args);
	arguments_end();
}
