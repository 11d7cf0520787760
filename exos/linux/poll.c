/* SPDX-License-Identifier: ISC */
/* poll and select. */
#include "files.h"
#include "waits.h"
#include "../fd/waiting.h"
#include "../proc/signal.h"
#include "../thread/thread.h"

#define FILES_MAX 4096
#define SELECT_MAX 4096
#define NS 1000000000ull

static u32
look(const struct linux_pollfd *p, struct waiting *w)
{
	struct file *f;

	if (p->fd < 0)
		return 0;
	f = fd_get(p->fd);
	if (!f || f->access & O_PATH)
		return POLLNVAL;
	return waiting_look(w, f, (u32)(uint16_t)p->events);
}

/* How many are ready; 0 when the deadline (0: none) has passed; -EINTR. */
static long
wait_ready(struct linux_pollfd *fds, long count, u64 deadline)
{
	struct waiting w = { .many = false };
	int error = 0;

	for (;;) {
		long ready = 0;

		waiting_begin(&w);
		for (long i = 0; i < count; i++) {
			fds[i].revents = (int16_t)look(&fds[i], &w);
			ready += fds[i].revents != 0;
		}
		if (ready || error == -ETIMEDOUT || (deadline && clock_ns() >= deadline))
			return ready;
		error = waiting_block(&w, deadline);
		if (error && error != -ETIMEDOUT)
			return error;
	}
}

/* now + t; at least 1, because 0 is no deadline. */
static u64
deadline_of(u64 seconds, u64 ns)
{
	u64 now = clock_ns();

	return seconds > 1ull << 32 ? 0 : now + seconds * NS + ns + 1;
}

/* ---- poll ------------------------------------------------------------------------------- */

static long
poll_user(u64 user, long count, u64 deadline)
{
	struct linux_pollfd *fds;
	long ready;

	if (count < 0 || count > FILES_MAX)
		return -EINVAL;
	fds = xalloc((size_t)count * sizeof(*fds) + 1);
	if (!fds)
		return -ENOMEM;
	ready = copy_in(fds, user, (size_t)count * sizeof(*fds));
	if (!ready)
		ready = wait_ready(fds, count, deadline);
	if (ready >= 0 && copy_out(user, fds, (size_t)count * sizeof(*fds)))
		ready = -EFAULT;
	xfree(fds);
	return ready;
}

u64
deadline_ms(long timeout_ms)
{
	u64 ms = (u64)(int)timeout_ms;

	return (int)timeout_ms < 0 ? 0 : deadline_of(ms / 1000, ms % 1000 * 1000000);
}

static long
poll_again(struct restart *r)
{
	long result = poll_user(r->arg[0], (long)r->arg[1], r->deadline);

	return result == -EINTR ? restart_from(r) : result;
}

long
sys_poll(long fds, long count, long timeout_ms)
{
	struct restart r = { .again = poll_again,
		.deadline = deadline_ms(timeout_ms),
		.arg = { (u64)fds, (u64)count } };

	return poll_again(&r);
}

int
mask_for_wait(u64 user)
{
	u64 mask;

	if (user == 0)
		return 0;
	if (copy_in(&mask, user, sizeof(mask)))
		return -EFAULT;
	current->sig.saved_mask = current->sig.blocked;
	current->sig.mask_saved = true;
	signal_block(mask);
	return 0;
}

void
mask_back(long result)
{
	if (result == -EINTR || !current->sig.mask_saved)
		return;
	current->sig.mask_saved = false;
	signal_block(current->sig.saved_mask);
}

int
timeout_get(u64 user, u64 *deadline)
{
	struct linux_timespec t;

	*deadline = 0;
	if (user == 0)
		return 0;
	if (copy_in(&t, user, sizeof(t)))
		return -EFAULT;
	if (t.sec < 0 || t.nsec < 0 || t.nsec >= (long)NS)
		return -EINVAL;
	*deadline = deadline_of((u64)t.sec, (u64)t.nsec);
	return 0;
}

/* What is left of the time, for the caller, and for the same call begun anew; it may lie where nothing is stored. */
static void
timeout_put(u64 user, u64 deadline)
{
	u64 now = clock_ns(), left = deadline > now ? deadline - now : 0;
	const struct linux_timespec t = { (int64_t)(left / NS), (int64_t)(left % NS) };

	if (user && deadline)
		copy_out(user, &t, sizeof(t));
}

long
sys_ppoll(long fds, long count, long timeout, long mask, long mask_bytes)
{
	u64 deadline;
	long result = timeout_get((u64)timeout, &deadline);

	if (mask && mask_bytes != 8)
		return -EINVAL;
	if (!result)
		result = mask_for_wait((u64)mask);
	if (result)
		return result;
	result = poll_user((u64)fds, count, deadline);
	mask_back(result);
	timeout_put((u64)timeout, deadline);
	return result;
}

/* ---- select -------------------------------------------------------------------------------- */

struct sets {
	u64 bits[3][SELECT_MAX / 64];	/* readable, writable, exceptional */
};

static const u32 asked[3] = { POLLIN | POLLRDNORM, POLLOUT | POLLWRNORM, POLLPRI };
static const u32 means[3] = { POLLIN | POLLRDNORM | POLLHUP | POLLERR,
	POLLOUT | POLLWRNORM | POLLERR, POLLPRI };

static int
sets_get(struct sets *s, const u64 user[3], long count)
{
	memset(s, 0, sizeof(*s));
	for (unsigned i = 0; i < 3; i++)
		if (user[i] && copy_in(s->bits[i], user[i], (size_t)(count + 63) / 64 * 8))
			return -EFAULT;
	return 0;
}

static long
fds_make(struct linux_pollfd *fds, const struct sets *s, long count)
{
	long n = 0;

	for (long fd = 0; fd < count; fd++) {
		u32 events = 0;

		for (unsigned i = 0; i < 3; i++)
			events |= s->bits[i][fd / 64] >> (fd % 64) & 1 ? asked[i] : 0;
		if (!events)
			continue;
		if (!fd_get((int)fd))
			return -EBADF;
		fds[n++] = (struct linux_pollfd){ .fd = (int32_t)fd, .events = (int16_t)events };
	}
	return n;
}

static long
sets_put(struct sets *s, const struct linux_pollfd *fds, long n, const u64 user[3], long count)
{
	struct sets out = { { { 0 } } };
	long ready = 0;

	for (long f = 0; f < n; f++) {
		int fd = fds[f].fd;

		for (unsigned i = 0; i < 3; i++) {
			if (!(s->bits[i][fd / 64] >> (fd % 64) & 1) ||
				!((u32)(uint16_t)fds[f].revents & means[i]))
				continue;
			out.bits[i][fd / 64] |= 1ull << (fd % 64);
			ready++;
		}
	}
	for (unsigned i = 0; i < 3; i++)
		if (user[i] && copy_out(user[i], out.bits[i], (size_t)(count + 63) / 64 * 8))
			return -EFAULT;
	return ready;
}

static long
select_user(long count, const u64 user[3], u64 deadline)
{
	struct sets s;
	struct linux_pollfd *fds;
	long n;

	if (count < 0)
		return -EINVAL;
	if (count > SELECT_MAX)
		count = SELECT_MAX;
	if (sets_get(&s, user, count))
		return -EFAULT;
	fds = xalloc((size_t)count * sizeof(*fds) + 1);
	if (!fds)
		return -ENOMEM;
	n = fds_make(fds, &s, count);
	if (n >= 0) {
		long result = wait_ready(fds, n, deadline);

		n = result < 0 ? result : sets_put(&s, fds, n, user, count);
	}
	xfree(fds);
	return n;
}

long
sys_select(long nfds, long readable, long writable, long other, long timeout)
{
	const int count = (int)nfds;
	const u64 user[3] = { (u64)readable, (u64)writable, (u64)other };
	struct linux_timeval t;
	u64 deadline = 0, left;
	long result;

	if (timeout && copy_in(&t, (u64)timeout, sizeof(t)))
		return -EFAULT;
	if (timeout && (t.sec < 0 || t.usec < 0))
		return -EINVAL;
	if (timeout)
		deadline = deadline_of((u64)t.sec + (u64)t.usec / 1000000,
			(u64)t.usec % 1000000 * 1000);
	result = select_user(count, user, deadline);
	if (deadline) {
		left = deadline > clock_ns() ? deadline - clock_ns() : 0;
		t = (struct linux_timeval){ (int64_t)(left / NS), (int64_t)(left % NS / 1000) };
		copy_out((u64)timeout, &t,
			sizeof(t)); /* as Linux does; a program without it gets its answer too */
	}
	return result;
}

long
sys_pselect6(long nfds, long readable, long writable, long other, long timeout, long mask)
{
	const int count = (int)nfds;
	const u64 user[3] = { (u64)readable, (u64)writable, (u64)other };
	u64 deadline, argument[2] = { 0, 0 };
	long result = timeout_get((u64)timeout, &deadline);

	if (!result && mask)
		result = copy_in(argument, (u64)mask, sizeof(argument));
	if (!result && argument[0] && argument[1] != 8)
		result = -EINVAL;
	if (!result)
		result = mask_for_wait(argument[0]);
	if (result)
		return result;
	result = select_user(count, user, deadline);
	mask_back(result);
	timeout_put((u64)timeout, deadline);
	return result;
}
