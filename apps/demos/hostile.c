/* SPDX-License-Identifier: ISC */
/*
 * A program that tries what it should not.  Each line is an attempt and what
 * became of it.  As boot/init it first throws its root key away, so that it
 * tries with nothing in its hands.
 */
#include <exo/lib.h>
#include <exo/read.h>

EXO_NATIVE_NOTE;

/* What it keeps as init: the right to speak, and, where it does not try it, to stop. */
#define LOG_SLOT 1u
#define OFF_SLOT 100u

static unsigned held, broken;
static uint64_t recover;

static void
on_exception(struct exo_save *context)
{
	exo_printf("  vector %u, error 0x%x, address 0x%lx\n", context->vector, context->error,
		context->addr);
	context->rip = recover;
	context->rax = 1;
}

static void
verdict(const char *what, bool refused)
{
	exo_printf("%s: %s\n", what, refused ? "refused" : "SUCCEEDED");
	*(refused ? &held : &broken) += 1;
}

static void
call(const char *what, int64_t result)
{
	exo_printf("  -%s\n", exo_error_name(result));
	verdict(what, result < 0);
}

static void
touch(const char *what, uint64_t va, bool write)
{
	uint64_t faulted = 0;

	__asm__ volatile(
		"lea 2f(%%rip), %%rcx; mov %%rcx, %1; xor %%eax, %%eax; test %3, %3; jz 1f;"
		"movq $0, (%2); jmp 2f; 1: mov (%2), %%rcx; 2:"
		: "=&a"(faulted), "=m"(recover)
		: "r"(va), "r"((uint64_t)write)
		: "rcx", "memory", "cc");
	verdict(what, faulted != 0);
}

#define INSTRUCTION(what, code) do { \
	uint64_t faulted; \
	__asm__ volatile("lea 2f(%%rip), %%rcx; mov %%rcx, %1; xor %%eax, %%eax;" code "; 2:" \
				: "=&a"(faulted), "=m"(recover) : : "rcx", "rdx", "memory", "cc"); \
	verdict(what, faulted != 0); \
} while (0)

/* Print by our own log key where the program is init: its exo_print uses slot 0. */
static void
narrow_root(exo_slot to, char letter, uint8_t rights)
{
	struct exo_key key = { .len = 1, .rights = rights, .name = { (uint8_t)letter } };
	uint64_t words[2];

	__builtin_memcpy(words, &key, sizeof(words));
	exo_key_narrow(0, to, words[0], words[1]);
}

static void
drop_root(void)
{
	narrow_root(LOG_SLOT, EXO_NAME_LOG, EXO_W);
	narrow_root(OFF_SLOT, EXO_NAME_OFF, EXO_C);
	exo_key_drop(0, 1);
	exo_key_copy(LOG_SLOT, 1, exo_self(), 0, 0);
}

static exo_pfn
somebody_elses_frame(void)
{
	for (exo_pfn pfn = 1; pfn < exo_info()->frames; pfn++) {
		if (exo_frame(pfn)->kind == EXO_FRAME_DATA &&
			exo_frame(pfn)->account != exo_env(exo_self())->account)
			return pfn;
	}
	return exo_info()->archive_pfn;
}

int
exo_main(const struct exo_start *start)
{
	exo_pfn frame = somebody_elses_frame();
	struct exo_map map = { .va = 0x5ff000, .pfn = frame, .op = EXO_OP_MAP | EXO_MAP_WRITE };
	uint32_t slot = exo_env_find_slot();

	if (!start)
		drop_root();
	exo_on_exception(on_exception);
	touch("read the kernel's text", 0xffffffff80200000, false);
	touch("write physical memory through the kernel's map", 0xffff800000001000, true);
	touch("write the frame table", EXO_FRAMES, true);
	touch("write my own page table", EXO_VPT + (0x400000 >> 12) * 8, true);
	INSTRUCTION("load a page table", "mov %%rax, %%cr3");
	INSTRUCTION("disable interrupts", "cli");
	INSTRUCTION("write a port", "mov $0xf4, %%edx; out %%eax, %%dx");
	INSTRUCTION("read a model-specific register", "mov $0xc0000080, %%ecx; rdmsr");
	call("map somebody's frame", exo_map(exo_self(), &map, 1, 0));
	call("release somebody's frame", exo_frame_release(frame, 1, 0));
	call("take a frame without an account",
		exo_frame_claim(exo_frame_find(0, 1), 1, exo_info()->root_account, 0, 0, 0));
	call("destroy a neighbour that is not there",
		exo_env_destroy((exo_envid)slot | 1 << 16, 0, 0));
	call("forge the root key", exo_key_narrow(0, 9, EXO_RIGHTS_ALL << 8, 0));
	call("take every time slice", exo_slice_claim(0, 5, exo_self(), 0, 0, 0));
	call("use a port by call", exo_port_io(0xf4, 0x101, 0, 0));
	call("listen to the keyboard", exo_irq_bind(1, exo_self(), 1, 0));
	call("pull the plug", exo_machine_off(0, 0));
	exo_printf("%u attempts refused, %u succeeded\n", held, broken);
	if (!start)
		exo_machine_off(broken != 0, OFF_SLOT);
	return broken != 0;
}
