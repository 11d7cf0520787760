/* SPDX-License-Identifier: ISC */
/* The calls on the machine itself: ports, the log, the power switch. */
#include <kernel/syscalls.h>
#include "../arch/x86_64/arch.h"
#include "../cap/cap.h"
#include "../env/env.h"

#define PORT_WRITE 0x100u
#define PORTS 0x10000u
#define LOG_BYTES 256u

/* A wide access touches `width` ports, and the key must open each. */
static int
ports_allow(const struct env *self, exo_slot key, u64 port, unsigned width, u32 rights)
{
	int error = 0;

	for (u64 n = port; n < port + width && error == 0; n++) {	/* bound: 4 */
		const struct exo_key name = { .len = 3, .rights = (u8)rights,
			.name = { EXO_NAME_PORT, (u8)(n >> 8), (u8)n } };

		error = name_allows(self, key, &name);
	}
	return error;
}

i64
sys_port_io(struct env *self, u64 port, u64 how, u64 value, u64 key)
{
	unsigned width = (unsigned)(how & 0xff);
	bool write = (how & PORT_WRITE) != 0;
	int error;

	if ((how & ~0x107ull) != 0 || (width != 1 && width != 2 && width != 4))
		return -EXO_EARG;
	if (port >= PORTS || port + width > PORTS)
		return -EXO_ERANGE;
	lock_acquire(&env_lock);
	error = ports_allow(self, slot_arg(key), port, width, write ? EXO_W : EXO_R);
	lock_release(&env_lock);
	if (error != 0)
		return error;

	if (!write)
		return arch_port_in((u16)port, width);
	arch_port_out((u16)port, width, (u32)value);
	return 0;
}

static int
letter_allows(const struct env *self, exo_slot key, u8 letter, u32 rights)
{
	const struct exo_key name = { .len = 1, .rights = (u8)rights, .name = { letter } };
	int error;

	lock_acquire(&env_lock);
	error = name_allows(self, key, &name);
	lock_release(&env_lock);
	return error;
}

i64
sys_log(struct env *self, u64 text, u64 bytes, u64 key)
{
	char copy[LOG_BYTES];
	int error = letter_allows(self, slot_arg(key), EXO_NAME_LOG, EXO_W);

	if (error != 0)
		return error;
	if (bytes > LOG_BYTES)
		return -EXO_EARG;
	if (bytes != 0 && copy_from_user(copy, text, bytes) != 0)
		return -EXO_EFAULT;

	/* The log is read on terminals: nothing in it may control one. */
	for (u64 n = 0; n < bytes; n++)
		if (((u8)copy[n] < ' ' && copy[n] != '\n' && copy[n] != '\t') || copy[n] == 0x7f)
			copy[n] = '?';
	klog_write(copy, bytes);
	return 0;
}

i64
sys_machine_off(struct env *self, u64 status, u64 key)
{
	int error = letter_allows(self, slot_arg(key), EXO_NAME_OFF, EXO_C);

	if (error != 0)
		return error;

	klog_finish();
	arch_off((u32)status);
}
