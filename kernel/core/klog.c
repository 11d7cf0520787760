/* SPDX-License-Identifier: ISC */
/*
 * The kernel's log.  Text goes to the console driver's port once there is one
 * (klog_sink), to the UART before; what was written earlier is kept and given
 * to the sink first, because a machine without a UART would have lost it.
 */
#include <stdarg.h>
#include "boot.h"

void serial_write(const char *text, size_t bytes);

#define EARLY_BYTES 4096u
#define LINE_BYTES 256u

void (*klog_sink)(const char *text, size_t bytes);
void (*klog_drain)(void);

static struct lock log_lock = LOCK_INIT("log", RANK_LOG, EXO_LOCK_LOG);
static char early[EARLY_BYTES];		/* [log_lock] until the sink takes it */
static size_t early_bytes;

static void
emit(const char *text, size_t bytes) REQUIRES(log_lock)
{
	size_t room = EARLY_BYTES - early_bytes;

	if (klog_sink == NULL) {
		memcpy(&early[early_bytes], text, bytes < room ? bytes : room);
		early_bytes += bytes < room ? bytes : room;
		serial_write(text, bytes);
		return;
	}
	if (early_bytes > 0)
		klog_sink(early, early_bytes);
	early_bytes = 0;
	klog_sink(text, bytes);
}

void
klog_write(const char *text, size_t bytes)
{
	lock_acquire(&log_lock);
	emit(text, bytes);
	lock_release(&log_lock);
}

void
klog_finish(void)
{
	lock_acquire(&log_lock);
	if (klog_drain != NULL)
		klog_drain();
	lock_release(&log_lock);
}

/* A line being put together: what does not fit is cut. */
struct line {
	char text[LINE_BYTES];
	size_t used;
};

static void
put(struct line *line, char c)
{
	if (line->used < LINE_BYTES)
		line->text[line->used++] = c;
}

static void
put_string(struct line *line, const char *text)
{
	for (text = text == NULL ? "(null)" : text; *text != 0; text++)
		put(line, *text);
}

static void
put_number(struct line *line, u64 value, u32 base, u32 width, char pad)
{
	char digits[24];
	u32 n = 0;

	do {
		digits[n++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value != 0);
	for (u32 missing = n; missing < width && missing < LINE_BYTES; missing++)
		put(line, pad);
	while (n > 0)
		put(line, digits[--n]);
}

static void
put_signed(struct line *line, i64 value, u32 width, char pad)
{
	if (value < 0)
		put(line, '-');
	put_number(line, value < 0 ? -(u64)value : (u64)value, 10, width, pad);
}

/* One conversion behind its %; returns the last character of it. */
static const char *
convert(struct line *line, const char *at, va_list *args)
{
	bool prefix = false, wide = false;
	char pad = ' ';
	u32 width = 0;

	for (;; at++) {
		if (*at == '#')
			prefix = true;
		else if (*at == '0')
			pad = '0';
		else
			break;
	}
	for (; *at >= '0' && *at <= '9'; at++)
		width = width * 10 + (u32)(*at - '0');
	for (; *at == 'l' || *at == 'z'; at++)
		wide = true;
	switch (*at) {
	case 'd':
		put_signed(line, wide ? va_arg(*args, long) : va_arg(*args, int), width, pad);
		break;
	case 'p':
	case 'x':
		if (*at == 'p' || prefix)
			put_string(line, "0x");
		wide = wide || *at == 'p';
		put_number(line, wide ? va_arg(*args, u64) : va_arg(*args, u32), 16, width, pad);
		break;
	case 'u':
		put_number(line, wide ? va_arg(*args, u64) : va_arg(*args, u32), 10, width, pad);
		break;
	case 's':
		put_string(line, va_arg(*args, const char *));
		break;
	case 'c':
		put(line, (char)va_arg(*args, int));
		break;
	case 0:
		return at - 1;
	default:
		put(line, *at);
	}
	return at;
}

void
klog_v(const char *format, va_list args)
{
	struct line line = { .used = 0 };
	va_list copy;

	va_copy(copy, args);
	for (; *format != 0; format++) {
		if (*format == '%')
			format = convert(&line, format + 1, &copy);
		else
			put(&line, *format);
	}
	va_end(copy);
	klog_write(line.text, line.used);
}

void
klog(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	klog_v(format, args);
	va_end(args);
}

/* For panic: nobody else will write, whoever held the lock is not coming back. */
void NO_TSA
klog_break_lock(void)
{
	log_lock.word = 0;
}
