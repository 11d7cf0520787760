/* SPDX-License-Identifier: ISC */
/*
 * Exceptions: page faults that are served, and what becomes a signal.  The
 * library's own are allowed in copy.S and frame.S alone, where the program's memory is
 * touched; anywhere else they are the end.
 */
#include "arch.h"
#include "frame.h"
#include "../../proc/signal.h"
#include "../../thread/thread.h"
#include "../../proc/timer.h"
#include "../../proc/times.h"
#include "../../vm/rewrite.h"

#define VECTOR_DEBUG 1
#define VECTOR_BREAKPOINT 3
#define VECTOR_PROTECTION 13
#define VECTOR_PAGE_FAULT 14
/* The gate of vector 3 is closed to programs: a protection fault that names it.  QEMU shifts by one more. */
#define ERROR_INT3 (3u << 3 | 2)
#define ERROR_INT3_QEMU (3u << 4 | 2)

#define OPCODE_INT1 0xf1
#define OPCODE_INT3 0xcc
#define FLAG_TF 0x100ull

enum {
	FPE_INTDIV = 1,
	ILL_ILLOPN = 2,
	BUS_ADRALN = 1,
	SEGV_MAPERR = 1,
	TRAP_BRKPT = 1,
	TRAP_TRACE
};

static bool
in_library(u64 address)
{
	return address - (u64)exos_image < EXOS_SHARED;
}

/* Code of the image that runs as the program's. */
static bool
in_vdso(u64 rip)
{
	return rip >= (u64)exos_vdso && rip < (u64)exos_vdso_end;
}

static bool
by_library(u64 rip)
{
	return in_library(rip) && !in_vdso(rip);
}

static bool
in_copy(u64 rip)
{
	return (rip >= (u64)exos_copy_begin && rip < (u64)exos_copy_end) ||
		(rip >= (u64)exos_frame_begin && rip < (u64)exos_frame_end);
}

struct fault_signal {
	u8 signal, code;
	u64 addr;
};

/* int1 is told from a step by its opcode: no debug register can be read here. */
static int
trap_code(const struct exo_save *regs)
{
	u8 opcode = 0;

	copy_in(&opcode, regs->rip - 1, sizeof(opcode));
	return opcode == OPCODE_INT1 && !(regs->rflags & FLAG_TF) ? TRAP_BRKPT : TRAP_TRACE;
}

static struct fault_signal
signal_of(const struct exo_save *regs)
{
	switch (regs->vector) {
	case 0: return (struct fault_signal){ SIGFPE, FPE_INTDIV, regs->rip };
	case 1: return (struct fault_signal){ SIGTRAP, (u8)trap_code(regs), regs->rip };
	case 6: return (struct fault_signal){ SIGILL, ILL_ILLOPN, regs->rip };
	case 11:
	case 12: return (struct fault_signal){ SIGBUS, SI_KERNEL_, 0 };
	case 16:
	case 19: return (struct fault_signal){ SIGFPE, (u8)fpu_error_code(), regs->rip };
	case 17: return (struct fault_signal){ SIGBUS, BUS_ADRALN, 0 };
	default: return (struct fault_signal){ SIGSEGV, SI_KERNEL_, 0 };
	}
}

/* What the program did: its handler finds the exception in the context. */
static void
fault_of_program(struct exo_save *regs, int signal, int code, u64 addr)
{
	bool page = regs->vector == VECTOR_PAGE_FAULT;
	/* Linux tells nobody which of its own pages are there. */
	u32 hidden = page && regs->addr >= EXO_USER_TOP ? FAULT_PRESENT : 0;

	current->sig.trap.vector = regs->vector;
	current->sig.trap.error = regs->error | hidden;
	if (page)
		current->sig.trap.addr = regs->addr;
	signal_fault(regs, signal, code, addr);
}

/* The library broke its own rules: there is nobody to give a signal to. */
static noreturn_ void
library_fault(const struct exo_save *regs)
{
	exos_log("library fault: vector %u error %x at image+%lx, address %lx, stack %lx",
		regs->vector, regs->error, regs->rip - (u64)exos_image, regs->addr, regs->rsp);
	exos_die(SIGSEGV, "fault in the library");
}

static bool
is_breakpoint(const struct exo_save *regs)
{
	return regs->vector == VECTOR_PROTECTION &&
		(regs->error == ERROR_INT3 || regs->error == ERROR_INT3_QEMU);
}

/* int3: Linux reports it as a trap, behind the instruction. */
static void
breakpoint(struct exo_save *regs)
{
	u8 opcode = 0;

	copy_in(&opcode, regs->rip, sizeof(opcode));
	regs->rip += opcode == OPCODE_INT3 ? 1 : 2;
	regs->vector = VECTOR_BREAKPOINT;
	regs->error = 0;
	fault_of_program(regs, SIGTRAP, SI_KERNEL_, 0);
}

static void
page_fault(struct exo_save *regs)
{
	int signal = SIGSEGV, code = SEGV_MAPERR;

	if (in_library(regs->addr) && by_library(regs->rip) && !(regs->error & FAULT_PRESENT) &&
		lazy_fault(regs->addr))
		return;
	if (!in_library(regs->addr) && vm_fault(regs->addr, regs->error, &signal, &code))
		return;
	if (in_copy(regs->rip))
		regs->rip = (u64)exos_copy_fault;
	else if (by_library(regs->rip))
		library_fault(regs);
	else
		fault_of_program(regs, signal, code, regs->addr);
}

static void
other_fault(struct exo_save *regs)
{
	struct fault_signal f = signal_of(regs);

	if (f.code) /* else nothing is raised any more */
		fault_of_program(regs, f.signal, f.code, f.addr);
}

/* A program that steps does not step into a stub, nor, having made a call, through the library. */
bool
exception_steps(const struct exo_save *regs)
{
	return regs->vector == VECTOR_DEBUG && rewrite_steps(regs);
}

bool
exception_passes(struct exo_save *regs)
{
	if (regs->vector != VECTOR_DEBUG || !by_library(regs->rip))
		return false;
	regs->rflags &= ~FLAG_TF;
	return true;
}

void
exception_serve(struct exo_save *regs)
{
	REGS_CALL(regs) = ~0ull;
	if (regs->vector == VECTOR_PAGE_FAULT)
		page_fault(regs);
	else if (in_copy(regs->rip))
		regs->rip = (u64)exos_copy_fault; /* an address that is none */
	else if (by_library(regs->rip))
		library_fault(regs);
	else if (is_breakpoint(regs))
		breakpoint(regs);
	else
		other_fault(regs);
}
