/* SPDX-License-Identifier: ISC */
/* Upcalls: what the save slot holds, what enters, the resume window, and a u-area that lies. */
// sources: kernel/cpu/upcall.c kernel/cap/*.c kernel/mem/*.c tests/unit/lib/fake.c
#include <setjmp.h>
#include "fake.h"
#include "../../kernel/cpu/cpu_priv.h"

static struct exo_uarea ua;
static struct exo_env pub;
static struct act act;
static struct regs regs;
static jmp_buf dead;
static u64 reason;

void
trace(u32 what, u64 a, u64 b)
{
	(void)what;
	(void)a;
	(void)b;
}

/* It does not return for who runs. */
void
env_kill(struct env *env, u64 why) NO_TSA
{
	must(env == alice);
	reason = why;
	lock_release(&env_lock);
	longjmp(dead, 1);
}

static void
fresh(void)
{
	memset(&ua, 0x5a, sizeof ua);
	ua.depth = 0;
	ua.critical = 0;
	ua.pending = 0;
	ua.window_begin = 0x1000;
	ua.window_end = 0x2000;
	for (unsigned n = 0; n < EXO_ENTRIES; n++)
		ua.entry[n] = 0x400000 + n * 0x100;
	pub = (struct exo_env){ 0 };
	act = (struct act){ .ua = &ua, .env = alice, .pub = &pub };
	regs = (struct regs){ .r15 = 15,
		.r14 = 14,
		.r13 = 13,
		.r12 = 12,
		.r10 = 10,
		.r9 = 9,
		.r8 = 8,
		.rbp = 7,
		.rdi = 6,
		.rsi = 5,
		.rdx = 4,
		.rbx = 3,
		.r11 = 11,
		.rcx = 2,
		.rax = 1,
		.vector = 14,
		.error = 6,
		.rip = 0x8000,
		.rflags = 0x10747,
		.rsp = 0x9000 };
}

/* The upcall that should kill; the reason of death. */
static i64
dies(u64 addr)
{
	reason = 0;
	if (setjmp(dead) == 0)
		upcall_sync(&act, &regs, addr);
	return (i64)reason;
}

static void
test_sync(void)
{
	const struct exo_save *save = &ua.save[0];

	fresh();
	upcall_sync(&act, &regs, 0xabc);
	holds("the context is saved",
		save->rip == 0x8000 && save->rsp == 0x9000 && save->rax == 1 && save->rcx == 2 &&
			save->r11 == 11 && save->rflags == 0x10747);
	holds("and what happened",
		save->addr == 0xabc && save->error == 6 && save->vector == 14 && save->flags == 0);
	gives("the rest is the library's to save", (i64)save->rbx, 0x5a5a5a5a5a5a5a5a);
	holds("it enters EXCEPTION with clean flags",
		regs.rip == 0x400000 && regs.rflags == RFLAGS_FIXED);
	holds("and all else as it was", regs.rsp == 0x9000 && regs.rax == 1 && regs.r15 == 15);
	holds("in a critical section, one slot taken", ua.critical == 1 && ua.depth == 1);
	holds("counted", pub.upcalls == 0 && pub.faults == 1);
	regs.rip = 0x8100;
	upcall_sync(&act, &regs, 0);
	holds("nested: the next slot, which knows of the critical section", ua.depth == 2 &&
		ua.save[1].rip == 0x8100 && ua.save[1].flags == EXO_SAVE_CRITICAL);
}

static void
test_deaths(void)
{
	fresh();
	ua.entry[EXO_ENTRY_EXCEPTION] = 0;
	gives("no entry", dies(0), EXO_DEAD_NOENTRY | 14 << 16);
	fresh();
	ua.entry[EXO_ENTRY_EXCEPTION] = EXO_USER_TOP;
	gives("an entry above user space", dies(0), EXO_DEAD_STATE | 14 << 16);
	ua.entry[EXO_ENTRY_EXCEPTION] = 0xffffffff80100000;
	gives("an entry in the kernel", dies(0), EXO_DEAD_STATE | 14 << 16);
	fresh();
	ua.depth = EXO_SAVE_SLOTS;
	gives("all slots taken", dies(0), EXO_DEAD_NESTING | 14 << 16);
	ua.depth = ~0u;
	gives("a depth that is a lie", dies(0), EXO_DEAD_NESTING | 14 << 16);
	fresh();
	ua.depth = EXO_SAVE_SLOTS - 1;
	gives("the last slot is good", dies(0), 0);
	gives("then none", dies(0), EXO_DEAD_NESTING | 14 << 16);
}

static void
test_async(void)
{
	fresh();
	holds("an EVENT is delivered", upcall_async(&act, &regs, EXO_ENTRY_EVENT));
	holds("like an exception", ua.save[0].vector == 0x100 + EXO_ENTRY_EVENT && ua.depth == 1 &&
		ua.critical == 1 && regs.rip == ua.entry[EXO_ENTRY_EVENT] && ua.save[0].flags == 0);
	holds("the next one waits", !upcall_async(&act, &regs, EXO_ENTRY_EPILOGUE) &&
		ua.pending == 1u << EXO_ENTRY_EPILOGUE && ua.depth == 1);
	fresh();
	ua.entry[EXO_ENTRY_EVENT] = 0;
	act.event_due = 1;
	holds("no entry: it waits", !upcall_async(&act, &regs, EXO_ENTRY_EVENT) && ua.pending != 0);
	gives("and is not due any more", act.event_due, 0);
	fresh();
	ua.entry[EXO_ENTRY_EVENT] = ~0ull;
	holds("a bad entry: it waits",
		!upcall_async(&act, &regs, EXO_ENTRY_EVENT) && regs.rip == 0x8000);
	fresh();
	ua.depth = 1u << 31;
	holds("no slot: it waits",
		!upcall_async(&act, &regs, EXO_ENTRY_EVENT) && regs.rip == 0x8000);
	fresh();
	act.event_due = DUE_EVENT | DUE_REVOKE;
	upcalls_due(&act, &regs);
	holds("both are due: REVOKE enters",
		ua.save[0].vector == 0x100 + EXO_ENTRY_REVOKE && ua.depth == 1);
	holds("EVENT waits", ua.pending == 1u << EXO_ENTRY_EVENT && act.event_due == 0);
	fresh();
	act.forced = regs;
	holds("into a context taken by force", upcall_async(&act, &act.forced, EXO_ENTRY_EVENT));
	holds("all of it is saved", ua.save[0].flags == EXO_SAVE_FULL && ua.save[0].rbx == 3 &&
		ua.save[0].rdx == 4 && ua.save[0].rsi == 5 && ua.save[0].rdi == 6 &&
		ua.save[0].rbp == 7 && ua.save[0].r8 == 8 && ua.save[0].r9 == 9 &&
		ua.save[0].r10 == 10 && ua.save[0].r12 == 12 && ua.save[0].r13 == 13 &&
		ua.save[0].r14 == 14 && ua.save[0].r15 == 15);
}

static void
test_window(void)
{
	fresh();
	upcall_sync(&act, &regs, 0);
	ua.depth = 0;			/* the library resumes: the slot is released, rip in the window */
	ua.critical = 0;
	regs.rip = 0x1000;
	regs.rax = 99;
	regs.vector = 13;
	upcall_sync(&act, &regs, 0);
	holds("the slot is taken again", ua.depth == 1 && ua.critical == 1);
	holds("with the context that was being resumed", ua.save[0].rip == 0x8000 &&
		ua.save[0].rax == 1 && ua.save[0].flags == 0);
	gives("and the new vector", ua.save[0].vector, 13);
	ua.depth = 0;
	ua.critical = 0;
	regs.rip = 0x1fff;
	holds("an EVENT in the window", upcall_async(&act, &regs, EXO_ENTRY_EVENT));
	holds("takes it again too", ua.depth == 1 && ua.save[0].rip == 0x8000);
	ua.depth = 0;
	regs.rip = 0x2000;
	upcall_sync(&act, &regs, 0);
	gives("behind the window is outside", (i64)ua.save[0].rip, 0x2000);
	fresh();
	ua.window_begin = 0;
	ua.window_end = ~0ull;
	ua.depth = EXO_SAVE_SLOTS;
	gives("a window over everything reaches no ninth slot", dies(0),
		EXO_DEAD_NESTING | 14 << 16);
}

int
main(void)
{
	fake_start();
	test_sync();
	test_deaths();
	test_async();
	test_window();
	return fake_end();
}
