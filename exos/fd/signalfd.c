/* SPDX-License-Identifier: ISC */
/* signalfd: the reader's own pending signals, of a set; whoever inherits it reads his. */
#include "file.h"
#include "signalfd.h"
#include "../proc/signal.h"

struct linux_signalfd_siginfo {
	u32 signo;
	int32_t error, code;
	u32 pid, uid;
	int32_t fd;
	u32 tid, band, overrun, trapno;
	int32_t status, value;
	u64 pointer, utime, stime, addr;
	u8 room[48];
};
_Static_assert(sizeof(struct linux_signalfd_siginfo) == 128, "struct signalfd_siginfo");

#define CLD_LAST 6

static u64
set_of(const struct file *f)
{
	return f->own[0];
}

/* Which words of the details mean what follows from who sent the signal. */
static struct linux_signalfd_siginfo
describe(const struct sig_detail *d)
{
	struct linux_signalfd_siginfo s = { .signo = (u32)d->signo,
		.error = d->error,
		.code = d->code };
	const u32 low = (u32)d->word[0], high = (u32)(d->word[0] >> 32);

	if (d->code == SI_TIMER_) {
		s.tid = low;
		s.overrun = high;
	} else {
		s.pid = low;
		s.uid = high;
	}
	if (d->code < 0) {
		s.pointer = d->word[1];
		s.value = (int32_t)d->word[1];
	} else if (d->signo == SIGCHLD && d->code > 0 && d->code <= CLD_LAST) {
		s.status = (int32_t)d->word[1];
		s.utime = d->word[2];
		s.stime = d->word[3];
	} else if (d->directed && d->code > 0 && d->code != SI_KERNEL_) {
		s.pid = s.uid = 0;
		s.addr = d->word[0];
	}
	return s;
}

/* The whole process wakes for signals anyway; of its threads the one that reads. */
static struct exo_term
arrivals(void)
{
	return term_word(&signals.arrivals, ~0ull, EXO_NE, signals.arrivals);
}

static long
signalfd_read(struct file *f, u64 buf, u64 bytes, u64 *pos)
{
	struct linux_signalfd_siginfo s;
	struct sig_detail d;
	u64 done = 0;

	(void)pos;
	if (bytes < sizeof(s))
		return -EINVAL;
	signal_post_check();
	while (done + sizeof(s) <= bytes) {
		struct exo_term t = arrivals();
		int error = 0;

		if (signal_take(set_of(f), &d) != 0) {
			s = describe(&d);
			if (copy_out(buf + done, &s, sizeof(s)))
				return done ? (long)done : -EFAULT;
			done += sizeof(s);
			continue;
		}
		if (done == 0)
			error = file_block(f, &t, 1);
		if (done || (error && !(signals_waiting() & set_of(f))))
			return done ? (long)done : error;
	}
	return (long)done;
}

static u32
signalfd_poll(struct file *f, u32 events, struct exo_term *terms, unsigned *nterms)
{
	signal_post_check();
	terms[0] = arrivals();
	*nterms = 1;
	return signals_waiting() & set_of(f) ? events & (POLLIN | POLLRDNORM) : 0;
}

static u64
signalfd_version(struct file *f, u32 events)
{
	(void)f;
	(void)events;
	signal_post_check();
	return signals.arrivals;
}

const struct file_ops signalfd_ops = {
	.name = "anon_inode:[signalfd]", .mode = 0600, .lseek_idle = true,
	.read = signalfd_read, .poll = signalfd_poll, .version = signalfd_version,
};

int
signalfd_new(struct file **f, u64 set, u32 flags)
{
	*f = file_new(&signalfd_ops, flags | O_RDWR);
	if (!*f)
		return -ENOMEM;
	signalfd_change(*f, set);
	return 0;
}

void
signalfd_change(struct file *f, u64 set)
{
	f->own[0] = set & ~(SIG_BIT(SIGKILL) | SIG_BIT(SIGSTOP));
}
