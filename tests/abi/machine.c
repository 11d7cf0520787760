/* SPDX-License-Identifier: ISC */
/* irq_bind, irq_unmask, port_io, log, machine_off: what is asked for by a name of the kernel's. */
#include "t.h"

#define IRQ 5u
#define LINES 256u			/* beyond any interrupt controller of this kernel */

enum { K1 = K_FREE, K2 };

static struct exo_key
named(char letter, uint8_t a, uint8_t b, uint8_t rights)
{
	return (struct exo_key){ .len = 3, .rights = rights, .name = { (uint8_t)letter, a, b } };
}

static void
sleeper(uint64_t arg)
{
	(void)arg;
	for (;;)
		exo_wait_for(NULL, 0, 0, 0);
}

TEST(irq)
{
	struct exo_key key = named(EXO_NAME_IRQ, IRQ, 0, EXO_RIGHTS_ALL);
	struct t_child c;

	key.len = 2;
	OK(t_narrow(K_ROOT, K1, key));
	if (!t_child(&c, sleeper, 0, 0))
		return;
	ERR(exo_irq_bind(LINES, exo_self(), 1, K_ROOT), RANGE);
	ERR(exo_irq_bind(~0u, exo_self(), 1, K_ROOT), RANGE);
	ERR(exo_irq_bind(IRQ, exo_self() + 0x10000, 1, K_ROOT), STALE);
	ERR(exo_irq_bind(IRQ, exo_self(), 1, K_NONE), KEY);
	ERR(exo_irq_bind(IRQ, exo_self(), 1, K_NOTHING), RIGHTS);
	ERR(exo_irq_bind(IRQ, exo_self(), 1, K_WRITE), RIGHTS);
	ERR(exo_irq_bind(IRQ + 1, exo_self(), 1, K1), RIGHTS);
	ERR(exo_irq_unmask(IRQ), OWNER);
	ERR(exo_irq_unmask(LINES), RANGE);
	ERR(exo_irq_unmask(~0u), RANGE);
	OK(exo_irq_bind(IRQ, c.id, 1, K1));
	ERR(exo_irq_unmask(IRQ), OWNER);
	ERR(exo_irq_bind(IRQ, exo_self(), 1, K_ROOT), TAKEN);
	OK(exo_irq_bind(IRQ, 0, 0, K1));
	OK(exo_irq_bind(IRQ, exo_self(), 1, K_CONTROL));
	OK(exo_irq_unmask(IRQ));
	OK(exo_irq_bind(IRQ, 0, 0, K1));
	ERR(exo_irq_unmask(IRQ), OWNER);
	OK(exo_env_destroy(c.id, 0, K_ROOT));
	ERR(exo_irq_bind(IRQ, c.id, 1, K_ROOT), DEAD);
	t_reap(&c);
}

/* A dead environment lets go of its lines. */
TEST(irq_of_the_dead)
{
	struct t_child c;

	if (!t_child(&c, sleeper, 0, 0))
		return;
	OK(exo_irq_bind(IRQ, c.id, 1, K_ROOT));
	t_reap(&c);
	OK(exo_irq_bind(IRQ, exo_self(), 1, K_ROOT));
	OK(exo_irq_bind(IRQ, 0, 0, K_ROOT));
}

TEST(ports)
{
	OK(t_narrow(K_ROOT, K1, named(EXO_NAME_PORT, 0, 0x80, EXO_R | EXO_W)));
	OK(t_narrow(K1, K2, named(EXO_NAME_PORT, 0, 0x80, EXO_R)));
	OK(exo_port_io(0x80, 1 | 0x100, 0x55, K1));
	CHECK(exo_port_io(0x80, 1, 0, K2) >= 0);
	ERR(exo_port_io(0x80, 1 | 0x100, 0x55, K2), RIGHTS);
	ERR(exo_port_io(0x81, 1, 0, K1), RIGHTS);
	ERR(exo_port_io(0x80, 2, 0, K1), RIGHTS);	/* reaches 0x81 too */
	ERR(exo_port_io(0x80, 1, 0, K_NONE), KEY);
	ERR(exo_port_io(0x80, 1, 0, K_NOTHING), RIGHTS);
	ERR(exo_port_io(0x80, 0, 0, K_ROOT), ARG);
	ERR(exo_port_io(0x80, 3, 0, K_ROOT), ARG);
	ERR(exo_port_io(0x80, 8, 0, K_ROOT), ARG);
	ERR(exo_port_io(0x80, 0x201, 0, K_ROOT), ARG);
	ERR(exo_port_io(0x80, 1ull << 32 | 1, 0, K_ROOT), ARG);
	ERR(exo_port_io(0x10000, 1, 0, K_ROOT), RANGE);
	ERR(exo_port_io(0xffff, 2, 0, K_ROOT), RANGE);
	ERR(exo_port_io(0xfffffffe, 4, 0, K_ROOT), RANGE);
}

TEST(log)
{
	static char text[300] = "a line with a control sequence \033[31m in it\n";

	OK(t_narrow(K_ROOT, K1, t_key(EXO_W, "L")));
	OK(exo_log(text, 45, K1));
	OK(exo_log(text, 0, K1));
	ERR(exo_log(text, 257, K1), ARG);
	ERR(exo_log(text, ~0ull, K1), ARG);
	ERR(exo_log((void *)T_VA, 1, K1), FAULT);
	ERR(exo_log((void *)(EXO_USER_TOP - 1), 16, K1), FAULT);
	ERR(exo_log((void *)0xffffffff80200000, 16, K1), FAULT);
	ERR(exo_log((void *)-8, 16, K1), FAULT);
	ERR(exo_log(text, 1, K_NONE), KEY);
	ERR(exo_log(text, 1, K_NOTHING), RIGHTS);
	ERR(exo_log(text, 1, K_READ), RIGHTS);
}

TEST(machine_off_needs_its_key)
{
	ERR(exo_machine_off(3, K_NONE), KEY);
	ERR(exo_machine_off(3, K_BEYOND), KEY);
	ERR(exo_machine_off(3, K_NOTHING), RIGHTS);
	ERR(exo_machine_off(3, K_WRITE), RIGHTS);
}
