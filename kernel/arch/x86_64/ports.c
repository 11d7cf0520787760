/* SPDX-License-Identifier: ISC */
/* Port input and output, and the end of the machine. */
#include "machine.h"

#define DEBUG_EXIT 0xf4u

u32
arch_port_in(u16 port, unsigned width)
{
	u32 value = 0;

	if (width == 1)
		value = inb(port);
	else if (width == 2)
		__asm__ volatile("inw %1, %w0" : "+a"(value) : "Nd"(port));
	else
		__asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

void
arch_port_out(u16 port, unsigned width, u32 value)
{
	if (width == 1)
		outb(port, (u8)value);
	else if (width == 2)
		__asm__ volatile("outw %w0, %1" : : "a"(value), "Nd"(port));
	else
		__asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

void
arch_halt(void)
{
	__asm__ volatile("cli; hlt");
}

/* QEMU leaves with status << 1 | 1; where the device is absent the processor halts. */
void
arch_off(u32 status)
{
	arch_port_out(DEBUG_EXIT, 4, status);
	arch_stop_others();
	for (;;)
		arch_halt();
}
