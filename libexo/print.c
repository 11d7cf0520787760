/* SPDX-License-Identifier: ISC */
/* Text out: to the console queue when there is one, else to the kernel log. */
#include <stdarg.h>
#include <exo/lib.h>
#include <exo/read.h>

#define LOG_BYTES 256u			/* the kernel takes no more at a time */

struct sink {
	char *to;
	size_t used, bytes;
};

static void
put(struct sink *sink, char c)
{
	if (sink->used + 1 < sink->bytes)
		sink->to[sink->used] = c;
	sink->used++;
}

static void
put_text(struct sink *sink, const char *text, unsigned width)
{
	size_t length = 0;

	while (text[length])
		length++;
	for (; width > length; width--)
		put(sink, ' ');
	while (*text)
		put(sink, *text++);
}

static void
put_number(struct sink *sink, uint64_t value, bool negative, unsigned base, unsigned width,
	char fill)
{
	char digits[24];
	unsigned count = 0;

	do {
		digits[count++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	if (negative)
		digits[count++] = '-';
	for (; width > count; width--)
		put(sink, fill);
	while (count)
		put(sink, digits[--count]);
}

/* One conversion, behind the '%'; returns what follows it. */
static const char *
convert(struct sink *sink, const char *format, va_list *args)
{
	char fill = *format == '0' ? '0' : ' ';
	unsigned width = 0;
	bool wide = false;
	uint64_t value;

	while (*format >= '0' && *format <= '9')
		width = width * 10 + (unsigned)(*format++ - '0');
	for (; *format == 'l' || *format == 'z'; format++)
		wide = true;
	switch (*format) {
	case 's':
		put_text(sink, va_arg(*args, const char *), width);
		break;
	case 'c':
		put(sink, (char)va_arg(*args, int));
		break;
	case 'd':
		value = wide ? (uint64_t)va_arg(*args, long) : (uint64_t)va_arg(*args, int);
		put_number(sink, (int64_t)value < 0 ? -value : value, (int64_t)value < 0, 10, width,
			fill);
		break;
	case 'u':
	case 'x':
		value = wide ? va_arg(*args, unsigned long) : va_arg(*args, unsigned);
		put_number(sink, value, false, *format == 'x' ? 16 : 10, width, fill);
		break;
	case '\0':
		return format;
	default:
		put(sink, *format);
	}
	return format + 1;
}

size_t
exo_format(char *to, size_t bytes, const char *format, va_list args)
{
	struct sink sink = { to, 0, bytes };
	va_list copy;

	va_copy(copy, args);
	while (*format) {
		if (*format != '%')
			put(&sink, *format++);
		else
			format = convert(&sink, format + 1, &copy);
	}
	va_end(copy);
	if (bytes)
		to[sink.used < bytes ? sink.used : bytes - 1] = '\0';
	return sink.used;
}

size_t
exo_snprintf(char *to, size_t bytes, const char *format, ...)
{
	va_list args;
	size_t length;

	va_start(args, format);
	length = exo_format(to, bytes, format, args);
	va_end(args);
	return length;
}

/* Send one frameful and wait until the kernel has stored the completion word, which lies at its end. */
static bool
console_send(const struct exo_start *start, const char *text, size_t bytes)
{
	char *frame = (char *)start->console_va;
	volatile uint64_t *done = (volatile uint64_t *)(frame + EXO_PAGE_BYTES - 8);
	struct exo_io io = { .pfn = start->console_pfn, .bytes = (uint32_t)bytes,
				.done_offset = EXO_PAGE_BYTES - 8, .key = start->k_account };
	struct exo_term term = { .where = start->console_pfn * EXO_PAGE_BYTES + io.done_offset,
		.mask = EXO_IO_DONE,
		.cmp = EXO_NE,
		.key = start->k_account };
	int64_t result;

	for (size_t at = 0; at < bytes; at++)
		frame[at] = text[at];
	*done = 0;
	do {
		result = exo_io_submit(start->console_device, start->console_out, &io, 1,
			start->k_console);
	} while (result == -EXO_EBUSY && exo_yield(0) >= 0);
	if (result < 0)
		return false;
	while (!(*done & EXO_IO_DONE))
		exo_wait_for(&term, 1, 0, 0);
	return !(*done & EXO_IO_ERROR);
}

/* Who takes it may be gone, or wild: then whoever started us ends us. */
static bool
ring_send(const struct exo_start *start, const char *text, size_t bytes)
{
	volatile struct exo_ring *ring = (volatile struct exo_ring *)start->console_va;
	const uint64_t put = ring->put;
	struct exo_term term = {
		.where = start->console_pfn * EXO_PAGE_BYTES + offsetof(struct exo_ring, taken),
		.mask = ~0ull,
		.cmp = EXO_NE,
		.key = start->k_console };

	if (bytes > EXO_RING_BYTES)
		return false;
	while (put + bytes - (term.value = ring->taken) > EXO_RING_BYTES)
		if (exo_wait_for(&term, 1, 0, 0) < 0)
			return false;
	for (size_t at = 0; at < bytes; at++)
		ring->data[(put + at) % EXO_RING_BYTES] = text[at];
	__atomic_store_n(&ring->put, put + bytes, __ATOMIC_RELEASE);
	exo_changed(NULL);
	return true;
}

static bool
send_some(const struct exo_start *start, const char *text, size_t bytes)
{
	if (start && start->k_console != EXO_NO_SLOT && start->console_device == EXO_CONSOLE_RING)
		return ring_send(start, text, bytes);
	if (start && start->k_console != EXO_NO_SLOT && start->console_pfn)
		return console_send(start, text, bytes);
	return exo_log(text, bytes, start ? start->k_log : 0) >= 0;
}

void
exo_print(const char *text)
{
	const struct exo_start *start = exo_start_info();

	while (*text) {
		size_t bytes = 0;

		while (bytes < LOG_BYTES && text[bytes])
			bytes++;
		if (!send_some(start, text, bytes))
			return;		/* nowhere to complain */
		text += bytes;
	}
}

void
exo_printf(const char *format, ...)
{
	char line[512];
	va_list args;

	va_start(args, format);
	exo_format(line, sizeof(line), format, args);
	va_end(args);
	exo_print(line);
}

#define ERROR_NAME(name, number, text, errno_) [number] = #name,

const char *
exo_error_name(int64_t error)
{
	static const char *const names[EXO_ERRORS] = { EXO_ERROR_LIST(ERROR_NAME) };
	uint64_t number = error < 0 ? -(uint64_t)error : 0;

	if (error >= 0)
		return "OK";
	return number < EXO_ERRORS && names[number] ? names[number] : "?";
}
