/* SPDX-License-Identifier: ISC */
/* /dev/null, zero, full, random. */
#include "file.h"
#include "../arch/x86_64/arch.h"

static const char zeroes[EXO_PAGE_BYTES];

static long
null_read(struct file *f, u64 buf, u64 bytes, u64 *pos)
{
	(void)f;
	(void)buf;
	(void)bytes;
	(void)pos;
	return 0;
}

static long
null_write(struct file *f, u64 buf, u64 bytes, u64 *pos)
{
	(void)f;
	(void)buf;
	(void)pos;
	return (long)bytes;
}

static long
zero_read(struct file *f, u64 buf, u64 bytes, u64 *pos)
{
	(void)f;
	(void)pos;
	for (u64 done = 0; done < bytes; done += sizeof(zeroes)) {
		u64 part = bytes - done < sizeof(zeroes) ? bytes - done : sizeof(zeroes);

		if (copy_out(buf + done, zeroes, part))
			return done ? (long)done : -EFAULT;
	}
	return (long)bytes;
}

static long
full_write(struct file *f, u64 buf, u64 bytes, u64 *pos)
{
	(void)f;
	(void)buf;
	(void)bytes;
	(void)pos;
	return -ENOSPC;
}

static long
random_read(struct file *f, u64 buf, u64 bytes, u64 *pos)
{
	u64 piece[32];

	(void)f;
	(void)pos;
	for (u64 done = 0; done < bytes; done += sizeof(piece)) {
		u64 part = bytes - done < sizeof(piece) ? bytes - done : sizeof(piece);

		for (unsigned i = 0; i * 8 < part; i++)
			piece[i] = random_word();
		if (copy_out(buf + done, piece, part))
			return done ? (long)done : -EFAULT;
	}
	return (long)bytes;
}

static u32
device_poll(struct file *f, u32 events, struct exo_term *terms, unsigned *nterms)
{
	(void)f;
	(void)terms;
	*nterms = 0;
	return events & (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
}

/* Lines for the kernel's log; it is read by the host alone. */
static long
kmsg_write(struct file *f, u64 buf, u64 bytes, u64 *pos)
{
	char text[240];
	u64 part = bytes < sizeof(text) - 1 ? bytes : sizeof(text) - 1;

	(void)f;
	(void)pos;
	if (copy_in(text, buf, part))
		return -EFAULT;
	if (part && text[part - 1] != '\n')
		text[part++] = '\n';
	exo_log(text, part, KEY_LOG);
	return (long)bytes;
}

const struct file_ops kmsg_ops = {
	.name = "kmsg", .write = kmsg_write, .poll = device_poll,
};
const struct file_ops null_ops = {
	.name = "null", .read = null_read, .write = null_write, .poll = device_poll, .blind = true,
};
const struct file_ops zero_ops = {
	.name = "zero", .read = zero_read, .write = null_write, .poll = device_poll, .blind = true,
};
const struct file_ops full_ops = {
	.name = "full", .read = zero_read, .write = full_write, .poll = device_poll, .blind = true,
};
const struct file_ops random_ops = {
	.name = "random", .read = random_read, .write = null_write, .poll = device_poll,
};
