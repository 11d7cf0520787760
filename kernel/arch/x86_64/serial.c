/* SPDX-License-Identifier: ISC */
/* COM1, for the log until the console driver is up and for panics: polled, output only. */
#include "machine.h"

#define COM1 0x3f8u
#define COM1_IER (COM1 + 1)
#define COM1_FCR (COM1 + 2)
#define COM1_LCR (COM1 + 3)
#define COM1_MCR (COM1 + 4)
#define COM1_LSR (COM1 + 5)
#define COM1_SCRATCH (COM1 + 7)
#define LSR_THRE 0x20u
#define SPINS_MAX 100000u		/* a stuck UART loses characters, not the machine */

static bool present;			/* [I] */

void
serial_boot(void)
{
	outb(COM1_SCRATCH, 0x5a);
	present = inb(COM1_SCRATCH) == 0x5a;
	if (!present)
		return;
	outb(COM1_IER, 0);
	outb(COM1_LCR, 0x80);
	outb(COM1, 1);			/* 115200 */
	outb(COM1_IER, 0);
	outb(COM1_LCR, 3);		/* 8n1 */
	outb(COM1_FCR, 7);
	outb(COM1_MCR, 3);
}

static void
put(char c)
{
	for (u32 spin = 0; (inb(COM1_LSR) & LSR_THRE) == 0 && spin < SPINS_MAX; spin++)
		;
	outb(COM1, (u8)c);
}

void
serial_write(const char *text, size_t bytes)
{
	if (!present)
		return;
	for (size_t i = 0; i < bytes; i++) {
		if (text[i] == '\n')
			put('\r');
		put(text[i]);
	}
}
